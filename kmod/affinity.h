/* SPDX-License-Identifier: GPL-2.0 */
/* Session affinity: which client stays with which backend. */
#ifndef _DVPNET_AFFINITY_H
#define _DVPNET_AFFINITY_H

#include <linux/in6.h>
#include <linux/rhashtable.h>
#include <linux/workqueue.h>

struct dvp_net;

/**
 * struct dvp_affinity_table - all clients that have a backend of their own
 * @clients: &struct affinity_client by address and service
 * @count: number of them
 * @gc: removes those that have not come again
 */
struct dvp_affinity_table {
	struct rhashtable clients;
	atomic_t count;
	struct delayed_work gc;
};

/**
 * struct dvp_affinity_hold - what is known of a client
 * @backend: &dvp_backend.id of its last connection
 * @left: seconds for which it keeps that; 0 = no longer
 * @round: how often it came back too late, this time too; has a say in the next choice
 */
struct dvp_affinity_hold {
	u64 backend;
	u32 left;
	u32 round;
};

struct dvp_affinity_hold dvp_affinity_find(struct dvp_net *dn, const struct in6_addr *client,
					   u32 service, u32 timeout);
void dvp_affinity_renew(struct dvp_net *dn, const struct in6_addr *client, u32 service,
			u64 backend, u32 round);
int dvp_affinity_init(struct dvp_net *dn);
void dvp_affinity_exit(struct dvp_net *dn);

#endif
