// SPDX-License-Identifier: GPL-2.0
/*
 * From Kubernetes objects to what one node's kernel has to know: ranges.
 *
 * What is sent to an address of a Service range that no Service has is dropped.
 * A range that reaches into the addresses of pods, nodes or virtual machines
 * would drop what is for those, so it is left out.
 */
#include "builder.h"

static void report_overlap(const struct builder *builder, const struct range *range,
			   const struct range *with, const char *what)
{
	char text[IP_TEXT_MAX], other[IP_TEXT_MAX], where[PLACE_TEXT_MAX];

	report_warning(builder->report, &range->place,
		       "Service addresses %s overlap %s %s (%s): addresses there that no Service "
		       "has are not dropped", ip_prefix_text(&range->addr, range->len, text), what,
		       ip_prefix_text(&with->addr, with->len, other),
		       place_text(&with->place, where));
}

static bool overlaps_pods(const struct builder *builder, const struct range *range)
{
	const struct state *state = builder->state;
	size_t i;

	for (i = 0; i < state->prefixes.count; i++) {
		const struct prefix *prefix = &state->prefixes.item[i];
		const struct range pods = {
			.addr = prefix->addr, .len = prefix->len, .place = prefix->place,
		};

		if (!range_overlaps(range, &pods))
			continue;
		report_overlap(builder, range, &pods, "pods");
		return true;
	}
	return false;
}

static bool overlaps_inside(const struct builder *builder, const struct range *range)
{
	const struct objects *objects = builder->objects;
	size_t i;

	for (i = 0; i < objects->ranges.count; i++) {
		const struct range *other = &objects->ranges.item[i];

		if (other->kind != DVPNET_RANGE_KIND_INSIDE || !range_overlaps(range, other))
			continue;
		report_overlap(builder, range, other, "pods or machines");
		return true;
	}
	return false;
}

static bool is_usable(const struct builder *builder, const struct range *range)
{
	return range->kind != DVPNET_RANGE_KIND_SERVICE ||
	       (!overlaps_pods(builder, range) && !overlaps_inside(builder, range));
}

/* Several objects may tell the same. */
static bool is_there(const struct ranges *ranges, const struct range *range)
{
	size_t i;

	for (i = 0; i < ranges->list.count; i++)
		if (!range_compare(&ranges->list.item[i], range))
			return true;
	return false;
}

/**
 * desired_add_ranges - add the ranges of the whole cluster to the state
 * @builder: what desired_build() works with; its prefixes are there already
 */
void desired_add_ranges(struct builder *builder)
{
	const struct objects *objects = builder->objects;
	size_t i;

	for (i = 0; i < objects->ranges.count; i++) {
		const struct range *range = &objects->ranges.item[i];

		if (!is_there(&builder->state->ranges, range) && is_usable(builder, range))
			*list_add(&builder->state->ranges.list) = *range;
	}
}
