/* SPDX-License-Identifier: GPL-2.0 */
/* What an object says, as the store keeps it. */
#ifndef DVPNETCTL_STORE_VALUE_H
#define DVPNETCTL_STORE_VALUE_H

#include <jansson.h>

#include "objects.h"

/**
 * struct store_value - what an object says: one of these
 * @node: Node
 * @service: Service
 * @slice: EndpointSlice
 * @machine: VirtualMachine
 * @pod: Pod
 * @other: any other kind
 */
struct store_value {
	struct node_object *node;
	struct service_object *service;
	struct slice_object *slice;
	struct machine_object *machine;
	struct pod_object *pod;
	json_t *other;
};

void store_value_free(struct store_value *value);
bool store_value_is_shared(const struct store_value *value);
bool store_value_take(const char *kind, json_t *json, struct objects *read,
		      struct store_value *value);

#endif
