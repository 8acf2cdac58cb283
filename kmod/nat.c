// SPDX-License-Identifier: GPL-2.0
/*
 * Rewriting of packets.
 *
 * Checksums are changed by what changes in the packet (RFC 1624, crc32c.c),
 * never computed anew: a packet that was damaged on its way stays recognisable as
 * such, and the payload is not read.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/sctp.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>

#include "crc32c.h"
#include "nat.h"

/* TCP, UDP and SCTP begin with these. */
struct ports {
	__be16 source;
	__be16 dest;
};

/* Addresses change, family and protocol do not. */
static bool is_rewritable(const struct dvp_tuple *from,
			  const struct dvp_tuple *to)
{
	return from->proto == to->proto &&
	       dvp_tuple_is_v4(from) == dvp_tuple_is_v4(to);
}

static void set_addr4(struct sk_buff *skb, struct iphdr *ip, __be32 *field,
		      const struct in6_addr *to, __sum16 *check)
{
	__be32 addr = to->s6_addr32[3];

	csum_replace4(&ip->check, *field, addr);
	if (check)
		inet_proto_csum_replace4(check, skb, *field, addr, true);
	*field = addr;
}

static void set_addr6(struct sk_buff *skb, struct in6_addr *field,
		      const struct in6_addr *to, __sum16 *check)
{
	if (check)
		inet_proto_csum_replace16(check, skb, field->s6_addr32,
					  to->s6_addr32, true);
	*field = *to;
}

static void set_port(struct sk_buff *skb, __be16 *field, __be16 to,
		     __sum16 *check)
{
	if (check)
		inet_proto_csum_replace2(check, skb, *field, to, false);
	*field = to;
}

static bool is_icmp(u8 proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* Ports, or the identifier of an echo, which is that of them which is not 0. */
static void set_ports(struct sk_buff *skb, void *header, const struct dvp_tuple *from,
		      const struct dvp_tuple *to, __sum16 *check)
{
	struct icmphdr *icmp = header;
	struct ports *ports = header;

	if (is_icmp(from->proto)) {
		set_port(skb, &icmp->un.echo.id, from->dport ? to->dport : to->sport, check);
		return;
	}
	set_port(skb, &ports->source, to->sport, check);
	set_port(skb, &ports->dest, to->dport, check);
}

/* The internet checksum of a transport header, or NULL: SCTP has another one, UDP may have none. */
static __sum16 *find_check(u8 proto, void *header)
{
	struct tcphdr *tcp = header;
	struct udphdr *udp = header;
	struct icmphdr *icmp = header;

	if (proto == IPPROTO_TCP)
		return &tcp->check;
	if (proto == IPPROTO_UDP && udp->check)
		return &udp->check;
	if (is_icmp(proto))
		return &icmp->checksum;
	return NULL;
}

/* SCTP's checksum covers ports, which were @before, but no addresses. */
static void update_crc(struct sctphdr *sctp, u32 before, unsigned int len)
{
	u32 diff = before ^ get_unaligned_le32(&sctp->source);

	if (diff)
		sctp->checksum ^= cpu_to_le32(dvp_crc32c_change(diff, len));
}

/*
 * How long the IP packet at @l3 is from @l4 on, by what its header says: a quoted one
 * may be cut, and one that a bridge forwards still has its frame's padding.
 */
static unsigned int whole_len(const struct sk_buff *skb, bool is_v4, unsigned int l3,
			      unsigned int l4)
{
	const void *ip = skb->data + l3;
	unsigned int len;

	if (is_v4)
		len = ntohs(((const struct iphdr *)ip)->tot_len);
	else
		len = ntohs(((const struct ipv6hdr *)ip)->payload_len) + sizeof(struct ipv6hdr);
	return len - min(len, l4 - l3);
}

static unsigned int header_len(u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return offsetofend(struct tcphdr, check);
	case IPPROTO_UDP:
		return offsetofend(struct udphdr, check);
	case IPPROTO_SCTP:
		return offsetofend(struct sctphdr, checksum);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return offsetofend(struct icmphdr, un.echo);
	default:
		return 0;
	}
}

/**
 * dvp_nat_rewrite - give a TCP, UDP or SCTP packet, or an echo, other addresses and ports
 * @skb: the packet
 * @packet: what dvp_tuple_parse4() or dvp_tuple_parse6() said of it; not for
 *	ICMP errors
 * @to: the addresses and ports that it gets; family and protocol are its own
 *
 * All pointers into the packet are stale afterwards, @packet->tuple too.
 *
 * Context: any.
 * Return: 0, -ENOMEM if the headers cannot be made writable, -EINVAL if @to
 * is of another family or protocol.
 */
int dvp_nat_rewrite(struct sk_buff *skb, const struct dvp_packet *packet,
		    const struct dvp_tuple *to)
{
	unsigned int len = header_len(packet->proto);
	__sum16 *check, *pseudo;
	void *header;
	u32 before;

	if (!len || packet->icmp_error || !is_rewritable(&packet->tuple, to))
		return -EINVAL;
	if (skb_ensure_writable(skb, packet->l4 + len))
		return -ENOMEM;

	header = skb->data + packet->l4;
	check = find_check(packet->proto, header);
	/* Without a sum in the packet its bytes' sum does not stay the same. */
	if (!check && skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	/* ICMP, other than ICMPv6, does not sum addresses up. */
	pseudo = packet->proto == IPPROTO_ICMP ? NULL : check;
	before = get_unaligned_le32(header);

	if (dvp_tuple_is_v4(to)) {
		struct iphdr *ip = ip_hdr(skb);

		set_addr4(skb, ip, &ip->saddr, &to->src, pseudo);
		set_addr4(skb, ip, &ip->daddr, &to->dst, pseudo);
	} else {
		struct ipv6hdr *ip = ipv6_hdr(skb);

		set_addr6(skb, &ip->saddr, &to->src, pseudo);
		set_addr6(skb, &ip->daddr, &to->dst, pseudo);
	}
	set_ports(skb, header, &packet->tuple, to, check);
	if (check && packet->proto == IPPROTO_UDP && !*check)
		*check = CSUM_MANGLED_0;
	/* If the device is to compute it, from segments or the whole, it is not there yet. */
	if (packet->proto == IPPROTO_SCTP && skb->ip_summed != CHECKSUM_PARTIAL)
		update_crc(header, before,
			   whole_len(skb, dvp_tuple_is_v4(to), skb_network_offset(skb),
				     packet->l4));

	skb_clear_hash(skb);
	return 0;
}

/* How much of the quoted transport header is there and will be written. */
static unsigned int quoted_len(const struct sk_buff *skb,
			       const struct dvp_packet *packet)
{
	unsigned int len = header_len(packet->tuple.proto);

	/* Eight bytes are sure to be there. */
	return skb->len >= packet->inner_l4 + len ? len : sizeof(struct ports);
}

/* By what the internet checksum of the quoted packet changes. */
static __wsum quoted_diff(const struct dvp_tuple *from, const struct dvp_tuple *to)
{
	const size_t end = offsetof(struct dvp_tuple, proto);
	size_t begin = 0;

	/* What makes an address v4-mapped is the same on both sides. */
	if (from->proto == IPPROTO_ICMP)
		begin = offsetof(struct dvp_tuple, sport);
	return csum_sub(csum_partial((const u8 *)to + begin, end - begin, 0),
			csum_partial((const u8 *)from + begin, end - begin, 0));
}

/*
 * Rewrite the quoted packet, of whose transport header @len bytes are there.
 * Its checksum is what its sender gave it, whatever holds for @skb's own.
 */
static void set_quoted(struct sk_buff *skb, const struct dvp_packet *packet,
		       const struct dvp_tuple *to, unsigned int len)
{
	void *l3 = skb->data + packet->inner_l3;
	void *l4 = skb->data + packet->inner_l4;
	u32 before = get_unaligned_le32(l4);
	__sum16 *check;

	if (dvp_tuple_is_v4(to)) {
		struct iphdr *ip = l3;

		set_addr4(skb, ip, &ip->saddr, &to->src, NULL);
		set_addr4(skb, ip, &ip->daddr, &to->dst, NULL);
	} else {
		struct ipv6hdr *ip = l3;

		set_addr6(skb, &ip->saddr, &to->src, NULL);
		set_addr6(skb, &ip->daddr, &to->dst, NULL);
	}
	set_ports(skb, l4, &packet->tuple, to, NULL);

	if (len == sizeof(struct ports))
		return;
	check = find_check(to->proto, l4);
	if (check) {
		csum_replace_by_diff(check, quoted_diff(&packet->tuple, to));
		if (to->proto == IPPROTO_UDP && !*check)
			*check = CSUM_MANGLED_0;
	} else if (to->proto == IPPROTO_SCTP) {
		update_crc(l4, before, whole_len(skb, dvp_tuple_is_v4(to), packet->inner_l3,
						 packet->inner_l4));
	}
}

/**
 * dvp_nat_rewrite_icmp - translate an ICMP error about a translated packet
 * @skb: the packet
 * @packet: what dvp_tuple_parse4() or dvp_tuple_parse6() said of it
 * @embedded: the addresses and ports that the packet quoted in it gets; family
 *	and protocol are its own
 * @outer_src: source address that the error itself gets, or %DVP_NAT_KEEP
 * @outer_dst: destination address that the error itself gets, or %DVP_NAT_KEEP
 *
 * All pointers into the packet are stale afterwards, @packet->tuple too.
 *
 * Context: any.
 * Return: 0, -ENOMEM if the headers cannot be made writable, -EINVAL if
 * @packet is no ICMP error or @embedded is of another family or protocol.
 */
int dvp_nat_rewrite_icmp(struct sk_buff *skb, const struct dvp_packet *packet,
			 const struct dvp_tuple *embedded,
			 const struct in6_addr *outer_src,
			 const struct in6_addr *outer_dst)
{
	unsigned int len, quoted;
	struct icmphdr *icmp;
	__wsum before, after;

	if (!packet->icmp_error || !is_rewritable(&packet->tuple, embedded))
		return -EINVAL;
	len = quoted_len(skb, packet);
	if (skb_ensure_writable(skb, packet->inner_l4 + len))
		return -ENOMEM;

	/*
	 * The ICMP checksum covers the quoted packet, so the two change
	 * together and skb->csum stays. With CHECKSUM_PARTIAL it is yet to be
	 * computed. In ICMPv6 it is at the same place.
	 */
	icmp = (void *)skb->data + packet->l4;
	static_assert(offsetof(struct icmphdr, checksum) ==
		      offsetof(struct icmp6hdr, icmp6_cksum));
	quoted = packet->inner_l4 + len - packet->inner_l3;
	before = csum_partial(skb->data + packet->inner_l3, quoted, 0);
	set_quoted(skb, packet, embedded, len);
	after = csum_partial(skb->data + packet->inner_l3, quoted, 0);
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		csum_replace_by_diff(&icmp->checksum, csum_sub(after, before));

	if (packet->proto == IPPROTO_ICMP) {
		struct iphdr *ip = ip_hdr(skb);

		if (outer_src)
			set_addr4(skb, ip, &ip->saddr, outer_src, NULL);
		if (outer_dst)
			set_addr4(skb, ip, &ip->daddr, outer_dst, NULL);
	} else {
		struct ipv6hdr *ip = ipv6_hdr(skb);
		__sum16 *check = &icmp->checksum;

		if (outer_src)
			set_addr6(skb, &ip->saddr, outer_src, check);
		if (outer_dst)
			set_addr6(skb, &ip->daddr, outer_dst, check);
	}
	skb_clear_hash(skb);
	return 0;
}
