// SPDX-License-Identifier: GPL-2.0
/* Virtual machines: who has an address, in whatever order the cluster tells of a migration. */
#include "reading.h"
#include "reconcile.h"

#define N1 NODE("n1", "192.168.1.11", "10.111.1.0/24")
#define N2 NODE("n2", "192.168.1.12", "10.111.2.0/24")
#define N3 NODE("n3", "192.168.1.13", "10.111.3.0/24")
#define NODES N1 N2 N3

#define VM(name, ip, node, more)							\
	"apiVersion: virtualization.deckhouse.io/v1alpha2\nkind: VirtualMachine\n"	\
	"metadata: {namespace: demo, name: " name "}\n"					\
	"status: {ipAddress: " ip ", nodeName: " node ", phase: Running" more "}\n---\n"
#define TARGET(node) ", migrationState: {source: {node: n1, pod: a}, target: {node: " node ", pod: b}}"
#define POD(name, ip, node, labels, meta, phase)					\
	"apiVersion: v1\nkind: Pod\nmetadata: {namespace: demo, name: " name		\
	", creationTimestamp: \"2026-01-01T00:00:00Z\", labels: {" labels "}" meta "}\n"	\
	"spec: {nodeName: " node "}\nstatus: {phase: " phase ", podIP: " ip		\
	", podIPs: [{ip: " ip "}]}\n---\n"
#define PRIORITY(number) "network.deckhouse.io/pod-common-ip-priority: \"" number "\""
#define LAUNCHER(name, node, number) POD(name, "10.66.0.5", node, PRIORITY(number), "", "Running")
#define DELETED ", deletionTimestamp: \"2026-01-01T01:00:00Z\""
#define RANGES "apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n"		\
	       "metadata: {name: virtualization}\nspec: {enabled: true, settings: "	\
	       "{virtualMachineCIDRs: [%s]}}\n---\n"

/* ---- one moment ---- */

/**
 * struct owner_case - what there is, and who has 10.66.0.5
 * @name: what it shows
 * @objects: machine and pods
 * @node: name of the node, or NULL
 */
struct owner_case {
	const char *name;
	const char *objects;
	const char *node;
};

static const struct owner_case owner_cases[] = {
	{ "nobody", "", NULL },
	{ "a machine", VM("vm", "10.66.0.5", "n1", ""), "n1" },
	{ "a machine that is not placed", VM("vm", "10.66.0.5", "\"\"", ""), NULL },
	{ "a machine without address yet", VM("vm", "\"\"", "n1", ""), NULL },
	{ "pods without machine: the lowest number",
	  LAUNCHER("a", "n1", "2") LAUNCHER("b", "n2", "1"), "n2" },
	{ "the lowest number, not the first text",
	  LAUNCHER("a", "n1", "10") LAUNCHER("b", "n2", "9"), "n2" },
	{ "a pod without label is lower than any with one",
	  POD("a", "10.66.0.5", "n1", "", "", "Running") LAUNCHER("b", "n2", "7"), "n2" },
	{ "a label that is no number is as none",
	  LAUNCHER("a", "n1", "x") LAUNCHER("b", "n2", "7"), "n2" },
	{ "the label goes before the status",
	  VM("vm", "10.66.0.5", "n1", "") LAUNCHER("b", "n2", "0"), "n2" },
	{ "a target that waits, its source not labelled yet",
	  VM("vm", "10.66.0.5", "n1", TARGET("n2")) LAUNCHER("b", "n2", "2"), "n1" },
	{ "migrating", VM("vm", "10.66.0.5", "n1", TARGET("n2"))
	  LAUNCHER("a", "n1", "1") LAUNCHER("b", "n2", "2"), "n1" },
	{ "switched, the status behind", VM("vm", "10.66.0.5", "n1", TARGET("n2"))
	  LAUNCHER("a", "n1", "1") LAUNCHER("b", "n2", "0"), "n2" },
	{ "the status ahead of the label", VM("vm", "10.66.0.5", "n2", TARGET("n2"))
	  LAUNCHER("a", "n1", "1") LAUNCHER("b", "n2", "2"), "n1" },
	{ "completed, the source being deleted, the label behind",
	  VM("vm", "10.66.0.5", "n2", TARGET("n2"))
	  POD("a", "10.66.0.5", "n1", PRIORITY("1"), DELETED, "Running")
	  LAUNCHER("b", "n2", "2"), "n2" },
	{ "completed, the source has ended", VM("vm", "10.66.0.5", "n2", TARGET("n2"))
	  POD("a", "10.66.0.5", "n1", PRIORITY("1"), "", "Succeeded")
	  LAUNCHER("b", "n2", "2"), "n2" },
	{ "a source being deleted while the machine is there",
	  VM("vm", "10.66.0.5", "n1", TARGET("n2"))
	  POD("a", "10.66.0.5", "n1", PRIORITY("1"), DELETED, "Running")
	  LAUNCHER("b", "n2", "2"), "n1" },
	{ "aborted: the target has failed", VM("vm", "10.66.0.5", "n1", TARGET("n2"))
	  LAUNCHER("a", "n1", "1") POD("b", "10.66.0.5", "n2", PRIORITY("2"), "", "Failed"), "n1" },
	{ "aborted: the target is being deleted, the source's label is gone",
	  VM("vm", "10.66.0.5", "n1", "")
	  POD("b", "10.66.0.5", "n2", PRIORITY("2"), DELETED, "Running"), "n1" },
	{ "moved again, from where it was the target", VM("vm", "10.66.0.5", "n2", TARGET("n3"))
	  LAUNCHER("b", "n2", "0") LAUNCHER("c", "n3", "2"), "n2" },
	{ "both have taken over: the younger one",
	  VM("vm", "10.66.0.5", "n2", TARGET("n3")) LAUNCHER("b", "n2", "0")
	  "apiVersion: v1\nkind: Pod\nmetadata: {namespace: demo, name: c, creationTimestamp: "
	  "\"2026-01-02T00:00:00Z\", labels: {" PRIORITY("0") "}}\n"
	  "spec: {nodeName: n3}\nstatus: {podIP: 10.66.0.5}\n", "n3" },
	{ "a pod that is on no node yet", VM("vm", "10.66.0.5", "n1", "")
	  "apiVersion: v1\nkind: Pod\nmetadata: {namespace: demo, name: c, labels: {"
	  PRIORITY("0") "}}\nstatus: {podIP: 10.66.0.5}\n", "n1" },
	{ "another's address", VM("vm", "10.66.0.5", "n1", "")
	  POD("b", "10.66.0.6", "n2", PRIORITY("0"), "", "Running"), "n1" },
};

static const char *holder_of(const struct state *state, const char *addr, uint8_t len)
{
	struct ip ip;
	size_t i;

	assert_true(ip_parse(addr, &ip));
	for (i = 0; i < state->prefixes.count; i++)
		if (state->prefixes.item[i].len == len &&
		    !ip_compare(&state->prefixes.item[i].addr, &ip))
			return state->prefixes.item[i].node;
	return NULL;
}

static void finds_the_owner(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(owner_cases); i++) {
		const struct owner_case *test = &owner_cases[i];
		char *text = util_printf("%s%s", NODES, test->objects);
		struct reading reading;
		const char *node;

		reading_build(&reading, text, "n1");
		assert_no_error(&reading);
		node = holder_of(&reading.state, "10.66.0.5", 32);
		if (util_strcmp_null(node, test->node))
			fail_msg("%s: %s, expected %s", test->name, node ? node : "nobody",
				 test->node ? test->node : "nobody");
		reading_free(&reading);
		free(text);
	}
}

static void makes_prefixes(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading, NODES VM("a", "10.66.0.5", "n2", "")
		      VM("b", "\"fd00:66::5\"", "n3", "")
		      VM("inside", "10.111.2.9", "n2", "") VM("moved", "10.111.2.8", "n3", "")
		      VM("lost", "10.66.0.9", "n9", "") VM("node", "192.168.1.12", "n3", ""), "n1");
	assert_no_error(&reading);
	assert_int_equal(reading.state.prefixes.count, 3 + 3);
	assert_string_equal(holder_of(&reading.state, "10.66.0.5", 32), "n2");
	assert_string_equal(holder_of(&reading.state, "fd00:66::5", 128), "n3");
	/* In its node's own prefix it needs none; in another's it does. */
	assert_null(holder_of(&reading.state, "10.111.2.9", 32));
	assert_string_equal(holder_of(&reading.state, "10.111.2.8", 32), "n3");
	assert_warning(&reading, "t.yaml:39: VirtualMachine demo/lost: address 10.66.0.9 cannot be "
				 "reached: there is no Node with an InternalIP named n9");
	assert_warning(&reading, "t.yaml:44: VirtualMachine demo/node: address 192.168.1.12 cannot "
				 "be reached: it is an InternalIP of a Node, so it is not routed to "
				 "n3");
	reading_free(&reading);
}

static void warns_of_two_with_one_address(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading, NODES VM("b", "10.66.0.5", "n2", "") VM("a", "10.66.0.5", "n1", ""),
		      "n1");
	assert_no_error(&reading);
	assert_string_equal(holder_of(&reading.state, "10.66.0.5", 32), "n1");
	assert_warning(&reading, "t.yaml:19: VirtualMachine demo/b: status.ipAddress: 10.66.0.5 is "
				 "that of VirtualMachine demo/a too, only one of them can be reached");
	reading_free(&reading);
}

static void names_the_ranges(void **state)
{
	char *text = util_printf(RANGES "%s", "10.66.0.0/16, \"fd00:66::/64\", 192.168.1.0/24, "
				 "10.66.0.0/16", NODES);
	struct reading reading;

	(void)state;
	reading_build(&reading, text, "n1");
	assert_no_error(&reading);
	assert_int_equal(reading.state.machine_ranges.count, 2);
	assert_warning(&reading, "t.yaml:4: machine addresses 192.168.1.0/24 overlap InternalIP "
				 "192.168.1.11 of Node n1: what is sent there and reaches no machine "
				 "may leave by the default route");
	reading_free(&reading);
	free(text);
}

static void passes_over_other_pods(void **state)
{
	struct reading reading;

	(void)state;
	reading_parse(&reading, "apiVersion: v1\nkind: Pod\nmetadata: {name: x, labels: {a: b}}\n"
				"spec: 7\nstatus: [1]\n");
	assert_no_error(&reading);
	assert_int_equal(reading.objects.pods.count, 0);
	reading_free(&reading);
	assert_parse_error(POD("x", "10.66.0.500", "n1", PRIORITY("1"), "", "Running"),
			   "t.yaml:5: Pod demo/x: status.podIPs[0].ip: must be a unicast IPv4 or "
			   "IPv6 address, is \"10.66.0.500\"");
	assert_parse_error(VM("x", "7", "n1", ""),
			   "t.yaml:4: VirtualMachine demo/x: status.ipAddress: must be a text, is 7");
}

/* ---- endpoints ---- */

#define SERVICE "apiVersion: v1\nkind: Service\nmetadata: {namespace: demo, name: s}\n"	\
		"spec: {clusterIP: 10.222.0.1, ports: [{name: p, port: 80}]}\n---\n"
#define SLICE "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {namespace: demo, "\
	      "name: s-1, labels: {kubernetes.io/service-name: s}}\naddressType: IPv4\n"	\
	      "ports: [{name: p, port: 80}]\nendpoints: [%s]\n---\n"

static void assert_endpoint(const char *machine, const char *endpoints, const char *expected)
{
	char *text = util_printf("%s%s" SERVICE SLICE, NODES, machine, endpoints);
	struct reading reading;

	reading_build(&reading, text, "n1");
	assert_no_error(&reading);
	assert_string_equal(backends_text(find_service(&reading, "demo/s:p", AF_INET)), expected);
	reading_free(&reading);
	free(text);
}

static void takes_the_owners_endpoint(void **state)
{
	static const char both[] =
		"{addresses: [10.66.0.5], nodeName: n1}, "
		"{addresses: [10.66.0.5], nodeName: n2, conditions: {ready: false, serving: false}}";
	static const char stale[] = "{addresses: [10.66.0.5], nodeName: n1}";

	(void)state;
	assert_endpoint(VM("vm", "10.66.0.5", "n1", ""), both, "10.66.0.5:80 CLNR");
	/* The copy of the node that has the address counts, ready or not. */
	assert_endpoint(VM("vm", "10.66.0.5", "n2", ""), both, "");
	assert_endpoint("", both, "10.66.0.5:80 CLNR");
	/* A slice that still names the node that it was on. */
	assert_endpoint(VM("vm", "10.66.0.5", "n2", ""), stale, "10.66.0.5:80 CR");
	assert_endpoint(VM("vm", "10.66.0.5", "n1", ""), stale, "10.66.0.5:80 CLNR");
}

/* ---- events ---- */

static const struct desired_options options = { .node = "n3" };
static struct reconcile reconcile;
static struct store_list list;

static void set_document(const struct source *source, const json_t *root, void *arg)
{
	json_t *copy = json_deep_copy(root);

	(void)source;
	store_set(&reconcile.store, &list, copy, arg);
	json_decref(copy);
}

static void set(const char *text)
{
	struct report report = { 0 };

	document_parse(NULL, text, strlen(text), set_document, &report, &report);
	assert_int_equal(report.errors.count, 0);
	report_free(&report);
}

static void delete(const char *kind, const char *name)
{
	json_t *json = json_pack("{s:s, s:{s:s, s:s}}", "kind", kind, "metadata", "namespace",
				 "demo", "name", name);

	store_delete(&reconcile.store, json);
	json_decref(json);
}

static const char *holder_now(void)
{
	static char text[64];
	struct report report = { 0 };
	struct state want = { 0 };
	const char *node;

	assert_true(reconcile_build(&reconcile, &want, &report));
	node = holder_of(&want, "10.66.0.5", 32);
	snprintf(text, sizeof(text), "%s", node ? node : "nobody");
	report_free(&report);
	state_free(&want);
	return text;
}

/**
 * struct step - what happens to the pods, or to the machine, in their order
 * @text: the object, or NULL of one that is deleted
 * @deleted: name of the pod that is deleted
 */
struct step {
	const char *text;
	const char *deleted;
};

static const struct step pod_events[] = {
	{ LAUNCHER("a", "n1", "1"), NULL },
	{ LAUNCHER("b", "n2", "2"), NULL },
	{ LAUNCHER("b", "n2", "0"), NULL },
	{ POD("a", "10.66.0.5", "n1", PRIORITY("1"), DELETED, "Running"), NULL },
	{ NULL, "a" },
};

static const struct step machine_events[] = {
	{ VM("vm", "10.66.0.5", "n1", TARGET("n2")), NULL },
	{ VM("vm", "10.66.0.5", "n2", TARGET("n2")), NULL },
	{ VM("vm", "10.66.0.5", "n2", ""), NULL },
};

static void happen(const struct step *event)
{
	if (event->text)
		set(event->text);
	else
		delete("Pod", event->deleted);
}

/* The machine runs elsewhere only after the pods were there for a while. */
static bool can_be(unsigned int order)
{
	size_t pods = 0, machines = 0, i;

	for (i = 0; i < ARRAY_SIZE(pod_events) + ARRAY_SIZE(machine_events); i++) {
		if (!(order & 1U << i))
			pods++;
		else if (++machines == 2 && pods < 2)
			return false;
	}
	return machines == ARRAY_SIZE(machine_events);
}

/*
 * Both watches tell in order, but not of each other: all ways to mix them. The address is
 * somebody's at each moment, and changes hands once.
 */
static size_t replay(unsigned int order)
{
	size_t pods = 0, machines = 0, moves = 0, i;
	const char *before = "n1";

	memset(&reconcile, 0, sizeof(reconcile));
	reconcile.options = &options;
	set(NODES);
	set(VM("vm", "10.66.0.5", "n1", ""));
	for (i = 0; i < ARRAY_SIZE(pod_events) + ARRAY_SIZE(machine_events); i++) {
		const char *now;

		happen(order & 1U << i ? &machine_events[machines++] : &pod_events[pods++]);
		now = holder_now();
		if (!strcmp(now, before))
			continue;
		if (moves || strcmp(now, "n2"))
			fail_msg("order %x: step %zu: from %s to %s", order, i, before, now);
		before = "n2";
		moves++;
		/* Not before the target has taken over. */
		assert_true(pods >= 3);
	}
	assert_string_equal(before, "n2");
	reconcile_free(&reconcile);
	return moves;
}

static void follows_a_migration_in_any_order(void **state)
{
	const unsigned int steps = ARRAY_SIZE(pod_events) + ARRAY_SIZE(machine_events);
	unsigned int order, orders = 0;

	(void)state;
	for (order = 0; order < 1U << steps; order++) {
		if (!can_be(order))
			continue;
		assert_int_equal(replay(order), 1);
		orders++;
	}
	assert_int_equal(orders, 40);
}

static void stays_when_a_migration_is_aborted(void **state)
{
	static const struct step pods[] = {
		{ LAUNCHER("a", "n1", "1"), NULL },
		{ LAUNCHER("b", "n2", "2"), NULL },
		{ POD("b", "10.66.0.5", "n2", PRIORITY("2"), DELETED, "Running"), NULL },
		{ POD("a", "10.66.0.5", "n1", "", "", "Running"), NULL },
		{ NULL, "b" },
	};
	static const char *const machines[] = {
		VM("vm", "10.66.0.5", "n1", TARGET("n2")), VM("vm", "10.66.0.5", "n1", ""),
	};
	unsigned int order;

	(void)state;
	for (order = 0; order < 1U << 7; order++) {
		size_t pod = 0, machine = 0, i;

		if (__builtin_popcount(order) != 2)
			continue;
		memset(&reconcile, 0, sizeof(reconcile));
		reconcile.options = &options;
		set(NODES);
		set(VM("vm", "10.66.0.5", "n1", ""));
		for (i = 0; i < 7; i++) {
			if (order & 1U << i)
				set(machines[machine++]);
			else
				happen(&pods[pod++]);
			assert_string_equal(holder_now(), "n1");
		}
		reconcile_free(&reconcile);
	}
}

static void forgets_a_machine(void **state)
{
	(void)state;
	memset(&reconcile, 0, sizeof(reconcile));
	reconcile.options = &options;
	set(NODES);
	set(VM("vm", "10.66.0.5", "n1", ""));
	reconcile.store.nodes_dirty = false;
	set(POD("x", "10.66.0.5", "n2", "a: b", "", "Running"));
	assert_false(reconcile.store.nodes_dirty);
	delete("VirtualMachine", "vm");
	assert_true(reconcile.store.nodes_dirty);
	assert_string_equal(holder_now(), "nobody");
	reconcile_free(&reconcile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_owner),
		cmocka_unit_test(makes_prefixes),
		cmocka_unit_test(warns_of_two_with_one_address),
		cmocka_unit_test(names_the_ranges),
		cmocka_unit_test(passes_over_other_pods),
		cmocka_unit_test(takes_the_owners_endpoint),
		cmocka_unit_test(follows_a_migration_in_any_order),
		cmocka_unit_test(stays_when_a_migration_is_aborted),
		cmocka_unit_test(forgets_a_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
