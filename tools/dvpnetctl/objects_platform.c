// SPDX-License-Identifier: GPL-2.0
/* Kubernetes objects: what Deckhouse has chosen for its own CNI, Cilium. */
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "objects_kinds.h"

/**
 * objects_data_error - note that a value of a Secret's data is wrong, without saying what it is
 * @field: the value
 * @what: what it must be
 */
void objects_data_error(const struct field *field, const char *what)
{
	struct place place = field_place(field);

	report_error(field->subject->report, &place, "Secret %s/%s: data.%s: %s",
		     field->subject->namespace, field->subject->name, field->key, what);
}

/* Text behind a key of a Secret's data, to be freed; NULL if there is none, or it is wrong. */
static char *read_data(const struct field *data, const char *key)
{
	struct field field = field_member(data, key);
	const char *text = field_string(&field);
	char *decoded = text ? base64_decode(text) : NULL;

	if (text && !decoded)
		objects_data_error(&field, "must be a text in base64");
	return decoded;
}

/* One of @choices out of the JSON text, or NULL; another one is said to be passed over. */
static const char *read_choice(const struct field *field, const json_t *json, const char *key,
			       const char *const *choices)
{
	const char *text = json_string_value(json_object_get(json, key));
	struct place place = field_place(field);
	size_t i;

	for (i = 0; text && choices[i]; i++)
		if (!strcmp(text, choices[i]))
			return choices[i];
	if (text && *text)
		report_warning(field->subject->report, &place,
			       "Secret kube-system/" OBJECTS_CNI_SECRET ": data.cilium: %s \"%s\" is "
			       "not known and is passed over", key, text);
	return NULL;
}

static void read_cilium(const struct field *data, struct cni_secret *secret)
{
	static const char *const modes[] = { "VXLAN", "Direct", "DirectWithNodeRoutes", NULL };
	static const char *const masquerades[] = { "BPF", "Netfilter", NULL };
	struct field field = field_member(data, "cilium");
	char *text = read_data(data, "cilium");
	json_t *json = text ? json_loads(text, 0, NULL) : NULL;

	if (text && !json_is_object(json))
		objects_data_error(&field, "must be a JSON object in base64");
	secret->mode = read_choice(&field, json, "mode", modes);
	secret->masquerade = read_choice(&field, json, "masqueradeMode", masquerades);
	json_decref(json);
	free(text);
}

/**
 * objects_read_cni_secret - read Secret kube-system/d8-cni-configuration, if it is of Cilium
 * @objects: gets it
 * @root: the object
 */
void objects_read_cni_secret(struct objects *objects, const struct field *root)
{
	struct field data = field_member(root, "data");
	struct cni_secret *secret = &objects->secret;
	struct meta meta = { 0 };
	char *cni;

	if (!meta_read(root, true, &objects->metas, &meta))
		return;
	cni = read_data(&data, "cni");
	if (cni && !strcmp(cni, "cilium")) {
		secret->is_known = true;
		secret->place = meta.place;
		free(secret->priority);
		secret->priority = util_strdup(objects_priority(root));
		read_cilium(&data, secret);
	}
	free(cni);
	meta_free(&meta);
}

/**
 * objects_priority - who decides on the configuration, by an object's annotation
 * @root: the object
 *
 * Return: the annotation, or NULL.
 */
const char *objects_priority(const struct field *root)
{
	struct field metadata = field_member(root, "metadata");
	struct field annotations = field_member(&metadata, "annotations");

	return field_member_string(&annotations, OBJECTS_PRIORITY);
}

/**
 * objects_read_config_map - read ConfigMap d8-cni-cilium/cilium-config: the port in use
 * @objects: gets it
 * @root: the object
 */
void objects_read_config_map(struct objects *objects, const struct field *root)
{
	struct field metadata = field_member(root, "metadata");
	struct field data = field_member(root, "data");
	const char *name = json_string_value(json_object_get(metadata.json, "name"));
	const char *namespace = json_string_value(json_object_get(metadata.json, "namespace"));
	struct meta meta = { 0 };
	const char *text;
	long port;
	char *end;

	if (util_strcmp_null(name, "cilium-config") || util_strcmp_null(namespace, "d8-cni-cilium"))
		return;
	if (!meta_read(root, true, &objects->metas, &meta))
		return;
	meta_free(&meta);
	objects->cilium.is_known = true;
	text = field_member_string(&data, "tunnel-port");
	port = text ? strtol(text, &end, 10) : 0;
	/* What is no port is as none, for Deckhouse as well. */
	objects->cilium.port = port > 0 && port <= 65535 && !*end ? port : 0;
}
