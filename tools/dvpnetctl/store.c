// SPDX-License-Identifier: GPL-2.0
/*
 * The cluster's objects, kept up to date one by one.
 *
 * Nodes, Services, EndpointSlices, VirtualMachines and their Pods, of which there are
 * many, are kept as objects.c reads them; all else is rare and kept as it came. What a
 * desired state is made from is a view: &struct objects that borrows what is here, either
 * all or just as much as a single Service needs. That includes its rivals: Services that
 * ask for an address that it asks for, too, so that claims.c finds who gets it.
 *
 * A list takes effect as a whole: what it says waits beside what was said before, until
 * the last of it is there.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "objects_kinds.h"
#include "store.h"
#include "store_value.h"

/**
 * struct store_object - an object
 * @kind: its kind; with the next two the key
 * @namespace: its namespace, or ""
 * @name: its name
 * @list: the list that it is in, or NULL
 * @round: &store_list.round when it was last told of
 * @service: the Service that it is or belongs to
 * @value: what it says; of a Service, that is in @service
 * @next: what it says in the list that is being read, or NULL
 * @is_wrong: what was told of it last makes no sense
 */
struct store_object {
	char *kind;
	char *namespace;
	char *name;
	const struct store_list *list;
	unsigned int round;
	struct store_service *service;
	struct store_value value;
	struct store_value *next;
	bool is_wrong;
};

/**
 * struct store_address - an address, and who asks to be reached there
 * @addr: the address
 * @users: those Services
 */
struct store_address {
	struct ip addr;
	LIST(struct store_service *) users;
};

static int compare_addresses(const void *a, const void *b)
{
	const struct store_address *x = a, *y = b;

	return ip_compare(&x->addr, &y->addr);
}

static int compare_objects(const void *a, const void *b)
{
	const struct store_object *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (!order)
		order = strcmp(x->namespace, y->namespace);
	return order ? order : strcmp(x->kind, y->kind);
}

static int compare_services(const void *a, const void *b)
{
	const struct store_service *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->namespace, y->namespace);
}

/* ---- services ---- */

static struct store_service *get_service(struct store *store, const char *namespace,
					 const char *name)
{
	struct store_service key = { .namespace = (char *)namespace, .name = (char *)name };
	struct store_service **found = tfind(&key, &store->services, compare_services);
	struct store_service *service;

	if (found)
		return *found;
	service = util_alloc(sizeof(*service));
	service->namespace = util_strdup(namespace);
	service->name = util_strdup(name);
	if (!tsearch(service, &store->services, compare_services))
		util_alloc(SIZE_MAX);
	return service;
}

static void mark(struct store *store, struct store_service *service)
{
	if (!service->dirty)
		*list_add(&store->dirty) = service;
	service->dirty = true;
}

static struct store_address *get_address(struct store *store, const struct ip *addr)
{
	struct store_address key = { .addr = *addr };
	struct store_address **found = tfind(&key, &store->addresses, compare_addresses);
	struct store_address *address;

	if (found)
		return *found;
	address = util_alloc(sizeof(*address));
	address->addr = *addr;
	if (!tsearch(address, &store->addresses, compare_addresses))
		util_alloc(SIZE_MAX);
	return address;
}

static void free_address(void *arg)
{
	struct store_address *address = arg;

	list_free(&address->users);
	free(address);
}

/* Who gets an address may change for all who ask for it. */
static void mark_users(struct store *store, const struct store_address *address)
{
	size_t i;

	for (i = 0; i < address->users.count; i++)
		mark(store, address->users.item[i]);
}

static void ask_for(struct store *store, struct store_service *service, const struct ip *addr)
{
	struct store_address *address;
	size_t i;

	if (!addr->family)
		return;
	address = get_address(store, addr);
	for (i = 0; i < service->addresses.count; i++)
		if (service->addresses.item[i] == address)
			return;
	*list_add(&service->addresses) = address;
	*list_add(&address->users) = service;
	mark_users(store, address);
}

static void ask_for_all(struct store *store, struct store_service *service)
{
	const struct service_object *object = service->object;
	size_t i;

	for (i = 0; i < FAMILIES; i++)
		ask_for(store, service, &object->cluster_ip[i]);
	for (i = 0; i < object->balancers.count; i++)
		ask_for(store, service, &object->balancers.item[i].addr);
	for (i = 0; i < object->externals.count; i++)
		ask_for(store, service, &object->externals.item[i].addr);
}

static void ask_no_more(struct store *store, struct store_service *service)
{
	size_t i, j;

	for (i = 0; i < service->addresses.count; i++) {
		struct store_address *address = service->addresses.item[i];

		mark_users(store, address);
		for (j = 0; j < address->users.count; j++)
			if (address->users.item[j] == service)
				address->users.item[j] =
					address->users.item[--address->users.count];
		if (address->users.count)
			continue;
		tdelete(address, &store->addresses, compare_addresses);
		free_address(address);
	}
	service->addresses.count = 0;
}

static void forget_sent(struct store_service *service)
{
	size_t i;

	for (i = 0; i < service->sent.count; i++)
		service_free(&service->sent.item[i]);
	service->sent.count = 0;
}

static void free_store_service(void *arg)
{
	struct store_service *service = arg;

	forget_sent(service);
	list_free(&service->sent);
	list_free(&service->slices);
	list_free(&service->addresses);
	store_value_free(&(struct store_value){ .service = service->object });
	free(service->namespace);
	free(service->name);
	free(service);
}

/* @object is NULL when there is none any more. */
static void replace_service(struct store *store, struct store_service *service,
			    struct service_object *object)
{
	ask_no_more(store, service);
	store_value_free(&(struct store_value){ .service = service->object });
	service->object = object;
	if (object)
		ask_for_all(store, service);
	mark(store, service);
}

static void take_slice_away(struct store *store, struct store_object *object)
{
	struct store_service *service = object->service;
	size_t i;

	if (!service || !object->value.slice)
		return;
	for (i = 0; i < service->slices.count; i++)
		if (service->slices.item[i] == object)
			service->slices.item[i] = service->slices.item[--service->slices.count];
	mark(store, service);
	object->service = NULL;
}

static void put_slice(struct store *store, struct store_object *object,
		      const struct slice_object *slice)
{
	object->service = get_service(store, object->namespace, slice->service);
	*list_add(&object->service->slices) = object;
	mark(store, object->service);
}

/* ---- objects ---- */

/* Fills in what tells objects apart; false if @json is none. */
static bool read_key(const json_t *json, struct store_object *key)
{
	const json_t *metadata = json_object_get(json, "metadata");
	const char *namespace = json_string_value(json_object_get(metadata, "namespace"));

	*key = (struct store_object){
		.kind = (char *)json_string_value(json_object_get(json, "kind")),
		.namespace = (char *)(namespace ? namespace : ""),
		.name = (char *)json_string_value(json_object_get(metadata, "name")),
	};
	return key->kind && key->name;
}

static struct store_object *find(const struct store *store, const struct store_object *key)
{
	struct store_object **found = tfind(key, &store->objects, compare_objects);

	return found ? *found : NULL;
}

static struct store_object *get_object(struct store *store, const struct store_object *key)
{
	struct store_object *object = find(store, key);

	if (object)
		return object;
	object = util_alloc(sizeof(*object));
	object->kind = util_strdup(key->kind);
	object->namespace = util_strdup(key->namespace);
	object->name = util_strdup(key->name);
	if (!tsearch(object, &store->objects, compare_objects))
		util_alloc(SIZE_MAX);
	return object;
}

static void forget_next(struct store_object *object)
{
	if (object->next)
		store_value_free(object->next);
	free(object->next);
	object->next = NULL;
}

static void free_object(void *arg)
{
	struct store_object *object = arg;

	forget_next(object);
	store_value_free(&object->value);
	free(object->kind);
	free(object->namespace);
	free(object->name);
	free(object);
}

/* An object that is in no list is no matter. */
#define remove_from(list, object)						\
	do {									\
		size_t at;							\
										\
		for (at = 0; at < (list)->count; at++)				\
			if ((list)->item[at] == (object))			\
				(list)->item[at] = (list)->item[--(list)->count];\
	} while (0)

/* It says something already, and not only in a list that is not complete yet. */
static bool is_there(const struct store_object *object)
{
	return object->service || object->value.node || store_value_is_shared(&object->value) ||
	       object->value.other;
}

static void mark_value(struct store *store, const struct store_value *value)
{
	store->nodes_dirty |= value->node || store_value_is_shared(value);
	store->others_dirty |= value->other != NULL;
}

/* Forgets what an object says. */
static void take_away(struct store *store, struct store_object *object)
{
	if (object->value.slice)
		take_slice_away(store, object);
	else if (object->service)
		replace_service(store, object->service, NULL);
	mark_value(store, &object->value);
	if (object->value.other)
		remove_from(&store->others, object);
	else if (store_value_is_shared(&object->value))
		remove_from(&store->machines, object);
	store_value_free(&object->value);
}

static void remove_object(struct store *store, struct store_object *object)
{
	take_away(store, object);
	store->wrong -= object->is_wrong;
	tdelete(object, &store->objects, compare_objects);
	free_object(object);
}

/* From now on the object says @value, which is taken. */
static void adopt(struct store *store, struct store_object *object, struct store_value *value)
{
	if (value->service) {
		object->service = get_service(store, object->namespace, object->name);
		replace_service(store, object->service, value->service);
		*value = (struct store_value){ 0 };
		return;
	}
	take_away(store, object);
	object->value = *value;
	*value = (struct store_value){ 0 };
	if (object->value.slice)
		put_slice(store, object, object->value.slice);
	else if (object->value.other)
		*list_add(&store->others) = object;
	else if (store_value_is_shared(&object->value))
		*list_add(&store->machines) = object;
	mark_value(store, &object->value);
}

/* While a list is read, what it says waits for its end. */
static void put(struct store *store, const struct store_list *list,
		const struct store_object *key, struct store_value *value)
{
	struct store_object *object = get_object(store, key);

	object->list = list;
	object->round = list ? list->round : 0;
	if (!list || !list->open) {
		adopt(store, object, value);
		return;
	}
	forget_next(object);
	object->next = util_alloc(sizeof(*object->next));
	*object->next = *value;
}

/*
 * What is wrong keeps what was there. Where there was nothing, all but a Service is taken as
 * far as it makes sense: that might be open to more clients than it says.
 */
static bool is_left_out(bool known, const struct objects *read)
{
	return read->report.errors.count && (known || read->services.count);
}

static void report_wrong(struct report *report, bool known, const struct objects *read)
{
	const char *outcome = known ? "; its state before is kept" :
			      read->services.count ? "; nothing of it is served" : "";
	size_t i;

	for (i = 0; i < read->report.errors.count; i++)
		report_error(report, NULL, "%s%s", read->report.errors.item[i], outcome);
}

static void count_wrong(struct store *store, const struct store_object *key, bool is_wrong)
{
	struct store_object *object = find(store, key);

	if (!object)
		return;
	store->wrong += is_wrong - object->is_wrong;
	object->is_wrong = is_wrong;
}

/**
 * store_set - an object is there, or is another than before
 * @store: where to keep it
 * @list: the list that it is in, or NULL; while that is read, nothing changes before its end
 * @json: the object; what nobody reads may be taken out of it
 * @report: what is wrong with it, and what becomes of it
 */
void store_set(struct store *store, const struct store_list *list, json_t *json,
	       struct report *report)
{
	const struct source source = { 0 };
	struct store_object key, *there;
	struct objects read = { 0 };
	struct store_value value;
	bool known;

	if (!read_key(json, &key))
		return;
	objects_read(&source, json, &read);
	there = find(store, &key);
	known = there && is_there(there);
	report_wrong(report, known, &read);
	if (is_left_out(known, &read)) {
		/* Of what was not there, it is remembered that it is wrong. */
		there = get_object(store, &key);
		there->list = list;
		there->round = list ? list->round : 0;
	} else {
		if (read.service_uid.known) {
			store->others_dirty |= !store->service_uid.known;
			store->service_uid = read.service_uid;
		}
		if (store_value_take(key.kind, json, &read, &value))
			put(store, list, &key, &value);
		else if (!list || !list->open)
			store_delete(store, json);
	}
	count_wrong(store, &key, read.report.errors.count);
	objects_free(&read);
}

/**
 * store_delete - an object is no more
 * @store: where it is kept
 * @json: what it was
 */
void store_delete(struct store *store, const json_t *json)
{
	struct store_object key, *object;

	object = read_key(json, &key) ? find(store, &key) : NULL;
	if (object)
		remove_object(store, object);
}

/**
 * store_begin - a list of all objects of a resource begins
 * @list: the list, the same each time
 *
 * What it says takes effect as a whole, at store_end(). If it breaks off, it begins again.
 */
void store_begin(struct store_list *list)
{
	list->round++;
	list->open = true;
}

/**
 * struct picked - objects picked out of the tree
 * @list: their list
 * @objects: those
 */
struct picked {
	const struct store_list *list;
	LIST(struct store_object *) objects;
};

static void pick(const void *node, VISIT visit, void *arg)
{
	struct store_object *object = *(struct store_object *const *)node;
	struct picked *picked = arg;

	if ((visit == postorder || visit == leaf) && object->list == picked->list)
		*list_add(&picked->objects) = object;
}

/**
 * store_end - a list is complete: what it says counts from now on, others are no more
 * @store: where the objects are kept
 * @list: the list
 */
void store_end(struct store *store, struct store_list *list)
{
	struct picked picked = { .list = list };
	size_t i;

	twalk_r(store->objects, pick, &picked);
	for (i = 0; i < picked.objects.count; i++) {
		struct store_object *object = picked.objects.item[i];

		if (object->round != list->round) {
			remove_object(store, object);
			continue;
		}
		if (object->next)
			adopt(store, object, object->next);
		forget_next(object);
	}
	list_free(&picked.objects);
	list->open = false;
}

static void touch(const void *node, VISIT visit, void *arg)
{
	if (visit == postorder || visit == leaf)
		mark(arg, *(struct store_service *const *)node);
}

/**
 * store_touch - take all as changed
 * @store: all of it
 */
void store_touch(struct store *store)
{
	store->others_dirty = true;
	twalk_r(store->services, touch, store);
}

/**
 * struct touched - an address about which something has changed
 * @store: all of it
 * @addr: the address
 */
struct touched {
	struct store *store;
	const struct ip *addr;
};

static bool has_endpoint(const struct slice_object *slice, const struct ip *addr)
{
	size_t i;

	for (i = 0; i < slice->endpoints.count; i++)
		if (!ip_compare(&slice->endpoints.item[i].addr, addr))
			return true;
	return false;
}

static void touch_address(const void *node, VISIT visit, void *arg)
{
	struct store_service *service = *(struct store_service *const *)node;
	const struct touched *touched = arg;
	size_t i;

	for (i = 0; (visit == postorder || visit == leaf) && i < service->slices.count; i++)
		if (has_endpoint(service->slices.item[i]->value.slice, touched->addr))
			mark(touched->store, service);
}

/**
 * store_touch_address - take as changed those Services that have an endpoint there
 * @store: all of it
 * @addr: the address
 */
void store_touch_address(struct store *store, const struct ip *addr)
{
	struct touched touched = { store, addr };

	twalk_r(store->services, touch_address, &touched);
}

/* ---- single objects ---- */

/**
 * store_node - find a Node
 * @store: all objects
 * @name: its name
 *
 * Return: the Node, up to the next change of @store, or NULL.
 */
const struct node_object *store_node(const struct store *store, const char *name)
{
	const struct store_object key = {
		.kind = "Node", .namespace = "", .name = (char *)name,
	};
	const struct store_object *object = find(store, &key);

	return object ? object->value.node : NULL;
}

/**
 * struct visitor - who wants to see all Services
 * @fn: takes one
 * @arg: for @fn
 */
struct visitor {
	store_fn *fn;
	void *arg;
};

static void visit_service(const void *node, VISIT visit, void *arg)
{
	const struct visitor *visitor = arg;

	if (visit == postorder || visit == leaf)
		visitor->fn(*(const struct store_service *const *)node, visitor->arg);
}

/**
 * store_each_service - see all Services
 * @store: all objects; must not be changed meanwhile
 * @fn: takes one
 * @arg: for @fn
 */
void store_each_service(const struct store *store, store_fn *fn, void *arg)
{
	struct visitor visitor = { fn, arg };

	twalk_r(store->services, visit_service, &visitor);
}

/* ---- views ---- */

static void view_node(const void *node, VISIT visit, void *arg)
{
	const struct store_object *object = *(struct store_object *const *)node;
	struct objects *view = arg;

	if ((visit == postorder || visit == leaf) && object->value.node)
		*list_add(&view->nodes) = *object->value.node;
}

static void view_machine(const struct store_value *value, struct objects *view)
{
	if (value->machine)
		*list_add(&view->machines) = *value->machine;
	if (value->pod)
		*list_add(&view->pods) = *value->pod;
}

/**
 * store_view - begin a view: nodes, and all that is neither Service nor slice
 * @store: what it borrows from; it must not change while there is the view
 * @node: the one node that is wanted, or NULL for all
 * @view: filled
 */
void store_view(const struct store *store, const char *node, struct objects *view)
{
	const struct source source = { 0 };
	const struct node_object *self;
	size_t i;

	*view = (struct objects){ .service_uid = store->service_uid };
	if (!node)
		twalk_r(store->objects, view_node, view);
	self = node ? store_node(store, node) : NULL;
	if (self)
		*list_add(&view->nodes) = *self;
	view->is_part = node;
	for (i = 0; i < store->machines.count; i++)
		view_machine(&store->machines.item[i]->value, view);
	for (i = 0; i < store->others.count; i++)
		objects_read(&source, store->others.item[i]->value.other, view);
	objects_complete(view);
}

static bool is_in(const struct objects *view, const struct service_object *service)
{
	size_t i;

	for (i = 0; i < view->services.count; i++)
		if (!strcmp(view->services.item[i].meta.name, service->meta.name) &&
		    !strcmp(view->services.item[i].meta.namespace, service->meta.namespace))
			return true;
	return false;
}

static void view_rivals(const struct store_service *service, struct objects *view)
{
	size_t i, j;

	for (i = 0; i < service->addresses.count; i++) {
		const struct store_address *address = service->addresses.item[i];

		for (j = 0; j < address->users.count; j++)
			if (!is_in(view, address->users.item[j]->object))
				*list_add(&view->services) = *address->users.item[j]->object;
	}
}

/**
 * store_view_service - have a view show a Service with its slices, and its rivals without
 * @service: the Service
 * @view: from store_view()
 */
void store_view_service(const struct store_service *service, struct objects *view)
{
	size_t i;

	view->services.count = 0;
	view->slices.count = 0;
	if (service->object)
		*list_add(&view->services) = *service->object;
	view_rivals(service, view);
	for (i = 0; i < service->slices.count; i++)
		*list_add(&view->slices) = *service->slices.item[i]->value.slice;
	objects_complete(view);
}

/**
 * store_view_end - end a view
 * @view: from store_view()
 */
void store_view_end(struct objects *view)
{
	list_free(&view->nodes);
	list_free(&view->services);
	list_free(&view->slices);
	list_free(&view->machines);
	list_free(&view->pods);
	objects_free(view);
}

/* ---- what the kernel has been told ---- */

/**
 * store_have - what the kernel was told of the Services that have changed
 * @store: all objects
 * @have: its services are filled, and sorted; they are borrowed: free the list alone
 */
void store_have(const struct store *store, struct state *have)
{
	size_t i, j;

	for (i = 0; i < store->dirty.count; i++)
		for (j = 0; j < store->dirty.item[i]->sent.count; j++)
			*list_add(&have->services) = store->dirty.item[i]->sent.item[j];
	list_sort(&have->services, service_compare);
}

/* NAMESPACE/NAME or NAMESPACE/NAME:PORT of what the kernel calls a service. */
static struct store_service *service_of(struct store *store, const struct service *service)
{
	size_t namespace = strcspn(service->name, "/");
	char *key = util_strdup(service->name);
	struct store_service *found;

	key[namespace] = '\0';
	key[namespace + 1 + strcspn(key + namespace + 1, ":")] = '\0';
	found = get_service(store, key, key + namespace + 1);
	free(key);
	return found;
}

static bool is_empty(const struct store_service *service)
{
	return !service->object && !service->slices.count && !service->sent.count;
}

/**
 * store_sent - the kernel has been told of all that has changed
 * @store: nothing is dirty from here on
 * @want: what it was told of those Services, and whether it took it; its services are taken
 */
void store_sent(struct store *store, struct state *want)
{
	size_t i;

	for (i = 0; i < store->dirty.count; i++)
		forget_sent(store->dirty.item[i]);
	for (i = 0; i < want->services.count; i++) {
		struct service *service = &want->services.item[i];

		if (service->refused)
			service_free(service);
		else
			*list_add(&service_of(store, service)->sent) = *service;
	}
	want->services.count = 0;
	for (i = 0; i < store->dirty.count; i++) {
		struct store_service *service = store->dirty.item[i];

		service->dirty = false;
		if (store->on_sent)
			store->on_sent(service, store->on_sent_arg);
		if (is_empty(service)) {
			tdelete(service, &store->services, compare_services);
			free_store_service(service);
		}
	}
	store->dirty.count = 0;
}

/**
 * store_free - forget all
 * @store: all objects
 */
void store_free(struct store *store)
{
	tdestroy(store->objects, free_object);
	tdestroy(store->services, free_store_service);
	tdestroy(store->addresses, free_address);
	list_free(&store->dirty);
	list_free(&store->others);
	list_free(&store->machines);
	store->objects = NULL;
	store->services = NULL;
	store->addresses = NULL;
}
