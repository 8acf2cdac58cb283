// SPDX-License-Identifier: GPL-2.0
/* The trie against a plain list of prefixes. */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sort.h>

#include "../prefix.c"

#define SEED 20240229
#define ROUNDS 21000
#define MAX_PREFIXES 300
#define NODES 7

struct dvp_node {
	u8 unused;
};

static struct dvp_node nodes[NODES];

struct naive_prefix {
	struct in6_addr addr;
	u8 len;
	struct dvp_node *node;
};

struct prefix_fixture {
	struct dvp_prefix_table table;
	struct rnd_state rnd;
	struct naive_prefix naive[MAX_PREFIXES];
	u32 count;
};

static struct in6_addr addr4(u32 addr)
{
	struct in6_addr mapped;

	ipv6_addr_set_v4mapped(htonl(addr), &mapped);
	return mapped;
}

static int set4(struct dvp_prefix_table *table, u32 addr, u8 len,
		struct dvp_node *node)
{
	struct in6_addr mapped = addr4(addr);
	struct dvp_prefix *prefix;

	return dvp_prefix_set(table, &mapped, 96 + len, node, &prefix);
}

static struct dvp_prefix *find4(struct dvp_prefix_table *table, u32 addr,
				u8 len)
{
	struct in6_addr mapped = addr4(addr);

	return dvp_prefix_find(table, &mapped, 96 + len);
}

static struct dvp_node *lookup(const struct dvp_prefix_table *table,
			       const struct in6_addr *addr)
{
	struct dvp_node *node;

	rcu_read_lock();
	node = dvp_prefix_lookup(table, addr);
	rcu_read_unlock();
	return node;
}

static struct dvp_node *lookup4(const struct dvp_prefix_table *table, u32 addr)
{
	struct in6_addr mapped = addr4(addr);

	return lookup(table, &mapped);
}

/* The reference: every bit on its own, every prefix each time. */

static bool naive_bit(const struct in6_addr *addr, int n)
{
	return ntohl(addr->s6_addr32[n / 32]) & BIT(31 - n % 32);
}

static bool naive_contains(const struct naive_prefix *prefix,
			   const struct in6_addr *addr)
{
	int n;

	for (n = 0; n < prefix->len; n++)
		if (naive_bit(&prefix->addr, n) != naive_bit(addr, n))
			return false;
	return true;
}

static struct dvp_node *naive_lookup(const struct prefix_fixture *fixture,
				     const struct in6_addr *addr)
{
	const struct naive_prefix *prefix, *best = NULL;
	u32 i;

	for (i = 0; i < fixture->count; i++) {
		prefix = &fixture->naive[i];
		if (ipv6_addr_v4mapped(addr) && prefix->len < 96)
			continue;
		if (naive_contains(prefix, addr) &&
		    (!best || prefix->len > best->len))
			best = prefix;
	}
	return best ? best->node : NULL;
}

static struct naive_prefix *naive_find(struct prefix_fixture *fixture,
				       const struct naive_prefix *key)
{
	u32 i;

	for (i = 0; i < fixture->count; i++)
		if (fixture->naive[i].len == key->len &&
		    ipv6_addr_equal(&fixture->naive[i].addr, &key->addr))
			return &fixture->naive[i];
	return NULL;
}

static int naive_compare(const void *a, const void *b)
{
	const struct naive_prefix *left = a, *right = b;

	return ipv6_addr_cmp(&left->addr, &right->addr) ?:
	       (int)left->len - (int)right->len;
}

/*
 * Few values for few bits of each byte, and few lengths besides the usual, so
 * that prefixes meet, contain each other and fork everywhere.
 */
static void random_addr(struct prefix_fixture *fixture, struct in6_addr *addr)
{
	u32 i, family = prandom_u32_state(&fixture->rnd) % 3;

	memset(addr, 0, sizeof(*addr));
	for (i = 0; i < sizeof(*addr); i++)
		if (prandom_u32_state(&fixture->rnd) % 4 == 0)
			addr->s6_addr[i] = prandom_u32_state(&fixture->rnd) & 0x91;
	if (family == 0) {
		addr->s6_addr32[0] = 0;
		addr->s6_addr32[1] = 0;
		addr->s6_addr32[2] = htonl(0xffff);
	} else if (family == 1) {
		addr->s6_addr[0] = 0xfd;
	}
}

static void random_prefix(struct prefix_fixture *fixture,
			  struct naive_prefix *prefix)
{
	struct in6_addr addr;
	u32 min;

	random_addr(fixture, &addr);
	min = ipv6_addr_v4mapped(&addr) ? 96 : 0;
	switch (prandom_u32_state(&fixture->rnd) % 8) {
	case 0:
		prefix->len = min;
		break;
	case 1:
		prefix->len = 128;
		break;
	default:
		prefix->len = min + prandom_u32_state(&fixture->rnd) % (129 - min);
	}
	ipv6_addr_prefix(&prefix->addr, &addr, prefix->len);
	prefix->node = &nodes[prandom_u32_state(&fixture->rnd) % NODES];
}

/* No chains, no useless forks, children where their bits say. */
static void expect_good_shape(struct kunit *test,
			      const struct prefix_fixture *fixture)
{
	const struct dvp_prefix *stack[130], *at, *child;
	u32 depth = 0, count = 0;
	int bit;

	if (owned(fixture->table.root))
		stack[depth++] = owned(fixture->table.root);
	while (depth) {
		at = stack[--depth];
		if (owned(at->node)) {
			count++;
		} else {
			KUNIT_EXPECT_NOT_NULL(test, owned(at->child[0]));
			KUNIT_EXPECT_NOT_NULL(test, owned(at->child[1]));
		}
		for (bit = 0; bit < 2; bit++) {
			child = owned(at->child[bit]);
			if (!child)
				continue;
			KUNIT_ASSERT_GT(test, child->len, at->len);
			KUNIT_EXPECT_TRUE(test, ipv6_prefix_equal(&child->addr,
								  &at->addr,
								  at->len));
			KUNIT_EXPECT_EQ(test, naive_bit(&child->addr, at->len),
					(bool)bit);
			stack[depth++] = child;
		}
	}
	KUNIT_EXPECT_EQ(test, fixture->table.count, count);
	KUNIT_EXPECT_EQ(test, fixture->count, count);
}

/* The traversal, whole and from random keys on. */
static void expect_same_order(struct kunit *test,
			      struct prefix_fixture *fixture)
{
	struct dvp_prefix *at = NULL;
	struct naive_prefix key;
	u32 i, n;

	sort(fixture->naive, fixture->count, sizeof(fixture->naive[0]),
	     naive_compare, NULL);
	for (i = 0; i < fixture->count; i++) {
		at = dvp_prefix_next(&fixture->table, at);
		KUNIT_ASSERT_NOT_NULL(test, at);
		KUNIT_ASSERT_EQ(test, at->len, fixture->naive[i].len);
		KUNIT_ASSERT_TRUE(test, ipv6_addr_equal(&at->addr,
							&fixture->naive[i].addr));
		KUNIT_ASSERT_PTR_EQ(test, owned(at->node),
				    fixture->naive[i].node);
	}
	at = dvp_prefix_next(&fixture->table, at);
	KUNIT_ASSERT_NULL(test, at);

	for (n = 0; n < 20; n++) {
		random_prefix(fixture, &key);
		for (i = 0; i < fixture->count; i++)
			if (naive_compare(&fixture->naive[i], &key) > 0)
				break;
		at = dvp_prefix_next_after(&fixture->table, &key.addr, key.len);
		if (i == fixture->count) {
			KUNIT_ASSERT_NULL(test, at);
			continue;
		}
		KUNIT_ASSERT_NOT_NULL(test, at);
		KUNIT_ASSERT_EQ(test, at->len, fixture->naive[i].len);
		KUNIT_ASSERT_TRUE(test, ipv6_addr_equal(&at->addr,
							&fixture->naive[i].addr));
	}
}

static void random_set(struct kunit *test, struct prefix_fixture *fixture)
{
	struct dvp_prefix *entry = NULL;
	struct naive_prefix *known;
	struct naive_prefix wanted;
	int expected = 1;

	random_prefix(fixture, &wanted);
	known = naive_find(fixture, &wanted);
	/* Prefixes seldom meet by chance, so often move one that is there. */
	if (fixture->count && prandom_u32_state(&fixture->rnd) % 3 == 0) {
		known = &fixture->naive[prandom_u32_state(&fixture->rnd) %
					fixture->count];
		wanted.addr = known->addr;
		wanted.len = known->len;
	}
	if (known) {
		expected = known->node != wanted.node;
		known->node = wanted.node;
	} else if (fixture->count < MAX_PREFIXES) {
		fixture->naive[fixture->count++] = wanted;
	} else {
		return;
	}

	KUNIT_ASSERT_EQ(test, expected,
			dvp_prefix_set(&fixture->table, &wanted.addr,
				       wanted.len, wanted.node, &entry));
	KUNIT_ASSERT_NOT_NULL(test, entry);
	KUNIT_EXPECT_EQ(test, entry->len, wanted.len);
	KUNIT_EXPECT_TRUE(test, ipv6_addr_equal(&entry->addr, &wanted.addr));
	KUNIT_EXPECT_PTR_EQ(test, entry,
			    dvp_prefix_find(&fixture->table, &wanted.addr,
					    wanted.len));
}

static void random_del(struct kunit *test, struct prefix_fixture *fixture)
{
	struct naive_prefix *known;
	struct dvp_prefix *entry;

	if (!fixture->count)
		return;
	known = &fixture->naive[prandom_u32_state(&fixture->rnd) %
				fixture->count];
	entry = dvp_prefix_find(&fixture->table, &known->addr, known->len);
	KUNIT_ASSERT_NOT_NULL(test, entry);
	dvp_prefix_del(&fixture->table, entry);
	KUNIT_EXPECT_NULL(test, dvp_prefix_find(&fixture->table, &known->addr,
						known->len));
	*known = fixture->naive[--fixture->count];
}

static void random_lookups(struct kunit *test, struct prefix_fixture *fixture)
{
	struct in6_addr addr;
	int n;

	for (n = 0; n < 4; n++) {
		random_addr(fixture, &addr);
		/* Half of them just inside or outside of a prefix. */
		if (n % 2 && fixture->count) {
			addr = fixture->naive[prandom_u32_state(&fixture->rnd) %
					      fixture->count].addr;
			addr.s6_addr[prandom_u32_state(&fixture->rnd) % 16] ^=
				1 << prandom_u32_state(&fixture->rnd) % 8;
		}
		KUNIT_ASSERT_PTR_EQ(test, lookup(&fixture->table, &addr),
				    naive_lookup(fixture, &addr));
	}
}

static void prefix_matches_naive(struct kunit *test)
{
	struct prefix_fixture *fixture;
	u32 round, grow;

	fixture = kunit_kzalloc(test, sizeof(*fixture), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fixture);
	prandom_seed_state(&fixture->rnd, SEED);
	kunit_info(test, "seed %u, %u rounds\n", SEED, ROUNDS);

	for (round = 0; round < ROUNDS; round++) {
		/* Waves: mostly growing, then mostly shrinking; the last one grows. */
		grow = round / 1000 % 2 ? 3 : 7;
		if (prandom_u32_state(&fixture->rnd) % 10 < grow)
			random_set(test, fixture);
		else
			random_del(test, fixture);
		random_lookups(test, fixture);
		if (round % 100 == 0) {
			expect_good_shape(test, fixture);
			expect_same_order(test, fixture);
			cond_resched();
		}
	}

	KUNIT_EXPECT_GT(test, fixture->count, 0);
	dvp_prefix_clear(&fixture->table);
	KUNIT_EXPECT_EQ(test, fixture->table.count, 0);
	KUNIT_EXPECT_TRUE(test, !rcu_access_pointer(fixture->table.root));
}

static void prefix_longest_wins(struct kunit *test)
{
	struct dvp_prefix_table table = {};

	KUNIT_EXPECT_EQ(test, set4(&table, 0x0a000000, 8, &nodes[0]), 1);
	KUNIT_EXPECT_EQ(test, set4(&table, 0x0a010000, 16, &nodes[1]), 1);
	KUNIT_EXPECT_EQ(test, set4(&table, 0x0a010203, 32, &nodes[2]), 1);
	KUNIT_EXPECT_EQ(test, table.count, 3);

	KUNIT_EXPECT_PTR_EQ(test, lookup4(&table, 0x0a020000), &nodes[0]);
	KUNIT_EXPECT_PTR_EQ(test, lookup4(&table, 0x0a010204), &nodes[1]);
	KUNIT_EXPECT_PTR_EQ(test, lookup4(&table, 0x0a010203), &nodes[2]);
	KUNIT_EXPECT_NULL(test, lookup4(&table, 0x0b000000));

	dvp_prefix_del(&table, find4(&table, 0x0a010000, 16));
	KUNIT_EXPECT_PTR_EQ(test, lookup4(&table, 0x0a010204), &nodes[0]);
	KUNIT_EXPECT_PTR_EQ(test, lookup4(&table, 0x0a010203), &nodes[2]);
	dvp_prefix_clear(&table);
	KUNIT_EXPECT_NULL(test, lookup4(&table, 0x0a010203));
}

static void prefix_set_tells_changes(struct kunit *test)
{
	struct dvp_prefix_table table = {};
	struct dvp_prefix *first, *again;
	struct in6_addr addr = addr4(0x0a0102ff);

	KUNIT_EXPECT_EQ(test, 1, dvp_prefix_set(&table, &addr, 120, &nodes[0],
						&first));
	KUNIT_EXPECT_EQ(test, 0, dvp_prefix_set(&table, &addr, 120, &nodes[0],
						&again));
	KUNIT_EXPECT_PTR_EQ(test, first, again);
	KUNIT_EXPECT_EQ(test, 1, dvp_prefix_set(&table, &addr, 120, &nodes[1],
						&again));
	KUNIT_EXPECT_PTR_EQ(test, first, again);
	KUNIT_EXPECT_EQ(test, table.count, 1);
	KUNIT_EXPECT_PTR_EQ(test, lookup4(&table, 0x0a010203), &nodes[1]);
	/* The bits behind the length were not taken over. */
	KUNIT_EXPECT_EQ(test, first->addr.s6_addr[15], 0);
	dvp_prefix_clear(&table);
}

static void prefix_families_are_apart(struct kunit *test)
{
	static const struct in6_addr v6 = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8 } };
	struct dvp_prefix_table table = {};
	struct dvp_prefix *prefix;

	KUNIT_EXPECT_EQ(test, 1, dvp_prefix_set(&table, &in6addr_any, 0,
						&nodes[6], &prefix));
	KUNIT_EXPECT_NULL(test, lookup4(&table, 0x0a000001));
	KUNIT_EXPECT_PTR_EQ(test, lookup(&table, &v6), &nodes[6]);

	KUNIT_EXPECT_EQ(test, set4(&table, 0, 0, &nodes[4]), 1);
	KUNIT_EXPECT_PTR_EQ(test, lookup4(&table, 0x0a000001), &nodes[4]);
	KUNIT_EXPECT_PTR_EQ(test, lookup4(&table, 0xffffffff), &nodes[4]);
	KUNIT_EXPECT_PTR_EQ(test, lookup(&table, &v6), &nodes[6]);

	dvp_prefix_del(&table, prefix);
	KUNIT_EXPECT_NULL(test, lookup(&table, &v6));
	KUNIT_EXPECT_PTR_EQ(test, lookup4(&table, 0x0a000001), &nodes[4]);
	dvp_prefix_clear(&table);
}

/* As deep as it gets: each prefix contains the next. */
static void prefix_full_depth(struct kunit *test)
{
	struct dvp_prefix_table table = {};
	struct dvp_prefix *prefix = NULL;
	struct in6_addr addr = {};
	int len;

	for (len = 128; len >= 0; len--)
		KUNIT_ASSERT_EQ(test, 1,
				dvp_prefix_set(&table, &addr, len,
					       &nodes[len % NODES], &prefix));
	KUNIT_EXPECT_EQ(test, table.count, 129);
	prefix = NULL;
	for (len = 0; len <= 128; len++) {
		prefix = dvp_prefix_next(&table, prefix);
		KUNIT_ASSERT_NOT_NULL(test, prefix);
		KUNIT_EXPECT_EQ(test, prefix->len, len);
	}
	for (len = 0; len < 128; len++) {
		struct in6_addr other = {};

		other.s6_addr[len / 8] = 0x80 >> len % 8;
		KUNIT_EXPECT_PTR_EQ(test, lookup(&table, &other),
				    &nodes[len % NODES]);
	}
	KUNIT_EXPECT_PTR_EQ(test, lookup(&table, &addr), &nodes[128 % NODES]);
	dvp_prefix_clear(&table);
	KUNIT_EXPECT_EQ(test, table.count, 0);
}

/* Removing while walking, and going on behind a key that is gone. */
static void prefix_walk_survives_removal(struct kunit *test)
{
	struct dvp_prefix_table table = {};
	struct dvp_prefix *prefix, *next;
	struct in6_addr key;
	u32 i, seen = 0;
	u8 len;

	for (i = 0; i < 64; i++)
		KUNIT_ASSERT_EQ(test, set4(&table, 0x0a000000 | i << 8, 24,
					   &nodes[i % 2]), 1);
	for (prefix = dvp_prefix_next(&table, NULL); prefix; prefix = next) {
		next = dvp_prefix_next(&table, prefix);
		seen++;
		if (owned(prefix->node) == &nodes[0])
			dvp_prefix_del(&table, prefix);
	}
	KUNIT_EXPECT_EQ(test, seen, 64);
	KUNIT_EXPECT_EQ(test, table.count, 32);

	seen = 0;
	for (prefix = dvp_prefix_next(&table, NULL); prefix;
	     prefix = dvp_prefix_next_after(&table, &key, len)) {
		key = prefix->addr;
		len = prefix->len;
		seen++;
		dvp_prefix_del(&table, prefix);
	}
	KUNIT_EXPECT_EQ(test, seen, 32);
	KUNIT_EXPECT_TRUE(test, !rcu_access_pointer(table.root));
}

static bool is_held4(const struct dvp_prefix_table *table, u32 addr)
{
	struct in6_addr mapped = addr4(addr);
	bool held;

	rcu_read_lock();
	held = dvp_prefix_is_held(table, &mapped);
	rcu_read_unlock();
	return held;
}

static bool is_fresh4(const struct dvp_prefix_table *table, u32 addr)
{
	struct in6_addr mapped = addr4(addr);
	bool fresh;

	rcu_read_lock();
	fresh = dvp_prefix_is_fresh(table, &mapped);
	rcu_read_unlock();
	return fresh;
}

static void prefix_is_held_and_fresh(struct kunit *test)
{
	struct dvp_prefix_table table = {};
	struct dvp_prefix *prefix;

	set4(&table, 0x0a420000, 16, &nodes[0]);
	set4(&table, 0x0a420005, 32, &nodes[1]);
	prefix = find4(&table, 0x0a420005, 32);
	KUNIT_EXPECT_FALSE(test, is_fresh4(&table, 0x0a420005));
	KUNIT_EXPECT_EQ(test, dvp_prefix_held_for(prefix), 0);

	dvp_prefix_came(&table, prefix);
	KUNIT_EXPECT_TRUE(test, is_fresh4(&table, 0x0a420005));
	KUNIT_EXPECT_FALSE(test, is_held4(&table, 0x0a420005));
	/* The longest prefix counts, and it alone. */
	KUNIT_EXPECT_FALSE(test, is_fresh4(&table, 0x0a420006));
	KUNIT_EXPECT_FALSE(test, is_fresh4(&table, 0x0a430005));

	dvp_prefix_hold(&table, prefix, 10000);
	KUNIT_EXPECT_TRUE(test, is_held4(&table, 0x0a420005));
	KUNIT_EXPECT_FALSE(test, is_held4(&table, 0x0a420006));
	KUNIT_EXPECT_GT(test, dvp_prefix_held_for(prefix), 5000);
	KUNIT_EXPECT_LE(test, dvp_prefix_held_for(prefix), 10000);
	dvp_prefix_hold(&table, prefix, 0);
	KUNIT_EXPECT_FALSE(test, is_held4(&table, 0x0a420005));
	KUNIT_EXPECT_TRUE(test, is_fresh4(&table, 0x0a420005));

	/* It ends by itself, and with a move. */
	dvp_prefix_hold(&table, prefix, 20);
	msleep(40);
	KUNIT_EXPECT_FALSE(test, is_held4(&table, 0x0a420005));
	dvp_prefix_hold(&table, prefix, 10000);
	set4(&table, 0x0a420005, 32, &nodes[1]);
	KUNIT_EXPECT_TRUE(test, is_held4(&table, 0x0a420005));
	set4(&table, 0x0a420005, 32, &nodes[2]);
	KUNIT_EXPECT_FALSE(test, is_held4(&table, 0x0a420005));
	KUNIT_EXPECT_FALSE(test, is_fresh4(&table, 0x0a420005));
	dvp_prefix_clear(&table);
}

static struct kunit_case prefix_cases[] = {
	KUNIT_CASE(prefix_longest_wins),
	KUNIT_CASE(prefix_set_tells_changes),
	KUNIT_CASE(prefix_families_are_apart),
	KUNIT_CASE(prefix_full_depth),
	KUNIT_CASE(prefix_walk_survives_removal),
	KUNIT_CASE(prefix_is_held_and_fresh),
	KUNIT_CASE(prefix_matches_naive),
	{}
};

static struct kunit_suite prefix_suite = {
	.name = "dvpnet_prefix",
	.test_cases = prefix_cases,
};

kunit_test_suite(prefix_suite);

MODULE_DESCRIPTION("Unit tests of dvpnet's pure logic");
MODULE_LICENSE("GPL");
