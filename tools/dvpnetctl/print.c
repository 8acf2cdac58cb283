// SPDX-License-Identifier: GPL-2.0
/* Output for people and, as JSON, for programs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "print.h"

/** Output is for programs: option -j. */
bool print_json;

/** Also what is zero: option -a. */
bool print_all;

static const char *const service_flags[] = { "internal-local", "external-local", NULL };
static const char *const backend_flags[] = {
	"cluster", "local", "on-node", "ready", "terminating", NULL,
};
static const char *const flow_flags[] = { "masquerade", "port-moved", NULL };
static const char *const flow_states[] = { "new", "established", "closing", NULL };
static const char *const frontend_types[] = {
	"cluster-ip", "node-port", "load-balancer", "external-ip", NULL,
};
static const char *const verdicts[] = { "none", "flow", "forward", "reject", "drop", NULL };
static const char *const lists[] = { "none", "cluster", "local", NULL };

/* A newer kernel may have more than this tool knows of. */
static const char *name_of(const char *const *names, uint32_t value)
{
	while (value && *names) {
		names++;
		value--;
	}
	return *names ? *names : "unknown";
}

/* ---- parts of JSON ---- */

static void add_text(json_t *json, const char *key, const char *text)
{
	if (text)
		json_object_set_new(json, key, json_string(text));
}

static void add_number(json_t *json, const char *key, json_int_t number)
{
	json_object_set_new(json, key, json_integer(number));
}

static void add_bool(json_t *json, const char *key, bool value)
{
	json_object_set_new(json, key, json_boolean(value));
}

static void add_ip(json_t *json, const char *key, const struct ip *ip)
{
	char text[IP_TEXT_MAX];

	if (ip->family)
		add_text(json, key, ip_text(ip, text));
}

static void add_port(json_t *json, const char *key, uint16_t port)
{
	if (port)
		add_number(json, key, port);
}

static void add_flags(json_t *json, const char *key, const char *const *names, uint32_t flags)
{
	json_t *array = json_array();

	for (; *names; names++, flags >>= 1)
		if (flags & 1)
			json_array_append_new(array, json_string(*names));
	json_object_set_new(json, key, array);
}

/* ---- parts of lines ---- */

static const char *mac_text(const uint8_t *mac, char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return text;
}

static void print_ip(const char *word, const struct ip *ip)
{
	char text[IP_TEXT_MAX];

	if (ip->family)
		printf(" %s %s", word, ip_text(ip, text));
}

static void print_flags(const char *const *names, uint32_t flags)
{
	for (; *names; names++, flags >>= 1)
		if (flags & 1)
			printf(" %s", *names);
}

/* ---- nodes ---- */

/**
 * print_node_json - a node for programs
 * @node: the node
 *
 * Return: a new object.
 */
json_t *print_node_json(const struct node *node)
{
	json_t *json = json_object();
	char mac[18];

	add_text(json, "name", node->name);
	add_bool(json, "local", node->local);
	add_ip(json, "underlay4", &node->underlay[V4]);
	add_ip(json, "underlay6", &node->underlay[V6]);
	add_ip(json, "tunnel4", &node->tunnel[V4]);
	add_ip(json, "tunnel6", &node->tunnel[V6]);
	add_text(json, "mac", mac_text(node->mac, mac));
	if (node->mode != NODE_MODE_NONE)
		add_text(json, "mode", config_mode_text(node->mode));
	if (node->active_mode != NODE_MODE_NONE)
		add_text(json, "active_mode", config_mode_text(node->active_mode));
	if (node->mtu)
		add_number(json, "mtu", node->mtu);
	return json;
}

/**
 * print_node - a node for people
 * @node: the node
 */
void print_node(const struct node *node)
{
	char mac[18];

	printf("%s%s", node->name, node->local ? " local" : "");
	print_ip("underlay", &node->underlay[V4]);
	print_ip("underlay", &node->underlay[V6]);
	print_ip("tunnel", &node->tunnel[V4]);
	print_ip("tunnel", &node->tunnel[V6]);
	printf(" mac %s", mac_text(node->mac, mac));
	if (node->mode != NODE_MODE_NONE)
		printf(" mode %s", config_mode_text(node->mode));
	if (node->active_mode != NODE_MODE_NONE)
		printf(" via %s", config_mode_text(node->active_mode));
	if (node->mtu)
		printf(" mtu %u", node->mtu);
	putchar('\n');
}

/* ---- prefixes ---- */

/**
 * print_prefix_json - a prefix for programs
 * @prefix: the prefix
 *
 * Return: a new object.
 */
json_t *print_prefix_json(const struct prefix *prefix)
{
	char address[IP_TEXT_MAX], text[IP_TEXT_MAX + 4];
	json_t *json = json_object();

	snprintf(text, sizeof(text), "%s/%u", ip_text(&prefix->addr, address), prefix->len);
	add_text(json, "prefix", text);
	add_text(json, "node", prefix->node);
	return json;
}

/**
 * print_prefix - a prefix for people
 * @prefix: the prefix
 */
void print_prefix(const struct prefix *prefix)
{
	char text[IP_TEXT_MAX];

	printf("%s/%u node %s\n", ip_text(&prefix->addr, text), prefix->len,
	       prefix->node ? prefix->node : "-");
}

/* ---- services ---- */

static json_t *frontend_json(const struct frontend *frontend)
{
	json_t *json = json_object();

	add_text(json, "type", name_of(frontend_types, frontend->type));
	add_ip(json, "address", &frontend->addr);
	add_port(json, "port", frontend->port);
	return json;
}

static json_t *backend_json(const struct backend *backend)
{
	json_t *json = json_object();

	add_ip(json, "address", &backend->addr);
	add_port(json, "port", backend->port);
	add_flags(json, "flags", backend_flags, backend->flags);
	add_number(json, "flows", backend->flows);
	return json;
}

static void add_service_name(json_t *json, const struct service *service)
{
	add_text(json, "name", service->name);
	add_text(json, "family", service->family == AF_INET ? "inet" : "inet6");
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
	add_text(json, "protocol", proto_text(service->proto));
	add_flags(json, "flags", service_flags, service->flags);
	json_object_set_new(json, "frontends", frontends);
	json_object_set_new(json, "backends", backends);
	return json;
}

/**
 * print_service_name - which service, for people
 * @service: the service
 */
void print_service_name(const struct service *service)
{
	printf("%s %s\n", service->name, service->family == AF_INET ? "inet" : "inet6");
}

/**
 * print_service - a service for people: a line, and indented one for each frontend and backend
 * @service: the service
 */
void print_service(const struct service *service)
{
	char text[IP_TEXT_MAX];
	size_t i;

	printf("%s %s %s", service->name, service->family == AF_INET ? "inet" : "inet6",
	       proto_text(service->proto));
	print_flags(service_flags, service->flags);
	putchar('\n');
	for (i = 0; i < service->frontends.count; i++) {
		const struct frontend *frontend = &service->frontends.item[i];

		printf("    %s %s\n", name_of(frontend_types, frontend->type),
		       ip_port_text(&frontend->addr, frontend->port, text));
	}
	for (i = 0; i < service->backends.count; i++) {
		const struct backend *backend = &service->backends.item[i];

		printf("    backend %s", ip_port_text(&backend->addr, backend->port, text));
		print_flags(backend_flags, backend->flags);
		if (backend->flows)
			printf(" flows %u", backend->flows);
		putchar('\n');
	}
	if (!service->backends.count)
		puts("    no backend");
}

/* ---- flows ---- */

/**
 * print_flow_json - a flow for programs
 * @flow: the flow
 *
 * Return: a new object.
 */
json_t *print_flow_json(const struct flow *flow)
{
	json_t *json = json_object();

	add_text(json, "protocol", proto_text(flow->proto));
	add_ip(json, "client", &flow->client);
	add_port(json, "client_port", flow->client_port);
	add_ip(json, "frontend", &flow->frontend);
	add_port(json, "frontend_port", flow->frontend_port);
	add_ip(json, "backend", &flow->backend);
	add_port(json, "backend_port", flow->backend_port);
	add_ip(json, "source", &flow->source);
	add_port(json, "source_port", flow->source_port);
	add_text(json, "service", flow->service);
	add_text(json, "state", name_of(flow_states, flow->state));
	add_flags(json, "flags", flow_flags, flow->flags);
	add_number(json, "expires", flow->expires);
	return json;
}

/**
 * print_flow - a flow for people
 * @flow: the flow
 */
void print_flow(const struct flow *flow)
{
	char text[IP_TEXT_MAX];

	printf("%s %s", proto_text(flow->proto),
	       ip_port_text(&flow->client, flow->client_port, text));
	printf(" to %s", ip_port_text(&flow->frontend, flow->frontend_port, text));
	printf(" backend %s", ip_port_text(&flow->backend, flow->backend_port, text));
	if (flow->flags)
		printf(" from %s", ip_port_text(&flow->source, flow->source_port, text));
	if (flow->service)
		printf(" service %s", flow->service);
	printf(" %s", name_of(flow_states, flow->state));
	print_flags(flow_flags, flow->flags);
	printf(" expires %us\n", flow->expires);
}

/* ---- settings ---- */

/* Names of settings with '_' for '-', as programs like keys. */
static void add_setting(json_t *json, const struct config_key *key, uint32_t value)
{
	char name[64];
	char *dash;

	snprintf(name, sizeof(name), "%s", key->name);
	for (dash = name; (dash = strchr(dash, '-')); )
		*dash = '_';
	if (key->attr == DVPNET_A_CONFIG_MODE)
		add_text(json, name, config_mode_text(value));
	else if (key->size == 1)
		add_bool(json, name, value);
	else
		add_number(json, name, value);
}

/**
 * print_config_json - settings for programs
 * @config: the settings
 *
 * Return: a new object.
 */
json_t *print_config_json(const struct config *config)
{
	json_t *json = json_object();
	size_t i;

	for (i = 0; i < config_key_count; i++)
		if (config_has(config, config_keys[i].attr))
			add_setting(json, &config_keys[i], config->value[config_keys[i].attr]);
	return json;
}

/**
 * print_config - settings for people, a line each
 * @config: the settings
 */
void print_config(const struct config *config)
{
	size_t i;

	for (i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		uint32_t value = config->value[key->attr];

		if (!config_has(config, key->attr))
			continue;
		if (key->attr == DVPNET_A_CONFIG_MODE)
			printf("%s %s\n", key->name, config_mode_text(value));
		else if (key->size == 1)
			printf("%s %s\n", key->name, value ? "yes" : "no");
		else
			printf("%s %u%s\n", key->name, value, key->unit ? key->unit : "");
	}
}

static const char *const range_kinds[] = { "service", "inside", NULL };

/**
 * print_ranges_json - ranges of the cluster for programs
 * @ranges: the ranges
 *
 * Return: a new array.
 */
json_t *print_ranges_json(const struct ranges *ranges)
{
	json_t *array = json_array();
	char text[IP_TEXT_MAX];
	size_t i;

	for (i = 0; i < ranges->list.count; i++) {
		const struct range *range = &ranges->list.item[i];
		json_t *json = json_object();

		add_text(json, "range", ip_prefix_text(&range->addr, range->len, text));
		add_text(json, "kind", name_of(range_kinds, range->kind));
		json_array_append_new(array, json);
	}
	return array;
}

/**
 * print_settings_json - settings and ranges for programs
 * @state: has them
 *
 * Return: a new object.
 */
json_t *print_settings_json(const struct state *state)
{
	json_t *json = print_config_json(&state->config);

	json_object_set_new(json, "ranges", print_ranges_json(&state->ranges));
	return json;
}

/**
 * print_settings - settings and ranges for people, a line each
 * @state: has them
 */
void print_settings(const struct state *state)
{
	char text[IP_TEXT_MAX];
	size_t i;

	print_config(&state->config);
	for (i = 0; i < state->ranges.list.count; i++) {
		const struct range *range = &state->ranges.list.item[i];

		printf("range %s %s\n", ip_prefix_text(&range->addr, range->len, text),
		       name_of(range_kinds, range->kind));
	}
}

/**
 * print_counter_json - a counter for programs
 * @counter: the counter
 *
 * Return: a new object.
 */
json_t *print_counter_json(const struct counter *counter)
{
	json_t *json = json_object();

	add_text(json, "name", counter->name);
	add_number(json, "value", counter->value);
	add_text(json, "help", counter->help);
	return json;
}

/**
 * print_counter - a counter for people
 * @counter: the counter
 */
void print_counter(const struct counter *counter)
{
	printf("%-20s %12" PRIu64 "  %s\n", counter->name, counter->value,
	       counter->help ? counter->help : "");
}

/* ---- explanations ---- */

/**
 * print_explanation_json - what would happen to a packet, for programs
 * @explanation: the packet
 *
 * Return: a new object.
 */
json_t *print_explanation_json(const struct explanation *explanation)
{
	json_t *json = json_object();

	add_text(json, "protocol", proto_text(explanation->proto));
	add_ip(json, "src", &explanation->src);
	add_port(json, "sport", explanation->sport);
	add_ip(json, "dst", &explanation->dst);
	add_port(json, "dport", explanation->dport);
	add_text(json, "verdict", name_of(verdicts, explanation->verdict));
	add_text(json, "reason", explanation->reason);
	if (explanation->service) {
		add_text(json, "service", explanation->service);
		add_text(json, "frontend_type",
			 name_of(frontend_types, explanation->frontend_type));
		add_text(json, "list", name_of(lists, explanation->list));
		add_number(json, "list_len", explanation->list_len);
	}
	add_ip(json, "backend", &explanation->backend);
	add_port(json, "backend_port", explanation->backend_port);
	add_bool(json, "masquerade", explanation->masquerade);
	add_ip(json, "source", &explanation->source);
	add_port(json, "source_port", explanation->source_port);
	if (explanation->node) {
		add_text(json, "node", explanation->node);
		add_bool(json, "local", explanation->local);
		add_ip(json, "underlay", &explanation->underlay);
	}
	if (explanation->mode != NODE_MODE_NONE)
		add_text(json, "mode", config_mode_text(explanation->mode));
	if (explanation->mtu)
		add_number(json, "mtu", explanation->mtu);
	return json;
}

static const char *verdict_words(uint32_t verdict)
{
	switch (verdict) {
	case DVPNET_VERDICT_NONE:
		return "not for a Service, routed as it is";
	case DVPNET_VERDICT_FLOW:
		return "belongs to a flow";
	case DVPNET_VERDICT_FORWARD:
		return "begins a flow";
	case DVPNET_VERDICT_REJECT:
		return "refused with an ICMP error";
	case DVPNET_VERDICT_DROP:
		return "dropped silently";
	default:
		return "unknown";
	}
}

static void print_node_of(const struct explanation *explanation)
{
	printf("    node %s", explanation->node);
	if (explanation->local) {
		puts(", this one");
		return;
	}
	print_ip("at", &explanation->underlay);
	if (explanation->mode != NODE_MODE_NONE)
		printf(", carried by %s", config_mode_text(explanation->mode));
	else
		printf(", no way there now");
	if (explanation->mtu)
		printf(", mtu %u", explanation->mtu);
	putchar('\n');
}

/**
 * print_explanation - what would happen to a packet, for people
 * @explanation: the packet
 */
void print_explanation(const struct explanation *explanation)
{
	char from[IP_TEXT_MAX], to[IP_TEXT_MAX];

	printf("%s %s to %s: %s", proto_text(explanation->proto),
	       ip_port_text(&explanation->src, explanation->sport, from),
	       ip_port_text(&explanation->dst, explanation->dport, to),
	       verdict_words(explanation->verdict));
	if (explanation->reason)
		printf(" (%s)", explanation->reason);
	putchar('\n');
	if (explanation->service)
		printf("    service %s, %s\n", explanation->service,
		       name_of(frontend_types, explanation->frontend_type));
	if (explanation->list != DVPNET_LIST_NONE)
		printf("    %s list of %u\n", name_of(lists, explanation->list),
		       explanation->list_len);
	if (explanation->backend.family)
		printf("    backend %s, ",
		       ip_port_text(&explanation->backend, explanation->backend_port, to));
	if (explanation->backend.family && explanation->masquerade)
		printf("which sees %s\n",
		       ip_port_text(&explanation->source, explanation->source_port, from));
	else if (explanation->backend.family)
		puts("which sees the client's own address");
	if (explanation->node)
		print_node_of(explanation);
}

/* ---- JSON ---- */

/**
 * print_document - write JSON, indented
 * @json: what; freed
 */
void print_document(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(4));
	putchar('\n');
	json_decref(json);
}

/**
 * print_json_line - write JSON in one line
 * @json: what; freed
 */
void print_json_line(json_t *json)
{
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}
