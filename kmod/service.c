// SPDX-License-Identifier: GPL-2.0
/*
 * Services: what they are, and their lists of backends.
 *
 * A service keeps its identity; what can change of it is a spec that is
 * replaced in one step. Frontends are put in place before the spec changes
 * and taken away after it.
 */
#include <linux/jhash.h>
#include <linux/slab.h>
#include <linux/sort.h>

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

/* ---- finding ---- */

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
	const struct dvp_frontend *frontend = dvp_frontend_find(dn, outer);

	return frontend ? frontend->service : NULL;
}

/* ---- drafts ---- */

/**
 * dvp_service_draft_begin - start to describe a service
 * @draft: the draft, to be freed by dvp_service_draft_free()
 * @name: NAMESPACE/NAME:PORT
 * @family: AF_INET or AF_INET6
 * @proto: IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP
 * @rules: how clients shall be treated
 *
 * Return: 0 or -ENOMEM.
 */
int dvp_service_draft_begin(struct dvp_service_draft **draft, const char *name,
			    u8 family, u8 proto,
			    const struct dvp_service_rules *rules)
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
	new->rules = *rules;
	*draft = new;
	return 0;
}

/**
 * dvp_service_draft_source - add a range to a draft from which clients may come
 * @draft: the draft
 * @range: the range
 *
 * Return: 0, -ENOMEM, or -E2BIG above %DVPNET_RANGES_MAX ranges.
 */
int dvp_service_draft_source(struct dvp_service_draft *draft,
			     const struct dvp_range *range)
{
	struct dvp_range *array;

	if (draft->sources == DVPNET_RANGES_MAX)
		return -E2BIG;
	array = krealloc(draft->source, (draft->sources + 1) * sizeof(*array), GFP_KERNEL_ACCOUNT);
	if (!array)
		return -ENOMEM;
	draft->source = array;
	draft->source[draft->sources++] = *range;
	return 0;
}

/**
 * dvp_service_draft_frontend - add a frontend to a draft
 * @draft: the draft
 * @type: its type
 * @addr: its address; ignored for a NodePort
 * @port: its port, network byte order
 *
 * Return: 0, -ENOMEM, -E2BIG above %DVPNET_FRONTENDS_MAX frontends, or -EEXIST
 * if the draft has this one already.
 */
int dvp_service_draft_frontend(struct dvp_service_draft *draft,
			       enum dvpnet_frontend_type type,
			       const struct in6_addr *addr, __be16 port)
{
	struct dvp_frontend **array, *frontend;
	u32 i;

	if (draft->frontends == DVPNET_FRONTENDS_MAX)
		return -E2BIG;
	frontend = dvp_frontend_alloc(type, draft->family, draft->proto, addr, port);
	if (!frontend)
		return -ENOMEM;
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
 * @weight: its share of new connections
 *
 * Return: 0 or -ENOMEM.
 */
int dvp_service_draft_backend(struct dvp_service_draft *draft,
			      const struct in6_addr *addr, __be16 port,
			      u32 flags, u32 weight)
{
	struct dvp_backend *backend;

	if (draft->members == draft->room && service_draft_grow(draft))
		return -ENOMEM;
	backend = dvp_backend_alloc(addr, port);
	if (!backend)
		return -ENOMEM;
	draft->member[draft->members++] = (struct dvp_service_member){
		.backend = backend,
		.flags = flags,
		.weight = weight,
	};
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
		if (draft->frontend[i] && !draft->frontend[i]->service)
			kfree(draft->frontend[i]);
	kfree(draft->frontend);
	for (i = 0; i < draft->members; i++)
		dvp_backend_put(draft->member[i].backend);
	kvfree(draft->member);
	kfree(draft->source);
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
	kfree(spec->source);
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

/**
 * dvp_service_find_member - find a backend of a service
 * @spec: what the service is, or NULL
 * @id: &dvp_backend.id
 *
 * Return: the member or NULL.
 */
const struct dvp_service_member *
dvp_service_find_member(const struct dvp_service_spec *spec, u64 id)
{
	u32 low = 0, high = spec ? spec->count : 0;

	while (low < high) {
		u32 middle = low + (high - low) / 2;
		const struct dvp_service_member *member = &spec->member[middle];

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
	struct dvp_backend_share *shares;
	struct dvp_backend_list *list;
	u32 count = 0, i;

	shares = kvmalloc_array(max(spec->count, 1U), sizeof(*shares), GFP_KERNEL);
	if (!shares)
		return NULL;
	for (i = 0; i < spec->count; i++) {
		if (!(spec->member[i].flags & flag))
			continue;
		shares[count].backend = spec->member[i].backend;
		shares[count++].weight = spec->member[i].weight;
	}
	list = dvp_backend_list_make(shares, count);
	kvfree(shares);
	return list;
}

/* Takes the draft's backends over, or those of the old spec that are the same endpoint. */
static struct dvp_service_spec *service_make_spec(struct dvp_service_draft *draft,
						  struct dvp_service_spec *old)
{
	struct dvp_service_spec *spec;
	u32 i;

	spec = kvzalloc(struct_size(spec, member, draft->members), GFP_KERNEL_ACCOUNT);
	if (!spec)
		return NULL;
	spec->rules = draft->rules;
	spec->count = draft->members;
	for (i = 0; i < spec->count; i++) {
		const struct dvp_service_member *kept;

		spec->member[i] = draft->member[i];
		kept = dvp_service_find_member(old, draft->member[i].backend->id);
		if (kept)
			spec->member[i].backend = kept->backend;
		dvp_backend_get(spec->member[i].backend);
	}
	spec->sources = draft->sources;
	spec->source = kmemdup(draft->source, draft->sources * sizeof(*draft->source),
			       GFP_KERNEL_ACCOUNT);
	spec->cluster = service_make_list(spec, DVPNET_BACKEND_FLAGS_CLUSTER);
	spec->local = service_make_list(spec, DVPNET_BACKEND_FLAGS_LOCAL);
	if (!spec->source || !spec->cluster || !spec->local) {
		service_spec_free(spec);
		return NULL;
	}
	return spec;
}

static bool service_spec_is_equal(const struct dvp_service_spec *spec,
				  const struct dvp_service_draft *draft)
{
	u32 i;

	if (memcmp(&spec->rules, &draft->rules, sizeof(spec->rules)) ||
	    spec->sources != draft->sources || spec->count != draft->members ||
	    memcmp(spec->source, draft->source, spec->sources * sizeof(*spec->source)))
		return false;
	for (i = 0; i < spec->count; i++)
		if (spec->member[i].backend->id != draft->member[i].backend->id ||
		    spec->member[i].flags != draft->member[i].flags ||
		    spec->member[i].weight != draft->member[i].weight)
			return false;
	return true;
}

/* Flows of endpoints that the service has no longer ask for this at their next packet. */
static void service_retire(struct dvp_service_spec *old, struct dvp_service_spec *new)
{
	u32 i;

	for (i = 0; i < old->count; i++)
		if (!dvp_service_find_member(new, old->member[i].backend->id))
			WRITE_ONCE(old->member[i].backend->gone, true);
	call_rcu(&old->rcu, service_spec_free_rcu);
}

/* ---- frontends ---- */

/* May the draft stand where it wants to? Services about to be swept will give way. */
static int service_check_frontends(struct dvp_net *dn, const struct dvp_service_draft *draft,
				   const struct dvp_service *service,
				   struct netlink_ext_ack *extack)
{
	u32 i;

	for (i = 0; i < draft->frontends; i++) {
		const struct dvp_frontend_key *key = &draft->frontend[i]->key;
		const struct dvp_frontend *other = dvp_frontend_get(dn, key);

		if (!other || other->service == service ||
		    dvp_sync_is_outdated(dn, other->service->stamp))
			continue;
		NL_SET_ERR_MSG_FMT_MOD(extack, "port %u is taken by %.50s",
				       ntohs(key->port), other->service->name);
		return -EEXIST;
	}
	return 0;
}

/* Returns 1 if the frontend was put in place, 0 if the service has it, or an error. */
static int service_add_frontend(struct dvp_net *dn, struct dvp_service *service,
				struct dvp_frontend *frontend)
{
	struct dvp_frontend *old = dvp_frontend_get(dn, &frontend->key);
	int err;

	if (old && old->service == service && old->type == frontend->type)
		return 0;
	frontend->service = service;
	if (old) {
		/* Under another type, or of a service that gives way. */
		dvp_frontend_replace(dn, old, frontend, &service->frontends);
		frontend->before = old;
		return 1;
	}
	err = dvp_frontend_add(dn, frontend, &service->frontends);
	if (!err)
		return 1;
	frontend->service = NULL;
	return err;
}

static void service_undo_frontend(struct dvp_net *dn, struct dvp_frontend *frontend)
{
	struct dvp_frontend *old = frontend->before;

	if (!old) {
		dvp_frontend_remove(dn, frontend);
		return;
	}
	dvp_frontend_replace(dn, frontend, old, &old->service->frontends);
	kfree_rcu(frontend, rcu);
}

/*
 * Put those frontends of a draft in place that the service lacks; they are
 * the service's then, which their @service tells. Returns how many they were;
 * on error all is as it was, and the draft has fewer.
 */
static int service_add_frontends(struct dvp_net *dn, struct dvp_service *service,
				 struct dvp_service_draft *draft)
{
	u32 i, added = 0;
	int err;

	for (i = 0; i < draft->frontends; i++) {
		err = service_add_frontend(dn, service, draft->frontend[i]);
		if (err < 0)
			goto undo;
		added += err;
	}
	for (i = 0; i < draft->frontends; i++) {
		struct dvp_frontend *frontend = draft->frontend[i];

		if (frontend->before)
			kfree_rcu(frontend->before, rcu);
		frontend->before = NULL;
	}
	return added;

undo:
	while (i--) {
		if (!draft->frontend[i]->service)
			continue;
		service_undo_frontend(dn, draft->frontend[i]);
		draft->frontend[i] = NULL;
	}
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
		dvp_frontend_remove(dn, frontend);
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

	service = kzalloc(sizeof(*service) + size, GFP_KERNEL_ACCOUNT);
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
	if (!dvp_range_sort(draft->source, draft->sources)) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "%.50s has a source range twice",
				       draft->name);
		return -EEXIST;
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
		err = service_check_frontends(dn, draft, service, extack);
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
		dvp_frontend_remove(dn, frontend);
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
	err = dvp_frontend_init(dn);
	if (err)
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
	dvp_frontend_exit(dn);
	rhashtable_destroy(&dn->service_names);
}
