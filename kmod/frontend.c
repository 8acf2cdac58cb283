// SPDX-License-Identifier: GPL-2.0
/*
 * Frontends: where clients connect to services. All types stand in one table,
 * by address, protocol and port; those on an address are counted by type, to
 * tell what an unused port of it means.
 */
#include <linux/slab.h>
#include <net/ipv6.h>

#include "frontend.h"
#include "netns.h"
#include "node.h"
#include "tuple.h"

static const struct rhashtable_params frontend_params = {
	.head_offset = offsetof(struct dvp_frontend, hash),
	.key_offset = offsetof(struct dvp_frontend, key),
	.key_len = sizeof(struct dvp_frontend_key),
	.automatic_shrinking = true,
};

static const struct rhashtable_params vip_params = {
	.head_offset = offsetof(struct dvp_vip, hash),
	.key_offset = offsetof(struct dvp_vip, addr),
	.key_len = sizeof(struct in6_addr),
	.automatic_shrinking = true,
};

/* The address of NodePorts in the table, by family: IPv6, IPv4. */
static const struct in6_addr frontend_any[2] = {
	[0] = IN6ADDR_ANY_INIT,
	[1] = { .s6_addr32 = { 0, 0, htonl(0xffff), 0 } },
};

/* ---- finding ---- */

/**
 * dvp_frontend_find_vip - is this an address of services?
 * @dn: where
 * @addr: the address
 *
 * Context: RCU read side.
 * Return: what is known of it, or NULL.
 */
const struct dvp_vip *dvp_frontend_find_vip(struct dvp_net *dn,
					    const struct in6_addr *addr)
{
	return rhashtable_lookup(&dn->vips, addr, vip_params);
}

static bool frontend_is_loopback(const struct in6_addr *addr)
{
	return ipv6_addr_v4mapped(addr) ? ipv4_is_loopback(addr->s6_addr32[3]) :
					  ipv6_addr_loopback(addr);
}

/*
 * NodePorts stand on the node's InternalIPs, or on every address but loopback.
 * An address of a Service is that Service's alone, also when this host has it;
 * but somebody's externalIPs must not take the NodePorts off an InternalIP.
 */
static bool frontend_has_node_ports(struct dvp_net *dn, const struct in6_addr *addr)
{
	const struct dvp_vip *vip = dvp_frontend_find_vip(dn, addr);
	const struct dvp_node *self = rcu_dereference(dn->self);

	if (dvp_frontend_vip_has(vip, DVPNET_FRONTEND_TYPE_CLUSTER_IP) ||
	    dvp_frontend_vip_has(vip, DVPNET_FRONTEND_TYPE_LOAD_BALANCER))
		return false;
	if (self && (ipv6_addr_equal(addr, &self->underlay[DVP_NODE_V4].addr) ||
		     ipv6_addr_equal(addr, &self->underlay[DVP_NODE_V6].addr)))
		return true;
	return !vip && rcu_dereference(dn->config)->nodeport_any &&
	       !frontend_is_loopback(addr) && dvp_netns_has_addr(dn, addr);
}

/**
 * dvp_frontend_find - which frontend does a client meet?
 * @dn: where
 * @outer: client to frontend
 *
 * Context: RCU read side.
 * Return: the frontend or NULL.
 */
const struct dvp_frontend *dvp_frontend_find(struct dvp_net *dn,
					     const struct dvp_tuple *outer)
{
	struct dvp_frontend_key key = {
		.addr = outer->dst,
		.port = outer->dport,
		.proto = outer->proto,
	};
	struct dvp_frontend *frontend;

	frontend = rhashtable_lookup(&dn->frontends, &key, frontend_params);
	if (frontend)
		return frontend;
	key.addr = frontend_any[dvp_tuple_is_v4(outer)];
	frontend = rhashtable_lookup(&dn->frontends, &key, frontend_params);
	if (frontend && !frontend_has_node_ports(dn, &outer->dst))
		return NULL;
	return frontend;
}

/**
 * dvp_frontend_get - the frontend that stands at a place
 * @dn: where
 * @key: the place
 *
 * Context: RCU read side or &dvp_net.lock.
 * Return: the frontend or NULL.
 */
struct dvp_frontend *dvp_frontend_get(struct dvp_net *dn,
				      const struct dvp_frontend_key *key)
{
	return rhashtable_lookup_fast(&dn->frontends, key, frontend_params);
}

/* ---- changing ---- */

/**
 * dvp_frontend_alloc - a new frontend, in no table yet
 * @type: its type
 * @family: AF_INET or AF_INET6
 * @proto: its protocol
 * @addr: its address; ignored for a NodePort
 * @port: its port, network byte order
 *
 * Context: may sleep.
 * Return: the frontend, for kfree(), or NULL without memory.
 */
struct dvp_frontend *dvp_frontend_alloc(enum dvpnet_frontend_type type, u8 family,
					u8 proto, const struct in6_addr *addr,
					__be16 port)
{
	struct dvp_frontend *frontend = kzalloc(sizeof(*frontend), GFP_KERNEL_ACCOUNT);

	if (!frontend)
		return NULL;
	frontend->type = type;
	frontend->key.port = port;
	frontend->key.proto = proto;
	frontend->key.addr = type == DVPNET_FRONTEND_TYPE_NODE_PORT ?
			     frontend_any[family == AF_INET] : *addr;
	return frontend;
}

static int frontend_get_vip(struct dvp_net *dn, const struct dvp_frontend *frontend)
{
	struct dvp_vip *vip;
	int err;

	if (frontend->type == DVPNET_FRONTEND_TYPE_NODE_PORT)
		return 0;
	vip = rhashtable_lookup_fast(&dn->vips, &frontend->key.addr, vip_params);
	if (vip) {
		WRITE_ONCE(vip->users[frontend->type], vip->users[frontend->type] + 1);
		return 0;
	}
	vip = kzalloc(sizeof(*vip), GFP_KERNEL_ACCOUNT);
	if (!vip)
		return -ENOMEM;
	vip->addr = frontend->key.addr;
	vip->users[frontend->type] = 1;
	err = rhashtable_insert_fast(&dn->vips, &vip->hash, vip_params);
	if (err)
		kfree(vip);
	return err;
}

static void frontend_put_vip(struct dvp_net *dn, const struct dvp_frontend *frontend)
{
	struct dvp_vip *vip;

	if (frontend->type == DVPNET_FRONTEND_TYPE_NODE_PORT)
		return;
	vip = rhashtable_lookup_fast(&dn->vips, &frontend->key.addr, vip_params);
	if (!vip)
		return;
	WRITE_ONCE(vip->users[frontend->type], vip->users[frontend->type] - 1);
	if (memchr_inv(vip->users, 0, sizeof(vip->users)))
		return;
	rhashtable_remove_fast(&dn->vips, &vip->hash, vip_params);
	kfree_rcu(vip, rcu);
}

/**
 * dvp_frontend_add - put a frontend where none stands
 * @dn: where
 * @frontend: the frontend; belongs to the table then
 * @head: the list of its service, at whose head it is put
 *
 * Context: &dvp_net.lock.
 * Return: 0 or -ENOMEM.
 */
int dvp_frontend_add(struct dvp_net *dn, struct dvp_frontend *frontend,
		     struct list_head *head)
{
	int err;

	err = frontend_get_vip(dn, frontend);
	if (err)
		return err;
	err = rhashtable_insert_fast(&dn->frontends, &frontend->hash, frontend_params);
	if (err) {
		frontend_put_vip(dn, frontend);
		return err;
	}
	list_add(&frontend->list, head);
	return 0;
}

/**
 * dvp_frontend_replace - put a frontend in the place of another with its key
 * @dn: where
 * @old: the other; the caller's then, to be freed after a grace period
 * @new: the frontend; belongs to the table then
 * @head: the list of its service, at whose head it is put
 *
 * Needs no memory: at that address something stands already.
 *
 * Context: &dvp_net.lock.
 */
void dvp_frontend_replace(struct dvp_net *dn, struct dvp_frontend *old,
			  struct dvp_frontend *new, struct list_head *head)
{
	frontend_get_vip(dn, new);
	rhashtable_replace_fast(&dn->frontends, &old->hash, &new->hash, frontend_params);
	list_del(&old->list);
	list_add(&new->list, head);
	frontend_put_vip(dn, old);
}

/**
 * dvp_frontend_remove - take a frontend away
 * @dn: where
 * @frontend: the frontend, freed after a grace period
 *
 * Context: &dvp_net.lock.
 */
void dvp_frontend_remove(struct dvp_net *dn, struct dvp_frontend *frontend)
{
	rhashtable_remove_fast(&dn->frontends, &frontend->hash, frontend_params);
	list_del(&frontend->list);
	frontend_put_vip(dn, frontend);
	kfree_rcu(frontend, rcu);
}

int dvp_frontend_init(struct dvp_net *dn)
{
	int err;

	err = rhashtable_init(&dn->frontends, &frontend_params);
	if (err)
		return err;
	err = rhashtable_init(&dn->vips, &vip_params);
	if (err)
		rhashtable_destroy(&dn->frontends);
	return err;
}

/**
 * dvp_frontend_exit - the tables are empty and go
 * @dn: whose
 */
void dvp_frontend_exit(struct dvp_net *dn)
{
	rhashtable_destroy(&dn->vips);
	rhashtable_destroy(&dn->frontends);
}
