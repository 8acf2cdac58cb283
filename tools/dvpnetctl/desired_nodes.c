// SPDX-License-Identifier: GPL-2.0
/*
 * From Kubernetes objects to what one node's kernel has to know: nodes, and the prefixes
 * of their pods.
 *
 * An InternalIP and a pod prefix are one node's alone. When a machine was installed anew
 * under another name, two Nodes claim the same until somebody deletes the old one. Then
 * the older keeps it, as among Services (claims.c): all nodes find the same, and who comes
 * takes nothing away from who is there. A Node whose address is another's is left out, of
 * prefixes just those that are. This node itself goes first in its own view, whatever the
 * others make of it: what it has, it has.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "builder.h"

/**
 * struct kept - what a node has got
 * @range: addresses, or a single one
 * @node: the node
 */
struct kept {
	struct range range;
	const struct node_object *node;
};

/**
 * struct adder - nodes on their way into the state
 * @builder: what desired_build() works with
 * @addresses: tree of &struct kept: InternalIPs
 * @prefixes: tree of &struct kept: pod prefixes, of a node's nested ones the widest
 */
struct adder {
	struct builder *builder;
	void *addresses;
	void *prefixes;
};

/**
 * desired_mac - inner Ethernet address of a node that does not name one
 * @name: name of the node
 * @mac: filled: 02, then the low 40 bits of util_hash() of the name
 *
 * All nodes have to agree on it, so it is part of the interface.
 */
void desired_mac(const char *name, uint8_t mac[NODE_MAC_SIZE])
{
	uint64_t hash = util_hash(name);
	int i;

	mac[0] = 0x02;
	for (i = 1; i < NODE_MAC_SIZE; i++)
		mac[i] = hash >> 8 * (NODE_MAC_SIZE - 1 - i);
}

/* ---- who has what ---- */

/* What overlaps is equal. None in a tree do, so there is an order. */
static int compare_kept(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return range_overlaps(&x->range, &y->range) ? 0 : ip_compare(&x->range.addr,
								      &y->range.addr);
}

/* What overlaps @range, or NULL. */
static const struct kept *find_kept(void *const *tree, const struct range *range)
{
	const struct kept key = { .range = *range };
	struct kept **found = tfind(&key, tree, compare_kept);

	return found ? *found : NULL;
}

static void keep(void **tree, const struct range *range, const struct node_object *node)
{
	struct kept *kept = util_alloc(sizeof(*kept));

	*kept = (struct kept){ *range, node };
	if (!tsearch(kept, tree, compare_kept))
		util_alloc(SIZE_MAX);
}

static int compare_ages(const struct node_object *x, const struct node_object *y)
{
	int order = meta_compare_created(x->created, y->created);

	return order ? order : strcmp(x->meta.name, y->meta.name);
}

static int compare_nodes(const void *a, const void *b)
{
	return compare_ages(*(const struct node_object *const *)a,
			    *(const struct node_object *const *)b);
}

/* Why @keeper goes before @node. */
static const char *why(const struct adder *adder, const struct node_object *keeper,
		       const struct node_object *node)
{
	if (keeper == adder->builder->self)
		return compare_ages(keeper, node) < 0 ? "which is this node" :
		       "which is this node; the other nodes leave this one out, as it is younger";
	return meta_compare_created(keeper->created, node->created) ?
	       "which is older and keeps it" : "which comes first by name and keeps it";
}

/* ---- nodes ---- */

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

static struct range address_range(const struct ip *addr)
{
	return (struct range){ .addr = *addr, .len = ip_bits(addr) };
}

/* Does another node have one of its addresses already? */
static bool has_lost(const struct adder *adder, const struct node_object *object)
{
	char place[PLACE_TEXT_MAX], text[IP_TEXT_MAX];
	const struct kept *kept;
	struct range range;
	int i;

	for (i = 0; i < FAMILIES; i++) {
		if (!object->internal[i].family)
			continue;
		range = address_range(&object->internal[i]);
		kept = find_kept(&adder->addresses, &range);
		if (!kept)
			continue;
		report_error(adder->builder->report, &object->meta.place,
			     "Node %s: InternalIP %s is that of Node %s too (%s), %s; delete the "
			     "Node that is no more", object->meta.name,
			     ip_text(&object->internal[i], text), kept->node->meta.name,
			     place_text(&kept->node->meta.place, place),
			     why(adder, kept->node, object));
		return true;
	}
	return false;
}

static void add_prefix(struct adder *adder, const struct node_object *object,
		       const struct range *cidr)
{
	const struct kept *kept = find_kept(&adder->prefixes, cidr);
	char text[IP_TEXT_MAX], other[IP_TEXT_MAX], place[PLACE_TEXT_MAX];
	struct prefix *prefix;

	if (kept && kept->node != object) {
		report_error(adder->builder->report, &cidr->place,
			     "Node %s: spec.podCIDRs: %s overlaps %s of Node %s (%s), %s; delete "
			     "the Node that is no more, or create one of them anew",
			     object->meta.name, ip_prefix_text(&cidr->addr, cidr->len, text),
			     ip_prefix_text(&kept->range.addr, kept->range.len, other),
			     kept->node->meta.name, place_text(&kept->range.place, place),
			     why(adder, kept->node, object));
		return;
	}
	if (!kept)
		keep(&adder->prefixes, cidr, object);
	prefix = list_add(&adder->builder->state->prefixes);
	prefix->addr = cidr->addr;
	prefix->len = cidr->len;
	prefix->node = util_strdup(object->meta.name);
	prefix->place = cidr->place;
}

/* A node may nest prefixes, or name one twice. */
static void add_prefixes(struct adder *adder, const struct node_object *object)
{
	LIST(struct range) cidrs = { 0 };
	size_t i;

	for (i = 0; i < object->cidrs.count; i++)
		*list_add(&cidrs) = object->cidrs.item[i];
	list_sort(&cidrs, range_compare);
	for (i = 0; i < cidrs.count; i++)
		if (!i || range_compare(&cidrs.item[i - 1], &cidrs.item[i]))
			add_prefix(adder, object, &cidrs.item[i]);
	list_free(&cidrs);
}

static void add_node(struct adder *adder, const struct node_object *object)
{
	struct builder *builder = adder->builder;
	struct range range;
	struct node *node;
	int i;

	if (!has_underlay(builder, object) || has_lost(adder, object))
		return;
	for (i = 0; i < FAMILIES; i++) {
		range = address_range(&object->internal[i]);
		if (range.addr.family)
			keep(&adder->addresses, &range, object);
	}
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
	add_prefixes(adder, object);
}

/**
 * desired_add_nodes - add nodes and the prefixes of their pods to the state, sorted
 * @builder: what desired_build() works with; it knows this node
 *
 * Return: false if this node cannot be one, which is an error.
 */
bool desired_add_nodes(struct builder *builder)
{
	struct adder adder = { .builder = builder };
	LIST(const struct node_object *) others = { 0 };
	size_t i;

	for (i = 0; i < builder->objects->nodes.count; i++)
		if (&builder->objects->nodes.item[i] != builder->self)
			*list_add(&others) = &builder->objects->nodes.item[i];
	list_sort(&others, compare_nodes);
	add_node(&adder, builder->self);
	for (i = 0; i < others.count; i++)
		add_node(&adder, others.item[i]);
	list_free(&others);
	tdestroy(adder.addresses, free);
	tdestroy(adder.prefixes, free);
	list_sort(&builder->state->nodes, node_compare);
	list_sort(&builder->state->prefixes, prefix_compare);
	return state_self(builder->state);
}
