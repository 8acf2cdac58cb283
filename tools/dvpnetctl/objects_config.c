// SPDX-License-Identifier: GPL-2.0
/* Kubernetes objects: what configures the cluster as a whole. */
#include <stdlib.h>
#include <string.h>

#include "annotation.h"
#include "base64.h"
#include "objects_kinds.h"

static const char *name_of(const struct field *root)
{
	struct field metadata = field_member(root, "metadata");
	const char *name = field_member_string(&metadata, "name");

	return name ? name : "";
}

/* ---- ranges of addresses ---- */

static void read_range(const struct field *up, const char *key, enum dvpnet_range_kind kind,
		       struct objects *objects)
{
	struct field field = field_member(up, key);
	struct range range;

	if (!field_range(&field, &range))
		return;
	range.kind = kind;
	*list_add(&objects->ranges) = range;
}

static void read_ranges(const struct field *up, const char *key, enum dvpnet_range_kind kind,
			struct objects *objects)
{
	struct field list = field_member(up, key);
	size_t i, count = field_length(&list);

	for (i = 0; i < count; i++) {
		struct field field = field_element(&list, i);
		struct range range;

		if (!field_range(&field, &range))
			continue;
		range.kind = kind;
		*list_add(&objects->ranges) = range;
	}
}

static void read_subnets(const struct field *up, struct objects *objects)
{
	read_range(up, "podSubnetCIDR", DVPNET_RANGE_KIND_INSIDE, objects);
	read_range(up, "serviceSubnetCIDR", DVPNET_RANGE_KIND_SERVICE, objects);
}

/**
 * objects_read_service_cidr - read a ServiceCIDR
 * @objects: its ranges are added to
 * @root: the object
 */
void objects_read_service_cidr(struct objects *objects, const struct field *root)
{
	struct field spec = field_member(root, "spec");
	struct meta meta = { 0 };

	if (meta_read(root, false, &objects->metas, &meta))
		read_ranges(&spec, "cidrs", DVPNET_RANGE_KIND_SERVICE, objects);
	meta_free(&meta);
}

/**
 * objects_read_cluster - read a ClusterConfiguration, which has no metadata
 * @objects: its ranges are added to
 * @root: the object
 */
void objects_read_cluster(struct objects *objects, const struct field *root)
{
	root->subject->name = "";
	objects->is_static = !util_strcmp_null(field_member_string(root, "clusterType"), "Static");
	read_subnets(root, objects);
}

/* The ClusterConfiguration in Secret kube-system/d8-cluster-configuration. */
static void read_cluster_secret(struct objects *objects, const struct field *root)
{
	struct field data = field_member(root, "data");
	struct field field = field_member(&data, "cluster-configuration.yaml");
	char where[PLACE_TEXT_MAX], *text, *file;
	struct meta meta = { 0 };
	struct place place;

	if (meta_read(root, true, &objects->metas, &meta) && field_string(&field)) {
		place = field_place(&field);
		file = util_printf("%s: cluster-configuration.yaml", place_text(&place, where));
		*list_add(&objects->files) = file;
		text = base64_decode(field_string(&field));
		if (text)
			document_parse(file, text, strlen(text), objects_read, objects,
				       &objects->report);
		else
			objects_data_error(&field, "must be a text in base64");
		free(text);
	}
	meta_free(&meta);
}

/**
 * objects_read_secret - read a Secret, if it is one that matters here
 * @objects: where what it says is put
 * @root: the object
 */
void objects_read_secret(struct objects *objects, const struct field *root)
{
	struct field metadata = field_member(root, "metadata");
	const char *name = name_of(root);

	if (util_strcmp_null(field_member_string(&metadata, "namespace"), "kube-system"))
		return;
	if (!strcmp(name, "d8-cluster-configuration"))
		read_cluster_secret(objects, root);
	else if (!strcmp(name, OBJECTS_CNI_SECRET))
		objects_read_cni_secret(objects, root);
}

/* ---- ModuleConfigs ---- */

static void set_number(const struct field *annotations, const char *key, unsigned long min,
		       unsigned long max, uint16_t attr, struct config *config)
{
	unsigned long number;

	if (annotation_number(annotations, key, min, max, &number))
		config_set(config, attr, number);
}

static void set_bool(const struct field *annotations, const char *key, uint16_t attr,
		     struct config *config)
{
	bool value;

	if (annotation_bool(annotations, key, &value))
		config_set(config, attr, value);
}

static void read_annotations(const struct field *root, struct config *config)
{
	struct field metadata = field_member(root, "metadata");
	struct field annotations = field_member(&metadata, "annotations");
	uint32_t mode;

	if (annotation_mode(&annotations, &mode))
		config_set(config, DVPNET_A_CONFIG_MODE, mode);
	set_number(&annotations, "dvpnet.io/vxlan-port", 1, 65535, DVPNET_A_CONFIG_PORT, config);
	set_number(&annotations, "dvpnet.io/vni", 0, 0xffffff, DVPNET_A_CONFIG_VNI, config);
	set_bool(&annotations, "dvpnet.io/trust-underlay", DVPNET_A_CONFIG_TRUST_UNDERLAY, config);
	set_bool(&annotations, "dvpnet.io/udp-csum", DVPNET_A_CONFIG_UDP_CSUM, config);
	set_bool(&annotations, "dvpnet.io/vip-echo", DVPNET_A_CONFIG_VIP_ECHO, config);
	set_bool(&annotations, "dvpnet.io/reset-removed", DVPNET_A_CONFIG_RESET_REMOVED, config);
}

static void read_cilium(struct objects *objects, const struct field *root)
{
	struct config_object *object = &objects->config;
	struct field spec = field_member(root, "spec");
	struct field settings = field_member(&spec, "settings");
	struct meta meta = { 0 };

	if (!meta_read(root, false, &objects->metas, &meta))
		return;
	meta_free(&object->meta);
	object->meta = meta;
	object->enabled = field_member_bool(&spec, "enabled", true);
	settings_free(&object->settings);
	settings_read(&settings, &object->settings);
	free(object->priority);
	object->priority = util_strdup(objects_priority(root));
	read_annotations(root, &object->config);
}

static void read_virtualization(struct objects *objects, const struct field *root)
{
	struct field spec = field_member(root, "spec");
	struct field settings = field_member(&spec, "settings");
	struct meta meta = { 0 };

	size_t i, before = objects->ranges.count;

	if (meta_read(root, false, &objects->metas, &meta))
		read_ranges(&settings, "virtualMachineCIDRs", DVPNET_RANGE_KIND_INSIDE, objects);
	objects->has_virtualization = field_member_bool(&spec, "enabled", true);
	/* Where there is no virtualization, somebody else may have the addresses. */
	for (i = before; objects->has_virtualization && i < objects->ranges.count; i++)
		*list_add(&objects->machine_ranges) = objects->ranges.item[i];
	meta_free(&meta);
}

/* Newer releases have there what was in the ClusterConfiguration. */
static void read_control_plane(struct objects *objects, const struct field *root)
{
	struct field spec = field_member(root, "spec");
	struct field settings = field_member(&spec, "settings");
	struct field network = field_member(&settings, "network");
	struct meta meta = { 0 };

	if (meta_read(root, false, &objects->metas, &meta))
		read_subnets(&network, objects);
	meta_free(&meta);
}

/**
 * objects_read_module_config - read a ModuleConfig, if it is of a module that matters here
 * @objects: where what it says is put
 * @root: the object
 */
void objects_read_module_config(struct objects *objects, const struct field *root)
{
	const char *name = name_of(root);

	if (!strcmp(name, "cni-cilium"))
		read_cilium(objects, root);
	else if (!strcmp(name, "virtualization"))
		read_virtualization(objects, root);
	else if (!strcmp(name, "control-plane-manager"))
		read_control_plane(objects, root);
}

/* ---- the cluster's own UID ---- */

/**
 * objects_read_namespace - read Namespace kube-system
 * @objects: gets its UID
 * @root: the object
 */
void objects_read_namespace(struct objects *objects, const struct field *root)
{
	struct meta meta = { 0 };

	if (strcmp(name_of(root), "kube-system"))
		return;
	if (meta_read(root, false, &objects->metas, &meta))
		meta_read_uid(root, &objects->namespace_uid);
	meta_free(&meta);
}
