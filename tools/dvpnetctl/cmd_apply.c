// SPDX-License-Identifier: GPL-2.0
/*
 * dvpnetctl apply: make this network namespace a node of a cluster.
 *
 * Everything is read and checked before anything is changed. Then: the device,
 * where there is none; one sync that carries just what differs; and the rest of
 * the system. Applying the same once more changes nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "desired.h"
#include "diff.h"
#include "precheck.h"
#include "print.h"
#include "source_files.h"
#include "system.h"

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

/* "Kind NAME" of what a change is about, at its place in the files, for an error. */
static int fail_change(struct kernel *kernel, const struct change *change)
{
	static const struct place nowhere;
	const struct place *place = &nowhere;
	char where[PLACE_TEXT_MAX], address[IP_TEXT_MAX];
	char *what;

	switch (change->kind) {
	case CHANGE_SET_NODE:
	case CHANGE_DEL_NODE:
		place = &change->node->place;
		what = util_printf("Node %s", change->node->name);
		break;
	case CHANGE_SET_PREFIX:
	case CHANGE_DEL_PREFIX:
		place = &change->prefix->place;
		what = util_printf("Node %s: prefix %s/%u", change->prefix->node,
				   ip_text(&change->prefix->addr, address),
				   change->prefix->len);
		break;
	case CHANGE_SET_SERVICE:
	case CHANGE_DEL_SERVICE:
		place = &change->service->place;
		what = util_printf("Service %s", change->service->name);
		break;
	default:
		what = util_printf("settings");
	}
	if (place->file)
		fprintf(stderr, "%s: %s: %s\n", place_text(place, where), what,
			kernel_error(kernel));
	else
		cmd_error("%s: %s", what, kernel_error(kernel));
	free(what);
	return EXIT_FAILURE;
}

static int send_change(struct kernel *kernel, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_CONFIG:
		return kernel_set_config(kernel, change->config);
	case CHANGE_RANGES:
		return kernel_set_ranges(kernel, change->ranges);
	case CHANGE_SET_NODE:
		return kernel_set_node(kernel, change->node);
	case CHANGE_DEL_NODE:
		return kernel_del_node(kernel, change->node);
	case CHANGE_SET_PREFIX:
		return kernel_set_prefix(kernel, change->prefix);
	case CHANGE_DEL_PREFIX:
		return kernel_del_prefix(kernel, change->prefix);
	case CHANGE_SET_SERVICE:
		return kernel_set_service(kernel, change->service);
	case CHANGE_DEL_SERVICE:
		return kernel_del_service(kernel, change->service);
	}
	return -EINVAL;
}

/* The change that failed: of those that were collected, or the one just sent. */
static const struct change *find_failed(const struct kernel *kernel, const struct diff *diff,
					const struct change *sent)
{
	size_t i;

	for (i = 0; kernel_failed(kernel) && i < diff->changes.count; i++)
		if (diff->changes.item[i].object == kernel_failed(kernel))
			return &diff->changes.item[i];
	return sent;
}

static int send_changes(struct kernel *kernel, const struct diff *diff)
{
	const struct change *change = NULL;
	int err = 0;
	size_t i;

	if (diff->mode != DIFF_FULL)
		kernel_queue(kernel);
	for (i = 0; !err && i < diff->changes.count; i++) {
		change = &diff->changes.item[i];
		err = send_change(kernel, change);
		/* In a replacing sync what is set takes the place of what is to go. */
		if (err == -ENOENT && diff->mode == DIFF_FULL)
			err = 0;
	}
	if (!err)
		err = kernel_flush(kernel);
	return err ? fail_change(kernel, find_failed(kernel, diff, change)) : EXIT_SUCCESS;
}

/* The kernel does not tell its secret; it ignores one that it has already. */
static int send_secret(struct kernel *kernel, const struct state *want)
{
	struct config config = { .present = 1ULL << DVPNET_A_CONFIG_SECRET };
	int err;

	memcpy(config.secret, want->config.secret, sizeof(config.secret));
	err = kernel_set_config(kernel, &config);
	return err ? cmd_kernel_error(kernel, err, "settings") : EXIT_SUCCESS;
}

/* What the diff says, and the end of the sync. */
static int finish_sync(struct kernel *kernel, uint32_t token, const struct state *want,
		       const struct diff *diff)
{
	int status, err;

	status = send_secret(kernel, want);
	if (!status)
		status = send_changes(kernel, diff);
	if (status || (diff->mode != DIFF_FULL && diff_is_empty(diff)))
		err = kernel_sync_abort(kernel, token);
	else
		err = kernel_sync_commit(kernel, token);
	if (err && !status)
		return cmd_kernel_error(kernel, err, "apply");
	return status;
}

/*
 * One sync. A patch, as a rule; where addresses change hands, which single
 * changes cannot do, it gives way to one that replaces everything.
 */
static int sync_kernel(struct kernel *kernel, enum diff_mode mode, const struct state *want,
		       struct diff *diff)
{
	struct state have = { 0 };
	uint32_t token;
	int status, err;

	err = kernel_sync_begin(kernel, mode == DIFF_FULL ? DVPNET_SYNC_MODE_REPLACE :
				DVPNET_SYNC_MODE_PATCH, &token);
	if (err)
		return cmd_kernel_error(kernel, err, "apply");
	err = kernel_get_state(kernel, &have);
	if (err)
		return cmd_kernel_error(kernel, err, "reading the kernel's state");
	diff_make(want, &have, mode, diff);
	if (diff->keys_move && mode != DIFF_FULL) {
		diff_free(diff);
		state_free(&have);
		err = kernel_sync_abort(kernel, token);
		if (err)
			return cmd_kernel_error(kernel, err, "apply");
		return sync_kernel(kernel, DIFF_FULL, want, diff);
	}
	status = finish_sync(kernel, token, want, diff);
	/* The steps point into the states; only their numbers are needed from here on. */
	diff_free(diff);
	state_free(&have);
	return status;
}

/* Has the device, which is created if there is none, set up. */
static int get_device(struct kernel *kernel, struct system *system)
{
	struct config config;
	int err;

	err = kernel_get_config(kernel, &config);
	if (err == -ENODEV) {
		if (system_add_device(system))
			return EXIT_FAILURE;
		err = kernel_get_config(kernel, &config);
	}
	if (err)
		return cmd_kernel_error(kernel, err, "apply");
	system->ifindex = config.value[DVPNET_A_CONFIG_IFINDEX];
	return system_set_up(system) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void print_summary_json(const struct state *want, const struct diff *diff,
			       const struct system *system)
{
	json_t *summary = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
				    "nodes", (json_int_t)want->nodes.count,
				    "prefixes", (json_int_t)want->prefixes.count,
				    "services", (json_int_t)want->services.count,
				    "added", (json_int_t)diff->added,
				    "changed", (json_int_t)diff->changed,
				    "removed", (json_int_t)diff->removed);
	int step;

	for (step = 0; step < SYSTEM_STEPS; step++)
		json_object_set_new(summary, system_step_name(step),
				    json_integer(system->changes[step]));
	print_document(summary);
}

static void print_summary(const struct state *want, const struct diff *diff,
			  const struct system *system)
{
	const char *before = "; changes: ";
	int step;

	printf("%zu nodes, %zu prefixes, %zu services: %zu added, %zu changed, %zu removed",
	       want->nodes.count, want->prefixes.count, want->services.count, diff->added,
	       diff->changed, diff->removed);
	for (step = 0; step < SYSTEM_STEPS; step++) {
		if (!system->changes[step])
			continue;
		printf("%s%zu of %s", before, system->changes[step], system_step_text(step));
		before = ", ";
	}
	putchar('\n');
}

static int apply_with(struct kernel *kernel, struct system *system, const struct apply *apply,
		      const struct state *want)
{
	struct diff diff = { 0 };
	int status;

	precheck(&system->rtnl, want, &system->report);
	if (system->report.errors.count)
		return EXIT_FAILURE;
	status = get_device(kernel, system);
	if (!status)
		status = sync_kernel(kernel, apply->full ? DIFF_FULL : DIFF_CHANGES, want, &diff);
	if (!status && system_apply(system))
		status = EXIT_FAILURE;
	if (status)
		return status;
	system_warn(system);
	if (print_json)
		print_summary_json(want, &diff, system);
	else
		print_summary(want, &diff, system);
	return EXIT_SUCCESS;
}

static int apply_state(const struct apply *apply, const struct state *want)
{
	int status = EXIT_FAILURE;
	struct kernel kernel;
	struct system system;

	if (cmd_connect(&kernel))
		return EXIT_FAILURE;
	if (!system_open(&system, want))
		status = apply_with(&kernel, &system, apply, want);
	report_print(&system.report, stderr);
	system_close(&system);
	kernel_close(&kernel);
	return status;
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
