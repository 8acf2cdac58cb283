/* SPDX-License-Identifier: GPL-2.0 */
/* The table of connections that are translated, or known not to be. */
#ifndef _DVPNET_FLOW_H
#define _DVPNET_FLOW_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <uapi/linux/dvpnet.h>

#include "stats.h"
#include "tuple.h"

struct dvp_backend;
struct dvp_config;
struct dvp_net;
struct dvp_packet;

/*
 * A connection has three views:
 *
 *	outer	client -> frontend	what the client sees
 *	middle	client -> backend	what conntrack, firewall and routing see
 *	inner	source -> backend	what the backend sees
 *
 * inner equals middle unless the client is masqueraded. Destinations are
 * translated before routing (stage IN), sources after it (stage OUT), so a
 * flow is known by these keys, each leading to another view:
 *
 *	key		stage	tuple			becomes
 *	REQUEST_IN	IN	outer			middle
 *	REPLY_OUT	OUT	middle reversed		outer reversed
 *	REQUEST_OUT	OUT	middle			inner
 *	REPLY_IN	IN	inner reversed		middle reversed
 *
 * The first two are those of a Service, the last two those of masquerading; a
 * flow has the one pair, the other, or both. The unique key middle reversed is
 * also what keeps two frontends with one backend and one client port apart: the
 * later one gets another client port in its middle.
 *
 * The lowest key that a flow has stands for it: it is the client's own view,
 * the client to what it asked for.
 */
enum dvp_flow_index {
	DVP_FLOW_REQUEST_IN,
	DVP_FLOW_REPLY_OUT,
	DVP_FLOW_REQUEST_OUT,
	DVP_FLOW_REPLY_IN,
	DVP_FLOW_KEYS
};

/**
 * enum dvp_flow_kind - why there is a flow
 * @DVP_FLOW_SERVICE: to a Service's frontend
 * @DVP_FLOW_EGRESS: from a pod to the world outside, masqueraded
 * @DVP_FLOW_DIRECT: to a pod itself: either from the outside, so that its replies are
 *	not masqueraded, or the client's port had to move out of another flow's way
 */
enum dvp_flow_kind {
	DVP_FLOW_SERVICE,
	DVP_FLOW_EGRESS,
	DVP_FLOW_DIRECT,
};

/**
 * enum dvp_flow_mark - what has happened to a flow, numbers of bits
 * @DVP_FLOW_DEAD: not linked by all its keys yet, or unlinked or about to be, by whoever
 *	has set this
 * @DVP_FLOW_CLIENT_CLOSED: the client sends no more, or the connection is over
 * @DVP_FLOW_SERVER_CLOSED: the other end sends no more, or the connection is over
 */
enum dvp_flow_mark {
	DVP_FLOW_DEAD,
	DVP_FLOW_CLIENT_CLOSED,
	DVP_FLOW_SERVER_CLOSED,
};

/**
 * struct dvp_flow_key - one of the tuples by which a flow is found
 * @hash: in &dvp_flow_table.keys
 * @index: which of its flow's keys this is, &enum dvp_flow_index
 * @tuple: the tuple
 */
struct dvp_flow_key {
	struct rhash_head hash;
	u8 index;
	struct dvp_tuple tuple;
};

/**
 * struct dvp_flow - a connection that is translated, or known not to be
 *
 * Found and read under RCU. After creation an established flow is written at
 * most once a second, to push its time-out.
 *
 * @key: see above
 * @keys: which of them it has, a mask
 * @kind: &enum dvp_flow_kind
 * @backend: where it goes; referenced; NULL unless to a Service
 * @expires: jiffies, truncated, when it goes if no packet comes
 * @state: &enum dvpnet_flow_state
 * @replied: a packet came back
 * @marks: &enum dvp_flow_mark, a bit mask
 * @masquerade: the backend sees an address of this node
 * @spare: in &dvp_flow_table.spare while it is not established, or has ended; under its
 *	lock
 * @rcu: for freeing
 */
struct dvp_flow {
	struct dvp_flow_key key[DVP_FLOW_KEYS];
	u8 keys;
	u8 kind;
	struct dvp_backend *backend;
	u32 expires;
	u8 state;
	bool replied;
	bool masquerade;
	unsigned long marks;
	struct list_head spare;
	struct rcu_head rcu;
};

/**
 * struct dvp_flow_table - all flows of a network namespace
 * @keys: &struct dvp_flow_key by tuple
 * @count: number of flows
 * @lock: protects @spare
 * @spare: flows not established yet, and those that have ended, oldest first: they go first
 *	when the table is full
 * @walks: open walks, so that the end of the table ends them
 * @gc: removes expired flows
 */
struct dvp_flow_table {
	struct rhashtable keys;
	atomic_t count;
	spinlock_t lock;
	struct list_head spare;
	struct list_head walks;
	struct delayed_work gc;
};

/**
 * struct dvp_flow_walk - a walk over all flows that may pause
 * @iter: where it is
 * @list: in &dvp_flow_table.walks
 * @open: false once it or the table has ended
 */
struct dvp_flow_walk {
	struct rhashtable_iter iter;
	struct list_head list;
	bool open;
};

/**
 * struct dvp_flow_match - which flows to flush; zero or unspecified matches all
 * @outer: client and frontend (or whatever it asked for), the protocol
 * @backend: address of whoever serves it in the end
 * @backend_port: and its port, network byte order
 * @service: only flows whose backend belongs to it, by name, or NULL
 */
struct dvp_flow_match {
	struct dvp_tuple outer;
	struct in6_addr backend;
	__be16 backend_port;
	const char *service;
};

/**
 * typedef dvp_flow_visit_fn - does something with a flow
 * @dn: whose
 * @flow: the flow
 * @data: as given to dvp_flow_visit()
 *
 * Return: whether it counts.
 */
typedef bool dvp_flow_visit_fn(struct dvp_net *dn, struct dvp_flow *flow, const void *data);

/**
 * struct dvp_flow_saved - a flow that another node had
 * @kind: %DVP_FLOW_SERVICE or %DVP_FLOW_DIRECT
 * @outer: client to what it asked for, stage IN
 * @port: the client's port as the backend sees it, network byte order
 * @backend: of the Service, or NULL; not referenced
 * @state: &enum dvpnet_flow_state
 * @expires: seconds until it goes when no packet comes; no longer than the settings allow
 */
struct dvp_flow_saved {
	enum dvp_flow_kind kind;
	struct dvp_tuple outer;
	__be16 port;
	struct dvp_backend *backend;
	enum dvpnet_flow_state state;
	u32 expires;
};

static inline struct dvp_flow *dvp_flow_of(const struct dvp_flow_key *key)
{
	return container_of(key, struct dvp_flow, key[key->index]);
}

static inline bool dvp_flow_has(const struct dvp_flow *flow, enum dvp_flow_index index)
{
	return flow->keys & BIT(index);
}

/**
 * dvp_flow_is_reply - do packets that match a key go to the client?
 * @key: the key
 */
static inline bool dvp_flow_is_reply(const struct dvp_flow_key *key)
{
	return key->index == DVP_FLOW_REPLY_OUT || key->index == DVP_FLOW_REPLY_IN;
}

/**
 * dvp_flow_first - the index of the key that stands for a flow
 * @flow: the flow
 */
static inline enum dvp_flow_index dvp_flow_first(const struct dvp_flow *flow)
{
	return dvp_flow_has(flow, DVP_FLOW_REQUEST_IN) ? DVP_FLOW_REQUEST_IN :
							 DVP_FLOW_REQUEST_OUT;
}

/**
 * dvp_flow_outer - what the client sees: itself to what it asked for
 * @flow: the flow
 */
static inline const struct dvp_tuple *dvp_flow_outer(const struct dvp_flow *flow)
{
	return &flow->key[dvp_flow_first(flow)].tuple;
}

/**
 * dvp_flow_answer - what the serving end sends: its reply to whom it sees
 * @flow: the flow
 */
static inline const struct dvp_tuple *dvp_flow_answer(const struct dvp_flow *flow)
{
	return &flow->key[dvp_flow_has(flow, DVP_FLOW_REPLY_IN) ? DVP_FLOW_REPLY_IN :
								  DVP_FLOW_REPLY_OUT].tuple;
}

/**
 * dvp_flow_port_moved - has the client's port changed on the way to the middle?
 * @flow: the flow
 */
static inline bool dvp_flow_port_moved(const struct dvp_flow *flow)
{
	return dvp_flow_has(flow, DVP_FLOW_REQUEST_IN) &&
	       flow->key[DVP_FLOW_REQUEST_IN].tuple.sport !=
	       flow->key[DVP_FLOW_REPLY_OUT].tuple.dport;
}

/**
 * dvp_flow_is_identity - do its packets stay as they are?
 * @flow: the flow
 */
static inline bool dvp_flow_is_identity(const struct dvp_flow *flow)
{
	return flow->kind == DVP_FLOW_DIRECT && !dvp_flow_port_moved(flow);
}

struct dvp_flow_key *dvp_flow_lookup(struct dvp_net *dn,
				     const struct dvp_tuple *tuple);
bool dvp_flow_is_middle(struct dvp_net *dn, const struct dvp_tuple *tuple);
struct dvp_flow_key *dvp_flow_create(struct dvp_net *dn,
				     const struct dvp_tuple *outer,
				     struct dvp_backend *backend,
				     const struct in6_addr *source,
				     bool keep_port);
struct dvp_flow_key *dvp_flow_create_egress(struct dvp_net *dn,
					    const struct dvp_tuple *middle,
					    const struct in6_addr *source);
struct dvp_flow_key *dvp_flow_create_direct(struct dvp_net *dn,
					    const struct dvp_tuple *outer);
int dvp_flow_restore(struct dvp_net *dn, const struct dvp_flow_saved *saved);
void dvp_flow_target(const struct dvp_flow_key *key, struct dvp_tuple *target);
bool dvp_flow_is_stale(const struct dvp_flow_key *key, u8 signs, enum dvp_stat *why);
void dvp_flow_seen(struct dvp_net *dn, struct dvp_flow_key *key, u8 signs);
u32 dvp_flow_expires_in(const struct dvp_flow *flow);
void dvp_flow_walk_begin(struct dvp_net *dn, struct dvp_flow_walk *walk);
struct dvp_flow *dvp_flow_walk_resume(struct dvp_flow_walk *walk);
struct dvp_flow *dvp_flow_walk_next(struct dvp_flow_walk *walk);
void dvp_flow_walk_pause(struct dvp_flow_walk *walk);
void dvp_flow_walk_end(struct dvp_flow_walk *walk);
void dvp_flow_walk_end_all(struct dvp_net *dn);
u32 dvp_flow_visit(struct dvp_net *dn, dvp_flow_visit_fn *visit, const void *data);
bool dvp_flow_remove(struct dvp_net *dn, struct dvp_flow *flow);
void dvp_flow_collect(struct dvp_net *dn);
u32 dvp_flow_flush(struct dvp_net *dn, const struct dvp_flow_match *match);
int dvp_flow_init(struct dvp_net *dn);
void dvp_flow_exit(struct dvp_net *dn);
int dvp_flow_module_init(void);
void dvp_flow_module_exit(void);

#endif
