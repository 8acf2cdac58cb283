/* SPDX-License-Identifier: GPL-2.0 */
/* Longest prefix to node: routes on transmit, authenticates on receive; what is still to come. */
#ifndef _DVPNET_PREFIX_H
#define _DVPNET_PREFIX_H

#include <linux/in6.h>
#include <linux/types.h>

struct dvp_node;
struct dvp_prefix;

/**
 * struct dvp_prefix_table - a trie of prefixes, path-compressed, one bit a level
 *
 * Both families share it: IPv4 prefixes are ::ffff:a.b.c.d with 96 added to
 * their length. Writers are serialised by the owner's mutex, readers hold RCU.
 *
 * @root: the topmost trie node, or NULL
 * @count: number of prefixes
 * @unsettled: jiffies until which one of them may be held or fresh
 */
struct dvp_prefix_table {
	struct dvp_prefix __rcu *root;
	u32 count;
	unsigned long unsettled;
};

/**
 * struct dvp_prefix - a trie node: a prefix, or (@node NULL) a fork of two others
 * @child: what goes on with a 0 and with a 1 at bit @len
 * @node: the node behind the prefix; replaced in one step when the prefix moves
 * @rcu: for freeing
 * @stamp: the sync that last named it; under the owner's mutex
 * @len: significant bits of @addr, 0 to 128
 * @addr: the prefix, bits behind @len are zero
 * @held: jiffies until which its flows are awaited
 * @fresh: jiffies until which its connections may be unknown here
 */
struct dvp_prefix {
	struct dvp_prefix __rcu *child[2];
	struct dvp_node __rcu *node;
	struct rcu_head rcu;
	u32 stamp;
	u8 len;
	struct in6_addr addr;
	unsigned long held;
	unsigned long fresh;
};

struct dvp_node *dvp_prefix_lookup(const struct dvp_prefix_table *table,
				   const struct in6_addr *addr);
struct dvp_prefix *dvp_prefix_find(struct dvp_prefix_table *table,
				   const struct in6_addr *addr, u8 len);
struct dvp_prefix *dvp_prefix_next_after(struct dvp_prefix_table *table,
					 const struct in6_addr *addr, u8 len);
int dvp_prefix_set(struct dvp_prefix_table *table, const struct in6_addr *addr,
		   u8 len, struct dvp_node *node, struct dvp_prefix **prefix);
void dvp_prefix_del(struct dvp_prefix_table *table, struct dvp_prefix *prefix);
void dvp_prefix_clear(struct dvp_prefix_table *table);
void dvp_prefix_came(struct dvp_prefix_table *table, struct dvp_prefix *prefix);
void dvp_prefix_hold(struct dvp_prefix_table *table, struct dvp_prefix *prefix, u32 ms);
u32 dvp_prefix_held_for(const struct dvp_prefix *prefix);
bool dvp_prefix_is_held(const struct dvp_prefix_table *table, const struct in6_addr *addr);
bool dvp_prefix_is_fresh(const struct dvp_prefix_table *table, const struct in6_addr *addr);

/**
 * dvp_prefix_next - the entry that follows another
 * @table: the table
 * @prev: the other, or NULL for the first
 *
 * Context: the owner's mutex.
 * Return: the entry, or NULL at the end.
 */
static inline struct dvp_prefix *dvp_prefix_next(struct dvp_prefix_table *table,
						 const struct dvp_prefix *prev)
{
	return prev ? dvp_prefix_next_after(table, &prev->addr, prev->len) :
		      dvp_prefix_next_after(table, NULL, 0);
}

#endif
