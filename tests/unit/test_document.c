// SPDX-License-Identifier: GPL-2.0
/* YAML and JSON to trees: types, lines, bounds, errors. */
#include "document.h"
#include "reading.h"

/**
 * struct parsed - what came of a text
 * @count: documents
 * @json: them, indented by nothing, separated by a blank
 * @lines: lines of what find_lines() was asked for
 * @report: errors
 */
struct parsed {
	size_t count;
	char json[1024];
	unsigned int lines[8];
	struct report report;
};

static void take(const struct source *source, const json_t *root, void *arg)
{
	struct parsed *parsed = arg;
	const json_t *list = json_object_get(root, "list");
	char *text = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);

	if (parsed->count++)
		strcat(parsed->json, " ");
	strcat(parsed->json, text);
	free(text);
	parsed->lines[0] = source_line(source, root);
	parsed->lines[1] = source_line_of_member(source, root, "text");
	parsed->lines[2] = source_line_of_member(source, root, "true");
	parsed->lines[3] = source_line_of_member(source, root, "null");
	parsed->lines[4] = source_line_of_member(source, root, "list");
	parsed->lines[5] = source_line(source, json_array_get(list, 0));
	parsed->lines[6] = source_line(source, json_array_get(list, 1));
	parsed->lines[7] = source_line_of_member(source, root, "absent");
}

static void parse(struct parsed *parsed, const char *text)
{
	memset(parsed, 0, sizeof(*parsed));
	document_parse("t.yaml", text, strlen(text), take, parsed, &parsed->report);
}

static void assert_json(const char *text, const char *expected)
{
	struct parsed parsed;

	parse(&parsed, text);
	if (parsed.report.errors.count)
		fail_msg("unexpected: %s", parsed.report.errors.item[0]);
	assert_string_equal(parsed.json, expected);
	report_free(&parsed.report);
}

static void assert_refused(const char *text, const char *expected)
{
	struct parsed parsed;

	parse(&parsed, text);
	assert_int_equal(parsed.report.errors.count, 1);
	assert_string_equal(parsed.report.errors.item[0], expected);
	report_free(&parsed.report);
}

static void reads_types(void **state)
{
	(void)state;
	assert_json("{a: 1, b: -2, c: 1.5, d: text, e: \"1\", f: true, g: no, h: null, i: , j: ~}",
		    "{\"a\":1,\"b\":-2,\"c\":1.5,\"d\":\"text\",\"e\":\"1\",\"f\":true,\"g\":false,"
		    "\"h\":null,\"i\":null,\"j\":null}");
	/* Neither octal nor more than 64 bits nor a date is a number. */
	assert_json("[010, 99999999999999999999, 2026-11-23, 1.2.3.4, 1e3, -, .5, !!str 5]",
		    "[\"010\",\"99999999999999999999\",\"2026-11-23\",\"1.2.3.4\",1000.0,\"-\","
		    "\".5\",\"5\"]");
}

static void reads_json(void **state)
{
	(void)state;
	assert_json("{\"a\": [1, {\"b\\n\": \"x\\u00e4\\/\"}],\n\t\"c\":\tfalse}",
		    "{\"a\":[1,{\"b\\n\":\"x\xc3\xa4/\"}],\"c\":false}");
}

static void reads_several_documents(void **state)
{
	(void)state;
	assert_json("a: 1\n---\n---\n- 2\n...\n---\nb\n", "{\"a\":1} [2] \"b\"");
	assert_json("", "");
	assert_json("# nothing\n", "");
}

static void knows_lines(void **state)
{
	static const unsigned int expected[] = { 2, 2, 3, 4, 6, 6, 8, 0 };
	struct parsed parsed;

	(void)state;
	parse(&parsed, "# comment\ntext: abc\n\"true\": true\n\"null\": null\nlist:\n- a\n\n"
		       "- {b: c}\n");
	assert_int_equal(parsed.report.errors.count, 0);
	assert_memory_equal(parsed.lines, expected, sizeof(expected));
	report_free(&parsed.report);
}

static void knows_lines_of_each_document(void **state)
{
	struct parsed parsed;

	(void)state;
	parse(&parsed, "text: a\n---\n\ntext: b\n");
	assert_int_equal(parsed.lines[1], 4);
	report_free(&parsed.report);
}

static void leaves_managed_fields_out(void **state)
{
	(void)state;
	assert_json("metadata:\n  managedFields:\n  - a: {b: [c]}\n  name: x\nmanagedFields: 1\n",
		    "{\"metadata\":{\"name\":\"x\"},\"managedFields\":1}");
	/* What is left out still has to be YAML. */
	assert_refused("metadata:\n  managedFields: [\n",
		       "t.yaml:3: not valid YAML: did not find expected node content "
		       "(while parsing a flow node in line 3)");
}

static void follows_aliases(void **state)
{
	(void)state;
	assert_json("a: &x {b: [1]}\nc: *x\n", "{\"a\":{\"b\":[1]},\"c\":{\"b\":[1]}}");
	assert_refused("a: &x [*x]\n",
		       "t.yaml:1: alias *x names nothing that stands complete before it");
	assert_refused("a: *y\n",
		       "t.yaml:1: alias *y names nothing that stands complete before it");
}

static void bounds_what_aliases_multiply(void **state)
{
	char text[2048] = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
	size_t used = strlen(text);
	int i;

	(void)state;
	for (i = 1; i < 12; i++)
		used += sprintf(text + used,
				"a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
				i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_refused(text, "t.yaml:8: more than 16777216 values in one document, "
			     "aliases followed");
}

static void bounds_depth(void **state)
{
	char text[300] = "";

	(void)state;
	memset(text, '[', 100);
	memset(text + 100, ']', 100);
	text[200] = '\0';
	assert_json(text, text);
	memset(text, '[', 101);
	memset(text + 101, ']', 101);
	assert_refused(text, "t.yaml:1: nested deeper than 100 levels");
}

static void says_what_is_not_yaml(void **state)
{
	(void)state;
	assert_refused("a: 1\nb: [1,\nc: 2\n",
		       "t.yaml:4: not valid YAML: did not find expected ',' or ']' "
		       "(while parsing a flow sequence in line 2)");
	assert_refused("a:\n\t- b\n", "t.yaml:2: not valid YAML: found character that cannot "
				      "start any token (while scanning for the next token in "
				      "line 2)");
	assert_refused("a: 1\na: 2\n", "t.yaml:2: key \"a\" stands twice in one mapping");
	assert_refused("{[a]: 1}", "t.yaml:1: a key must be text");
	assert_refused("<<: {a: 1}",
		       "t.yaml:1: merge keys (<<) are not read: write the fields out");
	assert_refused("a: b\nc: \"x\\0y\"\n", "t.yaml:2: text with a NUL character");
	assert_refused("a: b\nc: \x01\n",
		       "t.yaml:2: not valid YAML: control characters are not allowed");
	assert_refused("a: \xff\n", "t.yaml:1: not valid YAML: invalid leading UTF-8 octet");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_types),
		cmocka_unit_test(reads_json),
		cmocka_unit_test(reads_several_documents),
		cmocka_unit_test(knows_lines),
		cmocka_unit_test(knows_lines_of_each_document),
		cmocka_unit_test(leaves_managed_fields_out),
		cmocka_unit_test(follows_aliases),
		cmocka_unit_test(bounds_what_aliases_multiply),
		cmocka_unit_test(bounds_depth),
		cmocka_unit_test(says_what_is_not_yaml),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
