// SPDX-License-Identifier: GPL-2.0
/* dvpnetctl node|prefix|service|flow|stats|config show: what the kernel has. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "print.h"

/**
 * typedef show_fn - shows objects
 * @kernel: where they are
 * @argv: words behind "show", NULL behind the last
 *
 * Return: the exit status.
 */
typedef int show_fn(struct kernel *kernel, char **argv);

/* "show" is the default; @set is NULL where nothing can be set. */
static int run(int argc, char **argv, const char *usage, show_fn *show, show_fn *set)
{
	show_fn *verb = show;
	struct kernel kernel;
	char **words;
	int status;

	if (!cmd_options(argc, argv, usage, &status))
		return status;
	words = argv + optind;
	if (set && words[0] && !strcmp(words[0], "set"))
		verb = set;
	else if (words[0] && strcmp(words[0], "show"))
		return cmd_error("%s: unknown command \"%s\": expected show%s", argv[0], words[0],
				 set ? " or set" : "");
	if (words[0])
		words++;
	if (cmd_connect(&kernel))
		return EXIT_FAILURE;
	status = verb(&kernel, words);
	kernel_close(&kernel);
	return status;
}

/* At most one word may stand behind "show". */
static bool has_excess(char **words)
{
	if (!words[0] || !words[1])
		return false;
	cmd_error("unknown word \"%s\"", words[1]);
	return true;
}

/* JSON is written as a whole, at the end. */
static void emit_all(json_t *collected)
{
	if (print_json)
		print_document(collected);
	else
		json_decref(collected);
}

/* ---- nodes ---- */

static int show_nodes(struct kernel *kernel, char **words)
{
	json_t *array;
	struct state state = { 0 };
	bool found = false;
	size_t i;
	int err;

	if (has_excess(words))
		return EXIT_FAILURE;
	err = kernel_get_nodes(kernel, &state);
	if (err)
		return cmd_kernel_error(kernel, err, "node show");
	array = json_array();
	state_sort(&state);
	for (i = 0; i < state.nodes.count; i++) {
		const struct node *node = &state.nodes.item[i];

		if (words[0] && strcmp(words[0], node->name))
			continue;
		found = true;
		if (print_json)
			json_array_append_new(array, print_node_json(node));
		else
			print_node(node);
	}
	emit_all(array);
	state_free(&state);
	return words[0] && !found ? cmd_error("no node \"%s\"", words[0]) : EXIT_SUCCESS;
}

/**
 * cmd_node - dvpnetctl node
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: the exit status.
 */
int cmd_node(int argc, char **argv)
{
	return run(argc, argv,
		   "Usage: dvpnetctl [-j] node show [NAME]\n"
		   "Nodes of the cluster: addresses on the underlay, how packets travel to them\n"
		   "now (via), and the longest packet that fits (mtu).\n",
		   show_nodes, NULL);
}

/* ---- prefixes ---- */

static int show_prefixes(struct kernel *kernel, char **words)
{
	json_t *array;
	struct state state = { 0 };
	size_t i;
	int err;

	if (words[0] && (strcmp(words[0], "node") || !words[1] || words[2]))
		return cmd_error("unknown word \"%s\": expected node NAME", words[0]);
	err = kernel_get_prefixes(kernel, &state);
	if (err)
		return cmd_kernel_error(kernel, err, "prefix show");
	array = json_array();
	state_sort(&state);
	for (i = 0; i < state.prefixes.count; i++) {
		const struct prefix *prefix = &state.prefixes.item[i];

		if (words[0] && util_strcmp_null(words[1], prefix->node))
			continue;
		if (print_json)
			json_array_append_new(array, print_prefix_json(prefix));
		else
			print_prefix(prefix);
	}
	emit_all(array);
	state_free(&state);
	return EXIT_SUCCESS;
}

/**
 * cmd_prefix - dvpnetctl prefix
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: the exit status.
 */
int cmd_prefix(int argc, char **argv)
{
	return run(argc, argv,
		   "Usage: dvpnetctl [-j] prefix show [node NAME]\n"
		   "Which addresses are behind which node; the longest prefix counts.\n",
		   show_prefixes, NULL);
}

/* ---- services ---- */

/* NAMESPACE/NAME stands for all its ports. */
static bool service_matches(const struct service *service, const char *name)
{
	size_t size = strlen(name);

	return !strncmp(service->name, name, size) &&
	       (!service->name[size] || service->name[size] == ':');
}

static int show_services(struct kernel *kernel, char **words)
{
	json_t *array;
	struct state state = { 0 };
	bool found = false;
	size_t i;
	int err;

	if (has_excess(words))
		return EXIT_FAILURE;
	err = kernel_get_services(kernel, &state);
	if (err)
		return cmd_kernel_error(kernel, err, "service show");
	array = json_array();
	state_sort(&state);
	for (i = 0; i < state.services.count; i++) {
		const struct service *service = &state.services.item[i];

		if (words[0] && !service_matches(service, words[0]))
			continue;
		found = true;
		if (print_json)
			json_array_append_new(array, print_service_json(service));
		else
			print_service(service);
	}
	emit_all(array);
	state_free(&state);
	return words[0] && !found ? cmd_error("no service \"%s\"", words[0]) : EXIT_SUCCESS;
}

/**
 * cmd_service - dvpnetctl service
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: the exit status.
 */
int cmd_service(int argc, char **argv)
{
	return run(argc, argv,
		   "Usage: dvpnetctl [-j] service show [NAMESPACE/NAME[:PORT]]\n"
		   "Services, a port and a family each: where clients connect, where they may come\n"
		   "from, how a backend is chosen, the lists and why they are as they are, and the\n"
		   "backends. A backend flagged cluster or local is in the list of that traffic\n"
		   "policy; one that is in neither gets no new connection.\n",
		   show_services, NULL);
}

/* ---- flows ---- */

static bool endpoint_matches(const struct ip *ip, uint16_t port, const struct ip *filter,
			     uint16_t filter_port)
{
	return (!filter->family || !ip_compare(ip, filter)) &&
	       (!filter_port || port == filter_port);
}

static bool flow_matches(const struct flow *flow, const struct flow *filter)
{
	return (!filter->proto || flow->proto == filter->proto) &&
	       endpoint_matches(&flow->client, flow->client_port, &filter->client,
				filter->client_port) &&
	       endpoint_matches(&flow->frontend, flow->frontend_port, &filter->frontend,
				filter->frontend_port) &&
	       endpoint_matches(&flow->backend, flow->backend_port, &filter->backend,
				filter->backend_port) &&
	       (!filter->service || !util_strcmp_null(flow->service, filter->service));
}

static int show_flows(struct kernel *kernel, char **words)
{
	struct flow_list list = { 0 };
	json_t *array;
	struct flow filter;
	size_t i;
	int err;

	if (!cmd_flow_filter(words, &filter))
		return EXIT_FAILURE;
	err = kernel_get_flows(kernel, &list);
	if (err)
		return cmd_kernel_error(kernel, err, "flow show");
	array = json_array();
	for (i = 0; i < list.flows.count; i++) {
		const struct flow *flow = &list.flows.item[i];

		if (!flow_matches(flow, &filter))
			continue;
		if (print_json)
			json_array_append_new(array, print_flow_json(flow));
		else
			print_flow(flow);
	}
	emit_all(array);
	flow_list_free(&list);
	return EXIT_SUCCESS;
}

/**
 * cmd_flow_show - dvpnetctl flow show
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: the exit status.
 */
int cmd_flow_show(int argc, char **argv)
{
	return run(argc, argv,
		   "Usage: dvpnetctl [-j] flow show [proto P] [client A[:PORT]]\n"
		   "           [frontend A[:PORT]] [backend A[:PORT]] [service NAME]\n"
		   "       dvpnetctl flow save --addr IP | dvpnetctl flow restore\n"
		   "Translated connections: client, frontend that it connected to, backend that\n"
		   "answers, and the source that the backend sees where that is not the client.\n"
		   "save and restore move those of an address to another node.\n",
		   show_flows, NULL);
}

/* ---- counters ---- */

static int show_counters(struct kernel *kernel, char **words)
{
	struct counter_list list = { 0 };
	json_t *array;
	size_t i;
	int err;

	if (words[0])
		return cmd_error("unknown word \"%s\"", words[0]);
	err = kernel_get_counters(kernel, &list);
	if (err)
		return cmd_kernel_error(kernel, err, "stats show");
	array = json_array();
	for (i = 0; i < list.counters.count; i++) {
		const struct counter *counter = &list.counters.item[i];

		if (print_json)
			json_array_append_new(array, print_counter_json(counter));
		else if (print_all || counter->value)
			print_counter(counter);
	}
	emit_all(array);
	counter_list_free(&list);
	return EXIT_SUCCESS;
}

/**
 * cmd_stats - dvpnetctl stats
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: the exit status.
 */
int cmd_stats(int argc, char **argv)
{
	return run(argc, argv,
		   "Usage: dvpnetctl [-j] stats show [-a]\n"
		   "Named counters, each drop has one; those that are zero only with -a.\n"
		   "JSON has them all.\n",
		   show_counters, NULL);
}

/* ---- settings ---- */

static int show_config(struct kernel *kernel, char **words)
{
	struct state state = { 0 };
	int err;

	if (words[0])
		return cmd_error("unknown word \"%s\"", words[0]);
	err = kernel_get_settings(kernel, &state);
	if (err)
		return cmd_kernel_error(kernel, err, "config show");
	state_sort(&state);
	origin_load(&state.origin, &state.config);
	if (print_json)
		print_document(print_settings_json(&state));
	else
		print_settings(&state);
	state_free(&state);
	return EXIT_SUCCESS;
}

static int refuse_value(const struct config_key *key, const char *text)
{
	if (key->attr == DVPNET_A_CONFIG_MODE)
		return cmd_error("%s: \"%s\" is not valid: must be vxlan, classic or auto",
				 key->name, text);
	return cmd_error("%s: \"%s\" is not valid: must be a number from 0 to %llu", key->name,
			 text, (1ULL << 8 * key->size) - 1);
}

static int set_config(struct kernel *kernel, char **words)
{
	struct config config = { 0 };
	int err;

	for (; words[0]; words += 2) {
		const struct config_key *key = config_key_find(words[0]);
		unsigned long number;
		uint32_t mode;

		if (!key || key->read_only)
			return cmd_error("no setting \"%s\"", words[0]);
		if (!words[1])
			return cmd_error("value missing behind \"%s\"", words[0]);
		if (key->attr == DVPNET_A_CONFIG_MODE && config_mode_parse(words[1], &mode))
			config_set(&config, key->attr, mode);
		else if (key->attr != DVPNET_A_CONFIG_MODE &&
			 cmd_number(words[1], 0, (1ULL << 8 * key->size) - 1, &number))
			config_set(&config, key->attr, number);
		else
			return refuse_value(key, words[1]);
	}
	if (!config.present)
		return cmd_error("config set: expected KEY VALUE...");
	err = kernel_set_config(kernel, &config);
	return err ? cmd_kernel_error(kernel, err, "config set") : EXIT_SUCCESS;
}

/**
 * cmd_config - dvpnetctl config
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: the exit status.
 */
int cmd_config(int argc, char **argv)
{
	return run(argc, argv,
		   "Usage: dvpnetctl [-j] config show\n"
		   "       dvpnetctl config set KEY VALUE [KEY VALUE]...\n"
		   "Settings of this node, what decided on the mode and the VXLAN port, what was\n"
		   "asked for and is ignored, and ranges of addresses of the cluster: those of\n"
		   "Services, and what else is inside. \"apply\" sets all of it anew, but for\n"
		   "max-flows and timeout-* (seconds), which are yours.\n",
		   show_config, set_config);
}
