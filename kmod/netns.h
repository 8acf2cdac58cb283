/* SPDX-License-Identifier: GPL-2.0 */
/* Everything that one network namespace owns. */
#ifndef _DVPNET_NETNS_H
#define _DVPNET_NETNS_H

#include <linux/in6.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/ratelimit.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/xarray.h>
#include <net/gro_cells.h>

#include <uapi/linux/dvpnet.h>

#include "affinity.h"
#include "flow.h"
#include "prefix.h"
#include "range.h"
#include "stats.h"
#include "sync.h"

struct dvp_node;
struct nf_hook_ops;
struct socket;

/**
 * struct dvp_config - settings; replaced as a whole, never changed in place
 * @rcu: for freeing
 * @mode: mode of nodes without one of their own
 * @vni: VXLAN network identifier
 * @port: VXLAN UDP destination port, host byte order
 * @udp_csum: compute the outer UDP checksum over IPv4
 * @trust_underlay: classic mode may send pod addresses to a router
 * @nodeport_any: NodePorts open on every local address but loopback
 * @nodeport_min: first port of the NodePort range, host byte order
 * @nodeport_max: last port of the NodePort range, host byte order
 * @max_flows: bound of the flow table
 * @tcp_established: time-out in seconds
 * @tcp_transitory: time-out in seconds of TCP flows that open or close
 * @udp_new: time-out in seconds of flows whose client has not gone on after a reply
 * @udp_established: time-out in seconds of flows whose client has
 * @secret: cluster-wide key of the backend choice
 * @masquerade: what pods of this node send to the outside gets the node's address
 * @vip_echo: answer ICMP echo requests to addresses of Services
 * @reset_removed: reset TCP connections whose endpoint was removed
 * @ranges: number of ranges
 * @range: what addresses are, sorted; the rest is zero
 */
struct dvp_config {
	struct rcu_head rcu;
	enum dvpnet_mode mode;
	u32 vni;
	u16 port;
	bool udp_csum;
	bool trust_underlay;
	bool nodeport_any;
	u16 nodeport_min;
	u16 nodeport_max;
	u32 max_flows;
	u32 tcp_established;
	u32 tcp_transitory;
	u32 udp_new;
	u32 udp_established;
	siphash_key_t secret;
	bool masquerade;
	bool vip_echo;
	bool reset_removed;
	u32 ranges;
	struct dvp_range range[DVPNET_RANGES_MAX];
};

/**
 * struct dvp_net - a network namespace's share of dvpnet; lives and dies with its device
 *
 * Writers hold @lock; the packet path reads under RCU. @lock nests inside
 * RTNL and is never held while RTNL is taken.
 *
 * @net: the namespace; not held, the device goes before it does
 * @dev: the device whose private area this is
 * @lock: serialises all changes of configuration
 * @running: false once the device is going; under @lock
 * @config: current settings, never NULL
 * @self: the node that this namespace is, or NULL while it is not known
 * @nodes: nodes by id, for dumps; under @lock
 * @node_names: nodes by name
 * @node_addrs: nodes by underlay address
 * @prefixes: inner address to node
 * @services: services by id, for dumps; under @lock
 * @service_names: services by name and family
 * @frontends: services by address, protocol and port
 * @vips: what frontends stand on an address, to tell what its unused ports mean
 * @sock4: VXLAN socket on the local IPv4 underlay address, or NULL
 * @sock6: the same for IPv6
 * @hooks: this namespace's netfilter hooks
 * @gro_cells: receive queues of the device
 * @flows: translated connections
 * @affinity: clients that stay with a backend
 * @stats: named counters
 * @sync: the open sync, if any; under @lock
 * @generation: raised by each change; written under @lock
 * @seq: raised by each object that changes, for dumps to notice; under @lock
 * @next_id: for xa_alloc_cyclic() of node and service ids; under @lock
 * @icmp_limit: bounds the ICMP errors that refuse connections
 */
struct dvp_net {
	struct net *net;
	struct net_device *dev;
	struct mutex lock;
	bool running;
	struct dvp_config __rcu *config;
	struct dvp_node __rcu *self;
	struct xarray nodes;
	struct rhashtable node_names;
	struct rhashtable node_addrs;
	struct dvp_prefix_table prefixes;
	struct xarray services;
	struct rhashtable service_names;
	struct rhashtable frontends;
	struct rhashtable vips;
	struct socket __rcu *sock4;
	struct socket __rcu *sock6;
	struct nf_hook_ops *hooks;
	struct gro_cells gro_cells;
	struct dvp_flow_table flows;
	struct dvp_affinity_table affinity;
	struct dvp_stats __percpu *stats;
	struct dvp_sync sync;
	u32 generation;
	u32 seq;
	u32 next_id;
	struct ratelimit_state icmp_limit;
};

struct dvp_net *dvp_netns_find(struct net *net);
bool dvp_netns_has_addr(struct dvp_net *dn, const struct in6_addr *addr);
u32 dvp_netns_max_flows(void);
int dvp_netns_start(struct net *net, struct net_device *dev);
void dvp_netns_stop(struct dvp_net *dn);
void dvp_netns_free(struct dvp_net *dn);
int dvp_netns_init(void);
void dvp_netns_exit(void);

#endif
