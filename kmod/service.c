// SPDX-License-Identifier: GPL-2.0
/*
 * Services: frontends, and lists of backends.
 *
 * A service keeps its identity; what can change of it is a spec that is
 * replaced in one step. Frontends are put in place before the spec changes
 * and taken away after it.
 */
#include <linux/inetdevice.h>
#include <linux/jhash.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <net/addrconf.h>
#include <net/route.h>

#include "node.h"
#include "service.h"
#include "sync.h"

struct service_name {
	const char *name;
	u8 family;
};

static u32 service_name_hash(const void *data, u32 len, u32 seed)
{
	const struct service_name *key = data;

	return jhash(key->name, strlen(key->name), seed ^ key->family);
}

static u32 service_name_obj_hash(const void *data, u32 len, u32 seed)
{
	const struct dvp_service *service = data;
	const struct service_name key = { service->name, service->family };

	return service_name_hash(&key, 0, seed);
}

static int service_name_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct service_name *key = arg->key;
	const struct dvp_service *service = obj;

	return service->family != key->family || strcmp(service->name, key->name);
}

static const struct rhashtable_params service_name_params = {
	.head_offset = offsetof(struct dvp_service, name_hash),
	.hashfn = service_name_hash,
	.obj_hashfn = service_name_obj_hash,
	.obj_cmpfn = service_name_cmp,
	.automatic_shrinking = true,
};

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

/* ---- finding ---- */

static const struct in6_addr service_any[2] = {
	[0] = IN6ADDR_ANY_INIT,
	[1] = { .s6_addr32 = { 0, 0, htonl(0xffff), 0 } },
};

static bool service_addr_is_local(struct net *net, const struct in6_addr *addr)
{
	if (ipv6_addr_v4mapped(addr)) {
		__be32 addr4 = addr->s6_addr32[3];

		return !ipv4_is_loopback(addr4) &&
		       inet_addr_type(net, addr4) == RTN_LOCAL;
	}
	return !ipv6_addr_loopback(addr) && ipv6_chk_addr(net, addr, NULL, 0);
}

/* NodePorts stand on the node's InternalIPs, or on every address but loopback. */
static bool service_has_node_ports(struct dvp_net *dn, const struct in6_addr *addr)
{
	const struct dvp_node *self = rcu_dereference(dn->self);

	if (self && (ipv6_addr_equal(addr, &self->underlay[DVP_NODE_V4].addr) ||
		     ipv6_addr_equal(addr, &self->underlay[DVP_NODE_V6].addr)))
		return true;
	return rcu_dereference(dn->config)->nodeport_any &&
	       service_addr_is_local(dn->net, addr);
}

/**
 * dvp_service_find_frontend - which frontend does a client meet?
 * @dn: where
 * @outer: client to frontend
 *
 * Context: RCU read side.
 */
const struct dvp_frontend *dvp_service_find_frontend(struct dvp_net *dn,
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
	key.addr = service_any[dvp_tuple_is_v4(outer)];
	frontend = rhashtable_lookup(&dn->frontends, &key, frontend_params);
	if (frontend && !service_has_node_ports(dn, &outer->dst))
		return NULL;
	return frontend;
}

/**
 * dvp_service_by_frontend - whose frontend is this?
 * @dn: where
 * @outer: client to frontend
 *
 * Context: RCU read side.
 */
const struct dvp_service *dvp_service_by_frontend(struct dvp_net *dn,
						  const struct dvp_tuple *outer)
{
	const struct dvp_frontend *frontend = dvp_service_find_frontend(dn, outer);

	return frontend ? frontend->service : NULL;
}

/**
 * dvp_service_is_vip - is there a ClusterIP at this address?
 * @dn: where
 * @addr: the address
 *
 * Context: RCU read side.
 */
bool dvp_service_is_vip(struct dvp_net *dn, const struct in6_addr *addr)
{
	return rhashtable_lookup(&dn->vips, addr, vip_params);
}

/* ---- drafts ---- */

/**
 * dvp_service_draft_begin - start to describe a service
 * @draft: the draft, to be freed by dvp_service_draft_free()
 * @name: NAMESPACE/NAME:PORT
 * @family: AF_INET or AF_INET6
 * @proto: IPPROTO_TCP or IPPROTO_UDP
 * @flags: &enum dvpnet_service_flags
 *
 * Return: 0 or -ENOMEM.
 */
int dvp_service_draft_begin(struct dvp_service_draft **draft, const char *name,
			    u8 family, u8 proto, u32 flags)
{
	struct dvp_service_draft *new = kzalloc(sizeof(*new), GFP_KERNEL);

	if (!new)
		return -ENOMEM;
	new->name = kstrdup(name, GFP_KERNEL);
	if (!new->name) {
		kfree(new);
		return -ENOMEM;
	}
	new->family = family;
	new->proto = proto;
	new->flags = flags;
	*draft = new;
	return 0;
}

/**
 * dvp_service_draft_frontend - add a frontend to a draft
 * @draft: the draft
 * @type: its type
 * @addr: its address; ignored for a NodePort
 * @port: its port, network byte order
 *
 * Return: 0, -ENOMEM, or -EEXIST if the draft has this frontend already.
 */
int dvp_service_draft_frontend(struct dvp_service_draft *draft,
			       enum dvpnet_frontend_type type,
			       const struct in6_addr *addr, __be16 port)
{
	struct dvp_frontend **array, *frontend;
	u32 i;

	frontend = kzalloc(sizeof(*frontend), GFP_KERNEL);
	if (!frontend)
		return -ENOMEM;
	frontend->type = type;
	frontend->key.port = port;
	frontend->key.proto = draft->proto;
	frontend->key.addr = type == DVPNET_FRONTEND_TYPE_NODE_PORT ?
			     service_any[draft->family == AF_INET] : *addr;
	for (i = 0; i < draft->frontends; i++) {
		if (!memcmp(&draft->frontend[i]->key, &frontend->key,
			    sizeof(frontend->key))) {
			kfree(frontend);
			return -EEXIST;
		}
	}
	array = krealloc(draft->frontend, (draft->frontends + 1) * sizeof(*array),
			 GFP_KERNEL);
	if (!array) {
		kfree(frontend);
		return -ENOMEM;
	}
	draft->frontend = array;
	draft->frontend[draft->frontends++] = frontend;
	return 0;
}

static int service_draft_grow(struct dvp_service_draft *draft)
{
	u32 room = max(16U, draft->room * 2);
	struct dvp_service_member *member;

	member = kvmalloc_array(room, sizeof(*member), GFP_KERNEL);
	if (!member)
		return -ENOMEM;
	if (draft->members)
		memcpy(member, draft->member, draft->members * sizeof(*member));
	kvfree(draft->member);
	draft->member = member;
	draft->room = room;
	return 0;
}

/**
 * dvp_service_draft_backend - add a backend to a draft
 * @draft: the draft
 * @addr: its address
 * @port: its port, network byte order
 * @flags: &enum dvpnet_backend_flags
 *
 * Return: 0 or -ENOMEM.
 */
int dvp_service_draft_backend(struct dvp_service_draft *draft,
			      const struct in6_addr *addr, __be16 port,
			      u32 flags)
{
	struct dvp_backend *backend;

	if (draft->members == draft->room && service_draft_grow(draft))
		return -ENOMEM;
	backend = dvp_backend_alloc(addr, port);
	if (!backend)
		return -ENOMEM;
	draft->member[draft->members].backend = backend;
	draft->member[draft->members++].flags = flags;
	return 0;
}

/**
 * dvp_service_draft_free - throw a draft away
 * @draft: the draft, or NULL
 */
void dvp_service_draft_free(struct dvp_service_draft *draft)
{
	u32 i;

	if (!draft)
		return;
	for (i = 0; i < draft->frontends; i++)
		if (!draft->frontend[i]->service)
			kfree(draft->frontend[i]);
	kfree(draft->frontend);
	for (i = 0; i < draft->members; i++)
		dvp_backend_put(draft->member[i].backend);
	kvfree(draft->member);
	kfree(draft->name);
	kfree(draft);
}

/* ---- specs ---- */

static void service_spec_free(struct dvp_service_spec *spec)
{
	u32 i;

	for (i = 0; i < spec->count; i++)
		dvp_backend_put(spec->member[i].backend);
	dvp_backend_list_free(spec->cluster);
	dvp_backend_list_free(spec->local);
	kvfree(spec);
}

static void service_spec_free_rcu(struct rcu_head *rcu)
{
	service_spec_free(container_of(rcu, struct dvp_service_spec, rcu));
}

static int service_member_cmp(const void *a, const void *b)
{
	const struct dvp_service_member *one = a, *other = b;

	if (one->backend->id == other->backend->id)
		return 0;
	return one->backend->id < other->backend->id ? -1 : 1;
}

static struct dvp_service_member *
service_find_member(struct dvp_service_spec *spec, u64 id)
{
	u32 low = 0, high = spec ? spec->count : 0;

	while (low < high) {
		u32 middle = low + (high - low) / 2;
		struct dvp_service_member *member = &spec->member[middle];

		if (member->backend->id == id)
			return member;
		if (member->backend->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static struct dvp_backend_list *service_make_list(struct dvp_service_spec *spec,
						  u32 flag)
{
	struct dvp_backend **backends;
	struct dvp_backend_list *list;
	u32 count = 0, i;

	backends = kvmalloc_array(max(spec->count, 1U), sizeof(*backends), GFP_KERNEL);
	if (!backends)
		return NULL;
	for (i = 0; i < spec->count; i++)
		if (spec->member[i].flags & flag)
			backends[count++] = spec->member[i].backend;
	list = dvp_backend_list_make(backends, count);
	kvfree(backends);
	return list;
}

/* Takes the draft's backends over, or those of the old spec that are the same endpoint. */
static struct dvp_service_spec *service_make_spec(struct dvp_service_draft *draft,
						  struct dvp_service_spec *old)
{
	struct dvp_service_spec *spec;
	u32 i;

	spec = kvzalloc(struct_size(spec, member, draft->members), GFP_KERNEL);
	if (!spec)
		return NULL;
	spec->flags = draft->flags;
	spec->count = draft->members;
	for (i = 0; i < spec->count; i++) {
		struct dvp_service_member *kept;

		spec->member[i] = draft->member[i];
		kept = service_find_member(old, draft->member[i].backend->id);
		if (kept)
			spec->member[i].backend = kept->backend;
		dvp_backend_get(spec->member[i].backend);
	}
	spec->cluster = service_make_list(spec, DVPNET_BACKEND_FLAGS_CLUSTER);
	spec->local = service_make_list(spec, DVPNET_BACKEND_FLAGS_LOCAL);
	if (!spec->cluster || !spec->local) {
		service_spec_free(spec);
		return NULL;
	}
	return spec;
}

static bool service_spec_is_equal(const struct dvp_service_spec *spec,
				  const struct dvp_service_draft *draft)
{
	u32 i;

	if (spec->flags != draft->flags || spec->count != draft->members)
		return false;
	for (i = 0; i < spec->count; i++)
		if (spec->member[i].backend->id != draft->member[i].backend->id ||
		    spec->member[i].flags != draft->member[i].flags)
			return false;
	return true;
}

/* Flows of endpoints that the service has no longer ask for this at their next packet. */
static void service_retire(struct dvp_service_spec *old, struct dvp_service_spec *new)
{
	u32 i;

	for (i = 0; i < old->count; i++)
		if (!service_find_member(new, old->member[i].backend->id))
			WRITE_ONCE(old->member[i].backend->gone, true);
	call_rcu(&old->rcu, service_spec_free_rcu);
}

/* ---- frontends ---- */

static int service_get_vip(struct dvp_net *dn, const struct dvp_frontend *frontend)
{
	struct dvp_vip *vip;
	int err;

	if (frontend->type != DVPNET_FRONTEND_TYPE_CLUSTER_IP)
		return 0;
	vip = rhashtable_lookup_fast(&dn->vips, &frontend->key.addr, vip_params);
	if (vip) {
		vip->users++;
		return 0;
	}
	vip = kzalloc(sizeof(*vip), GFP_KERNEL);
	if (!vip)
		return -ENOMEM;
	vip->addr = frontend->key.addr;
	vip->users = 1;
	err = rhashtable_insert_fast(&dn->vips, &vip->hash, vip_params);
	if (err)
		kfree(vip);
	return err;
}

static void service_put_vip(struct dvp_net *dn, const struct dvp_frontend *frontend)
{
	struct dvp_vip *vip;

	if (frontend->type != DVPNET_FRONTEND_TYPE_CLUSTER_IP)
		return;
	vip = rhashtable_lookup_fast(&dn->vips, &frontend->key.addr, vip_params);
	if (!vip || --vip->users)
		return;
	rhashtable_remove_fast(&dn->vips, &vip->hash, vip_params);
	kfree_rcu(vip, rcu);
}

static void service_remove_frontend(struct dvp_net *dn, struct dvp_frontend *frontend)
{
	rhashtable_remove_fast(&dn->frontends, &frontend->hash, frontend_params);
	list_del(&frontend->list);
	service_put_vip(dn, frontend);
	kfree_rcu(frontend, rcu);
}

/* Which services stand where this draft wants to? Those about to be swept give way. */
static int service_claim(struct dvp_net *dn, const struct dvp_service_draft *draft,
			 const struct dvp_service *service,
			 struct netlink_ext_ack *extack)
{
	u32 i;

	for (i = 0; i < draft->frontends; i++) {
		const struct dvp_frontend_key *key = &draft->frontend[i]->key;
		struct dvp_frontend *other;

		other = rhashtable_lookup_fast(&dn->frontends, key, frontend_params);
		if (!other || other->service == service)
			continue;
		if (!dvp_sync_is_outdated(dn, other->service->stamp)) {
			NL_SET_ERR_MSG_FMT_MOD(extack, "port %u is taken by %.50s",
					       ntohs(key->port), other->service->name);
			return -EEXIST;
		}
		service_remove_frontend(dn, other);
	}
	return 0;
}

/* The same place under another type: one object takes the other's place. */
static int service_swap_frontend(struct dvp_net *dn, struct dvp_frontend *old,
				 struct dvp_frontend *new)
{
	int err;

	err = service_get_vip(dn, new);
	if (err)
		return err;
	rhashtable_replace_fast(&dn->frontends, &old->hash, &new->hash, frontend_params);
	list_replace(&old->list, &new->list);
	service_put_vip(dn, old);
	kfree_rcu(old, rcu);
	return 0;
}

static int service_add_frontend(struct dvp_net *dn, struct dvp_service *service,
				struct dvp_frontend *frontend)
{
	int err;

	err = service_get_vip(dn, frontend);
	if (err)
		return err;
	err = rhashtable_insert_fast(&dn->frontends, &frontend->hash, frontend_params);
	if (err) {
		service_put_vip(dn, frontend);
		return err;
	}
	list_add(&frontend->list, &service->frontends);
	return 0;
}

/*
 * Put those frontends of a draft in place that the service lacks; they are
 * the service's then, which their @service tells. On error none was added.
 */
static int service_add_frontends(struct dvp_net *dn, struct dvp_service *service,
				 struct dvp_service_draft *draft)
{
	struct dvp_frontend *old;
	u32 i, added = 0;
	int err;

	for (i = 0; i < draft->frontends; i++) {
		struct dvp_frontend *frontend = draft->frontend[i];

		old = rhashtable_lookup_fast(&dn->frontends, &frontend->key, frontend_params);
		if (old && old->type == frontend->type)
			continue;
		frontend->service = service;
		if (old) {
			err = service_swap_frontend(dn, old, frontend);
		} else {
			err = service_add_frontend(dn, service, frontend);
			added += !err;
		}
		if (err) {
			frontend->service = NULL;
			goto undo;
		}
	}
	return added;

undo:
	/* New ones stand at the head of the list. */
	while (added--)
		service_remove_frontend(dn, list_first_entry(&service->frontends,
							     struct dvp_frontend, list));
	return err;
}

static bool service_draft_has(const struct dvp_service_draft *draft,
			      const struct dvp_frontend_key *key)
{
	u32 i;

	for (i = 0; i < draft->frontends; i++)
		if (!memcmp(&draft->frontend[i]->key, key, sizeof(*key)))
			return true;
	return false;
}

/* Take away what the draft has no longer; true if there was any. */
static bool service_drop_frontends(struct dvp_net *dn, struct dvp_service *service,
				   const struct dvp_service_draft *draft)
{
	struct dvp_frontend *frontend, *next;
	bool dropped = false;

	list_for_each_entry_safe(frontend, next, &service->frontends, list) {
		if (service_draft_has(draft, &frontend->key))
			continue;
		service_remove_frontend(dn, frontend);
		dropped = true;
	}
	return dropped;
}

/* ---- services ---- */

/**
 * dvp_service_by_name - find a service
 * @dn: where
 * @name: its name
 * @family: AF_INET or AF_INET6
 *
 * Context: RCU read side or &dvp_net.lock.
 */
struct dvp_service *dvp_service_by_name(struct dvp_net *dn, const char *name,
					u8 family)
{
	const struct service_name key = { name, family };

	return rhashtable_lookup_fast(&dn->service_names, &key, service_name_params);
}

static struct dvp_service *service_alloc(struct dvp_net *dn,
					 const struct dvp_service_draft *draft)
{
	size_t size = strlen(draft->name) + 1;
	struct dvp_service *service;
	int err;

	service = kzalloc(sizeof(*service) + size, GFP_KERNEL);
	if (!service)
		return NULL;
	memcpy(service->name, draft->name, size);
	service->family = draft->family;
	service->proto = draft->proto;
	INIT_LIST_HEAD(&service->frontends);
	err = xa_alloc_cyclic(&dn->services, &service->id, service, xa_limit_31b,
			      &dn->next_id, GFP_KERNEL);
	if (err < 0)
		goto err_free;
	err = rhashtable_insert_fast(&dn->service_names, &service->name_hash,
				     service_name_params);
	if (err)
		goto err_id;
	return service;

err_id:
	xa_erase(&dn->services, service->id);
err_free:
	kfree(service);
	return NULL;
}

static void service_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct dvp_service, rcu));
}

static void service_unlink(struct dvp_net *dn, struct dvp_service *service)
{
	rhashtable_remove_fast(&dn->service_names, &service->name_hash,
			       service_name_params);
	xa_erase(&dn->services, service->id);
	call_rcu(&service->rcu, service_free_rcu);
}

static int service_check(struct dvp_service_draft *draft,
			 const struct dvp_service *service,
			 struct netlink_ext_ack *extack)
{
	u32 i;

	if (service && service->proto != draft->proto) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "protocol of %.50s cannot change",
				       draft->name);
		return -EINVAL;
	}
	for (i = 1; i < draft->members; i++) {
		if (draft->member[i - 1].backend->id == draft->member[i].backend->id) {
			NL_SET_ERR_MSG_FMT_MOD(extack, "%.50s has a backend twice",
					       draft->name);
			return -EEXIST;
		}
	}
	return 0;
}

/**
 * dvp_service_set - add or replace a service in one step
 * @dn: where
 * @draft: what it shall be; remains the caller's to free
 * @result: the service
 * @extack: says why not
 *
 * Context: &dvp_net.lock.
 * Return: 1 if something changed, 0 if the service was so already; -EEXIST if
 * a frontend is another service's or a backend stands twice, -EINVAL, -ENOMEM.
 * On error nothing has changed.
 */
int dvp_service_set(struct dvp_net *dn, struct dvp_service_draft *draft,
		    struct dvp_service **result, struct netlink_ext_ack *extack)
{
	struct dvp_service *service;
	struct dvp_service_spec *old = NULL, *spec = NULL;
	bool is_new, dropped;
	int err, added;

	sort(draft->member, draft->members, sizeof(*draft->member),
	     service_member_cmp, NULL);
	service = dvp_service_by_name(dn, draft->name, draft->family);
	is_new = !service;
	err = service_check(draft, service, extack);
	if (!err)
		err = service_claim(dn, draft, service, extack);
	if (err)
		return err;

	if (service)
		old = rcu_dereference_protected(service->spec, lockdep_is_held(&dn->lock));
	else
		service = service_alloc(dn, draft);
	if (!service)
		return -ENOMEM;
	if (!old || !service_spec_is_equal(old, draft)) {
		spec = service_make_spec(draft, old);
		err = spec ? 0 : -ENOMEM;
		if (err)
			goto err_service;
	}

	/* A new service's frontends must not be met before it has a spec. */
	if (!old)
		rcu_assign_pointer(service->spec, spec);
	added = service_add_frontends(dn, service, draft);
	if (added < 0) {
		err = added;
		goto err_spec;
	}
	if (old && spec) {
		rcu_assign_pointer(service->spec, spec);
		service_retire(old, spec);
	}
	dropped = service_drop_frontends(dn, service, draft);
	service->stamp = dn->sync.stamp;
	*result = service;
	return spec || added || dropped;

err_spec:
	if (spec)
		call_rcu(&spec->rcu, service_spec_free_rcu);
err_service:
	if (is_new)
		service_unlink(dn, service);
	return err;
}

/**
 * dvp_service_del - remove a service
 * @dn: where
 * @service: the service
 *
 * Context: &dvp_net.lock.
 */
void dvp_service_del(struct dvp_net *dn, struct dvp_service *service)
{
	struct dvp_service_spec *spec;
	struct dvp_frontend *frontend, *next;

	list_for_each_entry_safe(frontend, next, &service->frontends, list)
		service_remove_frontend(dn, frontend);
	spec = rcu_dereference_protected(service->spec, lockdep_is_held(&dn->lock));
	service_retire(spec, NULL);
	service_unlink(dn, service);
}

int dvp_service_init(struct dvp_net *dn)
{
	int err;

	xa_init_flags(&dn->services, XA_FLAGS_ALLOC1);
	err = rhashtable_init(&dn->service_names, &service_name_params);
	if (err)
		return err;
	err = rhashtable_init(&dn->frontends, &frontend_params);
	if (err)
		goto err_names;
	err = rhashtable_init(&dn->vips, &vip_params);
	if (err)
		goto err_frontends;
	return 0;

err_frontends:
	rhashtable_destroy(&dn->frontends);
err_names:
	rhashtable_destroy(&dn->service_names);
	return err;
}

/**
 * dvp_service_exit - remove all services
 * @dn: whose
 *
 * Context: &dvp_net.lock.
 */
void dvp_service_exit(struct dvp_net *dn)
{
	struct dvp_service *service;
	unsigned long id;

	xa_for_each(&dn->services, id, service)
		dvp_service_del(dn, service);
	xa_destroy(&dn->services);
	rhashtable_destroy(&dn->vips);
	rhashtable_destroy(&dn->frontends);
	rhashtable_destroy(&dn->service_names);
}
