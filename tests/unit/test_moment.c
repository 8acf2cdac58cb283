// SPDX-License-Identifier: GPL-2.0
/* moment.c: times as Kubernetes writes them. */
#include "moment.h"
#include "reading.h"

static void reads_times(void **state)
{
	(void)state;
	assert_true(moment_parse("2026-03-01T00:00:10Z") == 1772323210.0);
	assert_true(moment_parse("2026-03-01T00:00:10.5Z") == 1772323210.5);
	assert_true(moment_parse("1970-01-01T00:00:00.25Z") == 0.25);
}

static void refuses_what_is_none(void **state)
{
	static const char *const texts[] = {
		NULL, "", "x", "2026-03-01", "2026-03-01T00:00:10", "2026-03-01T00:00:10Zjunk",
		"2026-03-01T00:00:10.1e9Z", "2026-03-01T00:00:10.", "2026-03-01T00:00:10+02:00",
		"2026-13-01T00:00:10Z",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (moment_parse(texts[i]) != 0)
			fail_msg("taken: %s", texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_times),
		cmocka_unit_test(refuses_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
