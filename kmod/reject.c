// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors that refuse a connection, and TCP resets that end one.
 *
 * They come from the Service's address, as if it were a host that has no such
 * port. icmp_send() cannot do that: the address is on no interface.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ratelimit.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>

#include "answer.h"
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

static bool reject_is_too_much(struct dvp_net *dn)
{
	if (__ratelimit(&dn->icmp_limit))
		return false;
	dvp_stats_inc(dn, DVP_STAT_NAT_TOO_MANY_ERRORS);
	return true;
}

/**
 * dvp_reject4 - answer a packet with ICMP port unreachable
 * @dn: where
 * @skb: the packet, network header at skb->data; stays the caller's
 *
 * Context: RCU read side, softirq or process.
 */
void dvp_reject4(struct dvp_net *dn, const struct sk_buff *skb)
{
	const struct iphdr *old = ip_hdr(skb);
	struct icmphdr *icmp;
	struct sk_buff *error;

	if (ipv4_is_multicast(old->saddr) || ipv4_is_zeronet(old->saddr) ||
	    reject_is_too_much(dn))
		return;
	error = dvp_answer_alloc(skb, sizeof(struct iphdr) + sizeof(*icmp), 0,
				 min_t(unsigned int, skb->len, REJECT_LEN4));
	if (!error)
		return;
	icmp = skb_push(error, sizeof(*icmp));
	memset(icmp, 0, sizeof(*icmp));
	icmp->type = ICMP_DEST_UNREACH;
	icmp->code = ICMP_PORT_UNREACH;
	icmp->checksum = csum_fold(skb_checksum(error, 0, error->len, 0));
	dvp_answer_send4(dn, error, old->daddr, old->saddr, IPPROTO_ICMP);
}

/**
 * dvp_reject6 - answer a packet with ICMPv6 port unreachable
 * @dn: where
 * @skb: the packet, network header at skb->data; stays the caller's
 *
 * Context: RCU read side, softirq or process.
 */
void dvp_reject6(struct dvp_net *dn, const struct sk_buff *skb)
{
	const struct ipv6hdr *old = ipv6_hdr(skb);
	struct icmp6hdr *icmp;
	struct sk_buff *error;

	if (!(ipv6_addr_type(&old->saddr) & IPV6_ADDR_UNICAST) ||
	    reject_is_too_much(dn))
		return;
	error = dvp_answer_alloc(skb, sizeof(struct ipv6hdr) + sizeof(*icmp), 0,
				 min_t(unsigned int, skb->len, REJECT_LEN6));
	if (!error)
		return;
	icmp = skb_push(error, sizeof(*icmp));
	memset(icmp, 0, sizeof(*icmp));
	icmp->icmp6_type = ICMPV6_DEST_UNREACH;
	icmp->icmp6_code = ICMPV6_PORT_UNREACH;
	icmp->icmp6_cksum = csum_ipv6_magic(&old->daddr, &old->saddr, error->len,
					    IPPROTO_ICMPV6,
					    skb_checksum(error, 0, error->len, 0));
	dvp_answer_send6(dn, error, &old->daddr, &old->saddr, IPPROTO_ICMPV6);
}

/*
 * The reset that the other end would send to this packet (RFC 9293, 3.10.7.1);
 * as all packets behind the first do, the packet acknowledges something.
 */
static struct sk_buff *reject_new_reset(const struct sk_buff *skb, unsigned int l4,
					unsigned int ip_size)
{
	struct tcphdr buffer, *reset;
	const struct tcphdr *tcp;
	struct sk_buff *answer;

	tcp = skb_header_pointer(skb, l4, sizeof(buffer), &buffer);
	if (!tcp || !tcp->ack)
		return NULL;
	answer = dvp_answer_alloc(skb, ip_size + sizeof(*reset), 0, 0);
	if (!answer)
		return NULL;
	reset = skb_push(answer, sizeof(*reset));
	memset(reset, 0, sizeof(*reset));
	reset->source = tcp->dest;
	reset->dest = tcp->source;
	reset->seq = tcp->ack_seq;
	reset->doff = sizeof(*reset) / 4;
	reset->rst = 1;
	return answer;
}

/**
 * dvp_reject_reset4 - answer a packet of a TCP connection with a reset
 * @dn: where
 * @skb: the packet, network header at skb->data; stays the caller's
 * @l4: offset of its TCP header
 *
 * Context: RCU read side, softirq or process.
 */
void dvp_reject_reset4(struct dvp_net *dn, const struct sk_buff *skb, unsigned int l4)
{
	const struct iphdr *old = ip_hdr(skb);
	struct sk_buff *answer;

	answer = reject_new_reset(skb, l4, sizeof(*old));
	if (!answer)
		return;
	((struct tcphdr *)answer->data)->check =
		csum_tcpudp_magic(old->daddr, old->saddr, answer->len, IPPROTO_TCP,
				  skb_checksum(answer, 0, answer->len, 0));
	dvp_answer_send4(dn, answer, old->daddr, old->saddr, IPPROTO_TCP);
}

/**
 * dvp_reject_reset6 - answer a packet of a TCP connection with a reset
 * @dn: where
 * @skb: the packet, network header at skb->data; stays the caller's
 * @l4: offset of its TCP header
 *
 * Context: RCU read side, softirq or process.
 */
void dvp_reject_reset6(struct dvp_net *dn, const struct sk_buff *skb, unsigned int l4)
{
	const struct ipv6hdr *old = ipv6_hdr(skb);
	struct sk_buff *answer;

	answer = reject_new_reset(skb, l4, sizeof(*old));
	if (!answer)
		return;
	((struct tcphdr *)answer->data)->check =
		csum_ipv6_magic(&old->daddr, &old->saddr, answer->len, IPPROTO_TCP,
				skb_checksum(answer, 0, answer->len, 0));
	dvp_answer_send6(dn, answer, &old->daddr, &old->saddr, IPPROTO_TCP);
}
