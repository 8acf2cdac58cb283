// SPDX-License-Identifier: GPL-2.0
/* From Kubernetes objects to what one node's kernel has to know: Services. */
#include <stdlib.h>
#include <string.h>

#include "builder.h"
#include "claims.h"
#include "endpoints.h"

/**
 * struct maker - what the functions here work with
 * @builder: the rest
 * @claims: frontends that the Services ask for
 * @matters: a setting keeps something from a Service
 */
struct maker {
	struct builder *builder;
	struct claims claims;
	bool matters[SETTINGS];
};

static bool is_set(const struct maker *maker, enum setting_id id, const char *value)
{
	return settings_has(&maker->builder->objects->config.settings, id, value);
}

/* ---- frontends ---- */

static void add_claim(struct maker *maker, const struct service_object *object,
		      const struct service_port *port, enum dvpnet_frontend_type type,
		      const struct ip *addr, const struct place *place)
{
	const struct state *state = maker->builder->state;
	struct claim *claim = list_add(&maker->claims.list);

	claim->object = object;
	claim->service = state->services.count - 1;
	claim->family = state->services.item[claim->service].family;
	claim->proto = port->proto;
	claim->place = *place;
	claim->frontend.type = type;
	if (addr)
		claim->frontend.addr = *addr;
	claim->frontend.port = type == DVPNET_FRONTEND_TYPE_NODE_PORT ? port->node_port :
									 port->port;
}

static void add_claims(struct maker *maker, const struct service_object *object,
		       const struct service_port *port, const struct ip *cluster_ip)
{
	size_t i;

	add_claim(maker, object, port, DVPNET_FRONTEND_TYPE_CLUSTER_IP, cluster_ip, &port->place);
	if (object->has_node_ports && port->node_port)
		add_claim(maker, object, port, DVPNET_FRONTEND_TYPE_NODE_PORT, NULL,
			  &port->place);
	for (i = 0; i < object->balancers.count; i++)
		if (object->balancers.item[i].addr.family == cluster_ip->family)
			add_claim(maker, object, port, DVPNET_FRONTEND_TYPE_LOAD_BALANCER,
				  &object->balancers.item[i].addr,
				  &object->balancers.item[i].place);
	for (i = 0; i < object->externals.count; i++)
		if (object->externals.item[i].addr.family == cluster_ip->family)
			add_claim(maker, object, port, DVPNET_FRONTEND_TYPE_EXTERNAL_IP,
				  &object->externals.item[i].addr,
				  &object->externals.item[i].place);
}

static void warn_of_family(struct maker *maker, const struct service_object *object,
			   const struct service_address *address, const char *what)
{
	char text[IP_TEXT_MAX];

	if (!object->cluster_ip[family_index(address->addr.family)].family)
		report_warning(maker->builder->report, &address->place,
			       "Service %s/%s: %s %s is left out: the Service has no %s clusterIP",
			       object->meta.namespace, object->meta.name, what,
			       ip_text(&address->addr, text), ip_family_text(address->addr.family));
}

static void warn_of_families(struct maker *maker, const struct service_object *object)
{
	size_t i;

	for (i = 0; i < object->balancers.count; i++)
		warn_of_family(maker, object, &object->balancers.item[i], "load balancer IP");
	for (i = 0; i < object->externals.count; i++)
		warn_of_family(maker, object, &object->externals.item[i], "externalIP");
}

/* ---- source ranges ---- */

static void add_source(struct service *service, const struct ip *addr, uint8_t len)
{
	size_t i;

	for (i = 0; i < service->sources.count; i++)
		if (service->sources.item[i].len == len &&
		    !ip_compare(&service->sources.item[i].addr, addr))
			return;
	*list_add(&service->sources) = (struct range){ .addr = *addr, .len = len };
}

/*
 * A process of this host that connects to a load balancer's address which is
 * local has that very address as source: who lets the node in means that, too.
 */
static void add_own_sources(struct maker *maker, const struct service_object *object,
			    struct service *service)
{
	const struct ip *self = &maker->builder->self->internal[family_index(service->family)];
	bool has_self = false;
	size_t i;

	for (i = 0; i < service->sources.count; i++)
		has_self |= self->family && ip_contains(&service->sources.item[i].addr,
							service->sources.item[i].len, self);
	for (i = 0; has_self && i < object->balancers.count; i++)
		if (object->balancers.item[i].addr.family == service->family)
			add_source(service, &object->balancers.item[i].addr,
				   ip_bits(&object->balancers.item[i].addr));
}

static void add_sources(struct maker *maker, const struct service_object *object,
			struct service *service)
{
	size_t i;

	if (is_set(maker, SETTING_SOURCE_RANGE_CHECK, "false")) {
		maker->matters[SETTING_SOURCE_RANGE_CHECK] |= object->sources.count;
		return;
	}
	for (i = 0; i < object->sources.count; i++)
		if (object->sources.item[i].addr.family == service->family)
			add_source(service, &object->sources.item[i].addr,
				   object->sources.item[i].len);
	add_own_sources(maker, object, service);
	if (service->sources.count && is_set(maker, SETTING_SOURCE_RANGE_CHECK, "true") &&
	    !is_set(maker, SETTING_SOURCE_RANGE_ALL_TYPES, "false"))
		service->flags |= DVPNET_SERVICE_FLAGS_RANGES_ALL;
}

/* ---- the choice of a backend ---- */

static void set_choice(struct maker *maker, const struct service_object *object,
		       struct service *service)
{
	service->affinity = object->affinity;
	service->algorithm = object->algorithm;
	if (object->algorithm == DVPNET_ALGORITHM_MAGLEV ||
	    !is_set(maker, SETTING_EXTRA_ALGORITHMS, "false"))
		return;
	service->algorithm = DVPNET_ALGORITHM_MAGLEV;
	maker->matters[SETTING_EXTRA_ALGORITHMS] = true;
}

/* ---- services ---- */

static void add_service(struct maker *maker, const struct service_object *object,
			const struct service_port *port, const struct ip *cluster_ip,
			const struct slice_object *slices, size_t slice_count)
{
	const struct node_object *self = maker->builder->self;
	struct service *service = list_add(&maker->builder->state->services);

	service->name = util_printf("%s/%s%s%s", object->meta.namespace, object->meta.name,
				    *port->name ? ":" : "", port->name);
	service->family = cluster_ip->family;
	service->proto = port->proto;
	service->place = port->place;
	if (object->internal_local)
		service->flags |= DVPNET_SERVICE_FLAGS_INTERNAL_LOCAL;
	if (object->external_local)
		service->flags |= DVPNET_SERVICE_FLAGS_EXTERNAL_LOCAL;
	add_claims(maker, object, port, cluster_ip);
	add_sources(maker, object, service);
	set_choice(maker, object, service);
	endpoints_choose(maker->builder->objects, slices, slice_count, port, self->meta.name,
			 self->zone, service);
}

static void add_ports(struct maker *maker, const struct service_object *object,
		      const struct slice_object *slices, size_t slice_count)
{
	size_t i;
	int family;

	for (i = 0; i < object->ports.count; i++) {
		const struct service_port *port = &object->ports.item[i];

		if (port->proto == IPPROTO_SCTP && is_set(maker, SETTING_SCTP, "false")) {
			maker->matters[SETTING_SCTP] = true;
			continue;
		}
		for (family = 0; family < FAMILIES; family++)
			if (object->cluster_ip[family].family)
				add_service(maker, object, port, &object->cluster_ip[family],
					    slices, slice_count);
	}
	warn_of_families(maker, object);
}

/* Orders a Service and the Service of a slice. */
static int compare_slice(const struct slice_object *slice, const struct service_object *object)
{
	int order = strcmp(slice->meta.namespace, object->meta.namespace);

	return order ? order : strcmp(slice->service, object->meta.name);
}

/* Services and slices are both sorted by Service: walk both at once. */
static void add_services(struct maker *maker)
{
	const struct objects *objects = maker->builder->objects;
	size_t i, first = 0, end;

	for (i = 0; i < objects->services.count; i++) {
		const struct service_object *object = &objects->services.item[i];

		while (first < objects->slices.count &&
		       compare_slice(&objects->slices.item[first], object) < 0)
			first++;
		for (end = first; end < objects->slices.count; end++)
			if (compare_slice(&objects->slices.item[end], object))
				break;
		add_ports(maker, object, objects->slices.item + first, end - first);
		first = end;
	}
}

/* What a setting keeps from Services is said in the same words whichever those are: once. */
static void warn_of_settings(const struct maker *maker)
{
	static const char *const texts[SETTINGS] = {
		[SETTING_SOURCE_RANGE_CHECK] = "svcSourceRangeCheck: is false: "
			"loadBalancerSourceRanges of Services are NOT checked",
		[SETTING_EXTRA_ALGORITHMS] = "extraLoadBalancerAlgorithmsEnabled: is false: annotation "
			"service.cilium.io/lb-algorithm of Services is not obeyed",
		[SETTING_SCTP] = "sctpEnabled: is false: SCTP ports of Services are left out",
	};
	const struct settings *settings = &maker->builder->objects->config.settings;
	int id;

	for (id = 0; id < SETTINGS; id++)
		if (maker->matters[id])
			report_warning(maker->builder->report, &settings->place[id],
				       "ModuleConfig cni-cilium: spec.settings.%s", texts[id]);
}

/**
 * desired_add_services - add all Services to the state
 * @builder: what desired_build() works with
 */
void desired_add_services(struct builder *builder)
{
	struct maker maker = { .builder = builder };

	add_services(&maker);
	claims_settle(&maker.claims, builder->objects, builder->state, builder->report);
	warn_of_settings(&maker);
	list_free(&maker.claims.list);
}
