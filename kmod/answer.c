// SPDX-License-Identifier: GPL-2.0
/*
 * Packets of our own, in the name of an address that is on no interface: a
 * Service's, to its client, as if the address were a host. The kernel's own
 * ways to answer would take an address of this host for the source.
 */
#include <linux/ip.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>

#include "answer.h"
#include "netns.h"

/**
 * dvp_answer_alloc - begin an answer that repeats a part of the packet
 * @skb: the packet, network header at skb->data
 * @header: room to leave for headers, that of IP included
 * @from: offset of the first byte to repeat
 * @len: how many bytes to repeat
 *
 * Return: the answer, or NULL without memory, or if nobody should be answered.
 */
struct sk_buff *dvp_answer_alloc(const struct sk_buff *skb, unsigned int header,
				 unsigned int from, unsigned int len)
{
	struct sk_buff *answer;

	/* Never to a packet that was not meant for this host alone (RFC 1122, 3.2.2). */
	if (skb->pkt_type != PACKET_HOST && skb->pkt_type != PACKET_OUTGOING)
		return NULL;
	answer = alloc_skb(LL_MAX_HEADER + header + len, GFP_ATOMIC | __GFP_NOWARN);
	if (!answer)
		return NULL;
	skb_reserve(answer, LL_MAX_HEADER + header);
	if (skb_copy_bits(skb, from, skb_put(answer, len), len)) {
		kfree_skb(answer);
		return NULL;
	}
	/* May have to be fragmented, also on IPv6. */
	answer->ignore_df = 1;
	/* Its packet was never tracked, so conntrack would call it invalid. */
	nf_ct_set(answer, NULL, IP_CT_UNTRACKED);
	return answer;
}

/**
 * dvp_answer_send4 - send an answer
 * @dn: where
 * @answer: the answer, complete but for its IP header; consumed
 * @saddr: in whose name
 * @daddr: to whom
 * @proto: protocol of what it carries
 *
 * Context: RCU read side, softirq or process.
 */
void dvp_answer_send4(struct dvp_net *dn, struct sk_buff *answer, __be32 saddr,
		      __be32 daddr, u8 proto)
{
	struct flowi4 fl4 = {
		.daddr = daddr,
		.saddr = saddr,
		.flowi4_proto = proto,
		.flowi4_flags = FLOWI_FLAG_ANYSRC,
	};
	struct rtable *rt;
	struct iphdr *ip;

	skb_reset_transport_header(answer);
	ip = skb_push(answer, sizeof(*ip));
	memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->ttl = IPDEFTTL;
	ip->protocol = proto;
	ip->saddr = saddr;
	ip->daddr = daddr;
	skb_reset_network_header(answer);
	answer->protocol = htons(ETH_P_IP);

	rt = ip_route_output_key(dn->net, &fl4);
	if (IS_ERR(rt)) {
		kfree_skb(answer);
		return;
	}
	skb_dst_set(answer, &rt->dst);
	/* A source is checked by routing, and this one has not been routed (RFC 1122, 3.2.2). */
	if (rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST)) {
		kfree_skb(answer);
		return;
	}
	ip_select_ident(dn->net, answer, NULL);
	ip_local_out(dn->net, NULL, answer);
}

/**
 * dvp_answer_send6 - send an answer
 * @dn: where
 * @answer: the answer, complete but for its IP header; consumed
 * @saddr: in whose name
 * @daddr: to whom
 * @proto: protocol of what it carries
 *
 * Context: RCU read side, softirq or process.
 */
void dvp_answer_send6(struct dvp_net *dn, struct sk_buff *answer,
		      const struct in6_addr *saddr, const struct in6_addr *daddr,
		      u8 proto)
{
	struct flowi6 fl6 = {
		.daddr = *daddr,
		.saddr = *saddr,
		.flowi6_proto = proto,
		.flowi6_flags = FLOWI_FLAG_ANYSRC,
	};
	struct dst_entry *dst;
	struct ipv6hdr *ip;

	skb_reset_transport_header(answer);
	ip = skb_push(answer, sizeof(*ip));
	memset(ip, 0, sizeof(*ip));
	ip6_flow_hdr(ip, 0, 0);
	ip->nexthdr = proto;
	ip->hop_limit = IPDEFTTL;
	ip->saddr = *saddr;
	ip->daddr = *daddr;
	skb_reset_network_header(answer);
	answer->protocol = htons(ETH_P_IPV6);

	dst = ip6_route_output(dn->net, NULL, &fl6);
	if (dst->error) {
		dst_release(dst);
		kfree_skb(answer);
		return;
	}
	skb_dst_set(answer, dst);
	ip6_local_out(dn->net, NULL, answer);
}
