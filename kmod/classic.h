/* SPDX-License-Identifier: GPL-2.0 */
/* Classic mode: pod packets as they are, over the underlay. */
#ifndef _DVPNET_CLASSIC_H
#define _DVPNET_CLASSIC_H

#include <linux/types.h>

struct dvp_config;
struct dvp_net;
struct dvp_node;
struct dvp_underlay;
struct sk_buff;

int dvp_classic_start(struct dvp_net *dn);
void dvp_classic_stop(struct dvp_net *dn);
int dvp_classic_xmit(struct dvp_net *dn, struct sk_buff *skb,
		     struct dvp_underlay *way);
bool dvp_classic_is_possible(struct dvp_net *dn, struct dvp_node *node,
			     const struct dvp_config *config);

#endif
