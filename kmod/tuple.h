/* SPDX-License-Identifier: GPL-2.0 */
/* From packet to tuple. */
#ifndef _DVPNET_TUPLE_H
#define _DVPNET_TUPLE_H

#include <linux/bits.h>
#include <linux/in6.h>
#include <linux/skbuff.h>
#include <linux/types.h>
#include <net/ipv6.h>

/*
 * Where on its way through the host a packet is looked up. A flow is known by
 * other tuples before the routing decision than after it, see flow.h.
 */
enum dvp_stage {
	DVP_STAGE_IN,	/* PREROUTING, OUTPUT: as it came from the wire or the socket */
	DVP_STAGE_OUT,	/* POSTROUTING, INPUT: as conntrack and the firewall saw it */
};

/**
 * struct dvp_tuple - what tells one connection's packets from another's
 *
 * A hash key: no holes, unused bits zero.
 *
 * @src: source address, IPv4 as ::ffff:a.b.c.d
 * @dst: destination address
 * @sport: source port, network byte order
 * @dport: destination port, network byte order
 * @proto: IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, or, for an echo request or reply,
 *	IPPROTO_ICMP or IPPROTO_ICMPV6: its identifier is the port of the end that
 *	asks, the other one's is 0
 * @stage: &enum dvp_stage
 * @zero: padding
 */
struct dvp_tuple {
	struct in6_addr src;
	struct in6_addr dst;
	__be16 sport;
	__be16 dport;
	u8 proto;
	u8 stage;
	u16 zero;
};

/**
 * enum dvp_sign - what a packet means for its connection, whatever the protocol
 * @DVP_SIGN_OPENS: begins a connection: TCP SYN without ACK, SCTP INIT
 * @DVP_SIGN_CONFIRMS: its sender has heard the other end: TCP ACK without SYN, SCTP
 *	whatever follows the two INITs
 * @DVP_SIGN_CLOSES: its sender is about to end: TCP FIN, RST, SCTP SHUTDOWN, ABORT
 * @DVP_SIGN_LAST: nothing comes of it where there is no connection: TCP RST, SCTP
 *	ABORT, SHUTDOWN COMPLETE, ICMP echo reply
 * @DVP_SIGN_STRANGER: its sender has no such connection, and was not asked for one: TCP
 *	RST without ACK (RFC 9293, 3.10.7.1), SCTP ABORT, SHUTDOWN COMPLETE with a
 *	reflected tag (RFC 9260, 8.5.1)
 */
enum dvp_sign {
	DVP_SIGN_OPENS = BIT(0),
	DVP_SIGN_CONFIRMS = BIT(1),
	DVP_SIGN_CLOSES = BIT(2),
	DVP_SIGN_LAST = BIT(3),
	DVP_SIGN_STRANGER = BIT(4),
};

/**
 * struct dvp_packet - where the headers of a packet are
 *
 * Offsets are from skb->data, which is at the outer network header. They stay
 * right when the skb is reallocated; pointers would not.
 *
 * @tuple: addresses and ports; for an ICMP error, those of the packet that it is about
 * @l4: offset of the transport header (of the ICMP header for an ICMP error)
 * @proto: protocol of the header at @l4
 * @signs: &enum dvp_sign; 0 for an ICMP error
 * @icmp_error: the packet is an ICMP or ICMPv6 error about another packet
 * @inner_l3: offset of the embedded IP header, for an ICMP error
 * @inner_l4: offset of the embedded transport header, for an ICMP error
 */
struct dvp_packet {
	struct dvp_tuple tuple;
	u16 l4;
	u8 proto;
	u8 signs;
	bool icmp_error;
	u16 inner_l3;
	u16 inner_l4;
};

enum dvp_tuple_result {
	DVP_TUPLE_OK,		/* @packet is filled */
	DVP_TUPLE_OTHER,	/* whole, but nothing that has ports: not for us */
	DVP_TUPLE_BAD,		/* truncated or malformed */
};

enum dvp_tuple_result dvp_tuple_parse4(struct sk_buff *skb,
				       enum dvp_stage stage,
				       struct dvp_packet *packet);
enum dvp_tuple_result dvp_tuple_parse6(struct sk_buff *skb,
				       enum dvp_stage stage,
				       struct dvp_packet *packet);
void dvp_tuple_reverse(const struct dvp_tuple *tuple, enum dvp_stage stage,
		       struct dvp_tuple *reverse);

/**
 * dvp_tuple_is_v4 - does the tuple belong to IPv4?
 * @tuple: the tuple
 */
static inline bool dvp_tuple_is_v4(const struct dvp_tuple *tuple)
{
	return ipv6_addr_v4mapped(&tuple->dst);
}

#endif
