// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses and routes, in a network namespace of its own. A bridge stands in
 * for the device: what is tested does not depend on its kind.
 */
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include "link.h"
#include "precheck.h"
#include "reading.h"
#include "route.h"

#define N1 NODE("n1", "192.168.1.11", "10.111.1.0/24, \"fd00:111:1::/64\"")
#define N2 NODE("n2", "192.168.1.12", "10.111.2.0/24, \"fd00:111:2::/64\"")
#define N3 NODE("n3", "192.168.2.13", "10.111.3.0/24")

static struct netlink netlink_socket;
static uint32_t ifindex;

static int enter_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		print_message("# no network namespace of its own: needs root\n");
		return -1;
	}
	if (system("ip link add dvp0 type bridge && ip link add eth0 type bridge && "
		   "ip link set eth0 up && ip address add 192.168.1.11/24 dev eth0 && "
		   "ip route add 192.168.2.0/24 via 192.168.1.1"))
		return -1;
	ifindex = if_nametoindex("dvp0");
	return route_open(&netlink_socket);
}

static int leave_namespace(void **state)
{
	(void)state;
	netlink_close(&netlink_socket);
	return 0;
}

/* What a command prints, blanks at line ends dropped. */
static char *output_of(const char *command)
{
	static char text[4096];
	FILE *pipe = popen(command, "r");
	char line[256];

	*text = '\0';
	while (fgets(line, sizeof(line), pipe)) {
		size_t size = strcspn(line, "\n");

		while (size && line[size - 1] == ' ')
			size--;
		strncat(text, line, size);
		strcat(text, "\n");
	}
	pclose(pipe);
	return text;
}

static void assert_output(const char *command, const char *expected)
{
	assert_string_equal(output_of(command), expected);
}

/* Returns how many changes that took. */
static size_t sync_with(const char *text)
{
	struct reading reading;
	size_t changes = 0;

	reading_build(&reading, text, "n1");
	assert_no_error(&reading);
	if (link_set_up(&netlink_socket, ifindex, &changes) ||
	    route_sync(&netlink_socket, ifindex, &reading.state, &changes))
		fail_msg("%s", netlink_socket.error);
	reading_free(&reading);
	return changes;
}

static void adds_addresses_and_routes(void **state)
{
	(void)state;
	/* The device up, 2 addresses, 3 routes to pods, 2 to nodes, 2 rules. */
	assert_int_equal(sync_with(N1 N2 N3), 1 + 2 + 3 + 2 + 2);
	assert_output("ip -4 -o address show dev dvp0 | sed 's/.*inet/inet/; s/\\\\.*//'",
		      "inet 10.111.1.0/32 scope global noprefixroute dvp0\n");
	assert_output("ip -6 -o address show dev dvp0 scope global | "
		      "sed 's/.*inet/inet/; s/\\\\.*//'",
		      "inet6 fd00:111:1::/128 scope global nodad noprefixroute\n");
	assert_output("ip route show proto 113 dev dvp0 | sed 's/ linkdown//'",
		      "10.111.2.0/24 scope link src 10.111.1.0\n"
		      "10.111.3.0/24 scope link src 10.111.1.0\n");
	assert_output("ip -6 route show proto 113 dev dvp0 | sed 's/ linkdown//'",
		      "fd00:111:2::/64 src fd00:111:1:: metric 1024 pref medium\n");
	/* Pods, and nobody else, reach other nodes through the device. */
	assert_output("ip route show table 113 | sed 's/ linkdown//'",
		      "192.168.1.12 dev dvp0 proto 113 scope link\n"
		      "192.168.2.13 dev dvp0 proto 113 scope link\n");
	assert_output("ip rule show table 113",
		      "1130:\tfrom 10.111.1.0/24 lookup 113 proto 113\n");
	assert_output("ip -6 rule show table 113",
		      "1130:\tfrom fd00:111:1::/64 lookup 113 proto 113\n");
}

static void changes_nothing_the_second_time(void **state)
{
	(void)state;
	assert_int_equal(sync_with(N1 N2 N3), 0);
}

static void mends_what_others_changed(void **state)
{
	(void)state;
	assert_int_equal(system("ip route del 10.111.2.0/24 dev dvp0 && "
				"ip address add 10.9.9.9/32 dev dvp0 && ip link set dvp0 down"), 0);
	/* Down, the device lost its routes and IPv6 addresses; the one too many goes. */
	assert_int_equal(sync_with(N1 N2 N3), 1 + 1 + 3 + 2 + 1);
	assert_int_equal(sync_with(N1 N2 N3), 0);
}

static void leaves_other_peoples_routes_alone(void **state)
{
	(void)state;
	assert_int_equal(system("ip route add 10.77.0.0/16 dev dvp0 proto static"), 0);
	assert_int_equal(sync_with(N1 N2 N3), 0);
	assert_output("ip route show proto static dev dvp0 | sed 's/ linkdown//'",
		      "10.77.0.0/16 scope link\n");
}

static void removes_what_is_stale(void **state)
{
	(void)state;
	/* The route to its pods, and the one to the node itself. */
	assert_int_equal(sync_with(N1 N2), 2);
	assert_output("ip route show proto 113 dev dvp0 | sed 's/ linkdown//'",
		      "10.111.2.0/24 scope link src 10.111.1.0\n");
}

static void follows_a_new_own_prefix(void **state)
{
	(void)state;
	sync_with(NODE("n1", "192.168.1.11", "10.111.99.0/24, \"fd00:111:99::/64\"") N2);
	assert_output("ip route show proto 113 dev dvp0 | sed 's/ linkdown//'",
		      "10.111.2.0/24 scope link src 10.111.99.0\n");
	assert_output("ip -6 route show proto 113 dev dvp0 | sed 's/ linkdown//'",
		      "fd00:111:2::/64 src fd00:111:99:: metric 1024 pref medium\n");
	assert_output("ip -4 -o address show dev dvp0 | sed 's/.*inet/inet/; s/\\\\.*//'",
		      "inet 10.111.99.0/32 scope global noprefixroute dvp0\n");
}

#define VM(name, ip, node)								\
	"apiVersion: virtualization.deckhouse.io/v1alpha2\nkind: VirtualMachine\n"	\
	"metadata: {namespace: demo, name: " name "}\n"					\
	"status: {ipAddress: " ip ", nodeName: " node "}\n---\n"
#define RANGES "apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n"		\
	       "metadata: {name: virtualization}\nspec: {settings: "			\
	       "{virtualMachineCIDRs: [10.66.0.0/16, \"fd00:66::/64\"]}}\n---\n"

/* Which way a packet goes, by its device or what becomes of it. */
static void assert_way(const char *to, const char *expected)
{
	char *command = util_printf("ip route get %s 2>&1 | head -1 | sed 's/.*\\(dev [a-z0-9]*\\)"
				    ".*/\\1/; s/RTNETLINK answers: //'", to);

	assert_output(command, expected);
	free(command);
}

static void routes_to_machines(void **state)
{
	(void)state;
	sync_with(N1 N2);
	assert_int_equal(system("ip route add default via 192.168.1.1 && "
				"ip route add 10.66.0.5 dev eth0 && "
				"ip route add 10.66.9.0/24 via 192.168.1.1"), 0);
	/* 6 rules of ranges, 1 of machines; of these only the remote one has a route. */
	assert_int_equal(sync_with(RANGES N1 N2 VM("a", "10.66.0.5", "n2")
				   VM("b", "10.66.0.6", "n1")), 6 + 1 + 1);
	assert_int_equal(sync_with(RANGES N1 N2 VM("a", "10.66.0.5", "n2")
				   VM("b", "10.66.0.6", "n1")), 0);
	/* Elsewhere, whatever route is still there; here, by that; nowhere, but not outside. */
	assert_way("10.66.0.5", "dev dvp0\n");
	assert_way("10.66.0.7", "Invalid argument\n");
	assert_way("10.66.0.6", "Invalid argument\n");
	assert_way("10.66.9.1", "dev eth0\n");
	assert_way("10.67.0.1", "dev eth0\n");
	/* It has come here: its own route counts again. One route less. */
	assert_int_equal(sync_with(RANGES N1 N2 VM("a", "10.66.0.5", "n1")
				   VM("b", "10.66.0.6", "n1")), 1);
	assert_way("10.66.0.5", "dev eth0\n");
	assert_output("ip rule show | grep 'proto 113' | LC_ALL=C sort",
		      "1130:\tfrom 10.111.1.0/24 lookup 113 proto 113\n"
		      "1130:\tfrom 10.66.0.0/16 lookup 113 proto 113\n"
		      "1131:\tfrom all lookup 114 proto 113\n"
		      "1132:\tfrom all to 10.66.0.0/16 lookup main suppress_prefixlength 0 proto 113\n"
		      "1133:\tfrom all to 10.66.0.0/16 blackhole proto 113\n");
	assert_output("ip -6 rule show | grep 'proto 113' | LC_ALL=C sort",
		      "1130:\tfrom fd00:111:1::/64 lookup 113 proto 113\n"
		      "1130:\tfrom fd00:66::/64 lookup 113 proto 113\n"
		      "1132:\tfrom all to fd00:66::/64 lookup main suppress_prefixlength 0 proto 113\n"
		      "1133:\tfrom all to fd00:66::/64 blackhole proto 113\n");
}

static void forgets_machines(void **state)
{
	size_t changes = 0;

	(void)state;
	assert_int_equal(sync_with(N1 N2), 6 + 1);
	assert_way("10.66.0.7", "dev eth0\n");
	sync_with(RANGES N1 N2 VM("a", "10.66.0.5", "n2"));
	assert_int_equal(route_remove_rules(&netlink_socket, &changes), 0);
	assert_int_equal(changes, 6 + 1 + 2);
	assert_output("(ip rule show; ip -6 rule show) | grep 'proto 113'", "");
	assert_int_equal(system("ip route del default && ip route del 10.66.0.5 && "
				"ip route del 10.66.9.0/24"), 0);
	sync_with(N1 N2);
}

static void finds_ways(void **state)
{
	static const struct ip any;
	struct route_way way;
	struct ip ip;

	(void)state;
	ip_parse("192.168.1.11", &ip);
	assert_int_equal(route_find_way(&netlink_socket, &any, &ip, &way), 0);
	assert_true(way.is_local && !way.has_gateway);
	ip_parse("192.168.1.12", &ip);
	assert_int_equal(route_find_way(&netlink_socket, &any, &ip, &way), 0);
	assert_true(!way.is_local && !way.has_gateway);
	ip_parse("192.168.2.13", &ip);
	assert_int_equal(route_find_way(&netlink_socket, &any, &ip, &way), 0);
	assert_true(!way.is_local && way.has_gateway);
	ip_parse("203.0.113.1", &ip);
	assert_int_not_equal(route_find_way(&netlink_socket, &any, &ip, &way), 0);
	assert_string_equal(netlink_socket.error, "Network is unreachable");
}

static void assert_precheck(const char *text, const char *expected)
{
	struct reading reading;

	reading_build(&reading, text, "n1");
	assert_no_error(&reading);
	precheck(&netlink_socket, &reading.state, &reading.objects.report);
	if (expected)
		assert_error(&reading, expected);
	else
		assert_no_error(&reading);
	reading_free(&reading);
}

static void refuses_classic_mode_across_a_router(void **state)
{
	static const char cilium[] = "apiVersion: deckhouse.io/v1\nkind: ModuleConfig\n"
				     "metadata: {name: cni-cilium, annotations: {%s}}\n"
				     "spec: {settings: {tunnelMode: %s}}\n---\n" N1 N2 N3;
	char *vxlan = util_printf(cilium, "", "VXLAN");
	char *trusted = util_printf(cilium, "dvpnet.io/trust-underlay: \"true\"", "Disabled");

	(void)state;
	assert_precheck(N1 N2, NULL);
	assert_precheck(N1 N2 N3,
			"t.yaml:13: Node n3: classic mode needs a node on a connected subnet, "
			"192.168.2.13 is behind a router; use VXLAN (tunnelMode: VXLAN, or "
			"annotation dvpnet.io/mode: vxlan or auto), or, if its routers carry pod "
			"addresses, --trust-underlay");
	assert_precheck(vxlan, NULL);
	assert_precheck(trusted, NULL);
	free(vxlan);
	free(trusted);
}

static void gives_a_node_across_a_router_another_mode(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading, N1 N2 N3, "n1");
	precheck_yield(&netlink_socket, &reading.state, &reading.objects.report);
	assert_no_error(&reading);
	assert_warning(&reading, "t.yaml:13: Node n3: is reached by VXLAN instead of classic mode, "
				 "as 192.168.2.13 is behind a router; to be rid of this warning, say "
				 "so (tunnelMode: VXLAN, or annotation dvpnet.io/mode: vxlan or "
				 "auto), or, if its routers carry pod addresses, annotation "
				 "dvpnet.io/trust-underlay: \"true\"");
	assert_int_equal(reading.state.nodes.item[1].mode, NODE_MODE_NONE);
	assert_int_equal(reading.state.nodes.item[2].mode, DVPNET_MODE_VXLAN);
	/* Now there is nothing left that the kernel would refuse. */
	precheck(&netlink_socket, &reading.state, &reading.objects.report);
	assert_no_error(&reading);
	reading_free(&reading);
}

static void refuses_to_be_a_node_that_is_elsewhere(void **state)
{
	(void)state;
	assert_precheck(NODE("n1", "192.168.1.12", "10.111.1.0/24"),
			"t.yaml:1: Node n1: InternalIP 192.168.1.12 is no address of this network "
			"namespace; is --node right?");
}

static void says_what_the_kernel_refused(void **state)
{
	(void)state;
	assert_true(link_add(&netlink_socket) < 0);
	assert_string_equal(netlink_socket.error, "File exists");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_addresses_and_routes),
		cmocka_unit_test(changes_nothing_the_second_time),
		cmocka_unit_test(mends_what_others_changed),
		cmocka_unit_test(leaves_other_peoples_routes_alone),
		cmocka_unit_test(removes_what_is_stale),
		cmocka_unit_test(follows_a_new_own_prefix),
		cmocka_unit_test(routes_to_machines),
		cmocka_unit_test(forgets_machines),
		cmocka_unit_test(finds_ways),
		cmocka_unit_test(refuses_classic_mode_across_a_router),
		cmocka_unit_test(gives_a_node_across_a_router_another_mode),
		cmocka_unit_test(refuses_to_be_a_node_that_is_elsewhere),
		cmocka_unit_test(says_what_the_kernel_refused),
	};

	return cmocka_run_group_tests(tests, enter_namespace, leave_namespace);
}
