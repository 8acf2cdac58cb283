// SPDX-License-Identifier: GPL-2.0
/* Requests about flows, and the explanation of a packet's way. */
#include <linux/in.h>
#include <linux/rtnetlink.h>

#include "backend.h"
#include "decide.h"
#include "egress.h"
#include "flow.h"
#include "frontend.h"
#include "mtu.h"
#include "netlink.h"
#include "netns.h"
#include "node.h"
#include "service.h"
#include "translate.h"
#include "underlay.h"

static int netlink_put_end(struct sk_buff *skb, int addr_attr, int port_attr,
			   const struct in6_addr *addr, __be16 port)
{
	return dvp_netlink_put_addr(skb, addr_attr, addr) ?:
	       nla_put_u16(skb, port_attr, ntohs(port));
}

static int netlink_fill_flow(struct sk_buff *skb, struct dvp_net *dn,
			     const struct dvp_flow *flow)
{
	const struct dvp_tuple *outer = dvp_flow_outer(flow);
	const struct dvp_tuple *answer = dvp_flow_answer(flow);
	const struct dvp_service *service = NULL;
	u32 flags = 0;

	if (flow->masquerade)
		flags |= DVPNET_FLOW_FLAGS_MASQUERADE;
	if (dvp_flow_port_moved(flow))
		flags |= DVPNET_FLOW_FLAGS_PORT_MOVED;
	if (flow->kind == DVP_FLOW_EGRESS)
		flags |= DVPNET_FLOW_FLAGS_EGRESS;
	if (flow->kind == DVP_FLOW_DIRECT)
		flags |= DVPNET_FLOW_FLAGS_DIRECT;
	if (nla_put_u8(skb, DVPNET_A_FLOW_PROTO, outer->proto) ||
	    netlink_put_end(skb, DVPNET_A_FLOW_CLIENT, DVPNET_A_FLOW_CLIENT_PORT,
			    &outer->src, outer->sport) ||
	    netlink_put_end(skb, DVPNET_A_FLOW_FRONTEND, DVPNET_A_FLOW_FRONTEND_PORT,
			    &outer->dst, outer->dport) ||
	    netlink_put_end(skb, DVPNET_A_FLOW_BACKEND, DVPNET_A_FLOW_BACKEND_PORT,
			    &answer->src, answer->sport) ||
	    netlink_put_end(skb, DVPNET_A_FLOW_SOURCE, DVPNET_A_FLOW_SOURCE_PORT,
			    &answer->dst, answer->dport) ||
	    nla_put_u32(skb, DVPNET_A_FLOW_STATE, READ_ONCE(flow->state)) ||
	    nla_put_u32(skb, DVPNET_A_FLOW_FLAGS, flags) ||
	    nla_put_u32(skb, DVPNET_A_FLOW_EXPIRES, dvp_flow_expires_in(flow)))
		return -EMSGSIZE;
	if (flow->kind == DVP_FLOW_SERVICE)
		service = dvp_service_by_frontend(dn, outer);
	if (service && nla_put_string(skb, DVPNET_A_FLOW_SERVICE, service->name))
		return -EMSGSIZE;
	return 0;
}

/**
 * dvp_netlink_flow_dump_start - begin a dump of flows
 * @cb: the dump; its walk outlives a message, see dvp_netlink_init()
 *
 * Without a device the walk is not begun: the dump says why, as it can on all
 * kernels, and a start cannot.
 *
 * Return: 0 or -ENOMEM.
 */
int dvp_netlink_flow_dump_start(struct netlink_callback *cb)
{
	struct dvp_flow_walk *walk;
	struct dvp_net *dn;

	walk = kzalloc(sizeof(*walk), GFP_KERNEL_ACCOUNT);
	if (!walk)
		return -ENOMEM;
	cb->args[0] = (unsigned long)walk;
	dn = dvp_netlink_dump(cb);
	if (IS_ERR(dn))
		return 0;
	dvp_flow_walk_begin(dn, walk);
	dvp_netlink_end(dn);
	return 0;
}

int dvpnet_nl_flow_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dvp_flow_walk *walk = (void *)cb->args[0];
	struct dvp_flow *flow;
	struct dvp_net *dn;

	dn = dvp_netlink_dump(cb);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	/* The device may be another one by now. */
	if (!walk->open)
		goto out;
	for (flow = dvp_flow_walk_resume(walk); flow; flow = dvp_flow_walk_next(walk)) {
		void *header;

		header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				     &dvp_netlink_family, NLM_F_MULTI, DVPNET_CMD_FLOW_GET);
		if (!header)
			break;
		if (netlink_fill_flow(skb, dn, flow)) {
			genlmsg_cancel(skb, header);
			break;
		}
		genlmsg_end(skb, header);
	}
	dvp_flow_walk_pause(walk);
out:
	dvp_netlink_end(dn);
	return skb->len;
}

/**
 * dvp_netlink_flow_dump_done - end a dump of flows, complete or not
 * @cb: the dump
 */
int dvp_netlink_flow_dump_done(struct netlink_callback *cb)
{
	struct dvp_flow_walk *walk = (void *)cb->args[0];

	dvp_flow_walk_end(walk);
	kfree(walk);
	return 0;
}

static int netlink_get_end(struct genl_info *info, int addr_attr, int port_attr,
			   struct in6_addr *addr, __be16 *port)
{
	if (info->attrs[port_attr])
		*port = htons(nla_get_u16(info->attrs[port_attr]));
	if (!info->attrs[addr_attr])
		return 0;
	return dvp_netlink_get_addr(info->attrs[addr_attr], addr, info->extack);
}

int dvpnet_nl_flow_flush_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dvp_flow_match match = {};
	struct sk_buff *msg;
	struct dvp_net *dn;
	void *header;
	u32 count;
	int err;

	err = netlink_get_end(info, DVPNET_A_FLOW_CLIENT, DVPNET_A_FLOW_CLIENT_PORT,
			      &match.outer.src, &match.outer.sport) ?:
	      netlink_get_end(info, DVPNET_A_FLOW_FRONTEND, DVPNET_A_FLOW_FRONTEND_PORT,
			      &match.outer.dst, &match.outer.dport) ?:
	      netlink_get_end(info, DVPNET_A_FLOW_BACKEND, DVPNET_A_FLOW_BACKEND_PORT,
			      &match.backend, &match.backend_port);
	if (err)
		return err;
	if (info->attrs[DVPNET_A_FLOW_PROTO])
		match.outer.proto = nla_get_u8(info->attrs[DVPNET_A_FLOW_PROTO]);
	if (info->attrs[DVPNET_A_FLOW_SERVICE])
		match.service = nla_data(info->attrs[DVPNET_A_FLOW_SERVICE]);

	/* Flows are state, not configuration: an open sync is no obstacle. */
	dn = dvp_netlink_read(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	count = dvp_flow_flush(dn, &match);
	dvp_netlink_end(dn);

	msg = dvp_netlink_reply(info, DVPNET_CMD_FLOW_FLUSH, 0, &header);
	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, DVPNET_A_FLOW_COUNT, count)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, header);
	return genlmsg_reply(msg, info);
}

/* ---- taking over ---- */

/* Without any of these it is no flow. */
static int netlink_check_saved(struct genl_info *info)
{
	static const int needed[] = {
		DVPNET_A_FLOW_PROTO, DVPNET_A_FLOW_CLIENT, DVPNET_A_FLOW_CLIENT_PORT,
		DVPNET_A_FLOW_FRONTEND, DVPNET_A_FLOW_FRONTEND_PORT, DVPNET_A_FLOW_BACKEND,
		DVPNET_A_FLOW_BACKEND_PORT, DVPNET_A_FLOW_SOURCE_PORT, DVPNET_A_FLOW_STATE,
		DVPNET_A_FLOW_EXPIRES,
	};
	static const int ports[] = {
		DVPNET_A_FLOW_CLIENT_PORT, DVPNET_A_FLOW_FRONTEND_PORT,
		DVPNET_A_FLOW_BACKEND_PORT, DVPNET_A_FLOW_SOURCE_PORT,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(needed); i++)
		if (dvp_netlink_missing(info, needed[i]))
			return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		if (nla_get_u16(info->attrs[ports[i]]))
			continue;
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[ports[i]], "port is zero");
		return -EINVAL;
	}
	return 0;
}

static int netlink_check_saved_kind(struct genl_info *info, struct dvp_flow_saved *saved)
{
	const struct nlattr *attr = info->attrs[DVPNET_A_FLOW_FLAGS];
	u32 flags = attr ? nla_get_u32(attr) : 0;

	switch (saved->outer.proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		break;
	default:
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[DVPNET_A_FLOW_PROTO],
				    "flows of TCP, UDP and SCTP alone can be taken over");
		return -EPROTONOSUPPORT;
	}
	if (flags & (DVPNET_FLOW_FLAGS_MASQUERADE | DVPNET_FLOW_FLAGS_EGRESS)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "the client is hidden behind an address of the node that it was on");
		return -EOPNOTSUPP;
	}
	saved->kind = flags & DVPNET_FLOW_FLAGS_DIRECT ? DVP_FLOW_DIRECT : DVP_FLOW_SERVICE;
	return 0;
}

static int netlink_parse_saved(struct genl_info *info, struct dvp_flow_saved *saved,
			       struct in6_addr *backend, __be16 *backend_port)
{
	bool is_v4;
	int err;

	err = netlink_check_saved(info) ?:
	      netlink_get_end(info, DVPNET_A_FLOW_CLIENT, DVPNET_A_FLOW_CLIENT_PORT,
			      &saved->outer.src, &saved->outer.sport) ?:
	      netlink_get_end(info, DVPNET_A_FLOW_FRONTEND, DVPNET_A_FLOW_FRONTEND_PORT,
			      &saved->outer.dst, &saved->outer.dport) ?:
	      netlink_get_end(info, DVPNET_A_FLOW_BACKEND, DVPNET_A_FLOW_BACKEND_PORT,
			      backend, backend_port);
	if (err)
		return err;
	saved->outer.stage = DVP_STAGE_IN;
	saved->outer.proto = nla_get_u8(info->attrs[DVPNET_A_FLOW_PROTO]);
	saved->port = htons(nla_get_u16(info->attrs[DVPNET_A_FLOW_SOURCE_PORT]));
	saved->state = nla_get_u32(info->attrs[DVPNET_A_FLOW_STATE]);
	saved->expires = nla_get_u32(info->attrs[DVPNET_A_FLOW_EXPIRES]);
	is_v4 = ipv6_addr_v4mapped(&saved->outer.src);
	if (is_v4 != !!ipv6_addr_v4mapped(&saved->outer.dst) ||
	    is_v4 != !!ipv6_addr_v4mapped(backend)) {
		GENL_SET_ERR_MSG(info, "client, frontend and backend are of different families");
		return -EINVAL;
	}
	return netlink_check_saved_kind(info, saved);
}

/* The backend as this node knows it. */
static int netlink_find_backend(struct genl_info *info, struct dvp_net *dn,
				const struct in6_addr *addr, __be16 port,
				struct dvp_flow_saved *saved)
{
	const struct dvp_service_member *member;
	const struct dvp_service *service;

	if (saved->kind == DVP_FLOW_DIRECT) {
		if (ipv6_addr_equal(addr, &saved->outer.dst) && port == saved->outer.dport)
			return 0;
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[DVPNET_A_FLOW_BACKEND],
				    "a direct flow's backend is what the client asked for");
		return -EINVAL;
	}
	service = dvp_service_by_frontend(dn, &saved->outer);
	if (!service) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[DVPNET_A_FLOW_FRONTEND],
				    "no Service is there");
		return -ENOENT;
	}
	member = dvp_service_find_member(rcu_dereference(service->spec),
					 dvp_backend_id(addr, port));
	if (!member || !ipv6_addr_equal(&member->backend->addr, addr) ||
	    member->backend->port != port) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[DVPNET_A_FLOW_BACKEND],
				    "the Service has no such backend");
		return -ENOENT;
	}
	saved->backend = member->backend;
	return 0;
}

static int netlink_restore(struct genl_info *info, struct dvp_net *dn,
			   const struct dvp_flow_saved *saved)
{
	int err = dvp_flow_restore(dn, saved);

	switch (err) {
	case -EEXIST:
		GENL_SET_ERR_MSG(info, "another flow has this client or this port");
		break;
	case -ENOSPC:
		GENL_SET_ERR_MSG(info, "the table is full of answered flows, see max-flows");
		break;
	case -ENOENT:
		GENL_SET_ERR_MSG(info, "the backend has just gone");
		break;
	case -ENOMEM:
		GENL_SET_ERR_MSG(info, "no memory for a flow");
		break;
	}
	return err;
}

int dvpnet_nl_flow_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dvp_flow_saved saved = {};
	struct in6_addr backend = {};
	__be16 backend_port = 0;
	struct dvp_net *dn;
	int err;

	err = netlink_parse_saved(info, &saved, &backend, &backend_port);
	if (err)
		return err;
	/* Flows are state, not configuration: an open sync is no obstacle. */
	dn = dvp_netlink_read(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	rcu_read_lock();
	err = netlink_find_backend(info, dn, &backend, backend_port, &saved) ?:
	      netlink_restore(info, dn, &saved);
	rcu_read_unlock();
	dvp_netlink_end(dn);
	return err;
}

/* ---- explaining ---- */

static int netlink_fill_way(struct sk_buff *skb, struct dvp_net *dn,
			    const struct in6_addr *dst)
{
	struct dvp_node *node = dvp_prefix_lookup(&dn->prefixes, dst);
	const struct dvp_node *self = rcu_dereference(dn->self);
	enum dvpnet_mode active;
	int family;
	u32 mtu;

	if (!node)
		return 0;
	if (nla_put_string(skb, DVPNET_A_ROUTE_NODE, node->name))
		return -EMSGSIZE;
	if (dvp_node_is(node, self))
		return nla_put_flag(skb, DVPNET_A_ROUTE_LOCAL);
	mtu = dvp_mtu_to_node(dn, node, &active);
	if (mtu && (nla_put_u32(skb, DVPNET_A_ROUTE_MODE, active) ||
		    nla_put_u32(skb, DVPNET_A_ROUTE_MTU, mtu)))
		return -EMSGSIZE;
	family = self ? dvp_underlay_family(self, node) : -EAFNOSUPPORT;
	if (family < 0)
		return 0;
	return dvp_netlink_put_addr(skb, DVPNET_A_ROUTE_UNDERLAY,
				    &node->underlay[family].addr);
}

static const char *netlink_known_reason(const struct dvp_flow *flow)
{
	switch (flow->kind) {
	case DVP_FLOW_EGRESS:
		return "an existing flow to the world outside";
	case DVP_FLOW_DIRECT:
		return "an existing flow straight to a pod";
	default:
		return "an existing flow";
	}
}

/* From the serving end to the client, who sees what it asked. */
static int netlink_fill_reply(struct sk_buff *skb, struct dvp_net *dn,
			      const struct dvp_flow *flow)
{
	const struct dvp_tuple *outer = dvp_flow_outer(flow);

	if (netlink_put_end(skb, DVPNET_A_ROUTE_SOURCE, DVPNET_A_ROUTE_SOURCE_PORT,
			    &outer->dst, outer->dport) ||
	    netlink_put_end(skb, DVPNET_A_ROUTE_TARGET, DVPNET_A_ROUTE_TARGET_PORT,
			    &outer->src, outer->sport))
		return -EMSGSIZE;
	return netlink_fill_way(skb, dn, &outer->src);
}

static int netlink_fill_request(struct sk_buff *skb, struct dvp_net *dn,
				const struct dvp_flow *flow)
{
	const struct dvp_tuple *answer = dvp_flow_answer(flow);

	if (netlink_put_end(skb, DVPNET_A_ROUTE_BACKEND, DVPNET_A_ROUTE_BACKEND_PORT,
			    &answer->src, answer->sport) ||
	    (flow->masquerade && nla_put_flag(skb, DVPNET_A_ROUTE_MASQUERADE)) ||
	    netlink_put_end(skb, DVPNET_A_ROUTE_SOURCE, DVPNET_A_ROUTE_SOURCE_PORT,
			    &answer->dst, answer->dport))
		return -EMSGSIZE;
	return netlink_fill_way(skb, dn, &answer->src);
}

static int netlink_fill_known(struct sk_buff *skb, struct dvp_net *dn,
			      const struct dvp_flow_key *key)
{
	const struct dvp_flow *flow = dvp_flow_of(key);
	const struct dvp_frontend *frontend = NULL;

	if (flow->kind == DVP_FLOW_SERVICE)
		frontend = dvp_frontend_find(dn, dvp_flow_outer(flow));
	if (frontend &&
	    (nla_put_string(skb, DVPNET_A_ROUTE_SERVICE, frontend->service->name) ||
	     nla_put_u32(skb, DVPNET_A_ROUTE_FRONTEND_TYPE, frontend->type)))
		return -EMSGSIZE;
	if (dvp_translate_is_cut_off(dn, key, 0)) {
		if (nla_put_u32(skb, DVPNET_A_ROUTE_VERDICT, DVPNET_VERDICT_RESET) ||
		    nla_put_string(skb, DVPNET_A_ROUTE_REASON,
				   "its endpoint was removed, and reset-removed is on"))
			return -EMSGSIZE;
		return 0;
	}
	if (nla_put_u32(skb, DVPNET_A_ROUTE_VERDICT, DVPNET_VERDICT_FLOW) ||
	    nla_put_string(skb, DVPNET_A_ROUTE_REASON, netlink_known_reason(flow)))
		return -EMSGSIZE;
	return dvp_flow_is_reply(key) ? netlink_fill_reply(skb, dn, flow) :
					netlink_fill_request(skb, dn, flow);
}

/* The flow whose packets look like this, unless such a packet would end it. */
static const struct dvp_flow_key *netlink_find_flow(struct dvp_net *dn,
						    const struct dvp_tuple *tuple)
{
	const struct dvp_flow_key *key = dvp_flow_lookup(dn, tuple);
	enum dvp_stat why;

	return key && !dvp_flow_is_stale(key, 0, &why) ? key : NULL;
}

/* It would begin a flow; but its flow may be on the way here. */
static int netlink_fill_awaited(struct sk_buff *skb, struct dvp_net *dn,
				const struct dvp_tuple *tuple)
{
	if (!dvp_translate_is_awaited(dn, tuple))
		return 0;
	return nla_put_flag(skb, DVPNET_A_ROUTE_AWAITED);
}

/* Not for a Service: it may be masqueraded, or is known to be. */
static int netlink_fill_plain(struct sk_buff *skb, struct dvp_net *dn,
			      const struct dvp_tuple *tuple,
			      const struct dvp_decision *decision)
{
	const struct dvp_node *self = rcu_dereference(dn->self);
	struct dvp_egress_decision egress;
	const char *reason = decision->reason;
	struct dvp_tuple middle = *tuple;
	const struct dvp_flow_key *key;

	middle.stage = DVP_STAGE_OUT;
	key = netlink_find_flow(dn, &middle);
	if (key)
		return netlink_fill_known(skb, dn, key);

	dvp_egress_decide(dn, tuple, &egress);
	/* That there is no Service goes without saying where masquerading is the question. */
	if (rcu_dereference(dn->config)->masquerade &&
	    dvp_node_is(dvp_prefix_lookup(&dn->prefixes, &tuple->src), self))
		reason = egress.reason;
	if (nla_put_u32(skb, DVPNET_A_ROUTE_VERDICT, egress.verdict) ||
	    nla_put_string(skb, DVPNET_A_ROUTE_REASON, reason))
		return -EMSGSIZE;
	if (egress.source &&
	    (netlink_fill_awaited(skb, dn, tuple) ||
	     nla_put_flag(skb, DVPNET_A_ROUTE_MASQUERADE) ||
	     dvp_netlink_put_addr(skb, DVPNET_A_ROUTE_SOURCE, egress.source)))
		return -EMSGSIZE;
	return netlink_fill_way(skb, dn, &tuple->dst);
}

static int netlink_fill_decision(struct sk_buff *skb, struct dvp_net *dn,
				 const struct dvp_tuple *tuple, bool from_host)
{
	struct dvp_decision decision;

	dvp_decide(dn, tuple, from_host, &decision);
	if (decision.verdict == DVPNET_VERDICT_NONE)
		return netlink_fill_plain(skb, dn, tuple, &decision);
	if (nla_put_u32(skb, DVPNET_A_ROUTE_VERDICT, decision.verdict) ||
	    nla_put_string(skb, DVPNET_A_ROUTE_REASON, decision.reason))
		return -EMSGSIZE;
	if (!decision.service)
		return netlink_fill_way(skb, dn, &tuple->dst);
	if (nla_put_string(skb, DVPNET_A_ROUTE_SERVICE, decision.service->name) ||
	    nla_put_u32(skb, DVPNET_A_ROUTE_FRONTEND_TYPE, decision.type) ||
	    nla_put_u32(skb, DVPNET_A_ROUTE_LIST, decision.list) ||
	    nla_put_u32(skb, DVPNET_A_ROUTE_LIST_LEN, decision.list_len))
		return -EMSGSIZE;
	if (decision.list != DVPNET_LIST_NONE &&
	    (nla_put_u32(skb, DVPNET_A_ROUTE_LIST_WHY, decision.list_why) ||
	     nla_put_u32(skb, DVPNET_A_ROUTE_ALGORITHM, decision.algorithm)))
		return -EMSGSIZE;
	if (decision.affinity &&
	    nla_put_u32(skb, DVPNET_A_ROUTE_AFFINITY, decision.affinity))
		return -EMSGSIZE;
	if (decision.verdict != DVPNET_VERDICT_FORWARD)
		return 0;
	if (netlink_put_end(skb, DVPNET_A_ROUTE_BACKEND, DVPNET_A_ROUTE_BACKEND_PORT,
			    &decision.backend->addr, decision.backend->port))
		return -EMSGSIZE;
	if (netlink_fill_awaited(skb, dn, tuple) ||
	    (decision.masquerade && nla_put_flag(skb, DVPNET_A_ROUTE_MASQUERADE)) ||
	    dvp_netlink_put_addr(skb, DVPNET_A_ROUTE_SOURCE, decision.source ?: &tuple->src))
		return -EMSGSIZE;
	return netlink_fill_way(skb, dn, &decision.backend->addr);
}

static int netlink_fill_route(struct sk_buff *skb, struct dvp_net *dn,
			      const struct dvp_tuple *tuple)
{
	const struct dvp_flow_key *key;

	if (nla_put_u8(skb, DVPNET_A_ROUTE_PROTO, tuple->proto) ||
	    netlink_put_end(skb, DVPNET_A_ROUTE_SRC, DVPNET_A_ROUTE_SPORT,
			    &tuple->src, tuple->sport) ||
	    netlink_put_end(skb, DVPNET_A_ROUTE_DST, DVPNET_A_ROUTE_DPORT,
			    &tuple->dst, tuple->dport))
		return -EMSGSIZE;
	key = netlink_find_flow(dn, tuple);
	if (key)
		return netlink_fill_known(skb, dn, key);
	return netlink_fill_decision(skb, dn, tuple, dvp_netns_has_addr(dn, &tuple->src));
}

static int netlink_parse_route(struct genl_info *info, struct dvp_tuple *tuple)
{
	int err;

	if (dvp_netlink_missing(info, DVPNET_A_ROUTE_PROTO) ||
	    dvp_netlink_missing(info, DVPNET_A_ROUTE_SRC) ||
	    dvp_netlink_missing(info, DVPNET_A_ROUTE_DST))
		return -EINVAL;
	tuple->proto = nla_get_u8(info->attrs[DVPNET_A_ROUTE_PROTO]);
	tuple->stage = DVP_STAGE_IN;
	err = netlink_get_end(info, DVPNET_A_ROUTE_SRC, DVPNET_A_ROUTE_SPORT,
			      &tuple->src, &tuple->sport) ?:
	      netlink_get_end(info, DVPNET_A_ROUTE_DST, DVPNET_A_ROUTE_DPORT,
			      &tuple->dst, &tuple->dport);
	if (err)
		return err;
	if (ipv6_addr_v4mapped(&tuple->src) == ipv6_addr_v4mapped(&tuple->dst))
		return 0;
	GENL_SET_ERR_MSG(info, "source and destination are of different families");
	return -EINVAL;
}

int dvpnet_nl_route_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dvp_tuple tuple = {};
	struct sk_buff *msg;
	struct dvp_net *dn;
	void *header;
	int err;

	err = netlink_parse_route(info, &tuple);
	if (err)
		return err;
	dn = dvp_netlink_read(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	msg = dvp_netlink_reply(info, DVPNET_CMD_ROUTE_GET, 0, &header);
	rcu_read_lock();
	err = msg ? netlink_fill_route(msg, dn, &tuple) : -ENOMEM;
	rcu_read_unlock();
	dvp_netlink_end(dn);
	return dvp_netlink_answer(info, msg, header, err);
}
