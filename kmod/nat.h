/* SPDX-License-Identifier: GPL-2.0 */
/* Rewriting of packets, checksums included. */
#ifndef _DVPNET_NAT_H
#define _DVPNET_NAT_H

#include "tuple.h"

/**
 * DVP_NAT_KEEP - do not change that outer address of an ICMP error
 */
#define DVP_NAT_KEEP NULL

int dvp_nat_rewrite(struct sk_buff *skb, const struct dvp_packet *packet,
		    const struct dvp_tuple *to);
int dvp_nat_rewrite_icmp(struct sk_buff *skb, const struct dvp_packet *packet,
			 const struct dvp_tuple *embedded,
			 const struct in6_addr *outer_src,
			 const struct in6_addr *outer_dst);

#endif
