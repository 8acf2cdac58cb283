// SPDX-License-Identifier: GPL-2.0
/* Services, for people and for programs. */
#include <stdio.h>

#include "part.h"
#include "print.h"

#define LISTS (DVPNET_BACKEND_FLAGS_CLUSTER | DVPNET_BACKEND_FLAGS_LOCAL)

static const char *const service_flags[] = {
	"internal-local", "external-local", "ranges-all", NULL,
};
static const char *const backend_flags[] = {
	"cluster", "local", "on-node", "ready", "terminating", NULL,
};

/**
 * print_list_why - why a list is as it is, in words
 * @list: &enum dvpnet_list
 * @why: &enum dvpnet_list_why
 * @count: length of the list
 */
const char *print_list_why(uint32_t list, uint32_t why, size_t count)
{
	bool is_local = list == DVPNET_LIST_LOCAL;

	if (!count)
		return is_local ? "no endpoint of this node is ready, nor serves while it terminates" :
				  "no endpoint is ready, nor serves while it terminates";
	switch (why) {
	case DVPNET_LIST_WHY_READY:
		return is_local ? "the ready endpoints of this node" : "all ready endpoints";
	case DVPNET_LIST_WHY_READY_ZONE:
		return "the ready endpoints with a hint for this node's zone";
	case DVPNET_LIST_WHY_READY_NODE:
		return "the ready endpoints with a hint for this node";
	case DVPNET_LIST_WHY_TERMINATING:
		return is_local ? "none of this node is ready; those that serve while they terminate" :
				  "none is ready; those that serve while they terminate";
	default:
		return "for a reason that this tool does not know";
	}
}

static size_t list_length(const struct service *service, uint32_t flag)
{
	size_t i, count = 0;

	for (i = 0; i < service->backends.count; i++)
		count += (service->backends.item[i].flags & flag) != 0;
	return count;
}

/* ---- JSON ---- */

static json_t *frontend_json(const struct frontend *frontend)
{
	json_t *json = json_object();

	part_text(json, "type", part_name(part_frontend_types, frontend->type));
	part_ip(json, "address", &frontend->addr);
	part_port(json, "port", frontend->port);
	return json;
}

static json_t *backend_json(const struct backend *backend)
{
	json_t *json = json_object();

	part_ip(json, "address", &backend->addr);
	part_port(json, "port", backend->port);
	part_flags(json, "flags", backend_flags, backend->flags);
	part_number(json, "weight", backend->weight);
	part_number(json, "flows", backend->flows);
	return json;
}

static void add_list(json_t *json, const char *key, const struct service *service,
		     uint32_t list, uint32_t flag, uint32_t why)
{
	size_t count = list_length(service, flag);

	json_object_set_new(json, key, json_pack("{s:I, s:s, s:s}", "length", (json_int_t)count,
						 "why", part_name(part_list_whys, why),
						 "words", print_list_why(list, why, count)));
}

static void add_service_name(json_t *json, const struct service *service)
{
	part_text(json, "name", service->name);
	part_text(json, "family", service->family == AF_INET ? "inet" : "inet6");
}

/**
 * print_service_name_json - which service, for programs
 * @service: the service
 *
 * Return: a new object.
 */
json_t *print_service_name_json(const struct service *service)
{
	json_t *json = json_object();

	add_service_name(json, service);
	return json;
}

/**
 * print_sources_json - ranges from which clients may come, for programs
 * @service: the service
 *
 * Return: a new array.
 */
json_t *print_sources_json(const struct service *service)
{
	json_t *array = json_array();
	char text[IP_TEXT_MAX];
	size_t i;

	for (i = 0; i < service->sources.count; i++) {
		const struct range *source = &service->sources.item[i];

		json_array_append_new(array, json_string(ip_prefix_text(&source->addr, source->len,
									text)));
	}
	return array;
}

/**
 * print_service_json - a service for programs
 * @service: the service
 *
 * Return: a new object.
 */
json_t *print_service_json(const struct service *service)
{
	json_t *json = json_object(), *frontends = json_array(), *backends = json_array();
	size_t i;

	for (i = 0; i < service->frontends.count; i++)
		json_array_append_new(frontends, frontend_json(&service->frontends.item[i]));
	for (i = 0; i < service->backends.count; i++)
		json_array_append_new(backends, backend_json(&service->backends.item[i]));
	add_service_name(json, service);
	part_text(json, "protocol", proto_text(service->proto));
	part_flags(json, "flags", service_flags, service->flags);
	part_text(json, "algorithm", part_name(part_algorithms, service->algorithm));
	part_number(json, "affinity", service->affinity);
	json_object_set_new(json, "sources", print_sources_json(service));
	json_object_set_new(json, "frontends", frontends);
	add_list(json, "cluster_list", service, DVPNET_LIST_CLUSTER, DVPNET_BACKEND_FLAGS_CLUSTER,
		 service->cluster_why);
	add_list(json, "local_list", service, DVPNET_LIST_LOCAL, DVPNET_BACKEND_FLAGS_LOCAL,
		 service->local_why);
	json_object_set_new(json, "backends", backends);
	return json;
}

/* ---- lines ---- */

/**
 * print_service_name - which service, for people
 * @service: the service
 */
void print_service_name(const struct service *service)
{
	printf("%s %s\n", service->name, service->family == AF_INET ? "inet" : "inet6");
}

/**
 * print_sources - ranges from which clients may come, for people, a line each
 * @service: the service
 */
void print_sources(const struct service *service)
{
	bool is_all = service->flags & DVPNET_SERVICE_FLAGS_RANGES_ALL;
	char text[IP_TEXT_MAX];
	size_t i;

	for (i = 0; i < service->sources.count; i++)
		printf("    %s open to %s\n", is_all ? "all frontends" : "load-balancer",
		       ip_prefix_text(&service->sources.item[i].addr, service->sources.item[i].len,
				      text));
}

static void print_list(const char *name, const struct service *service, uint32_t list,
		       uint32_t flag, uint32_t why)
{
	size_t count = list_length(service, flag);

	printf("    %s list of %zu: %s\n", name, count, print_list_why(list, why, count));
}

/* Of one that no list has. */
static const char *why_in_no_list(const struct service *service, const struct backend *backend)
{
	if (!(backend->flags & DVPNET_BACKEND_FLAGS_READY))
		return "not ready";
	switch (service->cluster_why) {
	case DVPNET_LIST_WHY_READY_ZONE:
		return "for another zone, or of weight 0";
	case DVPNET_LIST_WHY_READY_NODE:
		return "for another node, or of weight 0";
	default:
		return "of weight 0";
	}
}

static void print_backend(const struct service *service, const struct backend *backend)
{
	char text[IP_TEXT_MAX];

	printf("    backend %s", ip_port_text(&backend->addr, backend->port, text));
	part_print_flags(backend_flags, backend->flags);
	if (!(backend->flags & LISTS))
		printf(" in no list (%s)", why_in_no_list(service, backend));
	if (backend->weight != 1)
		printf(" weight %u", backend->weight);
	if (backend->flows)
		printf(" flows %u", backend->flows);
	putchar('\n');
}

/**
 * print_service - a service for people: a line, and indented ones for all that belongs to it
 * @service: the service
 */
void print_service(const struct service *service)
{
	char text[IP_TEXT_MAX];
	size_t i;

	printf("%s %s %s algorithm %s", service->name,
	       service->family == AF_INET ? "inet" : "inet6", proto_text(service->proto),
	       part_name(part_algorithms, service->algorithm));
	if (service->affinity)
		printf(" affinity %us", service->affinity);
	part_print_flags(service_flags, service->flags);
	putchar('\n');
	for (i = 0; i < service->frontends.count; i++) {
		const struct frontend *frontend = &service->frontends.item[i];

		printf("    %s %s\n", part_name(part_frontend_types, frontend->type),
		       ip_port_text(&frontend->addr, frontend->port, text));
	}
	print_sources(service);
	print_list("cluster", service, DVPNET_LIST_CLUSTER, DVPNET_BACKEND_FLAGS_CLUSTER,
		   service->cluster_why);
	print_list("local", service, DVPNET_LIST_LOCAL, DVPNET_BACKEND_FLAGS_LOCAL,
		   service->local_why);
	for (i = 0; i < service->backends.count; i++)
		print_backend(service, &service->backends.item[i]);
}
