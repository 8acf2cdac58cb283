// SPDX-License-Identifier: GPL-2.0
/* From Kubernetes objects to what one node's kernel has to know. */
#include <stdlib.h>
#include <string.h>

#include "builder.h"

/* ---- nodes ---- */

/**
 * desired_mac - inner Ethernet address of a node that does not name one
 * @name: name of the node
 * @mac: filled: 02, then the low 40 bits of the 64-bit FNV-1a hash of the name
 *
 * All nodes have to agree on it, so it is part of the interface.
 */
void desired_mac(const char *name, uint8_t mac[NODE_MAC_SIZE])
{
	uint64_t hash = 0xcbf29ce484222325;
	int i;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3;
	mac[0] = 0x02;
	for (i = 1; i < NODE_MAC_SIZE; i++)
		mac[i] = hash >> 8 * (NODE_MAC_SIZE - 1 - i);
}

static bool find_self(struct builder *builder)
{
	const struct objects *objects = builder->objects;
	char names[512] = "";
	size_t i, used = 0;

	for (i = 0; i < objects->nodes.count; i++) {
		const char *name = objects->nodes.item[i].meta.name;

		if (!strcmp(name, builder->options->node)) {
			builder->self = &objects->nodes.item[i];
			return true;
		}
		if (used < sizeof(names))
			used += snprintf(names + used, sizeof(names) - used, "%s%s",
					 i ? ", " : "", name);
	}
	report_error(builder->report, NULL, "no Node \"%s\" among the objects: known are %s%s",
		     builder->options->node, *names ? names : "none",
		     used < sizeof(names) ? "" : "...");
	return false;
}

static bool has_underlay(struct builder *builder, const struct node_object *object)
{
	int i;

	if (!object->internal[V4].family && !object->internal[V6].family) {
		if (object == builder->self)
			report_error(builder->report, &object->meta.place,
				     "Node %s: status.addresses: must have an InternalIP, "
				     "this node cannot be reached without", object->meta.name);
		else
			report_warning(builder->report, &object->meta.place,
				       "Node %s: no InternalIP yet, left out",
				       object->meta.name);
		return false;
	}
	for (i = 0; i < FAMILIES; i++)
		if (object->internal[i].family && builder->self->internal[i].family)
			return true;
	if (builder->self->internal[V4].family || builder->self->internal[V6].family)
		report_warning(builder->report, &object->meta.place,
			       "Node %s: has no InternalIP of a family that %s has too, "
			       "cannot be reached", object->meta.name, builder->self->meta.name);
	return true;
}

static void add_prefixes(struct builder *builder, const struct node_object *object)
{
	size_t i;

	for (i = 0; i < object->cidrs.count; i++) {
		const struct range *cidr = &object->cidrs.item[i];
		struct prefix *prefix = list_add(&builder->state->prefixes);

		prefix->addr = cidr->addr;
		prefix->len = cidr->len;
		prefix->node = util_strdup(object->meta.name);
		prefix->place = cidr->place;
	}
}

/* The first address of a node's pod prefix is its own in the pod network. */
static void set_tunnel(const struct node_object *object, struct node *node)
{
	size_t i;

	for (i = 0; i < object->cidrs.count; i++) {
		const struct ip *addr = &object->cidrs.item[i].addr;
		struct ip *tunnel = &node->tunnel[family_index(addr->family)];

		if (!tunnel->family)
			*tunnel = *addr;
	}
}

static void add_node(struct builder *builder, const struct node_object *object)
{
	struct node *node;

	if (!has_underlay(builder, object))
		return;
	node = list_add(&builder->state->nodes);
	node->name = util_strdup(object->meta.name);
	node->place = object->meta.place;
	memcpy(node->underlay, object->internal, sizeof(node->underlay));
	node->mode = object->mode;
	node->active_mode = NODE_MODE_NONE;
	node->local = object == builder->self;
	if (object->has_mac)
		memcpy(node->mac, object->mac, sizeof(node->mac));
	else
		desired_mac(node->name, node->mac);
	if (node->local)
		set_tunnel(object, node);
	if (node->local && !object->cidrs.count)
		report_warning(builder->report, &node->place,
			       "Node %s: spec.podCIDRs is missing, no pods can run here",
			       node->name);
	add_prefixes(builder, object);
}

/**
 * struct address_user - an underlay address and whose it is
 * @addr: the address
 * @node: the node
 */
struct address_user {
	struct ip addr;
	const struct node *node;
};

static int compare_address_users(const void *a, const void *b)
{
	const struct address_user *x = a, *y = b;
	int order = ip_compare(&x->addr, &y->addr);

	return order ? order : node_compare(x->node, y->node);
}

static void check_underlay(struct builder *builder)
{
	LIST(struct address_user) users = { 0 };
	char place[PLACE_TEXT_MAX], text[IP_TEXT_MAX];
	size_t i;
	int j;

	for (i = 0; i < builder->state->nodes.count; i++) {
		const struct node *node = &builder->state->nodes.item[i];

		for (j = 0; j < FAMILIES; j++)
			if (node->underlay[j].family)
				*list_add(&users) = (struct address_user){
					node->underlay[j], node,
				};
	}
	list_sort(&users, compare_address_users);
	for (i = 1; i < users.count; i++) {
		const struct node *a = users.item[i - 1].node, *b = users.item[i].node;

		if (!ip_compare(&users.item[i - 1].addr, &users.item[i].addr))
			report_error(builder->report, &b->place,
				     "Node %s: InternalIP %s is that of Node %s too (%s)",
				     b->name, ip_text(&users.item[i].addr, text), a->name,
				     place_text(&a->place, place));
	}
	list_free(&users);
}

/* Sorted, a prefix stands behind those that it is in; nested ones of one node are fine. */
static void check_prefixes(struct builder *builder)
{
	const struct prefix *outer = NULL;
	size_t i;

	list_sort(&builder->state->prefixes, prefix_compare);
	for (i = 0; i < builder->state->prefixes.count; i++) {
		const struct prefix *inner = &builder->state->prefixes.item[i];
		char a[IP_TEXT_MAX], b[IP_TEXT_MAX], place[PLACE_TEXT_MAX];

		if (!outer || !ip_contains(&outer->addr, outer->len, &inner->addr)) {
			outer = inner;
			continue;
		}
		if (!strcmp(outer->node, inner->node))
			continue;
		report_error(builder->report, &inner->place,
			     "Node %s: spec.podCIDRs: %s/%u overlaps %s/%u of Node %s (%s)",
			     inner->node, ip_text(&inner->addr, a), inner->len,
			     ip_text(&outer->addr, b), outer->len, outer->node,
			     place_text(&outer->place, place));
	}
}

/* A node may name a prefix twice. */
static void drop_double_prefixes(struct state *state)
{
	size_t i, kept = 0;

	for (i = 0; i < state->prefixes.count; i++) {
		struct prefix *prefix = &state->prefixes.item[i];

		if (kept && !prefix_compare(&state->prefixes.item[kept - 1], prefix))
			free(prefix->node);
		else
			state->prefixes.item[kept++] = *prefix;
	}
	state->prefixes.count = kept;
}

/**
 * desired_build - what the kernel of one node has to know
 * @objects: the objects, complete
 * @options: what they do not tell
 * @state: filled, and sorted; to be freed also after an error
 * @report: errors and warnings
 *
 * Return: false if there is an error in @report.
 */
bool desired_build(const struct objects *objects, const struct desired_options *options,
		   struct state *state, struct report *report)
{
	struct builder builder = {
		.objects = objects, .options = options, .state = state, .report = report,
	};
	size_t i, errors = report->errors.count;

	if (!find_self(&builder))
		return false;
	for (i = 0; i < objects->nodes.count; i++)
		add_node(&builder, &objects->nodes.item[i]);
	check_underlay(&builder);
	check_prefixes(&builder);
	drop_double_prefixes(state);
	desired_add_ranges(&builder);
	desired_add_services(&builder);
	if (!objects->is_part) {
		desired_add_machines(&builder);
		desired_set_config(&builder);
	}
	state_sort(state);
	return report->errors.count == errors;
}
