// SPDX-License-Identifier: GPL-2.0
/* store.c and reconcile.c: objects one by one give the state that all at once give. */
#include "reading.h"
#include "reconcile.h"
#include "source_files.h"

#define SERVICE(name, ip)									\
	"apiVersion: v1\nkind: Service\nmetadata: {namespace: demo, name: " name "}\n"		\
	"spec: {clusterIP: " ip ", ports: [{name: http, port: 80}]}\n"
#define SLICE(name, service, endpoint)								\
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {namespace: demo, "	\
	"name: " name ", labels: {kubernetes.io/service-name: " service "}}\n"			\
	"addressType: IPv4\nports: [{name: http, port: 8080}]\n"				\
	"endpoints: [{addresses: [" endpoint "]}]\n"

static const struct desired_options options = { .node = "n1" };
static struct reconcile reconcile;
static struct store_list list;

/* Keys as they would stand in an item of a watch. */
static void set_item(const char *version, const char *kind, json_t *item, struct report *report)
{
	if (!json_object_get(item, "kind")) {
		json_object_set_new(item, "apiVersion", json_string(version));
		json_object_set_new(item, "kind", json_string(kind));
	}
	store_set(&reconcile.store, &list, item, report);
}

static void set_document(const struct source *source, const json_t *root, void *arg)
{
	json_t *copy = json_deep_copy(root), *items = json_object_get(copy, "items"), *item;
	size_t i;

	(void)source;
	if (!items)
		store_set(&reconcile.store, &list, copy, arg);
	json_array_foreach(items, i, item)
		set_item(NULL, NULL, item, arg);
	json_decref(copy);
}

static void delete_document(const struct source *source, const json_t *root, void *arg)
{
	(void)source;
	(void)arg;
	store_delete(&reconcile.store, root);
}

static void set(const char *text)
{
	struct report report = { 0 };

	document_parse(NULL, text, strlen(text), set_document, &report, &report);
	if (report.errors.count)
		fail_msg("unexpected: %s", report.errors.item[0]);
	report_free(&report);
}

static void delete(const char *text)
{
	struct report report = { 0 };

	document_parse(NULL, text, strlen(text), delete_document, NULL, &report);
	report_free(&report);
}

/* As after a change of the kernel. */
static void settle(void)
{
	struct report report = { 0 };
	struct state want = { 0 };

	if (!reconcile_build(&reconcile, &want, &report))
		fail_msg("unexpected: %s", report.errors.item[0]);
	store_sent(&reconcile.store, &want);
	reconcile.store.nodes_dirty = false;
	reconcile.store.others_dirty = false;
	report_free(&report);
	state_free(&want);
}

static const char *dirty_names(void)
{
	static char text[256];
	size_t i;

	*text = '\0';
	for (i = 0; i < reconcile.store.dirty.count; i++) {
		strcat(text, i ? " " : "");
		strcat(text, reconcile.store.dirty.item[i]->name);
	}
	return text;
}

static const char *backends_of(const char *name)
{
	struct reading reading = { 0 };
	struct report report = { 0 };
	static char text[256];

	assert_true(reconcile_build(&reconcile, &reading.state, &report));
	snprintf(text, sizeof(text), "%s",
		 backends_text(find_service(&reading, name, AF_INET)));
	report_free(&report);
	state_free(&reading.state);
	return text;
}

static int begin(void **state)
{
	(void)state;
	memset(&reconcile, 0, sizeof(reconcile));
	reconcile.options = &options;
	set(NODE("n1", "192.168.1.1", "10.1.0.0/24") NODE("n2", "192.168.1.2", "10.2.0.0/24"));
	set(SERVICE("a", "10.222.0.1"));
	set(SERVICE("b", "10.222.0.2"));
	set(SLICE("a-1", "a", "10.1.0.1"));
	set(SLICE("b-1", "b", "10.1.0.2"));
	settle();
	return 0;
}

static int end(void **state)
{
	(void)state;
	reconcile_free(&reconcile);
	return 0;
}

static void agrees_with_files(void **state)
{
	struct source_files files = { 0 };
	struct reading reading = { 0 };
	struct report report = { 0 };
	struct state want = { 0 };
	size_t i;

	(void)state;
	memset(&reconcile, 0, sizeof(reconcile));
	reconcile.options = &options;
	source_files_read(&files, CLUSTER, objects_read, &reading.objects, &report);
	objects_complete(&reading.objects);
	assert_true(desired_build(&reading.objects, &options, &reading.state, &report));
	source_files_read(&files, CLUSTER, set_document, &report, &report);
	assert_true(reconcile_build(&reconcile, &want, &report));
	assert_int_equal(report.errors.count, 0);

	assert_int_equal(want.nodes.count, reading.state.nodes.count);
	for (i = 0; i < want.nodes.count; i++)
		assert_true(node_equal(&want.nodes.item[i], &reading.state.nodes.item[i]));
	assert_int_equal(want.prefixes.count, reading.state.prefixes.count);
	assert_int_equal(want.services.count, reading.state.services.count);
	for (i = 0; i < want.services.count; i++) {
		assert_false(service_compare(&want.services.item[i],
					     &reading.state.services.item[i]));
		assert_true(service_equal(&want.services.item[i],
					  &reading.state.services.item[i]));
	}
	assert_memory_equal(&want.config, &reading.state.config, sizeof(want.config));

	report_free(&report);
	state_free(&want);
	reading_free(&reading);
	source_files_free(&files);
	reconcile_free(&reconcile);
}

static void marks_just_the_service_that_changed(void **state)
{
	(void)state;
	assert_string_equal(dirty_names(), "");
	set(SLICE("a-1", "a", "10.1.0.9"));
	assert_string_equal(dirty_names(), "a");
	set(SERVICE("b", "10.222.0.3"));
	assert_string_equal(dirty_names(), "a b");
	assert_false(reconcile.store.nodes_dirty || reconcile.store.others_dirty);
	assert_string_equal(backends_of("demo/a:http"), "10.1.0.9:8080 CR");
}

static void moves_a_slice_to_another_service(void **state)
{
	(void)state;
	set(SLICE("a-1", "b", "10.1.0.1"));
	assert_string_equal(dirty_names(), "a b");
	assert_string_equal(backends_of("demo/a:http"), "");
	assert_string_equal(backends_of("demo/b:http"), "10.1.0.1:8080 CR, 10.1.0.2:8080 CR");
}

static void keeps_slices_that_come_before_their_service(void **state)
{
	(void)state;
	set(SLICE("c-1", "c", "10.1.0.3"));
	settle();
	set(SERVICE("c", "10.222.0.3"));
	assert_string_equal(dirty_names(), "c");
	assert_string_equal(backends_of("demo/c:http"), "10.1.0.3:8080 CR");
}

static void forgets_what_is_deleted(void **state)
{
	struct state have = { 0 };

	(void)state;
	delete(SLICE("a-1", "a", "10.1.0.1"));
	delete(SERVICE("a", "10.222.0.1"));
	assert_string_equal(dirty_names(), "a");
	store_have(&reconcile.store, &have);
	assert_int_equal(have.services.count, 1);
	assert_string_equal(have.services.item[0].name, "demo/a:http");
	list_free(&have.services);
	settle();
	store_touch(&reconcile.store);
	assert_string_equal(dirty_names(), "b");
}

static void forgets_what_a_list_does_not_have(void **state)
{
	(void)state;
	store_begin(&list);
	set(NODE("n1", "192.168.1.1", "10.1.0.0/24"));
	set(SERVICE("b", "10.222.0.2"));
	set(SLICE("b-1", "b", "10.1.0.2"));
	set(SERVICE("d", "10.222.0.4"));
	store_end(&reconcile.store, &list);
	assert_string_equal(dirty_names(), "a b d");
	settle();
	assert_string_equal(backends_of("demo/b:http"), "10.1.0.2:8080 CR");
	store_touch(&reconcile.store);
	assert_string_equal(dirty_names(), "b d");
}

/* All that is there is of one list; half of it is none. */
static void takes_a_list_as_a_whole(void **state)
{
	(void)state;
	store_begin(&list);
	set(NODE("n1", "192.168.1.1", "10.9.0.0/24"));
	set(SERVICE("a", "10.222.0.9"));
	set(SLICE("a-1", "a", "10.1.0.9"));
	assert_string_equal(dirty_names(), "");
	assert_false(reconcile.store.nodes_dirty || reconcile.store.others_dirty);
	assert_string_equal(backends_of("demo/a:http"), "10.1.0.1:8080 CR");
	/* It breaks off, and begins again; what it said before does not count. */
	store_begin(&list);
	set(NODE("n1", "192.168.1.1", "10.1.0.0/24"));
	set(SERVICE("a", "10.222.0.1"));
	store_end(&reconcile.store, &list);
	assert_true(reconcile.store.nodes_dirty);
	assert_string_equal(backends_of("demo/a:http"), "");
	settle();
	assert_string_equal(dirty_names(), "");
	/* From its end on each object counts at once. */
	set(SLICE("a-1", "a", "10.1.0.7"));
	assert_string_equal(backends_of("demo/a:http"), "10.1.0.7:8080 CR");
}

/* As of two Secrets, each of which is listed by its name. */
static void lists_do_not_mix(void **state)
{
	struct store_list first = { 0 }, second = { 0 };
	struct report report = { 0 };
	json_t *json;

	(void)state;
	json = json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion", "v1", "kind", "Secret",
			 "metadata", "namespace", "kube-system", "name", "x");
	store_begin(&first);
	store_set(&reconcile.store, &first, json, &report);
	store_end(&reconcile.store, &first);
	assert_int_equal(reconcile.store.others.count, 1);
	store_begin(&second);
	store_end(&reconcile.store, &second);
	assert_int_equal(reconcile.store.others.count, 1);
	store_begin(&first);
	store_end(&reconcile.store, &first);
	assert_int_equal(reconcile.store.others.count, 0);
	assert_int_equal(report.errors.count, 0);
	json_decref(json);
}

static void keeps_what_was_there_of_what_a_list_has_wrong(void **state)
{
	static const char wrong[] = "apiVersion: v1\nkind: Service\nmetadata: {namespace: demo, "
				    "name: a}\nspec: {clusterIP: x, ports: [{port: 80}]}\n";
	struct report report = { 0 };

	(void)state;
	store_begin(&list);
	set(NODE("n1", "192.168.1.1", "10.1.0.0/24"));
	set(SLICE("a-1", "a", "10.1.0.8"));
	document_parse(NULL, wrong, strlen(wrong), set_document, &report, &report);
	store_end(&reconcile.store, &list);
	assert_int_equal(report.errors.count, 1);
	assert_string_equal(backends_of("demo/a:http"), "10.1.0.8:8080 CR");
	report_free(&report);
}

/* As when a machine has moved: its slices say the same as before. */
static void touches_those_with_an_endpoint_there(void **state)
{
	struct ip ip;

	(void)state;
	set(SLICE("a-2", "a", "10.1.0.9"));
	settle();
	assert_true(ip_parse("10.1.0.9", &ip));
	store_touch_address(&reconcile.store, &ip);
	assert_string_equal(dirty_names(), "a");
	assert_true(ip_parse("10.1.0.77", &ip));
	store_touch_address(&reconcile.store, &ip);
	assert_string_equal(dirty_names(), "a");
}

static void does_not_take_what_is_refused_for_sent(void **state)
{
	struct state want = { 0 }, have = { 0 };
	struct report report = { 0 };

	(void)state;
	assert_true(reconcile_build(&reconcile, &want, &report));
	assert_string_equal(want.services.item[0].name, "demo/a:http");
	want.services.item[0].refused = true;
	store_sent(&reconcile.store, &want);
	store_touch(&reconcile.store);
	store_have(&reconcile.store, &have);
	assert_int_equal(have.services.count, 1);
	assert_string_equal(have.services.item[0].name, "demo/b:http");
	list_free(&have.services);
	report_free(&report);
	state_free(&want);
}

static void forgets_a_service_that_becomes_anothers(void **state)
{
	(void)state;
	set("apiVersion: v1\nkind: Service\nmetadata: {namespace: demo, name: a, labels: "
	    "{service.kubernetes.io/service-proxy-name: \"\"}}\n"
	    "spec: {clusterIP: 10.222.0.1, ports: [{name: http, port: 80}]}\n");
	assert_string_equal(dirty_names(), "a");
	set(SERVICE("a", "10.222.0.1"));
	assert_string_equal(backends_of("demo/a:http"), "10.1.0.1:8080 CR");
}

static void keeps_what_was_there_of_what_is_wrong(void **state)
{
	static const char wrong[] =
		"apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\nmetadata: {name: cni-cilium}\n"
		"spec: {enabled: true, settings: {tunnelMode: Vxlan}}\n";
	static const char right[] =
		"apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\nmetadata: {name: cni-cilium}\n"
		"spec: {enabled: true, settings: {tunnelMode: VXLAN}}\n";
	struct report report = { 0 };
	struct state want = { 0 };

	(void)state;
	set(right);
	assert_true(reconcile.store.others_dirty);
	document_parse(NULL, wrong, strlen(wrong), set_document, &report, &report);
	assert_int_equal(report.errors.count, 1);
	assert_int_equal(reconcile.store.wrong, 1);
	assert_true(reconcile_build(&reconcile, &want, &report));
	assert_int_equal(want.config.value[DVPNET_A_CONFIG_MODE], DVPNET_MODE_VXLAN);
	report_free(&report);
	state_free(&want);
	set(right);
	assert_int_equal(reconcile.store.wrong, 0);
	document_parse(NULL, wrong, strlen(wrong), set_document, &report, &report);
	delete(right);
	assert_int_equal(reconcile.store.wrong, 0);
	report_free(&report);
}

/* Half of what it says may be open to more than the whole. */
static void takes_no_service_that_is_wrong(void **state)
{
	static const char wrong[] =
		"apiVersion: v1\nkind: Service\nmetadata: {namespace: demo, name: c}\n"
		"spec: {type: LoadBalancer, clusterIP: 10.222.0.3, ports: [{port: 80}], "
		"loadBalancerSourceRanges: [10.0.0.0/8x]}\n"
		"status: {loadBalancer: {ingress: [{ip: 198.51.100.1}]}}\n";
	struct report report = { 0 };

	(void)state;
	document_parse(NULL, wrong, strlen(wrong), set_document, &report, &report);
	assert_int_equal(report.errors.count, 1);
	assert_non_null(strstr(report.errors.item[0], "; nothing of it is served"));
	assert_string_equal(dirty_names(), "");
	assert_int_equal(reconcile.store.wrong, 1);
	report_free(&report);
	set(SERVICE("c", "10.222.0.3"));
	assert_int_equal(reconcile.store.wrong, 0);
	assert_string_equal(dirty_names(), "c");
	document_parse(NULL, wrong, strlen(wrong), set_document, &report, &report);
	assert_non_null(strstr(report.errors.item[0], "; its state before is kept"));
	report_free(&report);
	settle();
}

/* The names of texts within objects go with the view that they were read for. */
static void keeps_no_places_of_a_view(void **state)
{
	/* A ClusterConfiguration with a serviceSubnetCIDR. */
	static const char text[] =
		"apiVersion: v1\nkind: Secret\nmetadata: {namespace: kube-system, name: "
		"d8-cluster-configuration}\ndata: {cluster-configuration.yaml: "
		"'YXBpVmVyc2lvbjogZGVja2hvdXNlLmlvL3YxCmtpbmQ6IENsdXN0ZXJDb25maWd1"
		"cmF0aW9uCnNlcnZpY2VTdWJuZXRDSURSOiAxMC4yMjIuMC4wLzE2Cg=='}\n";
	struct report report = { 0 };
	struct state want = { 0 };

	(void)state;
	set(text);
	assert_true(reconcile_build(&reconcile, &want, &report));
	assert_int_equal(want.ranges.list.count, 1);
	assert_null(want.ranges.list.item[0].place.file);
	report_free(&report);
	state_free(&want);
}

static void marks_nodes(void **state)
{
	(void)state;
	set(NODE("n3", "192.168.1.3", "10.3.0.0/24"));
	assert_true(reconcile.store.nodes_dirty);
	settle();
	delete(NODE("n3", "192.168.1.3", "10.3.0.0/24"));
	assert_true(reconcile.store.nodes_dirty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_files),
		cmocka_unit_test_setup_teardown(marks_just_the_service_that_changed, begin, end),
		cmocka_unit_test_setup_teardown(moves_a_slice_to_another_service, begin, end),
		cmocka_unit_test_setup_teardown(keeps_slices_that_come_before_their_service, begin,
						end),
		cmocka_unit_test_setup_teardown(forgets_what_is_deleted, begin, end),
		cmocka_unit_test_setup_teardown(forgets_what_a_list_does_not_have, begin, end),
		cmocka_unit_test_setup_teardown(takes_a_list_as_a_whole, begin, end),
		cmocka_unit_test_setup_teardown(lists_do_not_mix, begin, end),
		cmocka_unit_test_setup_teardown(keeps_what_was_there_of_what_a_list_has_wrong,
						begin, end),
		cmocka_unit_test_setup_teardown(touches_those_with_an_endpoint_there, begin, end),
		cmocka_unit_test_setup_teardown(does_not_take_what_is_refused_for_sent, begin, end),
		cmocka_unit_test_setup_teardown(forgets_a_service_that_becomes_anothers, begin, end),
		cmocka_unit_test_setup_teardown(keeps_what_was_there_of_what_is_wrong, begin, end),
		cmocka_unit_test_setup_teardown(takes_no_service_that_is_wrong, begin, end),
		cmocka_unit_test_setup_teardown(keeps_no_places_of_a_view, begin, end),
		cmocka_unit_test_setup_teardown(marks_nodes, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
