/* SPDX-License-Identifier: GPL-2.0 */
/* Ranges of addresses: what an address is, and where clients may come from. */
#ifndef _DVPNET_RANGE_H
#define _DVPNET_RANGE_H

#include <linux/in6.h>
#include <linux/types.h>

/**
 * struct dvp_range - all addresses that begin alike
 * @addr: the first of them, IPv4 as ::ffff:a.b.c.d
 * @len: how many bits they share, IPv4 with 96 added
 * @kind: &enum dvpnet_range_kind; 0 where ranges are all of one kind
 * @zero: padding
 */
struct dvp_range {
	struct in6_addr addr;
	u8 len;
	u8 kind;
	u16 zero;
};

const struct dvp_range *dvp_range_find(const struct dvp_range *range, u32 count,
				       const struct in6_addr *addr);
bool dvp_range_sort(struct dvp_range *range, u32 count);

#endif
