// SPDX-License-Identifier: GPL-2.0
/* What is in the way: real rules and devices, in a network namespace of its own. */
#include <net/if.h>
#include <sched.h>
#include <stdio.h>

#include "conflicts.h"
#include "reading.h"
#include "route.h"

#define N1 NODE("n1", "192.168.1.11", "10.111.1.0/24, \"fd00:111:1::/64\"")
#define N2 NODE("n2", "192.168.1.12", "10.111.2.0/24, \"fd00:111:2::/64\"")

static struct netlink rtnl;

/* A command of the shell, which has to succeed. */
static void run(const char *command)
{
	if (system(command))
		fail_msg("failed: %s", command);
}

static int enter_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET)) {
		print_message("# no network namespace of its own: needs root\n");
		return -1;
	}
	if (system("ip link set lo up && ip link add dvp0 type bridge && ip link add veth1 type bridge "
		   "&& ip link add eth0 type bridge && ip link set dvp0 up && ip link set veth1 "
		   "up && ip link set eth0 up && ip route add 10.111.1.7 dev veth1 && ip route "
		   "add 10.111.2.0/24 dev dvp0 && echo 1 >/proc/sys/net/ipv4/ip_forward && echo "
		   "1 >/proc/sys/net/ipv6/conf/all/forwarding"))
		return -1;
	return route_open(&rtnl);
}

/* The only warning, "" if there is none; valid up to the next call. */
static const char *warning(void)
{
	static struct report report;
	struct reading reading;

	report_free(&report);
	memset(&report, 0, sizeof(report));
	reading_build(&reading, N1 N2, "n1");
	assert_no_error(&reading);
	conflicts_check(&rtnl, if_nametoindex("dvp0"), &reading.state, &report);
	reading_free(&reading);
	if (report.warnings.count > 1)
		fail_msg("more than one: %s", report.warnings.item[1]);
	return report.warnings.count ? report.warnings.item[0] : "";
}

static void assert_begins(const char *text, const char *expected)
{
	if (strncmp(text, expected, strlen(expected)))
		fail_msg("\"%s\" does not begin with \"%s\"", text, expected);
}

static void says_nothing_without_reason(void **state)
{
	(void)state;
	assert_string_equal(warning(), "");
	run("nft -f - <<'END'\n"
	    "table inet firewall {\n"
	    "	chain input { type filter hook input priority 0; policy drop; }\n"
	    "	chain forward { type filter hook forward priority 0; policy drop;\n"
	    "		ct state invalid drop\n"
	    "		ct state established,related accept\n"
	    "		iifname { \"veth*\", \"dvp0\" } accept\n"
	    "	}\n"
	    "}\n"
	    "table ip nat { chain POSTROUTING { type nat hook postrouting priority 100; }\n}\n"
	    "table bridge b { chain f { type filter hook forward priority 0; policy drop; }\n}\n"
	    "END");
	assert_string_equal(warning(), "");
	run("nft flush ruleset");
}

static void finds_forwarding_off(void **state)
{
	(void)state;
	run("echo 0 >/proc/sys/net/ipv4/ip_forward");
	assert_begins(warning(), "sysctl net.ipv4.ip_forward is 0: the host forwards nothing, so pods "
				 "(10.111.1.0/24) reach nothing beyond it");
	run("echo 1 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/conf/dvp0/forwarding");
	assert_begins(warning(), "sysctl net.ipv4.conf.dvp0.forwarding is 0:");
	run("echo 1 >/proc/sys/net/ipv4/conf/dvp0/forwarding; "
	    "echo 0 >/proc/sys/net/ipv6/conf/all/forwarding");
	assert_begins(warning(), "sysctl net.ipv6.conf.all.forwarding is 0:");
	run("echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
}

static void finds_kube_proxy(void **state)
{
	(void)state;
	run("nft -f - <<'END'\n"
	    "table ip6 kube-proxy { chain services { }\n chain nat-prerouting { jump services\n }\n}\n"
	    "END");
	assert_begins(warning(), "nftables table ip6 kube-proxy: kube-proxy runs, or left it:");
	run("nft flush ruleset; nft add table ip nat; nft add chain ip nat KUBE-SERVICES");
	assert_begins(warning(), "iptables chain KUBE-SERVICES in table nat: kube-proxy runs");
	run("nft flush ruleset; ip link add kube-ipvs0 type bridge");
	assert_begins(warning(), "device kube-ipvs0, as of kube-proxy:");
	run("ip link del kube-ipvs0");
}

static void finds_kube_proxy_of_legacy_iptables(void **state)
{
	(void)state;
	/* Not every kernel has it. */
	if (system("iptables-legacy -t nat -N KUBE-SERVICES 2>/dev/null"))
		return;
	assert_begins(warning(), "iptables-legacy chain KUBE-SERVICES in table nat: kube-proxy runs");
	run("iptables-legacy -t nat -X KUBE-SERVICES; iptables-legacy -t nat -N KUBE-SERVICES-NOT");
	assert_string_equal(warning(), "");
	run("iptables-legacy -t nat -X KUBE-SERVICES-NOT");
	if (system("ip6tables-legacy -t nat -N KUBE-SERVICES 2>/dev/null"))
		return;
	assert_begins(warning(), "ip6tables-legacy chain KUBE-SERVICES in table nat:");
	run("ip6tables-legacy -t nat -X KUBE-SERVICES");
}

static void finds_cilium(void **state)
{
	(void)state;
	run("ip link add cilium_net type bridge; ip link add cilium_host type bridge");
	assert_begins(warning(), "device cilium_host: Cilium runs, or left it:");
	run("ip link del cilium_host; ip link del cilium_net");
}

static void finds_flowtables(void **state)
{
	(void)state;
	/* Not every kernel has them. */
	if (system("nft add table inet t && nft add flowtable inet t f "
		   "'{ hook ingress priority 0; devices = { eth0 }; }' 2>/dev/null")) {
		run("nft flush ruleset");
		return;
	}
	assert_string_equal(warning(), "");
	run("nft delete flowtable inet t f; nft add flowtable inet t f "
	    "'{ hook ingress priority 0; devices = { eth0, veth1, dvp0 }; }'");
	assert_begins(warning(), "nftables flowtable inet t f takes packets from ");
	assert_non_null(strstr(warning(), "veth1"));
	assert_non_null(strstr(warning(), "dvp0"));
	run("nft flush ruleset");
}

/* As Docker sets it up. */
static void finds_firewalls(void **state)
{
	(void)state;
	run("nft -f - <<'END'\n"
	    "table ip filter {\n"
	    "	chain DOCKER-USER { counter return\n }\n"
	    "	chain DOCKER { }\n"
	    "	chain FORWARD { type filter hook forward priority 0; policy drop;\n"
	    "		counter jump DOCKER-USER\n"
	    "		oifname \"docker0\" ct state established,related accept\n"
	    "		oifname \"docker0\" jump DOCKER\n"
	    "		iifname \"docker0\" oifname != \"docker0\" accept\n"
	    "	}\n"
	    "}\n"
	    "END");
	assert_string_equal(warning(),
			    "nftables chain ip filter FORWARD (policy drop) drops what goes from "
			    "pods here to others (from veth1 to dvp0): no rule accepts it; let pods "
			    "pass: nft insert rule ip filter FORWARD iifname dvp0 accept, and the "
			    "same with oifname dvp0, ip saddr 10.111.1.0/24, and ip daddr "
			    "10.111.1.0/24");
	run("nft insert rule ip filter FORWARD ip saddr 10.111.1.0/24 accept");
	assert_begins(warning(), "nftables chain ip filter FORWARD (policy drop) drops what goes "
				 "from other nodes to pods (from dvp0 to veth1):");
	run("nft insert rule ip filter FORWARD ip daddr 10.111.1.0/24 accept");
	assert_string_equal(warning(), "");
	run("nft flush ruleset");
}

static void counts_virtual_servers(void **state)
{
	static char text[] = "IP Virtual Server version 1.2.1 (size=4096)\n"
			     "Prot LocalAddress:Port Scheduler Flags\n"
			     "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
			     "TCP  0ADE0001:01BB rr  \n"
			     "  -> C0A8010B:192B      Masq    1      0          0         \n"
			     "UDP  [fd00:0222:0000:0000:0000:0000:0000:000a]:0035 rr  \n";
	FILE *file = fmemopen(text, strlen(text), "r");

	(void)state;
	assert_int_equal(conflicts_count_ipvs(file), 2);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_nothing_without_reason),
		cmocka_unit_test(finds_forwarding_off),
		cmocka_unit_test(finds_kube_proxy),
		cmocka_unit_test(finds_cilium),
		cmocka_unit_test(finds_kube_proxy_of_legacy_iptables),
		cmocka_unit_test(finds_flowtables),
		cmocka_unit_test(finds_firewalls),
		cmocka_unit_test(counts_virtual_servers),
	};

	return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
