// SPDX-License-Identifier: GPL-2.0
/* From objects to a node's state: nodes, prefixes, settings, services, lists. */
#include "reading.h"

#define N1 NODE("n1", "192.168.1.11", "10.111.1.0/24, \"fd00:111:1::/64\"")
#define N2 NODE("n2", "192.168.1.12", "10.111.2.0/24")
#define N3 NODE("n3", "192.168.2.13", "10.111.3.0/24")

#define SERVICE(name, spec)						\
	"apiVersion: v1\nkind: Service\n"				\
	"metadata: {name: " name ", namespace: demo}\nspec: {" spec "}\n---\n"
#define SLICE(name, service, ports, endpoints)				\
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"	\
	"metadata: {name: " name ", namespace: demo, "			\
	"labels: {kubernetes.io/service-name: " service "}}\n"		\
	"addressType: IPv4\nports: [" ports "]\nendpoints: [" endpoints "]\n---\n"
#define UID "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system, "	\
	    "uid: 22222222-2222-2222-2222-222222222222}\n---\n"
#define CILIUM(settings) "apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n"	\
			 "metadata: {name: cni-cilium}\nspec: {settings: {" settings "}}\n---\n"

/* ---- nodes and prefixes ---- */

static void derives_macs(void **state)
{
	uint8_t mac[NODE_MAC_SIZE];

	(void)state;
	/* Part of the interface: nodes of other versions derive the same. */
	desired_mac("n1", mac);
	assert_memory_equal(mac, "\x02\x07\xb5\x58\xd4\xc0", NODE_MAC_SIZE);
	desired_mac("", mac);
	assert_memory_equal(mac, "\x02\x9c\xe4\x84\x22\x23\x25" + 0, 1);
}

static void makes_nodes(void **state)
{
	struct reading reading;
	const struct node *node;
	char text[IP_TEXT_MAX];

	(void)state;
	reading_build(&reading, N2 N1 N3, "n1");
	assert_no_error(&reading);
	assert_int_equal(reading.state.nodes.count, 3);
	node = reading.state.nodes.item;
	assert_string_equal(node->name, "n1");
	assert_true(node->local);
	assert_string_equal(ip_text(&node->tunnel[V4], text), "10.111.1.0");
	assert_string_equal(ip_text(&node->tunnel[V6], text), "fd00:111:1::");
	node++;
	assert_string_equal(node->name, "n2");
	assert_false(node->local);
	assert_int_equal(node->tunnel[V4].family, 0);
	assert_int_equal(node->mode, NODE_MODE_NONE);
	assert_int_equal(reading.state.prefixes.count, 4);
	assert_string_equal(reading.state.prefixes.item[0].node, "n1");
	reading_free(&reading);
}

static void skips_a_node_without_address(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading, N1 "apiVersion: v1\nkind: Node\nmetadata: {name: n9}\n"
				   "spec: {podCIDR: 10.111.9.0/24}\n", "n1");
	assert_no_error(&reading);
	assert_int_equal(reading.state.nodes.count, 1);
	assert_int_equal(reading.state.prefixes.count, 2);
	assert_warning(&reading, "t.yaml:7: Node n9: no InternalIP yet, left out");
	reading_free(&reading);
	assert_build_error("apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n",
			   "t.yaml:1: Node n1: status.addresses: must have an InternalIP, this node "
			   "cannot be reached without");
}

static void refuses_an_unknown_node(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading, N1 N2, "n7");
	assert_error(&reading, "no Node \"n7\" among the objects: known are n1, n2");
	reading_free(&reading);
}

static void refuses_overlapping_prefixes(void **state)
{
	(void)state;
	assert_build_error(N1 NODE("n4", "192.168.1.14", "10.111.0.0/16"),
			   "t.yaml:10: Node n4: spec.podCIDRs: 10.111.0.0/16 overlaps 10.111.1.0/24 "
			   "of Node n1 (t.yaml:4), which is this node; delete the Node that is no "
			   "more, or create one of them anew");
	assert_build_error(N1 N2 NODE("n4", "192.168.1.14", "10.111.2.0/24"),
			   "t.yaml:16: Node n4: spec.podCIDRs: 10.111.2.0/24 overlaps 10.111.2.0/24 "
			   "of Node n2 (t.yaml:10), which comes first by name and keeps it; delete "
			   "the Node that is no more, or create one of them anew");
}

static void takes_nested_prefixes_of_one_node(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading, NODE("n1", "192.168.1.11", "10.1.0.0/16, 10.1.2.0/24, 10.1.0.0/16"),
		      "n1");
	assert_no_error(&reading);
	assert_int_equal(reading.state.prefixes.count, 2);
	reading_free(&reading);
}

static void refuses_one_address_of_two_nodes(void **state)
{
	(void)state;
	assert_build_error(N1 NODE("n2", "192.168.1.11", "10.111.2.0/24"),
			   "t.yaml:7: Node n2: InternalIP 192.168.1.11 is that of Node n1 too "
			   "(t.yaml:1), which is this node; delete the Node that is no more");
}

/* Nodes and prefixes that are left of contradictory ones: "n1 n2: 10.1.0.0/24 n1, ...". */
static const char *kept(const char *text, const char *node)
{
	static char result[1024];
	struct reading reading;
	size_t i, used = 0;

	reading_build(&reading, text, node);
	for (i = 0; i < reading.state.nodes.count; i++)
		used += snprintf(result + used, sizeof(result) - used, "%s%s", i ? " " : "",
				 reading.state.nodes.item[i].name);
	for (i = 0; i < reading.state.prefixes.count; i++) {
		const struct prefix *prefix = &reading.state.prefixes.item[i];
		char address[IP_TEXT_MAX];

		used += snprintf(result + used, sizeof(result) - used, "%s %s %s", i ? "," : ":",
				 ip_prefix_text(&prefix->addr, prefix->len, address),
				 prefix->node);
	}
	reading_free(&reading);
	return result;
}

#define AGED(name, created, address, cidrs)						\
	"apiVersion: v1\nkind: Node\nmetadata: {name: " name ", creationTimestamp: \"2026-01-"	\
	created "T00:00:00Z\"}\nspec: {podCIDRs: [" cidrs "]}\n"				\
	"status: {addresses: [{type: InternalIP, address: \"" address "\"}]}\n---\n"

static void older_node_keeps(void **state)
{
	(void)state;
	/* An address: the whole Node is left out, and its prefix is free for others. */
	assert_string_equal(kept(N1 AGED("n2", "02", "192.168.1.12", "10.2.0.0/24")
				 AGED("n3", "01", "192.168.1.12", "10.3.0.0/24")
				 AGED("n4", "03", "192.168.1.14", "10.2.0.0/16"), "n1"),
			    "n1 n3 n4: 10.2.0.0/16 n4, 10.3.0.0/24 n3, 10.111.1.0/24 n1, "
			    "fd00:111:1::/64 n1");
	/* A prefix: just that one, whichever is wider; who loses to nobody that stays, stays. */
	assert_string_equal(kept(N1 AGED("n2", "02", "192.168.1.12", "10.2.0.0/16, 10.9.0.0/24")
				 AGED("n3", "01", "192.168.1.13", "10.2.3.0/24")
				 AGED("n4", "03", "192.168.1.14", "10.2.4.0/24"), "n1"),
			    "n1 n2 n3 n4: 10.2.3.0/24 n3, 10.2.4.0/24 n4, 10.9.0.0/24 n2, "
			    "10.111.1.0/24 n1, fd00:111:1::/64 n1");
	/* A Node that does not tell its age is younger than all that do. */
	assert_string_equal(kept(N1 NODE("n2", "192.168.1.12", "10.2.0.0/24")
				 AGED("n3", "01", "192.168.1.12", "10.3.0.0/24"), "n1"),
			    "n1 n3: 10.3.0.0/24 n3, 10.111.1.0/24 n1, fd00:111:1::/64 n1");
}

static void this_node_stays_in_its_own_view(void **state)
{
#define TWINS AGED("n1", "01", "192.168.1.11", "10.1.0.0/24")	\
	      AGED("n1b", "02", "192.168.1.11", "10.1.0.0/24")
	struct reading reading;

	(void)state;
	assert_string_equal(kept(TWINS, "n1"), "n1: 10.1.0.0/24 n1");
	assert_string_equal(kept(TWINS, "n1b"), "n1b: 10.1.0.0/24 n1b");
	reading_build(&reading, TWINS, "n1b");
	assert_error(&reading, "t.yaml:1: Node n1: InternalIP 192.168.1.11 is that of Node n1b too "
		     "(t.yaml:7), which is this node; the other nodes leave this one out, as it "
		     "is younger; delete the Node that is no more");
	reading_free(&reading);
}

/* ---- settings ---- */

static void assert_config(const char *text, uint16_t attr, uint32_t value)
{
	struct reading reading;

	reading_build(&reading, text, "n1");
	assert_no_error(&reading);
	assert_int_equal(reading.state.config.value[attr], value);
	reading_free(&reading);
}

static void keeps_settings(void **state)
{
	struct desired_options options = { .node = "n1" };
	struct config before = { 0 };
	struct reading reading;

	(void)state;
	config_set(&before, DVPNET_A_CONFIG_MODE, DVPNET_MODE_VXLAN);
	config_set(&before, DVPNET_A_CONFIG_PORT, 4297);
	config_set(&before, DVPNET_A_CONFIG_NODEPORT_MAX, 1);
	config_set(&before, DVPNET_A_CONFIG_NODES, 3);
	/* What an option says goes before what was there. */
	config_set(&options.config, DVPNET_A_CONFIG_PORT, 4298);
	reading_build(&reading, N1 UID CILIUM("tunnelMode: Disabled"), "n1");
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_MODE], DVPNET_MODE_CLASSIC);
	desired_keep_config(&before, &options, &reading.state);
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_MODE], DVPNET_MODE_VXLAN);
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_PORT], DESIRED_PORT);
	assert_string_equal(reading.state.origin.mode, "as before");
	assert_string_equal(reading.state.origin.port, "default");
	/* Objects have no say in these. */
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_NODEPORT_MAX],
			 DESIRED_NODEPORT_MAX);
	assert_false(config_has(&reading.state.config, DVPNET_A_CONFIG_NODES));
	reading_free(&reading);
}

static void has_the_platforms_defaults(void **state)
{
	(void)state;
	assert_config(N1, DVPNET_A_CONFIG_MODE, DVPNET_MODE_CLASSIC);
	assert_config(N1, DVPNET_A_CONFIG_PORT, 4298);
	assert_config(N1, DVPNET_A_CONFIG_VNI, 1);
	assert_config(N1, DVPNET_A_CONFIG_NODEPORT_ANY, 0);
	assert_config(N1, DVPNET_A_CONFIG_NODEPORT_MIN, 30000);
	assert_config(N1, DVPNET_A_CONFIG_NODEPORT_MAX, 32767);
	assert_config(N1 "apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n"
			 "metadata: {name: cni-cilium}\nspec: {settings: {tunnelMode: VXLAN}}\n",
		      DVPNET_A_CONFIG_MODE, DVPNET_MODE_VXLAN);
}

static void options_override_objects(void **state)
{
	struct desired_options options = { .node = "n1" };
	struct reading reading;

	(void)state;
	config_set(&options.config, DVPNET_A_CONFIG_MODE, DVPNET_MODE_AUTO);
	config_set(&options.config, DVPNET_A_CONFIG_PORT, 9999);
	reading_parse(&reading, N1 "apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n"
				   "metadata: {name: cni-cilium}\n"
				   "spec: {enabled: false, settings: {tunnelMode: VXLAN}}\n");
	desired_build(&reading.objects, &options, &reading.state, &reading.objects.report);
	assert_no_error(&reading);
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_MODE], DVPNET_MODE_AUTO);
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_PORT], 9999);
	assert_warning(&reading, "t.yaml:7: ModuleConfig cni-cilium: spec.enabled is false; its "
				 "settings are used all the same");
	reading_free(&reading);
}

static void takes_the_secret_from_the_cluster(void **state)
{
	static const uint8_t zero[16];
	struct reading reading;

	(void)state;
	reading_build(&reading, N1 "apiVersion: v1\nkind: Service\nmetadata: {name: kubernetes, "
				   "uid: 11111111-1111-1111-1111-111111111111}\n"
				   "spec: {clusterIP: None}\n---\n"
				   "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system, "
				   "uid: 22222222-2222-2222-2222-222222222222}\n", "n1");
	assert_int_equal(reading.state.config.secret[0], 0x22);
	assert_int_equal(reading.objects.report.warnings.count, 0);
	reading_free(&reading);
	reading_build(&reading, N1 "apiVersion: v1\nkind: Service\nmetadata: {name: kubernetes, "
				   "uid: 11111111-1111-1111-1111-111111111111}\n"
				   "spec: {clusterIP: None}\n", "n1");
	assert_int_equal(reading.state.config.secret[15], 0x11);
	reading_free(&reading);
	reading_build(&reading, N1, "n1");
	assert_memory_equal(reading.state.config.secret, zero, sizeof(zero));
	assert_int_equal(reading.objects.report.warnings.count, 1);
	reading_free(&reading);
}

/* ---- services ---- */

static void makes_a_service_of_each_port_and_family(void **state)
{
	struct reading reading;

	(void)state;
	/* Case 2: one number, two protocols, different targets, matched by name. */
	reading_build(&reading,
		      N1 SERVICE("dns", "type: NodePort, clusterIPs: [10.222.0.53, \"fd00:222::53\"], "
				 "ports: [{name: udp, port: 53, protocol: UDP, nodePort: 30053}, "
				 "{name: tcp, port: 53}]")
		      SLICE("dns-1", "dns", "{name: udp, port: 5353, protocol: UDP}, "
			    "{name: tcp, port: 53, protocol: TCP}, {name: udp, port: 1}",
			    "{addresses: [10.111.1.5]}"), "n1");
	assert_no_error(&reading);
	assert_int_equal(reading.state.services.count, 4);
	assert_string_equal(backends_text(find_service(&reading, "demo/dns:udp", AF_INET)),
			    "10.111.1.5:5353 CR");
	assert_string_equal(backends_text(find_service(&reading, "demo/dns:tcp", AF_INET)),
			    "10.111.1.5:53 CR");
	assert_string_equal(backends_text(find_service(&reading, "demo/dns:udp", AF_INET6)), "");
	assert_string_equal(frontends_text(find_service(&reading, "demo/dns:udp", AF_INET)),
			    "0 10.222.0.53:53, 1 *:30053");
	assert_string_equal(frontends_text(find_service(&reading, "demo/dns:tcp", AF_INET6)),
			    "0 [fd00:222::53]:53");
	reading_free(&reading);
}

static void names_a_service_without_port_name(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading,
		      N1 SERVICE("db", "clusterIP: 10.222.0.14, internalTrafficPolicy: Local, "
				 "externalTrafficPolicy: Local, ports: [{port: 5432, nodePort: 30001}]")
		      SLICE("db-1", "db", "{name: \"\", port: 5432}",
			    "{addresses: [192.168.1.100]}"), "n1");
	assert_no_error(&reading);
	/* A ClusterIP Service has neither NodePort nor external policy, whatever it carries. */
	assert_string_equal(frontends_text(find_service(&reading, "demo/db", AF_INET)),
			    "0 10.222.0.14:5432");
	assert_int_equal(find_service(&reading, "demo/db", AF_INET)->flags,
			 DVPNET_SERVICE_FLAGS_INTERNAL_LOCAL);
	reading_free(&reading);
}

static void merges_slices(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading,
		      N1 SERVICE("web", "clusterIP: 10.222.0.10, ports: [{name: http, port: 80}]")
		      SLICE("web-1", "web", "{name: http, port: 8080}",
			    "{addresses: [10.111.1.10], nodeName: n2}, {addresses: [10.111.1.11]}")
		      SLICE("web-2", "web", "{name: http, port: 9090}",
			    "{addresses: [10.111.1.12]}, {addresses: [10.111.1.10]}")
		      SLICE("web-3", "web", "{name: http, port: 8080}",
			    "{addresses: [10.111.1.10], nodeName: n1}")
		      SLICE("x", "webx", "{name: http, port: 8080}", "{addresses: [10.111.1.99]}"),
		      "n1");
	assert_no_error(&reading);
	/* Two slices resolve one name to two numbers; of a double the local copy is used. */
	assert_string_equal(backends_text(find_service(&reading, "demo/web:http", AF_INET)),
			    "10.111.1.10:8080 CLNR, 10.111.1.10:9090 CR, 10.111.1.11:8080 CR, "
			    "10.111.1.12:9090 CR");
	reading_free(&reading);
}

static void serves_sctp_unless_told_not_to(void **state)
{
	static const char *const services =
		SERVICE("a", "clusterIP: 10.222.0.1, ports: [{name: s, port: 9, protocol: SCTP},"
			" {name: t, port: 9}]")
		SERVICE("b", "clusterIP: 10.222.0.2, ports: [{port: 9, protocol: SCTP}]");
	struct reading reading;
	char *text;

	(void)state;
	text = util_printf("%s%s", N1 UID, services);
	reading_build(&reading, text, "n1");
	assert_no_error(&reading);
	assert_int_equal(find_service(&reading, "demo/a:s", AF_INET)->proto, IPPROTO_SCTP);
	assert_int_equal(reading.objects.report.warnings.count, 0);
	reading_free(&reading);
	free(text);

	text = util_printf("%s%s", N1 UID CILIUM("sctpEnabled: false"), services);
	reading_build(&reading, text, "n1");
	assert_no_error(&reading);
	assert_int_equal(reading.state.services.count, 1);
	assert_int_equal(reading.objects.report.warnings.count, 1);
	assert_warning(&reading, "t.yaml:14: ModuleConfig cni-cilium: spec.settings.sctpEnabled: is "
				 "false: SCTP ports of Services are left out");
	reading_free(&reading);
	free(text);
}

static void refuses_frontends_of_two_services(void **state)
{
	(void)state;
	assert_build_error(N1 SERVICE("a", "type: NodePort, clusterIPs: [10.222.0.1, \"fd00:222::1\"], "
				      "ports: [{port: 80, nodePort: 30080}]")
			   SERVICE("b", "type: NodePort, clusterIPs: [10.222.0.2, \"fd00:222::2\"], "
				   "ports: [{port: 80, nodePort: 30080}]"),
			   "t.yaml:15: Service demo/b: nodePort 30080 (tcp) is taken by Service "
			   "demo/a too (t.yaml:10)");
	assert_build_error(N1 SERVICE("a", "clusterIP: 10.222.0.1, ports: [{port: 80}]")
			   SERVICE("b", "clusterIP: 10.222.0.1, ports: [{port: 80}]"),
			   "t.yaml:15: Service demo/b: clusterIP 10.222.0.1:80 (tcp) is taken by "
			   "Service demo/a too (t.yaml:10)");
}

static void takes_one_nodeport_of_two_protocols(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading,
		      N1 SERVICE("a", "type: NodePort, clusterIP: 10.222.0.1, ports: "
				 "[{name: t, port: 53, nodePort: 30053}, "
				 "{name: u, port: 53, protocol: UDP, nodePort: 30053}]"), "n1");
	assert_no_error(&reading);
	reading_free(&reading);
}

/* ---- lists ---- */

/**
 * struct list_case - endpoints, and what becomes of them on node n1 in zone a
 * @name: what it shows
 * @endpoints: of the one slice
 * @backends: as of backends_text()
 */
struct list_case {
	const char *name;
	const char *endpoints;
	const char *backends;
};

#define EP(last, rest) "{addresses: [10.0.0." #last "], " rest "}"
#define READY "conditions: {ready: true}"
#define DRAINING "conditions: {ready: false, serving: true, terminating: true}"
#define DEAD "conditions: {ready: false, serving: false, terminating: true}"
#define UNREADY "conditions: {ready: false, serving: false}"
#define LOCAL "nodeName: n1"
#define REMOTE "nodeName: n2"
#define ZONE(zone) "hints: {forZones: [{name: " zone "}]}"
#define FOR(node) "hints: {forNodes: [{name: " node "}]}"

static const struct list_case list_cases[] = {
	{ "case 1: one endpoint",
	  EP(1, READY ", " REMOTE), "10.0.0.1:8080 CR" },
	{ "case 2: one local, one remote",
	  EP(1, READY ", " LOCAL) ", " EP(2, READY ", " REMOTE),
	  "10.0.0.1:8080 CLNR, 10.0.0.2:8080 CR" },
	{ "case 4: none", "", "" },
	{ "case 5: terminating and not serving", EP(1, DEAD ", " LOCAL), "" },
	{ "nil nodeName is never local", EP(1, READY), "10.0.0.1:8080 CR" },
	{ "not ready", EP(1, UNREADY ", " LOCAL) ", " EP(2, READY), "10.0.0.2:8080 CR" },
	{ "serves, but is neither ready nor terminating",
	  EP(1, "conditions: {ready: false, serving: true}, " LOCAL), "10.0.0.1:8080 N" },
	{ "published though not ready",
	  EP(1, "conditions: {ready: true, serving: false}, " LOCAL), "10.0.0.1:8080 CLNR" },
	{ "published while it terminates: plain ready",
	  EP(1, "conditions: {ready: true, serving: true, terminating: true}, " LOCAL),
	  "10.0.0.1:8080 CLNRT" },
	{ "case 10: one remote, one local",
	  EP(1, READY ", " REMOTE) ", " EP(2, READY ", " LOCAL),
	  "10.0.0.1:8080 CR, 10.0.0.2:8080 CLNR" },
	{ "case 11: no local one", EP(1, READY ", " REMOTE), "10.0.0.1:8080 CR" },
	{ "case 13: local ready 1, 2, draining 3, dead 4; remote ready 5",
	  EP(1, READY ", " LOCAL) ", " EP(2, READY ", " LOCAL) ", " EP(3, DRAINING ", " LOCAL) ", "
	  EP(4, DEAD ", " LOCAL) ", " EP(5, READY ", " REMOTE),
	  "10.0.0.1:8080 CLNR, 10.0.0.2:8080 CLNR, 10.0.0.3:8080 NT, 10.0.0.5:8080 CR" },
	{ "case 13: then 1 and 2 are gone",
	  EP(3, DRAINING ", " LOCAL) ", " EP(4, DEAD ", " LOCAL) ", " EP(5, READY ", " REMOTE),
	  "10.0.0.3:8080 LNT, 10.0.0.5:8080 CR" },
	{ "case 13: nothing ready anywhere",
	  EP(3, DRAINING ", " LOCAL) ", " EP(5, DRAINING ", " REMOTE),
	  "10.0.0.3:8080 CLNT, 10.0.0.5:8080 CT" },
	{ "draining ignores topology",
	  EP(3, DRAINING ", " ZONE("b")) ", " EP(4, DRAINING ", " ZONE("a")),
	  "10.0.0.3:8080 CT, 10.0.0.4:8080 CT" },
	{ "case 16: all hinted, one for this zone",
	  EP(1, READY ", " ZONE("a")) ", " EP(2, READY ", " ZONE("b")),
	  "10.0.0.1:8080 CR, 10.0.0.2:8080 R" },
	{ "case 16: one hint removed",
	  EP(1, READY ", " ZONE("a")) ", " EP(2, READY),
	  "10.0.0.1:8080 CR, 10.0.0.2:8080 CR" },
	{ "hints, none for this zone",
	  EP(1, READY ", " ZONE("b")) ", " EP(2, READY ", " ZONE("c")),
	  "10.0.0.1:8080 CR, 10.0.0.2:8080 CR" },
	{ "an unready one needs no hint",
	  EP(1, READY ", " ZONE("a")) ", " EP(2, READY ", " ZONE("b")) ", " EP(3, DRAINING),
	  "10.0.0.1:8080 CR, 10.0.0.2:8080 R, 10.0.0.3:8080 T" },
	{ "local list regardless of topology",
	  EP(1, READY ", " ZONE("b") ", " LOCAL) ", " EP(2, READY ", " ZONE("a") ", " REMOTE),
	  "10.0.0.1:8080 LNR, 10.0.0.2:8080 CR" },
	{ "hints for nodes",
	  EP(1, READY ", " FOR("n1")) ", " EP(2, READY ", " FOR("n2")),
	  "10.0.0.1:8080 CR, 10.0.0.2:8080 R" },
	{ "hints for nodes go before those for zones",
	  EP(1, READY ", hints: {forNodes: [{name: n1}], forZones: [{name: b}]}") ", "
	  EP(2, READY ", hints: {forNodes: [{name: n2}], forZones: [{name: a}]}"),
	  "10.0.0.1:8080 CR, 10.0.0.2:8080 R" },
	{ "hints for other nodes: zones decide",
	  EP(1, READY ", hints: {forNodes: [{name: n3}], forZones: [{name: b}]}") ", "
	  EP(2, READY ", hints: {forNodes: [{name: n2}], forZones: [{name: a}]}"),
	  "10.0.0.1:8080 R, 10.0.0.2:8080 CR" },
	{ "several zones in a hint",
	  EP(1, READY ", hints: {forZones: [{name: b}, {name: a}]}") ", "
	  EP(2, READY ", " ZONE("b")),
	  "10.0.0.1:8080 CR, 10.0.0.2:8080 R" },
};

static void check_list(const struct list_case *test, const char *zone, const char *backends)
{
	struct reading reading;
	char *text;

	text = util_printf("apiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {%s%s}}\n"
			   "status: {addresses: [{type: InternalIP, address: 192.168.1.1}]}\n---\n"
			   SERVICE("web", "clusterIP: 10.222.0.10, ports: [{name: http, port: 80}]")
			   SLICE("web-1", "web", "{name: http, port: 8080}", "%s"),
			   zone ? "topology.kubernetes.io/zone: " : "", zone ? zone : "",
			   test->endpoints);
	reading_build(&reading, text, "n1");
	assert_no_error(&reading);
	if (strcmp(backends_text(find_service(&reading, "demo/web:http", AF_INET)), backends))
		fail_msg("%s: %s, expected %s", test->name,
			 backends_text(find_service(&reading, "demo/web:http", AF_INET)), backends);
	reading_free(&reading);
	free(text);
}

static void chooses_lists(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(list_cases); i++)
		check_list(&list_cases[i], "a", list_cases[i].backends);
}

static void chooses_all_without_a_zone(void **state)
{
	static const struct list_case test = {
		"case 16: node without zone label",
		EP(1, READY ", " ZONE("a")) ", " EP(2, READY ", " ZONE("b")), NULL,
	};

	(void)state;
	check_list(&test, NULL, "10.0.0.1:8080 CR, 10.0.0.2:8080 CR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derives_macs),
		cmocka_unit_test(makes_nodes),
		cmocka_unit_test(skips_a_node_without_address),
		cmocka_unit_test(refuses_an_unknown_node),
		cmocka_unit_test(refuses_overlapping_prefixes),
		cmocka_unit_test(takes_nested_prefixes_of_one_node),
		cmocka_unit_test(refuses_one_address_of_two_nodes),
		cmocka_unit_test(older_node_keeps),
		cmocka_unit_test(this_node_stays_in_its_own_view),
		cmocka_unit_test(keeps_settings),
		cmocka_unit_test(has_the_platforms_defaults),
		cmocka_unit_test(options_override_objects),
		cmocka_unit_test(takes_the_secret_from_the_cluster),
		cmocka_unit_test(makes_a_service_of_each_port_and_family),
		cmocka_unit_test(names_a_service_without_port_name),
		cmocka_unit_test(merges_slices),
		cmocka_unit_test(serves_sctp_unless_told_not_to),
		cmocka_unit_test(refuses_frontends_of_two_services),
		cmocka_unit_test(takes_one_nodeport_of_two_protocols),
		cmocka_unit_test(chooses_lists),
		cmocka_unit_test(chooses_all_without_a_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
