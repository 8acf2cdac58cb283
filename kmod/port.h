/* SPDX-License-Identifier: GPL-2.0 */
/* Which source ports translation may use. */
#ifndef _DVPNET_PORT_H
#define _DVPNET_PORT_H

#include <linux/types.h>

struct dvp_net;
struct dvp_tuple;
struct net;

/**
 * enum dvp_port_owner - whose address the port belongs to
 * @DVP_PORT_OWN: this node's: sockets, ephemeral ports and NodePorts are avoided
 * @DVP_PORT_FOREIGN: a client's: only the table's own uniqueness counts
 */
enum dvp_port_owner {
	DVP_PORT_OWN,
	DVP_PORT_FOREIGN,
};

/**
 * struct dvp_port_iter - a walk over candidate ports from a random start
 * @net: where sockets are looked for
 * @owner: see there
 * @port: the last candidate, host byte order
 * @left: how many more to look at
 * @tries: how many more to hand out
 * @avoid_min: first port of the NodePort range
 * @avoid_max: last port of it
 * @local_min: first ephemeral port of local sockets
 * @local_max: last of them
 */
struct dvp_port_iter {
	struct net *net;
	enum dvp_port_owner owner;
	u32 port;
	u32 left;
	u32 tries;
	u16 avoid_min;
	u16 avoid_max;
	int local_min;
	int local_max;
};

void dvp_port_start(struct dvp_port_iter *iter, struct dvp_net *dn,
		    enum dvp_port_owner owner);
bool dvp_port_next(struct dvp_port_iter *iter, struct dvp_tuple *reply);
bool dvp_port_is_free(struct net *net, const struct dvp_tuple *reply);

#endif
