// SPDX-License-Identifier: GPL-2.0
/* Flows as they travel between agents: what is written is read there, in parts if it is much. */
#include "parcel.h"
#include "print.h"
#include "reading.h"
#include "saved.h"

static json_t *make_flows(const char *client, size_t count)
{
	struct flow flow = {
		.proto = IPPROTO_TCP, .frontend_port = 80, .backend_port = 8080,
		.state = DVPNET_FLOW_STATE_ESTABLISHED, .expires = 7200,
	};
	json_t *array = json_array();
	size_t i;

	assert_true(ip_parse(client, &flow.client));
	flow.source = flow.frontend = flow.backend = flow.client;
	for (i = 0; i < count; i++) {
		flow.client_port = flow.source_port = 1000 + i;
		json_array_append_new(array, print_flow_json(&flow));
	}
	return array;
}

static struct parcel_texts write_texts(const char *client, size_t count, const char *node,
				       size_t size)
{
	json_t *flows = make_flows(client, count);
	struct parcel_texts texts = { 0 };
	struct ip addr;

	assert_true(ip_parse(client, &addr));
	parcel_write(flows, &addr, node, size, &texts);
	json_decref(flows);
	return texts;
}

static void read_text(const char *text, const char *node, struct parcel *parcel)
{
	struct report report = { 0 };
	json_t *object = json_loads(text, 0, NULL);

	assert_non_null(object);
	if (!parcel_read(object, node, parcel, &report))
		fail_msg("%s", report.errors.item[0]);
	json_decref(object);
}

static void none_is_an_object_too(void **state)
{
	struct parcel_texts texts = write_texts("10.66.0.5", 0, "n2", 1000);
	struct parcel parcel;

	(void)state;
	assert_int_equal(texts.list.count, 1);
	assert_string_equal(texts.list.item[0], "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","
			    "\"metadata\":{\"generateName\":\"flows-10.66.0.5-\","
			    "\"labels\":{\"dvpnet.io/flows-for\":\"n2\"}},"
			    "\"data\":{\"address\":\"10.66.0.5\",\"node\":\"n2\","
			    "\"more\":\"false\",\"flows\":\"[]\"}}");
	read_text(texts.list.item[0], "n2", &parcel);
	assert_int_equal(parcel.flows.flows.count, 0);
	assert_false(parcel.more);
	parcel_free(&parcel);
	parcel_texts_free(&texts);
}

static void much_goes_in_parts(void **state)
{
	struct parcel_texts texts = write_texts("fd00:66::5", 100, "n2", 2000);
	size_t i, j, seen = 0;

	(void)state;
	assert_true(texts.list.count > 5);
	for (i = 0; i < texts.list.count; i++) {
		struct parcel parcel;

		assert_non_null(strstr(texts.list.item[i], "\"flows-fd00-66--5-\""));
		assert_true(strlen(texts.list.item[i]) < 3500);
		read_text(texts.list.item[i], "n2", &parcel);
		assert_int_equal(parcel.more, i + 1 < texts.list.count);
		for (j = 0; j < parcel.flows.flows.count; j++)
			assert_int_equal(parcel.flows.flows.item[j].client_port, 1000 + seen++);
		parcel_free(&parcel);
	}
	assert_int_equal(seen, 100);
	parcel_texts_free(&texts);
	/* One that is too long for a part goes alone. */
	texts = write_texts("10.66.0.5", 3, "n2", 1);
	assert_int_equal(texts.list.count, 3);
	parcel_texts_free(&texts);
}

static void labels_are_not_too_long(void **state)
{
	char label[PARCEL_LABEL_SIZE], other[PARCEL_LABEL_SIZE], name[254];

	(void)state;
	assert_string_equal(parcel_label("n1.example.org", label), "n1.example.org");
	memset(name, 'a', sizeof(name));
	name[63] = '\0';
	assert_string_equal(parcel_label(name, label), name);
	name[63] = 'a';
	name[64] = '\0';
	parcel_label(name, label);
	assert_int_equal(strlen(label), 57);
	name[63] = 'b';
	assert_string_not_equal(parcel_label(name, other), label);
	memset(name, 'a', sizeof(name));
	name[253] = '\0';
	assert_int_equal(strlen(parcel_label(name, label)), 57);
}

static void reads_when_it_was_made(void **state)
{
	static const char text[] =
		"{\"metadata\": {\"name\": \"p\", \"creationTimestamp\": \"2026-03-01T00:00:10Z\"},"
		" \"data\": {\"address\": \"10.66.0.5\", \"node\": \"n2\", \"flows\": \"[]\"}}";
	struct parcel parcel;

	(void)state;
	read_text(text, "n2", &parcel);
	assert_string_equal(parcel.name, "p");
	assert_true(parcel.created == 1772323210.0);
	parcel_free(&parcel);
}

static void assert_wrong(const char *data, const char *expected)
{
	struct report report = { 0 };
	struct parcel parcel;
	json_t *object = json_pack("{s:{s:s}, s:o}", "metadata", "name", "p", "data",
				   json_loads(data, JSON_DECODE_ANY, NULL));

	assert_false(parcel_read(object, "n2", &parcel, &report));
	assert_string_equal(report.errors.item[0], expected);
	assert_string_equal(parcel.name, "p");
	parcel_free(&parcel);
	report_free(&report);
	json_decref(object);
}

static void names_what_is_wrong(void **state)
{
	(void)state;
	assert_wrong("{}", "node: is not this one");
	assert_wrong("[7]", "node: is not this one");
	assert_wrong("{\"node\": 7}", "node: is not this one");
	assert_wrong("{\"node\": \"n1\"}", "node: is not this one");
	assert_wrong("{\"node\": \"n2\"}", "address: is none");
	assert_wrong("{\"node\": \"n2\", \"address\": \"10.66\"}", "address: is none");
	assert_wrong("{\"node\": \"n2\", \"address\": \"10.66.0.5\", \"flows\": \"7\"}",
		     "line 1: not JSON: '[' or '{' expected near '7'");
	assert_wrong("{\"node\": \"n2\", \"address\": \"10.66.0.5\", \"flows\": \"{}\"}",
		     "not a list of flows, as \"flow save\" prints it");
}

static void takes_no_flows_of_others(void **state)
{
	json_t *flows = make_flows("10.66.0.6", 1), *object;
	char *text = json_dumps(flows, 0);
	struct report report = { 0 };
	struct parcel parcel;

	(void)state;
	object = json_pack("{s:{s:s}, s:{s:s, s:s, s:s}}", "metadata", "name", "p", "data",
			   "node", "n2", "address", "10.66.0.5", "flows", text);
	assert_false(parcel_read(object, "n2", &parcel, &report));
	assert_string_equal(report.errors.item[0], "flow 1: does not go with this address");
	parcel_free(&parcel);
	report_free(&report);
	json_decref(object);
	free(text);
	json_decref(flows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_an_object_too),
		cmocka_unit_test(much_goes_in_parts),
		cmocka_unit_test(labels_are_not_too_long),
		cmocka_unit_test(reads_when_it_was_made),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(takes_no_flows_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
