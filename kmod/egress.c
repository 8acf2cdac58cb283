// SPDX-License-Identifier: GPL-2.0
/*
 * Pods and the world outside: who is masqueraded, who must not be.
 *
 * Pods' addresses mean nothing outside of the cluster, so what a pod begins
 * there gets this node's address. That is a property of the connection: what
 * somebody outside has begun with a pod, by a route of their own, is answered
 * from the address that they asked.
 *
 * The packet path and the explanation for people (route-get) ask the same
 * function, so the explanation is what would happen.
 */
#include <linux/inet.h>
#include <linux/netdevice.h>
#include <net/ipv6.h>

#include "egress.h"
#include "flow.h"
#include "netns.h"
#include "node.h"
#include "prefix.h"
#include "range.h"
#include "tuple.h"

/* Destinations that no router passes on, or that are many. */
static bool egress_is_special(const struct in6_addr *addr)
{
	__be32 addr4 = addr->s6_addr32[3];

	if (ipv6_addr_v4mapped(addr))
		return ipv4_is_multicast(addr4) || ipv4_is_lbcast(addr4) ||
		       ipv4_is_linklocal_169(addr4) || ipv4_is_loopback(addr4) ||
		       ipv4_is_zeronet(addr4);
	return ipv6_addr_type(addr) & (IPV6_ADDR_MULTICAST | IPV6_ADDR_LINKLOCAL |
				       IPV6_ADDR_LOOPBACK) || ipv6_addr_any(addr);
}

static bool egress_is_in_range(struct dvp_net *dn, const struct in6_addr *addr)
{
	const struct dvp_config *config = rcu_dereference(dn->config);

	return dvp_range_find(config->range, config->ranges, addr);
}

static const struct in6_addr *egress_source(const struct dvp_node *self,
					    const struct dvp_tuple *tuple)
{
	return &self->underlay[dvp_tuple_is_v4(tuple) ? DVP_NODE_V4 : DVP_NODE_V6].addr;
}

static void egress_leave(struct dvp_egress_decision *decision, const char *reason)
{
	decision->verdict = DVPNET_VERDICT_NONE;
	decision->reason = reason;
}

/**
 * dvp_egress_decide - does a connection leave the cluster under this node's address?
 * @dn: where
 * @tuple: client to what it asked for, not through a Service
 * @decision: filled with the answer
 *
 * The first questions sort most packets out that are not: those within the
 * cluster and those of this node itself.
 *
 * Context: RCU read side. Changes nothing.
 */
void dvp_egress_decide(struct dvp_net *dn, const struct dvp_tuple *tuple,
		       struct dvp_egress_decision *decision)
{
	const struct dvp_node *self = rcu_dereference(dn->self);

	memset(decision, 0, sizeof(*decision));
	if (!rcu_dereference(dn->config)->masquerade) {
		egress_leave(decision, "masquerading is off");
	} else if (!self || ipv6_addr_equal(&tuple->src, egress_source(self, tuple))) {
		egress_leave(decision, "not from a pod of this node");
	} else if (dvp_prefix_lookup(&dn->prefixes, &tuple->dst)) {
		egress_leave(decision, "to an address inside of the cluster");
	} else if (!dvp_node_is(dvp_prefix_lookup(&dn->prefixes, &tuple->src), self)) {
		egress_leave(decision, "not from a pod of this node");
	} else if (dvp_node_by_underlay(dn, &tuple->dst)) {
		egress_leave(decision, "to a node of the cluster");
	} else if (egress_is_special(&tuple->dst)) {
		egress_leave(decision, "to a multicast, broadcast, link-local or loopback address");
	} else if (egress_is_in_range(dn, &tuple->dst)) {
		egress_leave(decision, "to a range that is configured as part of the cluster");
	} else if (dvp_netns_has_addr(dn, &tuple->dst)) {
		egress_leave(decision, "to an address of this node");
	} else if (ipv6_addr_any(egress_source(self, tuple))) {
		decision->verdict = DVPNET_VERDICT_DROP;
		decision->stat = DVP_STAT_EGRESS_NO_SOURCE;
		decision->reason = "this node has no address to masquerade a pod's with";
	} else {
		decision->verdict = DVPNET_VERDICT_MASQUERADE;
		decision->source = egress_source(self, tuple);
		decision->reason = "from a pod of this node to the world outside";
	}
}

/* Somebody outside talks to a pod of this node. What comes from the device was sent by a node. */
static bool egress_is_from_outside(struct dvp_net *dn, const struct net_device *in,
				   const struct dvp_tuple *tuple)
{
	const struct dvp_node *self = rcu_dereference(dn->self);

	return in && in != dn->dev &&
	       !dvp_prefix_lookup(&dn->prefixes, &tuple->src) &&
	       dvp_node_is(dvp_prefix_lookup(&dn->prefixes, &tuple->dst), self) &&
	       !dvp_node_by_underlay(dn, &tuple->src) &&
	       !egress_is_in_range(dn, &tuple->src);
}

/*
 * The client has another connection, through a Service, which looks the same
 * from inside. Only what begins can still change its port, so only that is
 * looked at; UDP may begin with any packet.
 */
static bool egress_is_ambiguous(struct dvp_net *dn, const struct dvp_packet *packet)
{
	return (packet->tuple.proto == IPPROTO_UDP || packet->signs & DVP_SIGN_OPENS) &&
	       dvp_flow_is_middle(dn, &packet->tuple);
}

/**
 * dvp_egress_is_direct - does a packet that is for no Service begin a flow all the same?
 * @dn: where
 * @in: the device that it came from, or NULL if this host sent it
 * @packet: the packet, at stage IN; no flow has it
 *
 * Context: RCU read side.
 */
bool dvp_egress_is_direct(struct dvp_net *dn, const struct net_device *in,
			  const struct dvp_packet *packet)
{
	if (packet->signs & DVP_SIGN_LAST)
		return false;
	/* It has passed OUTPUT, where it became what looks like another flow's middle. */
	if (in && in->flags & IFF_LOOPBACK)
		return false;
	return egress_is_ambiguous(dn, packet) ||
	       (rcu_dereference(dn->config)->masquerade &&
		egress_is_from_outside(dn, in, &packet->tuple));
}
