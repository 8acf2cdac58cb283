// SPDX-License-Identifier: GPL-2.0
/* The choice of a backend: against plain definitions, and what it promises. */
#include <kunit/test.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <net/ipv6.h>

#include "../backend.c"

#define SEED 20240301
#define MAX_BACKENDS 5000

/* Both kinds of list, and both sides of the border between them. */
static const u32 counts[] = { 1, 2, 10, 32, 33, 100, 256, 257, 1000, 5000 };

/**
 * struct backend_fixture - backends to make lists of
 * @rnd: where everything random comes from
 * @all: the backends
 * @order: pointers to them, as shuffled
 * @weight: their weights, as in @all
 * @hits: how often each was chosen, as in @all
 * @share: what a list is made of
 */
struct backend_fixture {
	struct rnd_state rnd;
	struct dvp_backend all[MAX_BACKENDS];
	struct dvp_backend *order[MAX_BACKENDS];
	u32 weight[MAX_BACKENDS];
	u32 hits[MAX_BACKENDS];
	struct dvp_backend_share share[MAX_BACKENDS];
};

static u64 random_u64(struct backend_fixture *fixture)
{
	u64 high = prandom_u32_state(&fixture->rnd);

	return high << 32 | prandom_u32_state(&fixture->rnd);
}

static int backend_test_init(struct kunit *test)
{
	struct backend_fixture *fixture;
	u32 i;

	fixture = kvzalloc(sizeof(*fixture), GFP_KERNEL);
	if (!fixture)
		return -ENOMEM;
	test->priv = fixture;
	prandom_seed_state(&fixture->rnd, SEED);
	kunit_info(test, "seed %u\n", SEED);

	/* As a cluster hands out addresses: one after the other. */
	for (i = 0; i < MAX_BACKENDS; i++) {
		struct dvp_backend *backend = &fixture->all[i];

		ipv6_addr_set_v4mapped(htonl(0x0a6f0002 + i), &backend->addr);
		backend->port = htons(8080);
		backend->id = dvp_backend_id(&backend->addr, backend->port);
		refcount_set(&backend->ref, 1);
		fixture->order[i] = backend;
		fixture->weight[i] = 1;
	}
	return 0;
}

static void backend_test_exit(struct kunit *test)
{
	kvfree(test->priv);
}

/* Random order, and at random which ones come first. */
static void shuffle(struct backend_fixture *fixture)
{
	u32 i, other;

	for (i = MAX_BACKENDS - 1; i; i--) {
		other = prandom_u32_state(&fixture->rnd) % (i + 1);
		swap(fixture->order[i], fixture->order[other]);
	}
}

static u32 weight_of(const struct backend_fixture *fixture,
		     const struct dvp_backend *backend)
{
	return fixture->weight[backend - fixture->all];
}

/* A list of those that come first. */
static struct dvp_backend_list *make_list(struct backend_fixture *fixture, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		fixture->share[i].backend = fixture->order[i];
		fixture->share[i].weight = weight_of(fixture, fixture->order[i]);
	}
	return dvp_backend_list_make(fixture->share, count);
}

/* SplitMix64 as its author wrote it. */
static u64 naive_mix(u64 z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static struct dvp_backend *naive_choose(const struct backend_fixture *fixture,
					u32 count, u64 hash)
{
	const u64 golden = 0x9e3779b97f4a7c15ULL;
	struct dvp_backend *backend, *best = NULL;
	u64 least = 0, point, value;
	u32 i, j, probe, sum = 0;
	bool ring;

	for (i = 0; i < count; i++)
		sum += weight_of(fixture, fixture->order[i]);
	ring = sum > DVP_BACKEND_HRW_MAX;
	for (i = 0; i < count; i++) {
		backend = fixture->order[i];
		for (j = 0; j < weight_of(fixture, backend) *
				(ring ? DVP_BACKEND_RING_POINTS : 1); j++) {
			point = naive_mix(backend->id + j * golden);
			for (probe = 1; probe <= (ring ? 21 : 1); probe++) {
				value = ring ? point - naive_mix(hash + probe * golden) :
					       ~naive_mix(hash ^ point);
				if (!best || value < least) {
					best = backend;
					least = value;
				}
			}
		}
	}
	return best;
}

/* The ids are part of the contract between nodes: they must never change. */
static void backend_id_is_fixed(struct kunit *test)
{
	/* fd00:10:111::5 */
	static const struct in6_addr v6 = {
		.s6_addr = { 0xfd, 0, 0, 0x10, 1, 0x11, [15] = 5 }
	};
	struct in6_addr v4;

	ipv6_addr_set_v4mapped(htonl(0x0a6f0005), &v4);
	/* SipHash-2-4 by another implementation. */
	KUNIT_EXPECT_EQ(test, dvp_backend_id(&v4, htons(8080)),
			0x3afbea75e8014770ULL);
	KUNIT_EXPECT_EQ(test, dvp_backend_id(&v6, htons(53)),
			0xc22b2e3934be54a0ULL);
}

static void backend_empty_list(struct kunit *test)
{
	struct dvp_backend_list *list = dvp_backend_list_make(NULL, 0);

	KUNIT_ASSERT_NOT_NULL(test, list);
	KUNIT_EXPECT_EQ(test, list->count, 0);
	KUNIT_EXPECT_NULL(test, dvp_backend_choose(list, 0));
	KUNIT_EXPECT_NULL(test, dvp_backend_choose(list, U64_MAX));
	KUNIT_EXPECT_NULL(test, dvp_backend_choose_random(list));
	KUNIT_EXPECT_NULL(test, dvp_backend_choose_idle(list));
	dvp_backend_list_free(list);
}

static void backend_matches_naive(struct kunit *test)
{
	struct backend_fixture *fixture = test->priv;
	struct dvp_backend_list *list;
	u32 i, key, keys;
	u64 hash;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		shuffle(fixture);
		list = make_list(fixture, counts[i]);
		KUNIT_ASSERT_NOT_NULL(test, list);
		KUNIT_EXPECT_EQ(test, list->count, counts[i]);
		keys = min(2000u, 200000 / counts[i]);
		for (key = 0; key < keys; key++) {
			hash = random_u64(fixture);
			KUNIT_ASSERT_PTR_EQ(test,
					    dvp_backend_choose(list, hash),
					    naive_choose(fixture, counts[i], hash));
		}
		dvp_backend_list_free(list);
		cond_resched();
	}
}

static void backend_order_does_not_matter(struct kunit *test)
{
	struct backend_fixture *fixture = test->priv;
	struct dvp_backend_list *list, *other;
	u32 i, j, key;
	u64 hash;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		list = make_list(fixture, counts[i]);
		for (j = 0; j < counts[i] / 2; j++)
			swap(fixture->order[j],
			     fixture->order[counts[i] - 1 - j]);
		other = make_list(fixture, counts[i]);
		KUNIT_ASSERT_TRUE(test, list && other);
		for (key = 0; key < 1000; key++) {
			hash = random_u64(fixture);
			KUNIT_ASSERT_PTR_EQ(test,
					    dvp_backend_choose(list, hash),
					    dvp_backend_choose(other, hash));
		}
		dvp_backend_list_free(list);
		dvp_backend_list_free(other);
	}
}

/* The binary search, at and behind every point, the last one included. */
static void backend_ring_closes(struct kunit *test)
{
	struct backend_fixture *fixture = test->priv;
	const struct dvp_backend_point *next;
	struct dvp_backend_list *list;
	u32 i;

	list = make_list(fixture, DVP_BACKEND_HRW_MAX + 1);
	KUNIT_ASSERT_NOT_NULL(test, list);
	KUNIT_ASSERT_EQ(test, list->points,
			(DVP_BACKEND_HRW_MAX + 1) * DVP_BACKEND_RING_POINTS);
	for (i = 0; i < list->points; i++) {
		next = &list->point[(i + 1) % list->points];
		KUNIT_EXPECT_PTR_EQ(test, &list->point[i],
				    point_behind(list, list->point[i].at));
		KUNIT_EXPECT_PTR_EQ(test, next,
				    point_behind(list, list->point[i].at + 1));
	}
	KUNIT_EXPECT_PTR_EQ(test, &list->point[0], point_behind(list, 0));
	KUNIT_EXPECT_PTR_EQ(test, &list->point[0], point_behind(list, U64_MAX));
	dvp_backend_list_free(list);
}

/* Count how often each backend is chosen for @each keys a backend. */
static void count_hits(struct kunit *test, u32 count, u32 each)
{
	struct backend_fixture *fixture = test->priv;
	struct dvp_backend_list *list;
	u32 key;

	shuffle(fixture);
	list = make_list(fixture, count);
	KUNIT_ASSERT_NOT_NULL(test, list);
	memset(fixture->hits, 0, sizeof(fixture->hits));
	for (key = 0; key < count * each; key++)
		fixture->hits[dvp_backend_choose(list, random_u64(fixture)) -
			      fixture->all]++;
	dvp_backend_list_free(list);
	cond_resched();
}

/* Scores share out evenly: chi squared has mean df and variance 2 df. */
static void backend_scores_spread_evenly(struct kunit *test)
{
	static const u32 spread_counts[] = { 2, 10, 32, 33, 100, 256 };
	struct backend_fixture *fixture = test->priv;
	const u32 each = 1000;
	u32 i, j, count;
	s64 off, excess;

	for (i = 0; i < ARRAY_SIZE(spread_counts); i++) {
		count = spread_counts[i];
		count_hits(test, count, each);
		excess = 0;
		for (j = 0; j < count; j++) {
			off = (s64)fixture->hits[fixture->order[j] -
						 fixture->all] - each;
			excess += off * off;
		}
		excess = abs(div_s64(excess, each) - (count - 1));
		KUNIT_EXPECT_LE_MSG(test, excess * excess,
				    4 * 4 * 2 * (s64)(count - 1),
				    "%u backends: chi squared is off by more than 4 sigma",
				    count);
	}
}

/* The ring's shares depend on where points lie, but nobody starves or drowns. */
static void backend_ring_spreads_fairly(struct kunit *test)
{
	static const u32 spread_counts[] = { 257, 1000 };
	struct backend_fixture *fixture = test->priv;
	const u32 each = 400;
	u32 i, j, hits;

	for (i = 0; i < ARRAY_SIZE(spread_counts); i++) {
		count_hits(test, spread_counts[i], each);
		for (j = 0; j < spread_counts[i]; j++) {
			hits = fixture->hits[fixture->order[j] - fixture->all];
			KUNIT_ASSERT_GT(test, hits, each / 2);
			KUNIT_ASSERT_LT(test, hits, each * 3 / 2);
		}
	}
}

/*
 * Removing a backend moves the flows of no other, and its own do not all go to
 * the same. Read backwards: an added one takes its share and no more.
 */
static void backend_removal_spares_others(struct kunit *test)
{
	static const u32 removal_counts[] = { 2, 10, 32, 33, 100, 256, 1000, 5000 };
	struct backend_fixture *fixture = test->priv;
	struct dvp_backend *before, *after, *heir;
	struct dvp_backend_list *list, *without;
	u32 i, key, moved, heirs;
	u64 hash;

	for (i = 0; i < ARRAY_SIZE(removal_counts); i++) {
		u32 count = removal_counts[i];

		shuffle(fixture);
		list = make_list(fixture, count);
		without = make_list(fixture, count - 1);
		KUNIT_ASSERT_TRUE(test, list && without);
		moved = 0;
		heirs = 0;
		heir = NULL;
		for (key = 0; key < 100 * min(count, 1000u); key++) {
			hash = random_u64(fixture);
			before = dvp_backend_choose(list, hash);
			after = dvp_backend_choose(without, hash);
			if (before != fixture->order[count - 1]) {
				KUNIT_ASSERT_PTR_EQ(test, before, after);
				continue;
			}
			moved++;
			if (after != heir)
				heirs++;
			heir = after;
		}
		KUNIT_EXPECT_GT(test, moved, 0);
		if (count > 2)
			KUNIT_EXPECT_GT(test, heirs, 1);
		dvp_backend_list_free(list);
		dvp_backend_list_free(without);
		cond_resched();
	}
}

/* Weights from 1 to 100, the first one @first. */
static void set_weights(struct backend_fixture *fixture, u32 first)
{
	u32 i;

	for (i = 0; i < MAX_BACKENDS; i++)
		fixture->weight[i] = 1 + prandom_u32_state(&fixture->rnd) % 100;
	fixture->weight[fixture->order[0] - fixture->all] = first;
}

static void backend_weights_match_naive(struct kunit *test)
{
	static const u32 weighed_counts[] = { 1, 2, 4, 20 };
	struct backend_fixture *fixture = test->priv;
	struct dvp_backend_list *list;
	u32 i, key;
	u64 hash;

	for (i = 0; i < ARRAY_SIZE(weighed_counts); i++) {
		shuffle(fixture);
		set_weights(fixture, 1);
		list = make_list(fixture, weighed_counts[i]);
		KUNIT_ASSERT_NOT_NULL(test, list);
		for (key = 0; key < 200; key++) {
			hash = random_u64(fixture);
			KUNIT_ASSERT_PTR_EQ(test, dvp_backend_choose(list, hash),
					    naive_choose(fixture, weighed_counts[i], hash));
		}
		dvp_backend_list_free(list);
		cond_resched();
	}
}

/* Each backend's hits must be its share of @keys, within @percent of it. */
static void expect_shares(struct kunit *test, u32 count, u32 keys, u32 percent)
{
	struct backend_fixture *fixture = test->priv;
	u32 i, sum = 0, share, hits;

	for (i = 0; i < count; i++)
		sum += weight_of(fixture, fixture->order[i]);
	for (i = 0; i < count; i++) {
		share = (u64)keys * weight_of(fixture, fixture->order[i]) / sum;
		hits = fixture->hits[fixture->order[i] - fixture->all];
		KUNIT_EXPECT_LE_MSG(test, abs((s32)(hits - share)) * 100, share * percent,
				    "backend %u of %u, weight %u: %u hits instead of %u", i,
				    count, weight_of(fixture, fixture->order[i]), hits, share);
	}
}

/* Connections are shared out by weight, whether by scores, on the ring, or by chance. */
static void backend_weights_share_out(struct kunit *test)
{
	static const u32 weights[][4] = {
		{ 1, 1, 1, 1 }, { 1, 2, 3, 4 }, { 10, 20, 30, 40 }, { 10, 100, 40, 100 },
		{ 50, 100, 100, 100 },
	};
	struct backend_fixture *fixture = test->priv;
	const u32 keys = 200000;
	struct dvp_backend_list *list;
	u32 i, j, key;

	for (i = 0; i < ARRAY_SIZE(weights); i++) {
		for (j = 0; j < 4; j++)
			fixture->weight[j] = weights[i][j];
		list = make_list(fixture, 4);
		KUNIT_ASSERT_NOT_NULL(test, list);
		memset(fixture->hits, 0, sizeof(fixture->hits));
		for (key = 0; key < keys; key++)
			fixture->hits[dvp_backend_choose(list, random_u64(fixture)) -
				      fixture->all]++;
		expect_shares(test, 4, keys, list->is_ring ? 12 : 4);
		memset(fixture->hits, 0, sizeof(fixture->hits));
		for (key = 0; key < keys; key++)
			fixture->hits[dvp_backend_choose_random(list) - fixture->all]++;
		expect_shares(test, 4, keys, 4);
		dvp_backend_list_free(list);
		cond_resched();
	}
}

/* Who gets heavier takes from the others, and nobody else gains; read backwards, the opposite. */
static void backend_weight_change_spares_others(struct kunit *test)
{
	static const struct {
		u32 count, before, after;
	} change[] = {
		{ 2, 1, 2 }, { 3, 1, 100 }, { 4, 7, 8 }, { 100, 1, 2 }, { 100, 50, 100 },
	};
	struct backend_fixture *fixture = test->priv;
	struct dvp_backend_list *list, *heavier;
	struct dvp_backend *before, *after;
	u32 i, key, moved;
	u64 hash;

	for (i = 0; i < ARRAY_SIZE(change); i++) {
		shuffle(fixture);
		/* On one side of the border between the two kinds of list. */
		if (change[i].count > 10)
			set_weights(fixture, change[i].before);
		else
			fixture->weight[fixture->order[0] - fixture->all] = change[i].before;
		list = make_list(fixture, change[i].count);
		fixture->weight[fixture->order[0] - fixture->all] = change[i].after;
		heavier = make_list(fixture, change[i].count);
		KUNIT_ASSERT_TRUE(test, list && heavier);
		KUNIT_ASSERT_EQ(test, list->is_ring, heavier->is_ring);
		moved = 0;
		for (key = 0; key < 20000; key++) {
			hash = random_u64(fixture);
			before = dvp_backend_choose(list, hash);
			after = dvp_backend_choose(heavier, hash);
			if (before == after)
				continue;
			KUNIT_ASSERT_PTR_EQ(test, after, fixture->order[0]);
			moved++;
		}
		KUNIT_EXPECT_GT(test, moved, 0);
		dvp_backend_list_free(list);
		dvp_backend_list_free(heavier);
		for (key = 0; key < MAX_BACKENDS; key++)
			fixture->weight[key] = 1;
		cond_resched();
	}
}

/* Each new flow goes where there are the fewest for the weight. */
static void backend_idlest_is_chosen(struct kunit *test)
{
	struct backend_fixture *fixture = test->priv;
	struct dvp_backend_list *list;
	u32 i, sum = 0;

	for (i = 0; i < 10; i++) {
		fixture->weight[i] = i + 1;
		sum += i + 1;
	}
	list = make_list(fixture, 10);
	KUNIT_ASSERT_NOT_NULL(test, list);
	for (i = 0; i < 20 * sum; i++)
		dvp_backend_get(dvp_backend_choose_idle(list));
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, dvp_backend_flows(&fixture->all[i]), 20 * (i + 1));
	dvp_backend_list_free(list);
}

/* In a long list they end up nearly alike. */
static void backend_idle_levels_long_lists(struct kunit *test)
{
	const u32 count = DVP_BACKEND_SCAN_MAX + 100, each = 50;
	struct backend_fixture *fixture = test->priv;
	struct dvp_backend_list *list;
	u32 i, flows;

	list = make_list(fixture, count);
	KUNIT_ASSERT_NOT_NULL(test, list);
	for (i = 0; i < count * each; i++)
		dvp_backend_get(dvp_backend_choose_idle(list));
	for (i = 0; i < count; i++) {
		flows = dvp_backend_flows(fixture->order[i]);
		KUNIT_EXPECT_GT(test, flows, each - 10);
		KUNIT_EXPECT_LT(test, flows, each + 10);
	}
	dvp_backend_list_free(list);
}

static void backend_lives_as_long_as_referenced(struct kunit *test)
{
	struct dvp_backend *backend;
	struct in6_addr addr;

	ipv6_addr_set_v4mapped(htonl(0x0a6f0005), &addr);
	backend = dvp_backend_alloc(&addr, htons(8080));
	KUNIT_ASSERT_NOT_NULL(test, backend);
	KUNIT_EXPECT_TRUE(test, ipv6_addr_equal(&backend->addr, &addr));
	KUNIT_EXPECT_TRUE(test, backend->port == htons(8080));
	KUNIT_EXPECT_EQ(test, backend->id, dvp_backend_id(&addr, htons(8080)));
	KUNIT_EXPECT_FALSE(test, backend->gone);

	dvp_backend_get(backend);
	dvp_backend_put(backend);
	KUNIT_EXPECT_EQ(test, refcount_read(&backend->ref), 1);
	rcu_read_lock();
	dvp_backend_put(backend);
	/* The last reference is gone, yet a reader may still look. */
	KUNIT_EXPECT_TRUE(test, backend->port == htons(8080));
	rcu_read_unlock();
}

static struct kunit_case backend_cases[] = {
	KUNIT_CASE(backend_id_is_fixed),
	KUNIT_CASE(backend_lives_as_long_as_referenced),
	KUNIT_CASE(backend_empty_list),
	KUNIT_CASE(backend_matches_naive),
	KUNIT_CASE(backend_ring_closes),
	KUNIT_CASE(backend_order_does_not_matter),
	KUNIT_CASE(backend_scores_spread_evenly),
	KUNIT_CASE(backend_ring_spreads_fairly),
	KUNIT_CASE(backend_removal_spares_others),
	KUNIT_CASE(backend_weights_match_naive),
	KUNIT_CASE(backend_weights_share_out),
	KUNIT_CASE(backend_weight_change_spares_others),
	KUNIT_CASE(backend_idlest_is_chosen),
	KUNIT_CASE(backend_idle_levels_long_lists),
	{}
};

static struct kunit_suite backend_suite = {
	.name = "dvpnet_backend",
	.init = backend_test_init,
	.exit = backend_test_exit,
	.test_cases = backend_cases,
};

kunit_test_suite(backend_suite);
