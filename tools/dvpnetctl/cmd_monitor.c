// SPDX-License-Identifier: GPL-2.0
/* dvpnetctl monitor: changes of the configuration as they happen. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "cmd.h"
#include "print.h"

static const char usage[] =
	"Usage: dvpnetctl [-j] monitor\n"
	"Prints each change of the configuration, a line each: what was set (added or\n"
	"changed), and what was deleted. Ends on SIGINT and SIGTERM.\n";

static void print_event(const struct event *event)
{
	const struct state *state = &event->state;

	switch (event->cmd) {
	case DVPNET_CMD_CONFIG_NTF:
		printf("set config mode %s vni %u port %u masquerade %s ranges %zu\n",
		       config_mode_text(state->config.value[DVPNET_A_CONFIG_MODE]),
		       state->config.value[DVPNET_A_CONFIG_VNI],
		       state->config.value[DVPNET_A_CONFIG_PORT],
		       state->config.value[DVPNET_A_CONFIG_MASQUERADE] ? "yes" : "no",
		       state->ranges.list.count);
		break;
	case DVPNET_CMD_NODE_NTF:
		fputs("set node ", stdout);
		print_node(state->nodes.item);
		break;
	case DVPNET_CMD_NODE_DEL_NTF:
		printf("deleted node %s\n", state->nodes.item->name);
		break;
	case DVPNET_CMD_PREFIX_NTF:
		fputs("set prefix ", stdout);
		print_prefix(state->prefixes.item);
		break;
	case DVPNET_CMD_PREFIX_DEL_NTF:
		fputs("deleted prefix ", stdout);
		print_prefix(state->prefixes.item);
		break;
	case DVPNET_CMD_SERVICE_NTF:
		fputs("set service ", stdout);
		print_service_name(state->services.item);
		break;
	case DVPNET_CMD_SERVICE_DEL_NTF:
		fputs("deleted service ", stdout);
		print_service_name(state->services.item);
		break;
	}
}

static void print_event_json(const struct event *event)
{
	const struct state *state = &event->state;
	const char *what = "set", *kind = "config";
	json_t *object = NULL;

	switch (event->cmd) {
	case DVPNET_CMD_CONFIG_NTF:
		object = print_settings_json(state);
		break;
	case DVPNET_CMD_NODE_DEL_NTF:
		what = "deleted";
		/* fall through */
	case DVPNET_CMD_NODE_NTF:
		kind = "node";
		object = print_node_json(state->nodes.item);
		break;
	case DVPNET_CMD_PREFIX_DEL_NTF:
		what = "deleted";
		/* fall through */
	case DVPNET_CMD_PREFIX_NTF:
		kind = "prefix";
		object = print_prefix_json(state->prefixes.item);
		break;
	case DVPNET_CMD_SERVICE_DEL_NTF:
		what = "deleted";
		/* fall through */
	case DVPNET_CMD_SERVICE_NTF:
		kind = "service";
		object = print_service_name_json(state->services.item);
		break;
	}
	print_json_line(json_pack("{s:s, s:s, s:o}", "event", what, "object", kind, kind, object));
}

/* A reader that went away, or a full disk, ends it: -EPIPE. */
static int on_event(const struct event *event, void *arg)
{
	(void)arg;
	if (print_json)
		print_event_json(event);
	else
		print_event(event);
	return fflush(stdout) ? -EPIPE : 0;
}

static int catch_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

static int watch(struct kernel *kernel, int signals)
{
	struct pollfd fds[] = {
		{ .fd = nl_socket_get_fd(kernel->netlink.sock), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		/* No events wanted, but told when the reader is gone. */
		{ .fd = fileno(stdout), .events = 0 },
	};
	int err;

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			return cmd_error("monitor: %s", strerror(errno));
		if (fds[1].revents || fds[2].revents)
			return EXIT_SUCCESS;
		if (!fds[0].revents)
			continue;
		err = kernel_receive(kernel, on_event, NULL);
		if (err == -EPIPE)
			return EXIT_SUCCESS;
		if (err == -ENOBUFS)
			cmd_error("monitor: too many changes at once, some were not shown");
		else if (err)
			return cmd_error("monitor: %s", kernel_error(kernel));
	}
}

/**
 * cmd_monitor - dvpnetctl monitor
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: the exit status.
 */
int cmd_monitor(int argc, char **argv)
{
	struct kernel kernel;
	int status;

	if (!cmd_options(argc, argv, usage, &status))
		return status;
	if (argv[optind])
		return cmd_error("monitor: unknown word \"%s\"", argv[optind]);
	if (cmd_connect(&kernel))
		return EXIT_FAILURE;
	status = EXIT_FAILURE;
	if (kernel_subscribe(&kernel)) {
		cmd_error("monitor: %s", kernel_error(&kernel));
	} else {
		int signals = catch_signals();

		fputs("listening\n", stderr);
		status = watch(&kernel, signals);
	}
	kernel_close(&kernel);
	return status;
}
