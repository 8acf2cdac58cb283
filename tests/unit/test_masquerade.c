// SPDX-License-Identifier: GPL-2.0
/* The table of nftables, in a network namespace of its own. */
#include <sched.h>
#include <stdio.h>

#include "masquerade.h"
#include "nft.h"
#include "reading.h"

#define N1 NODE("n1", "192.168.1.11", "10.111.1.0/24, \"fd00:111:1::/64\"")
#define N2 NODE("n2", "192.168.1.12", "10.111.2.0/24, \"fd00:111:2::/64\"")
#define N3 NODE("n3", "192.168.2.13", "10.111.4.0/24")

#define CIDRS(cidrs) "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\n"		\
		     "metadata: {name: kubernetes}\nspec: {cidrs: [" cidrs "]}\n---\n"

static const char expected[] =
	"table inet dvpnet {\n"
	"\tcomment \"dvpnet: pods go out as this node; dvpnetctl keeps this table\"\n"
	"\tset pods4 {\n"
	"\t\ttype ipv4_addr\n"
	"\t\tflags interval\n"
	"\t\telements = { 10.111.1.0/24 }\n"
	"\t}\n"
	"\n"
	"\tset pods6 {\n"
	"\t\ttype ipv6_addr\n"
	"\t\tflags interval\n"
	"\t\telements = { fd00:111:1::/64 }\n"
	"\t}\n"
	"\n"
	"\tset inside4 {\n"
	"\t\ttype ipv4_addr\n"
	"\t\tflags interval\n"
	"\t\telements = { 10.111.1.0-10.111.2.255, 10.111.4.0/24,\n"
	"\t\t\t     192.168.1.11-192.168.1.12, 192.168.2.13 }\n"
	"\t}\n"
	"\n"
	"\tset inside6 {\n"
	"\t\ttype ipv6_addr\n"
	"\t\tflags interval\n"
	"\t\telements = { fd00:111:1::/64,\n"
	"\t\t\t     fd00:111:2::/64 }\n"
	"\t}\n"
	"\n"
	"\tchain outside {\n"
	"\t\tmeta l4proto tcp masquerade to :32768-65535\n"
	"\t\tmeta l4proto udp masquerade to :32768-65535\n"
	"\t\tmeta l4proto sctp masquerade to :32768-65535\n"
	"\t\tmasquerade\n"
	"\t}\n"
	"\n"
	"\tchain postrouting {\n"
	"\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
	"\t\toifname \"dvp0\" return\n"
	"\t\tip saddr @pods4 ip daddr != @inside4 goto outside\n"
	"\t\tip6 saddr @pods6 ip6 daddr != @inside6 goto outside\n"
	"\t}\n"
	"}\n";

static int enter_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET)) {
		print_message("# no network namespace of its own: needs root\n");
		return -1;
	}
	return 0;
}

/* What "nft COMMAND" prints. */
static char *nft(const char *command)
{
	static char text[16384];
	char *line = util_printf("nft %s", command);
	FILE *pipe = popen(line, "r");

	text[fread(text, 1, sizeof(text) - 1, pipe)] = '\0';
	assert_int_equal(pclose(pipe), 0);
	free(line);
	return text;
}

/* Returns how many changes that took. */
static size_t sync_with(const char *text, bool nft_masquerade)
{
	struct reading reading;
	struct report report = { 0 };
	size_t changes = 0;

	reading_build(&reading, text, "n1");
	assert_no_error(&reading);
	config_set(&reading.state.config, DVPNET_A_CONFIG_MASQUERADE, !nft_masquerade);
	if (masquerade_sync(&reading.state, &changes, &report))
		fail_msg("%s", report.errors.item[0]);
	report_free(&report);
	reading_free(&reading);
	return changes;
}

static void makes_the_table(void **state)
{
	(void)state;
	assert_int_equal(sync_with(N1 N2 N3, true), 1);
	assert_string_equal(nft("list ruleset"), expected);
}

static void changes_nothing_the_second_time(void **state)
{
	(void)state;
	assert_int_equal(sync_with(N1 N2 N3, true), 0);
	assert_int_equal(sync_with(N3 N2 N1, true), 0);
}

static void follows_nodes(void **state)
{
	(void)state;
	assert_int_equal(sync_with(N1 N2, true), 1);
	assert_int_equal(sync_with(N1 N2, true), 0);
	assert_int_equal(sync_with(N1 N2 N3, true), 1);
	assert_string_equal(nft("list ruleset"), expected);
}

/* Pods, virtual machines and Services of the whole cluster, wherever they are. */
static void counts_ranges_as_inside(void **state)
{
	(void)state;
	assert_int_equal(sync_with(CIDRS("10.222.0.0/16, \"fd00:222::/112\"") N1 N2 N3, true), 1);
	assert_non_null(strstr(nft("list set inet dvpnet inside4"), "10.222.0.0/16"));
	assert_non_null(strstr(nft("list set inet dvpnet inside6"), "fd00:222::/112"));
	assert_int_equal(sync_with(CIDRS("10.222.0.0/16, \"fd00:222::/112\"") N1 N2 N3, true), 0);
	assert_int_equal(sync_with(N1 N2 N3, true), 1);
}

static void mends_what_others_changed(void **state)
{
	static const char *const damages[] = {
		"add element inet dvpnet inside4 '{ 8.8.8.8 }'",
		"delete element inet dvpnet inside4 '{ 192.168.2.13 }'",
		"flush set inet dvpnet pods6",
		"flush chain inet dvpnet outside",
		"add rule inet dvpnet postrouting accept",
		"insert rule inet dvpnet postrouting oifname eth0 return",
		"add chain inet dvpnet more",
		"add set inet dvpnet more '{ type ipv4_addr; }'",
		"add chain inet dvpnet postrouting '{ policy drop; }'",
		"delete chain inet dvpnet postrouting",
		"delete table inet dvpnet",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(damages); i++) {
		nft(damages[i]);
		if (sync_with(N1 N2 N3, true) != 1)
			fail_msg("not mended: %s", damages[i]);
		assert_string_equal(nft("list ruleset"), expected);
	}
}

static void removes_its_table_alone(void **state)
{
	(void)state;
	nft("add table ip dvpnet");
	nft("add table inet other");
	assert_int_equal(sync_with(N1 N2 N3, false), 1);
	assert_string_equal(nft("list tables"), "table ip dvpnet\ntable inet other\n");
	assert_int_equal(sync_with(N1 N2 N3, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_the_table),
		cmocka_unit_test(changes_nothing_the_second_time),
		cmocka_unit_test(follows_nodes),
		cmocka_unit_test(counts_ranges_as_inside),
		cmocka_unit_test(mends_what_others_changed),
		cmocka_unit_test(removes_its_table_alone),
	};

	return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
