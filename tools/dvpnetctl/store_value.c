// SPDX-License-Identifier: GPL-2.0
/* What an object says, as the store keeps it. */
#include <stdlib.h>
#include <string.h>

#include "objects_kinds.h"
#include "store_value.h"

static void free_node(struct node_object *node)
{
	if (node)
		objects_free_node(node);
	free(node);
}

static void free_service(struct service_object *service)
{
	if (service)
		objects_free_service(service);
	free(service);
}

static void free_slice(struct slice_object *slice)
{
	if (slice)
		objects_free_slice(slice);
	free(slice);
}

static void free_machine(struct machine_object *machine)
{
	if (machine)
		objects_free_machine(machine);
	free(machine);
}

static void free_pod(struct pod_object *pod)
{
	if (pod)
		objects_free_pod(pod);
	free(pod);
}

/**
 * store_value_free - forget what an object says
 * @value: an empty one remains
 */
void store_value_free(struct store_value *value)
{
	free_node(value->node);
	free_service(value->service);
	free_slice(value->slice);
	free_machine(value->machine);
	free_pod(value->pod);
	json_decref(value->other);
	*value = (struct store_value){ 0 };
}

/**
 * store_value_is_shared - is it about addresses that may be on several nodes?
 * @value: a value
 */
bool store_value_is_shared(const struct store_value *value)
{
	return value->machine || value->pod;
}

/* Takes the one element of a list, or NULL. */
#define take_only(list)								\
	((list)->count ? ((list)->count = 0,					\
			  memcpy(util_alloc(sizeof(*(list)->item)),		\
				 (list)->item, sizeof(*(list)->item))) : NULL)

/**
 * store_value_take - take what was read of an object
 * @kind: its kind
 * @json: the object; what nobody reads may be taken out of it
 * @read: what was read
 * @value: filled
 *
 * Return: false of an object that does not count.
 */
bool store_value_take(const char *kind, json_t *json, struct objects *read,
		      struct store_value *value)
{
	static const char *const typed[] = {
		"Node", "Service", "EndpointSlice", "VirtualMachine", "Pod",
	};
	size_t i;

	*value = (struct store_value){
		.node = take_only(&read->nodes),
		.service = take_only(&read->services),
		.slice = take_only(&read->slices),
		.machine = take_only(&read->machines),
		.pod = take_only(&read->pods),
	};
	for (i = 0; i < ARRAY_SIZE(typed); i++)
		if (!strcmp(kind, typed[i]))
			return value->node || value->service || value->slice || store_value_is_shared(value);
	json_object_del(json_object_get(json, "metadata"), "managedFields");
	value->other = json_incref(json);
	return true;
}
