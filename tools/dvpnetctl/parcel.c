// SPDX-License-Identifier: GPL-2.0
/*
 * Flows of a machine on their way from node to node: a ConfigMap.
 *
 * The label says for which node it is, the data of which address the flows are, and
 * then what "flow save" prints. Objects have a limit, so there may be several; all but
 * the last say that more follow. The server finds the names: what is sent once more
 * is in nobody's way.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "moment.h"
#include "parcel.h"
#include "saved.h"

/* Of a name too long for a label, this much is left. */
#define LABEL_HEAD 40

/**
 * parcel_label - value of the label for a node
 * @node: its name, which may be longer than a label's value
 * @label: filled
 *
 * Return: @label.
 */
const char *parcel_label(const char *node, char label[PARCEL_LABEL_SIZE])
{
	if (strlen(node) < PARCEL_LABEL_SIZE) {
		strcpy(label, node);
		return label;
	}
	/* No name of a node has an underscore. */
	snprintf(label, PARCEL_LABEL_SIZE, "%.*s_%016" PRIx64, LABEL_HEAD, node, util_hash(node));
	return label;
}

/* ---- writing ---- */

/* The beginning of the object's name, where colons are not allowed. */
static void name_of(const struct ip *addr, char name[IP_TEXT_MAX + 8])
{
	char text[IP_TEXT_MAX];
	char *at;

	snprintf(name, IP_TEXT_MAX + 8, "flows-%s-", ip_text(addr, text));
	for (at = name; *at; at++)
		if (*at == ':')
			*at = '-';
}

static char *write_part(const json_t *flows, const struct ip *addr, const char *node, bool more)
{
	char name[IP_TEXT_MAX + 8], address[IP_TEXT_MAX], label[PARCEL_LABEL_SIZE];
	char *flows_text = json_dumps(flows, JSON_COMPACT), *text;
	json_t *object;

	name_of(addr, name);
	object = json_pack("{s:s, s:s, s:{s:s, s:{s:s}}, s:{s:s, s:s, s:s, s:s}}",
			   "apiVersion", "v1", "kind", "ConfigMap", "metadata",
			   "generateName", name, "labels", PARCEL_LABEL, parcel_label(node, label),
			   "data", "address", ip_text(addr, address), "node", node,
			   "more", more ? "true" : "false", "flows", flows_text);
	text = json_dumps(object, JSON_COMPACT);
	if (!text)
		util_alloc(SIZE_MAX);
	json_decref(object);
	free(flows_text);
	return text;
}

static size_t size_of(const json_t *flow)
{
	return json_dumpb(flow, NULL, 0, JSON_COMPACT) + 1;
}

/**
 * parcel_write - flows as they are sent
 * @flows: the flows, from saved_write(); may be none
 * @addr: address of their machine
 * @node: node that the machine goes to
 * @size: how many bytes of flows go into one object
 * @texts: filled with objects, one at least
 */
void parcel_write(const json_t *flows, const struct ip *addr, const char *node, size_t size,
		  struct parcel_texts *texts)
{
	json_t *part = json_array();
	size_t i, used = 0;

	for (i = 0; i < json_array_size(flows); i++) {
		json_t *flow = json_array_get(flows, i);
		size_t more = size_of(flow);

		if (used && used + more > size) {
			*list_add(&texts->list) = write_part(part, addr, node, true);
			json_array_clear(part);
			used = 0;
		}
		json_array_append(part, flow);
		used += more;
	}
	*list_add(&texts->list) = write_part(part, addr, node, false);
	json_decref(part);
}

/* ---- reading ---- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Whoever may write here shall not bring flows of others. */
static bool check_flows(const struct parcel *parcel, struct report *report)
{
	size_t i;

	for (i = 0; i < parcel->flows.flows.count; i++) {
		const struct flow *flow = &parcel->flows.flows.item[i];

		if (saved_is_of(flow, &parcel->addr) && saved_can_move(flow))
			continue;
		report_error(report, NULL, "flow %zu: does not go with this address", i + 1);
		return false;
	}
	return true;
}

/**
 * parcel_read - read a parcel
 * @object: the ConfigMap
 * @node: name of this node
 * @parcel: filled; to be freed also after an error
 * @report: what is wrong
 *
 * Return: false if there is an error in @report.
 */
bool parcel_read(const json_t *object, const char *node, struct parcel *parcel,
		 struct report *report)
{
	const json_t *metadata = json_object_get(object, "metadata");
	const json_t *data = json_object_get(object, "data");
	const char *flows = text_of(data, "flows");

	*parcel = (struct parcel){
		.name = util_strdup(text_of(metadata, "name")),
		.more = !strcmp(text_of(data, "more"), "true"),
		.created = moment_parse(text_of(metadata, "creationTimestamp")),
	};
	if (strcmp(text_of(data, "node"), node))
		report_error(report, NULL, "node: is not this one");
	else if (!ip_parse(text_of(data, "address"), &parcel->addr))
		report_error(report, NULL, "address: is none");
	else
		return saved_read(flows, strlen(flows), &parcel->flows, report) &&
		       check_flows(parcel, report);
	return false;
}

/**
 * parcel_free - free what a parcel owns
 * @parcel: the parcel
 */
void parcel_free(struct parcel *parcel)
{
	free(parcel->name);
	parcel->name = NULL;
	flow_list_free(&parcel->flows);
}

/**
 * parcel_texts_free - free parcels that were to be sent
 * @texts: all of them
 */
void parcel_texts_free(struct parcel_texts *texts)
{
	size_t i;

	for (i = 0; i < texts->list.count; i++)
		free(texts->list.item[i]);
	list_free(&texts->list);
}
