// SPDX-License-Identifier: GPL-2.0
/*
 * dvpnetctl apply: make this network namespace a node of a cluster.
 *
 * Everything is read and checked before anything is changed. Applying the same
 * once more changes nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "desired.h"
#include "diff.h"
#include "print.h"
#include "source_files.h"
#include "sync.h"

static const char usage[] =
	"Usage: dvpnetctl apply --node NAME -f PATH... [OPTIONS]\n"
	"Makes this network namespace the node NAME of the cluster that Kubernetes objects\n"
	"describe, in YAML or JSON, as \"kubectl get -A -o yaml\" prints them. Reads Node,\n"
	"Service, EndpointSlice, ModuleConfig cni-cilium and Namespace kube-system; what\n"
	"else is there is skipped. What is no longer described is removed. Warns of what is\n"
	"in the way on this host.\n"
	"\n"
	"  --node NAME            which Node this is\n"
	"  -f, --filename PATH... files, directories (*.yaml, *.yml, *.json), - for input\n"
	"  --mode MODE            vxlan, classic or auto, whatever the objects say\n"
	"  --port PORT            VXLAN UDP port (4298)\n"
	"  --vni VNI              VXLAN network identifier (1)\n"
	"  --udp-csum yes|no      checksum of the outer UDP header over IPv4 (no)\n"
	"  --trust-underlay yes|no\n"
	"                         routers of the underlay carry pod addresses (no)\n"
	"  --nodeport-range A-B   range reserved for NodePorts (30000-32767)\n"
	"  --vip-echo yes|no      answer pings to Services' addresses that nobody has (no)\n"
	"  --reset-removed yes|no reset TCP connections to removed endpoints (no)\n"
	"  --full                 send everything, not just what differs\n"
	"  --dry-run              print, as JSON, what ought to be and what would change\n"
	"  -j, --json             print what was done as JSON\n"
	"  -h, --help             print this\n";

/**
 * struct apply - what was asked for
 * @desired: the node, and settings
 * @paths: where the objects are
 * @full: send everything
 * @dry_run: change nothing
 */
struct apply {
	struct desired_options desired;
	LIST(const char *) paths;
	bool full;
	bool dry_run;
};

/* ---- options ---- */

static bool read_yes_no(const char *text, uint16_t attr, struct config *config)
{
	if (strcmp(text, "yes") && strcmp(text, "no"))
		return false;
	config_set(config, attr, !strcmp(text, "yes"));
	return true;
}

static bool read_number(const char *text, unsigned long min, unsigned long max, uint16_t attr,
			struct config *config)
{
	unsigned long number;

	if (!cmd_number(text, min, max, &number))
		return false;
	config_set(config, attr, number);
	return true;
}

static bool read_range(const char *text, struct config *config)
{
	unsigned int min, max;
	int end = 0;

	if (sscanf(text, "%5u-%5u%n", &min, &max, &end) != 2 || text[end] || !min ||
	    min > max || max > 65535)
		return false;
	config_set(config, DVPNET_A_CONFIG_NODEPORT_MIN, min);
	config_set(config, DVPNET_A_CONFIG_NODEPORT_MAX, max);
	return true;
}

static bool read_mode(const char *text, struct config *config)
{
	uint32_t mode;

	if (!config_mode_parse(text, &mode))
		return false;
	config_set(config, DVPNET_A_CONFIG_MODE, mode);
	return true;
}

/* One option; false if its argument is wrong. */
static bool read_option(int option, const char *text, struct apply *apply)
{
	struct config *config = &apply->desired.config;

	switch (option) {
	case 'n':
		apply->desired.node = text;
		return true;
	case 'f':
		*list_add(&apply->paths) = text;
		return true;
	case 'm':
		return read_mode(text, config);
	case 'p':
		return read_number(text, 1, 65535, DVPNET_A_CONFIG_PORT, config);
	case 'v':
		return read_number(text, 0, 0xffffff, DVPNET_A_CONFIG_VNI, config);
	case 'c':
		return read_yes_no(text, DVPNET_A_CONFIG_UDP_CSUM, config);
	case 't':
		return read_yes_no(text, DVPNET_A_CONFIG_TRUST_UNDERLAY, config);
	case 'r':
		return read_range(text, config);
	case 'e':
		return read_yes_no(text, DVPNET_A_CONFIG_VIP_ECHO, config);
	case 'x':
		return read_yes_no(text, DVPNET_A_CONFIG_RESET_REMOVED, config);
	case 'F':
		apply->full = true;
		return true;
	case 'D':
		apply->dry_run = true;
		return true;
	default:
		print_json = true;
		return true;
	}
}

/* As cmd_options(). */
static bool read_options(int argc, char **argv, struct apply *apply, int *status)
{
	static const struct option options[] = {
		{ "node", required_argument, NULL, 'n' },
		{ "filename", required_argument, NULL, 'f' },
		{ "mode", required_argument, NULL, 'm' },
		{ "port", required_argument, NULL, 'p' },
		{ "vni", required_argument, NULL, 'v' },
		{ "udp-csum", required_argument, NULL, 'c' },
		{ "trust-underlay", required_argument, NULL, 't' },
		{ "nodeport-range", required_argument, NULL, 'r' },
		{ "vip-echo", required_argument, NULL, 'e' },
		{ "reset-removed", required_argument, NULL, 'x' },
		{ "full", no_argument, NULL, 'F' },
		{ "dry-run", no_argument, NULL, 'D' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, index = -1;

	*status = EXIT_FAILURE;
	optind = 0;
	/* "-": words come in their order, as the paths behind -f do. */
	while ((option = getopt_long(argc, argv, "-f:jh", options, &index)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			*status = EXIT_SUCCESS;
			return false;
		}
		if (option == '?') {
			fputs("See dvpnetctl apply --help\n", stderr);
			return false;
		}
		if (option == 1 && !apply->paths.count) {
			cmd_error("apply: unknown word \"%s\": paths stand behind -f", optarg);
			return false;
		}
		if (!read_option(option == 1 ? 'f' : option, optarg, apply)) {
			cmd_error("apply: --%s: \"%s\" is not valid: see --help",
				  options[index].name, optarg);
			return false;
		}
	}
	if (!apply->desired.node || !apply->paths.count) {
		cmd_error("apply: %s is missing: see --help",
			  apply->desired.node ? "-f PATH" : "--node NAME");
		return false;
	}
	return true;
}

/* ---- reading ---- */

/* Reads and checks all that files say; false after errors, which are printed. */
static bool read_desired(const struct apply *apply, struct source_files *files,
			 struct objects *objects, struct state *want)
{
	size_t i;

	for (i = 0; i < apply->paths.count; i++)
		source_files_read(files, apply->paths.item[i], objects_read, objects,
				  &objects->report);
	objects_complete(objects);
	if (!objects->report.errors.count)
		desired_build(objects, &apply->desired, want, &objects->report);
	report_print(&objects->report, stderr);
	return !objects->report.errors.count;
}

/* ---- changing ---- */

static void print_summary_json(const struct state *want, const struct sync_result *result)
{
	json_t *summary = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
				    "nodes", (json_int_t)want->nodes.count,
				    "prefixes", (json_int_t)want->prefixes.count,
				    "services", (json_int_t)want->services.count,
				    "added", (json_int_t)result->added,
				    "changed", (json_int_t)result->changed,
				    "removed", (json_int_t)result->removed);
	int step;

	for (step = 0; step < SYSTEM_STEPS; step++)
		json_object_set_new(summary, system_step_name(step),
				    json_integer(result->system[step]));
	print_document(summary);
}

static void print_summary(const struct state *want, const struct sync_result *result)
{
	const char *before = "; changes: ";
	int step;

	printf("%zu nodes, %zu prefixes, %zu services: %zu added, %zu changed, %zu removed",
	       want->nodes.count, want->prefixes.count, want->services.count,
	       result->added, result->changed, result->removed);
	for (step = 0; step < SYSTEM_STEPS; step++) {
		if (!result->system[step])
			continue;
		printf("%s%zu of %s", before, result->system[step], system_step_text(step));
		before = ", ";
	}
	putchar('\n');
}

static int apply_state(const struct apply *apply, const struct state *want)
{
	enum diff_mode mode = apply->full ? DIFF_FULL : DIFF_CHANGES;
	struct sync_result result;
	struct report report = { 0 };
	struct sync sync = { 0 };
	bool valid = false;

	if (sync_open(&sync, &report)) {
		valid = sync_state(&sync, want, mode, &result, &report);
		sync_close(&sync);
	}
	report_print(&report, stderr);
	report_free(&report);
	if (!valid)
		return EXIT_FAILURE;
	if (print_json)
		print_summary_json(want, &result);
	else
		print_summary(want, &result);
	return EXIT_SUCCESS;
}

/* ---- dry run ---- */

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

/* Without module or device the kernel has nothing yet. */
static int read_have(struct state *have)
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

static int print_dry_run(const struct state *want)
{
	json_t *nodes = json_array(), *prefixes = json_array(), *services = json_array();
	json_t *changes = json_array();
	struct state have = { 0 };
	struct diff diff;
	int status;
	size_t i;

	status = read_have(&have);
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
 * cmd_apply - dvpnetctl apply
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: the exit status.
 */
int cmd_apply(int argc, char **argv)
{
	struct source_files files = { 0 };
	struct objects objects = { 0 };
	struct apply apply = { 0 };
	struct state want = { 0 };
	int status;

	if (read_options(argc, argv, &apply, &status) &&
	    read_desired(&apply, &files, &objects, &want))
		status = apply.dry_run ? print_dry_run(&want) : apply_state(&apply, &want);
	list_free(&apply.paths);
	state_free(&want);
	objects_free(&objects);
	source_files_free(&files);
	return status;
}
