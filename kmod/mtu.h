/* SPDX-License-Identifier: GPL-2.0 */
/* What fits on the way to a node, and what happens to packets that do not. */
#ifndef _DVPNET_MTU_H
#define _DVPNET_MTU_H

#include <linux/skbuff.h>

struct dvp_net;
struct dvp_node;
struct dvp_underlay;
enum dvpnet_mode;
struct net;
struct sock;

/* Outer IP, UDP, VXLAN and inner Ethernet header. */
#define DVP_MTU_OVERHEAD_V4	50
#define DVP_MTU_OVERHEAD_V6	70

/**
 * enum dvp_mtu_verdict - whether a packet fits
 * @DVP_MTU_FITS: it does
 * @DVP_MTU_FRAGMENT_OUTER: only its outer packet in fragments does, and the
 *	inner one must not be fragmented nor refused: IPv6 relies on 1280 bytes
 * @DVP_MTU_FRAGMENT: it must be fragmented
 * @DVP_MTU_REFUSE: its sender has to be told
 */
enum dvp_mtu_verdict {
	DVP_MTU_FITS,
	DVP_MTU_FRAGMENT_OUTER,
	DVP_MTU_FRAGMENT,
	DVP_MTU_REFUSE,
};

u32 dvp_mtu_of_way(const struct dvp_underlay *way, enum dvpnet_mode mode);
u32 dvp_mtu_to_node(struct dvp_net *dn, struct dvp_node *node,
		    enum dvpnet_mode *active);
enum dvp_mtu_verdict dvp_mtu_check(const struct sk_buff *skb, u32 mtu,
				   enum dvpnet_mode mode);
void dvp_mtu_refuse(struct sk_buff *skb, u32 mtu, enum dvpnet_mode mode);
int dvp_mtu_fragment(struct net *net, struct sk_buff *skb, u32 mtu,
		     int (*output)(struct net *net, struct sock *sk,
				   struct sk_buff *skb));
int dvp_mtu_clamp_mss(struct sk_buff *skb, u32 mtu);
void dvp_mtu_update_device(struct dvp_net *dn);

#endif
