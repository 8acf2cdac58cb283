/* SPDX-License-Identifier: GPL-2.0 */
/* Pods and the world outside: who is masqueraded, who must not be. */
#ifndef _DVPNET_EGRESS_H
#define _DVPNET_EGRESS_H

#include <linux/in6.h>

#include <uapi/linux/dvpnet.h>

#include "stats.h"

struct dvp_flow_key;
struct dvp_net;
struct dvp_packet;
struct dvp_tuple;
struct net_device;

/**
 * struct dvp_egress_decision - is a connection masqueraded, and why
 * @verdict: %DVPNET_VERDICT_MASQUERADE, %DVPNET_VERDICT_DROP, or %DVPNET_VERDICT_NONE
 * @stat: counter of a drop
 * @reason: in words, for people
 * @source: the address that the other end sees, valid under RCU; NULL for the client's own
 */
struct dvp_egress_decision {
	enum dvpnet_verdict verdict;
	enum dvp_stat stat;
	const char *reason;
	const struct in6_addr *source;
};

void dvp_egress_decide(struct dvp_net *dn, const struct dvp_tuple *tuple,
		       struct dvp_egress_decision *decision);
bool dvp_egress_is_direct(struct dvp_net *dn, const struct net_device *in,
			  const struct dvp_packet *packet);

#endif
