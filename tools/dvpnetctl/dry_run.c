// SPDX-License-Identifier: GPL-2.0
/* What would change, in JSON. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "diff.h"
#include "dry_run.h"
#include "print.h"

static json_t *change_json(const struct change *change)
{
	switch (change->kind) {
	case CHANGE_SET_NODE:
		return json_pack("{s:s, s:o}", "action", change->is_new ? "add" : "change",
				 "node", print_node_json(change->node));
	case CHANGE_DEL_NODE:
		return json_pack("{s:s, s:o}", "action", "remove", "node",
				 print_node_json(change->node));
	case CHANGE_SET_PREFIX:
		return json_pack("{s:s, s:o}", "action", change->is_new ? "add" : "change",
				 "prefix", print_prefix_json(change->prefix));
	case CHANGE_DEL_PREFIX:
		return json_pack("{s:s, s:o}", "action", "remove", "prefix",
				 print_prefix_json(change->prefix));
	case CHANGE_SET_SERVICE:
		return json_pack("{s:s, s:o}", "action", change->is_new ? "add" : "change",
				 "service", print_service_name_json(change->service));
	case CHANGE_DEL_SERVICE:
		return json_pack("{s:s, s:o}", "action", "remove", "service",
				 print_service_name_json(change->service));
	case CHANGE_RANGES:
		return json_pack("{s:s, s:o}", "action", "change", "ranges",
				 print_ranges_json(change->ranges));
	default:
		return json_pack("{s:s, s:o}", "action", "change", "config",
				 print_config_json(change->config));
	}
}

/**
 * dry_run_have - read what the kernel has: nothing yet without module or device
 * @have: filled, and sorted
 *
 * Return: the exit status.
 */
int dry_run_have(struct state *have)
{
	struct kernel kernel;
	int status = EXIT_SUCCESS;
	int err;

	if (kernel_open(&kernel))
		return status;
	err = kernel_get_state(&kernel, have);
	if (err && err != -ENODEV)
		status = cmd_kernel_error(&kernel, err, "reading the kernel's state");
	kernel_close(&kernel);
	return status;
}

/**
 * dry_run - print what ought to be, and what would change; change nothing
 * @want: what ought to be, complete and sorted
 *
 * Return: the exit status.
 */
int dry_run(const struct state *want)
{
	json_t *nodes = json_array(), *prefixes = json_array(), *services = json_array();
	json_t *changes = json_array();
	struct state have = { 0 };
	struct diff diff;
	int status;
	size_t i;

	status = dry_run_have(&have);
	diff_make(want, &have, DIFF_CHANGES, &diff);
	for (i = 0; i < want->nodes.count; i++)
		json_array_append_new(nodes, print_node_json(&want->nodes.item[i]));
	for (i = 0; i < want->prefixes.count; i++)
		json_array_append_new(prefixes, print_prefix_json(&want->prefixes.item[i]));
	for (i = 0; i < want->services.count; i++)
		json_array_append_new(services, print_service_json(&want->services.item[i]));
	for (i = 0; i < diff.changes.count; i++)
		json_array_append_new(changes, change_json(&diff.changes.item[i]));
	print_document(json_pack("{s:o, s:o, s:o, s:o, s:o}",
				 "config", print_settings_json(want),
				 "nodes", nodes, "prefixes", prefixes, "services", services,
				 "changes", changes));
	diff_free(&diff);
	state_free(&have);
	return status;
}

/**
 * dry_run_changes - print what would change, a line each
 * @want: what ought to be; sorted
 * @have: what is; sorted
 */
void dry_run_changes(const struct state *want, const struct state *have)
{
	struct diff diff;
	size_t i;

	diff_make(want, have, DIFF_CHANGES, &diff);
	for (i = 0; i < diff.changes.count; i++)
		print_json_line(change_json(&diff.changes.item[i]));
	diff_free(&diff);
	fflush(stdout);
}
