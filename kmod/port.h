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
 * struct dvp_port_range - ports that are left out, both ends included
 * @min: first, host byte order
 * @max: last; less than @min: none
 */
struct dvp_port_range {
	int min;
	int max;
};

/**
 * struct dvp_port_iter - a walk over candidate ports from a random start
 * @net: where sockets are looked for
 * @owner: see there
 * @avoid: ranges left out, ascending and disjoint
 * @count: number of ports outside of them
 * @index: the next candidate, counted among those
 * @tries: how many more to look at
 */
struct dvp_port_iter {
	struct net *net;
	enum dvp_port_owner owner;
	struct dvp_port_range avoid[2];
	u32 count;
	u32 index;
	u32 tries;
};

void dvp_port_start(struct dvp_port_iter *iter, struct dvp_net *dn,
		    enum dvp_port_owner owner);
bool dvp_port_next(struct dvp_port_iter *iter, struct dvp_tuple *reply);
bool dvp_port_is_free(struct net *net, const struct dvp_tuple *reply);

#endif
