// SPDX-License-Identifier: GPL-2.0
/* The module's side, over generic netlink: what it does with packets. */
#include <errno.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>

#include "attr.h"
#include "kernel.h"

/* ---- flows ---- */

const char *const flow_states[] = { "new", "established", "closing", NULL };
const char *const flow_flags[] = { "masquerade", "port-moved", "egress", "direct", NULL };

static int parse_flow(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attrs[DVPNET_A_FLOW_MAX + 1];
	struct flow_list *list = arg;
	struct flow *flow;

	if (genlmsg_parse(nlh, 0, attrs, DVPNET_A_FLOW_MAX, NULL))
		return -EBADMSG;
	flow = list_add(&list->flows);
	flow->proto = attr_u8(attrs[DVPNET_A_FLOW_PROTO]);
	attr_get_ip(attrs[DVPNET_A_FLOW_CLIENT], &flow->client);
	flow->client_port = attr_u16(attrs[DVPNET_A_FLOW_CLIENT_PORT]);
	attr_get_ip(attrs[DVPNET_A_FLOW_FRONTEND], &flow->frontend);
	flow->frontend_port = attr_u16(attrs[DVPNET_A_FLOW_FRONTEND_PORT]);
	attr_get_ip(attrs[DVPNET_A_FLOW_BACKEND], &flow->backend);
	flow->backend_port = attr_u16(attrs[DVPNET_A_FLOW_BACKEND_PORT]);
	attr_get_ip(attrs[DVPNET_A_FLOW_SOURCE], &flow->source);
	flow->source_port = attr_u16(attrs[DVPNET_A_FLOW_SOURCE_PORT]);
	flow->service = attr_string(attrs[DVPNET_A_FLOW_SERVICE]);
	flow->state = attr_u32(attrs[DVPNET_A_FLOW_STATE], 0);
	flow->flags = attr_u32(attrs[DVPNET_A_FLOW_FLAGS], 0);
	flow->expires = attr_u32(attrs[DVPNET_A_FLOW_EXPIRES], 0);
	return 0;
}

static void reset_flows(void *arg)
{
	flow_list_free(arg);
}

/**
 * kernel_get_flows - read all flows
 * @kernel: the module
 * @flows: filled
 *
 * Flows come and go while they are read; that is no inconsistency.
 *
 * Return: 0 or a negative errno.
 */
int kernel_get_flows(struct kernel *kernel, struct flow_list *flows)
{
	return kernel_dump(kernel, DVPNET_CMD_FLOW_GET, parse_flow, flows, reset_flows);
}

static int parse_flush(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attrs[DVPNET_A_FLOW_MAX + 1];

	if (genlmsg_parse(nlh, 0, attrs, DVPNET_A_FLOW_MAX, NULL))
		return -EBADMSG;
	*(uint32_t *)arg = attr_u32(attrs[DVPNET_A_FLOW_COUNT], 0);
	return 0;
}

/* What is not said is left out. */
static void put_ends(struct nl_msg *msg, const struct flow *flow)
{
	attr_put_ip(msg, DVPNET_A_FLOW_CLIENT, &flow->client);
	attr_put_port(msg, DVPNET_A_FLOW_CLIENT_PORT, flow->client_port);
	attr_put_ip(msg, DVPNET_A_FLOW_FRONTEND, &flow->frontend);
	attr_put_port(msg, DVPNET_A_FLOW_FRONTEND_PORT, flow->frontend_port);
	attr_put_ip(msg, DVPNET_A_FLOW_BACKEND, &flow->backend);
	attr_put_port(msg, DVPNET_A_FLOW_BACKEND_PORT, flow->backend_port);
}

/**
 * kernel_flush_flows - remove flows
 * @kernel: the module
 * @filter: which ones
 * @count: filled with how many they were
 *
 * Return: 0 or a negative errno.
 */
int kernel_flush_flows(struct kernel *kernel, const struct flow *filter, uint32_t *count)
{
	struct nl_msg *msg = kernel_request(kernel, DVPNET_CMD_FLOW_FLUSH, 0);

	*count = 0;
	if (filter->proto)
		nla_put_u8(msg, DVPNET_A_FLOW_PROTO, filter->proto);
	put_ends(msg, filter);
	attr_put_string(msg, DVPNET_A_FLOW_SERVICE, filter->service);
	return netlink_request(&kernel->netlink, msg, parse_flush, count);
}

/**
 * kernel_new_flow - have the kernel take over a flow of another node
 * @kernel: the module
 * @flow: the flow, as kernel_get_flows() told it there
 *
 * Return: 0 or a negative errno.
 */
int kernel_new_flow(struct kernel *kernel, const struct flow *flow)
{
	struct nl_msg *msg = kernel_request(kernel, DVPNET_CMD_FLOW_NEW, 0);

	nla_put_u8(msg, DVPNET_A_FLOW_PROTO, flow->proto);
	put_ends(msg, flow);
	attr_put_port(msg, DVPNET_A_FLOW_SOURCE_PORT, flow->source_port);
	nla_put_u32(msg, DVPNET_A_FLOW_STATE, flow->state);
	nla_put_u32(msg, DVPNET_A_FLOW_FLAGS, flow->flags);
	nla_put_u32(msg, DVPNET_A_FLOW_EXPIRES, flow->expires);
	return netlink_request(&kernel->netlink, msg, NULL, NULL);
}

/**
 * flow_list_free - free all flows
 * @flows: the list
 */
void flow_list_free(struct flow_list *flows)
{
	size_t i;

	for (i = 0; i < flows->flows.count; i++)
		free(flows->flows.item[i].service);
	list_free(&flows->flows);
}

/* ---- counters ---- */

static int parse_counters(struct nlmsghdr *nlh, void *arg)
{
	struct counter_list *list = arg;
	struct nlattr *attr;
	int rest;

	nla_for_each_attr(attr, genlmsg_attrdata(genlmsg_hdr(nlh), 0),
			  genlmsg_attrlen(genlmsg_hdr(nlh), 0), rest) {
		struct nlattr *attrs[DVPNET_A_COUNTER_MAX + 1];
		struct counter *counter;

		if (nla_type(attr) != DVPNET_A_STATS_COUNTER)
			continue;
		if (nla_parse_nested(attrs, DVPNET_A_COUNTER_MAX, attr, NULL) ||
		    !attrs[DVPNET_A_COUNTER_NAME] || !attrs[DVPNET_A_COUNTER_VALUE] ||
		    nla_len(attrs[DVPNET_A_COUNTER_VALUE]) < 8)
			return -EBADMSG;
		counter = list_add(&list->counters);
		counter->name = attr_string(attrs[DVPNET_A_COUNTER_NAME]);
		counter->help = attr_string(attrs[DVPNET_A_COUNTER_HELP]);
		counter->value = nla_get_u64(attrs[DVPNET_A_COUNTER_VALUE]);
	}
	return 0;
}

/**
 * kernel_get_counters - read all counters
 * @kernel: the module
 * @counters: filled
 *
 * Return: 0 or a negative errno.
 */
int kernel_get_counters(struct kernel *kernel, struct counter_list *counters)
{
	return netlink_request(&kernel->netlink, kernel_request(kernel, DVPNET_CMD_STATS_GET, 0),
			       parse_counters, counters);
}

/**
 * counter_list_free - free all counters
 * @counters: the list
 */
void counter_list_free(struct counter_list *counters)
{
	size_t i;

	for (i = 0; i < counters->counters.count; i++) {
		free(counters->counters.item[i].name);
		free(counters->counters.item[i].help);
	}
	list_free(&counters->counters);
}

/* ---- explanations ---- */

static int parse_explanation(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attrs[DVPNET_A_ROUTE_MAX + 1];
	struct explanation *explanation = arg;

	if (genlmsg_parse(nlh, 0, attrs, DVPNET_A_ROUTE_MAX, NULL))
		return -EBADMSG;
	explanation->verdict = attr_u32(attrs[DVPNET_A_ROUTE_VERDICT], DVPNET_VERDICT_NONE);
	explanation->reason = attr_string(attrs[DVPNET_A_ROUTE_REASON]);
	explanation->service = attr_string(attrs[DVPNET_A_ROUTE_SERVICE]);
	explanation->frontend_type = attr_u32(attrs[DVPNET_A_ROUTE_FRONTEND_TYPE], 0);
	explanation->list = attr_u32(attrs[DVPNET_A_ROUTE_LIST], DVPNET_LIST_NONE);
	explanation->list_len = attr_u32(attrs[DVPNET_A_ROUTE_LIST_LEN], 0);
	explanation->list_why = attr_u32(attrs[DVPNET_A_ROUTE_LIST_WHY], 0);
	explanation->algorithm = attr_u32(attrs[DVPNET_A_ROUTE_ALGORITHM], 0);
	explanation->affinity = attr_u32(attrs[DVPNET_A_ROUTE_AFFINITY], 0);
	explanation->awaited = attrs[DVPNET_A_ROUTE_AWAITED];
	attr_get_ip(attrs[DVPNET_A_ROUTE_BACKEND], &explanation->backend);
	explanation->backend_port = attr_u16(attrs[DVPNET_A_ROUTE_BACKEND_PORT]);
	explanation->masquerade = attrs[DVPNET_A_ROUTE_MASQUERADE];
	attr_get_ip(attrs[DVPNET_A_ROUTE_SOURCE], &explanation->source);
	explanation->source_port = attr_u16(attrs[DVPNET_A_ROUTE_SOURCE_PORT]);
	attr_get_ip(attrs[DVPNET_A_ROUTE_TARGET], &explanation->target);
	explanation->target_port = attr_u16(attrs[DVPNET_A_ROUTE_TARGET_PORT]);
	explanation->node = attr_string(attrs[DVPNET_A_ROUTE_NODE]);
	explanation->local = attrs[DVPNET_A_ROUTE_LOCAL];
	explanation->mode = attr_u32(attrs[DVPNET_A_ROUTE_MODE], NODE_MODE_NONE);
	explanation->mtu = attr_u32(attrs[DVPNET_A_ROUTE_MTU], 0);
	attr_get_ip(attrs[DVPNET_A_ROUTE_UNDERLAY], &explanation->underlay);
	return 0;
}

/**
 * kernel_explain - ask what would happen to a packet
 * @kernel: the module
 * @explanation: the packet; the rest is filled
 *
 * Return: 0 or a negative errno.
 */
int kernel_explain(struct kernel *kernel, struct explanation *explanation)
{
	struct nl_msg *msg = kernel_request(kernel, DVPNET_CMD_ROUTE_GET, 0);

	nla_put_u8(msg, DVPNET_A_ROUTE_PROTO, explanation->proto);
	attr_put_ip(msg, DVPNET_A_ROUTE_SRC, &explanation->src);
	attr_put_port(msg, DVPNET_A_ROUTE_SPORT, explanation->sport);
	attr_put_ip(msg, DVPNET_A_ROUTE_DST, &explanation->dst);
	attr_put_port(msg, DVPNET_A_ROUTE_DPORT, explanation->dport);
	return netlink_request(&kernel->netlink, msg, parse_explanation, explanation);
}

/**
 * explanation_free - free what an explanation owns
 * @explanation: the explanation
 */
void explanation_free(struct explanation *explanation)
{
	free(explanation->reason);
	free(explanation->service);
	free(explanation->node);
	service_free(&explanation->object);
}
