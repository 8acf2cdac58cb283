/* SPDX-License-Identifier: GPL-2.0 */
/* The virtual device: a way in and a way out for all modes. */
#ifndef _DVPNET_DEVICE_H
#define _DVPNET_DEVICE_H

#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <net/ipv6.h>

#include "stats.h"

struct dvp_net;

/**
 * enum dvp_device_attr - what IFLA_INFO_DATA of the device holds; read only
 * @DVP_DEVICE_A_UNSPEC: unused
 * @DVP_DEVICE_A_MODE: u32, &enum dvpnet_mode
 * @DVP_DEVICE_A_VNI: u32
 * @DVP_DEVICE_A_PORT: u16, host byte order
 */
enum dvp_device_attr {
	DVP_DEVICE_A_UNSPEC,
	DVP_DEVICE_A_MODE,
	DVP_DEVICE_A_VNI,
	DVP_DEVICE_A_PORT,
};

/**
 * dvp_device_inner_saddr - source address of an IP packet
 * @skb: the packet, its network header in the linear part
 * @addr: set to it, IPv4 as ::ffff:a.b.c.d
 */
static inline void dvp_device_inner_saddr(const struct sk_buff *skb,
					  struct in6_addr *addr)
{
	if (skb->protocol == htons(ETH_P_IP))
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, addr);
	else
		*addr = ipv6_hdr(skb)->saddr;
}

/**
 * dvp_device_inner_daddr - destination address of an IP packet
 * @skb: the packet, its network header in the linear part
 * @addr: set to it, IPv4 as ::ffff:a.b.c.d
 */
static inline void dvp_device_inner_daddr(const struct sk_buff *skb,
					  struct in6_addr *addr)
{
	if (skb->protocol == htons(ETH_P_IP))
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, addr);
	else
		*addr = ipv6_hdr(skb)->daddr;
}

void dvp_device_receive(struct dvp_net *dn, struct sk_buff *skb,
			enum dvp_stat stat);
void dvp_device_drop_rx(struct dvp_net *dn, struct sk_buff *skb,
			enum dvp_stat stat);
void dvp_device_refresh(struct dvp_net *dn);
int dvp_device_init(void);
void dvp_device_exit(void);

#endif
