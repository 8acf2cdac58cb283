// SPDX-License-Identifier: GPL-2.0
/* What the commands have in common. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "print.h"

/**
 * cmd_error - say what is wrong
 * @format: what, in a line
 *
 * Return: the exit status.
 */
int cmd_error(const char *format, ...)
{
	va_list args;

	fputs("dvpnetctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_FAILURE;
}

/**
 * cmd_kernel_error - say what the kernel refused, and why
 * @kernel: whose last call failed
 * @err: its negative errno
 * @what: what was asked for
 *
 * Return: the exit status.
 */
int cmd_kernel_error(struct kernel *kernel, int err, const char *what)
{
	if (err == -ENODEV)
		return cmd_error("no dvpnet device in this network namespace: "
				 "run dvpnetctl apply, or ip link add dvp0 type dvpnet");
	return cmd_error("%s: %s", what, kernel_error(kernel));
}

/**
 * cmd_connect - connect to the module, or say why not
 * @kernel: filled
 *
 * Return: 0 or a negative errno.
 */
int cmd_connect(struct kernel *kernel)
{
	int err = kernel_open(kernel);

	if (err)
		cmd_error("%s", kernel_error(kernel));
	return err;
}

/**
 * cmd_options - read the options of a command that has none of its own
 * @argc: as of main(); argument 0 is the command
 * @argv: as of main()
 * @usage: help for it
 * @status: filled with the exit status where that was all
 *
 * Return: true if the command goes on with its arguments, from optind.
 */
bool cmd_options(int argc, char **argv, const char *usage, int *status)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "all", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "jah", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			print_json = true;
			break;
		case 'a':
			print_all = true;
			break;
		case 'h':
			fputs(usage, stdout);
			*status = EXIT_SUCCESS;
			return false;
		default:
			fputs(usage, stderr);
			*status = EXIT_FAILURE;
			return false;
		}
	}
	return true;
}

/**
 * cmd_number - read a number
 * @text: the number, decimal
 * @min: least value
 * @max: largest value
 * @number: filled
 */
bool cmd_number(const char *text, unsigned long min, unsigned long max, unsigned long *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoul(text, &end, 10);
	return !errno && !*end && *number >= min && *number <= max;
}

/**
 * cmd_flow_filter - read words that choose flows, or say what is wrong with them
 * @argv: [proto P] [client A[:PORT]] [frontend A[:PORT]] [backend A[:PORT]] [service NAME]
 * @filter: filled; its service points into @argv
 */
bool cmd_flow_filter(char **argv, struct flow *filter)
{
	memset(filter, 0, sizeof(*filter));
	for (; argv[0]; argv += 2) {
		const char *word = argv[0], *value = argv[1];
		bool valid;

		if (!value) {
			cmd_error("value missing behind \"%s\"", word);
			return false;
		}
		if (!strcmp(word, "proto")) {
			valid = proto_parse(value, &filter->proto);
		} else if (!strcmp(word, "client")) {
			valid = ip_parse_endpoint(value, &filter->client, &filter->client_port);
		} else if (!strcmp(word, "frontend")) {
			valid = ip_parse_endpoint(value, &filter->frontend,
						  &filter->frontend_port);
		} else if (!strcmp(word, "backend")) {
			valid = ip_parse_endpoint(value, &filter->backend,
						  &filter->backend_port);
		} else if (!strcmp(word, "service")) {
			filter->service = argv[1];
			valid = *value;
		} else {
			cmd_error("unknown word \"%s\": expected proto, client, frontend, "
				  "backend or service", word);
			return false;
		}
		if (!valid) {
			cmd_error("%s: \"%s\" is not valid", word, value);
			return false;
		}
	}
	return true;
}
