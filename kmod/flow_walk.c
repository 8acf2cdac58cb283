// SPDX-License-Identifier: GPL-2.0
/* All flows, one after the other: walks that may pause, and what is done by them. */
#include <linux/mutex.h>
#include <linux/sched.h>

#include "flow.h"
#include "netns.h"
#include "service.h"

/* Protects the lists of walks; walks are rare and slow. */
static DEFINE_MUTEX(flow_walks_lock);

/**
 * dvp_flow_walk_begin - begin to walk over all flows
 * @dn: whose
 * @walk: the walk; nothing is locked until dvp_flow_walk_resume()
 *
 * Context: process. The walk sees each flow that stays at least once.
 */
void dvp_flow_walk_begin(struct dvp_net *dn, struct dvp_flow_walk *walk)
{
	rhashtable_walk_enter(&dn->flows.keys, &walk->iter);
	mutex_lock(&flow_walks_lock);
	walk->open = true;
	list_add(&walk->list, &dn->flows.walks);
	mutex_unlock(&flow_walks_lock);
}

static struct dvp_flow *flow_walk_settle(struct dvp_flow_walk *walk,
					 struct dvp_flow_key *key)
{
	/* Each flow is taken by one of its keys; -EAGAIN tells of a resize. */
	while (IS_ERR(key) || (key && key->index != dvp_flow_first(dvp_flow_of(key))))
		key = rhashtable_walk_next(&walk->iter);
	return key ? dvp_flow_of(key) : NULL;
}

/**
 * dvp_flow_walk_resume - go on with a walk
 * @walk: the walk
 *
 * Return: the flow at which dvp_flow_walk_pause() was called, or, if it has
 * gone, the next one; NULL at the end. RCU is held until the pause.
 */
struct dvp_flow *dvp_flow_walk_resume(struct dvp_flow_walk *walk)
	__acquires(RCU)
{
	rhashtable_walk_start(&walk->iter);
	return flow_walk_settle(walk, rhashtable_walk_peek(&walk->iter));
}

/**
 * dvp_flow_walk_next - the next flow
 * @walk: the walk, resumed
 */
struct dvp_flow *dvp_flow_walk_next(struct dvp_flow_walk *walk)
{
	return flow_walk_settle(walk, rhashtable_walk_next(&walk->iter));
}

/**
 * dvp_flow_walk_pause - let go of RCU
 * @walk: the walk, resumed
 */
void dvp_flow_walk_pause(struct dvp_flow_walk *walk)
	__releases(RCU)
{
	rhashtable_walk_stop(&walk->iter);
}

static void flow_walk_close(struct dvp_flow_walk *walk)
{
	list_del(&walk->list);
	rhashtable_walk_exit(&walk->iter);
	walk->open = false;
}

/**
 * dvp_flow_walk_end - end a walk, unless the table's end has done so
 * @walk: the walk, paused
 */
void dvp_flow_walk_end(struct dvp_flow_walk *walk)
{
	mutex_lock(&flow_walks_lock);
	if (walk->open)
		flow_walk_close(walk);
	mutex_unlock(&flow_walks_lock);
}

/**
 * dvp_flow_walk_end_all - the table ends, and all walks with it
 * @dn: whose table
 */
void dvp_flow_walk_end_all(struct dvp_net *dn)
{
	struct dvp_flow_walk *walk, *next;

	/* All at once: a socket that closes ends its own walk meanwhile, and frees it. */
	mutex_lock(&flow_walks_lock);
	list_for_each_entry_safe(walk, next, &dn->flows.walks, list)
		flow_walk_close(walk);
	mutex_unlock(&flow_walks_lock);
}

/**
 * dvp_flow_visit - do something with each flow
 * @dn: whose
 * @visit: called under RCU for each flow; returns whether it counts
 * @data: for @visit
 *
 * Context: process.
 * Return: how many count.
 */
u32 dvp_flow_visit(struct dvp_net *dn, dvp_flow_visit_fn *visit, const void *data)
{
	struct dvp_flow_walk walk;
	struct dvp_flow *flow;
	unsigned int batch = 0;
	u32 hits = 0;

	dvp_flow_walk_begin(dn, &walk);
	flow = dvp_flow_walk_resume(&walk);
	while (flow) {
		hits += visit(dn, flow, data);
		flow = dvp_flow_walk_next(&walk);
		if (++batch % 256)
			continue;
		dvp_flow_walk_pause(&walk);
		cond_resched();
		flow = dvp_flow_walk_resume(&walk);
	}
	dvp_flow_walk_pause(&walk);
	dvp_flow_walk_end(&walk);
	return hits;
}

static bool flow_matches(struct dvp_net *dn, const struct dvp_flow *flow,
			 const struct dvp_flow_match *match)
{
	const struct dvp_tuple *outer = dvp_flow_outer(flow);
	const struct dvp_tuple *answer = dvp_flow_answer(flow);
	const struct dvp_service *service;

	if (match->outer.proto && match->outer.proto != outer->proto)
		return false;
	if (!ipv6_addr_any(&match->outer.src) &&
	    !ipv6_addr_equal(&match->outer.src, &outer->src))
		return false;
	if (match->outer.sport && match->outer.sport != outer->sport)
		return false;
	if (!ipv6_addr_any(&match->outer.dst) &&
	    !ipv6_addr_equal(&match->outer.dst, &outer->dst))
		return false;
	if (match->outer.dport && match->outer.dport != outer->dport)
		return false;
	if (!ipv6_addr_any(&match->backend) &&
	    !ipv6_addr_equal(&match->backend, &answer->src))
		return false;
	if (match->backend_port && match->backend_port != answer->sport)
		return false;
	if (!match->service)
		return true;
	if (flow->kind != DVP_FLOW_SERVICE)
		return false;
	service = dvp_service_by_frontend(dn, outer);
	return service && !strcmp(service->name, match->service);
}

static bool flow_flush_one(struct dvp_net *dn, struct dvp_flow *flow, const void *data)
{
	if (!flow_matches(dn, flow, data) || !dvp_flow_remove(dn, flow))
		return false;
	dvp_stats_inc(dn, DVP_STAT_FLOW_FLUSHED);
	return true;
}

/**
 * dvp_flow_flush - remove flows
 * @dn: their table
 * @match: which
 *
 * Context: process.
 * Return: how many were removed.
 */
u32 dvp_flow_flush(struct dvp_net *dn, const struct dvp_flow_match *match)
{
	return dvp_flow_visit(dn, flow_flush_one, match);
}
