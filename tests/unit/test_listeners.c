// SPDX-License-Identifier: GPL-2.0
/* Sockets that Services hide, in a network namespace of its own. */
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "listeners.h"
#include "reading.h"
#include "route.h"

#define N1 NODE("n1", "192.168.1.11}, {type: InternalIP, address: \"fd00:1::11\"", \
		"10.111.1.0/24, \"fd00:111:1::/64\"")

#define SERVICE(name, ip4, ip6, port, node_port, protocol)					\
	"apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: test}\n"	\
	"spec: {type: NodePort, clusterIP: " ip4 ", clusterIPs: [" ip4 ", \"" ip6 "\"],\n"	\
	"  ipFamilies: [IPv4, IPv6], ports: [{port: " port ", nodePort: " node_port ",\n"	\
	"  protocol: " protocol "}]}\n---\n"

#define WEB SERVICE("web", "10.222.0.1", "fd00:222::1", "80", "30080", "TCP")
#define DNS SERVICE("dns", "10.222.0.2", "fd00:222::2", "53", "30053", "UDP")

static struct netlink rtnl;
static struct report report;

static int enter_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET)) {
		print_message("# no network namespace of its own: needs root\n");
		return -1;
	}
	if (system("ip link set lo up && ip link add eth0 type bridge && ip link set eth0 up && "
		   "ip address add 192.168.1.11/24 dev eth0 && ip address add 203.0.113.1/24 dev "
		   "eth0 && ip address add fd00:1::11/64 dev eth0 nodad"))
		return -1;
	return route_open(&rtnl);
}

/* A socket that takes what comes. */
static int listener(int type, const char *address, uint16_t port, bool only6)
{
	bool is_v6 = strchr(address, ':');
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int sock = socket(is_v6 ? AF_INET6 : AF_INET, type, 0), on = only6;

	if (is_v6) {
		setsockopt(sock, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		inet_pton(AF_INET6, address, &in6.sin6_addr);
		assert_int_equal(bind(sock, (void *)&in6, sizeof(in6)), 0);
	} else {
		inet_pton(AF_INET, address, &in.sin_addr);
		assert_int_equal(bind(sock, (void *)&in, sizeof(in)), 0);
	}
	if (type == SOCK_STREAM)
		assert_int_equal(listen(sock, 1), 0);
	return sock;
}

/* Warnings about the objects' Services, up to the next call. */
static size_t warnings(const char *text, bool any_address)
{
	struct reading reading;

	report_free(&report);
	memset(&report, 0, sizeof(report));
	reading_build(&reading, text, "n1");
	assert_no_error(&reading);
	config_set(&reading.state.config, DVPNET_A_CONFIG_NODEPORT_ANY, any_address);
	listeners_check(&rtnl, &reading.state, &report);
	reading_free(&reading);
	return report.warnings.count;
}

/* How many warnings there are while there is such a socket. */
static size_t warnings_with(int type, const char *address, uint16_t port, bool any_address)
{
	int sock = listener(type, address, port, true);
	size_t count = warnings(N1 WEB DNS, any_address);

	close(sock);
	return count;
}

static void says_nothing_without_reason(void **state)
{
	(void)state;
	assert_int_equal(warnings(N1 WEB DNS, false), 0);
	assert_int_equal(warnings_with(SOCK_STREAM, "0.0.0.0", 30081, false), 0);
	/* The ClusterIP is no address of this host. */
	assert_int_equal(warnings_with(SOCK_STREAM, "0.0.0.0", 80, false), 0);
	assert_int_equal(warnings_with(SOCK_STREAM, "127.0.0.1", 30080, false), 0);
	assert_int_equal(warnings_with(SOCK_STREAM, "203.0.113.1", 30080, false), 0);
	assert_int_equal(warnings_with(SOCK_STREAM, "::1", 30080, true), 0);
	/* Another protocol. */
	assert_int_equal(warnings_with(SOCK_DGRAM, "0.0.0.0", 30080, false), 0);
	assert_int_equal(warnings_with(SOCK_STREAM, "0.0.0.0", 30053, false), 0);
}

static void finds_sockets(void **state)
{
	(void)state;
	assert_int_equal(warnings_with(SOCK_STREAM, "0.0.0.0", 30080, false), 1);
	assert_int_equal(warnings_with(SOCK_STREAM, "192.168.1.11", 30080, false), 1);
	assert_int_equal(warnings_with(SOCK_STREAM, "::", 30080, false), 1);
	assert_int_equal(warnings_with(SOCK_STREAM, "fd00:1::11", 30080, false), 1);
	assert_int_equal(warnings_with(SOCK_STREAM, "203.0.113.1", 30080, true), 1);
	assert_int_equal(warnings_with(SOCK_DGRAM, "0.0.0.0", 30053, false), 1);
	assert_int_equal(warnings_with(SOCK_DGRAM, "::", 30053, false), 1);
}

static void says_what_and_who(void **state)
{
	int sock = listener(SOCK_STREAM, "::", 30080, false);
	char *expected;

	(void)state;
	assert_int_equal(warnings(N1 WEB, false), 1);
	expected = util_printf("t.yaml:11: Service test/web: NodePort tcp port 30080: test_listeners "
			       "(process %d) of this host listens on every address: what is sent "
			       "to 192.168.1.11:30080 goes to the Service, that socket gets "
			       "nothing of it; let one of them use another port or address", getpid());
	assert_string_equal(report.warnings.item[0], expected);
	free(expected);
	close(sock);
}

static void knows_virtual_addresses_that_are_local(void **state)
{
	int sock = listener(SOCK_STREAM, "0.0.0.0", 80, false);

	(void)state;
	assert_int_equal(warnings(N1 WEB, false), 0);
	assert_int_equal(system("ip address add 10.222.0.1/32 dev eth0"), 0);
	assert_int_equal(warnings(N1 WEB, false), 1);
	assert_non_null(strstr(report.warnings.item[0],
			       "Service test/web: ClusterIP tcp port 80:"));
	assert_int_equal(system("ip address del 10.222.0.1/32 dev eth0"), 0);
	close(sock);
}

/* Services and sockets are matched by one search each, whatever their number. */
static void is_quick_with_many(void **state)
{
	int socks[200], i;
	struct timeval begin, end;
	struct state want = { 0 };
	struct reading reading;
	struct report told = { 0 };

	(void)state;
	reading_build(&reading, N1, "n1");
	for (i = 0; i < 10000; i++) {
		struct service *service = list_add(&reading.state.services);
		struct frontend *frontend = list_add(&service->frontends);

		service->name = util_printf("many/s%05d", i);
		service->family = AF_INET;
		service->proto = IPPROTO_TCP;
		frontend->type = DVPNET_FRONTEND_TYPE_NODE_PORT;
		frontend->port = 30000 + i;
	}
	for (i = 0; i < (int)ARRAY_SIZE(socks); i++)
		socks[i] = listener(SOCK_STREAM, "0.0.0.0", 30000 + 10 * i, false);
	gettimeofday(&begin, NULL);
	listeners_check(&rtnl, &reading.state, &told);
	gettimeofday(&end, NULL);
	assert_int_equal(told.warnings.count, ARRAY_SIZE(socks));
	/* Some milliseconds; searching each for each would take minutes. */
	assert_true(end.tv_sec - begin.tv_sec < 5);
	for (i = 0; i < (int)ARRAY_SIZE(socks); i++)
		close(socks[i]);
	report_free(&told);
	reading_free(&reading);
	state_free(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_nothing_without_reason),
		cmocka_unit_test(finds_sockets),
		cmocka_unit_test(says_what_and_who),
		cmocka_unit_test(knows_virtual_addresses_that_are_local),
		cmocka_unit_test(is_quick_with_many),
	};

	return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
