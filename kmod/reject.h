/* SPDX-License-Identifier: GPL-2.0 */
/* ICMP errors that refuse a connection, and TCP resets that end one. */
#ifndef _DVPNET_REJECT_H
#define _DVPNET_REJECT_H

struct dvp_net;
struct sk_buff;

void dvp_reject_init(struct dvp_net *dn);
void dvp_reject4(struct dvp_net *dn, const struct sk_buff *skb);
void dvp_reject6(struct dvp_net *dn, const struct sk_buff *skb);
void dvp_reject_reset4(struct dvp_net *dn, const struct sk_buff *skb, unsigned int l4);
void dvp_reject_reset6(struct dvp_net *dn, const struct sk_buff *skb, unsigned int l4);

#endif
