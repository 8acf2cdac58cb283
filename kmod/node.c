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

#include "netlink.h"
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

	node = kzalloc(sizeof(*node) + size, GFP_KERNEL_ACCOUNT);
	if (!node)
		return NULL;
	if (dst_cache_init(&node->dst_cache, GFP_KERNEL_ACCOUNT)) {
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

/* The other node that has what this one claims: an address, or, DVP_NODE_ADDRS, to be local. */
static struct dvp_node *node_rival(struct dvp_net *dn, const struct dvp_node *node,
				   unsigned int claim)
{
	struct dvp_node *other = NULL;

	if (claim < DVP_NODE_ADDRS) {
		if (!ipv6_addr_any(&node->underlay[claim].addr))
			other = dvp_node_by_underlay(dn, &node->underlay[claim].addr);
	} else if (node->local) {
		other = rcu_dereference_protected(dn->self, lockdep_is_held(&dn->lock));
	}
	return other && strcmp(other->name, node->name) ? other : NULL;
}

/* What a node claims must not be another's, unless that one is about to be swept. */
static int node_check_claims(struct dvp_net *dn, const struct dvp_node *node,
			     struct netlink_ext_ack *extack)
{
	const struct dvp_node *rival;
	unsigned int i;

	for (i = 0; i <= DVP_NODE_ADDRS; i++) {
		rival = node_rival(dn, node, i);
		if (!rival || dvp_sync_is_outdated(dn, rival->stamp))
			continue;
		if (i == DVP_NODE_ADDRS)
			NL_SET_ERR_MSG_FMT_MOD(extack, "this namespace is node %.60s already",
					       rival->name);
		else
			NL_SET_ERR_MSG_FMT_MOD(extack,
					       "underlay address belongs to node %.60s already",
					       rival->name);
		return -EEXIST;
	}
	return 0;
}

static void node_unlink_addrs(struct dvp_net *dn, struct dvp_node *node)
{
	unsigned int i;

	/* Removal is by object: what is not in there, or its heir's by now, is left alone. */
	for (i = 0; i < DVP_NODE_ADDRS; i++)
		if (!ipv6_addr_any(&node->underlay[i].addr))
			rhashtable_remove_fast(&dn->node_addrs, &node->underlay[i].hash,
					       node_addr_params);
}

static void node_evict_rivals(struct dvp_net *dn, const struct dvp_node *node)
{
	struct dvp_node *rival;
	unsigned int i;

	for (i = 0; i <= DVP_NODE_ADDRS; i++) {
		rival = node_rival(dn, node, i);
		if (rival)
			dvp_node_del(dn, rival);
	}
}

static bool node_keeps_addr(const struct dvp_node *node, const struct dvp_node *old,
			    unsigned int i)
{
	return old && ipv6_addr_equal(&node->underlay[i].addr, &old->underlay[i].addr);
}

/* Put @node's addresses into the table, over @old's where they are equal. */
static int node_link_addrs(struct dvp_net *dn, struct dvp_node *node,
			   struct dvp_node *old)
{
	unsigned int i;
	int err;

	/* What may fail comes first: then @old still has all of its own. */
	for (i = 0; i < DVP_NODE_ADDRS; i++) {
		struct dvp_node_addr *key = &node->underlay[i];

		if (ipv6_addr_any(&key->addr) || node_keeps_addr(node, old, i))
			continue;
		err = rhashtable_insert_fast(&dn->node_addrs, &key->hash,
					     node_addr_params);
		if (err)
			return err;
	}
	for (i = 0; i < DVP_NODE_ADDRS; i++)
		if (!ipv6_addr_any(&node->underlay[i].addr) && node_keeps_addr(node, old, i))
			rhashtable_replace_fast(&dn->node_addrs, &old->underlay[i].hash,
						&node->underlay[i].hash, node_addr_params);
	return 0;
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
	err = node_check_claims(dn, node, extack);
	if (err)
		return err;
	node_evict_rivals(dn, node);
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

/* Take a node out of all tables, for readers to forget. */
static void node_remove(struct dvp_net *dn, struct dvp_node *node)
{
	if (rcu_access_pointer(dn->self) == node)
		RCU_INIT_POINTER(dn->self, NULL);
	node_unlink_addrs(dn, node);
	rhashtable_remove_fast(&dn->node_names, &node->name_hash, node_name_params);
	xa_erase(&dn->nodes, node->id);
	call_rcu(&node->rcu, node_free_rcu);
}

/**
 * dvp_node_del - remove a node with its prefixes, and tell listeners
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
		if (rcu_access_pointer(prefix->node) != node)
			continue;
		dvp_netlink_notify_prefix(dn, prefix, DVPNET_CMD_PREFIX_DEL_NTF);
		dvp_prefix_del(&dn->prefixes, prefix);
	}
	dvp_netlink_notify_node(dn, node, DVPNET_CMD_NODE_DEL_NTF);
	node_remove(dn, node);
	dvp_sync_changed(dn);
}

/**
 * dvp_node_init - make the tables of nodes
 * @dn: whose
 *
 * Return: 0 or -ENOMEM.
 */
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
		node_remove(dn, node);
	xa_destroy(&dn->nodes);
	rhashtable_destroy(&dn->node_addrs);
	rhashtable_destroy(&dn->node_names);
}
