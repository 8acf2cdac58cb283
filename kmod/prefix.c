// SPDX-License-Identifier: GPL-2.0
/*
 * Longest prefix to node.
 *
 * A binary trie without chains: each trie node carries all bits down to it, so
 * a lookup compares whole prefixes and only stops where prefixes lie or fork.
 * A change becomes visible by a single store of a pointer; a reader sees it
 * whole or not at all. Of several changes made while it looks, it may see a
 * later one and miss an earlier one.
 *
 * What moves here from another node may have connections that are not known here
 * yet. For some time it is fresh: its machine is sent what it cannot understand, and
 * resets what it ought not to. While it is held, too, somebody is about to bring its
 * flows, and none is made by guessing.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "prefix.h"

/* Length of ::ffff:0:0/96, below which all of IPv4 lies. */
#define V4_LEN 96

/* Longer than a machine pauses while it moves, with answers queued for it. */
#define FRESH_TIME (10 * HZ)

/*
 * Dereference as a writer. The mutex that serialises writers belongs to the
 * owner of the table, so there is no lock to name here.
 */
#define owned(p) rcu_dereference_protected(p, 1)

static bool bit_at(const struct in6_addr *addr, u8 n)
{
	return addr->s6_addr[n / 8] >> (7 - n % 8) & 1;
}

/* How many leading bits @prefix has in common with @addr/@len. */
static u8 common_len(const struct dvp_prefix *prefix,
		     const struct in6_addr *addr, u8 len)
{
	return min3(ipv6_addr_diff(&prefix->addr, addr), (int)prefix->len,
		    (int)len);
}

/* As dvp_prefix_lookup(); @match is filled with the entry where there is one. */
static __always_inline struct dvp_node *
prefix_match(const struct dvp_prefix_table *table, const struct in6_addr *addr,
	     const struct dvp_prefix **match)
{
	u8 min_len = ipv6_addr_v4mapped(addr) ? V4_LEN : 0;
	struct dvp_node *node, *best = NULL;
	const struct dvp_prefix *at;

	at = rcu_dereference(table->root);
	while (at && ipv6_prefix_equal(&at->addr, addr, at->len)) {
		node = rcu_dereference(at->node);
		if (node && at->len >= min_len) {
			best = node;
			*match = at;
		}
		if (at->len == 128)
			break;
		at = rcu_dereference(at->child[bit_at(addr, at->len)]);
	}
	return best;
}

/**
 * dvp_prefix_lookup - node behind the longest prefix of an address
 * @table: the table
 * @addr: the address, IPv4 as ::ffff:a.b.c.d
 *
 * The families are apart: an IPv4 address never matches an IPv6 prefix, not
 * even ::/0, which contains ::ffff:0:0/96.
 *
 * Context: RCU read side, which also keeps the result alive.
 * Return: the node, or NULL if no prefix contains the address.
 */
struct dvp_node *dvp_prefix_lookup(const struct dvp_prefix_table *table,
				   const struct in6_addr *addr)
{
	const struct dvp_prefix *match;

	return prefix_match(table, addr, &match);
}

/**
 * dvp_prefix_find - the entry of exactly this prefix
 * @table: the table
 * @addr: address, IPv4 as ::ffff:a.b.c.d; bits behind @len are ignored
 * @len: length, 0 to 128; for IPv4, 96 more than usual
 *
 * Context: the owner's mutex.
 * Return: the entry, or NULL if there is none.
 */
struct dvp_prefix *dvp_prefix_find(struct dvp_prefix_table *table,
				   const struct in6_addr *addr, u8 len)
{
	struct dvp_prefix *at = owned(table->root);

	while (at && at->len < len && common_len(at, addr, len) == at->len)
		at = owned(at->child[bit_at(addr, at->len)]);
	if (at && at->len == len && common_len(at, addr, len) == len &&
	    owned(at->node))
		return at;
	return NULL;
}

/**
 * dvp_prefix_next_after - the entry that follows a key
 * @table: the table
 * @addr: address of the key, or NULL for the first entry
 * @len: length of the key, 0 to 128
 *
 * Entries are ordered by address, then by length, each prefix before those
 * that it contains. There need not be an entry of the key itself: a dump goes
 * on from where it stopped, whatever was removed meanwhile.
 *
 * Context: the owner's mutex.
 * Return: the entry, or NULL at the end.
 */
struct dvp_prefix *dvp_prefix_next_after(struct dvp_prefix_table *table,
					 const struct in6_addr *addr, u8 len)
{
	struct dvp_prefix *at = owned(table->root), *next = NULL;
	u8 common;

	if (!addr)
		next = at;

	/* Follow the key down; @next is the nearest subtree behind it so far. */
	while (addr && at) {
		common = common_len(at, addr, len);
		if (common < at->len) {
			if (common == len || bit_at(&at->addr, common))
				next = at;
			break;
		}
		if (at->len == len) {
			next = owned(at->child[0]) ?:
			       owned(at->child[1]) ?: next;
			break;
		}
		if (bit_at(addr, at->len)) {
			at = owned(at->child[1]);
		} else {
			next = owned(at->child[1]) ?: next;
			at = owned(at->child[0]);
		}
	}

	/* Below a fork, what comes first is below its first child. */
	while (next && !owned(next->node))
		next = owned(next->child[0]);
	return next;
}

/* Neither held nor fresh any more. */
static void prefix_settle(struct dvp_prefix *prefix)
{
	WRITE_ONCE(prefix->held, jiffies);
	WRITE_ONCE(prefix->fresh, jiffies);
}

static struct dvp_prefix *prefix_alloc(const struct in6_addr *addr, u8 len,
				       struct dvp_node *node)
{
	struct dvp_prefix *prefix = kzalloc(sizeof(*prefix), GFP_KERNEL_ACCOUNT);

	if (!prefix)
		return NULL;
	RCU_INIT_POINTER(prefix->node, node);
	prefix->len = len;
	ipv6_addr_prefix(&prefix->addr, addr, len);
	prefix_settle(prefix);
	return prefix;
}

/**
 * dvp_prefix_set - add a prefix, or move it to another node
 * @table: the table
 * @addr: address, IPv4 as ::ffff:a.b.c.d; bits behind @len are ignored
 * @len: length, 0 to 128; for IPv4, 96 more than usual
 * @node: the node behind it
 * @prefix: filled with the entry, unless there is an error
 *
 * A move takes effect between two packets: no lookup finds neither node.
 *
 * Context: the owner's mutex. May sleep.
 * Return: 1 if the prefix was added or moved, 0 if it was there, -ENOMEM.
 */
int dvp_prefix_set(struct dvp_prefix_table *table, const struct in6_addr *addr,
		   u8 len, struct dvp_node *node, struct dvp_prefix **prefix)
{
	struct dvp_prefix __rcu **slot = &table->root;
	struct dvp_prefix *at, *added, *fork;
	u8 common = 0;

	while ((at = owned(*slot))) {
		common = common_len(at, addr, len);
		if (common < at->len)
			break;
		if (at->len == len) {
			struct dvp_node *old = owned(at->node);

			*prefix = at;
			if (old == node)
				return 0;
			if (!old)
				table->count++;
			prefix_settle(at);
			rcu_assign_pointer(at->node, node);
			return 1;
		}
		slot = &at->child[bit_at(addr, at->len)];
	}

	added = prefix_alloc(addr, len, node);
	if (!added)
		return -ENOMEM;
	if (!at) {
		rcu_assign_pointer(*slot, added);
	} else if (common == len) {
		RCU_INIT_POINTER(added->child[bit_at(&at->addr, len)], at);
		rcu_assign_pointer(*slot, added);
	} else {
		fork = prefix_alloc(addr, common, NULL);
		if (!fork) {
			kfree(added);
			return -ENOMEM;
		}
		RCU_INIT_POINTER(fork->child[bit_at(addr, common)], added);
		RCU_INIT_POINTER(fork->child[!bit_at(addr, common)], at);
		rcu_assign_pointer(*slot, fork);
	}
	table->count++;
	*prefix = added;
	return 1;
}

/**
 * dvp_prefix_del - remove a prefix
 * @table: the table
 * @prefix: its entry, invalid afterwards
 *
 * Other entries stay where they are, so a walk may remove what it has passed.
 *
 * Context: the owner's mutex.
 */
void dvp_prefix_del(struct dvp_prefix_table *table, struct dvp_prefix *prefix)
{
	struct dvp_prefix __rcu **slot = &table->root, **above = NULL;
	struct dvp_prefix *at, *left, *right, *parent = NULL;

	while ((at = owned(*slot)) != prefix) {
		above = slot;
		parent = at;
		slot = &at->child[bit_at(&prefix->addr, at->len)];
	}

	table->count--;
	left = owned(prefix->child[0]);
	right = owned(prefix->child[1]);
	if (left && right) {
		RCU_INIT_POINTER(prefix->node, NULL);
		return;
	}

	/* A fork that is left with one child gives way to it. */
	if (!left && !right && parent && !owned(parent->node)) {
		rcu_assign_pointer(*above, slot == &parent->child[0] ?
					   owned(parent->child[1]) :
					   owned(parent->child[0]));
		kfree_rcu(parent, rcu);
	} else {
		rcu_assign_pointer(*slot, left ?: right);
	}
	kfree_rcu(prefix, rcu);
}

/**
 * dvp_prefix_clear - remove all prefixes
 * @table: the table
 *
 * Context: the owner's mutex. Readers may still be looking.
 */
void dvp_prefix_clear(struct dvp_prefix_table *table)
{
	struct dvp_prefix *prefix;

	while ((prefix = dvp_prefix_next(table, NULL)))
		dvp_prefix_del(table, prefix);
}

/* ---- what is still to come ---- */

/* Until when there may be one can only grow: the prefix itself knows better. */
static void prefix_unsettle(struct dvp_prefix_table *table, struct dvp_prefix *prefix,
			    unsigned long until)
{
	if (time_after(until, prefix->fresh))
		WRITE_ONCE(prefix->fresh, until);
	if (time_after(until, table->unsettled))
		WRITE_ONCE(table->unsettled, until);
}

/* Has this moment, set not longer than the longest time before it, not come yet? */
static bool prefix_lasts(unsigned long until)
{
	return time_in_range_open(jiffies, until - FRESH_TIME, until);
}

/* The longest prefix of an address, if there is one that may be held or fresh at all. */
static const struct dvp_prefix *prefix_unsettled(const struct dvp_prefix_table *table,
						 const struct in6_addr *addr)
{
	const struct dvp_prefix *match;

	if (likely(!time_before(jiffies, READ_ONCE(table->unsettled))))
		return NULL;
	return prefix_match(table, addr, &match) ? match : NULL;
}

/**
 * dvp_prefix_came - a prefix has come here from another node: for some time it is fresh
 * @table: the table
 * @prefix: its entry
 *
 * Context: the owner's mutex.
 */
void dvp_prefix_came(struct dvp_prefix_table *table, struct dvp_prefix *prefix)
{
	prefix_unsettle(table, prefix, jiffies + FRESH_TIME);
}

/**
 * dvp_prefix_hold - await the flows of a prefix, or no longer
 * @table: the table
 * @prefix: its entry
 * @ms: how long, at most 10000; 0 if they have come
 *
 * It ends by itself, and when the prefix moves on.
 *
 * Context: the owner's mutex.
 */
void dvp_prefix_hold(struct dvp_prefix_table *table, struct dvp_prefix *prefix, u32 ms)
{
	unsigned long until = jiffies + msecs_to_jiffies(ms);

	WRITE_ONCE(prefix->held, until);
	prefix_unsettle(table, prefix, until);
}

/**
 * dvp_prefix_held_for - how long are the flows of a prefix still awaited?
 * @prefix: its entry
 *
 * Return: milliseconds, 0 if they are not.
 */
u32 dvp_prefix_held_for(const struct dvp_prefix *prefix)
{
	unsigned long until = READ_ONCE(prefix->held);

	return prefix_lasts(until) ? jiffies_to_msecs(until - jiffies) : 0;
}

/**
 * dvp_prefix_is_held - are flows of this address awaited?
 * @table: the table
 * @addr: the address, IPv4 as ::ffff:a.b.c.d
 *
 * Context: RCU read side.
 */
bool dvp_prefix_is_held(const struct dvp_prefix_table *table, const struct in6_addr *addr)
{
	const struct dvp_prefix *match = prefix_unsettled(table, addr);

	return match && prefix_lasts(READ_ONCE(match->held));
}

/**
 * dvp_prefix_is_fresh - may this address have connections that are not known here yet?
 * @table: the table
 * @addr: the address, IPv4 as ::ffff:a.b.c.d
 *
 * It may while it is held, and for some time after it came from another node.
 *
 * Context: RCU read side.
 */
bool dvp_prefix_is_fresh(const struct dvp_prefix_table *table, const struct in6_addr *addr)
{
	const struct dvp_prefix *match = prefix_unsettled(table, addr);

	return match && prefix_lasts(READ_ONCE(match->fresh));
}
