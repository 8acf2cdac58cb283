/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What older kernels (and leaner configurations) lack, under the newest
 * kernels' names, so that the rest of the module is written for these alone.
 * Included before every source file.
 */
#ifndef _DVPNET_COMPAT_H
#define _DVPNET_COMPAT_H

#include <linux/netdevice.h>
#include <linux/netfilter_bridge.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/timer.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/ip_tunnels.h>
#include <net/route.h>
#include <net/rtnetlink.h>
#include <net/udp_tunnel.h>

/* 6.4: gso.h, out of netdevice.h */
#ifdef COMPAT_HAS_GSO_H
#include <net/gso.h>
#endif

/* 6.2: prandom_u32_max() before */
#ifndef COMPAT_HAS_RANDOM_BELOW
#define get_random_u32_below(ceil) prandom_u32_max(ceil)
#endif

/* 6.18: with the table of sockets as an argument before */
#ifndef COMPAT_HAS_INET_LOOKUP_NET
#define inet_lookup(net, ...) \
	inet_lookup(net, (net)->ipv4.tcp_death_row.hashinfo, __VA_ARGS__)
#define inet6_lookup(net, ...) \
	inet6_lookup(net, (net)->ipv4.tcp_death_row.hashinfo, __VA_ARGS__)
#endif

/* 6.17 */
#ifndef COMPAT_HAS_DST_DEV
#define dst_dev(_dst) READ_ONCE((_dst)->dev)
#endif

/* 6.10 */
#ifndef COMPAT_HAS_DST_RTABLE
#define dst_rtable(_ptr) container_of_const(_ptr, struct rtable, dst)
#endif
#ifndef COMPAT_HAS_DST_RT6_INFO
#define dst_rt6_info(_ptr) container_of_const(_ptr, struct rt6_info, dst)
#endif

/* 6.16: from_timer() before */
#ifndef COMPAT_HAS_TIMER_CONTAINER_OF
#define timer_container_of(var, callback_timer, timer_fieldname) \
	from_timer(var, callback_timer, timer_fieldname)
#endif

/* 6.3: messages of extended acks could not be formatted before */
#ifndef COMPAT_HAS_EXTACK_FMT
__printf(2, 3)
void compat_extack_fmt(struct netlink_ext_ack *extack, const char *fmt, ...);

#define NL_SET_ERR_MSG_FMT(extack, fmt, args...) \
	compat_extack_fmt(extack, fmt, ##args)
#define NL_SET_ERR_MSG_FMT_MOD(extack, fmt, args...) \
	compat_extack_fmt(extack, KBUILD_MODNAME ": " fmt, ##args)
#endif

/* 6.12: a feature flag before */
static inline void compat_netdev_set_lltx(struct net_device *dev)
{
#ifdef COMPAT_HAS_LLTX
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
}

/* 6.12: a feature flag before; 6.15: under this name */
static inline void compat_netdev_set_netns_immutable(struct net_device *dev)
{
#ifdef COMPAT_HAS_NETNS_IMMUTABLE
	dev->netns_immutable = true;
#else
	dev->features |= NETIF_F_NETNS_LOCAL;
#endif
}

/*
 * 6.15: other parameters. Defines @op for struct rtnl_link_ops, which calls
 * @func(dev, extack).
 */
#ifdef COMPAT_HAS_NEWLINK_PARAMS
#define COMPAT_NEWLINK_OP(op, func)					\
static int op(struct net_device *dev,					\
	      struct rtnl_newlink_params *params,			\
	      struct netlink_ext_ack *extack)				\
{									\
	return func(dev, extack);					\
}
#else
#define COMPAT_NEWLINK_OP(op, func)					\
static int op(struct net *src_net, struct net_device *dev,		\
	      struct nlattr *tb[], struct nlattr *data[],		\
	      struct netlink_ext_ack *extack)				\
{									\
	return func(dev, extack);					\
}
#endif

/* 6.17: the flags for the control block */
#ifndef COMPAT_HAS_TUNNEL_IPCB_FLAGS
#define udp_tunnel_xmit_skb(rt, sk, skb, src, dst, tos, ttl, df, sport,	\
			    dport, xnet, nocheck, ipcb_flags)		\
	udp_tunnel_xmit_skb(rt, sk, skb, src, dst, tos, ttl, df, sport,	\
			    dport, xnet, nocheck)
#define udp_tunnel6_xmit_skb(dst, sk, skb, dev, saddr, daddr, prio, ttl, \
			     label, sport, dport, nocheck, ip6cb_flags)	\
	udp_tunnel6_xmit_skb(dst, sk, skb, dev, saddr, daddr, prio, ttl, \
			     label, sport, dport, nocheck)
#endif

/* 7.2: struct sock instead of struct socket */
#ifndef COMPAT_HAS_TUNNEL_SETUP_SK
#define setup_udp_tunnel_sock(net, sk, cfg) \
	setup_udp_tunnel_sock(net, (sk)->sk_socket, cfg)
#define udp_tunnel_sock_release(sk) \
	udp_tunnel_sock_release((sk)->sk_socket)
#endif

/* Only there with the option */
#if !IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
static inline bool nf_bridge_info_exists(const struct sk_buff *skb)
{
	return false;
}
#endif

#endif
