// SPDX-License-Identifier: GPL-2.0
/* What the kernel knows, or ought to know: nodes, prefixes, services, settings. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "state.h"

/**
 * node_compare - order nodes by name
 * @a: &struct node
 * @b: &struct node
 */
int node_compare(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/**
 * prefix_compare - order prefixes by address, a longer one behind the one that it is in
 * @a: &struct prefix
 * @b: &struct prefix
 */
int prefix_compare(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;
	int order = ip_compare(&x->addr, &y->addr);

	return order ? order : x->len - y->len;
}

/**
 * range_compare - order ranges by address, length and kind
 * @a: &struct range
 * @b: &struct range
 */
int range_compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	int order = ip_compare(&x->addr, &y->addr);

	if (!order)
		order = x->len - y->len;
	if (!order && x->kind != y->kind)
		order = x->kind < y->kind ? -1 : 1;
	return order;
}

/**
 * range_overlaps - is any address in both?
 * @a: a range
 * @b: another one
 */
bool range_overlaps(const struct range *a, const struct range *b)
{
	return ip_contains(&a->addr, a->len, &b->addr) || ip_contains(&b->addr, b->len, &a->addr);
}

/**
 * frontend_compare - order frontends
 * @a: &struct frontend
 * @b: &struct frontend
 */
int frontend_compare(const void *a, const void *b)
{
	const struct frontend *x = a, *y = b;
	int order;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	order = ip_compare(&x->addr, &y->addr);
	return order ? order : x->port - y->port;
}

/**
 * backend_compare - order backends by address and port
 * @a: &struct backend
 * @b: &struct backend
 */
int backend_compare(const void *a, const void *b)
{
	const struct backend *x = a, *y = b;
	int order = ip_compare(&x->addr, &y->addr);

	return order ? order : x->port - y->port;
}

/**
 * service_compare - order services by name and family
 * @a: &struct service
 * @b: &struct service
 */
int service_compare(const void *a, const void *b)
{
	const struct service *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->family - y->family;
}

/**
 * node_equal - does the kernel know of a node what it ought to?
 * @a: a node
 * @b: a node of the same name
 */
bool node_equal(const struct node *a, const struct node *b)
{
	int i;

	for (i = 0; i < FAMILIES; i++)
		if (ip_compare(&a->underlay[i], &b->underlay[i]) ||
		    ip_compare(&a->tunnel[i], &b->tunnel[i]))
			return false;
	return !memcmp(a->mac, b->mac, sizeof(a->mac)) && a->mode == b->mode &&
	       a->local == b->local;
}

static bool lists_equal(const struct range *a, size_t a_count, const struct range *b,
			size_t b_count)
{
	size_t i;

	if (a_count != b_count)
		return false;
	for (i = 0; i < a_count; i++)
		if (range_compare(&a[i], &b[i]))
			return false;
	return true;
}

/**
 * ranges_equal - are the ranges of the whole cluster those that they ought to be?
 * @a: sorted ranges
 * @b: sorted ranges
 */
bool ranges_equal(const struct ranges *a, const struct ranges *b)
{
	return lists_equal(a->list.item, a->list.count, b->list.item, b->list.count);
}

static bool frontends_equal(const struct service *a, const struct service *b)
{
	size_t i;

	if (a->frontends.count != b->frontends.count)
		return false;
	for (i = 0; i < a->frontends.count; i++)
		if (frontend_compare(&a->frontends.item[i], &b->frontends.item[i]))
			return false;
	return true;
}

static bool backends_equal(const struct service *a, const struct service *b)
{
	size_t i;

	if (a->backends.count != b->backends.count)
		return false;
	for (i = 0; i < a->backends.count; i++) {
		const struct backend *x = &a->backends.item[i], *y = &b->backends.item[i];

		if (backend_compare(x, y) || x->flags != y->flags || x->weight != y->weight)
			return false;
	}
	return true;
}

/**
 * service_equal - does the kernel know of a service what it ought to?
 * @a: a service
 * @b: a service of the same name and family
 */
bool service_equal(const struct service *a, const struct service *b)
{
	return a->proto == b->proto && a->flags == b->flags && a->affinity == b->affinity &&
	       a->algorithm == b->algorithm && a->cluster_why == b->cluster_why &&
	       a->local_why == b->local_why && frontends_equal(a, b) && backends_equal(a, b) &&
	       lists_equal(a->sources.item, a->sources.count, b->sources.item, b->sources.count);
}

/**
 * node_free - free what a node owns
 * @node: the node
 */
void node_free(struct node *node)
{
	free(node->name);
}

/**
 * service_free - free what a service owns
 * @service: the service
 */
void service_free(struct service *service)
{
	free(service->name);
	list_free(&service->sources);
	list_free(&service->frontends);
	list_free(&service->backends);
}

/**
 * node_common_family - by which family two nodes talk
 * @a: a node
 * @b: another one
 *
 * IPv4 where both have it, else IPv6, as the module chooses.
 *
 * Return: index of the family, or -1 if they have none in common.
 */
int node_common_family(const struct node *a, const struct node *b)
{
	int i;

	for (i = 0; i < FAMILIES; i++)
		if (a->underlay[i].family && b->underlay[i].family)
			return i;
	return -1;
}

/**
 * state_self - this node
 * @state: the state
 *
 * Return: the node, or NULL where there is none.
 */
const struct node *state_self(const struct state *state)
{
	size_t i;

	for (i = 0; i < state->nodes.count; i++)
		if (state->nodes.item[i].local)
			return &state->nodes.item[i];
	return NULL;
}

/**
 * state_sort - bring all lists into their order
 * @state: the state
 */
void state_sort(struct state *state)
{
	size_t i;

	list_sort(&state->ranges.list, range_compare);
	list_sort(&state->nodes, node_compare);
	list_sort(&state->prefixes, prefix_compare);
	list_sort(&state->services, service_compare);
	for (i = 0; i < state->services.count; i++) {
		struct service *service = &state->services.item[i];

		list_sort(&service->sources, range_compare);
		list_sort(&service->frontends, frontend_compare);
		list_sort(&service->backends, backend_compare);
	}
}

/**
 * state_free - free all, an empty state remains
 * @state: the state
 */
void state_free(struct state *state)
{
	size_t i;

	for (i = 0; i < state->nodes.count; i++)
		node_free(&state->nodes.item[i]);
	for (i = 0; i < state->prefixes.count; i++)
		free(state->prefixes.item[i].node);
	for (i = 0; i < state->services.count; i++)
		service_free(&state->services.item[i]);
	origin_free(&state->origin);
	list_free(&state->ranges.list);
	list_free(&state->machine_ranges);
	list_free(&state->nodes);
	list_free(&state->prefixes);
	list_free(&state->services);
	memset(&state->config, 0, sizeof(state->config));
}

/**
 * family_index - where a family stands in what there is once a family
 * @family: AF_INET or AF_INET6
 */
int family_index(uint8_t family)
{
	return family == AF_INET ? V4 : V6;
}

/**
 * proto_text - name of a transport protocol
 * @proto: IPPROTO_*
 */
const char *proto_text(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	default:
		return "other";
	}
}

/**
 * proto_parse - read the name of a transport protocol
 * @text: the name, in letters of either case
 * @proto: filled with IPPROTO_*
 */
bool proto_parse(const char *text, uint8_t *proto)
{
	static const uint8_t known[] = {
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (!strcasecmp(text, proto_text(known[i]))) {
			*proto = known[i];
			return true;
		}
	}
	return false;
}
