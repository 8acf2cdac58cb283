/* SPDX-License-Identifier: GPL-2.0 */
/* Network devices, ours above all, over rtnetlink. */
#ifndef DVPNETCTL_LINK_H
#define DVPNETCTL_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "ip.h"
#include "netlink.h"

/** Name that our device gets. */
#define LINK_NAME "dvp0"

/** Longest kind that is kept. */
#define LINK_KIND_MAX 16

/**
 * struct link - a network device
 * @ifindex: its number
 * @name: its name
 * @kind: its kind, "" if it has none
 * @mtu: its MTU
 */
struct link {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
	char kind[LINK_KIND_MAX];
	uint32_t mtu;
};

/** struct links - network devices */
struct links {
	LIST(struct link) list;
};

/**
 * struct link_address - an address of a device
 * @ip: the address
 * @ifindex: the device
 */
struct link_address {
	struct ip ip;
	uint32_t ifindex;
};

/** struct link_addresses - addresses of devices, in order */
struct link_addresses {
	LIST(struct link_address) list;
};

int link_add(struct netlink *netlink);
int link_set_up(struct netlink *netlink, uint32_t ifindex, size_t *changes);
int link_remove(struct netlink *netlink, uint32_t ifindex);
int link_list(struct netlink *netlink, struct links *links);
bool link_is_ours(const struct link *link);
int link_list_addresses(struct netlink *netlink, struct link_addresses *addresses);
const struct link_address *link_find_address(const struct link_addresses *addresses,
					     const struct ip *ip);

#endif
