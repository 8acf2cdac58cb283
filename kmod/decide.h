/* SPDX-License-Identifier: GPL-2.0 */
/* What happens to a new connection, and why. */
#ifndef _DVPNET_DECIDE_H
#define _DVPNET_DECIDE_H

#include <linux/in6.h>

#include <uapi/linux/dvpnet.h>

#include "stats.h"

struct dvp_backend;
struct dvp_net;
struct dvp_service;
struct dvp_tuple;

/**
 * struct dvp_decision - what happens to the first packet of a connection, and why
 * @verdict: what to do
 * @stat: counter of a refusal or answer
 * @reason: in words, for people
 * @service: whose frontend it met, or NULL
 * @type: of the frontend
 * @list: which list was to be chosen from
 * @list_len: its length
 * @list_why: &enum dvpnet_list_why, why it is as it is
 * @algorithm: how the backend is chosen
 * @is_sticky: the choice is to be remembered by dvp_affinity_renew()
 * @affinity: seconds for which the client keeps the backend; 0 = chosen anew
 * @round: &dvp_affinity_hold.round of the client
 * @backend: the choice; not referenced, valid under RCU
 * @masquerade: the backend must not see the client
 * @source: the address that it sees then, valid under RCU; NULL for the client's own
 */
struct dvp_decision {
	enum dvpnet_verdict verdict;
	enum dvp_stat stat;
	const char *reason;
	const struct dvp_service *service;
	enum dvpnet_frontend_type type;
	enum dvpnet_list list;
	u32 list_len;
	u32 list_why;
	enum dvpnet_algorithm algorithm;
	bool is_sticky;
	u32 affinity;
	u32 round;
	struct dvp_backend *backend;
	bool masquerade;
	const struct in6_addr *source;
};

void dvp_decide(struct dvp_net *dn, const struct dvp_tuple *tuple, bool from_host,
		struct dvp_decision *decision);
void dvp_decide_other(struct dvp_net *dn, const struct in6_addr *dst,
		      struct dvp_decision *decision);

#endif
