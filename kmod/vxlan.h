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

int dvp_vxlan_open(struct dvp_net *dn, struct netlink_ext_ack *extack);
void dvp_vxlan_close(struct dvp_net *dn);
int dvp_vxlan_xmit(struct dvp_net *dn, struct sk_buff *skb,
		   const struct dvp_node *node, struct dvp_underlay *way,
		   const struct dvp_config *config, bool may_fragment);

#endif
