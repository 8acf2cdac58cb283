// SPDX-License-Identifier: GPL-2.0
/* dvpnetctl flush flow: remove translated connections. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "print.h"

static const char usage[] =
	"Usage: dvpnetctl [-j] flush flow [proto P] [client A[:PORT]] [frontend A[:PORT]]\n"
	"                                 [backend A[:PORT]] [service NAME]\n"
	"Removes the flows that match all of it, without words all flows, and prints how\n"
	"many they were. Their next packet is treated as the first of a connection.\n";

/**
 * cmd_flush - dvpnetctl flush
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: the exit status.
 */
int cmd_flush(int argc, char **argv)
{
	struct kernel kernel;
	struct flow filter;
	uint32_t count;
	char **words;
	int status, err;

	if (!cmd_options(argc, argv, usage, &status))
		return status;
	words = argv + optind;
	if (!words[0] || strcmp(words[0], "flow"))
		return cmd_error("flush: expected flow");
	if (!cmd_flow_filter(words + 1, &filter) || cmd_connect(&kernel))
		return EXIT_FAILURE;
	err = kernel_flush_flows(&kernel, &filter, &count);
	if (err)
		cmd_kernel_error(&kernel, err, "flush flow");
	else if (print_json)
		print_document(json_pack("{s:I}", "flushed", (json_int_t)count));
	else
		printf("%u flow%s flushed\n", count, count == 1 ? "" : "s");
	kernel_close(&kernel);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
