/* SPDX-License-Identifier: GPL-2.0 */
/* Backends (endpoints) and the choice among them, the same on every node. */
#ifndef _DVPNET_BACKEND_H
#define _DVPNET_BACKEND_H

#include <linux/in6.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/types.h>

/**
 * struct dvp_backend - an endpoint of one service
 *
 * Keeps its identity over replacements of the service, so that a flow can ask
 * its backend whether it still serves.
 *
 * @ref: one for the service, one for each flow
 * @rcu: for freeing
 * @id: what the choice is made by: depends on @addr and @port alone, so it is
 *	the same on every node and in every order of events
 * @addr: address, IPv4 as ::ffff:a.b.c.d
 * @port: port, network byte order
 * @gone: no longer an endpoint of its service; set once, read without lock
 */
struct dvp_backend {
	refcount_t ref;
	struct rcu_head rcu;
	u64 id;
	struct in6_addr addr;
	__be16 port;
	bool gone;
};

/**
 * struct dvp_backend_point - what a flow's hash is held against
 * @at: number made from the backend's id; in a long list, its place on the ring
 * @backend: whose it is
 */
struct dvp_backend_point {
	u64 at;
	struct dvp_backend *backend;
};

/**
 * struct dvp_backend_share - a backend of a list
 * @backend: the backend; not referenced, the owner of the list holds it
 * @weight: its share in relation to the others', from 1
 */
struct dvp_backend_share {
	struct dvp_backend *backend;
	u32 weight;
};

/**
 * struct dvp_backend_list - backends to choose from; immutable once published
 * @count: number of backends
 * @points: number of points: one for each unit of weight up to
 *	%DVP_BACKEND_HRW_MAX of them, %DVP_BACKEND_RING_POINTS above
 * @is_ring: the latter
 * @share: the backends, behind the points
 * @point: the points, sorted
 */
struct dvp_backend_list {
	u32 count;
	u32 points;
	bool is_ring;
	struct dvp_backend_share *share;
	struct dvp_backend_point point[];
};

/*
 * Up to this many points are scored each, which shares out evenly and here
 * still costs less than the ring; above, the ring bounds the work.
 */
#define DVP_BACKEND_HRW_MAX 256

/*
 * With one point a backend, one backend in twenty would get less than 70 % of
 * its share, some of them next to nothing; with 8, all get 75 % to 115 %.
 */
#define DVP_BACKEND_RING_POINTS 8

/* Up to this many backends are all asked for the fewest flows. */
#define DVP_BACKEND_SCAN_MAX 256

struct dvp_backend *dvp_backend_alloc(const struct in6_addr *addr, __be16 port);
void dvp_backend_put(struct dvp_backend *backend);
u64 dvp_backend_id(const struct in6_addr *addr, __be16 port);
struct dvp_backend_list *dvp_backend_list_make(const struct dvp_backend_share *shares,
					       u32 count);
void dvp_backend_list_free(struct dvp_backend_list *list);
struct dvp_backend *dvp_backend_choose(const struct dvp_backend_list *list,
				       u64 hash);
struct dvp_backend *dvp_backend_choose_random(const struct dvp_backend_list *list);
struct dvp_backend *dvp_backend_choose_idle(const struct dvp_backend_list *list);

/**
 * dvp_backend_flows - how many flows hold a backend?
 * @backend: the backend, of a service
 *
 * Approximate: flows that have gone let go of it a grace period later.
 */
static inline u32 dvp_backend_flows(const struct dvp_backend *backend)
{
	/* One reference is the service's own. */
	return refcount_read(&backend->ref) - 1;
}

/**
 * dvp_backend_get - take another reference
 * @backend: the backend
 *
 * Context: a reference must be sure to exist meanwhile. Readers under RCU are,
 * as long as a service drops its own only after a grace period.
 */
static inline void dvp_backend_get(struct dvp_backend *backend)
{
	refcount_inc(&backend->ref);
}

#endif
