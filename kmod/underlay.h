/* SPDX-License-Identifier: GPL-2.0 */
/* The way to a node over the underlay. */
#ifndef _DVPNET_UNDERLAY_H
#define _DVPNET_UNDERLAY_H

#include <linux/in6.h>
#include <net/dst.h>

struct dvp_config;
struct dvp_net;
struct dvp_node;
enum dvpnet_mode;

/**
 * struct dvp_underlay - the way to a node, as of now
 * @dst: route to @daddr; referenced
 * @saddr: address of this node, IPv4 as ::ffff:a.b.c.d
 * @daddr: address of the other node, of the same family
 * @family: AF_INET or AF_INET6
 * @connected: no router in between
 */
struct dvp_underlay {
	struct dst_entry *dst;
	struct in6_addr saddr;
	struct in6_addr daddr;
	u16 family;
	bool connected;
};

int dvp_underlay_family(const struct dvp_node *self,
			const struct dvp_node *node);
int dvp_underlay_find(struct dvp_net *dn, struct dvp_node *node,
		      struct dvp_underlay *way);
int dvp_underlay_mode(const struct dvp_underlay *way,
		      const struct dvp_node *node,
		      const struct dvp_config *config, enum dvpnet_mode *mode);
const void *dvp_underlay_nexthop(const struct dvp_underlay *way, int *table);

#endif
