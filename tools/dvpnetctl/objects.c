// SPDX-License-Identifier: GPL-2.0
/* The Kubernetes objects that matter, as typed values. */
#include <stdlib.h>
#include <string.h>

#include "field.h"
#include "objects.h"

/* Objects nest Lists at most this deep; an alias could have them nest more. */
#define LIST_DEPTH_MAX 4

/* ---- metadata ---- */

static void meta_free(struct meta *meta)
{
	free(meta->namespace);
	free(meta->name);
}

static struct meta meta_copy(const struct meta *meta)
{
	return (struct meta){
		meta->kind, util_strdup(meta->namespace), util_strdup(meta->name), meta->place,
	};
}

/* Fills what messages and duplicates are told by; false without a name. */
static bool read_meta(struct objects *objects, const struct field *root, bool namespaced,
		      struct meta *meta)
{
	struct subject *subject = root->subject;
	struct field metadata = field_member(root, "metadata");
	struct field name = field_member(&metadata, "name");
	const char *namespace = namespaced ? field_member_string(&metadata, "namespace") : NULL;

	if (namespaced)
		subject->namespace = namespace ? namespace : "default";
	subject->name = field_string(&name);
	if (!subject->name || !*subject->name || strlen(subject->name) > 253 ||
	    (namespaced && strlen(subject->namespace) > 63)) {
		if (!name.json || subject->name)
			field_error(&name, "must be the name of the object");
		return false;
	}
	meta->kind = subject->kind;
	meta->namespace = util_strdup(namespaced ? subject->namespace : "");
	meta->name = util_strdup(subject->name);
	meta->place = field_place(root);
	*list_add(&objects->metas) = meta_copy(meta);
	return true;
}

static const char *label_of(const struct field *root, const char *map, const char *key)
{
	struct field metadata = field_member(root, "metadata");
	struct field labels = field_member(&metadata, map);
	struct field label = field_member(&labels, key);

	return field_string(&label);
}

static bool has_label(const struct field *root, const char *key)
{
	struct field metadata = field_member(root, "metadata");
	struct field labels = field_member(&metadata, "labels");

	return json_object_get(labels.json, key);
}

/* Another proxy's, or none's; any value counts, even an empty one. */
static bool is_invisible(const struct field *root)
{
	return has_label(root, "service.kubernetes.io/service-proxy-name") ||
	       has_label(root, "service.kubernetes.io/headless");
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? at - digits : -1;
}

static void read_uid(const struct field *root, struct cluster_uid *uid)
{
	struct field metadata = field_member(root, "metadata");
	struct field field = field_member(&metadata, "uid");
	const char *text = field_string(&field);
	size_t digits = 0;

	if (!text)
		return;
	for (; *text && digits < 2 * OBJECT_UID_SIZE; text++) {
		int digit = hex_digit(*text);

		if (*text == '-')
			continue;
		if (digit < 0)
			break;
		uid->bytes[digits / 2] |= digits % 2 ? digit : digit << 4;
		digits++;
	}
	uid->known = !*text && digits == 2 * OBJECT_UID_SIZE;
	if (!uid->known)
		field_error(&field, "must be a UUID");
}

/* ---- nodes ---- */

static void read_mode(const struct field *annotations, uint32_t *mode)
{
	struct field field = field_member(annotations, "dvpnet.io/mode");
	const char *text = field_string(&field);

	if (text && !config_mode_parse(text, mode))
		field_error(&field, "must be vxlan, classic or auto");
}

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
	const char *text = field_string(field);
	struct cidr cidr;

	if (!text)
		return;
	if (!ip_parse_prefix(text, &cidr.addr, &cidr.len) || !cidr.len) {
		field_error(field, "must be a prefix like 10.111.1.0/24");
		return;
	}
	if (ip_has_host_bits(&cidr.addr, cidr.len)) {
		field_error(field, "must have no bits set behind its length");
		return;
	}
	cidr.place = field_place(field);
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

static void read_node(struct objects *objects, const struct field *root)
{
	struct field metadata = field_member(root, "metadata");
	struct field annotations = field_member(&metadata, "annotations");
	struct node_object *node = list_add(&objects->nodes);
	const char *bind;

	if (!read_meta(objects, root, false, &node->meta)) {
		objects->nodes.count--;
		return;
	}
	node->mode = NODE_MODE_NONE;
	read_mode(&annotations, &node->mode);
	read_mac(&annotations, node);
	bind = field_member_string(&annotations, "node.deckhouse.io/nodeport-bind-internal-ip");
	node->nodeport_any = bind && !strcmp(bind, "false");
	node->zone = util_strdup(label_of(root, "labels", "topology.kubernetes.io/zone"));
	read_node_addresses(root, node);
	read_cidrs(root, node);
}

static void node_object_free(struct node_object *node)
{
	meta_free(&node->meta);
	free(node->zone);
	list_free(&node->cidrs);
}

/* ---- services ---- */

/* Of the values that an enumeration has, which one? @otherwise if there is none. */
static const char *read_choice(const struct field *up, const char *key,
			       const char *const *choices, const char *otherwise)
{
	struct field field = field_member(up, key);
	const char *text = field_string(&field);
	char allowed[128] = "";
	size_t i;

	if (!text)
		return otherwise;
	for (i = 0; choices[i]; i++) {
		if (!strcmp(text, choices[i]))
			return choices[i];
		strcat(allowed, i ? choices[i + 1] ? ", " : " or " : "");
		strcat(allowed, choices[i]);
	}
	field_error(&field, "must be %s", allowed);
	return otherwise;
}

static bool read_is_local(const struct field *spec, const char *key)
{
	static const char *const policies[] = { "Cluster", "Local", NULL };

	return !strcmp(read_choice(spec, key, policies, "Cluster"), "Local");
}

static uint8_t read_proto(const struct field *up)
{
	static const char *const protocols[] = { "TCP", "UDP", "SCTP", NULL };
	uint8_t proto = IPPROTO_TCP;

	proto_parse(read_choice(up, "protocol", protocols, "TCP"), &proto);
	return proto;
}

static void read_port_name(const struct field *up, char **name)
{
	struct field field = field_member(up, "name");
	const char *text = field_string(&field);

	if (text && strlen(text) > 63)
		field_error(&field, "must have at most 63 letters");
	*name = util_strdup(text ? text : "");
}

static void read_service_ports(const struct field *spec, struct service_object *service)
{
	struct field ports = field_member(spec, "ports");
	size_t i, count = field_length(&ports);

	for (i = 0; i < count; i++) {
		struct field element = field_element(&ports, i);
		struct field number = field_member(&element, "port");
		struct service_port *port = list_add(&service->ports);

		read_port_name(&element, &port->name);
		port->proto = read_proto(&element);
		if (!number.json)
			field_error(&number, "must be a number from 1 to 65535");
		port->port = field_number(&number, 1, 65535, 0);
		port->node_port = field_member_number(&element, "nodePort", 0, 65535, 0);
		port->place = field_place(&element);
	}
}

static void read_cluster_ip(const struct field *field, struct service_object *service)
{
	struct ip ip;

	if (!field_ip(field, &ip))
		return;
	if (service->cluster_ip[family_index(ip.family)].family)
		field_error(field, "must be of another family than the address before");
	else
		service->cluster_ip[family_index(ip.family)] = ip;
}

static void read_cluster_ips(const struct field *spec, struct service_object *service)
{
	struct field ips = field_member(spec, "clusterIPs");
	size_t i, count = field_length(&ips);

	for (i = 0; i < count; i++) {
		struct field ip = field_element(&ips, i);

		read_cluster_ip(&ip, service);
	}
	if (!count) {
		struct field ip = field_member(spec, "clusterIP");

		read_cluster_ip(&ip, service);
	}
}

/* Headless, without address, or a DNS name: nothing to translate. */
static bool has_no_address(const struct field *spec, const char *type)
{
	const char *ip = field_member_string(spec, "clusterIP");
	struct field ips = field_member(spec, "clusterIPs");

	if (!strcmp(type, "ExternalName"))
		return true;
	if (!ip)
		ip = json_string_value(json_array_get(ips.json, 0));
	return !ip || !*ip || !strcmp(ip, "None");
}

static void service_object_free(struct service_object *service)
{
	size_t i;

	for (i = 0; i < service->ports.count; i++)
		free(service->ports.item[i].name);
	list_free(&service->ports);
	meta_free(&service->meta);
}

static void read_service(struct objects *objects, const struct field *root)
{
	static const char *const types[] = {
		"ClusterIP", "NodePort", "LoadBalancer", "ExternalName", NULL,
	};
	struct field spec = field_member(root, "spec");
	struct service_object service = { 0 };
	const char *type;

	if (!read_meta(objects, root, true, &service.meta))
		return;
	if (!strcmp(service.meta.namespace, "default") &&
	    !strcmp(service.meta.name, "kubernetes"))
		read_uid(root, &objects->service_uid);
	type = read_choice(&spec, "type", types, "ClusterIP");
	if (is_invisible(root) || has_no_address(&spec, type)) {
		service_object_free(&service);
		return;
	}
	service.has_node_ports = !strcmp(type, "NodePort") || !strcmp(type, "LoadBalancer");
	service.internal_local = read_is_local(&spec, "internalTrafficPolicy");
	service.external_local = service.has_node_ports &&
				 read_is_local(&spec, "externalTrafficPolicy");
	read_cluster_ips(&spec, &service);
	read_service_ports(&spec, &service);
	*list_add(&objects->services) = service;
}

/* ---- endpoint slices ---- */

static void read_slice_ports(const struct field *root, struct slice_object *slice)
{
	struct field ports = field_member(root, "ports");
	size_t i, count = field_length(&ports);

	for (i = 0; i < count; i++) {
		struct field element = field_element(&ports, i);
		struct field name = field_member(&element, "name");
		long number = field_member_number(&element, "port", 0, 65535, 0);
		struct slice_port *port;

		/* An API server always has a name, perhaps ""; without one nothing can match. */
		if (!name.json || !number)
			continue;
		port = list_add(&slice->ports);
		read_port_name(&element, &port->name);
		port->proto = read_proto(&element);
		port->port = number;
	}
}

static void read_conditions(const struct field *up, struct endpoint *endpoint)
{
	struct field conditions = field_member(up, "conditions");

	endpoint->ready = field_member_bool(&conditions, "ready", true);
	endpoint->serving = field_member_bool(&conditions, "serving", endpoint->ready);
	endpoint->terminating = field_member_bool(&conditions, "terminating", false);
}

static void read_hints(const struct field *up, struct endpoint *endpoint)
{
	struct field hints = field_member(up, "hints");
	struct field zones = field_member(&hints, "forZones");
	struct field nodes = field_member(&hints, "forNodes");
	size_t i, count;

	for (i = 0, count = field_length(&zones); i < count; i++) {
		struct field element = field_element(&zones, i);
		const char *name = field_member_string(&element, "name");

		*list_add(&endpoint->for_zones) = util_strdup(name ? name : "");
	}
	for (i = 0, count = field_length(&nodes); i < count; i++) {
		struct field element = field_element(&nodes, i);
		const char *name = field_member_string(&element, "name");

		*list_add(&endpoint->for_nodes) = util_strdup(name ? name : "");
	}
}

static void read_endpoints(const struct field *root, struct slice_object *slice)
{
	struct field endpoints = field_member(root, "endpoints");
	size_t i, count = field_length(&endpoints);

	for (i = 0; i < count; i++) {
		struct field element = field_element(&endpoints, i);
		struct field addresses = field_member(&element, "addresses");
		struct field address = field_element(&addresses, 0);
		struct endpoint *endpoint;
		struct ip ip;

		if (!field_length(&addresses)) {
			field_error(&addresses, "must have an address");
			continue;
		}
		if (!field_ip(&address, &ip))
			continue;
		if (ip.family != slice->family) {
			field_error(&address, "must be an %s address, as addressType says",
				    ip_family_text(slice->family));
			continue;
		}
		endpoint = list_add(&slice->endpoints);
		endpoint->addr = ip;
		endpoint->node = util_strdup(field_member_string(&element, "nodeName"));
		read_conditions(&element, endpoint);
		read_hints(&element, endpoint);
	}
}

static void slice_object_free(struct slice_object *slice)
{
	size_t i, j;

	for (i = 0; i < slice->ports.count; i++)
		free(slice->ports.item[i].name);
	list_free(&slice->ports);
	for (i = 0; i < slice->endpoints.count; i++) {
		struct endpoint *endpoint = &slice->endpoints.item[i];

		for (j = 0; j < endpoint->for_zones.count; j++)
			free(endpoint->for_zones.item[j]);
		for (j = 0; j < endpoint->for_nodes.count; j++)
			free(endpoint->for_nodes.item[j]);
		list_free(&endpoint->for_zones);
		list_free(&endpoint->for_nodes);
		free(endpoint->node);
	}
	list_free(&slice->endpoints);
	free(slice->service);
	meta_free(&slice->meta);
}

static void read_slice(struct objects *objects, const struct field *root)
{
	static const char *const types[] = { "IPv4", "IPv6", "FQDN", NULL };
	struct slice_object slice = { 0 };
	struct field type = field_member(root, "addressType");
	const char *service, *text;

	if (!read_meta(objects, root, true, &slice.meta))
		return;
	service = label_of(root, "labels", "kubernetes.io/service-name");
	if (!type.json)
		field_error(&type, "must be IPv4, IPv6 or FQDN");
	text = read_choice(root, "addressType", types, "FQDN");
	if (!service || is_invisible(root) || !strcmp(text, "FQDN")) {
		slice_object_free(&slice);
		return;
	}
	slice.service = util_strdup(service);
	slice.family = !strcmp(text, "IPv4") ? AF_INET : AF_INET6;
	read_slice_ports(root, &slice);
	read_endpoints(root, &slice);
	*list_add(&objects->slices) = slice;
}

/* ---- the platform's configuration ---- */

static void read_annotated_number(const struct field *annotations, const char *key,
				  unsigned long min, unsigned long max, uint16_t attr,
				  struct config *config)
{
	struct field field = field_member(annotations, key);
	const char *text = field_string(&field);
	unsigned long number;
	char *end;

	if (!text)
		return;
	number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || number < min || number > max)
		field_error(&field, "must be a number from %lu to %lu", min, max);
	else
		config_set(config, attr, number);
}

static void read_annotated_bool(const struct field *annotations, const char *key,
				uint16_t attr, struct config *config)
{
	static const char *const choices[] = { "true", "false", NULL };

	if (json_object_get(annotations->json, key))
		config_set(config, attr,
			   !strcmp(read_choice(annotations, key, choices, "false"), "true"));
}

static void read_config(struct objects *objects, const struct field *root)
{
	static const char *const tunnel_modes[] = { "Disabled", "VXLAN", NULL };
	struct field metadata = field_member(root, "metadata");
	struct field annotations = field_member(&metadata, "annotations");
	struct field spec = field_member(root, "spec");
	struct field settings = field_member(&spec, "settings");
	struct config *config = &objects->config.config;
	struct meta meta = { 0 };
	uint32_t mode;

	if (util_strcmp_null(field_member_string(&metadata, "name"), "cni-cilium"))
		return;
	if (!read_meta(objects, root, false, &meta))
		return;
	meta_free(&objects->config.meta);
	objects->config.meta = meta;
	objects->config.enabled = field_member_bool(&spec, "enabled", true);
	mode = strcmp(read_choice(&settings, "tunnelMode", tunnel_modes, "Disabled"), "VXLAN") ?
	       DVPNET_MODE_CLASSIC : DVPNET_MODE_VXLAN;
	read_mode(&annotations, &mode);
	config_set(config, DVPNET_A_CONFIG_MODE, mode);
	read_annotated_number(&annotations, "dvpnet.io/vxlan-port", 1, 65535,
			      DVPNET_A_CONFIG_PORT, config);
	read_annotated_number(&annotations, "dvpnet.io/vni", 0, 0xffffff, DVPNET_A_CONFIG_VNI,
			      config);
	read_annotated_bool(&annotations, "dvpnet.io/trust-underlay",
			    DVPNET_A_CONFIG_TRUST_UNDERLAY, config);
	read_annotated_bool(&annotations, "dvpnet.io/udp-csum", DVPNET_A_CONFIG_UDP_CSUM,
			    config);
}

static void read_namespace(struct objects *objects, const struct field *root)
{
	struct field metadata = field_member(root, "metadata");
	struct meta meta = { 0 };

	if (util_strcmp_null(field_member_string(&metadata, "name"), "kube-system"))
		return;
	if (read_meta(objects, root, false, &meta))
		read_uid(root, &objects->namespace_uid);
	meta_free(&meta);
}

/* ---- all of them ---- */

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
	{ "v1", "Node", read_node },
	{ "v1", "Service", read_service },
	{ "v1", "Namespace", read_namespace },
	{ "discovery.k8s.io/v1", "EndpointSlice", read_slice },
	{ "deckhouse.io/", "ModuleConfig", read_config },
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

	for (i = 1; i < objects->metas.count; i++) {
		const struct meta *a = &objects->metas.item[i - 1], *b = &objects->metas.item[i];
		char place[PLACE_TEXT_MAX];

		if (!compare_metas(a, b))
			report_error(&objects->report, &b->place,
				     "%s %s%s%s: stands in %s too; leave one out", b->kind,
				     b->namespace, *b->namespace ? "/" : "", b->name,
				     place_text(&a->place, place));
	}
}

/**
 * objects_complete - after all was read: sort, and find objects that come twice
 * @objects: what was read
 */
void objects_complete(struct objects *objects)
{
	list_sort(&objects->nodes, compare_nodes);
	list_sort(&objects->services, compare_services);
	list_sort(&objects->slices, compare_slices);
	list_sort(&objects->metas, compare_metas);
	report_duplicates(objects);
}

/**
 * objects_free - forget all
 * @objects: what was read
 */
void objects_free(struct objects *objects)
{
	size_t i;

	for (i = 0; i < objects->nodes.count; i++)
		node_object_free(&objects->nodes.item[i]);
	for (i = 0; i < objects->services.count; i++)
		service_object_free(&objects->services.item[i]);
	for (i = 0; i < objects->slices.count; i++)
		slice_object_free(&objects->slices.item[i]);
	for (i = 0; i < objects->metas.count; i++)
		meta_free(&objects->metas.item[i]);
	list_free(&objects->nodes);
	list_free(&objects->services);
	list_free(&objects->slices);
	list_free(&objects->metas);
	meta_free(&objects->config.meta);
	report_free(&objects->report);
}
