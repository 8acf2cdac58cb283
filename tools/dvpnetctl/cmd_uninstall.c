// SPDX-License-Identifier: GPL-2.0
/* dvpnetctl uninstall: this network namespace is no node any more. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "cni.h"
#include "print.h"
#include "system.h"

static const char usage[] =
	"Usage: dvpnetctl [-j] uninstall [--cni-conf-dir DIR]\n"
	"Removes all that apply and agent have made in this network namespace: the device, with\n"
	"all that the module knows, its addresses, routes and rules, the nftables table inet\n"
	"dvpnet, and the ports that it has reserved; and the agent's CNI configuration, from\n"
	"DIR (" CNI_CONF_DIR "), \"\" = leave it there. Prints what there was. Connections that\n"
	"were translated end. Doing it once more does nothing. End the agent before.\n";

/* Also what is not of this network namespace, but of the host. */
static void print_removed(const struct system *system, size_t files)
{
	const char *before = "removed: ";
	int step;

	for (step = 0; step < SYSTEM_STEPS; step++) {
		if (!system->changes[step])
			continue;
		printf("%s%zu of %s", before, system->changes[step], system_step_text(step));
		before = ", ";
	}
	if (files)
		printf("%sthe CNI configuration", before);
	puts(files || *before == ',' ? "" : "nothing to remove");
}

static void print_removed_json(const struct system *system, size_t files)
{
	json_t *removed = json_object();
	int step;

	for (step = 0; step < SYSTEM_STEPS; step++)
		json_object_set_new(removed, system_step_name(step),
				    json_integer(system->changes[step]));
	json_object_set_new(removed, "cni_changes", json_integer(files));
	print_document(removed);
}

/* As cmd_options(). */
static bool read_options(int argc, char **argv, const char **cni_dir, int *status)
{
	static const struct option words[] = {
		{ "cni-conf-dir", required_argument, NULL, 'C' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "jh", words, NULL)) != -1) {
		switch (option) {
		case 'C':
			*cni_dir = optarg;
			break;
		case 'j':
			print_json = true;
			break;
		default:
			fputs(usage, option == 'h' ? stdout : stderr);
			*status = option == 'h' ? EXIT_SUCCESS : EXIT_FAILURE;
			return false;
		}
	}
	return true;
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
	const char *cni_dir = CNI_CONF_DIR;
	struct system system;
	size_t files = 0;
	int status;

	if (!read_options(argc, argv, &cni_dir, &status))
		return status;
	if (argv[optind])
		return cmd_error("uninstall: unknown word \"%s\"", argv[optind]);
	status = system_open(&system, NULL) || system_remove(&system) ? EXIT_FAILURE : EXIT_SUCCESS;
	if (*cni_dir && !cni_remove(cni_dir, &files, &system.report))
		status = EXIT_FAILURE;
	if (print_json)
		print_removed_json(&system, files);
	else
		print_removed(&system, files);
	report_print(&system.report, stderr);
	system_close(&system);
	return status;
}
