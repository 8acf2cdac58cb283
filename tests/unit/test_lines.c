// SPDX-License-Identifier: GPL-2.0
/* lines.c and backoff.c: streams in any pieces, and waits that grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backoff.h"
#include "lines.h"
#include "util.h"

static char seen[256];

static bool take_line(const char *line, size_t size, void *arg)
{
	size_t *left = arg;

	strncat(seen, line, size);
	strcat(seen, "|");
	return --*left;
}

static void cuts_in_any_pieces(void **state)
{
	static const char text[] = "one\n\ntwo two\nthree\nrest";
	size_t piece, at, left;

	(void)state;
	for (piece = 1; piece < sizeof(text); piece++) {
		struct lines lines = { .max = 100 };

		*seen = '\0';
		left = 100;
		for (at = 0; at < sizeof(text) - 1; at += piece) {
			size_t size = sizeof(text) - 1 - at;

			assert_true(lines_add(&lines, text + at, size < piece ? size : piece,
					      take_line, &left));
		}
		assert_string_equal(seen, "one|two two|three|");
		assert_int_equal(lines.size, 4);
		lines_free(&lines);
	}
}

static void stops_when_told(void **state)
{
	struct lines lines = { .max = 100 };
	size_t left = 1;

	(void)state;
	*seen = '\0';
	assert_false(lines_add(&lines, "a\nb\nc\n", 6, take_line, &left));
	assert_string_equal(seen, "a|");
	lines_free(&lines);
}

static void refuses_an_endless_line(void **state)
{
	struct lines lines = { .max = 10 };
	size_t left = 100, i;

	(void)state;
	*seen = '\0';
	assert_true(lines_add(&lines, "0123456789\n", 11, take_line, &left));
	for (i = 0; i < 10; i++)
		assert_true(lines_add(&lines, "x", 1, take_line, &left));
	assert_false(lines_add(&lines, "x", 1, take_line, &left));
	lines_free(&lines);
}

static void gives_back_a_large_line(void **state)
{
	struct lines lines = { .max = 8 << 20 };
	char *text = util_alloc(4 << 20);
	size_t left = 100;

	(void)state;
	memset(text, 'x', 4 << 20);
	assert_true(lines_append(&lines, text, 4 << 20));
	lines_clear(&lines);
	assert_int_equal(lines.room, 0);
	*seen = '\0';
	assert_true(lines_add(&lines, "a\n", 2, take_line, &left));
	assert_string_equal(seen, "a|");
	lines_free(&lines);
	free(text);
}

static void waits_longer_each_time(void **state)
{
	static const uint32_t limits[] = { 100, 200, 400, 800, 1000, 1000 };
	struct backoff backoff = { .min_ms = 100, .max_ms = 1000 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(limits); i++)
		assert_in_range(backoff_next(&backoff), limits[i] / 2, limits[i]);
	backoff_reset(&backoff);
	assert_in_range(backoff_next(&backoff), 50, 100);
	backoff.failures = 1000000;
	assert_in_range(backoff_next(&backoff), 500, 1000);
}

static void leaves_something_to_chance(void **state)
{
	struct backoff backoff = { .min_ms = 1000, .max_ms = 1000 };
	uint32_t first = backoff_next(&backoff);
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		if (backoff_next(&backoff) != first)
			return;
	fail_msg("always %u ms", first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_in_any_pieces),
		cmocka_unit_test(stops_when_told),
		cmocka_unit_test(refuses_an_endless_line),
		cmocka_unit_test(gives_back_a_large_line),
		cmocka_unit_test(waits_longer_each_time),
		cmocka_unit_test(leaves_something_to_chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
