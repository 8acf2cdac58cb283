// SPDX-License-Identifier: GPL-2.0
/*
 * From packet to tuple.
 *
 * Nothing here writes to the skb or moves its data, whatever the packet says:
 * all reads go through skb_header_pointer().
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/sctp.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "tuple.h"

/* RFC 792: an error quotes at least this much of the transport header. */
#define QUOTED_LEN 8

/* More chunks than this before the first one with data, and the rest is not looked at. */
#define SCTP_CHUNKS 16

/* An IP header, of either family, as far as it matters here. */
struct network {
	struct in6_addr src;
	struct in6_addr dst;
	unsigned int end;	/* offset behind the packet, as it says itself */
	unsigned int l4;	/* offset of the transport header */
	u8 proto;		/* protocol of the transport header */
};

/* A read-only view of @len bytes at @at, all of them before @end, or NULL. */
static const void *view(const struct sk_buff *skb, unsigned int at,
			unsigned int len, unsigned int end, void *buf)
{
	return at + len <= end ? skb_header_pointer(skb, at, len, buf) : NULL;
}

static enum dvp_tuple_result read_ip4(const struct sk_buff *skb,
				      unsigned int at, struct network *net)
{
	const struct iphdr *ip;
	struct iphdr buf;

	ip = view(skb, at, sizeof(buf), skb->len, &buf);
	if (!ip || ip->version != 4 || ip->ihl < 5)
		return DVP_TUPLE_BAD;
	ipv6_addr_set_v4mapped(ip->saddr, &net->src);
	ipv6_addr_set_v4mapped(ip->daddr, &net->dst);
	net->proto = ip->protocol;
	net->l4 = at + ip->ihl * 4;
	net->end = at + ntohs(ip->tot_len);
	if (!ip->tot_len && skb_is_gso(skb))	/* longer than 64 KB */
		net->end = skb->len;
	if (ip->frag_off & htons(IP_OFFSET))
		return DVP_TUPLE_OTHER;
	return DVP_TUPLE_OK;
}

static enum dvp_tuple_result read_ip6(const struct sk_buff *skb,
				      unsigned int at, struct network *net)
{
	const struct ipv6hdr *ip;
	unsigned short frag_off;
	struct ipv6hdr buf;
	int proto;

	ip = view(skb, at, sizeof(buf), skb->len, &buf);
	if (!ip || ip->version != 6)
		return DVP_TUPLE_BAD;
	/* On the wire these are no one's, here they would pass for IPv4. */
	if (ipv6_addr_v4mapped(&ip->saddr) || ipv6_addr_v4mapped(&ip->daddr))
		return DVP_TUPLE_BAD;
	net->src = ip->saddr;
	net->dst = ip->daddr;
	net->end = at + sizeof(*ip) + ntohs(ip->payload_len);
	if (!ip->payload_len &&			/* longer than 64 KB, RFC 2675 */
	    (ip->nexthdr == NEXTHDR_HOP || skb_is_gso(skb)))
		net->end = skb->len;

	net->l4 = at;
	proto = ipv6_find_hdr(skb, &net->l4, -1, &frag_off, NULL);
	if (proto == -EBADMSG)
		return DVP_TUPLE_BAD;
	if (proto < 0 || frag_off)
		return DVP_TUPLE_OTHER;
	net->proto = proto;
	return DVP_TUPLE_OK;
}

static void set_tuple(struct dvp_packet *packet, const struct network *net,
		      __be16 sport, __be16 dport, enum dvp_stage stage)
{
	packet->tuple = (struct dvp_tuple) {
		.src = net->src,
		.dst = net->dst,
		.sport = sport,
		.dport = dport,
		.proto = net->proto,
		.stage = stage,
	};
}

/* The ICMP protocol of the packet's own family. */
static u8 icmp_proto(const struct network *net)
{
	return ipv6_addr_v4mapped(&net->dst) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

static bool is_icmp4_error(u8 type)
{
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

static bool is_icmp6_error(u8 type)
{
	return type == ICMPV6_DEST_UNREACH || type == ICMPV6_PKT_TOOBIG ||
	       type == ICMPV6_TIME_EXCEED || type == ICMPV6_PARAMPROB;
}

static bool is_echo_request(const struct network *net, u8 type)
{
	return type == (net->proto == IPPROTO_ICMP ? ICMP_ECHO : ICMPV6_ECHO_REQUEST);
}

static bool is_echo_reply(const struct network *net, u8 type)
{
	return type == (net->proto == IPPROTO_ICMP ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY);
}

/* An ICMP error: the tuple is that of the packet that it quotes. */
static enum dvp_tuple_result read_icmp_error(const struct sk_buff *skb,
					     const struct network *net,
					     enum dvp_stage stage,
					     struct dvp_packet *packet)
{
	union {
		__be16 ports[QUOTED_LEN / sizeof(__be16)];
		struct icmphdr icmp;
	} buf;
	const unsigned int at = net->l4 + sizeof(struct icmphdr);
	enum dvp_tuple_result result;
	const typeof(buf) *header;
	struct network quoted;

	if (net->proto == IPPROTO_ICMP)
		result = read_ip4(skb, at, &quoted);
	else
		result = read_ip6(skb, at, &quoted);
	if (result != DVP_TUPLE_OK)
		return result;
	header = view(skb, quoted.l4, sizeof(buf), net->end, &buf);

	switch (quoted.proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		if (!header || quoted.l4 > U16_MAX)
			return DVP_TUPLE_BAD;
		set_tuple(packet, &quoted, header->ports[0], header->ports[1], stage);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (!header || quoted.l4 > U16_MAX)
			return DVP_TUPLE_BAD;
		if (quoted.proto != net->proto)
			return DVP_TUPLE_OTHER;
		if (is_echo_request(&quoted, header->icmp.type))
			set_tuple(packet, &quoted, header->icmp.un.echo.id, 0, stage);
		else if (is_echo_reply(&quoted, header->icmp.type))
			set_tuple(packet, &quoted, 0, header->icmp.un.echo.id, stage);
		else
			return DVP_TUPLE_OTHER;
		break;
	default:
		return DVP_TUPLE_OTHER;
	}
	packet->icmp_error = true;
	packet->inner_l3 = at;
	packet->inner_l4 = quoted.l4;
	return DVP_TUPLE_OK;
}

static enum dvp_tuple_result read_icmp(const struct sk_buff *skb,
				       const struct network *net,
				       enum dvp_stage stage,
				       struct dvp_packet *packet)
{
	const struct icmphdr *icmp;
	struct icmphdr buf;

	/* Type, identifier and length are the same in both families. */
	static_assert(sizeof(struct icmphdr) == sizeof(struct icmp6hdr));
	static_assert(offsetof(struct icmphdr, un.echo.id) ==
		      offsetof(struct icmp6hdr, icmp6_identifier));
	icmp = view(skb, net->l4, sizeof(buf), net->end, &buf);
	if (!icmp)
		return DVP_TUPLE_BAD;
	if (net->proto == IPPROTO_ICMP ? is_icmp4_error(icmp->type) :
					 is_icmp6_error(icmp->type))
		return read_icmp_error(skb, net, stage, packet);
	if (is_echo_request(net, icmp->type)) {
		set_tuple(packet, net, icmp->un.echo.id, 0, stage);
		return DVP_TUPLE_OK;
	}
	if (is_echo_reply(net, icmp->type)) {
		set_tuple(packet, net, 0, icmp->un.echo.id, stage);
		packet->signs = DVP_SIGN_LAST;
		return DVP_TUPLE_OK;
	}
	return DVP_TUPLE_OTHER;
}

static u8 tcp_signs(const struct tcphdr *tcp)
{
	u8 signs = 0;

	if (tcp->syn && !tcp->ack)
		signs |= DVP_SIGN_OPENS;
	if (tcp->ack && !tcp->syn)
		signs |= DVP_SIGN_CONFIRMS;
	if (tcp->fin || tcp->rst)
		signs |= DVP_SIGN_CLOSES;
	if (tcp->rst)
		signs |= tcp->ack ? DVP_SIGN_LAST : DVP_SIGN_LAST | DVP_SIGN_STRANGER;
	return signs;
}

static u8 sctp_chunk_signs(const struct sctp_chunkhdr *chunk)
{
	switch (chunk->type) {
	case SCTP_CID_INIT:
		return DVP_SIGN_OPENS;
	case SCTP_CID_INIT_ACK:
		return 0;
	case SCTP_CID_SHUTDOWN:
	case SCTP_CID_SHUTDOWN_ACK:
		return DVP_SIGN_CONFIRMS | DVP_SIGN_CLOSES;
	case SCTP_CID_ABORT:
	case SCTP_CID_SHUTDOWN_COMPLETE:
		return DVP_SIGN_CONFIRMS | DVP_SIGN_CLOSES | DVP_SIGN_LAST |
		       (chunk->flags & SCTP_CHUNK_FLAG_T ? DVP_SIGN_STRANGER : 0);
	default:
		return DVP_SIGN_CONFIRMS;
	}
}

/* Chunks that control come before those with data (RFC 9260, 6.10). */
static u8 sctp_signs(const struct sk_buff *skb, unsigned int at, unsigned int end)
{
	const struct sctp_chunkhdr *chunk;
	struct sctp_chunkhdr buf;
	unsigned int len, i;
	u8 signs = 0;

	for (i = 0; i < SCTP_CHUNKS; i++) {
		chunk = view(skb, at, sizeof(buf), end, &buf);
		if (!chunk)
			break;
		signs |= sctp_chunk_signs(chunk);
		len = ntohs(chunk->length);
		if (chunk->type == SCTP_CID_DATA || chunk->type == SCTP_CID_I_DATA ||
		    len < sizeof(*chunk))
			break;
		at += ALIGN(len, 4);
	}
	return signs;
}

static enum dvp_tuple_result read_transport(const struct sk_buff *skb,
					    const struct network *net,
					    enum dvp_stage stage,
					    struct dvp_packet *packet)
{
	const struct tcphdr *tcp;
	const struct udphdr *udp;
	const struct sctphdr *sctp;
	struct tcphdr tcp_buf;
	struct udphdr udp_buf;
	struct sctphdr sctp_buf;

	/* The packet says more than there is, or headers longer than itself. */
	if (net->end > skb->len || net->l4 > net->end || net->l4 > U16_MAX)
		return DVP_TUPLE_BAD;

	*packet = (struct dvp_packet) { .l4 = net->l4, .proto = net->proto };
	switch (net->proto) {
	case IPPROTO_TCP:
		tcp = view(skb, net->l4, sizeof(tcp_buf), net->end, &tcp_buf);
		if (!tcp)
			return DVP_TUPLE_BAD;
		set_tuple(packet, net, tcp->source, tcp->dest, stage);
		packet->signs = tcp_signs(tcp);
		return DVP_TUPLE_OK;
	case IPPROTO_UDP:
		udp = view(skb, net->l4, sizeof(udp_buf), net->end, &udp_buf);
		if (!udp)
			return DVP_TUPLE_BAD;
		set_tuple(packet, net, udp->source, udp->dest, stage);
		return DVP_TUPLE_OK;
	case IPPROTO_SCTP:
		sctp = view(skb, net->l4, sizeof(sctp_buf), net->end, &sctp_buf);
		if (!sctp)
			return DVP_TUPLE_BAD;
		set_tuple(packet, net, sctp->source, sctp->dest, stage);
		packet->signs = sctp_signs(skb, net->l4 + sizeof(*sctp), net->end);
		return DVP_TUPLE_OK;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (net->proto == icmp_proto(net))
			return read_icmp(skb, net, stage, packet);
		fallthrough;
	default:
		return DVP_TUPLE_OTHER;
	}
}

/**
 * dvp_tuple_parse4 - the tuple of an IPv4 packet
 * @skb: the packet, defragmented; its network header is set
 * @stage: where on its way it is
 * @packet: filled if the result is %DVP_TUPLE_OK, else undefined
 *
 * Context: any.
 * Return: whether there is a tuple, and if not, if that is an error.
 */
enum dvp_tuple_result dvp_tuple_parse4(struct sk_buff *skb,
				       enum dvp_stage stage,
				       struct dvp_packet *packet)
{
	enum dvp_tuple_result result;
	struct network net;

	result = read_ip4(skb, skb_network_offset(skb), &net);
	if (result != DVP_TUPLE_OK)
		return result;
	return read_transport(skb, &net, stage, packet);
}

/**
 * dvp_tuple_parse6 - the tuple of an IPv6 packet
 * @skb: the packet, defragmented; its network header is set, and the IPv6
 *	header is in the linear part, as everywhere behind ipv6_rcv()
 * @stage: where on its way it is
 * @packet: filled if the result is %DVP_TUPLE_OK, else undefined
 *
 * Context: any.
 * Return: whether there is a tuple, and if not, if that is an error.
 */
enum dvp_tuple_result dvp_tuple_parse6(struct sk_buff *skb,
				       enum dvp_stage stage,
				       struct dvp_packet *packet)
{
	enum dvp_tuple_result result;
	struct network net;

	result = read_ip6(skb, skb_network_offset(skb), &net);
	if (result != DVP_TUPLE_OK)
		return result;
	return read_transport(skb, &net, stage, packet);
}

/**
 * dvp_tuple_reverse - the tuple of the packets that answer
 * @tuple: the tuple
 * @stage: where on their way they are looked up
 * @reverse: filled; may be @tuple itself
 */
void dvp_tuple_reverse(const struct dvp_tuple *tuple, enum dvp_stage stage,
		       struct dvp_tuple *reverse)
{
	*reverse = (struct dvp_tuple) {
		.src = tuple->dst,
		.dst = tuple->src,
		.sport = tuple->dport,
		.dport = tuple->sport,
		.proto = tuple->proto,
		.stage = stage,
	};
}
