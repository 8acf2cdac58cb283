// SPDX-License-Identifier: GPL-2.0
/* Kubernetes objects: EndpointSlice. */
#include <stdlib.h>
#include <string.h>

#include "annotation.h"
#include "objects_kinds.h"

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
		port->name = objects_port_name(&element);
		port->proto = objects_port_proto(&element);
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

/**
 * objects_free_slice - free what an EndpointSlice owns
 * @slice: the EndpointSlice
 */
void objects_free_slice(struct slice_object *slice)
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

static uint32_t read_weight(const struct field *root)
{
	struct field metadata = field_member(root, "metadata");
	struct field annotations = field_member(&metadata, "annotations");
	unsigned long weight = 1;

	annotation_number(&annotations, "dvpnet.io/weight", 0, 100, &weight);
	return weight;
}

/**
 * objects_read_slice - read an EndpointSlice, if it is of a Service
 * @objects: to add it to
 * @root: the object
 */
void objects_read_slice(struct objects *objects, const struct field *root)
{
	static const char *const types[] = { "IPv4", "IPv6", "FQDN", NULL };
	struct slice_object slice = { 0 };
	struct field type = field_member(root, "addressType");
	const char *service, *text;

	if (!meta_read(root, true, &objects->metas, &slice.meta))
		return;
	service = meta_label(root, "kubernetes.io/service-name");
	if (!type.json)
		field_error(&type, "must be IPv4, IPv6 or FQDN");
	text = field_member_choice(root, "addressType", types, "FQDN");
	if (!service || meta_is_invisible(root) || !strcmp(text, "FQDN")) {
		objects_free_slice(&slice);
		return;
	}
	slice.service = util_strdup(service);
	slice.family = !strcmp(text, "IPv4") ? AF_INET : AF_INET6;
	slice.weight = read_weight(root);
	read_slice_ports(root, &slice);
	read_endpoints(root, &slice);
	*list_add(&objects->slices) = slice;
}
