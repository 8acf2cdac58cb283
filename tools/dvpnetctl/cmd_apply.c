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
#include "dry_run.h"
#include "override.h"
#include "print.h"
#include "source_files.h"
#include "sync.h"

static const char usage[] =
	"Usage: dvpnetctl apply --node NAME -f PATH... [OPTIONS]\n"
	"Makes this network namespace the node NAME of the cluster that Kubernetes objects\n"
	"describe, in YAML or JSON, as \"kubectl get -A -o yaml\" prints them. Reads Node,\n"
	"Service, EndpointSlice, VirtualMachine and its Pods, ModuleConfig, Namespace\n"
	"kube-system and what else configures the cluster, see dvpnetctl(8); the rest is\n"
	"skipped. What is no longer described is removed. Warns of what is\n"
	"in the way on this host.\n"
	"\n"
	"  --node NAME            which Node this is\n"
	"  -f, --filename PATH... files, directories (*.yaml, *.yml, *.json), - for input\n"
	OVERRIDE_USAGE
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

/* One option; false if its argument is wrong. */
static bool read_option(int option, const char *text, struct apply *apply)
{
	switch (option) {
	case 'n':
		apply->desired.node = text;
		return true;
	case 'f':
		*list_add(&apply->paths) = text;
		return true;
	case 'F':
		apply->full = true;
		return true;
	case 'D':
		apply->dry_run = true;
		return true;
	case 'j':
		print_json = true;
		return true;
	default:
		return override_read(option, text, &apply->desired.config);
	}
}

/* As cmd_options(). */
static bool read_options(int argc, char **argv, struct apply *apply, int *status)
{
	static const struct option options[] = {
		{ "node", required_argument, NULL, 'n' },
		{ "filename", required_argument, NULL, 'f' },
		OVERRIDE_OPTIONS,
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

static int apply_state(const struct apply *apply, struct state *want)
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
		status = apply.dry_run ? dry_run(&want) : apply_state(&apply, &want);
	list_free(&apply.paths);
	state_free(&want);
	objects_free(&objects);
	source_files_free(&files);
	return status;
}
