/* SPDX-License-Identifier: GPL-2.0 */
/* ICMP echo to addresses of Services. */
#ifndef _DVPNET_ECHO_H
#define _DVPNET_ECHO_H

struct dvp_net;
struct sk_buff;

void dvp_echo_reply4(struct dvp_net *dn, const struct sk_buff *skb, unsigned int l4);
void dvp_echo_reply6(struct dvp_net *dn, const struct sk_buff *skb, unsigned int l4);

#endif
