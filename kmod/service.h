/* SPDX-License-Identifier: GPL-2.0 */
/* Services: frontends, and lists of backends. */
#ifndef _DVPNET_SERVICE_H
#define _DVPNET_SERVICE_H

#include <linux/in6.h>
#include <linux/list.h>
#include <linux/rhashtable.h>

#include "backend.h"
#include "netns.h"
#include "tuple.h"

struct netlink_ext_ack;

/**
 * struct dvp_frontend_key - where clients connect to
 * @addr: virtual address; for a NodePort unspecified, in the service's family
 * @port: port, network byte order
 * @proto: IPPROTO_TCP or IPPROTO_UDP
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
 * @rcu: for freeing
 */
struct dvp_frontend {
	struct rhash_head hash;
	struct dvp_frontend_key key;
	enum dvpnet_frontend_type type;
	struct dvp_service *service;
	struct list_head list;
	struct rcu_head rcu;
};

/**
 * struct dvp_vip - an address with ClusterIP frontends
 * @hash: in &dvp_net.vips
 * @addr: the address
 * @users: number of frontends; under &dvp_net.lock
 * @rcu: for freeing
 */
struct dvp_vip {
	struct rhash_head hash;
	struct in6_addr addr;
	u32 users;
	struct rcu_head rcu;
};

/**
 * struct dvp_service_member - a backend of a service
 * @backend: referenced
 * @flags: &enum dvpnet_backend_flags
 */
struct dvp_service_member {
	struct dvp_backend *backend;
	u32 flags;
};

/**
 * struct dvp_service_spec - what is replaced in one step when a service changes
 * @rcu: for freeing
 * @flags: &enum dvpnet_service_flags
 * @cluster: backends for cluster traffic policy
 * @local: backends for local traffic policy
 * @count: number of members
 * @member: all backends, sorted by id
 */
struct dvp_service_spec {
	struct rcu_head rcu;
	u32 flags;
	struct dvp_backend_list *cluster;
	struct dvp_backend_list *local;
	u32 count;
	struct dvp_service_member member[];
};

/**
 * struct dvp_service - one port of a Kubernetes Service in one family
 * @name_hash: in &dvp_net.service_names
 * @rcu: for freeing
 * @id: index in &dvp_net.services
 * @stamp: the sync that last named it
 * @family: AF_INET or AF_INET6
 * @proto: IPPROTO_TCP or IPPROTO_UDP
 * @spec: the rest, replaced as a whole
 * @frontends: &struct dvp_frontend; under &dvp_net.lock
 * @name: NAMESPACE/NAME:PORT
 */
struct dvp_service {
	struct rhash_head name_hash;
	struct rcu_head rcu;
	u32 id;
	u32 stamp;
	u8 family;
	u8 proto;
	struct dvp_service_spec __rcu *spec;
	struct list_head frontends;
	char name[];
};

/**
 * struct dvp_service_draft - a service as a request describes it, before it takes effect
 * @name: its name
 * @family: AF_INET or AF_INET6
 * @proto: IPPROTO_TCP or IPPROTO_UDP
 * @flags: &enum dvpnet_service_flags
 * @frontends: number of frontends
 * @frontend: where clients connect to; those taken over have a @service
 * @members: number of backends
 * @room: number of backends for which @member has room
 * @member: backends; each holds a reference of the draft
 */
struct dvp_service_draft {
	char *name;
	u8 family;
	u8 proto;
	u32 flags;
	u32 frontends;
	struct dvp_frontend **frontend;
	u32 members;
	u32 room;
	struct dvp_service_member *member;
};

const struct dvp_frontend *dvp_service_find_frontend(struct dvp_net *dn,
						     const struct dvp_tuple *outer);
bool dvp_service_is_vip(struct dvp_net *dn, const struct in6_addr *addr);
struct dvp_service *dvp_service_by_name(struct dvp_net *dn, const char *name,
					u8 family);
const struct dvp_service *dvp_service_by_frontend(struct dvp_net *dn,
						  const struct dvp_tuple *outer);
int dvp_service_draft_begin(struct dvp_service_draft **draft, const char *name,
			    u8 family, u8 proto, u32 flags);
int dvp_service_draft_frontend(struct dvp_service_draft *draft,
			       enum dvpnet_frontend_type type,
			       const struct in6_addr *addr, __be16 port);
int dvp_service_draft_backend(struct dvp_service_draft *draft,
			      const struct in6_addr *addr, __be16 port,
			      u32 flags);
void dvp_service_draft_free(struct dvp_service_draft *draft);
int dvp_service_set(struct dvp_net *dn, struct dvp_service_draft *draft,
		    struct dvp_service **service,
		    struct netlink_ext_ack *extack);
void dvp_service_del(struct dvp_net *dn, struct dvp_service *service);
int dvp_service_init(struct dvp_net *dn);
void dvp_service_exit(struct dvp_net *dn);

#endif
