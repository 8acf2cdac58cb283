/* SPDX-License-Identifier: GPL-2.0 */
/* The cluster's objects, kept up to date one by one. */
#ifndef DVPNETCTL_STORE_H
#define DVPNETCTL_STORE_H

#include "objects.h"

struct store_object;
struct store_address;
struct store_service;

/**
 * typedef store_fn - takes a Service
 * @service: what is known of it; without object if it is no more
 * @arg: as given with it
 */
typedef void store_fn(const struct store_service *service, void *arg);

/**
 * struct store_service - a Service, its slices, and what the kernel has been told of it
 * @namespace: with the name the key
 * @name: its name
 * @object: the Service, or NULL where there are only slices
 * @slices: its EndpointSlices, in no order
 * @addresses: what it asks to be reached at, which others may ask for, too
 * @sent: services that the kernel has been told of, sorted
 * @dirty: something has changed since; it is in &store.dirty
 */
struct store_service {
	char *namespace;
	char *name;
	struct service_object *object;
	LIST(struct store_object *) slices;
	LIST(struct store_address *) addresses;
	LIST(struct service) sent;
	bool dirty;
};

/**
 * struct store_list - objects that are listed together
 * @round: how many times the list was begun
 * @open: it is being read
 */
struct store_list {
	unsigned int round;
	bool open;
};

/**
 * struct store - all objects that matter
 * @objects: tree of &struct store_object
 * @services: tree of &struct store_service
 * @addresses: tree of &struct store_address
 * @dirty: Services that have changed
 * @others: objects that are few and small, in no order
 * @machines: VirtualMachines and Pods, in no order
 * @nodes_dirty: a Node, VirtualMachine or Pod has changed
 * @others_dirty: one of @others has changed, on which all of the state may hang
 * @wrong: how many objects make no sense, as they were told of last
 * @service_uid: of Service default/kubernetes
 * @on_sent: learns of each Service that the kernel has been told of, or NULL
 * @on_sent_arg: for @on_sent
 */
struct store {
	void *objects;
	void *services;
	void *addresses;
	LIST(struct store_service *) dirty;
	LIST(struct store_object *) others;
	LIST(struct store_object *) machines;
	bool nodes_dirty;
	bool others_dirty;
	size_t wrong;
	struct cluster_uid service_uid;
	store_fn *on_sent;
	void *on_sent_arg;
};

void store_set(struct store *store, const struct store_list *list, json_t *json,
	       struct report *report);
void store_delete(struct store *store, const json_t *json);
void store_begin(struct store_list *list);
void store_end(struct store *store, struct store_list *list);
void store_touch(struct store *store);
void store_touch_address(struct store *store, const struct ip *addr);

void store_view(const struct store *store, const char *node, struct objects *view);
void store_view_service(const struct store_service *service, struct objects *view);
void store_view_end(struct objects *view);

const struct node_object *store_node(const struct store *store, const char *name);
void store_each_service(const struct store *store, store_fn *fn, void *arg);

void store_have(const struct store *store, struct state *have);
void store_sent(struct store *store, struct state *want);
void store_free(struct store *store);

#endif
