// SPDX-License-Identifier: GPL-2.0
/*
 * VXLAN (RFC 7348): encapsulation and its sockets.
 *
 * The sockets are bound to this node's own underlay addresses: a VXLAN packet
 * to another address of the host, or to another port, is none of our business.
 */
#include <linux/etherdevice.h>
#include <linux/udp.h>
#include <net/gro.h>
#include <net/inet_ecn.h>
#include <net/ip_tunnels.h>
#include <net/sock.h>
#include <net/udp.h>
#include <net/udp_tunnel.h>
#include <net/vxlan.h>

#include "device.h"
#include "netns.h"
#include "node.h"
#include "prefix.h"
#include "stats.h"
#include "underlay.h"
#include "vxlan.h"

#define VXLAN_TTL 64

/**
 * dvp_vxlan_xmit - encapsulate a packet and send it
 * @dn: from where
 * @skb: IP packet, its network header in the linear part; consumed on success
 * @node: to whom
 * @way: the way there; its route is consumed on success
 * @config: the settings
 * @may_fragment: the outer packet may be fragmented on the underlay
 *
 * Context: RCU read side, softirq, in the device's transmit function.
 * Return: 0, or an error.
 */
int dvp_vxlan_xmit(struct dvp_net *dn, struct sk_buff *skb,
		   const struct dvp_node *node, struct dvp_underlay *way,
		   const struct dvp_config *config, bool may_fragment)
{
	const struct dvp_node *self = rcu_dereference(dn->self);
	bool is_v4 = way->family == AF_INET;
	const struct socket *sock;
	__be16 sport, dport;
	struct ethhdr *eth;
	struct vxlanhdr *vh;
	bool udp_csum;
	int headroom;
	u8 tos;
	int err;

	sock = is_v4 ? rcu_dereference(dn->sock4) : rcu_dereference(dn->sock6);
	if (!sock || !self)
		return -ENETDOWN;

	headroom = LL_RESERVED_SPACE(dst_dev(way->dst)) + way->dst->header_len +
		   (is_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) +
		   VXLAN_HLEN + ETH_HLEN;
	err = skb_cow_head(skb, headroom);
	if (err)
		return err;

	/* From the inner headers, as long as they are the packet's own. */
	sport = udp_flow_src_port(dn->net, skb, 0, 0, false);
	dport = htons(config->port);
	tos = ip_tunnel_ecn_encap(0, ip_hdr(skb), skb);

	eth = skb_push(skb, ETH_HLEN);
	ether_addr_copy(eth->h_dest, node->mac);
	ether_addr_copy(eth->h_source, self->mac);
	eth->h_proto = skb->protocol;
	skb_reset_mac_header(skb);

	udp_csum = !is_v4 || config->udp_csum;
	err = udp_tunnel_handle_offloads(skb, udp_csum);
	if (err)
		return err;

	vh = __skb_push(skb, sizeof(*vh));
	vh->vx_flags = VXLAN_HF_VNI;
	vh->vx_vni = vxlan_vni_field(htonl(config->vni));
	skb_set_inner_protocol(skb, htons(ETH_P_TEB));

	dvp_stats_inc(dn, DVP_STAT_TX_VXLAN);
	if (is_v4) {
		udp_tunnel_xmit_skb(dst_rtable(way->dst), sock->sk, skb,
				    way->saddr.s6_addr32[3],
				    way->daddr.s6_addr32[3], tos, VXLAN_TTL,
				    may_fragment ? 0 : htons(IP_DF), sport, dport,
				    false, !udp_csum, 0);
		return 0;
	}
	skb_scrub_packet(skb, false);
	skb->ignore_df = may_fragment;
	udp_tunnel6_xmit_skb(way->dst, sock->sk, skb, skb->dev, &way->saddr,
			     &way->daddr, tos, VXLAN_TTL, 0, sport, dport,
			     false, 0);
	return 0;
}

/* Who sent the outer packet; NULL if it is nobody whom we expect packets from. */
static struct dvp_node *vxlan_sender(struct dvp_net *dn, const struct sock *sk,
				     const struct sk_buff *skb)
{
	struct dvp_node *node;
	struct in6_addr addr;

	if (sk->sk_family == AF_INET)
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &addr);
	else
		addr = ipv6_hdr(skb)->saddr;
	node = dvp_node_by_underlay(dn, &addr);
	return node && !node->local ? node : NULL;
}

/* A whole IP packet of the version that the frame said? */
static bool vxlan_inner_is_sane(struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP)) {
		const struct iphdr *iph;

		if (!pskb_may_pull(skb, sizeof(*iph)))
			return false;
		iph = ip_hdr(skb);
		if (iph->version != 4 || iph->ihl < 5)
			return false;
		if (skb_is_gso(skb))
			return true;
		return ntohs(iph->tot_len) <= skb->len &&
		       ntohs(iph->tot_len) >= iph->ihl * 4;
	}
	if (!pskb_may_pull(skb, sizeof(struct ipv6hdr)))
		return false;
	if (ipv6_hdr(skb)->version != 6)
		return false;
	return skb_is_gso(skb) || ntohs(ipv6_hdr(skb)->payload_len) +
				  sizeof(struct ipv6hdr) <= skb->len;
}

/*
 * Take the outer headers off, if everything is as it must be. Returns
 * DVP_STAT_RX_VXLAN, or the reason why not.
 */
static enum dvp_stat vxlan_decapsulate(struct dvp_net *dn, const struct sock *sk,
				       struct sk_buff *skb)
{
	const struct dvp_config *config = rcu_dereference(dn->config);
	const struct dvp_node *self = rcu_dereference(dn->self);
	const struct vxlanhdr *vh;
	struct dvp_node *sender;
	unsigned int outer;
	struct in6_addr src;
	struct ethhdr *eth;
	int ecn;

	if (!pskb_may_pull(skb, VXLAN_HLEN + ETH_HLEN))
		return DVP_STAT_RX_TRUNCATED;
	vh = (struct vxlanhdr *)(udp_hdr(skb) + 1);
	if (vh->vx_flags != VXLAN_HF_VNI || vh->vx_vni & ~VXLAN_VNI_MASK)
		return DVP_STAT_RX_BAD_FLAGS;
	if (vxlan_vni(vh->vx_vni) != htonl(config->vni))
		return DVP_STAT_RX_WRONG_VNI;
	sender = vxlan_sender(dn, sk, skb);
	if (!sender || !self)
		return DVP_STAT_RX_UNKNOWN_NODE;

	/* An offset: skb->head may move, its headroom stays. */
	outer = skb_network_header(skb) - skb->head;
	if (__iptunnel_pull_header(skb, VXLAN_HLEN, htons(ETH_P_TEB), false, false))
		return DVP_STAT_RX_ERROR;

	eth = (struct ethhdr *)skb->data;
	if (!ether_addr_equal(eth->h_dest, self->mac))
		return DVP_STAT_RX_OTHER_HOST;
	if (skb->protocol != htons(ETH_P_IP) && skb->protocol != htons(ETH_P_IPV6))
		return DVP_STAT_RX_NOT_IP;
	skb_pull_rcsum(skb, ETH_HLEN);
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	skb_reset_network_header(skb);
	if (!vxlan_inner_is_sane(skb))
		return DVP_STAT_RX_TRUNCATED;

	dvp_device_inner_saddr(skb, &src);
	if (!dvp_node_owns(dn, sender, &src))
		return DVP_STAT_RX_SPOOFED;

	if (sk->sk_family == AF_INET)
		ecn = IP_ECN_decapsulate((void *)(skb->head + outer), skb);
	else
		ecn = IP6_ECN_decapsulate((void *)(skb->head + outer), skb);
	/* 1 is merely worth a look, RFC 6040, 4.2. */
	return ecn > 1 ? DVP_STAT_RX_BAD_ECN : DVP_STAT_RX_VXLAN;
}

static int vxlan_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct dvp_net *dn = rcu_dereference_sk_user_data(sk);
	enum dvp_stat stat;

	if (!dn) {
		kfree_skb(skb);
		return 0;
	}
	stat = vxlan_decapsulate(dn, sk, skb);
	if (stat == DVP_STAT_RX_VXLAN)
		dvp_device_receive(dn, skb, stat);
	else
		dvp_device_drop_rx(dn, skb, stat);
	return 0;
}

/* An ICMP error about a packet whose source port is a hash: is it one of ours? */
static int vxlan_err_lookup(struct sock *sk, struct sk_buff *skb)
{
	struct dvp_net *dn = rcu_dereference_sk_user_data(sk);
	const struct vxlanhdr *vh;

	if (!dn)
		return -ENOENT;
	if (!pskb_may_pull(skb, skb_transport_offset(skb) + VXLAN_HLEN))
		return -EINVAL;
	vh = (struct vxlanhdr *)(udp_hdr(skb) + 1);
	if (vh->vx_flags != VXLAN_HF_VNI)
		return -EINVAL;
	if (vxlan_vni(vh->vx_vni) != htonl(rcu_dereference(dn->config)->vni))
		return -ENOENT;
	return 0;
}

static struct sk_buff *vxlan_gro_receive(struct sock *sk, struct list_head *head,
					 struct sk_buff *skb)
{
	unsigned int offset = skb_gro_offset(skb);
	struct sk_buff *held, *complete = NULL;
	const struct vxlanhdr *vh, *other;
	bool flush = true;

	vh = skb_gro_header(skb, offset + sizeof(*vh), offset);
	if (vh) {
		skb_gro_postpull_rcsum(skb, vh, sizeof(*vh));
		skb_gro_pull(skb, sizeof(*vh));
		list_for_each_entry(held, head, list) {
			if (!NAPI_GRO_CB(held)->same_flow)
				continue;
			other = (struct vxlanhdr *)(held->data + offset);
			if (vh->vx_flags != other->vx_flags ||
			    vh->vx_vni != other->vx_vni)
				NAPI_GRO_CB(held)->same_flow = 0;
		}
		complete = call_gro_receive(eth_gro_receive, head, skb);
		flush = false;
	}
	skb_gro_flush_final(skb, complete, flush);
	return complete;
}

static int vxlan_gro_complete(struct sock *sk, struct sk_buff *skb, int nhoff)
{
	return eth_gro_complete(skb, nhoff + sizeof(struct vxlanhdr));
}

static struct socket *vxlan_sock_create(struct dvp_net *dn,
					const struct in6_addr *addr, u16 port,
					struct netlink_ext_ack *extack)
{
	struct udp_tunnel_sock_cfg tunnel = {
		.sk_user_data = dn,
		.encap_type = 1,
		.encap_rcv = vxlan_rcv,
		.encap_err_lookup = vxlan_err_lookup,
		.gro_receive = vxlan_gro_receive,
		.gro_complete = vxlan_gro_complete,
	};
	struct udp_port_cfg udp = {
		.local_udp_port = htons(port),
	};
	struct socket *sock;
	int err;

	if (ipv6_addr_v4mapped(addr)) {
		udp.family = AF_INET;
		udp.local_ip.s_addr = addr->s6_addr32[3];
	} else {
		udp.family = AF_INET6;
		udp.local_ip6 = *addr;
		udp.use_udp6_rx_checksums = true;
		udp.ipv6_v6only = true;
	}
	err = udp_sock_create(dn->net, &udp, &sock);
	if (err) {
		if (err == -EADDRNOTAVAIL)
			NL_SET_ERR_MSG_FMT_MOD(extack, "%pI6c: no address of this node",
					       addr);
		else
			NL_SET_ERR_MSG_FMT_MOD(extack, "%pI6c UDP port %u: cannot be bound",
					       addr, port);
		return ERR_PTR(err);
	}
	udp_allow_gso(sock->sk);
	setup_udp_tunnel_sock(dn->net, sock->sk, &tunnel);
	return sock;
}

static bool vxlan_sock_is_bound(const struct socket *sock,
				const struct in6_addr *addr, u16 port)
{
	const struct sock *sk = sock->sk;

	if (sk->sk_num != port)
		return false;
	if (sk->sk_family == AF_INET)
		return sk->sk_rcv_saddr == addr->s6_addr32[3];
	return ipv6_addr_equal(&sk->sk_v6_rcv_saddr, addr);
}

/* The socket for @addr: @old if it will do, a new one, or NULL for no address. */
static struct socket *vxlan_sock_get(struct dvp_net *dn, struct socket *old,
				     const struct in6_addr *addr, u16 port,
				     struct netlink_ext_ack *extack)
{
	if (ipv6_addr_any(addr))
		return NULL;
	if (old && vxlan_sock_is_bound(old, addr, port))
		return old;
	return vxlan_sock_create(dn, addr, port, extack);
}

/* Close sockets, where there are any, that are in use no more. */
static void vxlan_sock_release(struct socket *sock4, struct socket *sock6)
{
	if (!sock4 && !sock6)
		return;
	/* Senders let go of the socket, then receivers of its user data. */
	synchronize_net();
	if (sock4)
		udp_tunnel_sock_release(sock4->sk);
	if (sock6)
		udp_tunnel_sock_release(sock6->sk);
	synchronize_net();
}

/**
 * dvp_vxlan_open - bind sockets to a node's underlay addresses and the VXLAN port
 * @dn: whose
 * @self: the node, which is about to be the local one
 * @port: the port
 * @socks: filled; those that are right already are taken over
 * @extack: says why not
 *
 * Nothing is sent through them yet: they end in dvp_vxlan_use() or
 * dvp_vxlan_discard(), whatever else becomes of the change.
 *
 * Context: &dvp_net.lock, may sleep.
 * Return: 0, or an error of socket creation; nothing has changed then.
 */
int dvp_vxlan_open(struct dvp_net *dn, const struct dvp_node *self, u16 port,
		   struct dvp_vxlan_socks *socks, struct netlink_ext_ack *extack)
{
	struct socket *old4, *old6;

	old4 = rcu_dereference_protected(dn->sock4, lockdep_is_held(&dn->lock));
	old6 = rcu_dereference_protected(dn->sock6, lockdep_is_held(&dn->lock));
	socks->v4 = vxlan_sock_get(dn, old4, &self->underlay[DVP_NODE_V4].addr, port,
				   extack);
	if (IS_ERR(socks->v4))
		return PTR_ERR(socks->v4);
	socks->v6 = vxlan_sock_get(dn, old6, &self->underlay[DVP_NODE_V6].addr, port,
				   extack);
	if (!IS_ERR(socks->v6))
		return 0;
	vxlan_sock_release(socks->v4 == old4 ? NULL : socks->v4, NULL);
	return PTR_ERR(socks->v6);
}

/**
 * dvp_vxlan_discard - close what dvp_vxlan_open() has opened
 * @dn: whose
 * @socks: the sockets; those in use stay
 *
 * Context: &dvp_net.lock, may sleep.
 */
void dvp_vxlan_discard(struct dvp_net *dn, const struct dvp_vxlan_socks *socks)
{
	vxlan_sock_release(socks->v4 == rcu_access_pointer(dn->sock4) ? NULL : socks->v4,
			   socks->v6 == rcu_access_pointer(dn->sock6) ? NULL : socks->v6);
}

/**
 * dvp_vxlan_use - put sockets into the place of those in use, which are closed
 * @dn: whose
 * @socks: the sockets, of dvp_vxlan_open()
 *
 * Context: may sleep. Writers are serialised: by &dvp_net.lock, or as the last
 * one left at the end.
 */
void dvp_vxlan_use(struct dvp_net *dn, const struct dvp_vxlan_socks *socks)
{
	struct socket *old4, *old6;

	old4 = rcu_replace_pointer(dn->sock4, socks->v4, true);
	old6 = rcu_replace_pointer(dn->sock6, socks->v6, true);
	vxlan_sock_release(old4 == socks->v4 ? NULL : old4,
			   old6 == socks->v6 ? NULL : old6);
}

/**
 * dvp_vxlan_close - close the sockets
 * @dn: whose
 *
 * Nobody sends or receives through them when it returns.
 *
 * Context: may sleep; no other writer is left.
 */
void dvp_vxlan_close(struct dvp_net *dn)
{
	static const struct dvp_vxlan_socks none;

	dvp_vxlan_use(dn, &none);
}
