/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses of the device, and the routes and rules that lead into it, over rtnetlink. */
#ifndef DVPNETCTL_ROUTE_H
#define DVPNETCTL_ROUTE_H

#include "netlink.h"
#include "state.h"

/**
 * Protocol number of our routes, so that stale ones are told from other people's
 * ("ip route show proto 113").
 */
#define ROUTE_PROTOCOL 113

/**
 * Our routing table, for packets of this node's pods alone: it leads to other nodes through the
 * device ("ip route show table 113").
 */
#define ROUTE_TABLE 113

/**
 * Our routing table for virtual machines of other nodes ("ip route show table 114"). It goes
 * before the main one: while a machine moves, its old node still has a route to it there.
 */
#define ROUTE_MACHINES 114

/**
 * enum route_rule - priorities of our rules, after the local table and before the main one
 * @ROUTE_RULE_PODS: packets of this node's pods and machines look into %ROUTE_TABLE
 * @ROUTE_RULE_MACHINES: all packets look into %ROUTE_MACHINES
 * @ROUTE_RULE_SPECIFIC: those to addresses for machines into the main table, but for its
 *	default route
 * @ROUTE_RULE_BLACKHOLE: of these, what is left goes nowhere: it is for the inside
 */
enum route_rule {
	ROUTE_RULE_PODS = 1130,
	ROUTE_RULE_MACHINES,
	ROUTE_RULE_SPECIFIC,
	ROUTE_RULE_BLACKHOLE,
};

/**
 * struct route_way - how the kernel routes to an address
 * @is_local: the address is this network namespace's own
 * @has_gateway: it is behind a router
 */
struct route_way {
	bool is_local;
	bool has_gateway;
};

/** struct route_devices - numbers of devices, sorted, each once */
struct route_devices {
	LIST(uint32_t) list;
};

int route_open(struct netlink *netlink);
int route_find_way(struct netlink *netlink, const struct ip *from, const struct ip *to,
		   struct route_way *way);
int route_sync(struct netlink *netlink, uint32_t ifindex, const struct state *want,
	       size_t *changes);
int route_list_pod_devices(struct netlink *netlink, uint32_t ifindex, const struct state *want,
			   struct route_devices *devices);
int route_remove_rules(struct netlink *netlink, size_t *changes);

#endif
