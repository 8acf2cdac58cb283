// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to a new connection, and why: frontend, list, backend, source.
 *
 * The packet path and the explanation for people (route-get) ask the same
 * function, so the explanation is what would happen.
 */
#include <linux/siphash.h>

#include "affinity.h"
#include "backend.h"
#include "decide.h"
#include "egress.h"
#include "frontend.h"
#include "netns.h"
#include "node.h"
#include "range.h"
#include "service.h"
#include "tuple.h"

/**
 * enum decide_client - who begins the connection
 * @DECIDE_CLIENT_HOST: this node itself
 * @DECIDE_CLIENT_POD: a pod of this node
 * @DECIDE_CLIENT_OUTSIDE: anybody else
 */
enum decide_client {
	DECIDE_CLIENT_HOST,
	DECIDE_CLIENT_POD,
	DECIDE_CLIENT_OUTSIDE,
};

static enum decide_client decide_client(struct dvp_net *dn, const struct in6_addr *addr,
					bool from_host)
{
	const struct dvp_node *self = rcu_dereference(dn->self);

	if (from_host)
		return DECIDE_CLIENT_HOST;
	if (dvp_node_is(dvp_prefix_lookup(&dn->prefixes, addr), self))
		return DECIDE_CLIENT_POD;
	return DECIDE_CLIENT_OUTSIDE;
}

/* The frontend is for the world, and externalTrafficPolicy is Local. */
static bool decide_is_external_local(const struct dvp_decision *decision, u32 flags)
{
	return decision->type != DVPNET_FRONTEND_TYPE_CLUSTER_IP &&
	       flags & DVPNET_SERVICE_FLAGS_EXTERNAL_LOCAL;
}

static bool decide_uses_local(const struct dvp_decision *decision, u32 flags,
			      enum decide_client client)
{
	if (decision->type == DVPNET_FRONTEND_TYPE_CLUSTER_IP)
		return flags & DVPNET_SERVICE_FLAGS_INTERNAL_LOCAL;
	/* Short circuit: what comes from this node is not external. */
	return decide_is_external_local(decision, flags) && client == DECIDE_CLIENT_OUTSIDE;
}

/* The clients whom the backend must not see, so that its replies come back this way. */
static bool decide_masquerades(const struct dvp_decision *decision, u32 flags,
			       enum decide_client client)
{
	if (client == DECIDE_CLIENT_HOST)
		return true;
	if (decision->type == DVPNET_FRONTEND_TYPE_CLUSTER_IP)
		return client == DECIDE_CLIENT_OUTSIDE;
	return !decide_is_external_local(decision, flags);
}

/*
 * Only classic mode shows pod addresses to the underlay, and there the world outside does
 * not see them either.
 */
static bool decide_leaves_pod_network(struct dvp_net *dn, const struct dvp_tuple *tuple,
				      const struct in6_addr *backend)
{
	struct dvp_egress_decision egress;
	struct dvp_tuple middle;

	if (dvp_prefix_lookup(&dn->prefixes, backend) || dvp_node_by_underlay(dn, backend))
		return false;
	if (rcu_dereference(dn->config)->mode != DVPNET_MODE_CLASSIC)
		return true;
	middle = *tuple;
	middle.dst = *backend;
	dvp_egress_decide(dn, &middle, &egress);
	return egress.verdict != DVPNET_VERDICT_NONE;
}

/*
 * Through the tunnel it is the node's own address inside the pod network, so
 * that replies come back through the tunnel; elsewhere its InternalIP. A process
 * that has that already keeps it where the Service wants clients to be seen
 * (eTP Local): pods answer it through the tunnel, too.
 */
static const struct in6_addr *decide_source(struct dvp_net *dn, const struct in6_addr *client,
					    const struct in6_addr *backend, bool keep)
{
	unsigned int family = ipv6_addr_v4mapped(backend) ? DVP_NODE_V4 : DVP_NODE_V6;
	const struct dvp_node *self = rcu_dereference(dn->self);
	const struct in6_addr *source;
	const struct dvp_node *node;

	if (!self)
		return NULL;
	source = &self->underlay[family].addr;
	if (keep && ipv6_addr_equal(client, source))
		return source;
	node = dvp_prefix_lookup(&dn->prefixes, backend);
	if (node && !dvp_node_is(node, self) && !ipv6_addr_any(&self->tunnel[family]))
		source = &self->tunnel[family];
	return ipv6_addr_any(source) ? NULL : source;
}

static void decide_refuse(struct dvp_decision *decision, enum dvpnet_verdict verdict,
			  enum dvp_stat stat, const char *reason)
{
	decision->verdict = verdict;
	decision->stat = stat;
	decision->reason = reason;
}

/* The backend that the client has by session affinity, if it is one of the list. */
static struct dvp_backend *decide_keep(struct dvp_net *dn, const struct dvp_tuple *tuple,
				       const struct dvp_service_spec *spec,
				       struct dvp_decision *decision)
{
	u32 flag = decision->list == DVPNET_LIST_LOCAL ? DVPNET_BACKEND_FLAGS_LOCAL :
							 DVPNET_BACKEND_FLAGS_CLUSTER;
	const struct dvp_service_member *member;
	struct dvp_affinity_hold hold;

	hold = dvp_affinity_find(dn, &tuple->src, decision->service->id, spec->rules.affinity);
	decision->round = hold.round;
	if (!hold.left)
		return NULL;
	member = dvp_service_find_member(spec, hold.backend);
	if (!member || !(member->flags & flag))
		return NULL;
	decision->affinity = hold.left;
	decision->reason = "the client's last connection went there (session affinity)";
	return member->backend;
}

static struct dvp_backend *decide_pick(struct dvp_net *dn, const struct dvp_tuple *tuple,
				       const struct dvp_backend_list *list,
				       struct dvp_decision *decision)
{
	const siphash_key_t *secret = &rcu_dereference(dn->config)->secret;

	switch (decision->algorithm) {
	case DVPNET_ALGORITHM_RANDOM:
		decision->reason = "chosen at random, by weight";
		return dvp_backend_choose_random(list);
	case DVPNET_ALGORITHM_LEAST_CONN:
		decision->reason = "has the fewest flows of this node for its weight";
		return dvp_backend_choose_idle(list);
	default:
		break;
	}
	if (decision->is_sticky) {
		decision->reason = "chosen by hashing the client's address (session affinity)";
		return dvp_backend_choose(list, siphash(&tuple->src, sizeof(tuple->src), secret) +
						decision->round);
	}
	decision->reason = "chosen by rendezvous hashing over the connection";
	return dvp_backend_choose(list, siphash(tuple, sizeof(*tuple), secret));
}

static void decide_choose(struct dvp_net *dn, const struct dvp_tuple *tuple,
			  const struct dvp_service_spec *spec, enum decide_client client,
			  struct dvp_decision *decision)
{
	bool local = decide_uses_local(decision, spec->rules.flags, client);
	const struct dvp_backend_list *list = local ? spec->local : spec->cluster;

	decision->list = local ? DVPNET_LIST_LOCAL : DVPNET_LIST_CLUSTER;
	decision->list_len = list->count;
	decision->list_why = local ? spec->rules.local_why : spec->rules.cluster_why;
	decision->is_sticky = spec->rules.affinity;
	/* All nodes have to agree on the first choice for a client. */
	decision->algorithm = decision->is_sticky ? DVPNET_ALGORITHM_MAGLEV :
						    spec->rules.algorithm;
	if (decision->is_sticky)
		decision->backend = decide_keep(dn, tuple, spec, decision);
	if (!decision->backend)
		decision->backend = decide_pick(dn, tuple, list, decision);
	if (decision->backend)
		decision->verdict = DVPNET_VERDICT_FORWARD;
	else if (spec->cluster->count)
		decide_refuse(decision, DVPNET_VERDICT_DROP, DVP_STAT_SERVICE_DROPPED,
			      "traffic policy is Local and no usable endpoint is on this node");
	else
		decide_refuse(decision, DVPNET_VERDICT_REJECT, DVP_STAT_SERVICE_REJECTED,
			      "no usable endpoint anywhere");
}

static void decide_translate_source(struct dvp_net *dn, const struct dvp_tuple *tuple,
				    u32 flags, enum decide_client client,
				    struct dvp_decision *decision)
{
	const struct in6_addr *backend = &decision->backend->addr;
	bool keep = client == DECIDE_CLIENT_HOST && decide_is_external_local(decision, flags);

	decision->masquerade = decide_masquerades(decision, flags, client) ||
			       ipv6_addr_equal(backend, &tuple->src) ||
			       decide_leaves_pod_network(dn, tuple, backend);
	if (!decision->masquerade)
		return;
	/*
	 * Even where a process of this host has that address: another flow's replies
	 * may come to the same port.
	 */
	decision->source = decide_source(dn, &tuple->src, backend, keep);
	if (!decision->source)
		decide_refuse(decision, DVPNET_VERDICT_DROP, DVP_STAT_FLOW_NO_SOURCE,
			      "this node has no address to translate the client's to");
}

/* Source ranges are about the load balancer's clients, unless all are meant. */
static bool decide_is_allowed(const struct dvp_service_spec *spec,
			      const struct dvp_decision *decision,
			      const struct in6_addr *client)
{
	if (!spec->sources ||
	    (decision->type != DVPNET_FRONTEND_TYPE_LOAD_BALANCER &&
	     !(spec->rules.flags & DVPNET_SERVICE_FLAGS_RANGES_ALL)))
		return true;
	return dvp_range_find(spec->source, spec->sources, client);
}

static bool decide_is_icmp(const struct dvp_tuple *tuple)
{
	return tuple->proto == IPPROTO_ICMP || tuple->proto == IPPROTO_ICMPV6;
}

/* The identifier stands for the port of whoever asks. */
static bool decide_is_echo_request(const struct dvp_tuple *tuple)
{
	return decide_is_icmp(tuple) && !tuple->dport;
}

/* A node has it, perhaps this one, whatever Services say. */
static bool decide_is_node_address(struct dvp_net *dn, const struct in6_addr *addr)
{
	return dvp_node_by_underlay(dn, addr) || dvp_netns_has_addr(dn, addr);
}

static bool decide_is_unallocated(struct dvp_net *dn, const struct in6_addr *addr)
{
	const struct dvp_config *config = rcu_dereference(dn->config);
	const struct dvp_range *range;

	range = dvp_range_find(config->range, config->ranges, addr);
	return range && range->kind == DVPNET_RANGE_KIND_SERVICE &&
	       !decide_is_node_address(dn, addr);
}

static void decide_drop_unallocated(struct dvp_decision *decision)
{
	decide_refuse(decision, DVPNET_VERDICT_DROP, DVP_STAT_SERVICE_UNALLOCATED,
		      "in a range of Services, but no Service has this address");
}

/* Forwarded, an echo request to an address that nobody has would loop. */
static void decide_echo(struct dvp_net *dn, const struct in6_addr *addr,
			struct dvp_decision *decision)
{
	if (decide_is_node_address(dn, addr)) {
		decision->reason = "an address of Services that a node has and answers for";
		return;
	}
	if (!rcu_dereference(dn->config)->vip_echo) {
		decide_refuse(decision, DVPNET_VERDICT_DROP, DVP_STAT_SERVICE_ECHO_DROPPED,
			      "an address of Services that no interface has");
		return;
	}
	decision->verdict = DVPNET_VERDICT_ANSWER;
	decision->stat = DVP_STAT_SERVICE_ECHO;
	decision->reason = "an address of Services that no interface has; echo is answered for it";
}

/* The same goes for what no Service can be asked with, but an external IP may be a real host's. */
static void decide_other(struct dvp_net *dn, const struct in6_addr *addr,
			 const struct dvp_vip *vip, struct dvp_decision *decision)
{
	if (!vip && decide_is_unallocated(dn, addr))
		decide_drop_unallocated(decision);
	else if ((dvp_frontend_vip_has(vip, DVPNET_FRONTEND_TYPE_CLUSTER_IP) ||
		  dvp_frontend_vip_has(vip, DVPNET_FRONTEND_TYPE_LOAD_BALANCER)) &&
		 !decide_is_node_address(dn, addr))
		decide_refuse(decision, DVPNET_VERDICT_DROP, DVP_STAT_SERVICE_OTHER_DROPPED,
			      "an address of Services that no interface has, and nothing for it");
	else
		decision->reason = "nothing that a Service could take";
}

/*
 * No frontend there. A ClusterIP is nobody's but the Services'. A load
 * balancer's address is, too, for what came here because we announce it: to
 * forward that would make a loop. An external IP may be a real host's.
 */
static void decide_without_frontend(struct dvp_net *dn, const struct dvp_tuple *tuple,
				    bool from_host, struct dvp_decision *decision)
{
	const struct dvp_vip *vip = dvp_frontend_find_vip(dn, &tuple->dst);

	decision->verdict = DVPNET_VERDICT_NONE;
	if (!vip && decide_is_unallocated(dn, &tuple->dst))
		decide_drop_unallocated(decision);
	else if (!vip)
		decision->reason = "no Service has this address, protocol and port";
	else if (decide_is_echo_request(tuple))
		decide_echo(dn, &tuple->dst, decision);
	else if (decide_is_icmp(tuple) && from_host)
		decision->reason = "an ICMP echo reply of this host's";
	else if (decide_is_icmp(tuple))
		decide_other(dn, &tuple->dst, vip, decision);
	else if (dvp_frontend_vip_has(vip, DVPNET_FRONTEND_TYPE_CLUSTER_IP))
		decide_refuse(decision, DVPNET_VERDICT_REJECT, DVP_STAT_SERVICE_UNUSED_PORT,
			      "a ClusterIP, but no Service uses this port");
	else if (!dvp_frontend_vip_has(vip, DVPNET_FRONTEND_TYPE_LOAD_BALANCER))
		decision->reason = "an external IP of a Service, but none uses this port";
	else if (decide_client(dn, &tuple->src, from_host) != DECIDE_CLIENT_OUTSIDE)
		decision->reason = "a load balancer's unused port, but the client is inside";
	else if (dvp_netns_has_addr(dn, &tuple->dst))
		decision->reason = "a load balancer's unused port, but the address is this host's";
	else
		decide_refuse(decision, DVPNET_VERDICT_REJECT, DVP_STAT_SERVICE_UNUSED_PORT,
			      "a load balancer's address, but no Service uses this port");
}

/**
 * dvp_decide - what happens to a connection that begins with this packet?
 * @dn: where
 * @tuple: client to whatever it wants to reach, stage IN; of ICMP an echo request
 * @from_host: the packet was sent by this host itself
 * @decision: filled with the answer
 *
 * Context: RCU read side. Changes nothing.
 */
void dvp_decide(struct dvp_net *dn, const struct dvp_tuple *tuple, bool from_host,
		struct dvp_decision *decision)
{
	const struct dvp_service_spec *spec;
	const struct dvp_frontend *frontend;
	enum decide_client client;

	memset(decision, 0, sizeof(*decision));
	frontend = decide_is_icmp(tuple) ? NULL : dvp_frontend_find(dn, tuple);
	if (!frontend) {
		decide_without_frontend(dn, tuple, from_host, decision);
		return;
	}

	spec = rcu_dereference(frontend->service->spec);
	decision->service = frontend->service;
	decision->type = frontend->type;
	if (!decide_is_allowed(spec, decision, &tuple->src)) {
		decide_refuse(decision, DVPNET_VERDICT_DROP, DVP_STAT_SERVICE_SOURCE_RANGE,
			      "the client is in none of the Service's source ranges");
		return;
	}
	client = decide_client(dn, &tuple->src, from_host);
	decide_choose(dn, tuple, spec, client, decision);
	if (decision->backend)
		decide_translate_source(dn, tuple, spec->rules.flags, client, decision);
}

/**
 * dvp_decide_other - what happens to a packet that came, and neither begins nor has a connection?
 * @dn: where
 * @dst: its destination
 * @decision: filled with the answer: to be dropped, or not
 *
 * That is: neither TCP, UDP, SCTP nor an ICMP echo, or an ICMP error about nothing that is known.
 *
 * Context: RCU read side. Changes nothing.
 */
void dvp_decide_other(struct dvp_net *dn, const struct in6_addr *dst,
		      struct dvp_decision *decision)
{
	memset(decision, 0, sizeof(*decision));
	decision->verdict = DVPNET_VERDICT_NONE;
	decide_other(dn, dst, dvp_frontend_find_vip(dn, dst), decision);
}
