// SPDX-License-Identifier: GPL-2.0
/* dvpnetctl get: what would happen to a packet. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "print.h"
#include "route.h"

static const char usage[] =
	"Usage: dvpnetctl [-j] get PROTO FROM[:PORT] to TO[:PORT]\n"
	"       dvpnetctl [-j] get proto PROTO from FROM [sport PORT] to TO [dport PORT]\n"
	"Explains what would happen to a packet that arrives at this node, or starts\n"
	"here, and why: Service and frontend, client, traffic policy and list, backend,\n"
	"source translation, node, mode, MTU.\n"
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

/* As the module sees it: addresses of this host, prefixes of this node, the rest. */
static enum explanation_client find_client(struct kernel *kernel, struct netlink *rtnl,
					   const struct explanation *packet)
{
	struct explanation back = { .proto = packet->proto, .dst = packet->src };
	static const struct ip any;
	enum explanation_client client = EXPLANATION_OUTSIDE;
	struct route_way way;

	if (!route_find_way(rtnl, &any, &packet->src, &way) && way.is_local)
		return EXPLANATION_HOST;
	back.src = packet->dst;
	if (kernel_explain(kernel, &back))
		client = EXPLANATION_UNKNOWN;
	else if (back.local)
		client = EXPLANATION_POD;
	explanation_free(&back);
	return client;
}

/* What route-get does not tell, but explains its answer. */
static int complete(struct kernel *kernel, struct explanation *packet)
{
	struct netlink rtnl;
	int err;

	/* The way back was decided when the connection began. */
	if (packet->target.family)
		return 0;
	if (packet->service) {
		err = kernel_get_service(kernel, packet->service, packet->dst.family,
					 &packet->object);
		/* It may have gone since. */
		if (err && err != -ENOENT)
			return err;
	}
	if (route_open(&rtnl))
		return 0;
	packet->client = find_client(kernel, &rtnl, packet);
	netlink_close(&rtnl);
	return 0;
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
	if (!err)
		err = complete(&kernel, &packet);
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
