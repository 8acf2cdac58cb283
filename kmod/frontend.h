/* SPDX-License-Identifier: GPL-2.0 */
/* Frontends: where clients connect to services. */
#ifndef _DVPNET_FRONTEND_H
#define _DVPNET_FRONTEND_H

#include <linux/in6.h>
#include <linux/list.h>
#include <linux/rhashtable.h>

#include <uapi/linux/dvpnet.h>

struct dvp_net;
struct dvp_service;
struct dvp_tuple;

#define DVP_FRONTEND_TYPES	(DVPNET_FRONTEND_TYPE_EXTERNAL_IP + 1)

/**
 * struct dvp_frontend_key - where clients connect to
 * @addr: virtual address; for a NodePort unspecified, in the service's family
 * @port: port, network byte order
 * @proto: IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP
 * @zero: padding
 */
struct dvp_frontend_key {
	struct in6_addr addr;
	__be16 port;
	u8 proto;
	u8 zero;
};

/**
 * struct dvp_frontend - one place where clients connect to a service
 * @hash: in &dvp_net.frontends
 * @key: its key there
 * @type: &enum dvpnet_frontend_type
 * @service: whose it is, NULL in a draft; outlives it
 * @list: in &dvp_service.frontends; under &dvp_net.lock
 * @before: what stood in its place, while a change may have to be undone
 * @rcu: for freeing
 */
struct dvp_frontend {
	struct rhash_head hash;
	struct dvp_frontend_key key;
	enum dvpnet_frontend_type type;
	struct dvp_service *service;
	struct list_head list;
	struct dvp_frontend *before;
	struct rcu_head rcu;
};

/**
 * struct dvp_vip - an address of services
 * @hash: in &dvp_net.vips
 * @addr: the address
 * @users: number of its frontends of each type; written under &dvp_net.lock
 * @rcu: for freeing
 */
struct dvp_vip {
	struct rhash_head hash;
	struct in6_addr addr;
	u32 users[DVP_FRONTEND_TYPES];
	struct rcu_head rcu;
};

struct dvp_frontend *dvp_frontend_alloc(enum dvpnet_frontend_type type, u8 family,
					u8 proto, const struct in6_addr *addr,
					__be16 port);
struct dvp_frontend *dvp_frontend_get(struct dvp_net *dn,
				      const struct dvp_frontend_key *key);
int dvp_frontend_add(struct dvp_net *dn, struct dvp_frontend *frontend,
		     struct list_head *head);
void dvp_frontend_replace(struct dvp_net *dn, struct dvp_frontend *old,
			  struct dvp_frontend *new, struct list_head *head);
void dvp_frontend_remove(struct dvp_net *dn, struct dvp_frontend *frontend);
const struct dvp_frontend *dvp_frontend_find(struct dvp_net *dn,
					     const struct dvp_tuple *outer);
const struct dvp_vip *dvp_frontend_find_vip(struct dvp_net *dn,
					    const struct in6_addr *addr);
int dvp_frontend_init(struct dvp_net *dn);
void dvp_frontend_exit(struct dvp_net *dn);

/**
 * dvp_frontend_vip_has - has an address frontends of a type?
 * @vip: the address, or NULL
 * @type: the type
 */
static inline bool dvp_frontend_vip_has(const struct dvp_vip *vip,
					enum dvpnet_frontend_type type)
{
	return vip && READ_ONCE(vip->users[type]);
}

#endif
