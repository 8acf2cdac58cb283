// SPDX-License-Identifier: GPL-2.0
/*
 * What fits on the way to a node, and what happens to packets that do not.
 *
 * The longest inner packet is the route's path MTU, less what the mode adds.
 * So the underlay's own path MTU discovery, which our outer packets take part
 * in, reaches the pods. The device's MTU is only the bound for all nodes.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/inetdevice.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h>
#include <net/addrconf.h>
#include <net/dst_metadata.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "mtu.h"
#include "netns.h"
#include "node.h"
#include "underlay.h"

/**
 * dvp_mtu_of_way - longest inner packet that fits
 * @way: the way to the node
 * @mode: %DVPNET_MODE_VXLAN or %DVPNET_MODE_CLASSIC
 *
 * Return: bytes, IP header included.
 */
u32 dvp_mtu_of_way(const struct dvp_underlay *way, enum dvpnet_mode mode)
{
	u32 mtu = dst_mtu(way->dst);

	if (mode == DVPNET_MODE_CLASSIC)
		return mtu;
	return mtu - (way->family == AF_INET ? DVP_MTU_OVERHEAD_V4 :
					       DVP_MTU_OVERHEAD_V6);
}

/**
 * dvp_mtu_to_node - for people: mode and MTU on the way to a node now
 * @dn: from where
 * @node: to whom
 * @active: set to %DVPNET_MODE_VXLAN or %DVPNET_MODE_CLASSIC
 *
 * Context: RCU read side or &dvp_net.lock, process context or softirq.
 * Return: bytes, or 0 if packets cannot go there; @active is not set then.
 */
u32 dvp_mtu_to_node(struct dvp_net *dn, struct dvp_node *node,
		    enum dvpnet_mode *active)
{
	const struct dvp_config *config;
	struct dvp_underlay way;
	enum dvpnet_mode mode;
	u32 mtu = 0;

	local_bh_disable();
	rcu_read_lock();
	config = rcu_dereference(dn->config);
	if (!dvp_underlay_find(dn, node, &way)) {
		if (!dvp_underlay_mode(&way, node, config, &mode)) {
			mtu = dvp_mtu_of_way(&way, mode);
			*active = mode;
		}
		dst_release(way.dst);
	}
	rcu_read_unlock();
	local_bh_enable();
	return mtu;
}

static bool mtu_fits(const struct sk_buff *skb, u32 mtu)
{
	if (skb_is_gso(skb))
		return skb_gso_validate_network_len(skb, mtu);
	return skb->len - skb_network_offset(skb) <= mtu;
}

/**
 * dvp_mtu_check - does a packet fit?
 * @skb: the inner packet, its network header in the linear part
 * @mtu: of the way, see dvp_mtu_of_way()
 * @mode: %DVPNET_MODE_VXLAN or %DVPNET_MODE_CLASSIC
 *
 * Return: what to do with it, see &enum dvp_mtu_verdict.
 */
enum dvp_mtu_verdict dvp_mtu_check(const struct sk_buff *skb, u32 mtu,
				   enum dvpnet_mode mode)
{
	if (mtu_fits(skb, mtu))
		return DVP_MTU_FITS;
	if (skb->protocol == htons(ETH_P_IP))
		return ip_hdr(skb)->frag_off & htons(IP_DF) ? DVP_MTU_REFUSE :
							      DVP_MTU_FRAGMENT;
	if (mode == DVPNET_MODE_VXLAN && mtu_fits(skb, IPV6_MIN_MTU))
		return DVP_MTU_FRAGMENT_OUTER;
	return DVP_MTU_REFUSE;
}

/**
 * dvp_mtu_refuse - tell the sender of a packet how long one may be
 * @skb: the packet; stays the caller's
 * @mtu: of the way
 * @mode: %DVPNET_MODE_VXLAN or %DVPNET_MODE_CLASSIC
 *
 * A packet without a route (from a packet socket) has nobody to be told.
 *
 * Context: softirq, in the device's transmit function.
 */
void dvp_mtu_refuse(struct sk_buff *skb, u32 mtu, enum dvpnet_mode mode)
{
	if (!skb_valid_dst(skb))
		return;
	if (skb->protocol == htons(ETH_P_IP)) {
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
			      htonl(mtu));
		return;
	}
	if (mode == DVPNET_MODE_VXLAN)
		mtu = max_t(u32, mtu, IPV6_MIN_MTU);
	icmpv6_ndo_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
}

/**
 * dvp_mtu_fragment - cut an IPv4 packet
 * @net: namespace
 * @skb: the packet; consumed
 * @mtu: of the way
 * @output: called with each fragment, or with each packet of a GSO packet,
 *	which is then free to have it fragmented in turn
 *
 * What @output drops it counts itself; the rest of a packet that could not be cut,
 * or of which a fragment was dropped, is counted here.
 *
 * Context: softirq, in the device's transmit function.
 * Return: 0, or the first error.
 */
int dvp_mtu_fragment(struct net *net, struct sk_buff *skb, u32 mtu,
		     int (*output)(struct net *net, struct sock *sk,
				   struct sk_buff *skb))
{
	struct dvp_net *dn = netdev_priv(skb->dev);
	struct sk_buff *segs, *seg, *next;
	int err, first_err = 0;

	if (!skb_is_gso(skb)) {
		/* The queueing layer has used the control block since IP did. */
		memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
		IPCB(skb)->opt.optlen = ip_hdrlen(skb) - sizeof(struct iphdr);
		IPCB(skb)->frag_max_size = mtu;
		err = ip_do_fragment(net, NULL, skb, output);
		if (err)
			dvp_stats_inc(dn, DVP_STAT_TX_ERROR);
		return err;
	}

	segs = skb_gso_segment(skb, netif_skb_features(skb) & ~NETIF_F_GSO_MASK);
	if (IS_ERR_OR_NULL(segs)) {
		dvp_stats_inc(dn, DVP_STAT_TX_ERROR);
		kfree_skb(skb);
		return -ENOMEM;
	}
	consume_skb(skb);
	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		err = output(net, NULL, seg);
		if (!first_err)
			first_err = err;
	}
	return first_err;
}

/* Offset of the TCP header of a packet that is not a fragment, or -1. */
static int mtu_tcp_offset(const struct sk_buff *skb)
{
	int offset = skb_network_offset(skb);
	__be16 frag_off;
	u8 nexthdr;

	if (skb->protocol == htons(ETH_P_IP)) {
		if (ip_hdr(skb)->protocol != IPPROTO_TCP || ip_is_fragment(ip_hdr(skb)))
			return -1;
		return offset + ip_hdrlen(skb);
	}
	nexthdr = ipv6_hdr(skb)->nexthdr;
	offset = ipv6_skip_exthdr(skb, offset + sizeof(struct ipv6hdr), &nexthdr,
				  &frag_off);
	if (offset < 0 || nexthdr != IPPROTO_TCP || frag_off)
		return -1;
	return offset;
}

/* Offset of the MSS option's value from the TCP header, or 0 if there is none. */
static unsigned int mtu_find_mss(const struct tcphdr *tcp)
{
	const u8 *bytes = (const u8 *)tcp;
	unsigned int end = tcp->doff * 4;
	unsigned int i = sizeof(*tcp);

	while (i < end && bytes[i] != TCPOPT_EOL) {
		if (bytes[i] == TCPOPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= end || bytes[i + 1] < 2 || i + bytes[i + 1] > end)
			return 0;
		if (bytes[i] == TCPOPT_MSS && bytes[i + 1] == TCPOLEN_MSS)
			return i + 2;
		i += bytes[i + 1];
	}
	return 0;
}

/**
 * dvp_mtu_clamp_mss - make a TCP handshake announce segments that fit
 * @skb: the inner packet, its network header in the linear part, which may be
 *	reallocated
 * @mtu: of the way
 *
 * The MSS of SYN and SYN/ACK is lowered where it is too high, never raised.
 * One that is absent is 536 (1220 with IPv6, RFC 9293, 3.7.1) and left so.
 *
 * Return: 1 if it was lowered, 0 if not, -ENOMEM.
 */
int dvp_mtu_clamp_mss(struct sk_buff *skb, u32 mtu)
{
	unsigned int headers = skb->protocol == htons(ETH_P_IP) ?
		sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	int offset = mtu_tcp_offset(skb);
	__be16 old_word, new_word;
	unsigned int at, hdrlen;
	struct tcphdr *tcp, buf;
	u16 old_mss, new_mss;
	u8 *value;

	if (offset < 0)
		return 0;
	tcp = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!tcp || !tcp->syn || tcp->doff * 4 <= sizeof(*tcp))
		return 0;
	headers += sizeof(struct tcphdr);
	if (mtu <= headers)
		return 0;
	new_mss = min_t(u32, mtu - headers, U16_MAX);

	hdrlen = tcp->doff * 4;
	if (!pskb_may_pull(skb, offset + hdrlen))
		return 0;
	tcp = (struct tcphdr *)(skb->data + offset);
	at = mtu_find_mss(tcp);
	if (!at)
		return 0;
	old_mss = get_unaligned_be16((u8 *)tcp + at);
	if (old_mss <= new_mss)
		return 0;

	if (skb_ensure_writable(skb, offset + hdrlen))
		return -ENOMEM;
	tcp = (struct tcphdr *)(skb->data + offset);
	value = (u8 *)tcp + at;
	put_unaligned_be16(new_mss, value);
	old_word = htons(old_mss);
	new_word = htons(new_mss);
	if (at & 1) {
		/* Halves of two words: in the sum, its bytes are swapped. */
		old_word = (__force __be16)swab16((__force u16)old_word);
		new_word = (__force __be16)swab16((__force u16)new_word);
	}
	inet_proto_csum_replace2(&tcp->check, skb, old_word, new_word, false);
	return 1;
}

/* MTU of the device that holds an underlay address of this node, or 0. */
static u32 mtu_of_address(struct net *net, const struct in6_addr *addr)
{
	struct net_device *dev;

	if (ipv6_addr_any(addr))
		return 0;
	if (ipv6_addr_v4mapped(addr)) {
		dev = __ip_dev_find(net, addr->s6_addr32[3], false);
		return dev ? READ_ONCE(dev->mtu) : 0;
	}
	for_each_netdev_rcu(net, dev)
		if (ipv6_chk_addr(net, addr, dev, 1))
			return READ_ONCE(dev->mtu);
	return 0;
}

/* The widest way to any node as configured; to none in particular if there is none. */
static u32 mtu_of_device(struct dvp_net *dn)
{
	static const u32 overhead[DVP_NODE_ADDRS] = {
		[DVP_NODE_V4] = DVP_MTU_OVERHEAD_V4,
		[DVP_NODE_V6] = DVP_MTU_OVERHEAD_V6,
	};
	const struct dvp_config *config = rcu_dereference(dn->config);
	struct dvp_node *self = rcu_dereference(dn->self);
	u32 underlay[DVP_NODE_ADDRS], widest = 0, mtu;
	struct dvp_node *node;
	unsigned long id;
	int i;

	if (!self)
		return 0;
	for (i = 0; i < DVP_NODE_ADDRS; i++)
		underlay[i] = mtu_of_address(dn->net, &self->underlay[i].addr);

	xa_for_each(&dn->nodes, id, node) {
		i = dvp_underlay_family(self, node);
		if (dvp_node_is(node, self) || i < 0)
			continue;
		mtu = underlay[i];
		if (mtu && dvp_node_mode(node, config) == DVPNET_MODE_VXLAN)
			mtu -= overhead[i];
		widest = max(widest, mtu);
	}
	if (widest)
		return widest;
	i = underlay[DVP_NODE_V4] ? DVP_NODE_V4 : DVP_NODE_V6;
	mtu = underlay[i];
	if (mtu && config->mode == DVPNET_MODE_VXLAN)
		mtu -= overhead[i];
	return mtu;
}

/**
 * dvp_mtu_update_device - make the device's MTU follow nodes, modes and underlay
 * @dn: whose
 *
 * Context: RTNL, the device is registered.
 */
void dvp_mtu_update_device(struct dvp_net *dn)
{
	u32 mtu;
	int err;

	rcu_read_lock();
	mtu = mtu_of_device(dn);
	rcu_read_unlock();
	if (!mtu)
		return;
	/* Below this, the device would lose IPv6. What is longer than the way is dealt with. */
	mtu = clamp_t(u32, mtu, IPV6_MIN_MTU, dn->dev->max_mtu);
	if (mtu == dn->dev->mtu)
		return;
	err = dev_set_mtu(dn->dev, mtu);
	if (err)
		netdev_warn(dn->dev, "cannot set MTU %u: error %d\n", mtu, err);
}
