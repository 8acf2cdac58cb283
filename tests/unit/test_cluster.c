// SPDX-License-Identifier: GPL-2.0
/* The captured cluster, as a real API server printed it. */
#include "reading.h"
#include "source_files.h"

static struct source_files files;
static struct reading cluster;

static int read_cluster(void **state)
{
	const struct desired_options options = { .node = "n1" };

	(void)state;
	source_files_read(&files, CLUSTER, objects_read, &cluster.objects,
			  &cluster.objects.report);
	objects_complete(&cluster.objects);
	desired_build(&cluster.objects, &options, &cluster.state, &cluster.objects.report);
	return 0;
}

static int free_cluster(void **state)
{
	(void)state;
	reading_free(&cluster);
	source_files_free(&files);
	return 0;
}

static void is_read_without_complaint(void **state)
{
	(void)state;
	assert_no_error(&cluster);
	assert_int_equal(cluster.objects.report.warnings.count, 0);
}

static void has_three_nodes(void **state)
{
	const struct node *node = cluster.state.nodes.item;
	char text[IP_TEXT_MAX];

	(void)state;
	assert_int_equal(cluster.state.nodes.count, 3);
	assert_true(node[0].local);
	assert_string_equal(node[2].name, "n3");
	assert_string_equal(ip_text(&node[2].underlay[V4], text), "192.168.2.13");
	assert_string_equal(ip_text(&node[2].underlay[V6], text), "fd00:2::13");
	assert_int_equal(cluster.state.prefixes.count, 6);
}

static void is_in_vxlan_mode(void **state)
{
	static const uint8_t zero[16];

	(void)state;
	assert_int_equal(cluster.state.config.value[DVPNET_A_CONFIG_MODE], DVPNET_MODE_VXLAN);
	assert_memory_not_equal(cluster.state.config.secret, zero, sizeof(zero));
}

static void serves_pods_of_all_nodes(void **state)
{
	(void)state;
	assert_string_equal(backends_text(find_service(&cluster, "demo/web:http", AF_INET)),
			    "10.111.1.10:8080 CLNR, 10.111.2.10:8080 CR, 10.111.2.11:8080 CR, "
			    "10.111.3.10:8080 CR");
	assert_string_equal(backends_text(find_service(&cluster, "demo/web:http", AF_INET6)),
			    "[fd00:111:0:1::10]:8080 CLNR, [fd00:111:0:2::10]:8080 CR, "
			    "[fd00:111:0:2::11]:8080 CR, [fd00:111:0:3::10]:8080 CR");
	assert_string_equal(frontends_text(find_service(&cluster, "demo/web-nodeport:http", AF_INET)),
			    "0 10.222.0.11:80, 1 *:30080");
	assert_string_equal(backends_text(find_service(&cluster, "demo/dns:dns", AF_INET)),
			    "10.111.1.30:5353 CLNR, 10.111.3.30:5353 CR");
}

static void serves_what_is_no_pod(void **state)
{
	(void)state;
	assert_string_equal(backends_text(find_service(&cluster, "demo/db", AF_INET)),
			    "192.168.1.100:5432 CR");
	assert_string_equal(backends_text(find_service(&cluster, "demo/nobody:http", AF_INET)), "");
	assert_string_equal(backends_text(find_service(&cluster, "default/kubernetes:https",
						       AF_INET)),
			    "192.168.1.10:6443 CR");
}

static void leaves_headless_and_external_names_out(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < cluster.state.services.count; i++) {
		assert_null(strstr(cluster.state.services.item[i].name, "headless"));
		assert_null(strstr(cluster.state.services.item[i].name, "demo/ext"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_read_without_complaint),
		cmocka_unit_test(has_three_nodes),
		cmocka_unit_test(is_in_vxlan_mode),
		cmocka_unit_test(serves_pods_of_all_nodes),
		cmocka_unit_test(serves_what_is_no_pod),
		cmocka_unit_test(leaves_headless_and_external_names_out),
	};

	return cmocka_run_group_tests(tests, read_cluster, free_cluster);
}
