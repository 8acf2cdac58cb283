// SPDX-License-Identifier: GPL-2.0
/* cni.c: how container runtimes connect pods. */
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cni.h"
#include "reading.h"

#define DUAL_NODE(name, ips, cidrs, annotations)					\
	"apiVersion: v1\nkind: Node\nmetadata: {name: " name ", annotations: {" annotations "}}\n" \
	"spec: {podCIDRs: [" cidrs "]}\n"						\
	"status: {addresses: [" ips "]}\n---\n"
#define INTERNAL(ip) "{type: InternalIP, address: \"" ip "\"}"
#define DUAL(n, annotations)								\
	DUAL_NODE("n" n, INTERNAL("192.168.1." n) ", " INTERNAL("fd00:1::" n),		\
		  "10.1." n ".0/24, \"fd00:2:0:" n "::/64\"", annotations)
#define SIX(n)										\
	DUAL_NODE("n" n, INTERNAL("fd00:1::" n), "\"fd00:2:0:" n "::/64\"", "")

static json_t *wanted(const char *text, uint32_t mtu)
{
	struct reading reading = { 0 };
	json_t *json;
	char *cni;

	reading_parse(&reading, text);
	cni = cni_text(&reading.objects.nodes.item[0], mtu);
	json = cni ? json_loads(cni, 0, NULL) : NULL;
	assert_true(!cni || json);
	free(cni);
	reading_free(&reading);
	return json;
}

static void dual_stack(void **state)
{
	json_t *want = json_loads(
		"{\"cniVersion\": \"1.0.0\", \"name\": \"dvpnet\", \"plugins\": ["
		"{\"type\": \"ptp\", \"ipMasq\": false, \"mtu\": 1450, \"ipam\": "
		"{\"type\": \"host-local\", \"dataDir\": \"/run/dvpnet/addresses\", "
		"\"ranges\": [[{\"subnet\": \"10.1.1.0/24\"}], [{\"subnet\": \"fd00:2:0:1::/64\"}]], "
		"\"routes\": [{\"dst\": \"0.0.0.0/0\"}, {\"dst\": \"::/0\"}]}}, "
		"{\"type\": \"portmap\", \"snat\": true, \"capabilities\": "
		"{\"portMappings\": true}}]}", 0, NULL);
	json_t *got = wanted(DUAL("1", ""), 1450);

	(void)state;
	assert_non_null(want);
	assert_true(json_equal(got, want));
	json_decref(got);
	json_decref(want);
}

static void one_family(void **state)
{
	json_t *got = wanted(SIX("1"), 0), *ptp = json_array_get(json_object_get(got, "plugins"), 0);
	json_t *routes = json_object_get(json_object_get(ptp, "ipam"), "routes");

	(void)state;
	assert_null(json_object_get(ptp, "mtu"));
	assert_int_equal(json_array_size(routes), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(routes, 0), "dst")),
			    "::/0");
	json_decref(got);
}

static void no_pods(void **state)
{
	(void)state;
	assert_null(wanted(DUAL_NODE("n1", INTERNAL("192.168.1.1"), "", ""), 1500));
}

/* The MTU of n1, whose IPv4 address is on a device of 1500 and its IPv6 address on one of 1400. */
static uint32_t mtu_of(const char *text, uint32_t mode)
{
	struct desired_options options = { .node = "n1" };
	struct link_address address[2] = { { .ifindex = 2 }, { .ifindex = 3 } };
	struct link_addresses addresses = { .list = { address, 2, 2 } };
	struct link link[2] = { { .ifindex = 3, .mtu = 1400 }, { .ifindex = 2, .mtu = 1500 } };
	struct links links = { .list = { link, 2, 2 } };
	struct reading reading = { 0 };
	uint32_t mtu;

	ip_parse("192.168.1.1", &address[0].ip);
	ip_parse("fd00:1::1", &address[1].ip);
	config_set(&options.config, DVPNET_A_CONFIG_MODE, mode);
	reading_parse(&reading, text);
	assert_true(desired_build(&reading.objects, &options, &reading.state,
				  &reading.objects.report));
	mtu = cni_mtu(&reading.state, &links, &addresses);
	reading_free(&reading);
	return mtu;
}

static void mtu_of_the_narrowest_way(void **state)
{
	(void)state;
	assert_int_equal(mtu_of(DUAL("1", "") DUAL("2", ""), DVPNET_MODE_CLASSIC), 1500);
	assert_int_equal(mtu_of(DUAL("1", "") DUAL("2", ""), DVPNET_MODE_VXLAN), 1450);
	assert_int_equal(mtu_of(DUAL("1", "") DUAL("2", ""), DVPNET_MODE_AUTO), 1450);
	assert_int_equal(mtu_of(DUAL("1", "") DUAL("2", "") SIX("3"), DVPNET_MODE_CLASSIC), 1400);
	assert_int_equal(mtu_of(DUAL("1", "") DUAL("2", "") SIX("3"), DVPNET_MODE_VXLAN), 1330);
	assert_int_equal(mtu_of(SIX("1") SIX("3"), DVPNET_MODE_CLASSIC), 1400);
	assert_int_equal(mtu_of(DUAL("1", "") DUAL("2", "dvpnet.io/mode: vxlan"),
				DVPNET_MODE_CLASSIC), 1450);
	/* alone */
	assert_int_equal(mtu_of(DUAL("1", ""), DVPNET_MODE_VXLAN), 1450);
	assert_int_equal(mtu_of(DUAL("1", ""), DVPNET_MODE_CLASSIC), 1500);
}

static void mtu_not_known(void **state)
{
	(void)state;
	assert_int_equal(mtu_of(DUAL_NODE("n1", INTERNAL("192.168.7.7"), "10.1.1.0/24", ""),
				DVPNET_MODE_VXLAN), 0);
}

static void file_is_replaced_whole(void **state)
{
	char base[] = "/tmp/dvpnet-cni-XXXXXX", *dir, *path, *other;
	struct report report = { 0 };
	struct stat before, after;
	size_t changes = 0;

	(void)state;
	assert_non_null(mkdtemp(base));
	dir = util_printf("%s/etc/net.d", base);
	path = cni_path(dir);
	assert_true(cni_write(dir, "one\n", &changes, &report));
	assert_int_equal(changes, 1);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(before.st_mode & 0777, 0644);
	assert_int_equal(before.st_size, 4);
	assert_true(cni_write(dir, "one\n", &changes, &report));
	assert_int_equal(changes, 1);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_true(cni_write(dir, "two two\n", &changes, &report));
	assert_int_equal(changes, 2);
	assert_int_equal(stat(path, &after), 0);
	assert_int_not_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_size, 8);
	other = util_printf("%s/." CNI_CONF_NAME ".new", dir);
	assert_int_not_equal(access(other, F_OK), 0);

	changes = 0;
	assert_true(cni_remove(dir, &changes, &report));
	assert_int_equal(changes, 1);
	assert_true(cni_remove(dir, &changes, &report));
	assert_int_equal(changes, 1);
	assert_int_equal(report.warnings.count + report.errors.count, 0);
	rmdir(dir);
	free(other);
	free(path);
	free(dir);
	dir = util_printf("%s/etc", base);
	rmdir(dir);
	rmdir(base);
	free(dir);
}

static void file_that_cannot_be(void **state)
{
	struct report report = { 0 };
	size_t changes = 0;

	(void)state;
	assert_false(cni_write("/proc/none", "one\n", &changes, &report));
	assert_int_equal(report.warnings.count, 1);
	assert_non_null(strstr(report.warnings.item[0],
			       "/proc/none/" CNI_CONF_NAME ": cannot be written: No such file"));
	report_free(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dual_stack),
		cmocka_unit_test(one_family),
		cmocka_unit_test(no_pods),
		cmocka_unit_test(mtu_of_the_narrowest_way),
		cmocka_unit_test(mtu_not_known),
		cmocka_unit_test(file_is_replaced_whole),
		cmocka_unit_test(file_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
