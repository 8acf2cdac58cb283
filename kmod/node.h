/* SPDX-License-Identifier: GPL-2.0 */
/* Nodes: who the peers are, and where on the underlay. */
#ifndef _DVPNET_NODE_H
#define _DVPNET_NODE_H

#include <linux/etherdevice.h>
#include <linux/in6.h>
#include <linux/rhashtable.h>
#include <net/dst_cache.h>
#include <net/ipv6.h>

#include "netns.h"

struct netlink_ext_ack;

/**
 * struct dvp_node_addr - an underlay address as a key to its node
 * @hash: in &dvp_net.node_addrs, while @addr is set
 * @addr: the address, IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2); unspecified = none
 */
struct dvp_node_addr {
	struct rhash_head hash;
	struct in6_addr addr;
};

enum { DVP_NODE_V4, DVP_NODE_V6, DVP_NODE_ADDRS };

/**
 * struct dvp_node - a node of the cluster; replaced as a whole, never changed in place
 * but for @stamp and the caches
 * @name_hash: in &dvp_net.node_names
 * @rcu: for freeing
 * @id: index in &dvp_net.nodes; the one that replaces it has the same
 * @stamp: the sync that last named it
 * @underlay: addresses on the underlay, IPv4 and IPv6
 * @tunnel: own addresses inside the pod network (local node only), IPv4 and IPv6,
 *	unspecified = none
 * @mac: inner Ethernet address of its tunnel end
 * @local: this namespace is that node
 * @has_mode: @mode overrides the configuration's
 * @mode: how packets travel to it
 * @dst_cache: route to the underlay address in use
 * @name: Kubernetes name
 */
struct dvp_node {
	struct rhash_head name_hash;
	struct rcu_head rcu;
	u32 id;
	u32 stamp;
	struct dvp_node_addr underlay[DVP_NODE_ADDRS];
	struct in6_addr tunnel[DVP_NODE_ADDRS];
	u8 mac[ETH_ALEN];
	bool local;
	bool has_mode;
	enum dvpnet_mode mode;
	struct dst_cache dst_cache;
	char name[];
};

/**
 * dvp_node_mode - configured mode of a node
 * @node: the node
 * @config: the settings
 *
 * Context: RCU read side.
 */
static inline enum dvpnet_mode dvp_node_mode(const struct dvp_node *node,
					     const struct dvp_config *config)
{
	return node->has_mode ? node->mode : config->mode;
}

/**
 * dvp_node_is - are these the same node?
 * @a: a node, or NULL, which is none
 * @b: another
 *
 * Not by address: while a node is replaced, some tables have it and some its heir.
 *
 * Context: RCU read side.
 */
static inline bool dvp_node_is(const struct dvp_node *a, const struct dvp_node *b)
{
	return a && b && a->id == b->id;
}

/**
 * dvp_node_owns - may a packet from this node have this inner source?
 * @dn: where
 * @node: the node
 * @addr: the source
 *
 * Its pods' addresses, and its own: a node answers a pod from the address that
 * the pod asked.
 *
 * Context: RCU read side.
 */
static inline bool dvp_node_owns(const struct dvp_net *dn, const struct dvp_node *node,
				 const struct in6_addr *addr)
{
	return dvp_node_is(dvp_prefix_lookup(&dn->prefixes, addr), node) ||
	       ipv6_addr_equal(addr, &node->underlay[DVP_NODE_V4].addr) ||
	       ipv6_addr_equal(addr, &node->underlay[DVP_NODE_V6].addr);
}

struct dvp_node *dvp_node_by_name(struct dvp_net *dn, const char *name);
struct dvp_node *dvp_node_by_underlay(struct dvp_net *dn,
				      const struct in6_addr *addr);
int dvp_node_set(struct dvp_net *dn, struct dvp_node *node,
		 struct netlink_ext_ack *extack);
void dvp_node_del(struct dvp_net *dn, struct dvp_node *node);
struct dvp_node *dvp_node_alloc(const char *name);
void dvp_node_free(struct dvp_node *node);
int dvp_node_init(struct dvp_net *dn);
void dvp_node_exit(struct dvp_net *dn);

#endif
