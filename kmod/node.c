// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes: who the peers are, and where on the underlay.
 *
 * A node is never changed in place: a new one takes the old one's id, name,
 * addresses and prefixes over, key by key, so a packet always finds one. That
 * it may find both is why nodes are compared by dvp_node_is().
 */
#include <linux/jhash.h>
#include <linux/slab.h>

#include "netns.h"
#include "node.h"
#include "sync.h"

static u32 node_name_hash(const void *data, u32 len, u32 seed)
{
	const char *name = data;

	return jhash(name, strlen(name), seed);
}

static u32 node_name_obj_hash(const void *data, u32 len, u32 seed)
{
	const struct dvp_node *node = data;

	return node_name_hash(node->name, 0, seed);
}

static int node_name_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct dvp_node *node = obj;

	return strcmp(node->name, arg->key);
}

static const struct rhashtable_params node_name_params = {
	.head_offset = offsetof(struct dvp_node, name_hash),
	.hashfn = node_name_hash,
	.obj_hashfn = node_name_obj_hash,
	.obj_cmpfn = node_name_cmp,
	.automatic_shrinking = true,
};

static const struct rhashtable_params node_addr_params = {
	.head_offset = offsetof(struct dvp_node_addr, hash),
	.key_offset = offsetof(struct dvp_node_addr, addr),
	.key_len = sizeof(struct in6_addr),
	.automatic_shrinking = true,
};

/**
 * dvp_node_by_name - find a node by its name
 * @dn: where
 * @name: Kubernetes name
 *
 * Context: RCU read side or &dvp_net.lock.
 */
struct dvp_node *dvp_node_by_name(struct dvp_net *dn, const char *name)
{
	return rhashtable_lookup_fast(&dn->node_names, name, node_name_params);
}

static struct dvp_node *node_of_addr(struct dvp_node_addr *key)
{
	struct dvp_node *node;

	node = container_of(key, struct dvp_node, underlay[DVP_NODE_V4]);
	if (!ipv6_addr_v4mapped(&key->addr))
		node = container_of(key, struct dvp_node, underlay[DVP_NODE_V6]);
	return node;
}

/**
 * dvp_node_by_underlay - find a node by an address on the underlay
 * @dn: where
 * @addr: the address
 *
 * Context: RCU read side or &dvp_net.lock.
 */
struct dvp_node *dvp_node_by_underlay(struct dvp_net *dn,
				      const struct in6_addr *addr)
{
	struct dvp_node_addr *key;

	key = rhashtable_lookup_fast(&dn->node_addrs, addr, node_addr_params);
	return key ? node_of_addr(key) : NULL;
}

/**
 * dvp_node_alloc - a node that is nobody's yet
 * @name: its name
 *
 * Return: the node, or NULL when out of memory.
 */
struct dvp_node *dvp_node_alloc(const char *name)
{
	struct dvp_node *node;
	size_t size = strlen(name) + 1;

	node = kzalloc(sizeof(*node) + size, GFP_KERNEL);
	if (!node)
		return NULL;
	if (dst_cache_init(&node->dst_cache, GFP_KERNEL)) {
		kfree(node);
		return NULL;
	}
	memcpy(node->name, name, size);
	return node;
}

/**
 * dvp_node_free - free a node that no reader can see
 * @node: the node
 */
void dvp_node_free(struct dvp_node *node)
{
	dst_cache_destroy(&node->dst_cache);
	kfree(node);
}

static void node_free_rcu(struct rcu_head *rcu)
{
	dvp_node_free(container_of(rcu, struct dvp_node, rcu));
}

static bool node_is_equal(const struct dvp_node *a, const struct dvp_node *b)
{
	unsigned int i;

	for (i = 0; i < DVP_NODE_ADDRS; i++)
		if (!ipv6_addr_equal(&a->underlay[i].addr, &b->underlay[i].addr) ||
		    !ipv6_addr_equal(&a->tunnel[i], &b->tunnel[i]))
			return false;
	return ether_addr_equal(a->mac, b->mac) && a->local == b->local &&
	       a->has_mode == b->has_mode && a->mode == b->mode;
}

/* What this node claims must not be another's, unless that one is about to be swept. */
static int node_claim(struct dvp_net *dn, const struct dvp_node *node,
		      struct netlink_ext_ack *extack)
{
	struct dvp_node *self = rcu_dereference_protected(dn->self,
							  lockdep_is_held(&dn->lock));
	unsigned int i;

	if (node->local && self && strcmp(self->name, node->name)) {
		if (!dvp_sync_is_outdated(dn, self->stamp)) {
			NL_SET_ERR_MSG_FMT_MOD(extack, "this namespace is node %.60s already",
					       self->name);
			return -EEXIST;
		}
		dvp_node_del(dn, self);
	}
	for (i = 0; i < DVP_NODE_ADDRS; i++) {
		const struct in6_addr *addr = &node->underlay[i].addr;
		struct dvp_node *other;

		if (ipv6_addr_any(addr))
			continue;
		other = dvp_node_by_underlay(dn, addr);
		if (!other || !strcmp(other->name, node->name))
			continue;
		if (!dvp_sync_is_outdated(dn, other->stamp)) {
			NL_SET_ERR_MSG_FMT_MOD(extack,
					       "underlay address belongs to node %.60s already",
					       other->name);
			return -EEXIST;
		}
		dvp_node_del(dn, other);
	}
	return 0;
}

/* Put @node's addresses into the table, over @old's where they are equal. */
static int node_link_addrs(struct dvp_net *dn, struct dvp_node *node,
			   struct dvp_node *old)
{
	unsigned int i;
	int err;

	for (i = 0; i < DVP_NODE_ADDRS; i++) {
		struct dvp_node_addr *key = &node->underlay[i];

		if (ipv6_addr_any(&key->addr))
			continue;
		if (old && ipv6_addr_equal(&key->addr, &old->underlay[i].addr))
			err = rhashtable_replace_fast(&dn->node_addrs,
						      &old->underlay[i].hash,
						      &key->hash, node_addr_params);
		else
			err = rhashtable_insert_fast(&dn->node_addrs, &key->hash,
						     node_addr_params);
		if (err)
			return err;
	}
	return 0;
}

static void node_unlink_addrs(struct dvp_net *dn, struct dvp_node *node)
{
	unsigned int i;

	/* Removal is by object: an address that its heir has by now stays. */
	for (i = 0; i < DVP_NODE_ADDRS; i++)
		if (!ipv6_addr_any(&node->underlay[i].addr))
			rhashtable_remove_fast(&dn->node_addrs, &node->underlay[i].hash,
					       node_addr_params);
}

static int node_add(struct dvp_net *dn, struct dvp_node *node)
{
	int err;

	err = xa_alloc_cyclic(&dn->nodes, &node->id, node, xa_limit_31b,
			      &dn->next_id, GFP_KERNEL);
	if (err < 0)
		return err;
	err = node_link_addrs(dn, node, NULL);
	if (!err)
		err = rhashtable_insert_fast(&dn->node_names, &node->name_hash,
					     node_name_params);
	if (err) {
		node_unlink_addrs(dn, node);
		xa_erase(&dn->nodes, node->id);
		synchronize_rcu();
	}
	return err;
}

static void node_move_prefixes(struct dvp_net *dn, struct dvp_node *from,
			       struct dvp_node *to)
{
	struct dvp_prefix *prefix = NULL;

	while ((prefix = dvp_prefix_next(&dn->prefixes, prefix)))
		if (rcu_access_pointer(prefix->node) == from)
			rcu_assign_pointer(prefix->node, to);
}

static int node_replace(struct dvp_net *dn, struct dvp_node *old,
			struct dvp_node *node)
{
	int err;

	node->id = old->id;
	err = node_link_addrs(dn, node, old);
	if (err) {
		/* Give back what was taken over; the entries exist, so this cannot fail. */
		node_link_addrs(dn, old, node);
		node_unlink_addrs(dn, node);
		synchronize_rcu();
		return err;
	}
	rhashtable_replace_fast(&dn->node_names, &old->name_hash, &node->name_hash,
				node_name_params);
	xa_store(&dn->nodes, node->id, node, GFP_KERNEL);
	node_move_prefixes(dn, old, node);
	node_unlink_addrs(dn, old);
	return 0;
}

/**
 * dvp_node_set - add a node, or replace the one of that name
 * @dn: where
 * @node: the node; consumed, unless an error is returned
 * @extack: says why not
 *
 * Context: &dvp_net.lock.
 * Return: 1 if something changed, 0 if the node was so already, -EEXIST when
 * an address or the role of the local node is another node's, -ENOMEM.
 */
int dvp_node_set(struct dvp_net *dn, struct dvp_node *node,
		 struct netlink_ext_ack *extack)
{
	struct dvp_node *old = dvp_node_by_name(dn, node->name);
	struct dvp_node *self;
	int err;

	node->stamp = dn->sync.stamp;
	if (old && node_is_equal(old, node)) {
		old->stamp = node->stamp;
		dvp_node_free(node);
		return 0;
	}
	err = node_claim(dn, node, extack);
	if (err)
		return err;
	err = old ? node_replace(dn, old, node) : node_add(dn, node);
	if (err)
		return err;

	self = rcu_dereference_protected(dn->self, lockdep_is_held(&dn->lock));
	if (node->local)
		rcu_assign_pointer(dn->self, node);
	else if (self && self == old)
		RCU_INIT_POINTER(dn->self, NULL);
	if (old)
		call_rcu(&old->rcu, node_free_rcu);
	return 1;
}

/**
 * dvp_node_del - remove a node with its prefixes
 * @dn: where
 * @node: the node
 *
 * Context: &dvp_net.lock.
 */
void dvp_node_del(struct dvp_net *dn, struct dvp_node *node)
{
	struct dvp_prefix *prefix, *next;

	for (prefix = dvp_prefix_next(&dn->prefixes, NULL); prefix; prefix = next) {
		next = dvp_prefix_next(&dn->prefixes, prefix);
		if (rcu_access_pointer(prefix->node) == node)
			dvp_prefix_del(&dn->prefixes, prefix);
	}
	if (rcu_access_pointer(dn->self) == node)
		RCU_INIT_POINTER(dn->self, NULL);
	node_unlink_addrs(dn, node);
	rhashtable_remove_fast(&dn->node_names, &node->name_hash, node_name_params);
	xa_erase(&dn->nodes, node->id);
	call_rcu(&node->rcu, node_free_rcu);
}

int dvp_node_init(struct dvp_net *dn)
{
	int err;

	xa_init_flags(&dn->nodes, XA_FLAGS_ALLOC1);
	err = rhashtable_init(&dn->node_names, &node_name_params);
	if (err)
		return err;
	err = rhashtable_init(&dn->node_addrs, &node_addr_params);
	if (err)
		rhashtable_destroy(&dn->node_names);
	return err;
}

/**
 * dvp_node_exit - remove all nodes and prefixes
 * @dn: whose
 *
 * Context: &dvp_net.lock.
 */
void dvp_node_exit(struct dvp_net *dn)
{
	struct dvp_node *node;
	unsigned long id;

	RCU_INIT_POINTER(dn->self, NULL);
	dvp_prefix_clear(&dn->prefixes);
	xa_for_each(&dn->nodes, id, node)
		dvp_node_del(dn, node);
	xa_destroy(&dn->nodes);
	rhashtable_destroy(&dn->node_addrs);
	rhashtable_destroy(&dn->node_names);
}
