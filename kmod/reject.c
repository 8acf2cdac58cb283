// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors that refuse a connection.
 *
 * They come from the Service's address, as if it were a host that has no such
 * port. icmp_send() cannot do that: the address is on no interface.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ratelimit.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>

#include "netns.h"
#include "reject.h"

/* As net.ipv4.icmp_msgs_per_sec. */
#define REJECT_PER_SECOND	1000
/* RFC 1812, 4.3.2.3: as much of the original as fits into 576 bytes. */
#define REJECT_LEN4		(576 - sizeof(struct iphdr) - sizeof(struct icmphdr))
/* RFC 4443, 2.4 (c): as much as fits into the minimum MTU. */
#define REJECT_LEN6		(IPV6_MIN_MTU - sizeof(struct ipv6hdr) - \
				 sizeof(struct icmp6hdr))

void dvp_reject_init(struct dvp_net *dn)
{
	ratelimit_state_init(&dn->icmp_limit, HZ, REJECT_PER_SECOND);
	ratelimit_set_flags(&dn->icmp_limit, RATELIMIT_MSG_ON_RELEASE);
}

static struct sk_buff *reject_alloc(struct dvp_net *dn, const struct sk_buff *skb,
				    unsigned int header, unsigned int room)
{
	unsigned int len = min(skb->len, room);
	struct sk_buff *error;

	/* Never to a packet that was not meant for this host alone (RFC 1122, 3.2.2). */
	if (skb->pkt_type != PACKET_HOST && skb->pkt_type != PACKET_OUTGOING)
		return NULL;
	if (!__ratelimit(&dn->icmp_limit)) {
		dvp_stats_inc(dn, DVP_STAT_NAT_TOO_MANY_ERRORS);
		return NULL;
	}
	error = alloc_skb(LL_MAX_HEADER + header + len, GFP_ATOMIC);
	if (!error)
		return NULL;
	skb_reserve(error, LL_MAX_HEADER + header);
	if (skb_copy_bits(skb, 0, skb_put(error, len), len)) {
		kfree_skb(error);
		return NULL;
	}
	/* Its packet was never tracked, so conntrack would call it invalid. */
	nf_ct_set(error, NULL, IP_CT_UNTRACKED);
	return error;
}

/**
 * dvp_reject4 - answer a packet with ICMP port unreachable
 * @dn: where
 * @skb: the packet, network header at skb->data; stays the caller's
 *
 * Context: softirq or process, bottom halves off.
 */
void dvp_reject4(struct dvp_net *dn, const struct sk_buff *skb)
{
	const struct iphdr *old = ip_hdr(skb);
	struct flowi4 fl4 = {
		.daddr = old->saddr,
		.saddr = old->daddr,
		.flowi4_proto = IPPROTO_ICMP,
		.flowi4_flags = FLOWI_FLAG_ANYSRC,
	};
	struct icmphdr *icmp;
	struct sk_buff *error;
	struct rtable *rt;
	struct iphdr *ip;

	if (ipv4_is_multicast(old->saddr) || ipv4_is_zeronet(old->saddr))
		return;
	error = reject_alloc(dn, skb, sizeof(*ip) + sizeof(*icmp), REJECT_LEN4);
	if (!error)
		return;

	icmp = skb_push(error, sizeof(*icmp));
	memset(icmp, 0, sizeof(*icmp));
	icmp->type = ICMP_DEST_UNREACH;
	icmp->code = ICMP_PORT_UNREACH;
	icmp->checksum = csum_fold(skb_checksum(error, 0, error->len, 0));
	skb_reset_transport_header(error);

	ip = skb_push(error, sizeof(*ip));
	memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->frag_off = htons(IP_DF);
	ip->ttl = IPDEFTTL;
	ip->protocol = IPPROTO_ICMP;
	ip->saddr = fl4.saddr;
	ip->daddr = fl4.daddr;
	skb_reset_network_header(error);
	error->protocol = htons(ETH_P_IP);

	rt = ip_route_output_key(dn->net, &fl4);
	if (IS_ERR(rt)) {
		kfree_skb(error);
		return;
	}
	skb_dst_set(error, &rt->dst);
	ip_local_out(dn->net, NULL, error);
}

/**
 * dvp_reject6 - answer a packet with ICMPv6 port unreachable
 * @dn: where
 * @skb: the packet, network header at skb->data; stays the caller's
 *
 * Context: softirq or process, bottom halves off.
 */
void dvp_reject6(struct dvp_net *dn, const struct sk_buff *skb)
{
	const struct ipv6hdr *old = ipv6_hdr(skb);
	struct flowi6 fl6 = {
		.daddr = old->saddr,
		.saddr = old->daddr,
		.flowi6_proto = IPPROTO_ICMPV6,
		.flowi6_flags = FLOWI_FLAG_ANYSRC,
	};
	struct icmp6hdr *icmp;
	struct dst_entry *dst;
	struct sk_buff *error;
	struct ipv6hdr *ip;

	if (!(ipv6_addr_type(&old->saddr) & IPV6_ADDR_UNICAST))
		return;
	error = reject_alloc(dn, skb, sizeof(*ip) + sizeof(*icmp), REJECT_LEN6);
	if (!error)
		return;

	icmp = skb_push(error, sizeof(*icmp));
	memset(icmp, 0, sizeof(*icmp));
	icmp->icmp6_type = ICMPV6_DEST_UNREACH;
	icmp->icmp6_code = ICMPV6_PORT_UNREACH;
	icmp->icmp6_cksum = csum_ipv6_magic(&fl6.saddr, &fl6.daddr, error->len,
					    IPPROTO_ICMPV6,
					    skb_checksum(error, 0, error->len, 0));
	skb_reset_transport_header(error);

	ip = skb_push(error, sizeof(*ip));
	memset(ip, 0, sizeof(*ip));
	ip6_flow_hdr(ip, 0, 0);
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = IPDEFTTL;
	ip->saddr = fl6.saddr;
	ip->daddr = fl6.daddr;
	skb_reset_network_header(error);
	error->protocol = htons(ETH_P_IPV6);

	dst = ip6_route_output(dn->net, NULL, &fl6);
	if (dst->error) {
		dst_release(dst);
		kfree_skb(error);
		return;
	}
	skb_dst_set(error, dst);
	ip6_local_out(dn->net, NULL, error);
}
