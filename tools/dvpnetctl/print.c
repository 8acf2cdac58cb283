// SPDX-License-Identifier: GPL-2.0
/* Output for people and, as JSON, for programs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "part.h"
#include "print.h"

/** Output is for programs: option -j. */
bool print_json;

/** Also what is zero: option -a. */
bool print_all;

/* ---- nodes ---- */

static const char *mac_text(const uint8_t *mac, char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return text;
}

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

	part_text(json, "name", node->name);
	part_bool(json, "local", node->local);
	part_ip(json, "underlay4", &node->underlay[V4]);
	part_ip(json, "underlay6", &node->underlay[V6]);
	part_ip(json, "tunnel4", &node->tunnel[V4]);
	part_ip(json, "tunnel6", &node->tunnel[V6]);
	part_text(json, "mac", mac_text(node->mac, mac));
	if (node->mode != NODE_MODE_NONE)
		part_text(json, "mode", config_mode_text(node->mode));
	if (node->active_mode != NODE_MODE_NONE)
		part_text(json, "active_mode", config_mode_text(node->active_mode));
	if (node->mtu)
		part_number(json, "mtu", node->mtu);
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
	part_print_ip("underlay", &node->underlay[V4]);
	part_print_ip("underlay", &node->underlay[V6]);
	part_print_ip("tunnel", &node->tunnel[V4]);
	part_print_ip("tunnel", &node->tunnel[V6]);
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
	part_text(json, "prefix", text);
	part_text(json, "node", prefix->node);
	if (prefix->hold)
		part_number(json, "hold", prefix->hold);
	return json;
}

/**
 * print_prefix - a prefix for people
 * @prefix: the prefix
 */
void print_prefix(const struct prefix *prefix)
{
	char text[IP_TEXT_MAX];

	printf("%s/%u node %s", ip_text(&prefix->addr, text), prefix->len,
	       prefix->node ? prefix->node : "-");
	if (prefix->hold)
		printf(" hold %u ms", prefix->hold);
	putchar('\n');
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

	part_text(json, "protocol", proto_text(flow->proto));
	part_ip(json, "client", &flow->client);
	part_port(json, "client_port", flow->client_port);
	part_ip(json, "frontend", &flow->frontend);
	part_port(json, "frontend_port", flow->frontend_port);
	part_ip(json, "backend", &flow->backend);
	part_port(json, "backend_port", flow->backend_port);
	part_ip(json, "source", &flow->source);
	part_port(json, "source_port", flow->source_port);
	part_text(json, "service", flow->service);
	part_text(json, "state", part_name(flow_states, flow->state));
	part_flags(json, "flags", flow_flags, flow->flags);
	part_number(json, "expires", flow->expires);
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
	if (flow->backend.family)
		printf(" backend %s", ip_port_text(&flow->backend, flow->backend_port, text));
	if (flow->flags)
		printf(" from %s", ip_port_text(&flow->source, flow->source_port, text));
	if (flow->service)
		printf(" service %s", flow->service);
	printf(" %s", part_name(flow_states, flow->state));
	part_print_flags(flow_flags, flow->flags);
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
		part_text(json, name, config_mode_text(value));
	else if (key->size == 1)
		part_bool(json, name, value);
	else
		part_number(json, name, value);
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

		part_text(json, "range", ip_prefix_text(&range->addr, range->len, text));
		part_text(json, "kind", part_name(range_kinds, range->kind));
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
	if (state->origin.mode)
		json_object_update_new(json, origin_to_json(&state->origin));
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
	if (state->origin.mode)
		printf("mode-source %s\nport-source %s\n", state->origin.mode,
		       state->origin.port ? state->origin.port : "unknown");
	for (i = 0; i < state->origin.ignored.count; i++)
		printf("ignored %s\n", state->origin.ignored.item[i]);
	for (i = 0; i < state->ranges.list.count; i++) {
		const struct range *range = &state->ranges.list.item[i];

		printf("range %s %s\n", ip_prefix_text(&range->addr, range->len, text),
		       part_name(range_kinds, range->kind));
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

	part_text(json, "name", counter->name);
	part_number(json, "value", counter->value);
	part_text(json, "help", counter->help);
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
