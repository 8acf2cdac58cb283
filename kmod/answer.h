/* SPDX-License-Identifier: GPL-2.0 */
/* Packets of our own, in the name of an address that is on no interface. */
#ifndef _DVPNET_ANSWER_H
#define _DVPNET_ANSWER_H

#include <linux/types.h>

struct dvp_net;
struct in6_addr;
struct sk_buff;

struct sk_buff *dvp_answer_alloc(const struct sk_buff *skb, unsigned int header,
				 unsigned int from, unsigned int len);
void dvp_answer_send4(struct dvp_net *dn, struct sk_buff *answer, __be32 saddr,
		      __be32 daddr, u8 proto);
void dvp_answer_send6(struct dvp_net *dn, struct sk_buff *answer,
		      const struct in6_addr *saddr, const struct in6_addr *daddr,
		      u8 proto);

#endif
