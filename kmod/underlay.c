// SPDX-License-Identifier: GPL-2.0
/* The way to a node over the underlay: route, next hop, mode. */
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/neighbour.h>
#include <net/route.h>

#include "netns.h"
#include "node.h"
#include "underlay.h"

/**
 * dvp_underlay_family - by which family two nodes talk
 * @self: this node
 * @node: the other
 *
 * Both ends come to the same answer: IPv4 where both have it, else IPv6.
 *
 * Return: %DVP_NODE_V4 or %DVP_NODE_V6, or -EAFNOSUPPORT if they share neither.
 */
int dvp_underlay_family(const struct dvp_node *self, const struct dvp_node *node)
{
	int i;

	for (i = 0; i < DVP_NODE_ADDRS; i++)
		if (!ipv6_addr_any(&self->underlay[i].addr) &&
		    !ipv6_addr_any(&node->underlay[i].addr))
			return i;
	return -EAFNOSUPPORT;
}

static int underlay_route4(struct net *net, struct dvp_node *node,
			   struct dvp_underlay *way)
{
	struct flowi4 fl4 = {
		.daddr = way->daddr.s6_addr32[3],
		.saddr = way->saddr.s6_addr32[3],
		.flowi4_proto = IPPROTO_UDP,
	};
	__be32 cached_saddr;
	struct rtable *rt;

	/* This node's addresses may have changed under the cache, even the family. */
	rt = dst_cache_get_ip4(&node->dst_cache, &cached_saddr);
	if (rt && (rt->dst.ops->family != AF_INET || cached_saddr != fl4.saddr)) {
		dst_release(&rt->dst);
		rt = NULL;
	}
	if (!rt) {
		rt = ip_route_output_key(net, &fl4);
		if (IS_ERR(rt))
			return PTR_ERR(rt);
		dst_cache_set_ip4(&node->dst_cache, &rt->dst, fl4.saddr);
	}
	way->dst = &rt->dst;
	way->connected = !rt->rt_gw_family;
	return rt->rt_type == RTN_UNICAST ? 0 : -ENETUNREACH;
}

static int underlay_route6(struct net *net, struct dvp_node *node,
			   struct dvp_underlay *way)
{
	struct flowi6 fl6 = {
		.daddr = way->daddr,
		.saddr = way->saddr,
		.flowi6_proto = IPPROTO_UDP,
	};
	struct in6_addr cached_saddr;
	const struct rt6_info *rt;
	struct dst_entry *dst;

	dst = dst_cache_get_ip6(&node->dst_cache, &cached_saddr);
	if (dst && (dst->ops->family != AF_INET6 ||
		    !ipv6_addr_equal(&cached_saddr, &fl6.saddr))) {
		dst_release(dst);
		dst = NULL;
	}
	if (!dst) {
		dst = ip6_dst_lookup_flow(net, NULL, &fl6, NULL);
		if (IS_ERR(dst))
			return PTR_ERR(dst);
		dst_cache_set_ip6(&node->dst_cache, dst, &fl6.saddr);
	}
	rt = dst_rt6_info(dst);
	way->dst = dst;
	way->connected = !(rt->rt6i_flags & RTF_GATEWAY);
	return rt->rt6i_flags & (RTF_LOCAL | RTF_ANYCAST) ? -ENETUNREACH : 0;
}

/**
 * dvp_underlay_find - find the way to a node
 * @dn: from where
 * @node: to whom
 * @way: filled in; the caller releases @way->dst
 *
 * Context: RCU read side, bottom halves off.
 * Return: 0, -ENETUNREACH if there is no way, -ELOOP if the route leads into our
 * own device.
 */
int dvp_underlay_find(struct dvp_net *dn, struct dvp_node *node,
		      struct dvp_underlay *way)
{
	const struct dvp_node *self = rcu_dereference(dn->self);
	int family, err;

	if (!self)
		return -ENETUNREACH;
	family = dvp_underlay_family(self, node);
	if (family < 0)
		return -ENETUNREACH;

	way->dst = NULL;
	way->saddr = self->underlay[family].addr;
	way->daddr = node->underlay[family].addr;
	if (family == DVP_NODE_V4) {
		way->family = AF_INET;
		err = underlay_route4(dn->net, node, way);
	} else {
		way->family = AF_INET6;
		err = underlay_route6(dn->net, node, way);
	}
	if (!err && dst_dev(way->dst) != dn->dev)
		return 0;
	dst_release(way->dst);
	return err ? -ENETUNREACH : -ELOOP;
}

/**
 * dvp_underlay_mode - how a packet travels to a node now
 * @way: the way to it
 * @node: the node
 * @config: the settings
 * @mode: set to %DVPNET_MODE_VXLAN or %DVPNET_MODE_CLASSIC
 *
 * Context: RCU read side.
 * Return: 0, or -EHOSTUNREACH in classic mode if the node is behind a router
 * that is not trusted with pod addresses.
 */
int dvp_underlay_mode(const struct dvp_underlay *way,
		      const struct dvp_node *node,
		      const struct dvp_config *config, enum dvpnet_mode *mode)
{
	*mode = dvp_node_mode(node, config);
	if (*mode == DVPNET_MODE_AUTO)
		*mode = way->connected ? DVPNET_MODE_CLASSIC : DVPNET_MODE_VXLAN;
	if (*mode == DVPNET_MODE_CLASSIC && !way->connected &&
	    !config->trust_underlay)
		return -EHOSTUNREACH;
	return 0;
}

/**
 * dvp_underlay_nexthop - who gets the frame: the node itself, or a router
 * @way: the way; keeps the answer alive
 * @table: set to the neighbour table in which to look the answer up
 *
 * Return: the address, four or sixteen bytes as @table has it.
 */
const void *dvp_underlay_nexthop(const struct dvp_underlay *way, int *table)
{
	const struct rtable *rt;

	*table = NEIGH_ND_TABLE;
	if (way->family == AF_INET6)
		return rt6_nexthop(dst_rt6_info(way->dst), &way->daddr);

	rt = dst_rtable(way->dst);
	if (rt->rt_gw_family == AF_INET6)
		return &rt->rt_gw6;
	*table = NEIGH_ARP_TABLE;
	return rt->rt_gw_family ? &rt->rt_gw4 : &way->daddr.s6_addr32[3];
}
