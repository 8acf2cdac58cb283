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

/** Priority of the rules that lead there: after the local table, before the main one. */
#define ROUTE_RULE_PRIORITY 1130

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
