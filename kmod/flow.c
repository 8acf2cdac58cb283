// SPDX-License-Identifier: GPL-2.0
/*
 * The table of translated connections: bounded, read under RCU.
 *
 * A flow's keys are inserted with the one by which its next packet looks (the
 * lowest) last: whoever finds a flow finds all of it. Two CPUs that
 * create one connection at the same instant meet at that key; the loser takes
 * the winner's flow. A flow is unlinked by whoever marks it dead; until all its
 * keys are in, that is nobody but its creator.
 */
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "backend.h"
#include "flow.h"
#include "netns.h"
#include "port.h"
#include "service.h"

/* Expired flows are not found by packets; this only bounds how long they take memory. */
#define FLOW_GC_INTERVAL	(2 * HZ)
/*
 * A half-closed connection may wait so long for the answer to all that was asked: as
 * kube-proxy has conntrack keep it (nf_conntrack_tcp_timeout_close_wait).
 */
#define FLOW_HALF_CLOSED	3600
/* So many occupied ports are chance only where few are free. */
#define FLOW_FREE_PORT_TRIES	16
/* So many flows at most are evicted for one that begins. */
#define FLOW_EVICTIONS		64

static struct kmem_cache *flow_cache;

static const struct rhashtable_params flow_params = {
	.head_offset = offsetof(struct dvp_flow_key, hash),
	.key_offset = offsetof(struct dvp_flow_key, tuple),
	.key_len = sizeof(struct dvp_tuple),
	.automatic_shrinking = true,
};

static u32 flow_now(void)
{
	return (u32)jiffies;
}

static bool flow_is_expired(const struct dvp_flow *flow)
{
	return (s32)(READ_ONCE(flow->expires) - flow_now()) <= 0;
}

/* A protocol that has no connections of its own: each packet may be the last, or the first. */
static bool flow_is_datagram(const struct dvp_tuple *tuple)
{
	return tuple->proto != IPPROTO_TCP && tuple->proto != IPPROTO_SCTP;
}

static bool flow_has_ended(const struct dvp_flow *flow)
{
	const unsigned long both = BIT(DVP_FLOW_CLIENT_CLOSED) | BIT(DVP_FLOW_SERVER_CLOSED);

	return (READ_ONCE(flow->marks) & both) == both;
}

/* No connection, or none any more: it stays briefly, and gives way to others. */
static bool flow_is_spare(const struct dvp_flow *flow)
{
	return READ_ONCE(flow->state) == DVPNET_FLOW_STATE_NEW || flow_has_ended(flow);
}

static u32 flow_timeout(const struct dvp_net *dn, const struct dvp_flow *flow)
{
	const struct dvp_config *config = rcu_dereference(dn->config);
	bool established = READ_ONCE(flow->state) == DVPNET_FLOW_STATE_ESTABLISHED;
	u32 seconds;

	if (flow_is_datagram(dvp_flow_outer(flow)))
		seconds = established ? config->udp_established : config->udp_new;
	else if (flow_is_spare(flow))
		seconds = config->tcp_transitory;
	else if (established)
		seconds = config->tcp_established;
	else
		seconds = min_t(u32, config->tcp_established, FLOW_HALF_CLOSED);
	return seconds * HZ;
}

static void flow_free_rcu(struct rcu_head *rcu)
{
	struct dvp_flow *flow = container_of(rcu, struct dvp_flow, rcu);

	if (flow->backend)
		dvp_backend_put(flow->backend);
	kmem_cache_free(flow_cache, flow);
}

static void flow_unlink(struct dvp_flow_table *table, struct dvp_flow *flow)
{
	unsigned int i;

	/* The lowest first: as at insertion, whoever finds it finds the rest. */
	for (i = 0; i < DVP_FLOW_KEYS; i++)
		if (dvp_flow_has(flow, i))
			rhashtable_remove_fast(&table->keys, &flow->key[i].hash, flow_params);
}

/* Any CPU may have brought the flow to where it is by now. */
static void flow_sort(struct dvp_flow_table *table, struct dvp_flow *flow)
{
	spin_lock_bh(&table->lock);
	if (!flow_is_spare(flow) || test_bit(DVP_FLOW_DEAD, &flow->marks))
		list_del_init(&flow->spare);
	else if (list_empty(&flow->spare))
		list_add_tail(&flow->spare, &table->spare);
	spin_unlock_bh(&table->lock);
}

/**
 * dvp_flow_remove - unlink a flow
 * @dn: its table
 * @flow: the flow; freed after a grace period
 *
 * Context: RCU read side or any other guarantee that @flow is still there.
 * Return: true if this call removed it, false if another one did.
 */
bool dvp_flow_remove(struct dvp_net *dn, struct dvp_flow *flow)
{
	if (test_and_set_bit(DVP_FLOW_DEAD, &flow->marks))
		return false;

	flow_sort(&dn->flows, flow);
	flow_unlink(&dn->flows, flow);
	atomic_dec(&dn->flows.count);
	call_rcu(&flow->rcu, flow_free_rcu);
	return true;
}

/**
 * dvp_flow_lookup - find a flow
 * @dn: its table
 * @tuple: as the packet shows it, with the stage
 *
 * Context: RCU read side.
 * Return: the key that matched, or NULL.
 */
struct dvp_flow_key *dvp_flow_lookup(struct dvp_net *dn,
				     const struct dvp_tuple *tuple)
{
	struct dvp_flow_key *key;

	key = rhashtable_lookup(&dn->flows.keys, tuple, flow_params);
	if (!key)
		return NULL;
	if (unlikely(flow_is_expired(dvp_flow_of(key)))) {
		if (dvp_flow_remove(dn, dvp_flow_of(key)))
			dvp_stats_inc(dn, DVP_STAT_FLOW_EXPIRED);
		return NULL;
	}
	return key;
}

/**
 * dvp_flow_expires_in - seconds until a flow goes if no packet comes
 * @flow: the flow
 */
u32 dvp_flow_expires_in(const struct dvp_flow *flow)
{
	s32 left = READ_ONCE(flow->expires) - flow_now();

	return left > 0 ? left / HZ : 0;
}

/**
 * dvp_flow_target - what the packet that matched a key becomes
 * @key: the key that matched
 * @target: filled with the tuple to rewrite to
 */
void dvp_flow_target(const struct dvp_flow_key *key, struct dvp_tuple *target)
{
	const struct dvp_flow *flow = dvp_flow_of(key);

	/* Each key's opposite is the same view seen from the other end. */
	static const u8 opposite[DVP_FLOW_KEYS] = {
		[DVP_FLOW_REQUEST_IN] = DVP_FLOW_REPLY_OUT,
		[DVP_FLOW_REPLY_OUT] = DVP_FLOW_REQUEST_IN,
		[DVP_FLOW_REPLY_IN] = DVP_FLOW_REQUEST_OUT,
		[DVP_FLOW_REQUEST_OUT] = DVP_FLOW_REPLY_IN,
	};

	dvp_tuple_reverse(&flow->key[opposite[key->index]].tuple, key->tuple.stage,
			  target);
}

/**
 * dvp_flow_is_stale - must this packet of a client begin anew?
 * @key: the key that it matched
 * @signs: &enum dvp_sign of the packet
 * @why: filled with the counter of the reason
 *
 * A UDP flow ends with the endpoint that serves it. TCP and SCTP connections to
 * an endpoint that was removed are left to end, unless it never answered. What
 * opens a connection begins anew where the endpoint was removed, or after the end
 * of another one (RFC 9293, 3.6.1).
 */
bool dvp_flow_is_stale(const struct dvp_flow_key *key, u8 signs, enum dvp_stat *why)
{
	const struct dvp_flow *flow = dvp_flow_of(key);

	if (key->index != dvp_flow_first(flow))
		return false;
	if (flow->backend && READ_ONCE(flow->backend->gone) &&
	    (flow_is_datagram(&key->tuple) || !READ_ONCE(flow->replied) ||
	     signs & DVP_SIGN_OPENS)) {
		*why = DVP_STAT_FLOW_RELEASED;
		return true;
	}
	*why = DVP_STAT_FLOW_REUSED;
	return (signs & DVP_SIGN_OPENS) &&
	       READ_ONCE(flow->state) == DVPNET_FLOW_STATE_CLOSING;
}

/*
 * A connection counts only when the client has confirmed it: a backend's answers to a
 * flood of forged SYNs or questions must not. Datagrams have no sign of that but that
 * the client sends more.
 */
static u8 flow_next_state(const struct dvp_flow *flow,
			  const struct dvp_flow_key *key, u8 signs)
{
	u8 state = READ_ONCE(flow->state);

	if (signs & DVP_SIGN_CLOSES)
		return DVPNET_FLOW_STATE_CLOSING;
	if (state != DVPNET_FLOW_STATE_NEW)
		return state;
	if (READ_ONCE(flow->replied) && !dvp_flow_is_reply(key) &&
	    (flow_is_datagram(&key->tuple) || signs & DVP_SIGN_CONFIRMS))
		return DVPNET_FLOW_STATE_ESTABLISHED;
	return state;
}

/*
 * After a FIN the other end may go on (RFC 9293, 3.6). SCTP has no such state (RFC 9260,
 * 1.5.1), nor has what never was a connection: it must not take memory for long.
 * Return: true if that is news.
 */
static bool flow_close(struct dvp_flow *flow, const struct dvp_flow_key *key, u8 signs)
{
	bool whole = signs & DVP_SIGN_LAST || key->tuple.proto != IPPROTO_TCP ||
		     READ_ONCE(flow->state) == DVPNET_FLOW_STATE_NEW;
	bool reply = dvp_flow_is_reply(key), news = false;

	if (whole || !reply)
		news = !test_and_set_bit(DVP_FLOW_CLIENT_CLOSED, &flow->marks);
	if (whole || reply)
		news |= !test_and_set_bit(DVP_FLOW_SERVER_CLOSED, &flow->marks);
	return news;
}

/**
 * dvp_flow_seen - a packet of the flow went by
 * @dn: its table
 * @key: the key that it matched
 * @signs: &enum dvp_sign of the packet
 *
 * Writes to the flow only when something changes, the time-out at most once a
 * second.
 *
 * Context: RCU read side.
 */
void dvp_flow_seen(struct dvp_net *dn, struct dvp_flow_key *key, u8 signs)
{
	struct dvp_flow *flow = dvp_flow_of(key);
	u8 state = flow_next_state(flow, key, signs);
	bool news = signs & DVP_SIGN_CLOSES && flow_close(flow, key, signs);
	u32 expires;

	if (dvp_flow_is_reply(key) && !READ_ONCE(flow->replied))
		WRITE_ONCE(flow->replied, true);
	if (news || state != READ_ONCE(flow->state)) {
		WRITE_ONCE(flow->state, state);
		flow_sort(&dn->flows, flow);
		WRITE_ONCE(flow->expires, flow_now() + flow_timeout(dn, flow));
		return;
	}
	expires = flow_now() + flow_timeout(dn, flow);
	if (expires - READ_ONCE(flow->expires) >= HZ)
		WRITE_ONCE(flow->expires, expires);
}

/* Room for one more: the oldest goes of those that nobody answered, or that have ended. */
static bool flow_evict(struct dvp_net *dn)
{
	struct dvp_flow *flow;
	bool evicted = false;

	spin_lock_bh(&dn->flows.lock);
	flow = list_first_entry_or_null(&dn->flows.spare, struct dvp_flow, spare);
	spin_unlock_bh(&dn->flows.lock);

	/* RCU keeps it; if another CPU evicts it as well, one of us gets it. */
	if (flow) {
		evicted = dvp_flow_remove(dn, flow);
		if (evicted)
			dvp_stats_inc(dn, DVP_STAT_FLOW_EVICTED);
	}
	return evicted;
}

/* Where there are far too many, as after a change of max-flows, that is for flow_gc(). */
static bool flow_make_room(struct dvp_net *dn)
{
	u32 max = rcu_dereference(dn->config)->max_flows;
	unsigned int tries;

	for (tries = 0; atomic_read(&dn->flows.count) >= max; tries++)
		if (tries >= FLOW_EVICTIONS || (!flow_evict(dn) && tries >= 4))
			return false;
	return true;
}

/* For a second and more nobody has answered it, or the client has not confirmed that. */
static bool flow_is_forsaken(const struct dvp_net *dn, const struct dvp_flow *flow)
{
	s32 left = READ_ONCE(flow->expires) - flow_now();

	return READ_ONCE(flow->state) == DVPNET_FLOW_STATE_NEW &&
	       left < (s32)(flow_timeout(dn, flow) - HZ);
}

/*
 * An expired flow that was not collected yet is no obstacle; nor, with @instead, is one
 * that is not worth it.
 */
static int flow_insert_over(struct dvp_net *dn, struct dvp_flow_key *key, bool instead)
{
	enum dvp_stat why = DVP_STAT_FLOW_EXPIRED;
	struct dvp_flow_key *other;
	int err;

	err = rhashtable_lookup_insert_fast(&dn->flows.keys, &key->hash, flow_params);
	if (err != -EEXIST)
		return err;

	other = rhashtable_lookup(&dn->flows.keys, &key->tuple, flow_params);
	if (other && !flow_is_expired(dvp_flow_of(other))) {
		if (!instead || !flow_is_forsaken(dn, dvp_flow_of(other)))
			return -EEXIST;
		why = DVP_STAT_FLOW_EVICTED;
	}
	if (other && dvp_flow_remove(dn, dvp_flow_of(other)))
		dvp_stats_inc(dn, why);
	return rhashtable_lookup_insert_fast(&dn->flows.keys, &key->hash, flow_params);
}

static int flow_insert(struct dvp_net *dn, struct dvp_flow_key *key)
{
	return flow_insert_over(dn, key, false);
}

static int flow_remove_key(struct dvp_net *dn, struct dvp_flow_key *key)
{
	return rhashtable_remove_fast(&dn->flows.keys, &key->hash, flow_params);
}

/**
 * dvp_flow_is_middle - is a flow's middle view like this?
 * @dn: its table
 * @tuple: from a client to a backend
 *
 * Then a connection that is not translated must not look the same.
 *
 * Context: RCU read side.
 */
bool dvp_flow_is_middle(struct dvp_net *dn, const struct dvp_tuple *tuple)
{
	const struct dvp_flow_key *key;
	struct dvp_tuple reply;

	dvp_tuple_reverse(tuple, DVP_STAGE_OUT, &reply);
	key = dvp_flow_lookup(dn, &reply);
	return key && key->index == DVP_FLOW_REPLY_OUT;
}

/*
 * Both keys of the middle view that this flow has. One that it has not must not
 * be another's either: an egress flow has no REPLY_OUT.
 */
static int flow_try_middle(struct dvp_net *dn, struct dvp_flow *flow)
{
	struct dvp_flow_key *reply = &flow->key[DVP_FLOW_REPLY_OUT];
	struct dvp_flow_key *request = &flow->key[DVP_FLOW_REQUEST_OUT];
	int err;

	err = flow_insert(dn, reply);
	if (err)
		return err;
	dvp_tuple_reverse(&reply->tuple, DVP_STAGE_OUT, &request->tuple);
	if (dvp_flow_has(flow, DVP_FLOW_REQUEST_OUT))
		err = flow_insert(dn, request);
	else if (dvp_flow_lookup(dn, &request->tuple))
		err = -EEXIST;
	if (err)
		flow_remove_key(dn, reply);
	return err;
}

/*
 * The middle view has to be unique, or replies could not be told apart: where
 * another frontend leads the same client port to the same backend, move the
 * port.
 */
static int flow_insert_middle(struct dvp_net *dn, struct dvp_flow *flow)
{
	struct dvp_port_iter iter;
	int err;

	err = flow_try_middle(dn, flow);
	if (err != -EEXIST)
		return err;
	dvp_port_start(&iter, dn, DVP_PORT_FOREIGN);
	while (dvp_port_next(&iter, &flow->key[DVP_FLOW_REPLY_OUT].tuple)) {
		err = flow_try_middle(dn, flow);
		if (err != -EEXIST)
			return err;
	}
	return -EADDRINUSE;
}

static void flow_remove_middle(struct dvp_net *dn, struct dvp_flow *flow)
{
	if (dvp_flow_has(flow, DVP_FLOW_REQUEST_OUT))
		flow_remove_key(dn, &flow->key[DVP_FLOW_REQUEST_OUT]);
	flow_remove_key(dn, &flow->key[DVP_FLOW_REPLY_OUT]);
}

/*
 * An endpoint has some ten thousand ports for this node's address, which a flood of
 * forged SYNs takes within seconds: where some tries find none that is free, one is
 * taken from what is left of it.
 */
static int flow_insert_inner(struct dvp_net *dn, struct dvp_flow_key *reply,
			     bool keep_port)
{
	struct dvp_port_iter iter;
	unsigned int tries = 0;
	int err;

	if (keep_port && dvp_port_is_free(dn->net, &reply->tuple)) {
		err = flow_insert(dn, reply);
		if (err != -EEXIST)
			return err;
	}
	dvp_port_start(&iter, dn, DVP_PORT_OWN);
	while (dvp_port_next(&iter, &reply->tuple)) {
		err = flow_insert_over(dn, reply, tries++ >= FLOW_FREE_PORT_TRIES);
		if (err != -EEXIST)
			return err;
	}
	return -EADDRINUSE;
}

/* All keys of a flow that begins at stage IN; the middle as it is in REPLY_OUT to begin with. */
static int flow_insert_keys(struct dvp_net *dn, struct dvp_flow *flow, bool keep_port)
{
	struct dvp_flow_key *reply_in = &flow->key[DVP_FLOW_REPLY_IN];
	int err;

	err = flow_insert_middle(dn, flow);
	if (err)
		return err;
	if (dvp_flow_has(flow, DVP_FLOW_REPLY_IN)) {
		err = flow_insert_inner(dn, reply_in, keep_port);
		if (err)
			goto err_middle;
	}
	err = flow_insert(dn, &flow->key[DVP_FLOW_REQUEST_IN]);
	if (err)
		goto err_inner;
	return 0;

err_inner:
	if (dvp_flow_has(flow, DVP_FLOW_REPLY_IN))
		flow_remove_key(dn, reply_in);
err_middle:
	flow_remove_middle(dn, flow);
	return err;
}

/* The keys of a flow that begins at stage OUT. */
static int flow_insert_outer(struct dvp_net *dn, struct dvp_flow *flow)
{
	int err;

	err = flow_insert_inner(dn, &flow->key[DVP_FLOW_REPLY_IN], false);
	if (err)
		return err;
	err = flow_insert(dn, &flow->key[DVP_FLOW_REQUEST_OUT]);
	if (err)
		flow_remove_key(dn, &flow->key[DVP_FLOW_REPLY_IN]);
	return err;
}

/* A flow that nobody knows yet, its keys empty. */
static struct dvp_flow *flow_alloc(struct dvp_net *dn, enum dvp_flow_kind kind, u8 keys)
{
	struct dvp_flow *flow;
	unsigned int i;

	if (!flow_make_room(dn))
		return ERR_PTR(-ENOSPC);
	flow = kmem_cache_zalloc(flow_cache, GFP_ATOMIC);
	if (!flow)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < DVP_FLOW_KEYS; i++)
		flow->key[i].index = i;
	flow->keys = keys;
	flow->kind = kind;
	flow->masquerade = keys & BIT(DVP_FLOW_REPLY_IN);
	flow->state = DVPNET_FLOW_STATE_NEW;
	/* Found by some of its keys already, it must not be sorted or removed by others. */
	flow->marks = BIT(DVP_FLOW_DEAD);
	INIT_LIST_HEAD(&flow->spare);
	atomic_inc(&dn->flows.count);
	return flow;
}

/* Keys were visible: readers may still look at the flow. */
static void flow_discard(struct dvp_net *dn, struct dvp_flow *flow)
{
	atomic_dec(&dn->flows.count);
	call_rcu(&flow->rcu, flow_free_rcu);
}

/* The flow whose keys were inserted, or, with their @err, the one that was faster. */
static struct dvp_flow_key *flow_settle(struct dvp_net *dn, struct dvp_flow *flow, int err)
{
	struct dvp_flow_key *first = &flow->key[dvp_flow_first(flow)];

	if (err) {
		struct dvp_flow_key *winner;

		/* The flow outlives this, its caller holds RCU. */
		flow_discard(dn, flow);
		if (err != -EEXIST)
			return ERR_PTR(err == -EADDRINUSE ? err : -ENOMEM);
		winner = dvp_flow_lookup(dn, &first->tuple);
		return winner ?: ERR_PTR(-EAGAIN);
	}

	clear_bit(DVP_FLOW_DEAD, &flow->marks);
	flow_sort(&dn->flows, flow);
	dvp_stats_inc(dn, DVP_STAT_FLOW_CREATED);
	return first;
}

/**
 * dvp_flow_create - remember a new connection to a Service
 * @dn: its table
 * @outer: client to frontend, stage IN
 * @backend: where it goes
 * @source: address that the backend has to see, or NULL for the client's own
 * @keep_port: with @source, prefer the client's own port (it is a socket of this host)
 *
 * Context: RCU read side, softirq or process.
 * Return: the key REQUEST_IN of the new flow, or of the one that another CPU
 * created in the meantime; -ENOSPC when the table is full of established flows,
 * -EADDRINUSE when no source port is free, -ENOMEM.
 */
struct dvp_flow_key *dvp_flow_create(struct dvp_net *dn,
				     const struct dvp_tuple *outer,
				     struct dvp_backend *backend,
				     const struct in6_addr *source,
				     bool keep_port)
{
	u8 keys = BIT(DVP_FLOW_REQUEST_IN) | BIT(DVP_FLOW_REPLY_OUT);
	struct dvp_tuple middle = *outer, inner;
	struct dvp_flow *flow;

	if (source)
		keys |= BIT(DVP_FLOW_REQUEST_OUT) | BIT(DVP_FLOW_REPLY_IN);
	flow = flow_alloc(dn, DVP_FLOW_SERVICE, keys);
	if (IS_ERR(flow))
		return ERR_CAST(flow);
	if (!refcount_inc_not_zero(&backend->ref)) {
		flow_discard(dn, flow);
		return ERR_PTR(-EAGAIN);
	}
	flow->backend = backend;

	middle.dst = backend->addr;
	middle.dport = backend->port;
	inner = middle;
	if (source)
		inner.src = *source;
	flow->key[DVP_FLOW_REQUEST_IN].tuple = *outer;
	dvp_tuple_reverse(&middle, DVP_STAGE_OUT, &flow->key[DVP_FLOW_REPLY_OUT].tuple);
	dvp_tuple_reverse(&inner, DVP_STAGE_IN, &flow->key[DVP_FLOW_REPLY_IN].tuple);
	flow->expires = flow_now() + flow_timeout(dn, flow);
	return flow_settle(dn, flow, flow_insert_keys(dn, flow, keep_port));
}

/**
 * dvp_flow_create_egress - remember a connection whose source is translated, and nothing else
 * @dn: its table
 * @middle: client to what it asked for, stage OUT
 * @source: address that the other end has to see
 *
 * Context: RCU read side, softirq or process.
 * Return: the key REQUEST_OUT, else as dvp_flow_create().
 */
struct dvp_flow_key *dvp_flow_create_egress(struct dvp_net *dn,
					    const struct dvp_tuple *middle,
					    const struct in6_addr *source)
{
	struct dvp_tuple inner = *middle;
	struct dvp_flow *flow;

	flow = flow_alloc(dn, DVP_FLOW_EGRESS,
			  BIT(DVP_FLOW_REQUEST_OUT) | BIT(DVP_FLOW_REPLY_IN));
	if (IS_ERR(flow))
		return ERR_CAST(flow);
	inner.src = *source;
	flow->key[DVP_FLOW_REQUEST_OUT].tuple = *middle;
	dvp_tuple_reverse(&inner, DVP_STAGE_IN, &flow->key[DVP_FLOW_REPLY_IN].tuple);
	flow->expires = flow_now() + flow_timeout(dn, flow);
	return flow_settle(dn, flow, flow_insert_outer(dn, flow));
}

/**
 * dvp_flow_create_direct - remember a connection that is not translated
 * @dn: its table
 * @outer: client to what it asked for, stage IN
 *
 * Its client's port is, where another flow's middle view is in the way.
 *
 * Context: RCU read side, softirq or process.
 * Return: the key REQUEST_IN, else as dvp_flow_create().
 */
struct dvp_flow_key *dvp_flow_create_direct(struct dvp_net *dn,
					    const struct dvp_tuple *outer)
{
	struct dvp_flow *flow;

	flow = flow_alloc(dn, DVP_FLOW_DIRECT,
			  BIT(DVP_FLOW_REQUEST_IN) | BIT(DVP_FLOW_REPLY_OUT));
	if (IS_ERR(flow))
		return ERR_CAST(flow);
	flow->key[DVP_FLOW_REQUEST_IN].tuple = *outer;
	dvp_tuple_reverse(outer, DVP_STAGE_OUT, &flow->key[DVP_FLOW_REPLY_OUT].tuple);
	flow->expires = flow_now() + flow_timeout(dn, flow);
	return flow_settle(dn, flow, flow_insert_keys(dn, flow, false));
}

/* Is it there already, just like that? */
static bool flow_is_saved(struct dvp_net *dn, const struct dvp_flow_saved *saved)
{
	const struct dvp_flow_key *key = dvp_flow_lookup(dn, &saved->outer);
	const struct dvp_flow *flow;

	if (!key || key->index != DVP_FLOW_REQUEST_IN)
		return false;
	flow = dvp_flow_of(key);
	return flow->kind == saved->kind && !flow->masquerade &&
	       flow->backend == saved->backend &&
	       flow->key[DVP_FLOW_REPLY_OUT].tuple.dport == saved->port;
}

/**
 * dvp_flow_restore - take over a flow that another node had, as it was there
 * @dn: its table
 * @saved: the flow; its client is not hidden
 *
 * The other end knows the client by its port, so that must be free: here no port
 * is moved out of another flow's way.
 *
 * Context: RCU read side, process.
 * Return: 0, also if it is there already; -EEXIST if its place is another flow's;
 * -ENOSPC, -ENOMEM; -ENOENT if the backend has gone.
 */
int dvp_flow_restore(struct dvp_net *dn, const struct dvp_flow_saved *saved)
{
	struct dvp_tuple middle = saved->outer;
	struct dvp_flow *flow;
	u32 timeout;
	int err;

	if (flow_is_saved(dn, saved))
		return 0;
	flow = flow_alloc(dn, saved->kind,
			  BIT(DVP_FLOW_REQUEST_IN) | BIT(DVP_FLOW_REPLY_OUT));
	if (IS_ERR(flow))
		return PTR_ERR(flow);
	if (saved->backend && !refcount_inc_not_zero(&saved->backend->ref)) {
		flow_discard(dn, flow);
		return -ENOENT;
	}
	flow->backend = saved->backend;
	flow->state = saved->state;
	flow->replied = saved->state != DVPNET_FLOW_STATE_NEW;

	middle.sport = saved->port;
	if (saved->backend) {
		middle.dst = saved->backend->addr;
		middle.dport = saved->backend->port;
	}
	flow->key[DVP_FLOW_REQUEST_IN].tuple = saved->outer;
	dvp_tuple_reverse(&middle, DVP_STAGE_OUT, &flow->key[DVP_FLOW_REPLY_OUT].tuple);
	timeout = flow_timeout(dn, flow);
	if (saved->expires < timeout / HZ)
		timeout = saved->expires * HZ;
	flow->expires = flow_now() + timeout;

	err = flow_try_middle(dn, flow);
	if (!err) {
		err = flow_insert(dn, &flow->key[DVP_FLOW_REQUEST_IN]);
		if (err)
			flow_remove_middle(dn, flow);
	}
	if (err) {
		flow_discard(dn, flow);
		return err == -EEXIST ? err : -ENOMEM;
	}
	flow_settle(dn, flow, 0);
	return 0;
}

static bool flow_collect(struct dvp_net *dn, struct dvp_flow *flow, const void *data)
{
	if (!flow_is_expired(flow) || !dvp_flow_remove(dn, flow))
		return false;
	dvp_stats_inc(dn, DVP_STAT_FLOW_EXPIRED);
	return true;
}

/* Down to the bound, which may be a new one. */
static void flow_shrink(struct dvp_net *dn)
{
	bool evicted;

	do {
		rcu_read_lock();
		evicted = atomic_read(&dn->flows.count) > rcu_dereference(dn->config)->max_flows &&
			  flow_evict(dn);
		rcu_read_unlock();
		cond_resched();
	} while (evicted);
}

static void flow_gc(struct work_struct *work)
{
	struct dvp_net *dn = container_of(work, struct dvp_net, flows.gc.work);

	flow_shrink(dn);
	dvp_flow_visit(dn, flow_collect, NULL);
	queue_delayed_work(system_power_efficient_wq, &dn->flows.gc, FLOW_GC_INTERVAL);
}

/**
 * dvp_flow_collect - remove what is too old or too much, soon
 * @dn: whose; its max-flows may have changed
 */
void dvp_flow_collect(struct dvp_net *dn)
{
	mod_delayed_work(system_power_efficient_wq, &dn->flows.gc, 0);
}

int dvp_flow_init(struct dvp_net *dn)
{
	struct dvp_flow_table *table = &dn->flows;
	int err;

	err = rhashtable_init(&table->keys, &flow_params);
	if (err)
		return err;
	atomic_set(&table->count, 0);
	spin_lock_init(&table->lock);
	INIT_LIST_HEAD(&table->spare);
	INIT_LIST_HEAD(&table->walks);
	INIT_DELAYED_WORK(&table->gc, flow_gc);
	queue_delayed_work(system_power_efficient_wq, &table->gc, FLOW_GC_INTERVAL);
	return 0;
}

/**
 * dvp_flow_exit - remove all flows and the table
 * @dn: whose table; no packet path may run any more
 */
void dvp_flow_exit(struct dvp_net *dn)
{
	const struct dvp_flow_match all = {};

	cancel_delayed_work_sync(&dn->flows.gc);
	dvp_flow_flush(dn, &all);
	dvp_flow_walk_end_all(dn);
	rhashtable_destroy(&dn->flows.keys);
}

int dvp_flow_module_init(void)
{
	flow_cache = KMEM_CACHE(dvp_flow, SLAB_HWCACHE_ALIGN);
	return flow_cache ? 0 : -ENOMEM;
}

/**
 * dvp_flow_module_exit - the last step of module removal
 *
 * The caller has waited for all RCU callbacks (rcu_barrier()).
 */
void dvp_flow_module_exit(void)
{
	kmem_cache_destroy(flow_cache);
}
