// SPDX-License-Identifier: GPL-2.0
/* The kernel's reserved ports, in a network namespace of its own. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "port_set.h"
#include "reading.h"
#include "reserved.h"

#define PATH "/proc/sys/net/ipv4/ip_local_reserved_ports"

static struct port_set set;

static void assert_same_text(const char *text, const char *expected)
{
	char *printed;

	assert_true(port_set_parse(text, &set));
	printed = port_set_text(&set);
	assert_string_equal(printed, expected);
	free(printed);
}

static void reads_and_writes_lists(void **state)
{
	(void)state;
	assert_same_text("", "");
	assert_same_text("\n", "");
	assert_same_text("8080\n", "8080");
	assert_same_text("8080,9090-9095\n", "8080,9090-9095");
	assert_same_text("5,4,3,1-2", "1-5");
	assert_same_text("0,65535", "0,65535");
	assert_same_text("0-65535", "0-65535");
	assert_same_text("63,64,127-128", "63-64,127-128");
}

static void refuses_what_is_no_list(void **state)
{
	static const char *const bad[] = {
		"x", "1-", "-1", "2-1", "65536", "1 2", "1;2", "1-2-3", "99999999999999999999", ",",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (port_set_parse(bad[i], &set))
			fail_msg("accepted: %s", bad[i]);
}

/* Every second port is the longest list there can be. */
static void survives_the_longest_list(void **state)
{
	unsigned int port;
	char *text;

	(void)state;
	memset(&set, 0, sizeof(set));
	for (port = 1; port < PORT_COUNT; port += 2)
		port_set_add(&set, port, port);
	text = port_set_text(&set);
	assert_same_text(text, text);
	free(text);
}

static void write_list(const char *text)
{
	int fd = open(PATH, O_WRONLY);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void assert_list(const char *expected)
{
	static char text[PORT_COUNT * 3];
	int fd = open(PATH, O_RDONLY);
	ssize_t size = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[size < 0 ? 0 : size] = '\0';
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, expected);
}

/* Returns how many changes that took. */
static size_t reserve(unsigned int min, unsigned int max)
{
	struct state want = { 0 };
	struct report report = { 0 };
	size_t changes = 0;

	config_set(&want.config, DVPNET_A_CONFIG_NODEPORT_MIN, min);
	config_set(&want.config, DVPNET_A_CONFIG_NODEPORT_MAX, max);
	reserved_sync(&want, &changes, &report);
	if (report.warnings.count)
		fail_msg("%s", report.warnings.item[0]);
	report_free(&report);
	return changes;
}

static size_t take_back(void)
{
	struct report report = { 0 };
	size_t changes = 0;

	assert_int_equal(reserved_remove(&changes, &report), 0);
	report_free(&report);
	return changes;
}

static void adds_and_takes_away_its_own(void **state)
{
	(void)state;
	write_list("8080,30100-30200\n");
	assert_int_equal(reserve(30000, 32767), 1);
	assert_list("8080,30000-32767");
	assert_int_equal(reserve(30000, 32767), 0);
	assert_int_equal(take_back(), 1);
	assert_list("8080,30100-30200");
	assert_int_equal(take_back(), 0);
}

static void follows_another_range(void **state)
{
	(void)state;
	write_list("8080\n");
	assert_int_equal(reserve(30000, 32767), 1);
	assert_int_equal(reserve(31000, 31999), 1);
	assert_list("8080,31000-31999");
	assert_int_equal(reserve(40000, 40010), 1);
	assert_list("8080,40000-40010");
	assert_int_equal(take_back(), 1);
	assert_list("8080");
}

static void leaves_the_administrators_own_range(void **state)
{
	(void)state;
	write_list("29000-33000\n");
	assert_int_equal(reserve(30000, 32767), 0);
	assert_int_equal(take_back(), 0);
	assert_list("29000-33000");
}

/* A list made anew while ours was there is the administrator's as it is. */
static void keeps_a_list_made_anew(void **state)
{
	(void)state;
	write_list("\n");
	assert_int_equal(reserve(30000, 32767), 1);
	write_list("30005,8080\n");
	assert_int_equal(reserve(30000, 32767), 1);
	assert_list("8080,30000-32767");
	assert_int_equal(take_back(), 1);
	assert_list("8080,30005");
	write_list("\n");
}

/* More than the kernel takes in one piece. */
static void keeps_a_long_list(void **state)
{
	static char before[20000];
	unsigned int port;
	size_t used = 0;

	(void)state;
	for (port = 1; port < 6000; port += 2)
		used += sprintf(before + used, "%s%u", used ? "," : "", port);
	port_set_parse(before, &set);
	write_list("\n");
	{
		/* In pieces, as the kernel takes them. */
		int fd = open(PATH, O_WRONLY);
		size_t done = 0;

		before[used] = '\n';
		while (done <= used)
			done += write(fd, before + done, used + 1 - done);
		close(fd);
		before[used] = '\0';
	}
	assert_list(before);
	assert_int_equal(reserve(30000, 32767), 1);
	assert_int_equal(take_back(), 1);
	assert_list(before);
}

static int enter_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET)) {
		print_message("# no network namespace of its own: needs root\n");
		return -1;
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_lists),
		cmocka_unit_test(refuses_what_is_no_list),
		cmocka_unit_test(survives_the_longest_list),
		cmocka_unit_test(adds_and_takes_away_its_own),
		cmocka_unit_test(follows_another_range),
		cmocka_unit_test(leaves_the_administrators_own_range),
		cmocka_unit_test(keeps_a_list_made_anew),
		cmocka_unit_test(keeps_a_long_list),
	};

	return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
