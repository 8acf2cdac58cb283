/* SPDX-License-Identifier: GPL-2.0 */
/* VXLAN (RFC 7348): encapsulation and its sockets. */
#ifndef _DVPNET_VXLAN_H
#define _DVPNET_VXLAN_H

#include <linux/types.h>

struct dvp_config;
struct dvp_net;
struct dvp_node;
struct dvp_underlay;
struct netlink_ext_ack;
struct sk_buff;
struct socket;

/**
 * struct dvp_vxlan_socks - the sockets of one node
 * @v4: bound to its IPv4 underlay address, or NULL
 * @v6: the same for IPv6
 */
struct dvp_vxlan_socks {
	struct socket *v4;
	struct socket *v6;
};

int dvp_vxlan_open(struct dvp_net *dn, const struct dvp_node *self, u16 port,
		   struct dvp_vxlan_socks *socks, struct netlink_ext_ack *extack);
void dvp_vxlan_use(struct dvp_net *dn, const struct dvp_vxlan_socks *socks);
void dvp_vxlan_discard(struct dvp_net *dn, const struct dvp_vxlan_socks *socks);
void dvp_vxlan_close(struct dvp_net *dn);
int dvp_vxlan_xmit(struct dvp_net *dn, struct sk_buff *skb,
		   const struct dvp_node *node, struct dvp_underlay *way,
		   const struct dvp_config *config, bool may_fragment);

#endif
