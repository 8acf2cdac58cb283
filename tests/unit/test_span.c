// SPDX-License-Identifier: GPL-2.0
/* Sets of addresses. */
#include "reading.h"
#include "span.h"

/* "10.0.0.0-10.0.0.255 fd00::1-fd00::1" of prefixes, a blank between them. */
static const char *merged(const char *prefixes)
{
	char *copy = util_strdup(prefixes), *next = copy, *word;
	char first[IP_TEXT_MAX], last[IP_TEXT_MAX];
	struct spans spans = { 0 };
	static char text[1024];
	size_t i, used = 0;
	struct ip ip;
	uint8_t len;

	while ((word = strsep(&next, " "))) {
		assert_true(ip_parse_prefix(word, &ip, &len));
		spans_add_prefix(&spans, &ip, len);
	}
	spans_merge(&spans);
	*text = '\0';
	for (i = 0; i < spans.list.count; i++)
		used += snprintf(text + used, sizeof(text) - used, "%s%s-%s", i ? " " : "",
				 ip_text(&spans.list.item[i].first, first),
				 ip_text(&spans.list.item[i].last, last));
	spans_free(&spans);
	free(copy);
	return text;
}

static void knows_first_and_last(void **state)
{
	(void)state;
	assert_string_equal(merged("10.1.2.0/24"), "10.1.2.0-10.1.2.255");
	assert_string_equal(merged("10.1.2.128/25"), "10.1.2.128-10.1.2.255");
	assert_string_equal(merged("10.1.2.3/32"), "10.1.2.3-10.1.2.3");
	assert_string_equal(merged("0.0.0.0/0"), "0.0.0.0-255.255.255.255");
	assert_string_equal(merged("fd00:1:2::/47"),
			    "fd00:1:2::-fd00:1:3:ffff:ffff:ffff:ffff:ffff");
	assert_string_equal(merged("fd00::1/128"), "fd00::1-fd00::1");
}

static void merges_what_meets(void **state)
{
	(void)state;
	assert_string_equal(merged("10.1.3.0/24 10.1.2.0/24"), "10.1.2.0-10.1.3.255");
	assert_string_equal(merged("10.1.2.0/24 10.1.2.7/32"), "10.1.2.0-10.1.2.255");
	assert_string_equal(merged("10.1.2.0/24 10.1.4.0/24"),
			    "10.1.2.0-10.1.2.255 10.1.4.0-10.1.4.255");
	assert_string_equal(merged("10.1.2.0/24 10.1.2.0/24"), "10.1.2.0-10.1.2.255");
	assert_string_equal(merged("255.255.255.255/32 255.255.255.0/24 0.0.0.0/32"),
			    "0.0.0.0-0.0.0.0 255.255.255.0-255.255.255.255");
	assert_string_equal(merged("255.255.255.255/32 ::/128"),
			    "255.255.255.255-255.255.255.255 ::-::");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_first_and_last),
		cmocka_unit_test(merges_what_meets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
