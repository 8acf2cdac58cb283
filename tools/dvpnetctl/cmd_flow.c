// SPDX-License-Identifier: GPL-2.0
/* dvpnetctl flow save|restore: connections go with a machine to another node. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "lines.h"
#include "print.h"
#include "saved.h"

/* A million flows take less. */
#define INPUT_MAX (512U << 20)

static const char save_usage[] =
	"Usage: dvpnetctl flow save --addr IP\n"
	"Prints, as JSON, the translated connections of this address that can go on at another\n"
	"node: those that it has begun with Services, and those from outside straight to it.\n"
	"For \"dvpnetctl flow restore\" there; nothing is changed here.\n";

static const char restore_usage[] =
	"Usage: dvpnetctl [-j] flow restore\n"
	"Takes over the connections that \"flow save\" has printed at another node, from\n"
	"standard input. All of it is read and checked first. What cannot go on here is named\n"
	"with the reason, and left out; then the exit status is 1.\n";

/* ---- saving ---- */

static int save(struct kernel *kernel, const struct ip *addr)
{
	struct flow_list list = { 0 };
	size_t stay;
	int err;

	err = kernel_get_flows(kernel, &list);
	if (err)
		return cmd_kernel_error(kernel, err, "flow save");
	print_document(saved_write(&list, addr, &stay));
	flow_list_free(&list);
	if (stay)
		cmd_error("%zu flow%s cannot move: the other end knows this node's address, or asked "
			  "for an echo", stay, stay == 1 ? "" : "s");
	return EXIT_SUCCESS;
}

/* As cmd_options(). */
static bool read_save_options(int argc, char **argv, struct ip *addr, int *status)
{
	static const struct option options[] = {
		{ "addr", required_argument, NULL, 'A' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*status = EXIT_FAILURE;
	optind = 0;
	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(save_usage, stdout);
			*status = EXIT_SUCCESS;
			return false;
		}
		if (option == '?') {
			fputs(save_usage, stderr);
			return false;
		}
		if (option == 'A' && !ip_parse(optarg, addr)) {
			cmd_error("flow save: --addr: \"%s\" is no address", optarg);
			return false;
		}
	}
	if (!argv[optind] && addr->family)
		return true;
	if (argv[optind])
		cmd_error("flow save: unknown word \"%s\"", argv[optind]);
	else
		cmd_error("flow save: --addr IP is missing");
	return false;
}

static int run_save(int argc, char **argv)
{
	struct ip addr = { 0 };
	struct kernel kernel;
	int status;

	if (!read_save_options(argc, argv, &addr, &status))
		return status;
	if (cmd_connect(&kernel))
		return EXIT_FAILURE;
	status = save(&kernel, &addr);
	kernel_close(&kernel);
	return status;
}

/* ---- restoring ---- */

static bool read_input(struct flow_list *list)
{
	struct lines input = { .max = INPUT_MAX };
	struct report report = { 0 };
	bool valid = true;
	char buffer[65536];
	size_t size;

	while (valid && (size = fread(buffer, 1, sizeof(buffer), stdin)))
		valid = lines_append(&input, buffer, size);
	if (!valid)
		report_error(&report, NULL, "more than %u MiB of input", INPUT_MAX >> 20);
	else
		valid = saved_read(input.text ? input.text : "", input.size, list, &report);
	report_print(&report, stderr);
	report_free(&report);
	lines_free(&input);
	return valid;
}

static void say_refused(const struct flow *flow, struct kernel *kernel)
{
	char client[IP_TEXT_MAX], frontend[IP_TEXT_MAX];

	cmd_error("%s %s to %s: %s", proto_text(flow->proto),
		  ip_port_text(&flow->client, flow->client_port, client),
		  ip_port_text(&flow->frontend, flow->frontend_port, frontend),
		  kernel_error(kernel));
}

static int restore(struct kernel *kernel, const struct flow_list *list)
{
	size_t i, refused = 0;

	for (i = 0; i < list->flows.count; i++) {
		int err = kernel_new_flow(kernel, &list->flows.item[i]);

		if (err == -ENODEV || err == -EPERM)
			return cmd_kernel_error(kernel, err, "flow restore");
		if (err)
			say_refused(&list->flows.item[i], kernel);
		refused += err != 0;
	}
	if (print_json)
		print_document(json_pack("{s:I, s:I}", "restored",
					 (json_int_t)(list->flows.count - refused),
					 "refused", (json_int_t)refused));
	else
		printf("flows: %zu restored, %zu refused\n", list->flows.count - refused, refused);
	return refused ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_restore(int argc, char **argv)
{
	struct flow_list list = { 0 };
	struct kernel kernel;
	int status;

	if (!cmd_options(argc, argv, restore_usage, &status))
		return status;
	if (argv[optind])
		return cmd_error("flow restore: unknown word \"%s\"", argv[optind]);
	status = EXIT_FAILURE;
	if (read_input(&list) && !cmd_connect(&kernel)) {
		status = restore(&kernel, &list);
		kernel_close(&kernel);
	}
	flow_list_free(&list);
	return status;
}

/**
 * cmd_flow - dvpnetctl flow
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: the exit status.
 */
int cmd_flow(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "save"))
		return run_save(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "restore"))
		return run_restore(argc - 1, argv + 1);
	return cmd_flow_show(argc, argv);
}
