// SPDX-License-Identifier: GPL-2.0
/* Who decides on the mode and the VXLAN port, and what is told of it. */
#include "origin.h"
#include "reading.h"

#define N1 NODE("n1", "192.168.1.11", "10.111.1.0/24")
#define UID "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system, "		\
	    "uid: 22222222-2222-2222-2222-222222222222}\n---\n"
#define PRIORITY(value) "network.deckhouse.io/cni-configuration-source-priority: " value
#define CILIUM(annotations, settings)							\
	"apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\nmetadata: {name: "	\
	"cni-cilium, annotations: {" annotations "}}\nspec: {settings: {" settings "}}\n---\n"
#define SECRET(annotations, cni, cilium)						\
	"apiVersion: v1\nkind: Secret\nmetadata: {namespace: kube-system, name: "	\
	"d8-cni-configuration, annotations: {" annotations "}}\n"			\
	"data: {cni: " cni ", cilium: " cilium "}\n---\n"
#define STATIC "apiVersion: deckhouse.io/v1\nkind: ClusterConfiguration\n"		\
	       "clusterType: Static\n---\n"

/* In base64: the names of CNIs, and {"mode":...}. */
#define IS_CILIUM "Y2lsaXVt"
#define IS_FLANNEL "Zmxhbm5lbA=="
#define VXLAN "eyJtb2RlIjoiVlhMQU4iLCJtYXNxdWVyYWRlTW9kZSI6Ik5ldGZpbHRlciJ9"
#define DIRECT "eyJtb2RlIjoiRGlyZWN0In0="
#define NO_MODE "e30="
#define ODD_MODE "eyJtb2RlIjoiR2VuZXZlIn0="
#define NO_JSON "e10="

/**
 * struct mode_case - what there is, and what comes of it
 * @objects: besides the Node
 * @mode: &enum dvpnet_mode
 * @source: who decided
 * @ignored: what is ignored, or NULL
 */
struct mode_case {
	const char *objects;
	uint32_t mode;
	const char *source;
	const char *ignored;
};

#define MISSING "annotation network.deckhouse.io/cni-configuration-source-priority is missing"
#define IS(value) "annotation network.deckhouse.io/cni-configuration-source-priority is \"" value "\""
#define THE_SECRET "Secret kube-system/d8-cni-configuration"

static const struct mode_case mode_cases[] = {
	{ "", DVPNET_MODE_CLASSIC, "default, as there is no ModuleConfig cni-cilium", NULL },
	{ CILIUM("", "tunnelMode: VXLAN"), DVPNET_MODE_VXLAN,
	  "ModuleConfig cni-cilium, tunnelMode VXLAN", NULL },
	{ CILIUM("", "tunnelMode: Disabled"), DVPNET_MODE_CLASSIC,
	  "ModuleConfig cni-cilium, tunnelMode Disabled: Direct", NULL },
	{ CILIUM("", ""), DVPNET_MODE_CLASSIC,
	  "ModuleConfig cni-cilium, without tunnelMode: Direct", NULL },
	{ CILIUM("", "createNodeRoutes: true"), DVPNET_MODE_CLASSIC,
	  "ModuleConfig cni-cilium, without tunnelMode: DirectWithNodeRoutes, by "
	  "createNodeRoutes", NULL },
	{ STATIC CILIUM("", "tunnelMode: Disabled"), DVPNET_MODE_CLASSIC,
	  "ModuleConfig cni-cilium, tunnelMode Disabled: DirectWithNodeRoutes, by clusterType "
	  "Static", NULL },
	/* tunnelMode goes first, whatever else is asked for. */
	{ STATIC CILIUM("", "tunnelMode: VXLAN, createNodeRoutes: true"), DVPNET_MODE_VXLAN,
	  "ModuleConfig cni-cilium, tunnelMode VXLAN", NULL },
	{ SECRET("", IS_CILIUM, VXLAN), DVPNET_MODE_VXLAN,
	  THE_SECRET ", mode VXLAN, as there is no ModuleConfig cni-cilium", NULL },
	{ SECRET(PRIORITY("ModuleConfig"), IS_CILIUM, VXLAN), DVPNET_MODE_VXLAN,
	  THE_SECRET ", mode VXLAN, as there is no ModuleConfig cni-cilium", NULL },
	{ SECRET("", IS_CILIUM, DIRECT) CILIUM("", "tunnelMode: VXLAN"), DVPNET_MODE_CLASSIC,
	  THE_SECRET ", mode Direct, as " MISSING,
	  "mode vxlan of ModuleConfig cni-cilium, tunnelMode VXLAN: decided by "
	  THE_SECRET ", mode Direct, as " MISSING },
	{ SECRET(PRIORITY("ModuleConfig"), IS_CILIUM, DIRECT) CILIUM("", "tunnelMode: VXLAN"),
	  DVPNET_MODE_VXLAN,
	  "ModuleConfig cni-cilium, tunnelMode VXLAN, as " IS("ModuleConfig"),
	  "mode classic of " THE_SECRET ", mode Direct: decided by ModuleConfig cni-cilium, "
	  "tunnelMode VXLAN, as " IS("ModuleConfig") },
	{ SECRET("", IS_CILIUM, DIRECT) CILIUM(PRIORITY("ModuleConfig"), "tunnelMode: VXLAN"),
	  DVPNET_MODE_VXLAN,
	  "ModuleConfig cni-cilium, tunnelMode VXLAN, as " IS("ModuleConfig"),
	  "mode classic of " THE_SECRET ", mode Direct: decided by ModuleConfig cni-cilium, "
	  "tunnelMode VXLAN, as " IS("ModuleConfig") },
	{ SECRET("", IS_CILIUM, VXLAN) CILIUM(PRIORITY("Secret"), "masqueradeMode: Netfilter"),
	  DVPNET_MODE_VXLAN,
	  THE_SECRET ", mode VXLAN, as " IS("Secret"),
	  "mode classic of ModuleConfig cni-cilium, without tunnelMode: Direct: decided by "
	  THE_SECRET ", mode VXLAN, as " IS("Secret") },
	{ SECRET("", IS_CILIUM, NO_MODE) CILIUM("", ""), DVPNET_MODE_CLASSIC,
	  THE_SECRET ", without mode: Direct, as " MISSING, NULL },
	/* They agree: nothing is ignored. */
	{ SECRET("", IS_CILIUM, VXLAN) CILIUM("", "tunnelMode: VXLAN, masqueradeMode: Netfilter"),
	  DVPNET_MODE_VXLAN, THE_SECRET ", mode VXLAN, as " MISSING, NULL },
	{ SECRET("", IS_FLANNEL, VXLAN) CILIUM("", "tunnelMode: Disabled"), DVPNET_MODE_CLASSIC,
	  "ModuleConfig cni-cilium, tunnelMode Disabled: Direct", NULL },
	{ SECRET("", IS_CILIUM, DIRECT) CILIUM("dvpnet.io/mode: auto", ""), DVPNET_MODE_AUTO,
	  "ModuleConfig cni-cilium, annotation dvpnet.io/mode",
	  "mode classic of " THE_SECRET ", mode Direct, as " MISSING ": decided by ModuleConfig "
	  "cni-cilium, annotation dvpnet.io/mode" },
};

static void decides_on_the_mode(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(mode_cases); i++) {
		const struct mode_case *test = &mode_cases[i];
		char *text = util_printf("%s%s", N1 UID, test->objects);
		const struct origin *origin;
		struct reading reading;

		reading_build(&reading, text, "n1");
		assert_no_error(&reading);
		origin = &reading.state.origin;
		assert_string_equal(origin->mode, test->source);
		assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_MODE], test->mode);
		if (test->ignored)
			assert_string_equal(origin->ignored.item[0], test->ignored);
		else if (origin->ignored.count)
			fail_msg("%s: ignored: %s", test->source, origin->ignored.item[0]);
		reading_free(&reading);
		free(text);
	}
}

/* Deckhouse says no word of it; its users are surprised. */
static void warns_of_a_tunnel_mode_that_loses(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading, N1 UID SECRET("", IS_CILIUM, VXLAN)
		      CILIUM("", "tunnelMode: Disabled, masqueradeMode: BPF"), "n1");
	assert_no_error(&reading);
	assert_int_equal(reading.objects.report.warnings.count, 2);
	assert_warning(&reading, "t.yaml:16: ModuleConfig cni-cilium: tunnelMode Disabled is "
				 "ignored: " THE_SECRET " decides, as " MISSING "; to have the "
				 "ModuleConfig decide, set annotation network.deckhouse.io/"
				 "cni-configuration-source-priority: ModuleConfig on the Secret");
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_MASQUERADE], 0);
	assert_int_equal(reading.state.origin.ignored.count, 2);
	reading_free(&reading);
}

static void options_go_first(void **state)
{
	struct desired_options options = { .node = "n1" };
	struct reading reading;

	(void)state;
	config_set(&options.config, DVPNET_A_CONFIG_MODE, DVPNET_MODE_CLASSIC);
	config_set(&options.config, DVPNET_A_CONFIG_PORT, 7);
	reading_parse(&reading, N1 UID CILIUM("dvpnet.io/vxlan-port: \"8\"", "tunnelMode: VXLAN"));
	assert_true(desired_build(&reading.objects, &options, &reading.state,
				  &reading.objects.report));
	assert_string_equal(reading.state.origin.mode, "option --mode");
	assert_string_equal(reading.state.origin.port, "option --port");
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_PORT], 7);
	assert_string_equal(reading.state.origin.ignored.item[0],
			    "mode vxlan of ModuleConfig cni-cilium, tunnelMode VXLAN: decided by "
			    "option --mode");
	assert_int_equal(reading.objects.report.warnings.count, 0);
	reading_free(&reading);
}

static void tells_of_ignored_settings(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading, N1 UID CILIUM("", "tunnelMode: VXLAN, debugLogging: true, "
					      "encryption: {mode: WireGuard}, junk: 1"), "n1");
	assert_no_error(&reading);
	assert_int_equal(reading.state.origin.ignored.count, 3);
	assert_string_equal(reading.state.origin.ignored.item[0],
			    "ModuleConfig cni-cilium: debugLogging true: dvpnet logs no packets; ask "
			    "dvpnetctl get, stats show, flow show and monitor");
	assert_string_equal(reading.state.origin.ignored.item[1],
			    "ModuleConfig cni-cilium: junk: dvpnet does not know this setting and "
			    "ignores it; is it spelled right?");
	assert_non_null(strstr(reading.state.origin.ignored.item[2], "encryption.mode WireGuard"));
	reading_free(&reading);
}

static void says_what_is_wrong_with_the_secret(void **state)
{
	struct reading reading;

	(void)state;
	assert_parse_error(SECRET("", IS_CILIUM, NO_JSON),
			   "t.yaml:4: Secret kube-system/d8-cni-configuration: data.cilium: must be "
			   "a JSON object in base64");
	assert_parse_error(SECRET("", "\"*\"", VXLAN),
			   "t.yaml:4: Secret kube-system/d8-cni-configuration: data.cni: must be a "
			   "text in base64");
	reading_build(&reading, N1 UID SECRET("", IS_CILIUM, ODD_MODE), "n1");
	assert_no_error(&reading);
	assert_warning(&reading, "t.yaml:14: " THE_SECRET ": data.cilium: mode \"Geneve\" is not "
				 "known and is passed over");
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_MODE], DVPNET_MODE_CLASSIC);
	reading_free(&reading);
}

/* ---- the port ---- */

#define MASTER(name, label)								\
	"apiVersion: v1\nkind: Node\nmetadata: {name: " name ", labels: {"		\
	"node.deckhouse.io/group: master" label "}}\n---\n"
#define LEVEL(level) ", node.deckhouse.io/dvp-nesting-level: \"" level "\""
#define MAP(data) "apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: d8-cni-cilium, name: "	\
		  "cilium-config}\ndata: {" data "}\n---\n"
#define VIRTUALIZATION "apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n"	\
		       "metadata: {name: virtualization}\nspec: {enabled: true}\n---\n"

/**
 * struct port_case - what there is, and what comes of it
 * @objects: besides the Node
 * @port: host byte order
 * @source: who decided
 */
struct port_case {
	const char *objects;
	uint16_t port;
	const char *source;
};

static const struct port_case port_cases[] = {
	{ "", 4298, "default" },
	{ CILIUM("dvpnet.io/vxlan-port: \"8472\"", "") MAP("tunnel-port: \"4299\""), 8472,
	  "ModuleConfig cni-cilium, annotation dvpnet.io/vxlan-port" },
	{ MAP("tunnel-port: \"8469\"") MASTER("m", LEVEL("1")), 8469,
	  "ConfigMap d8-cni-cilium/cilium-config, tunnel-port" },
	{ MASTER("m", LEVEL("1")), 4297, "4298 - 1, the nesting level of the master nodes (label "
	  "node.deckhouse.io/dvp-nesting-level)" },
	{ MASTER("m", LEVEL("2")) MASTER("o", LEVEL("3")) MAP(""), 4296,
	  "4298 - 2, the nesting level of the master nodes (label "
	  "node.deckhouse.io/dvp-nesting-level)" },
	/* One that is no machine: the platform is not nested. */
	{ MASTER("m", LEVEL("2")) MASTER("o", ""), 4298, "default" },
	{ MASTER("m", LEVEL("x")), 4298, "default" },
	{ MAP(""), 8472, "ConfigMap d8-cni-cilium/cilium-config without tunnel-port: an old cluster "
	  "without virtualization" },
	{ MAP("tunnel-port: junk") VIRTUALIZATION, 8469,
	  "ConfigMap d8-cni-cilium/cilium-config without tunnel-port: an old cluster with "
	  "virtualization" },
};

static void decides_on_the_port(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(port_cases); i++) {
		char *text = util_printf("%s%s", N1 UID, port_cases[i].objects);
		struct reading reading;

		reading_build(&reading, text, "n1");
		assert_no_error(&reading);
		assert_string_equal(reading.state.origin.port, port_cases[i].source);
		assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_PORT],
				 port_cases[i].port);
		reading_free(&reading);
		free(text);
	}
}

static void becomes_json(void **state)
{
	struct origin origin = { .mode = util_strdup("A"), .port = util_strdup("B") };
	json_t *json;
	char *text;

	(void)state;
	*list_add(&origin.ignored) = util_strdup("C");
	json = origin_to_json(&origin);
	text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "{\"ignored\":[\"C\"],\"mode_source\":\"A\","
				  "\"port_source\":\"B\"}");
	free(text);
	json_decref(json);
	origin_free(&origin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_on_the_mode),
		cmocka_unit_test(warns_of_a_tunnel_mode_that_loses),
		cmocka_unit_test(options_go_first),
		cmocka_unit_test(tells_of_ignored_settings),
		cmocka_unit_test(says_what_is_wrong_with_the_secret),
		cmocka_unit_test(decides_on_the_port),
		cmocka_unit_test(becomes_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
