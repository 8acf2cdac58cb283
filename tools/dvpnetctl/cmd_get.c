// SPDX-License-Identifier: GPL-2.0
/* dvpnetctl get: what would happen to a packet. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "print.h"

static const char usage[] =
	"Usage: dvpnetctl [-j] get PROTO FROM[:PORT] to TO[:PORT]\n"
	"       dvpnetctl [-j] get proto PROTO from FROM [sport PORT] to TO [dport PORT]\n"
	"Explains what would happen to a packet that arrives at this node, or starts\n"
	"here: service, list and why, backend, source translation, node, mode, MTU.\n"
	"IPv6 with port: [ADDRESS]:PORT. Nothing is changed.\n"
	"Example: dvpnetctl get tcp 10.111.1.20:40000 to 10.222.0.10:80\n";

static bool read_port(const char *text, uint16_t *port)
{
	unsigned long number;

	if (!cmd_number(text, 1, 65535, &number))
		return false;
	*port = number;
	return true;
}

static bool read_word(const char *word, const char *value, struct explanation *packet)
{
	if (!strcmp(word, "proto"))
		return proto_parse(value, &packet->proto);
	if (!strcmp(word, "from"))
		return ip_parse_endpoint(value, &packet->src, &packet->sport);
	if (!strcmp(word, "to"))
		return ip_parse_endpoint(value, &packet->dst, &packet->dport);
	if (!strcmp(word, "sport"))
		return read_port(value, &packet->sport);
	if (!strcmp(word, "dport"))
		return read_port(value, &packet->dport);
	return false;
}

static int read_packet(char **words, struct explanation *packet)
{
	/* Short form: PROTO FROM to TO. */
	if (words[0] && proto_parse(words[0], &packet->proto)) {
		words++;
		if (words[0] && ip_parse_endpoint(words[0], &packet->src, &packet->sport))
			words++;
	}
	for (; words[0]; words += 2) {
		if (!words[1])
			return cmd_error("get: value missing behind \"%s\"", words[0]);
		if (!read_word(words[0], words[1], packet))
			return cmd_error("get: \"%s %s\" is not valid", words[0], words[1]);
	}
	if (!packet->proto || !packet->src.family || !packet->dst.family)
		return cmd_error("get: expected PROTO FROM to TO, "
				 "as in: get tcp 10.111.1.20:40000 to 10.222.0.10:80");
	if (packet->src.family != packet->dst.family)
		return cmd_error("get: one address is IPv4, the other IPv6");
	return EXIT_SUCCESS;
}

/**
 * cmd_get - dvpnetctl get
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: the exit status.
 */
int cmd_get(int argc, char **argv)
{
	struct explanation packet = { 0 };
	struct kernel kernel;
	int status, err;

	if (!cmd_options(argc, argv, usage, &status))
		return status;
	if (read_packet(argv + optind, &packet) || cmd_connect(&kernel))
		return EXIT_FAILURE;
	err = kernel_explain(&kernel, &packet);
	if (err)
		cmd_kernel_error(&kernel, err, "get");
	else if (print_json)
		print_document(print_explanation_json(&packet));
	else
		print_explanation(&packet);
	explanation_free(&packet);
	kernel_close(&kernel);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
