// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP echo to addresses of Services.
 *
 * Such an address is on no interface. Forwarded, an echo request to it would
 * come back from the next router until its TTL is used up; so it is answered
 * here, in the address's name, for people who try with ping.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "answer.h"
#include "echo.h"

/*
 * The request with another type. The checksum is corrected rather than
 * computed: a broken request gives a broken reply. Addresses that change places
 * leave the sum of ICMPv6 as it is. A reply whose identifier is 0 looks like a
 * request until here; to answer that as well would never end between two such
 * addresses.
 */
static struct sk_buff *echo_new_reply(const struct sk_buff *skb, unsigned int l4,
				      unsigned int ip_size, u8 request, u8 reply)
{
	struct icmphdr *icmp, buf;
	struct sk_buff *answer;

	BUILD_BUG_ON(offsetof(struct icmphdr, checksum) !=
		     offsetof(struct icmp6hdr, icmp6_cksum));
	icmp = skb_header_pointer(skb, l4, sizeof(buf), &buf);
	if (!icmp || icmp->type != request)
		return NULL;
	answer = dvp_answer_alloc(skb, ip_size, l4, skb->len - l4);
	if (!answer)
		return NULL;
	icmp = (struct icmphdr *)answer->data;
	icmp->type = reply;
	csum_replace2(&icmp->checksum, htons(request << 8), htons(reply << 8));
	return answer;
}

/**
 * dvp_echo_reply4 - answer an ICMP echo request
 * @dn: where
 * @skb: the request, network header at skb->data; stays the caller's
 * @l4: offset of its ICMP header
 *
 * Context: RCU read side, softirq or process.
 */
void dvp_echo_reply4(struct dvp_net *dn, const struct sk_buff *skb, unsigned int l4)
{
	const struct iphdr *ip = ip_hdr(skb);
	struct sk_buff *answer;

	answer = echo_new_reply(skb, l4, sizeof(*ip), ICMP_ECHO, ICMP_ECHOREPLY);
	if (answer)
		dvp_answer_send4(dn, answer, ip->daddr, ip->saddr, IPPROTO_ICMP);
}

/**
 * dvp_echo_reply6 - answer an ICMPv6 echo request
 * @dn: where
 * @skb: the request, network header at skb->data; stays the caller's
 * @l4: offset of its ICMPv6 header
 *
 * Context: RCU read side, softirq or process.
 */
void dvp_echo_reply6(struct dvp_net *dn, const struct sk_buff *skb, unsigned int l4)
{
	const struct ipv6hdr *ip = ipv6_hdr(skb);
	struct sk_buff *answer;

	answer = echo_new_reply(skb, l4, sizeof(*ip), ICMPV6_ECHO_REQUEST, ICMPV6_ECHO_REPLY);
	if (answer)
		dvp_answer_send6(dn, answer, &ip->daddr, &ip->saddr, IPPROTO_ICMPV6);
}
