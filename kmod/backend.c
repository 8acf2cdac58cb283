// SPDX-License-Identifier: GPL-2.0
/*
 * Backends, and the choice among them.
 *
 * The choice depends on the flow's hash and on the set of backends, on nothing
 * else: no history, no order of events, nothing of this node. So all nodes
 * choose alike, and when the set changes, a flow moves only if its backend
 * went or if it is one of the new backend's fair share.
 *
 * Short lists: rendezvous hashing (Thaler and Ravishankar, 1998), the highest
 * score of flow and backend wins. Long lists: multi-probe consistent hashing
 * (Appleton and O'Reilly, 2015), each backend has points on a ring, the flow
 * has probes, and the backend wins whose point lies nearest behind a probe; the
 * work is some binary searches instead of a score for everyone. The two agree
 * on nothing: when a list grows or shrinks across %DVP_BACKEND_HRW_MAX, new
 * flows choose anew. Established flows do not notice, they keep their backend
 * in the flow table.
 *
 * A weight is so many points of one backend, numbered from 0. So a backend that
 * gets heavier only gains, and one that gets lighter only loses; the others
 * keep their points, and with them all flows that are not part of the change.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "backend.h"

/* More probes make the most loaded backend less so; the paper suggests 21. */
#define PROBES 21

/* As many as a quarter of a gigabyte holds: no list comes near, but for senseless requests. */
#define BACKEND_POINTS_MAX (16U << 20)

/* 2^64 divided by the golden ratio, odd: the step of SplitMix64. */
#define GOLDEN 0x9e3779b97f4a7c15ULL

/* A bijection of which each output bit depends on each input bit: SplitMix64. */
static u64 mix(u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/**
 * dvp_backend_id - what the choice knows a backend by
 * @addr: address, IPv4 as ::ffff:a.b.c.d
 * @port: port, network byte order
 *
 * SipHash-2-4 of address and port as on the wire, under a key that is no
 * secret: this only has to be even and the same everywhere, for ever. What
 * keeps clients from picking their backend is the key of the flow's hash.
 *
 * Return: the id, native byte order.
 */
u64 dvp_backend_id(const struct in6_addr *addr, __be16 port)
{
	static const siphash_key_t key = {
		{ 0x2f74656e7076642fULL, 0x646e656b6361622fULL }
	};
	struct {
		struct in6_addr addr;
		__be16 port;
	} __packed __aligned(SIPHASH_ALIGNMENT) data = {
		.addr = *addr,
		.port = port,
	};

	return siphash(&data, offsetofend(typeof(data), port), &key);
}

/**
 * dvp_backend_alloc - a new backend
 * @addr: address, IPv4 as ::ffff:a.b.c.d
 * @port: port, network byte order
 *
 * Context: may sleep.
 * Return: the backend with one reference, the caller's, or NULL without memory.
 */
struct dvp_backend *dvp_backend_alloc(const struct in6_addr *addr, __be16 port)
{
	struct dvp_backend *backend = kzalloc(sizeof(*backend), GFP_KERNEL_ACCOUNT);

	if (!backend)
		return NULL;
	refcount_set(&backend->ref, 1);
	backend->id = dvp_backend_id(addr, port);
	backend->addr = *addr;
	backend->port = port;
	return backend;
}

/**
 * dvp_backend_put - drop a reference
 * @backend: the backend, freed with the last reference after a grace period
 *
 * Context: any.
 */
void dvp_backend_put(struct dvp_backend *backend)
{
	if (refcount_dec_and_test(&backend->ref))
		kfree_rcu(backend, rcu);
}

static int compare_points(const void *a, const void *b)
{
	const struct dvp_backend_point *left = a, *right = b;

	if (left->at != right->at)
		return left->at < right->at ? -1 : 1;
	if (left->backend->id != right->backend->id)
		return left->backend->id < right->backend->id ? -1 : 1;
	return 0;
}

/**
 * dvp_backend_list_make - a list to choose from
 * @shares: the backends with their weights, in any order, each once; copied
 * @count: how many; 0 makes a valid list from which nothing is chosen
 *
 * Context: may sleep.
 * Return: the list, for dvp_backend_list_free(), or NULL without memory for it.
 */
struct dvp_backend_list *dvp_backend_list_make(const struct dvp_backend_share *shares,
					       u32 count)
{
	struct dvp_backend_point *point;
	struct dvp_backend_list *list;
	u32 i, j, each = 1;
	size_t size;
	u64 points = 0;

	for (i = 0; i < count; i++)
		points += shares[i].weight;
	if (points > DVP_BACKEND_HRW_MAX)
		each = DVP_BACKEND_RING_POINTS;
	points *= each;
	if (points > BACKEND_POINTS_MAX)
		return NULL;
	size = struct_size(list, point, points);
	list = kvmalloc(size_add(size, array_size(count, sizeof(*shares))),
			GFP_KERNEL_ACCOUNT);
	if (!list)
		return NULL;
	list->count = count;
	list->points = points;
	list->is_ring = each > 1;
	list->share = (void *)list + size;
	memcpy(list->share, shares, count * sizeof(*shares));
	point = list->point;
	for (i = 0; i < count; i++) {
		for (j = 0; j < each * shares[i].weight; j++, point++) {
			point->at = mix(shares[i].backend->id + j * GOLDEN);
			point->backend = shares[i].backend;
		}
	}
	sort(list->point, points, sizeof(*list->point), compare_points, NULL);
	return list;
}

/**
 * dvp_backend_list_free - free a list; the backends are not touched
 * @list: the list, or NULL; no reader may have it any more
 *
 * Context: process or softirq, so an RCU callback will do.
 */
void dvp_backend_list_free(struct dvp_backend_list *list)
{
	kvfree(list);
}

static struct dvp_backend *choose_by_score(const struct dvp_backend_list *list,
					   u64 hash)
{
	struct dvp_backend *best = NULL;
	u64 score, best_score = 0;
	u32 i;

	/* In their order, so that the lowest wins a tie. */
	for (i = 0; i < list->points; i++) {
		score = mix(hash ^ list->point[i].at);
		if (!best || score > best_score) {
			best = list->point[i].backend;
			best_score = score;
		}
	}
	return best;
}

/* The first point at or behind @probe, round the ring. */
static const struct dvp_backend_point *
point_behind(const struct dvp_backend_list *list, u64 probe)
{
	u32 low = 0, high = list->points, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (list->point[middle].at < probe)
			low = middle + 1;
		else
			high = middle;
	}
	return &list->point[low < list->points ? low : 0];
}

static struct dvp_backend *choose_by_probes(const struct dvp_backend_list *list,
					    u64 hash)
{
	const struct dvp_backend_point *point;
	struct dvp_backend *best = NULL;
	u64 probe, distance, nearest = 0;
	int i;

	for (i = 1; i <= PROBES; i++) {
		probe = mix(hash + i * GOLDEN);
		point = point_behind(list, probe);
		distance = point->at - probe;	/* modulo 2^64 */
		if (!best || distance < nearest) {
			best = point->backend;
			nearest = distance;
		}
	}
	return best;
}

/**
 * dvp_backend_choose - the backend of a flow
 * @list: the list
 * @hash: hash of the flow under the cluster's secret, the same on every node
 *
 * Context: any; the list must stay.
 * Return: the backend, not referenced, or NULL if the list is empty.
 */
struct dvp_backend *dvp_backend_choose(const struct dvp_backend_list *list,
				       u64 hash)
{
	return list->is_ring ? choose_by_probes(list, hash) : choose_by_score(list, hash);
}

/**
 * dvp_backend_choose_random - any backend, by weight
 * @list: the list
 *
 * Context: any; the list must stay.
 * Return: as dvp_backend_choose().
 */
struct dvp_backend *dvp_backend_choose_random(const struct dvp_backend_list *list)
{
	if (!list->points)
		return NULL;
	return list->point[get_random_u32_below(list->points)].backend;
}

/* Which would have fewer flows for its weight with one more? */
static const struct dvp_backend_share *idler(const struct dvp_backend_share *one,
					     const struct dvp_backend_share *other)
{
	u64 flows = dvp_backend_flows(one->backend) + 1ULL;
	u64 other_flows = dvp_backend_flows(other->backend) + 1ULL;

	return other_flows * one->weight < flows * other->weight ? other : one;
}

/**
 * dvp_backend_choose_idle - the backend with the fewest flows for its weight
 * @list: the list
 *
 * In a long list the better of two random ones, which is nearly as good
 * (Mitzenmacher, 2001) and bounds the work.
 *
 * Context: any; the list must stay.
 * Return: as dvp_backend_choose().
 */
struct dvp_backend *dvp_backend_choose_idle(const struct dvp_backend_list *list)
{
	const struct dvp_backend_share *best;
	u32 start, i;

	if (!list->count)
		return NULL;
	/* From anywhere on, so that those that are equal get equally much. */
	start = get_random_u32_below(list->count);
	best = &list->share[start];
	if (list->count > DVP_BACKEND_SCAN_MAX)
		return idler(best, &list->share[get_random_u32_below(list->count)])->backend;
	for (i = 1; i < list->count; i++)
		best = idler(best, &list->share[(start + i) % list->count]);
	return best->backend;
}
