// SPDX-License-Identifier: GPL-2.0
/* Flows as text: what is written is read back, what is wrong is named. */
#include "print.h"
#include "reading.h"
#include "saved.h"

static struct flow make_flow(const char *client, const char *frontend, const char *backend,
			     uint32_t flags)
{
	struct flow flow = {
		.proto = IPPROTO_TCP, .client_port = 40000, .frontend_port = 80,
		.backend_port = 8080, .source_port = 40001, .flags = flags,
		.state = DVPNET_FLOW_STATE_ESTABLISHED, .expires = 7200,
	};

	assert_true(ip_parse(client, &flow.client) && ip_parse(frontend, &flow.frontend) &&
		    ip_parse(backend, &flow.backend));
	flow.source = flow.client;
	return flow;
}

static void reads_what_is_written(void **state)
{
	const struct flow flows[] = {
		make_flow("10.66.0.5", "10.222.0.1", "10.111.1.10", 0),
		make_flow("fd00:66::5", "fd00:222::1", "fd00:111::10",
			  DVPNET_FLOW_FLAGS_PORT_MOVED),
		make_flow("198.51.100.1", "10.66.0.5", "10.66.0.5", DVPNET_FLOW_FLAGS_DIRECT),
	};
	struct flow_list list = { 0 };
	struct report report = { 0 };
	json_t *array = json_array();
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(flows); i++)
		json_array_append_new(array, print_flow_json(&flows[i]));
	text = json_dumps(array, 0);
	if (!saved_read(text, strlen(text), &list, &report))
		fail_msg("%s", report.errors.item[0]);
	assert_int_equal(list.flows.count, ARRAY_SIZE(flows));
	for (i = 0; i < ARRAY_SIZE(flows); i++) {
		const struct flow *flow = &list.flows.item[i];

		assert_int_equal(flow->proto, flows[i].proto);
		assert_int_equal(ip_compare(&flow->client, &flows[i].client), 0);
		assert_int_equal(ip_compare(&flow->frontend, &flows[i].frontend), 0);
		assert_int_equal(ip_compare(&flow->backend, &flows[i].backend), 0);
		assert_int_equal(flow->client_port, 40000);
		assert_int_equal(flow->frontend_port, 80);
		assert_int_equal(flow->backend_port, 8080);
		assert_int_equal(flow->source_port, 40001);
		assert_int_equal(flow->state, flows[i].state);
		assert_int_equal(flow->flags, flows[i].flags);
		assert_int_equal(flow->expires, 7200);
	}
	flow_list_free(&list);
	free(text);
	json_decref(array);
}

static void knows_what_goes_along(void **state)
{
	struct flow flow = make_flow("10.66.0.5", "10.222.0.1", "10.111.1.10", 0);
	struct ip addr;

	(void)state;
	assert_true(ip_parse("10.66.0.5", &addr));
	assert_true(saved_is_of(&flow, &addr) && saved_can_move(&flow));
	flow.flags = DVPNET_FLOW_FLAGS_MASQUERADE;
	assert_true(saved_is_of(&flow, &addr) && !saved_can_move(&flow));
	flow.flags = DVPNET_FLOW_FLAGS_EGRESS;
	assert_false(saved_can_move(&flow));
	flow.flags = 0;
	flow.proto = IPPROTO_ICMP;
	assert_false(saved_can_move(&flow));
	/* Whoever talks to it through a Service is another node's business. */
	flow = make_flow("10.111.1.20", "10.222.0.1", "10.66.0.5", 0);
	assert_false(saved_is_of(&flow, &addr));
	flow = make_flow("198.51.100.1", "10.66.0.5", "10.66.0.5", DVPNET_FLOW_FLAGS_DIRECT);
	assert_true(saved_is_of(&flow, &addr));
}

static void writes_what_goes_along(void **state)
{
	struct flow_list list = { 0 };
	struct ip addr;
	json_t *array;
	size_t stay;

	(void)state;
	assert_true(ip_parse("10.66.0.5", &addr));
	*list_add(&list.flows) = make_flow("10.66.0.5", "10.222.0.1", "10.111.1.10", 0);
	*list_add(&list.flows) = make_flow("10.66.0.6", "10.222.0.1", "10.111.1.10", 0);
	*list_add(&list.flows) = make_flow("10.66.0.5", "10.222.0.1", "10.111.1.10",
					   DVPNET_FLOW_FLAGS_MASQUERADE);
	array = saved_write(&list, &addr, &stay);
	assert_int_equal(json_array_size(array), 1);
	assert_int_equal(stay, 1);
	json_decref(array);
	flow_list_free(&list);
}

static void assert_wrong(const char *text, const char *expected)
{
	struct flow_list list = { 0 };
	struct report report = { 0 };

	assert_false(saved_read(text, strlen(text), &list, &report));
	assert_string_equal(report.errors.item[0], expected);
	report_free(&report);
	flow_list_free(&list);
}

#define GOOD "\"protocol\": \"tcp\", \"client\": \"10.66.0.5\", \"client_port\": 1, "	\
	     "\"frontend\": \"10.222.0.1\", \"frontend_port\": 2, \"backend\": \"10.1.0.1\", "	\
	     "\"backend_port\": 3, \"source\": \"10.66.0.5\", \"source_port\": 4"

static void names_what_is_wrong(void **state)
{
	(void)state;
	assert_wrong("", "line 1: not JSON: '[' or '{' expected near end of file");
	assert_wrong("{}", "not a list of flows, as \"flow save\" prints it");
	assert_wrong("[{" GOOD ", \"state\": \"new\"}, 7]", "flow 2: must be a mapping, is 7");
	assert_wrong("[{" GOOD "}]",
		     "flow 1: state: must be new, established or closing, is missing");
	assert_wrong("[{" GOOD ", \"state\": \"odd\"}]",
		     "flow 1: state: must be new, established or closing, is \"odd\"");
	assert_wrong("[{" GOOD ", \"state\": \"new\", \"flags\": [\"x\"]}]",
		     "flow 1: flags[0]: must be masquerade, port-moved, egress or direct, is \"x\"");
	assert_wrong("[{" GOOD ", \"state\": \"new\", \"expires\": -1}]",
		     "flow 1: expires: must be a number from 0 to 4294967295, is -1");
	assert_wrong("[{" GOOD ", \"state\": \"new\", \"source_port\": 0}]",
		     "flow 1: source_port: must be a number from 1 to 65535, is 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_is_written),
		cmocka_unit_test(knows_what_goes_along),
		cmocka_unit_test(writes_what_goes_along),
		cmocka_unit_test(names_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
