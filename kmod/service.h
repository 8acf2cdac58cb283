/* SPDX-License-Identifier: GPL-2.0 */
/* Services: what they are, and their lists of backends. */
#ifndef _DVPNET_SERVICE_H
#define _DVPNET_SERVICE_H

#include <linux/in6.h>
#include <linux/list.h>
#include <linux/rhashtable.h>

#include "backend.h"
#include "frontend.h"
#include "netns.h"
#include "range.h"

struct dvp_tuple;
struct netlink_ext_ack;

/**
 * struct dvp_service_rules - how a service treats its clients
 * @flags: &enum dvpnet_service_flags
 * @affinity: seconds for which a client stays with its backend, 0 = not at all
 * @algorithm: &enum dvpnet_algorithm
 * @cluster_why: &enum dvpnet_list_why of the list for cluster traffic policy
 * @local_why: the same of the list for local traffic policy
 */
struct dvp_service_rules {
	u32 flags;
	u32 affinity;
	u32 algorithm;
	u32 cluster_why;
	u32 local_why;
};

/**
 * struct dvp_service_member - a backend of a service
 * @backend: referenced
 * @flags: &enum dvpnet_backend_flags
 * @weight: its share of new connections in relation to the others'
 */
struct dvp_service_member {
	struct dvp_backend *backend;
	u32 flags;
	u32 weight;
};

/**
 * struct dvp_service_spec - what is replaced in one step when a service changes
 * @rcu: for freeing
 * @rules: how clients are treated
 * @source: where clients may come from, sorted
 * @sources: number of these ranges; 0 = from everywhere
 * @cluster: backends for cluster traffic policy
 * @local: backends for local traffic policy
 * @count: number of members
 * @member: all backends, sorted by id
 */
struct dvp_service_spec {
	struct rcu_head rcu;
	struct dvp_service_rules rules;
	struct dvp_range *source;
	u32 sources;
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
 * @proto: IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP
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
 * @proto: IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP
 * @rules: how clients shall be treated
 * @source: where clients may come from
 * @sources: number of these ranges
 * @frontends: number of frontends
 * @frontend: where clients connect to; those taken over have a @service, and NULL
 *	is one that was put in place and taken away again
 * @members: number of backends
 * @room: number of backends for which @member has room
 * @member: backends; each holds a reference of the draft
 */
struct dvp_service_draft {
	char *name;
	u8 family;
	u8 proto;
	struct dvp_service_rules rules;
	struct dvp_range *source;
	u32 sources;
	u32 frontends;
	struct dvp_frontend **frontend;
	u32 members;
	u32 room;
	struct dvp_service_member *member;
};

struct dvp_service *dvp_service_by_name(struct dvp_net *dn, const char *name,
					u8 family);
const struct dvp_service *dvp_service_by_frontend(struct dvp_net *dn,
						  const struct dvp_tuple *outer);
const struct dvp_service_member *
dvp_service_find_member(const struct dvp_service_spec *spec, u64 id);
int dvp_service_draft_begin(struct dvp_service_draft **draft, const char *name,
			    u8 family, u8 proto,
			    const struct dvp_service_rules *rules);
int dvp_service_draft_source(struct dvp_service_draft *draft,
			     const struct dvp_range *range);
int dvp_service_draft_frontend(struct dvp_service_draft *draft,
			       enum dvpnet_frontend_type type,
			       const struct in6_addr *addr, __be16 port);
int dvp_service_draft_backend(struct dvp_service_draft *draft,
			      const struct in6_addr *addr, __be16 port,
			      u32 flags, u32 weight);
void dvp_service_draft_free(struct dvp_service_draft *draft);
int dvp_service_set(struct dvp_net *dn, struct dvp_service_draft *draft,
		    struct dvp_service **result,
		    struct netlink_ext_ack *extack);
void dvp_service_del(struct dvp_net *dn, struct dvp_service *service);
int dvp_service_init(struct dvp_net *dn);
void dvp_service_exit(struct dvp_net *dn);

#endif
