// SPDX-License-Identifier: GPL-2.0
/* Sets of addresses, as spans from a first to a last one. */
#include <stdlib.h>

#include "span.h"

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int order = ip_compare(&x->first, &y->first);

	return order ? order : ip_compare(&x->last, &y->last);
}

/* The address after this one; false behind the last of its family. */
static bool next_ip(struct ip *ip)
{
	size_t i;

	for (i = ip_size(ip); i > 0; i--)
		if (++ip->bytes[i - 1])
			return true;
	return false;
}

/* Is there no address between the end of a span and this one? */
static bool reaches(const struct span *span, const struct ip *ip)
{
	struct ip next = span->last;

	if (span->last.family != ip->family)
		return false;
	return !next_ip(&next) || ip_compare(ip, &next) <= 0;
}

/**
 * spans_add_prefix - add all addresses of a prefix
 * @spans: the set
 * @addr: an address of the prefix
 * @len: significant bits
 */
void spans_add_prefix(struct spans *spans, const struct ip *addr, uint8_t len)
{
	struct span *span = list_add(&spans->list);
	unsigned int bit;

	span->first = *addr;
	span->last = *addr;
	for (bit = len; bit < ip_bits(addr); bit++) {
		span->first.bytes[bit / 8] &= ~(0x80 >> bit % 8);
		span->last.bytes[bit / 8] |= 0x80 >> bit % 8;
	}
}

/**
 * spans_merge - bring spans into order, and make one of those that meet
 * @spans: the set
 */
void spans_merge(struct spans *spans)
{
	size_t i, kept = 0;

	list_sort(&spans->list, compare_spans);
	for (i = 0; i < spans->list.count; i++) {
		struct span *last = kept ? &spans->list.item[kept - 1] : NULL;
		const struct span *span = &spans->list.item[i];

		if (!last || !reaches(last, &span->first))
			spans->list.item[kept++] = *span;
		else if (ip_compare(&span->last, &last->last) > 0)
			last->last = span->last;
	}
	spans->list.count = kept;
}

/**
 * spans_equal - are these the same addresses?
 * @a: a set, merged
 * @b: a set, merged
 */
bool spans_equal(const struct spans *a, const struct spans *b)
{
	size_t i;

	if (a->list.count != b->list.count)
		return false;
	for (i = 0; i < a->list.count; i++)
		if (compare_spans(&a->list.item[i], &b->list.item[i]))
			return false;
	return true;
}

/**
 * spans_overlap - is one of these addresses in a set?
 * @spans: the set
 * @span: the addresses
 */
bool spans_overlap(const struct spans *spans, const struct span *span)
{
	size_t i;

	for (i = 0; i < spans->list.count; i++) {
		const struct span *other = &spans->list.item[i];

		if (other->first.family == span->first.family &&
		    ip_compare(&other->first, &span->last) <= 0 &&
		    ip_compare(&span->first, &other->last) <= 0)
			return true;
	}
	return false;
}

/**
 * spans_are_within - are all addresses of a set among these?
 * @spans: the set
 * @span: the addresses
 */
bool spans_are_within(const struct spans *spans, const struct span *span)
{
	size_t i;

	for (i = 0; i < spans->list.count; i++) {
		const struct span *other = &spans->list.item[i];

		if (other->first.family != span->first.family ||
		    ip_compare(&other->first, &span->first) < 0 ||
		    ip_compare(&other->last, &span->last) > 0)
			return false;
	}
	return true;
}

/**
 * spans_free - forget all
 * @spans: the set
 */
void spans_free(struct spans *spans)
{
	list_free(&spans->list);
}
