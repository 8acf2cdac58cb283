// SPDX-License-Identifier: GPL-2.0
/*
 * From Kubernetes objects to what one node's kernel has to know: virtual machines.
 *
 * The address of a machine is a prefix of its own, of the node where it runs. The ranges
 * that machines have addresses from are told, too: what is sent there and reaches no
 * machine must not leave by the default route.
 */
#include <stdlib.h>
#include <string.h>

#include "builder.h"

/**
 * struct taken - what a machine cannot have
 * @underlay: addresses of nodes, sorted
 * @prefixes: how many of the state's prefixes are not of machines
 */
struct taken {
	LIST(struct ip) underlay;
	size_t prefixes;
};

static int compare_ips(const void *a, const void *b)
{
	return ip_compare(a, b);
}

static void find_taken(const struct builder *builder, struct taken *taken)
{
	const struct state *state = builder->state;
	size_t i;
	int f;

	taken->prefixes = state->prefixes.count;
	for (i = 0; i < state->nodes.count; i++)
		for (f = 0; f < FAMILIES; f++)
			if (state->nodes.item[i].underlay[f].family)
				*list_add(&taken->underlay) = state->nodes.item[i].underlay[f];
	list_sort(&taken->underlay, compare_ips);
}

static const struct node *find_node(const struct state *state, const char *name)
{
	const struct node key = { .name = (char *)name };

	return state->nodes.count ? bsearch(&key, state->nodes.item, state->nodes.count,
					    sizeof(key), node_compare) : NULL;
}

static const struct prefix *find_prefix(const struct builder *builder, const struct taken *taken,
					const struct ip *addr)
{
	const struct prefix key = { .addr = *addr, .len = ip_bits(addr) };

	return taken->prefixes ? bsearch(&key, builder->state->prefixes.item, taken->prefixes,
					 sizeof(key), prefix_compare) : NULL;
}

static bool is_underlay(const struct taken *taken, const struct ip *addr)
{
	return taken->underlay.count && bsearch(addr, taken->underlay.item, taken->underlay.count,
						sizeof(*addr), compare_ips);
}

static int compare_name(const void *name, const void *node)
{
	return strcmp(name, ((const struct node_object *)node)->meta.name);
}

/* Is an address among those that a node has anyhow? */
static bool is_pod_address(const struct objects *objects, const struct owner *owner)
{
	const struct node_object *node = objects->nodes.count ?
		bsearch(owner->node, objects->nodes.item, objects->nodes.count,
			sizeof(*objects->nodes.item), compare_name) : NULL;
	size_t i;

	for (i = 0; node && i < node->cidrs.count; i++)
		if (ip_contains(&node->cidrs.item[i].addr, node->cidrs.item[i].len, &owner->addr))
			return true;
	return false;
}

static void leave_out(struct builder *builder, const struct owner *owner, const char *why,
		      const char *node)
{
	char text[IP_TEXT_MAX];

	report_warning(builder->report, &owner->meta->place,
		       "%s %s/%s: address %s cannot be reached: %s %s", owner->meta->kind,
		       owner->meta->namespace, owner->meta->name, ip_text(&owner->addr, text), why,
		       node);
}

static void add_machine(struct builder *builder, const struct taken *taken,
			const struct owner *owner)
{
	const struct prefix *same = find_prefix(builder, taken, &owner->addr);
	struct prefix *prefix;

	if (is_pod_address(builder->objects, owner))
		return;
	if (!find_node(builder->state, owner->node)) {
		leave_out(builder, owner, "there is no Node with an InternalIP named", owner->node);
	} else if (is_underlay(taken, &owner->addr)) {
		leave_out(builder, owner, "it is an InternalIP of a Node, so it is not routed to",
			  owner->node);
	} else if (same) {
		leave_out(builder, owner, "it is a pod prefix of Node", same->node);
	} else {
		prefix = list_add(&builder->state->prefixes);
		prefix->addr = owner->addr;
		prefix->len = ip_bits(&owner->addr);
		prefix->node = util_strdup(owner->node);
		prefix->is_machine = true;
		prefix->place = owner->meta->place;
	}
}

/* What else is in a range that machines have their addresses from, or NULL. */
static char *find_stranger(const struct builder *builder, const struct range *range)
{
	const struct objects *objects = builder->objects;
	char text[IP_TEXT_MAX];
	size_t i;
	int f;

	for (i = 0; i < builder->state->nodes.count; i++)
		for (f = 0; f < FAMILIES; f++) {
			const struct node *node = &builder->state->nodes.item[i];

			if (node->underlay[f].family &&
			    ip_contains(&range->addr, range->len, &node->underlay[f]))
				return util_printf("InternalIP %s of Node %s",
						   ip_text(&node->underlay[f], text), node->name);
		}
	for (i = 0; i < objects->ranges.count; i++)
		if (objects->ranges.item[i].kind == DVPNET_RANGE_KIND_SERVICE &&
		    range_overlaps(range, &objects->ranges.item[i]))
			return util_printf("Service addresses %s",
					   ip_prefix_text(&objects->ranges.item[i].addr,
							  objects->ranges.item[i].len, text));
	return NULL;
}

static void add_machine_range(struct builder *builder, const struct range *range)
{
	char *stranger = find_stranger(builder, range);
	char text[IP_TEXT_MAX];
	size_t i;

	if (stranger)
		report_warning(builder->report, &range->place,
			       "machine addresses %s overlap %s: what is sent there and reaches no "
			       "machine may leave by the default route",
			       ip_prefix_text(&range->addr, range->len, text), stranger);
	free(stranger);
	for (i = 0; !stranger && i < builder->state->machine_ranges.count; i++)
		if (!range_compare(&builder->state->machine_ranges.item[i], range))
			return;
	if (!stranger)
		*list_add(&builder->state->machine_ranges) = *range;
}

/**
 * desired_add_machines - add addresses of virtual machines, and their ranges, to the state
 * @builder: what desired_build() works with; nodes and prefixes are there already, sorted
 */
void desired_add_machines(struct builder *builder)
{
	const struct objects *objects = builder->objects;
	struct taken taken = { 0 };
	size_t i;

	if (objects->owners.count)
		find_taken(builder, &taken);
	for (i = 0; i < objects->owners.count; i++)
		add_machine(builder, &taken, &objects->owners.item[i]);
	list_free(&taken.underlay);
	for (i = 0; i < objects->machine_ranges.count; i++)
		add_machine_range(builder, &objects->machine_ranges.item[i]);
}
