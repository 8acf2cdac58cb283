// SPDX-License-Identifier: GPL-2.0
/* Ranges of addresses: a few, in an array. */
#include <linux/sort.h>
#include <linux/string.h>
#include <net/ipv6.h>

#include "range.h"

/**
 * dvp_range_find - the narrowest range that holds an address
 * @range: the ranges
 * @count: how many
 * @addr: the address
 *
 * Return: the range or NULL.
 */
const struct dvp_range *dvp_range_find(const struct dvp_range *range, u32 count,
				       const struct in6_addr *addr)
{
	bool is_v4 = ipv6_addr_v4mapped(addr);
	const struct dvp_range *best = NULL;
	u32 i;

	for (i = 0; i < count; i++)
		if ((!best || range[i].len > best->len) &&
		    /* ::/0 is not all of IPv4. */
		    ipv6_addr_v4mapped(&range[i].addr) == is_v4 &&
		    ipv6_prefix_equal(&range[i].addr, addr, range[i].len))
			best = &range[i];
	return best;
}

static int range_cmp(const void *a, const void *b)
{
	const struct dvp_range *one = a, *other = b;

	return memcmp(&one->addr, &other->addr, sizeof(one->addr)) ?:
	       one->len - other->len;
}

/**
 * dvp_range_sort - bring ranges into the order in which equal sets are equal
 * @range: the ranges
 * @count: how many
 *
 * Return: false if one stands there twice.
 */
bool dvp_range_sort(struct dvp_range *range, u32 count)
{
	u32 i;

	sort(range, count, sizeof(*range), range_cmp, NULL);
	for (i = 1; i < count; i++)
		if (!range_cmp(&range[i - 1], &range[i]))
			return false;
	return true;
}
