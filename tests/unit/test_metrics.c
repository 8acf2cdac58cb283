// SPDX-License-Identifier: GPL-2.0
/* metrics.c and telemetry.c: what Prometheus reads. */
#include "reading.h"
#include "serving.h"

static char *text;
static size_t size;

static FILE *begin(void)
{
	free(text);
	text = NULL;
	return open_memstream(&text, &size);
}

static void expect(const char *line)
{
	if (!strstr(text, line))
		fail_msg("\"%s\" is not in:\n%s", line, text);
}

static void escapes(void **state)
{
	FILE *to = begin();

	(void)state;
	metrics_head(to, "a_total", "counter", "back\\slash\nand \"quotes\"");
	metrics_labelled(to, "a_total", "of", "a\"b\\c\n", 12345678901.0);
	metrics_value(to, "b", 0.25);
	fclose(to);
	assert_string_equal(text, "# HELP a_total back\\\\slash\\nand \"quotes\"\n"
			    "# TYPE a_total counter\na_total{of=\"a\\\"b\\\\c\\n\"} 12345678901\n"
			    "b 0.25\n");
}

static void histograms_add_up(void **state)
{
	static const double bounds[] = { 0.5, 1, 60 };
	struct histogram histogram = { bounds, 3 };
	FILE *to;

	(void)state;
	to = begin();
	metrics_histogram(to, "t", "none", &histogram);
	fclose(to);
	expect("t_bucket{le=\"+Inf\"} 0\nt_sum 0\nt_count 0\n");
	histogram_add(&histogram, 0.5);
	histogram_add(&histogram, 0.75);
	histogram_add(&histogram, 0.75);
	histogram_add(&histogram, 61);
	to = begin();
	metrics_histogram(to, "t", "some", &histogram);
	fclose(to);
	assert_string_equal(text, "# HELP t some\n# TYPE t histogram\nt_bucket{le=\"0.5\"} 1\n"
			    "t_bucket{le=\"1\"} 3\nt_bucket{le=\"60\"} 3\n"
			    "t_bucket{le=\"+Inf\"} 4\nt_sum 63\nt_count 4\n");
	histogram_free(&histogram);
}

static void telemetry_text(struct telemetry *telemetry, struct reconcile *reconcile)
{
	FILE *to = begin();

	telemetry_write(to, telemetry, reconcile);
	fclose(to);
}

static void slice_changed(struct telemetry *telemetry, const char *when, bool is_change)
{
	json_t *slice = json_pack("{s:{s:{s:s}}}", "metadata", "annotations",
				  "endpoints.kubernetes.io/last-change-trigger-time", when);

	telemetry_object(telemetry, "EndpointSlice", slice, is_change);
	json_decref(slice);
}

static void counts_syncs(void **state)
{
	struct reconcile reconcile = { 0 };
	struct telemetry telemetry;

	(void)state;
	telemetry_init(&telemetry);
	telemetry.started = 1700000000;
	telemetry_object(&telemetry, "Service", NULL, true);
	telemetry_object(&telemetry, "Node", NULL, true);
	/* before our time, from a list, and not a time at all */
	slice_changed(&telemetry, "2023-11-14T22:13:19Z", true);
	slice_changed(&telemetry, "2023-11-14T22:13:21Z", false);
	slice_changed(&telemetry, "yesterday", true);
	assert_int_equal(telemetry.triggers.count, 0);
	slice_changed(&telemetry, "2023-11-14T22:13:21.5Z", true);
	assert_int_equal(telemetry.triggers.count, 1);
	assert_true(telemetry.triggers.item[0] == 1700000001.5);
	telemetry_text(&telemetry, &reconcile);
	expect("\nkubeproxy_sync_proxy_rules_endpoint_changes_pending 4\n");
	expect("\nkubeproxy_sync_proxy_rules_service_changes_pending 1\n");
	telemetry_sync(&telemetry, false, true, 0.003);
	assert_int_equal(telemetry.triggers.count, 1);
	telemetry_sync(&telemetry, true, true, 0.003);
	telemetry_sync(&telemetry, true, false, 0.0005);
	telemetry_text(&telemetry, &reconcile);
	expect("\nkubeproxy_sync_proxy_rules_endpoint_changes_pending 0\n");
	expect("\nkubeproxy_sync_proxy_rules_endpoint_changes_total 4\n");
	expect("\nkubeproxy_sync_proxy_rules_service_changes_total 1\n");
	expect("\nkubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"0.001\"} 1\n");
	expect("\nkubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"0.004\"} 3\n");
	expect("\nkubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"16.384\"} 3\n");
	expect("\nkubeproxy_sync_full_proxy_rules_duration_seconds_count 2\n");
	expect("\nkubeproxy_sync_partial_proxy_rules_duration_seconds_count 1\n");
	expect("\nkubeproxy_network_programming_duration_seconds_count 1\n");
	expect("\ndvpnet_sync_failures_total 1\n");
	expect("\ndvpnet_module_up 0\n");
	telemetry_free(&telemetry);
}

static void counts_probes(void **state)
{
	struct reconcile reconcile = { 0 };
	struct telemetry telemetry;

	(void)state;
	telemetry_init(&telemetry);
	telemetry_probe(&telemetry, PROBE_HEALTHZ, 503);
	telemetry_probe(&telemetry, PROBE_LIVEZ, 200);
	telemetry_text(&telemetry, &reconcile);
	expect("kubeproxy_proxy_healthz_total{code=\"200\"} 0\n"
	       "kubeproxy_proxy_healthz_total{code=\"503\"} 1\n");
	expect("kubeproxy_proxy_livez_total{code=\"200\"} 1\n"
	       "kubeproxy_proxy_livez_total{code=\"503\"} 0\n");
	telemetry_free(&telemetry);
}

static void kernel_by_name(void **state)
{
	struct counter counters[] = {
		{ "tx_vxlan", "packets sent in VXLAN", 12 },
		{ "rx_spoofed", "dropped: inner source is not a prefix of the node", 3 },
		{ "service_rejected", "refused with ICMP: nobody serves", 4 },
	};
	struct counter_list list = { .counters = { counters, 3, 3 } };
	struct config config = { 0 };
	FILE *to = begin();

	(void)state;
	config_set(&config, DVPNET_A_CONFIG_FLOWS, 7);
	config_set(&config, DVPNET_A_CONFIG_GENERATION, 9);
	telemetry_write_kernel(to, &config, &list);
	fclose(to);
	expect("# TYPE dvpnet_flows gauge\ndvpnet_flows 7\n");
	expect("\ndvpnet_generation 9\n");
	expect("\ndvpnet_dropped_packets_total{reason=\"rx_spoofed\"} 3\n"
	       "dvpnet_dropped_packets_total{reason=\"service_rejected\"} 4\n");
	expect("# HELP dvpnet_tx_vxlan_total packets sent in VXLAN\n"
	       "# TYPE dvpnet_tx_vxlan_total counter\ndvpnet_tx_vxlan_total 12\n");
	assert_null(strstr(text, "dvpnet_rx_spoofed_total"));
}

static void expect_address(const char *from, const char *to, uint16_t port)
{
	struct serving_address address;
	char addr[IP_TEXT_MAX];

	assert_true(serving_parse(from, 1234, &address));
	assert_true(address.is_on);
	assert_int_equal(address.port, port);
	assert_string_equal(address.addr.family ? ip_text(&address.addr, addr) : "all", to);
}

static void addresses(void **state)
{
	struct serving_address address;

	(void)state;
	expect_address("127.0.0.1", "127.0.0.1", 1234);
	expect_address("127.0.0.1:99", "127.0.0.1", 99);
	expect_address("[fd00::1]:99", "fd00::1", 99);
	expect_address("0.0.0.0:99", "all", 99);
	expect_address("::", "all", 1234);
	expect_address("[::]:99", "all", 99);
	assert_true(serving_parse("", 1234, &address));
	assert_false(address.is_on);
	assert_false(serving_parse("localhost:99", 1234, &address));
	assert_false(serving_parse("127.0.0.1:70000", 1234, &address));
}

static int end(void **state)
{
	(void)state;
	free(text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(histograms_add_up),
		cmocka_unit_test(counts_syncs),
		cmocka_unit_test(counts_probes),
		cmocka_unit_test(kernel_by_name),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
