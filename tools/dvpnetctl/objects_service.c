// SPDX-License-Identifier: GPL-2.0
/* Kubernetes objects: Service. */
#include <stdlib.h>
#include <string.h>

#include "objects_kinds.h"

/* Seconds. */
#define AFFINITY_DEFAULT 10800
#define AFFINITY_MAX 86400

/* Of each family, as a port of a Service is a service in the kernel, with clusterIP and nodePort. */
#define ADDRESSES_MAX (DVPNET_FRONTENDS_MAX - 2)

static bool read_is_local(const struct field *spec, const char *key)
{
	static const char *const policies[] = { "Cluster", "Local", NULL };

	return !strcmp(field_member_choice(spec, key, policies, "Cluster"), "Local");
}

/**
 * objects_port_proto - protocol of a port of a Service or EndpointSlice
 * @up: the port
 *
 * Return: IPPROTO_*.
 */
uint8_t objects_port_proto(const struct field *up)
{
	static const char *const protocols[] = { "TCP", "UDP", "SCTP", NULL };
	uint8_t proto = IPPROTO_TCP;

	proto_parse(field_member_choice(up, "protocol", protocols, "TCP"), &proto);
	return proto;
}

/**
 * objects_port_name - name of a port of a Service or EndpointSlice
 * @up: the port
 *
 * Return: the name, "" if it has none; to be freed.
 */
char *objects_port_name(const struct field *up)
{
	struct field field = field_member(up, "name");
	const char *text = field_string(&field);

	if (text && strlen(text) > 63)
		field_error(&field, "must have at most 63 letters");
	return util_strdup(text ? text : "");
}

/* Among equals, those that come first stay first. */
static int compare_port_names(const void *a, const void *b)
{
	const struct service_port *x = *(const struct service_port *const *)a;
	const struct service_port *y = *(const struct service_port *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : x < y ? -1 : x > y;
}

/* The kernel, and slices, tell ports of a Service apart by name. */
static void check_port_names(const struct field *ports, const struct service_object *service)
{
	LIST(const struct service_port *) sorted = { 0 };
	size_t i;

	for (i = 0; i < service->ports.count; i++)
		*list_add(&sorted) = &service->ports.item[i];
	list_sort(&sorted, compare_port_names);
	for (i = 1; i < sorted.count; i++) {
		struct field port = field_element(ports, sorted.item[i] - service->ports.item);
		struct field name = field_member(&port, "name");

		if (!strcmp(sorted.item[i - 1]->name, sorted.item[i]->name))
			field_error(&name, "must be another than those of the ports before");
	}
	list_free(&sorted);
}

static void read_service_ports(const struct field *spec, struct service_object *service)
{
	struct field ports = field_member(spec, "ports");
	size_t i, count = field_length(&ports);

	for (i = 0; i < count; i++) {
		struct field element = field_element(&ports, i);
		struct field number = field_member(&element, "port");
		struct service_port *port = list_add(&service->ports);

		port->name = objects_port_name(&element);
		port->proto = objects_port_proto(&element);
		if (!number.json)
			field_error(&number, "must be a number from 1 to 65535");
		port->port = field_number(&number, 1, 65535, 0);
		port->node_port = field_member_number(&element, "nodePort", 0, 65535, 0);
		port->place = field_place(&element);
	}
	check_port_names(&ports, service);
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

/* ---- addresses from outside ---- */

/* What the kernel has no room for is refused here. */
static bool has_room(const struct field *field, const struct ip *ip,
		     const struct service_object *service)
{
	size_t i, count = 0;

	for (i = 0; i < service->externals.count; i++)
		count += service->externals.item[i].addr.family == ip->family;
	for (i = 0; i < service->balancers.count; i++)
		count += service->balancers.item[i].addr.family == ip->family;
	if (count < ADDRESSES_MAX)
		return true;
	field_error(field, "must not be there, as a Service has at most %d %s addresses from outside",
		    ADDRESSES_MAX, ip_family_text(ip->family));
	return false;
}

static void read_external_ips(const struct field *spec, struct service_object *service)
{
	struct field ips = field_member(spec, "externalIPs");
	size_t i, count = field_length(&ips);

	for (i = 0; i < count; i++) {
		struct field field = field_element(&ips, i);
		struct ip ip;

		if (!field_ip(&field, &ip))
			continue;
		/* The first one too many is told, not all. */
		if (!has_room(&field, &ip, service))
			return;
		*list_add(&service->externals) = (struct service_address){
			ip, field_place(&field),
		};
	}
}

/*
 * Elements with a host name alone are DNS's; those of mode Proxy the load balancer's own.
 * False if this one is too many.
 */
static bool read_ingress(const struct field *element, struct service_object *service)
{
	static const char *const modes[] = { "VIP", "Proxy", NULL };
	const char *mode = field_member_choice(element, "ipMode", modes, "VIP");
	struct field field = field_member(element, "ip");
	const char *text = field_string(&field);
	struct ip ip;

	if (!text || !*text || !field_ip(&field, &ip) || strcmp(mode, "VIP"))
		return true;
	if (!has_room(&field, &ip, service))
		return false;
	*list_add(&service->balancers) = (struct service_address){ ip, field_place(&field) };
	return true;
}

static void read_balancer(const struct field *root, struct service_object *service)
{
	struct field status = field_member(root, "status");
	struct field balancer = field_member(&status, "loadBalancer");
	struct field ingress = field_member(&balancer, "ingress");
	size_t i, count = field_length(&ingress);

	for (i = 0; i < count; i++) {
		struct field element = field_element(&ingress, i);

		if (!read_ingress(&element, service))
			return;
	}
}

/* An API server lets blanks around a range pass, and bits behind its length. */
static void read_source(const struct field *field, struct service_object *service)
{
	static const char blanks[] = " \t\r\n";
	struct range range = { .place = field_place(field) };
	const char *text = field_string(field);
	char bare[IP_TEXT_MAX], trimmed[IP_TEXT_MAX];
	size_t size;

	if (!text)
		return;
	text += strspn(text, blanks);
	size = strcspn(text, blanks);
	snprintf(bare, sizeof(bare), "%.*s", (int)size, text);
	if (text[size + strspn(text + size, blanks)] ||
	    !ip_parse_prefix(ip_trim_zeros(bare, trimmed), &range.addr, &range.len)) {
		field_error(field, "must be a range of addresses like 203.0.113.0/24");
		return;
	}
	ip_clear_host_bits(&range.addr, range.len);
	*list_add(&service->sources) = range;
}

/*
 * The module has room for so many, the load balancer's own addresses among them: whether
 * those are needed depends on the node, and what a Service may have does not.
 */
static void check_sources(const struct field *sources, const struct service_object *service)
{
	const struct place place = field_place(sources);
	size_t i, count[FAMILIES] = { 0 }, own[FAMILIES] = { 0 };
	int family;

	for (i = 0; i < service->sources.count; i++)
		count[family_index(service->sources.item[i].addr.family)]++;
	for (i = 0; i < service->balancers.count; i++)
		own[family_index(service->balancers.item[i].addr.family)]++;
	for (family = 0; family < FAMILIES; family++)
		if (count[family] && count[family] + own[family] > DVPNET_RANGES_MAX)
			report_error(sources->subject->report, &place, "Service %s/%s: "
				     "spec.loadBalancerSourceRanges: %zu of %s, and %zu addresses of "
				     "the load balancer, are more than %u: join some",
				     service->meta.namespace, service->meta.name, count[family],
				     family == V4 ? "IPv4" : "IPv6", own[family],
				     DVPNET_RANGES_MAX);
}

static void read_sources(const struct field *spec, struct service_object *service)
{
	struct field sources = field_member(spec, "loadBalancerSourceRanges");
	size_t i, count = field_length(&sources);

	for (i = 0; i < count; i++) {
		struct field source = field_element(&sources, i);

		read_source(&source, service);
	}
	check_sources(&sources, service);
}

/* ---- the choice of a backend ---- */

static void read_affinity(const struct field *spec, struct service_object *service)
{
	static const char *const affinities[] = { "None", "ClientIP", NULL };
	struct field config = field_member(spec, "sessionAffinityConfig");
	struct field client = field_member(&config, "clientIP");
	long timeout = field_member_number(&client, "timeoutSeconds", 1, AFFINITY_MAX,
					   AFFINITY_DEFAULT);

	if (!strcmp(field_member_choice(spec, "sessionAffinity", affinities, "None"), "ClientIP"))
		service->affinity = timeout;
}

static void read_algorithm(const struct field *root, struct service_object *service)
{
	static const char *const algorithms[] = {
		[DVPNET_ALGORITHM_MAGLEV] = "maglev",
		[DVPNET_ALGORITHM_RANDOM] = "random",
		[DVPNET_ALGORITHM_LEAST_CONN] = "least-conn",
		NULL,
	};
	struct field metadata = field_member(root, "metadata");
	struct field annotations = field_member(&metadata, "annotations");
	const char *text = field_member_choice(&annotations, "service.cilium.io/lb-algorithm",
					       algorithms, algorithms[0]);

	while (strcmp(text, algorithms[service->algorithm]))
		service->algorithm++;
}

/* ---- the whole ---- */

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

/**
 * objects_free_service - free what a Service owns
 * @service: the Service
 */
void objects_free_service(struct service_object *service)
{
	size_t i;

	for (i = 0; i < service->ports.count; i++)
		free(service->ports.item[i].name);
	list_free(&service->ports);
	list_free(&service->balancers);
	list_free(&service->externals);
	list_free(&service->sources);
	free(service->created);
	meta_free(&service->meta);
}

static void read_type(const struct field *root, const struct field *spec, const char *type,
		      struct service_object *service)
{
	bool is_balancer = !strcmp(type, "LoadBalancer");

	service->has_node_ports = is_balancer || !strcmp(type, "NodePort");
	read_external_ips(spec, service);
	if (is_balancer) {
		/* If false, an API server gives a nodePort only to ports that ask for one. */
		field_member_bool(spec, "allocateLoadBalancerNodePorts", true);
		read_balancer(root, service);
		read_sources(spec, service);
	}
	service->internal_local = read_is_local(spec, "internalTrafficPolicy");
	service->external_local = read_is_local(spec, "externalTrafficPolicy") &&
				  (service->has_node_ports || service->externals.count);
	if (is_balancer && service->external_local)
		service->health_port = field_member_number(spec, "healthCheckNodePort", 0, 65535,
							   0);
}

/**
 * objects_read_service - read a Service, if it has virtual addresses and is ours to serve
 * @objects: to add it to
 * @root: the object
 */
void objects_read_service(struct objects *objects, const struct field *root)
{
	static const char *const types[] = {
		"ClusterIP", "NodePort", "LoadBalancer", "ExternalName", NULL,
	};
	struct field metadata = field_member(root, "metadata");
	struct field spec = field_member(root, "spec");
	struct service_object service = { 0 };
	const char *type, *created;

	if (!meta_read(root, true, &objects->metas, &service.meta))
		return;
	if (!strcmp(service.meta.namespace, "default") &&
	    !strcmp(service.meta.name, "kubernetes"))
		meta_read_uid(root, &objects->service_uid);
	type = field_member_choice(&spec, "type", types, "ClusterIP");
	if (meta_is_invisible(root) || has_no_address(&spec, type)) {
		objects_free_service(&service);
		return;
	}
	created = field_member_string(&metadata, "creationTimestamp");
	service.created = util_strdup(created ? created : "");
	read_type(root, &spec, type, &service);
	read_affinity(&spec, &service);
	read_algorithm(root, &service);
	read_cluster_ips(&spec, &service);
	read_service_ports(&spec, &service);
	*list_add(&objects->services) = service;
}
