// SPDX-License-Identifier: GPL-2.0
/* Kubernetes objects: Node. */
#include <stdlib.h>
#include <string.h>

#include "annotation.h"
#include "objects_kinds.h"

static void read_mac(const struct field *annotations, struct node_object *node)
{
	struct field field = field_member(annotations, "dvpnet.io/tunnel-mac");
	const char *text = field_string(&field);
	uint8_t *mac = node->mac;
	int end = 0;

	if (!text)
		return;
	node->has_mac = sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1],
			       &mac[2], &mac[3], &mac[4], &mac[5], &end) == NODE_MAC_SIZE &&
			!text[end] && strlen(text) == 17 && !(mac[0] & 1);
	if (!node->has_mac)
		field_error(&field, "must be a unicast Ethernet address like 02:00:00:00:00:01");
}

/* What is no number says nothing. */
static unsigned int read_nesting(const struct field *root)
{
	const char *text = meta_label(root, "node.deckhouse.io/dvp-nesting-level");
	unsigned long level;
	char *end;

	level = text ? strtoul(text, &end, 10) : 0;
	return text && *text >= '0' && *text <= '9' && !*end && level <= OBJECTS_NESTING_MAX ?
	       level : 0;
}

static void read_node_addresses(const struct field *root, struct node_object *node)
{
	struct field status = field_member(root, "status");
	struct field addresses = field_member(&status, "addresses");
	size_t i, count = field_length(&addresses);

	for (i = 0; i < count; i++) {
		struct field element = field_element(&addresses, i);
		const char *type = field_member_string(&element, "type");
		struct field address = field_member(&element, "address");
		struct ip ip;

		if (!type || strcmp(type, "InternalIP"))
			continue;
		if (!address.json)
			field_error(&address, "must be an address");
		if (field_ip(&address, &ip) && !node->internal[family_index(ip.family)].family)
			node->internal[family_index(ip.family)] = ip;
	}
}

static void read_cidr(const struct field *field, struct node_object *node)
{
	struct range cidr;

	if (field_range(field, &cidr))
		*list_add(&node->cidrs) = cidr;
}

static void read_cidrs(const struct field *root, struct node_object *node)
{
	struct field spec = field_member(root, "spec");
	struct field cidrs = field_member(&spec, "podCIDRs");
	size_t i, count = field_length(&cidrs);

	for (i = 0; i < count; i++) {
		struct field cidr = field_element(&cidrs, i);

		read_cidr(&cidr, node);
	}
	if (!count) {
		struct field cidr = field_member(&spec, "podCIDR");

		read_cidr(&cidr, node);
	}
}

/* As kube-proxy has it: load balancers are to leave it alone. */
static bool is_leaving(const struct field *root, const struct field *metadata)
{
	struct field spec = field_member(root, "spec");
	struct field taints = field_member(&spec, "taints");
	size_t i, count = field_length(&taints);

	for (i = 0; i < count; i++) {
		struct field taint = field_element(&taints, i);
		const char *key = field_member_string(&taint, "key");

		if (key && !strcmp(key, "ToBeDeletedByClusterAutoscaler"))
			return true;
	}
	return field_member_string(metadata, "deletionTimestamp");
}

/**
 * objects_read_node - read a Node
 * @objects: to add it to
 * @root: the object
 */
void objects_read_node(struct objects *objects, const struct field *root)
{
	struct field metadata = field_member(root, "metadata");
	struct field annotations = field_member(&metadata, "annotations");
	struct node_object *node = list_add(&objects->nodes);
	const char *bind, *created;

	if (!meta_read(root, false, &objects->metas, &node->meta)) {
		objects->nodes.count--;
		return;
	}
	created = field_member_string(&metadata, "creationTimestamp");
	node->created = util_strdup(created ? created : "");
	node->mode = NODE_MODE_NONE;
	annotation_mode(&annotations, &node->mode);
	read_mac(&annotations, node);
	bind = field_member_string(&annotations, "node.deckhouse.io/nodeport-bind-internal-ip");
	node->nodeport_any = bind && !strcmp(bind, "false");
	node->leaving = is_leaving(root, &metadata);
	node->zone = util_strdup(meta_label(root, "topology.kubernetes.io/zone"));
	node->is_master = !util_strcmp_null(meta_label(root, "node.deckhouse.io/group"), "master");
	node->nesting = read_nesting(root);
	read_node_addresses(root, node);
	read_cidrs(root, node);
}

/**
 * objects_free_node - free what a Node owns
 * @node: the Node
 */
void objects_free_node(struct node_object *node)
{
	meta_free(&node->meta);
	free(node->created);
	free(node->zone);
	list_free(&node->cidrs);
}
