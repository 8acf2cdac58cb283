// SPDX-License-Identifier: GPL-2.0
/* dvpnetctl uninstall: this network namespace is no node any more. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "print.h"
#include "system.h"

static const char usage[] =
	"Usage: dvpnetctl [-j] uninstall\n"
	"Removes all that apply has made in this network namespace: the device, with all that\n"
	"the module knows, its addresses, routes and rules, the nftables table inet dvpnet, and\n"
	"the ports that it has reserved. Prints what there was. Connections that were\n"
	"translated end. Doing it once more does nothing.\n";

static void print_removed(const struct system *system)
{
	const char *before = "removed: ";
	int step;

	for (step = 0; step < SYSTEM_STEPS; step++) {
		if (!system->changes[step])
			continue;
		printf("%s%zu of %s", before, system->changes[step], system_step_text(step));
		before = ", ";
	}
	puts(*before == ',' ? "" : "nothing to remove");
}

static void print_removed_json(const struct system *system)
{
	json_t *removed = json_object();
	int step;

	for (step = 0; step < SYSTEM_STEPS; step++)
		json_object_set_new(removed, system_step_name(step),
				    json_integer(system->changes[step]));
	print_document(removed);
}

/**
 * cmd_uninstall - dvpnetctl uninstall
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: the exit status.
 */
int cmd_uninstall(int argc, char **argv)
{
	struct system system;
	int status;

	if (!cmd_options(argc, argv, usage, &status))
		return status;
	if (argv[optind])
		return cmd_error("uninstall: unknown word \"%s\"", argv[optind]);
	status = system_open(&system, NULL) || system_remove(&system) ? EXIT_FAILURE : EXIT_SUCCESS;
	if (print_json)
		print_removed_json(&system);
	else
		print_removed(&system);
	report_print(&system.report, stderr);
	system_close(&system);
	return status;
}
