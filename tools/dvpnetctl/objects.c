// SPDX-License-Identifier: GPL-2.0
/* The Kubernetes objects that matter, as typed values. */
#include <stdlib.h>
#include <string.h>

#include "objects_kinds.h"

/* Objects nest Lists at most this deep; an alias could have them nest more. */
#define LIST_DEPTH_MAX 4

/**
 * struct kind - a kind of objects that is read
 * @api_version: its apiVersion; up to a final '/', any version behind
 * @kind: its kind
 * @read: reads one
 */
struct kind {
	const char *api_version;
	const char *kind;
	void (*read)(struct objects *objects, const struct field *root);
};

static const struct kind kinds[] = {
	{ "v1", "Node", objects_read_node },
	{ "v1", "Service", objects_read_service },
	{ "v1", "Namespace", objects_read_namespace },
	{ "v1", "Secret", objects_read_secret },
	{ "v1", "ConfigMap", objects_read_config_map },
	{ "v1", "Pod", objects_read_pod },
	{ "discovery.k8s.io/v1", "EndpointSlice", objects_read_slice },
	{ "networking.k8s.io/", "ServiceCIDR", objects_read_service_cidr },
	{ "virtualization.deckhouse.io/", "VirtualMachine", objects_read_machine },
	{ "deckhouse.io/", "ModuleConfig", objects_read_module_config },
	{ "deckhouse.io/", "ClusterConfiguration", objects_read_cluster },
};

static bool api_matches(const char *expected, const char *api_version)
{
	size_t size = strlen(expected);

	if (expected[size - 1] == '/')
		return !strncmp(expected, api_version, size);
	return !strcmp(expected, api_version);
}

static void read_object(struct objects *objects, const struct source *source,
			const json_t *json, const char *api_version, const char *kind)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct subject subject = {
			.source = source,
			.report = &objects->report,
			.kind = kinds[i].kind,
		};
		struct field root = field_root(&subject, json);

		if (strcmp(kinds[i].kind, kind) ||
		    !api_matches(kinds[i].api_version, api_version))
			continue;
		kinds[i].read(objects, &root);
		return;
	}
}

static void not_an_object(struct objects *objects, const struct source *source,
			  const json_t *json, const struct place *around)
{
	struct place place = { source->file, source_line(source, json) };

	if (!place.line)
		place = *around;
	report_error(&objects->report, &place,
		     "not a Kubernetes object: expected a mapping with apiVersion and kind");
}

/* Lists have "List" behind the kind of what is in them, or are of kind List. */
static bool is_list(const char *kind, const json_t *json)
{
	size_t size = strlen(kind);

	return size >= 4 && !strcmp(kind + size - 4, "List") &&
	       json_is_array(json_object_get(json, "items"));
}

/*
 * @api_version and @kind are those of the list around it, for what a list of
 * one kind, as the API server itself prints it, leaves out.
 */
static void read_any(struct objects *objects, const struct source *source, const json_t *json,
		     const char *api_version, const char *kind, const struct place *around,
		     unsigned int depth)
{
	const char *own_version = json_string_value(json_object_get(json, "apiVersion"));
	const char *own_kind = json_string_value(json_object_get(json, "kind"));
	struct place place = { source->file, source_line(source, json) };
	char item_kind[128] = "";
	const json_t *items;
	size_t i;

	api_version = own_version ? own_version : api_version;
	kind = own_kind ? own_kind : kind;
	if (!json_is_object(json) || !api_version || !kind || !*kind || depth > LIST_DEPTH_MAX) {
		not_an_object(objects, source, json, around);
		return;
	}
	if (!is_list(kind, json)) {
		read_object(objects, source, json, api_version, kind);
		return;
	}
	snprintf(item_kind, sizeof(item_kind), "%.*s", (int)strlen(kind) - 4, kind);
	items = json_object_get(json, "items");
	for (i = 0; i < json_array_size(items); i++)
		read_any(objects, source, json_array_get(items, i), api_version, item_kind, &place,
			 depth + 1);
}

/**
 * objects_read - read a document: an object, or a list of them
 * @source: where it comes from
 * @root: the document
 * @arg: &struct objects to add to
 */
void objects_read(const struct source *source, const json_t *root, void *arg)
{
	struct place place = { source->file, 1 };

	read_any(arg, source, root, NULL, NULL, &place, 0);
}

static int compare_metas(const void *a, const void *b)
{
	const struct meta *x = a, *y = b;
	int order = strcmp(x->kind, y->kind);

	if (!order)
		order = strcmp(x->namespace, y->namespace);
	if (!order)
		order = strcmp(x->name, y->name);
	return order;
}

static int compare_nodes(const void *a, const void *b)
{
	const struct node_object *x = a, *y = b;

	return strcmp(x->meta.name, y->meta.name);
}

static int compare_services(const void *a, const void *b)
{
	const struct service_object *x = a, *y = b;
	int order = strcmp(x->meta.namespace, y->meta.namespace);

	return order ? order : strcmp(x->meta.name, y->meta.name);
}

static int compare_slices(const void *a, const void *b)
{
	const struct slice_object *x = a, *y = b;
	int order = strcmp(x->meta.namespace, y->meta.namespace);

	if (!order)
		order = strcmp(x->service, y->service);
	return order ? order : strcmp(x->meta.name, y->meta.name);
}

static void report_duplicates(struct objects *objects)
{
	size_t i;

	for (i = 1; i < objects->metas.list.count; i++) {
		const struct meta *a = &objects->metas.list.item[i - 1], *b = &objects->metas.list.item[i];
		char place[PLACE_TEXT_MAX];

		if (!compare_metas(a, b))
			report_error(&objects->report, &b->place,
				     "%s %s%s%s: stands in %s too; leave one out", b->kind,
				     b->namespace, *b->namespace ? "/" : "", b->name,
				     place_text(&a->place, place));
	}
}

/**
 * objects_complete - after all was read: sort, find objects that come twice, and owners
 * @objects: what was read
 */
void objects_complete(struct objects *objects)
{
	list_sort(&objects->nodes, compare_nodes);
	list_sort(&objects->services, compare_services);
	list_sort(&objects->slices, compare_slices);
	list_sort(&objects->metas.list, compare_metas);
	report_duplicates(objects);
	if (!objects->is_settled)
		owners_settle(objects);
	objects->is_settled = true;
}

/**
 * objects_free - forget all
 * @objects: what was read
 */
void objects_free(struct objects *objects)
{
	size_t i;

	for (i = 0; i < objects->nodes.count; i++)
		objects_free_node(&objects->nodes.item[i]);
	for (i = 0; i < objects->services.count; i++)
		objects_free_service(&objects->services.item[i]);
	for (i = 0; i < objects->slices.count; i++)
		objects_free_slice(&objects->slices.item[i]);
	for (i = 0; i < objects->machines.count; i++)
		objects_free_machine(&objects->machines.item[i]);
	for (i = 0; i < objects->pods.count; i++)
		objects_free_pod(&objects->pods.item[i]);
	for (i = 0; i < objects->files.count; i++)
		free(objects->files.item[i]);
	list_free(&objects->nodes);
	list_free(&objects->services);
	list_free(&objects->slices);
	list_free(&objects->files);
	list_free(&objects->ranges);
	list_free(&objects->machine_ranges);
	list_free(&objects->machines);
	list_free(&objects->pods);
	list_free(&objects->owners);
	metas_free(&objects->metas);
	meta_free(&objects->config.meta);
	settings_free(&objects->config.settings);
	free(objects->config.priority);
	free(objects->secret.priority);
	report_free(&objects->report);
}
