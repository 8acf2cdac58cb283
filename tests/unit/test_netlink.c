// SPDX-License-Identifier: GPL-2.0
/* Requests in batches, and whom an error concerns; addresses stand in for objects. */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>

#include "netlink.h"
#include "reading.h"

#define COUNT 2000

static struct netlink netlink_socket;
static int tags[COUNT];

static int enter_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		print_message("# no network namespace of its own: needs root\n");
		return -1;
	}
	return netlink_open(&netlink_socket, NETLINK_ROUTE);
}

static int leave_namespace(void **state)
{
	(void)state;
	netlink_close(&netlink_socket);
	return 0;
}

static struct nl_msg *address_request(int type, int number, uint8_t len)
{
	const uint8_t address[] = { 10, number >> 16, number >> 8, number };
	struct ifaddrmsg ifa = {
		.ifa_family = AF_INET, .ifa_prefixlen = len, .ifa_index = if_nametoindex("lo"),
	};
	struct nl_msg *msg = netlink_msg(256);

	nlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, type, 0,
		  type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0);
	nlmsg_append(msg, &ifa, sizeof(ifa), NLMSG_ALIGNTO);
	nla_put(msg, IFA_LOCAL, sizeof(address), address);
	return msg;
}

static int count_message(struct nlmsghdr *nlh, void *arg)
{
	(void)nlh;
	++*(int *)arg;
	return 0;
}

static int count_addresses(void)
{
	struct ifaddrmsg ifa = { .ifa_family = AF_INET };
	struct nl_msg *msg = netlink_msg(256);
	int count = 0;

	nlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, RTM_GETADDR, 0, NLM_F_DUMP);
	nlmsg_append(msg, &ifa, sizeof(ifa), NLMSG_ALIGNTO);
	assert_int_equal(netlink_request(&netlink_socket, msg, count_message, &count), 0);
	return count;
}

/* Prefixes of length 33 are refused. */
static int queue(int type, int number, uint8_t len)
{
	return netlink_queue(&netlink_socket, address_request(type, number, len), &tags[number]);
}

static void carries_out_all_that_is_queued(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < COUNT; i++)
		assert_int_equal(queue(RTM_NEWADDR, i, 32), 0);
	assert_int_equal(netlink_flush(&netlink_socket), 0);
	assert_null(netlink_socket.failed);
	assert_int_equal(count_addresses(), COUNT);
	for (i = 0; i < COUNT; i++)
		assert_int_equal(queue(RTM_DELADDR, i, 32), 0);
	assert_int_equal(netlink_flush(&netlink_socket), 0);
	assert_int_equal(count_addresses(), 0);
	assert_int_equal(netlink_flush(&netlink_socket), 0);
}

static void tells_which_request_failed(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 10; i++)
		assert_int_equal(queue(RTM_NEWADDR, i, i == 6 || i == 8 ? 33 : 32), 0);
	assert_int_equal(netlink_flush(&netlink_socket), -EINVAL);
	assert_ptr_equal(netlink_socket.failed, &tags[6]);
	assert_string_not_equal(netlink_socket.error, "");
	/* The rest was carried out, and nothing of the batch lingers. */
	assert_int_equal(count_addresses(), 8);
	assert_int_equal(netlink_flush(&netlink_socket), 0);
	assert_null(netlink_socket.failed);
}

static void tells_of_the_last_request(void **state)
{
	(void)state;
	assert_int_equal(queue(RTM_NEWADDR, 20, 32), 0);
	assert_int_equal(queue(RTM_NEWADDR, 21, 33), 0);
	assert_int_equal(netlink_flush(&netlink_socket), -EINVAL);
	assert_ptr_equal(netlink_socket.failed, &tags[21]);
}

static void stops_queueing_at_an_error(void **state)
{
	int i, err = 0;

	(void)state;
	for (i = 100; !err && i < COUNT; i++)
		err = queue(RTM_NEWADDR, i, i == 150 ? 33 : 32);
	assert_int_equal(err, -EINVAL);
	assert_ptr_equal(netlink_socket.failed, &tags[150]);
}

/* Their numbers have a gap then, in which the failed one is looked for. */
static void sends_what_is_queued_before_a_request(void **state)
{
	(void)state;
	assert_int_equal(queue(RTM_NEWADDR, 30, 32), 0);
	count_addresses();
	assert_int_equal(queue(RTM_NEWADDR, 31, 33), 0);
	assert_int_equal(queue(RTM_NEWADDR, 32, 32), 0);
	assert_int_equal(netlink_flush(&netlink_socket), -EINVAL);
	assert_ptr_equal(netlink_socket.failed, &tags[31]);
}

static void sends_no_request_behind_one_that_failed(void **state)
{
	struct nl_msg *msg = address_request(RTM_NEWADDR, 41, 32);

	(void)state;
	assert_int_equal(queue(RTM_NEWADDR, 40, 33), 0);
	assert_int_equal(netlink_request(&netlink_socket, msg, NULL, NULL), -EINVAL);
	assert_ptr_equal(netlink_socket.failed, &tags[40]);
	msg = address_request(RTM_NEWADDR, 41, 32);
	assert_int_equal(netlink_request(&netlink_socket, msg, NULL, NULL), 0);
	msg = address_request(RTM_NEWADDR, 41, 33);
	assert_int_equal(netlink_request(&netlink_socket, msg, NULL, NULL), -EINVAL);
	assert_null(netlink_socket.failed);
}

static void drops_what_is_queued(void **state)
{
	int count = count_addresses();

	(void)state;
	assert_int_equal(queue(RTM_NEWADDR, 50, 33), 0);
	assert_int_equal(queue(RTM_NEWADDR, 51, 32), 0);
	netlink_drop(&netlink_socket);
	assert_int_equal(netlink_flush(&netlink_socket), 0);
	assert_int_equal(count_addresses(), count);
	assert_int_equal(queue(RTM_NEWADDR, 52, 33), 0);
	assert_int_equal(netlink_flush(&netlink_socket), -EINVAL);
	assert_ptr_equal(netlink_socket.failed, &tags[52]);
}

static void gives_the_kernels_words(void **state)
{
	struct nl_msg *msg = netlink_msg(256);
	struct ifaddrmsg ifa = { .ifa_family = AF_INET, .ifa_index = 9999, .ifa_prefixlen = 32 };
	const uint8_t address[] = { 10, 0, 0, 1 };

	(void)state;
	nlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, RTM_NEWADDR, 0, 0);
	nlmsg_append(msg, &ifa, sizeof(ifa), NLMSG_ALIGNTO);
	nla_put(msg, IFA_LOCAL, sizeof(address), address);
	assert_int_equal(netlink_request(&netlink_socket, msg, NULL, NULL), -ENODEV);
	assert_non_null(strstr(netlink_socket.error, "evice"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carries_out_all_that_is_queued),
		cmocka_unit_test(tells_which_request_failed),
		cmocka_unit_test(tells_of_the_last_request),
		cmocka_unit_test(stops_queueing_at_an_error),
		cmocka_unit_test(sends_what_is_queued_before_a_request),
		cmocka_unit_test(sends_no_request_behind_one_that_failed),
		cmocka_unit_test(drops_what_is_queued),
		cmocka_unit_test(gives_the_kernels_words),
	};

	return cmocka_run_group_tests(tests, enter_namespace, leave_namespace);
}
