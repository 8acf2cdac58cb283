// SPDX-License-Identifier: GPL-2.0
/* dvpnetctl: configures and explains the dvpnet kernel module. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "print.h"

#define NETNS_DIR "/run/netns"

/**
 * struct command - a word behind dvpnetctl
 * @name: the word
 * @run: what it does
 * @help: that in words
 */
struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

static const struct command commands[] = {
	{ "agent", cmd_agent, "make this network namespace a node of a cluster, and follow its API server" },
	{ "apply", cmd_apply, "make this network namespace a node of a cluster, from files" },
	{ "node", cmd_node, "show nodes" },
	{ "prefix", cmd_prefix, "show which addresses are behind which node" },
	{ "service", cmd_service, "show services and their backends" },
	{ "flow", cmd_flow, "show translated connections" },
	{ "stats", cmd_stats, "show counters" },
	{ "config", cmd_config, "show settings" },
	{ "get", cmd_get, "explain what would happen to a packet" },
	{ "monitor", cmd_monitor, "print changes of the configuration as they happen" },
	{ "flush", cmd_flush, "remove translated connections" },
	{ "uninstall", cmd_uninstall, "remove all that apply has made here" },
};

static void print_usage(FILE *to)
{
	size_t i;

	fputs("Usage: dvpnetctl [OPTIONS] COMMAND [--help | ...]\n\nCommands:\n", to);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].help);
	fputs("\nOptions:\n"
	      "  -j, --json         JSON output\n"
	      "  -n, --netns NAME   work in this network namespace, as of ip netns\n"
	      "  -V, --version      print the version\n"
	      "  -h, --help         print this\n", to);
}

static int enter_netns(const char *name)
{
	char path[PATH_MAX];
	int fd, err;

	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cmd_error("network namespace \"%s\": %s", name, strerror(errno));
	err = setns(fd, CLONE_NEWNET);
	close(fd);
	return err ? cmd_error("network namespace \"%s\": %s", name, strerror(errno)) : 0;
}

static int run_command(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[0], commands[i].name))
			return commands[i].run(argc, argv);
	return cmd_error("unknown command \"%s\": see dvpnetctl --help", argv[0]);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "netns", required_argument, NULL, 'n' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, status;

	while ((option = getopt_long(argc, argv, "+jn:Vh", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			print_json = true;
			break;
		case 'n':
			if (enter_netns(optarg))
				return EXIT_FAILURE;
			break;
		case 'V':
			puts("dvpnetctl " DVPNET_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			print_usage(stdout);
			return EXIT_SUCCESS;
		default:
			print_usage(stderr);
			return EXIT_FAILURE;
		}
	}
	if (!argv[optind]) {
		print_usage(stderr);
		return EXIT_FAILURE;
	}
	status = run_command(argc - optind, argv + optind);
	/* Output that could not be written is a failure, unless its reader has seen enough. */
	if (fflush(stdout) && errno != EPIPE)
		return cmd_error("standard output: %s", strerror(errno));
	return status;
}
