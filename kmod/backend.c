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
 * (Appleton and O'Reilly, 2015), each backend is one point on a ring, the
 * flow has several probes, and the backend wins that lies nearest behind a
 * probe; the work is some binary searches instead of a score for everyone.
 * The two agree on nothing: a list that grows or shrinks across
 * %DVP_BACKEND_HRW_MAX has nearly all its new flows choose anew. Established
 * flows do not notice, they keep their backend in the flow table.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "backend.h"

/*
 * With 21 probes the most loaded backend gets about 5 % more than the mean
 * (Appleton and O'Reilly, section 4).
 */
#define PROBES 21

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
	struct dvp_backend *backend = kzalloc(sizeof(*backend), GFP_KERNEL);

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

static int compare_ids(const void *a, const void *b)
{
	const struct dvp_backend *const *left = a, *const *right = b;

	if ((*left)->id == (*right)->id)
		return 0;
	return (*left)->id < (*right)->id ? -1 : 1;
}

/**
 * dvp_backend_list_make - a list to choose from
 * @backends: the backends, in any order, each once; the array is copied
 * @count: how many; 0 makes a valid list from which nothing is chosen
 *
 * Context: may sleep.
 * Return: the list, for dvp_backend_list_free(), or NULL without memory.
 */
struct dvp_backend_list *dvp_backend_list_make(struct dvp_backend **backends,
					       u32 count)
{
	struct dvp_backend_list *list;
	size_t size, points_at;
	u32 i;

	size = struct_size(list, backend, count);
	points_at = ALIGN(size, sizeof(u64));
	if (count > DVP_BACKEND_HRW_MAX)
		size = size_add(points_at, array_size(count, sizeof(u64)));

	list = kvmalloc(size, GFP_KERNEL);
	if (!list)
		return NULL;
	list->count = count;
	list->points = NULL;
	memcpy(list->backend, backends, array_size(count, sizeof(*backends)));
	sort(list->backend, count, sizeof(*list->backend), compare_ids, NULL);

	if (count > DVP_BACKEND_HRW_MAX) {
		list->points = (void *)list + points_at;
		for (i = 0; i < count; i++)
			list->points[i] = list->backend[i]->id;
	}
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

	/* In the order of ids, so that the lowest id wins a tie. */
	for (i = 0; i < list->count; i++) {
		score = mix(hash ^ list->backend[i]->id);
		if (!best || score > best_score) {
			best = list->backend[i];
			best_score = score;
		}
	}
	return best;
}

/* Index of the first point at or behind @probe, round the ring. */
static u32 point_behind(const struct dvp_backend_list *list, u64 probe)
{
	u32 low = 0, high = list->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (list->points[middle] < probe)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->count ? low : 0;
}

static struct dvp_backend *choose_by_probes(const struct dvp_backend_list *list,
					    u64 hash)
{
	u64 probe, distance, best_distance = U64_MAX;
	u32 at, best = 0;
	int i;

	for (i = 1; i <= PROBES; i++) {
		probe = mix(hash + i * GOLDEN);
		at = point_behind(list, probe);
		distance = list->points[at] - probe;	/* modulo 2^64 */
		if (distance < best_distance) {
			best = at;
			best_distance = distance;
		}
	}
	return list->backend[best];
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
	return list->points ? choose_by_probes(list, hash) :
			      choose_by_score(list, hash);
}
