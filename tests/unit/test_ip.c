// SPDX-License-Identifier: GPL-2.0
/* Addresses and prefixes as people write them. */
#include "reading.h"

static void parses_addresses(void **state)
{
	char text[IP_TEXT_MAX];
	struct ip ip;

	(void)state;
	assert_true(ip_parse("10.1.2.3", &ip));
	assert_string_equal(ip_text(&ip, text), "10.1.2.3");
	assert_true(ip_parse("fd00:0:0::1", &ip));
	assert_string_equal(ip_text(&ip, text), "fd00::1");
	assert_false(ip_parse("010.1.2.3", &ip));
	assert_false(ip_parse("10.1.2", &ip));
	assert_false(ip_parse("::ffff:10.1.2.3", &ip));
	assert_false(ip_parse("", &ip));
}

static void trims_zeros(void **state)
{
	static const char *const cases[][2] = {
		{ "010.000.0.0010", "10.0.0.10" },
		{ "010.0.0.0/08", "10.0.0.0/08" },
		{ "0x10.0.0.1", "0x10.0.0.1" },
		{ "10..00", "10..0" },
		{ "fd00::0001", "fd00::0001" },
		{ "", "" },
	};
	char trimmed[IP_TEXT_MAX], many[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(ip_trim_zeros(cases[i][0], trimmed), cases[i][1]);
	memset(many, '1', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	assert_int_equal(strlen(ip_trim_zeros(many, trimmed)), IP_TEXT_MAX - 1);
}

static void parses_prefixes(void **state)
{
	struct ip ip;
	uint8_t len;

	(void)state;
	assert_true(ip_parse_prefix("10.111.1.0/24", &ip, &len));
	assert_int_equal(len, 24);
	assert_true(ip_parse_prefix("fd00::/128", &ip, &len));
	assert_false(ip_parse_prefix("10.111.1.0/33", &ip, &len));
	assert_false(ip_parse_prefix("10.111.1.0/", &ip, &len));
	assert_false(ip_parse_prefix("10.111.1.0/-1", &ip, &len));
	assert_false(ip_parse_prefix("10.111.1.0", &ip, &len));
	assert_false(ip_parse_prefix("/24", &ip, &len));
}

static void parses_endpoints(void **state)
{
	char text[IP_TEXT_MAX];
	uint16_t port;
	struct ip ip;

	(void)state;
	assert_true(ip_parse_endpoint("10.1.2.3:80", &ip, &port));
	assert_string_equal(ip_port_text(&ip, port, text), "10.1.2.3:80");
	assert_true(ip_parse_endpoint("[fd00::1]:65535", &ip, &port));
	assert_string_equal(ip_port_text(&ip, port, text), "[fd00::1]:65535");
	assert_true(ip_parse_endpoint("fd00::1", &ip, &port));
	assert_int_equal(port, 0);
	assert_false(ip_parse_endpoint("10.1.2.3:0", &ip, &port));
	assert_false(ip_parse_endpoint("10.1.2.3:65536", &ip, &port));
	assert_false(ip_parse_endpoint("[10.1.2.3]:80", &ip, &port));
	assert_false(ip_parse_endpoint("[fd00::1:80", &ip, &port));
	assert_false(ip_parse_endpoint(":80", &ip, &port));
}

static void finds_what_is_in_a_prefix(void **state)
{
	struct ip prefix, ip;
	uint8_t len;

	(void)state;
	ip_parse_prefix("10.111.16.0/20", &prefix, &len);
	ip_parse("10.111.31.255", &ip);
	assert_true(ip_contains(&prefix, len, &ip));
	ip_parse("10.111.32.0", &ip);
	assert_false(ip_contains(&prefix, len, &ip));
	ip_parse("fd00::1", &ip);
	assert_false(ip_contains(&prefix, len, &ip));
	assert_false(ip_has_host_bits(&prefix, 20));
	assert_true(ip_has_host_bits(&prefix, 19));
}

static void knows_whose_addresses_can_be(void **state)
{
	static const char *const bad[] = {
		"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1",
		"ff02::1",
	};
	struct ip ip;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(ip_parse(bad[i], &ip));
		assert_false(ip_is_unicast(&ip));
	}
	ip_parse("192.0.2.1", &ip);
	assert_true(ip_is_unicast(&ip));
	ip_parse("fe80::1", &ip);
	assert_true(ip_is_unicast(&ip));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_addresses),
		cmocka_unit_test(trims_zeros),
		cmocka_unit_test(parses_prefixes),
		cmocka_unit_test(parses_endpoints),
		cmocka_unit_test(finds_what_is_in_a_prefix),
		cmocka_unit_test(knows_whose_addresses_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
