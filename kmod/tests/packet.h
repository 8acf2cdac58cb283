/* SPDX-License-Identifier: GPL-2.0 */
/* Packets for tests, with every checksum computed from scratch. */
#ifndef _DVPNET_TESTS_PACKET_H
#define _DVPNET_TESTS_PACKET_H

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/prandom.h>
#include <linux/sctp.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>

#include "../tuple.h"

#define PACKET_MAX 2048

/* How a UDP packet has its checksum. */
enum packet_udp { PACKET_UDP_SUMMED, PACKET_UDP_ZERO };

static inline bool packet_is_echo(u8 proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* A random tuple of one family and protocol. */
static inline void packet_tuple(struct rnd_state *rnd, bool is_v4, u8 proto,
				struct dvp_tuple *tuple)
{
	memset(tuple, 0, sizeof(*tuple));
	prandom_bytes_state(rnd, &tuple->src, offsetof(struct dvp_tuple, proto));
	tuple->proto = proto;
	tuple->src.s6_addr[0] = 0xfd;
	tuple->dst.s6_addr[0] = 0xfd;
	if (is_v4) {
		ipv6_addr_set_v4mapped(tuple->src.s6_addr32[3], &tuple->src);
		ipv6_addr_set_v4mapped(tuple->dst.s6_addr32[3], &tuple->dst);
	}
	/* An echo request. */
	if (packet_is_echo(proto))
		tuple->dport = 0;
}

/* The sum of the pseudo header, folded but not inverted: for CHECKSUM_PARTIAL. */
static inline __sum16 packet_pseudo(const struct in6_addr *src,
				    const struct in6_addr *dst, u8 proto,
				    unsigned int len)
{
	if (ipv6_addr_v4mapped(dst))
		return ~csum_tcpudp_magic(src->s6_addr32[3], dst->s6_addr32[3],
					  len, proto, 0);
	return ~csum_ipv6_magic(src, dst, len, proto, 0);
}

/* An IP header of the family of the addresses; returns its length. */
static inline unsigned int packet_ip(void *at, const struct in6_addr *src,
				     const struct in6_addr *dst, u8 proto,
				     unsigned int payload)
{
	struct ipv6hdr *ip6 = at;
	struct iphdr *ip4 = at;

	if (!ipv6_addr_v4mapped(dst)) {
		*ip6 = (struct ipv6hdr) {
			.version = 6,
			.payload_len = htons(payload),
			.nexthdr = proto,
			.hop_limit = 63,
			.saddr = *src,
			.daddr = *dst,
		};
		return sizeof(*ip6);
	}
	*ip4 = (struct iphdr) {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(*ip4) + payload),
		.id = htons(4711),
		.ttl = 63,
		.protocol = proto,
		.saddr = src->s6_addr32[3],
		.daddr = dst->s6_addr32[3],
	};
	ip4->check = ip_fast_csum(ip4, ip4->ihl);
	return sizeof(*ip4);
}

/* The ICMP checksum of the message of @len bytes at @at. */
static inline void packet_icmp_sum(struct icmphdr *at,
				   const struct in6_addr *src,
				   const struct in6_addr *dst, unsigned int len)
{
	__wsum pseudo = 0;

	if (!ipv6_addr_v4mapped(dst))
		pseudo = csum_unfold(packet_pseudo(src, dst, IPPROTO_ICMPV6,
						   len));
	at->checksum = 0;
	at->checksum = csum_fold(csum_partial(at, len, pseudo));
}

/* The checksum of SCTP, bit by bit (RFC 9260, appendix A). */
static inline u32 packet_crc32c(const u8 *at, unsigned int len)
{
	u32 crc = ~0;
	int i;

	while (len--) {
		crc ^= *at++;
		for (i = 0; i < 8; i++)
			crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/*
 * The transport header, whose payload (@len bytes with the header) is there;
 * its checksum covers the pseudo header of @tuple.
 */
static inline void packet_transport(void *at, const struct dvp_tuple *tuple,
				    unsigned int len, enum packet_udp udp_mode)
{
	__sum16 *check;

	if (packet_is_echo(tuple->proto)) {
		struct icmphdr *icmp = at;
		bool is_reply = tuple->dport;

		*icmp = (struct icmphdr) {};
		if (tuple->proto == IPPROTO_ICMP)
			icmp->type = is_reply ? ICMP_ECHOREPLY : ICMP_ECHO;
		else
			icmp->type = is_reply ? ICMPV6_ECHO_REPLY : ICMPV6_ECHO_REQUEST;
		icmp->un.echo.id = is_reply ? tuple->dport : tuple->sport;
		icmp->un.echo.sequence = htons(77);
		packet_icmp_sum(icmp, &tuple->src, &tuple->dst, len);
		return;
	}
	if (tuple->proto == IPPROTO_SCTP) {
		struct sctphdr *sctp = at;

		*sctp = (struct sctphdr) {
			.source = tuple->sport,
			.dest = tuple->dport,
			.vtag = htonl(0xdecade01),
		};
		sctp->checksum = cpu_to_le32(packet_crc32c(at, len));
		return;
	}
	if (tuple->proto == IPPROTO_TCP) {
		struct tcphdr *tcp = at;

		memset(tcp, 0, sizeof(*tcp));
		tcp->source = tuple->sport;
		tcp->dest = tuple->dport;
		tcp->seq = htonl(123456789);
		tcp->doff = sizeof(*tcp) / 4;
		tcp->syn = 1;
		tcp->psh = 1;
		check = &tcp->check;
	} else {
		struct udphdr *udp = at;

		*udp = (struct udphdr) {
			.source = tuple->sport,
			.dest = tuple->dport,
			.len = htons(len),
		};
		check = &udp->check;
		if (udp_mode == PACKET_UDP_ZERO)
			return;
	}
	*check = csum_fold(csum_partial(at, len,
					csum_unfold(packet_pseudo(&tuple->src,
								  &tuple->dst,
								  tuple->proto,
								  len))));
	if (tuple->proto == IPPROTO_UDP && !*check)
		*check = CSUM_MANGLED_0;
}

static inline unsigned int packet_transport_len(u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return sizeof(struct tcphdr);
	case IPPROTO_SCTP:
		return sizeof(struct sctphdr);
	default:
		return sizeof(struct udphdr);
	}
}

/* A whole TCP, UDP or SCTP packet, or an echo; returns its length. */
static inline unsigned int packet_build(u8 *at, const struct dvp_tuple *tuple,
					const u8 *payload, unsigned int len,
					enum packet_udp udp_mode)
{
	unsigned int header = packet_transport_len(tuple->proto);
	unsigned int l4;

	l4 = packet_ip(at, &tuple->src, &tuple->dst, tuple->proto, header + len);
	memcpy(at + l4 + header, payload, len);
	packet_transport(at + l4, tuple, header + len, udp_mode);
	return l4 + header + len;
}

/* An ICMP message with @len bytes of @quoted behind its header; its length. */
static inline unsigned int packet_icmp(u8 *at, const struct in6_addr *src,
				       const struct in6_addr *dst, u8 type,
				       const u8 *quoted, unsigned int len)
{
	u8 proto = ipv6_addr_v4mapped(dst) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	struct icmphdr *icmp;
	unsigned int l4;

	l4 = packet_ip(at, src, dst, proto, sizeof(*icmp) + len);
	icmp = (struct icmphdr *)(at + l4);
	*icmp = (struct icmphdr) { .type = type, .code = 1 };
	memcpy(icmp + 1, quoted, len);
	packet_icmp_sum(icmp, src, dst, sizeof(*icmp) + len);
	return l4 + sizeof(*icmp) + len;
}

/* An skb with the first @linear bytes linear and the rest in two pages. */
static inline struct sk_buff *packet_skb(const u8 *data, unsigned int len,
					 unsigned int linear)
{
	unsigned int rest, piece, at;
	struct sk_buff *skb;
	struct page *page;
	int i;

	linear = min(linear, len);
	skb = alloc_skb(64 + linear, GFP_KERNEL);
	if (!skb)
		return NULL;
	skb_reserve(skb, 64);
	skb_put_data(skb, data, linear);
	skb_reset_network_header(skb);

	rest = len - linear;
	for (i = 0, at = linear; rest; i++, at += piece, rest -= piece) {
		piece = i ? rest : (rest + 1) / 2;
		page = alloc_page(GFP_KERNEL);
		if (!page) {
			kfree_skb(skb);
			return NULL;
		}
		memcpy(page_address(page) + 5, data + at, piece);
		skb_add_rx_frag(skb, i, page, 5, piece, PAGE_SIZE);
	}
	if (len)
		skb->protocol = data[0] >> 4 == 4 ? htons(ETH_P_IP) :
						    htons(ETH_P_IPV6);
	return skb;
}

#endif
