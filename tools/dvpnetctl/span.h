/* SPDX-License-Identifier: GPL-2.0 */
/* Sets of addresses, as spans from a first to a last one. */
#ifndef DVPNETCTL_SPAN_H
#define DVPNETCTL_SPAN_H

#include "ip.h"
#include "util.h"

/**
 * struct span - addresses without a gap
 * @first: the lowest
 * @last: the highest, of the same family
 */
struct span {
	struct ip first;
	struct ip last;
};

/** struct spans - a set of addresses; in order, and apart from each other, after spans_merge() */
struct spans {
	LIST(struct span) list;
};

void spans_add_prefix(struct spans *spans, const struct ip *addr, uint8_t len);
void spans_merge(struct spans *spans);
bool spans_equal(const struct spans *a, const struct spans *b);
bool spans_overlap(const struct spans *spans, const struct span *span);
bool spans_are_within(const struct spans *spans, const struct span *span);
void spans_free(struct spans *spans);

#endif
