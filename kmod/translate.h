/* SPDX-License-Identifier: GPL-2.0 */
/* What happens to a packet at each stage of its way. */
#ifndef _DVPNET_TRANSLATE_H
#define _DVPNET_TRANSLATE_H

#include "tuple.h"

struct dvp_flow_key;
struct dvp_net;

/**
 * enum dvp_translate_result - what became of a packet
 * @DVP_TRANSLATE_NONE: not ours, untouched
 * @DVP_TRANSLATE_KEEP: of a flow, but stays as it is
 * @DVP_TRANSLATE_DONE: rewritten
 * @DVP_TRANSLATE_DROP: to be dropped, counted
 * @DVP_TRANSLATE_REJECT: to be dropped and answered with an ICMP error, counted
 * @DVP_TRANSLATE_RESET: to be dropped and answered with a TCP reset, counted
 * @DVP_TRANSLATE_ECHO: to be dropped and answered with an ICMP echo reply, counted
 */
enum dvp_translate_result {
	DVP_TRANSLATE_NONE,
	DVP_TRANSLATE_KEEP,
	DVP_TRANSLATE_DONE,
	DVP_TRANSLATE_DROP,
	DVP_TRANSLATE_REJECT,
	DVP_TRANSLATE_RESET,
	DVP_TRANSLATE_ECHO,
};

bool dvp_translate_is_awaited(struct dvp_net *dn, const struct dvp_tuple *tuple);
bool dvp_translate_is_cut_off(struct dvp_net *dn, const struct dvp_flow_key *key, u8 signs);
bool dvp_translate_is_stranger(struct dvp_net *dn, const struct dvp_packet *packet);
enum dvp_translate_result dvp_translate(struct dvp_net *dn, struct sk_buff *skb,
					const struct dvp_packet *packet,
					bool from_host);
enum dvp_translate_result dvp_translate_egress(struct dvp_net *dn, struct sk_buff *skb,
					       const struct dvp_packet *packet);

#endif
