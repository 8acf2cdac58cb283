// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses and ports that Services claim, and who gets those that several do.
 *
 * An API server sees to it that a ClusterIP and a nodePort are one Service's
 * alone, so two that have one are an error of the input. Addresses of load
 * balancers and externalIPs anybody may write into a Service. There the claim of
 * a ClusterIP goes first, then that of a load balancer, then an externalIP; among
 * equals the older Service. All nodes find the same, the one who has an address
 * keeps it, and a mistake in one Service does not hold up the others.
 */
#include <stdlib.h>
#include <string.h>

#include "claims.h"

static const char *const type_texts[] = {
	[DVPNET_FRONTEND_TYPE_CLUSTER_IP] = "clusterIP",
	[DVPNET_FRONTEND_TYPE_NODE_PORT] = "nodePort",
	[DVPNET_FRONTEND_TYPE_LOAD_BALANCER] = "load balancer IP",
	[DVPNET_FRONTEND_TYPE_EXTERNAL_IP] = "externalIP",
};

/* Types are numbered in the order in which they go. */
static int compare_ranks(const struct claim *x, const struct claim *y)
{
	int order;

	if (x->frontend.type != y->frontend.type)
		return x->frontend.type < y->frontend.type ? -1 : 1;
	order = meta_compare_created(x->object->created, y->object->created);
	if (!order)
		order = strcmp(x->object->meta.namespace, y->object->meta.namespace);
	if (!order)
		order = strcmp(x->object->meta.name, y->object->meta.name);
	return order ? order : x->service < y->service ? -1 : x->service > y->service;
}

static int compare_addresses(const struct claim *x, const struct claim *y)
{
	int order = x->family - y->family;

	return order ? order : ip_compare(&x->frontend.addr, &y->frontend.addr);
}

/* What the kernel tells frontends apart by: NodePorts have no address but a family. */
static int compare_claimed(const struct claim *x, const struct claim *y)
{
	int order = compare_addresses(x, y);

	if (!order)
		order = x->proto - y->proto;
	return order ? order : x->frontend.port - y->frontend.port;
}

static int compare_by_address(const void *a, const void *b)
{
	int order = compare_addresses(a, b);

	return order ? order : compare_ranks(a, b);
}

static int compare_by_claimed(const void *a, const void *b)
{
	int order = compare_claimed(a, b);

	return order ? order : compare_ranks(a, b);
}

static const char *claimed_text(const struct claim *claim, char text[IP_TEXT_MAX])
{
	ip_port_text(&claim->frontend.addr, claim->frontend.port, text);
	/* A NodePort is "*:PORT". */
	return claim->frontend.addr.family ? text : strrchr(text, ':') + 1;
}

static bool is_unique(const struct claim *claim)
{
	return claim->frontend.type == DVPNET_FRONTEND_TYPE_CLUSTER_IP ||
	       claim->frontend.type == DVPNET_FRONTEND_TYPE_NODE_PORT;
}

static void report_taken(const struct claim *claim, const struct claim *keeper,
			 const struct state *state, struct report *report)
{
	const char *name = state->services.item[claim->service].name;
	const char *keeper_name = state->services.item[keeper->service].name;
	char text[IP_TEXT_MAX], place[PLACE_TEXT_MAX];
	const char *why = "comes first by name";

	if (is_unique(claim)) {
		report_error(report, &claim->place, "Service %s: %s %s (%s) is taken by Service %s "
			     "too (%s)", name, type_texts[claim->frontend.type],
			     claimed_text(claim, text), proto_text(claim->proto), keeper_name,
			     place_text(&keeper->place, place));
		return;
	}
	if (claim->frontend.type != keeper->frontend.type)
		why = keeper->frontend.type == DVPNET_FRONTEND_TYPE_CLUSTER_IP ?
		      "has it as clusterIP" : "has it as load balancer IP";
	else if (strcmp(claim->object->created, keeper->object->created))
		why = "is older";
	report_warning(report, &claim->place, "Service %s: %s %s (%s) is claimed by Service %s too, "
		       "which %s and keeps it (%s); left out here", name,
		       type_texts[claim->frontend.type], claimed_text(claim, text),
		       proto_text(claim->proto), keeper_name, why,
		       place_text(&keeper->place, place));
}

static void report_address(const struct claim *claim, const struct claim *keeper,
			   struct report *report)
{
	const struct meta *meta = &claim->object->meta, *owner = &keeper->object->meta;
	char text[IP_TEXT_MAX], place[PLACE_TEXT_MAX];

	report_warning(report, &claim->place, "Service %s/%s: %s %s is the clusterIP of Service %s/%s "
		       "(%s); left out here", meta->namespace, meta->name,
		       type_texts[claim->frontend.type], ip_text(&claim->frontend.addr, text),
		       owner->namespace, owner->name, place_text(&keeper->place, place));
}

/* Addresses that are another Service's ClusterIP, on whatever port. */
static void settle_addresses(struct claims *claims, struct report *report)
{
	const struct claim *keeper = NULL, *told = NULL;
	size_t i;

	list_sort(&claims->list, compare_by_address);
	for (i = 0; i < claims->list.count; i++) {
		struct claim *claim = &claims->list.item[i];

		if (!keeper || compare_addresses(keeper, claim))
			keeper = claim;
		if (keeper->frontend.type != DVPNET_FRONTEND_TYPE_CLUSTER_IP || is_unique(claim) ||
		    keeper->object == claim->object)
			continue;
		claim->lost = true;
		if (!told || told->object != claim->object || compare_addresses(told, claim))
			report_address(claim, keeper, report);
		told = claim;
	}
}

static void settle_places(struct claims *claims, const struct state *state,
			  struct report *report)
{
	const struct claim *keeper = NULL;
	size_t i;

	list_sort(&claims->list, compare_by_claimed);
	for (i = 0; i < claims->list.count; i++) {
		struct claim *claim = &claims->list.item[i];

		if (claim->lost)
			continue;
		if (!keeper || compare_claimed(keeper, claim)) {
			keeper = claim;
			continue;
		}
		claim->lost = true;
		/* A Service may name an address twice; a NodePort of two families is one mistake. */
		if (claim->service != keeper->service &&
		    !(claim->family == AF_INET6 && !claim->frontend.addr.family &&
		      report->errors.count))
			report_taken(claim, keeper, state, report);
	}
}

/* Not wrong, and done; but what else listens there on that node is not reached any more. */
static void warn_of_node(const struct claim *claim, const struct objects *objects,
			 struct report *report)
{
	const struct meta *meta = &claim->object->meta;
	char text[IP_TEXT_MAX], place[PLACE_TEXT_MAX];
	size_t i;

	for (i = 0; i < objects->nodes.count; i++) {
		const struct node_object *node = &objects->nodes.item[i];

		if (ip_compare(&node->internal[family_index(claim->family)],
			       &claim->frontend.addr))
			continue;
		report_warning(report, &claim->place, "Service %s/%s: externalIP %s is the address of "
			       "Node %s (%s): connections to port %u there lead to the Service, "
			       "not to what listens on the node", meta->namespace, meta->name,
			       ip_text(&claim->frontend.addr, text), node->meta.name,
			       place_text(&node->meta.place, place), claim->frontend.port);
	}
}

/**
 * claims_settle - give each Service what it gets
 * @claims: what the Services ask for
 * @objects: the objects
 * @state: frontends are added to its services
 * @report: who does not get what, and why
 */
void claims_settle(struct claims *claims, const struct objects *objects, struct state *state,
		   struct report *report)
{
	size_t i;

	settle_addresses(claims, report);
	settle_places(claims, state, report);
	for (i = 0; i < claims->list.count; i++) {
		const struct claim *claim = &claims->list.item[i];

		if (claim->lost)
			continue;
		if (claim->frontend.type == DVPNET_FRONTEND_TYPE_EXTERNAL_IP)
			warn_of_node(claim, objects, report);
		*list_add(&state->services.item[claim->service].frontends) = claim->frontend;
	}
}
