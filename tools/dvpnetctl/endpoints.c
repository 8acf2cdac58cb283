// SPDX-License-Identifier: GPL-2.0
/*
 * The backends of one service port: merged from slices, and in which list each is.
 *
 * The rules are those of Kubernetes' own proxy. Topology: if all ready endpoints
 * have a hint for nodes and one is for this node, those for this node; else
 * likewise for zones; else all. Cluster list: the ready ones in that topology;
 * none ready at all, the terminating ones that serve. Local list: the ready ones
 * on this node; if none, those on this node that serve while they terminate.
 *
 * Beside them, weights. Each endpoint has that of its slice, so slices of one
 * Service may differ: one holds the new version's endpoints, say. Weight 0 drains:
 * for the lists such an endpoint is not there, but it is named, so that what it
 * serves already goes on. An endpoint that several slices have, as while it moves
 * between them, has the largest of their weights, whichever copy is used: all
 * nodes have to come to the same.
 */
#include <stdlib.h>
#include <string.h>

#include "endpoints.h"

/**
 * struct candidate - an endpoint with one of its ports
 * @endpoint: the endpoint
 * @port: host byte order
 * @is_local: it is on this node
 * @is_elsewhere: the node that it names is not the one that has its address
 * @weight: share of new connections; 0 = none
 * @order: place in the slices
 */
struct candidate {
	const struct endpoint *endpoint;
	uint16_t port;
	bool is_local;
	bool is_elsewhere;
	uint32_t weight;
	size_t order;
};

/** struct candidates - all of a service port */
struct candidates {
	LIST(struct candidate) list;
};

/**
 * enum topology - by which hints the cluster list is narrowed
 * @BY_NODE: hints.forNodes
 * @BY_ZONE: hints.forZones
 * @BY_NONE: not at all
 */
enum topology { BY_NODE, BY_ZONE, BY_NONE };

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = ip_compare(&x->endpoint->addr, &y->endpoint->addr);

	if (!order)
		order = x->port - y->port;
	/* An address that is there twice, as while a VM migrates: by the node that has it. */
	if (!order)
		order = x->is_elsewhere - y->is_elsewhere;
	/* Of other addresses the local copy is used. */
	if (!order)
		order = y->is_local - x->is_local;
	if (!order)
		order = y->endpoint->ready - x->endpoint->ready;
	return order ? order : x->order < y->order ? -1 : 1;
}

static void add_candidate(const struct objects *objects, struct candidates *candidates,
			  const struct slice_object *slice, const struct endpoint *endpoint,
			  uint16_t port, const char *node)
{
	const struct owner *owner = owners_find(objects, &endpoint->addr);
	struct candidate *candidate = list_add(&candidates->list);

	candidate->endpoint = endpoint;
	candidate->port = port;
	candidate->is_local = !util_strcmp_null(owner ? owner->node : endpoint->node, node);
	candidate->is_elsewhere = owner && util_strcmp_null(owner->node, endpoint->node);
	candidate->weight = slice->weight;
	candidate->order = candidates->list.count;
}

static void add_slice(const struct objects *objects, struct candidates *candidates,
		      const struct slice_object *slice, const struct service_port *port,
		      const char *node)
{
	size_t i, j;

	for (i = 0; i < slice->ports.count; i++) {
		const struct slice_port *found = &slice->ports.item[i];

		if (found->proto != port->proto || strcmp(found->name, port->name))
			continue;
		for (j = 0; j < slice->endpoints.count; j++)
			add_candidate(objects, candidates, slice, &slice->endpoints.item[j],
				      found->port, node);
	}
}

static void drop_copies(struct candidates *candidates)
{
	size_t i, kept = 0;

	list_sort(&candidates->list, compare_candidates);
	for (i = 0; i < candidates->list.count; i++) {
		struct candidate *last = kept ? &candidates->list.item[kept - 1] : NULL;
		const struct candidate *candidate = &candidates->list.item[i];

		if (!last || last->port != candidate->port ||
		    ip_compare(&last->endpoint->addr, &candidate->endpoint->addr))
			candidates->list.item[kept++] = *candidate;
		else if (last->weight < candidate->weight)
			last->weight = candidate->weight;
	}
	candidates->list.count = kept;
}

/* Takes new connections as a matter of course. */
static bool is_ready(const struct candidate *candidate)
{
	return candidate->endpoint->ready && candidate->weight;
}

/* Serves out its last requests. */
static bool is_draining(const struct candidate *candidate)
{
	const struct endpoint *endpoint = candidate->endpoint;

	return !endpoint->ready && endpoint->serving && endpoint->terminating &&
	       candidate->weight;
}

static bool has_hint(const struct endpoint *endpoint, enum topology topology)
{
	return topology == BY_NODE ? endpoint->for_nodes.count : endpoint->for_zones.count;
}

static bool is_hinted(const struct endpoint *endpoint, enum topology topology,
		      const char *node, const char *zone)
{
	size_t i;

	if (topology == BY_NONE)
		return true;
	if (topology == BY_NODE) {
		for (i = 0; i < endpoint->for_nodes.count; i++)
			if (!strcmp(endpoint->for_nodes.item[i], node))
				return true;
		return false;
	}
	for (i = 0; zone && i < endpoint->for_zones.count; i++)
		if (!strcmp(endpoint->for_zones.item[i], zone))
			return true;
	return false;
}

/* One ready endpoint without hint disables a level; so does one that nobody is hinted for. */
static bool is_usable(const struct candidates *candidates, enum topology topology,
		      const char *node, const char *zone)
{
	bool hinted = false;
	size_t i;

	for (i = 0; i < candidates->list.count; i++) {
		const struct endpoint *endpoint = candidates->list.item[i].endpoint;

		if (!is_ready(&candidates->list.item[i]))
			continue;
		if (!has_hint(endpoint, topology))
			return false;
		hinted |= is_hinted(endpoint, topology, node, zone);
	}
	return hinted;
}

static enum topology choose_topology(const struct candidates *candidates, const char *node,
				     const char *zone)
{
	if (is_usable(candidates, BY_NODE, node, zone))
		return BY_NODE;
	if (is_usable(candidates, BY_ZONE, node, zone))
		return BY_ZONE;
	return BY_NONE;
}

static uint32_t flags_of(const struct candidate *candidate)
{
	const struct endpoint *endpoint = candidate->endpoint;

	return (candidate->is_local ? DVPNET_BACKEND_FLAGS_ON_NODE : 0) |
	       (endpoint->ready ? DVPNET_BACKEND_FLAGS_READY : 0) |
	       (endpoint->terminating ? DVPNET_BACKEND_FLAGS_TERMINATING : 0);
}

/**
 * struct lists - how the lists come about
 * @topology: by which hints the cluster list is narrowed
 * @any_ready: there are ready ones
 * @local_ready: there are ready ones on this node
 */
struct lists {
	enum topology topology;
	bool any_ready;
	bool local_ready;
};

static uint32_t memberships(const struct candidate *candidate, const struct lists *lists,
			    const char *node, const char *zone)
{
	uint32_t flags = 0;

	if (lists->any_ready ? is_ready(candidate) &&
			       is_hinted(candidate->endpoint, lists->topology, node, zone) :
			       is_draining(candidate))
		flags |= DVPNET_BACKEND_FLAGS_CLUSTER;
	if (candidate->is_local &&
	    (lists->local_ready ? is_ready(candidate) : is_draining(candidate)))
		flags |= DVPNET_BACKEND_FLAGS_LOCAL;
	return flags;
}

static void add_backend(const struct candidate *candidate, const struct lists *lists,
			const char *node, const char *zone, struct service *service)
{
	struct backend *backend;

	/* What serves is named even if it is in no list: its UDP flows stay. */
	if (!candidate->endpoint->ready && !candidate->endpoint->serving)
		return;
	backend = list_add(&service->backends);
	backend->addr = candidate->endpoint->addr;
	backend->port = candidate->port;
	/* In no list, a weight has no meaning, and the kernel knows no 0. */
	backend->weight = candidate->weight ? candidate->weight : 1;
	backend->flags = flags_of(candidate) | memberships(candidate, lists, node, zone);
}

/* An empty list is said to be of ready ones: there are none. */
static void tell_why(const struct lists *lists, struct service *service)
{
	static const uint32_t by_topology[] = {
		[BY_NODE] = DVPNET_LIST_WHY_READY_NODE,
		[BY_ZONE] = DVPNET_LIST_WHY_READY_ZONE,
		[BY_NONE] = DVPNET_LIST_WHY_READY,
	};
	uint32_t listed = 0;
	size_t i;

	for (i = 0; i < service->backends.count; i++)
		listed |= service->backends.item[i].flags;
	service->cluster_why = DVPNET_LIST_WHY_READY;
	if (lists->any_ready)
		service->cluster_why = by_topology[lists->topology];
	else if (listed & DVPNET_BACKEND_FLAGS_CLUSTER)
		service->cluster_why = DVPNET_LIST_WHY_TERMINATING;
	service->local_why = DVPNET_LIST_WHY_READY;
	if (!lists->local_ready && listed & DVPNET_BACKEND_FLAGS_LOCAL)
		service->local_why = DVPNET_LIST_WHY_TERMINATING;
}

static void add_backends(const struct candidates *candidates, const char *node,
			 const char *zone, struct service *service)
{
	struct lists lists = { choose_topology(candidates, node, zone) };
	size_t i;

	for (i = 0; i < candidates->list.count; i++) {
		const struct candidate *candidate = &candidates->list.item[i];

		lists.any_ready |= is_ready(candidate);
		lists.local_ready |= is_ready(candidate) && candidate->is_local;
	}
	for (i = 0; i < candidates->list.count; i++)
		add_backend(&candidates->list.item[i], &lists, node, zone, service);
	tell_why(&lists, service);
}

/**
 * endpoints_choose - fill in the backends of a service port
 * @objects: know who has an address that is on several nodes
 * @slices: all EndpointSlices of the Service
 * @count: how many they are
 * @port: the port
 * @node: name of this node
 * @zone: zone of this node, or NULL
 * @service: its backends are filled, of its family
 */
void endpoints_choose(const struct objects *objects, const struct slice_object *slices,
		      size_t count, const struct service_port *port, const char *node,
		      const char *zone, struct service *service)
{
	struct candidates candidates = { 0 };
	size_t i;

	for (i = 0; i < count; i++)
		if (slices[i].family == service->family)
			add_slice(objects, &candidates, &slices[i], port, node);
	drop_copies(&candidates);
	add_backends(&candidates, node, zone, service);
	list_free(&candidates.list);
}
