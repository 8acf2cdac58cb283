// SPDX-License-Identifier: GPL-2.0
/*
 * Flows that move from node to node, as text: what "flow show" prints for programs.
 *
 * A machine takes its connections with it. What it has begun with a Service is
 * translated by its own node, so the node that it comes to has to know to which backend
 * it went; so it has to of connections that came straight from outside. Not so where the
 * machine was hidden behind an address of its old node: nothing brings the answers here.
 */
#include <string.h>

#include "field.h"
#include "print.h"
#include "saved.h"

/**
 * saved_can_move - can another node go on with a flow?
 * @flow: the flow
 */
bool saved_can_move(const struct flow *flow)
{
	return !(flow->flags & (DVPNET_FLOW_FLAGS_MASQUERADE | DVPNET_FLOW_FLAGS_EGRESS)) &&
	       (flow->proto == IPPROTO_TCP || flow->proto == IPPROTO_UDP ||
		flow->proto == IPPROTO_SCTP);
}

/**
 * saved_is_of - does a flow go with an address?
 * @flow: the flow
 * @addr: the address
 *
 * It does if that is the client's; or the other end's, if there is no Service between.
 */
bool saved_is_of(const struct flow *flow, const struct ip *addr)
{
	return !ip_compare(&flow->client, addr) ||
	       (flow->flags & DVPNET_FLOW_FLAGS_DIRECT && !ip_compare(&flow->backend, addr));
}

/**
 * saved_write - the flows that go with an address, as text
 * @list: all flows
 * @addr: the address
 * @stay: filled with how many of its flows cannot move
 *
 * Return: a new array, as saved_read() reads it.
 */
json_t *saved_write(const struct flow_list *list, const struct ip *addr, size_t *stay)
{
	json_t *array = json_array();
	size_t i;

	*stay = 0;
	for (i = 0; i < list->flows.count; i++) {
		const struct flow *flow = &list->flows.item[i];

		if (!saved_is_of(flow, addr))
			continue;
		if (saved_can_move(flow))
			json_array_append_new(array, print_flow_json(flow));
		else
			++*stay;
	}
	return array;
}

/* ---- reading ---- */

static uint32_t index_of(const char *const *names, const char *name)
{
	uint32_t i;

	for (i = 0; names[i] && strcmp(names[i], name); i++)
		;
	return i;
}

static void read_end(const struct field *root, const char *addr_key, const char *port_key,
		     struct ip *addr, uint16_t *port)
{
	struct field field = field_member(root, addr_key);
	struct field number = field_member(root, port_key);

	if (!field.json)
		field_error(&field, "must be an address");
	field_ip(&field, addr);
	*port = field_number(&number, 1, 65535, 0);
	if (!number.json)
		field_error(&number, "must be a port");
}

static void read_proto(const struct field *root, struct flow *flow)
{
	struct field field = field_member(root, "protocol");
	const char *text = field_string(&field);

	if (!field.json || (text && !proto_parse(text, &flow->proto)))
		field_error(&field, "must be tcp, udp or sctp");
}

static void read_flags(const struct field *root, struct flow *flow)
{
	struct field list = field_member(root, "flags");
	size_t i, count = field_length(&list);

	for (i = 0; i < count; i++) {
		struct field field = field_element(&list, i);
		const char *text = field_string(&field);
		uint32_t bit = text ? index_of(flow_flags, text) : 0;

		if (text && !flow_flags[bit])
			field_error(&field, "must be masquerade, port-moved, egress or direct");
		else
			flow->flags |= 1U << bit;
	}
}

static void read_flow(const struct field *root, struct flow *flow)
{
	struct field state = field_member(root, "state");

	read_proto(root, flow);
	read_end(root, "client", "client_port", &flow->client, &flow->client_port);
	read_end(root, "frontend", "frontend_port", &flow->frontend, &flow->frontend_port);
	read_end(root, "backend", "backend_port", &flow->backend, &flow->backend_port);
	read_end(root, "source", "source_port", &flow->source, &flow->source_port);
	if (!state.json)
		field_error(&state, "must be new, established or closing");
	flow->state = index_of(flow_states, field_member_choice(root, "state", flow_states, "new"));
	read_flags(root, flow);
	flow->expires = field_member_number(root, "expires", 0, UINT32_MAX, 0);
}

static void read_flows(const json_t *json, struct flow_list *list, struct report *report)
{
	const struct source source = { 0 };
	char name[32];
	size_t i;

	for (i = 0; i < json_array_size(json); i++) {
		struct subject subject = {
			.source = &source, .report = report, .kind = "flow", .name = name,
		};
		struct field root = field_root(&subject, json_array_get(json, i));

		snprintf(name, sizeof(name), "%zu", i + 1);
		if (field_is_mapping(&root))
			read_flow(&root, list_add(&list->flows));
	}
}

/**
 * saved_read - read flows
 * @text: a JSON list of them
 * @size: its length
 * @list: filled; to be freed also after an error
 * @report: what is wrong, and with which flow
 *
 * Return: false if there is an error in @report.
 */
bool saved_read(const char *text, size_t size, struct flow_list *list, struct report *report)
{
	size_t errors = report->errors.count;
	json_error_t error;
	json_t *json = json_loadb(text, size, 0, &error);

	if (!json)
		report_error(report, NULL, "line %d: not JSON: %s", error.line, error.text);
	else if (!json_is_array(json))
		report_error(report, NULL, "not a list of flows, as \"flow save\" prints it");
	else
		read_flows(json, list, report);
	json_decref(json);
	return report->errors.count == errors;
}
