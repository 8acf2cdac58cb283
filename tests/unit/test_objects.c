// SPDX-License-Identifier: GPL-2.0
/* Kubernetes objects: what is read, what is skipped, and what is said of errors. */
#include "reading.h"

#define SERVICE(spec) \
	"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: demo}\n" spec
#define SLICE(rest) \
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n" \
	"metadata: {name: web-1, namespace: demo, labels: {kubernetes.io/service-name: web}}\n" rest
#define CILIUM(rest) \
	"apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n" \
	"metadata:\n  name: cni-cilium\n" rest

static void reads_a_node(void **state)
{
	struct reading reading;
	struct node_object *node;
	char text[IP_TEXT_MAX];

	(void)state;
	reading_parse(&reading,
		      "apiVersion: v1\nkind: Node\n"
		      "metadata:\n"
		      "  name: n1\n"
		      "  labels: {topology.kubernetes.io/zone: zone-a}\n"
		      "  annotations:\n"
		      "    node.deckhouse.io/nodeport-bind-internal-ip: \"false\"\n"
		      "    dvpnet.io/mode: auto\n"
		      "    dvpnet.io/tunnel-mac: 02:aa:bb:cc:dd:ee\n"
		      "spec: {podCIDR: 10.111.1.0/24, podCIDRs: [10.111.1.0/24, \"fd00:1::/64\"]}\n"
		      "status:\n"
		      "  addresses:\n"
		      "  - {type: ExternalIP, address: 203.0.113.1}\n"
		      "  - {type: InternalIP, address: 192.168.1.11}\n"
		      "  - {type: InternalIP, address: \"fd00::11\"}\n"
		      "  - {type: InternalIP, address: 192.168.1.99}\n"
		      "  - {type: Hostname, address: n1}\n");
	assert_no_error(&reading);
	assert_int_equal(reading.objects.nodes.count, 1);
	node = reading.objects.nodes.item;
	assert_string_equal(node->meta.name, "n1");
	assert_int_equal(node->meta.place.line, 1);
	assert_string_equal(node->zone, "zone-a");
	assert_true(node->nodeport_any);
	assert_int_equal(node->mode, DVPNET_MODE_AUTO);
	assert_true(node->has_mac);
	assert_memory_equal(node->mac, "\x02\xaa\xbb\xcc\xdd\xee", 6);
	assert_string_equal(ip_text(&node->internal[V4], text), "192.168.1.11");
	assert_string_equal(ip_text(&node->internal[V6], text), "fd00::11");
	assert_int_equal(node->cidrs.count, 2);
	assert_string_equal(ip_text(&node->cidrs.item[1].addr, text), "fd00:1::");
	reading_free(&reading);
}

static void opens_nodeports_on_exactly_false(void **state)
{
	static const char *const values[] = { "\"true\"", "\"False\"", "\"\"", "\"false \"" };
	struct reading reading;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		char *text = util_printf("apiVersion: v1\nkind: Node\nmetadata: {name: n1, annotations: "
					 "{node.deckhouse.io/nodeport-bind-internal-ip: %s}}\n",
					 values[i]);

		reading_parse(&reading, text);
		assert_no_error(&reading);
		assert_false(reading.objects.nodes.item[0].nodeport_any);
		reading_free(&reading);
		free(text);
	}
}

static void says_what_is_wrong_with_a_node(void **state)
{
	(void)state;
	assert_parse_error("apiVersion: v1\nkind: Node\nmetadata: {}\n",
			   "t.yaml:3: Node without name: metadata.name: must be the name of the "
			   "object, is missing");
	assert_parse_error("apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
			   "spec:\n  podCIDRs:\n  - 10.111.1.0/24\n  - 10.111.2.1/24\n",
			   "t.yaml:7: Node n1: spec.podCIDRs[1]: must have no bits set behind its "
			   "length, is \"10.111.2.1/24\"");
	assert_parse_error("apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
			   "spec: {podCIDR: 10.111.1.0}\n",
			   "t.yaml:4: Node n1: spec.podCIDR: must be a prefix like 10.111.1.0/24, "
			   "is \"10.111.1.0\"");
	assert_parse_error("apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
			   "status:\n  addresses:\n  - type: InternalIP\n    address: 1.2.3\n",
			   "t.yaml:7: Node n1: status.addresses[0].address: must be a unicast IPv4 "
			   "or IPv6 address, is \"1.2.3\"");
	assert_parse_error("apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: [1]\n",
			   "t.yaml:4: Node n1: spec: must be a mapping, is a list");
	assert_parse_error("apiVersion: v1\nkind: Node\n"
			   "metadata: {name: n1, annotations: {dvpnet.io/mode: vlan}}\n",
			   "t.yaml:3: Node n1: metadata.annotations.dvpnet.io/mode: must be vxlan, "
			   "classic or auto, is \"vlan\"");
	assert_parse_error("apiVersion: v1\nkind: Node\n"
			   "metadata: {name: n1, annotations: "
			   "{dvpnet.io/tunnel-mac: \"01:00:00:00:00:01\"}}\n",
			   "t.yaml:3: Node n1: metadata.annotations.dvpnet.io/tunnel-mac: must be a "
			   "unicast Ethernet address like 02:00:00:00:00:01, is "
			   "\"01:00:00:00:00:01\"");
}

static void reads_a_service(void **state)
{
	struct service_object *service;
	struct reading reading;
	char text[IP_TEXT_MAX];

	(void)state;
	reading_parse(&reading,
		      SERVICE("spec:\n"
			      "  type: LoadBalancer\n"
			      "  clusterIP: 10.222.0.10\n"
			      "  clusterIPs: [10.222.0.10, \"fd00:222::10\"]\n"
			      "  internalTrafficPolicy: Local\n"
			      "  externalTrafficPolicy: Local\n"
			      "  ports:\n"
			      "  - {name: http, port: 80, targetPort: http, nodePort: 30080}\n"
			      "  - {name: dns, port: 53, protocol: UDP}\n"));
	assert_no_error(&reading);
	service = reading.objects.services.item;
	assert_string_equal(service->meta.namespace, "demo");
	assert_string_equal(ip_text(&service->cluster_ip[V6], text), "fd00:222::10");
	assert_true(service->has_node_ports && service->internal_local &&
		    service->external_local);
	assert_int_equal(service->ports.count, 2);
	assert_string_equal(service->ports.item[0].name, "http");
	assert_int_equal(service->ports.item[0].proto, IPPROTO_TCP);
	assert_int_equal(service->ports.item[0].node_port, 30080);
	assert_int_equal(service->ports.item[0].place.line, 11);
	assert_int_equal(service->ports.item[1].proto, IPPROTO_UDP);
	reading_free(&reading);
}

/* Case 22, and "Which objects count". */
static void ignores_services_without_address(void **state)
{
	static const char *const texts[] = {
		SERVICE("spec: {clusterIP: None, ports: [{port: 80}]}\n"),
		SERVICE("spec: {clusterIP: \"\", ports: [{port: 80}]}\n"),
		SERVICE("spec: {ports: [{port: 80}]}\n"),
		SERVICE("spec: {type: ExternalName, clusterIP: 10.222.0.1, externalName: x, "
			"ports: [{port: junk}]}\n"),
		"apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: "
		"{service.kubernetes.io/service-proxy-name: \"\"}}\nspec: {clusterIP: 10.222.0.1}\n",
		"apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: "
		"{service.kubernetes.io/headless: x}}\nspec: {clusterIP: 10.222.0.1}\n",
	};
	struct reading reading;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		reading_parse(&reading, texts[i]);
		assert_no_error(&reading);
		assert_int_equal(reading.objects.services.count, 0);
		reading_free(&reading);
	}
}

static void says_what_is_wrong_with_a_service(void **state)
{
	(void)state;
	assert_parse_error(SERVICE("spec:\n  clusterIP: 10.222.0.1\n  ports:\n"
				   "  - name: http\n    port: abc\n"),
			   "t.yaml:8: Service demo/web: spec.ports[0].port: must be a number from 1 "
			   "to 65535, is \"abc\"");
	assert_parse_error(SERVICE("spec:\n  clusterIP: 10.222.0.1\n  ports:\n"
				   "  - name: http\n    port: 70000\n"),
			   "t.yaml:8: Service demo/web: spec.ports[0].port: must be a number from 1 "
			   "to 65535, is 70000");
	assert_parse_error(SERVICE("spec:\n  clusterIP: 10.222.0.1\n  ports:\n  - name: http\n"),
			   "t.yaml:7: Service demo/web: spec.ports[0].port: must be a number from 1 "
			   "to 65535, is missing");
	assert_parse_error(SERVICE("spec:\n  clusterIP: 10.222.0.1\n  ports:\n"
				   "  - port: 80\n    nodePort: true\n"),
			   "t.yaml:8: Service demo/web: spec.ports[0].nodePort: must be a number "
			   "from 0 to 65535, is true");
	assert_parse_error(SERVICE("spec:\n  clusterIP: 10.222.0.1\n  ports: {port: 80}\n"),
			   "t.yaml:6: Service demo/web: spec.ports: must be a list, is a mapping");
	assert_parse_error(SERVICE("spec:\n  clusterIP: 10.222.0.1\n"
				   "  ports: [{port: 80, protocol: ICMP}]\n"),
			   "t.yaml:6: Service demo/web: spec.ports[0].protocol: must be TCP, UDP or "
			   "SCTP, is \"ICMP\"");
	assert_parse_error(SERVICE("spec: {type: External, clusterIP: 10.222.0.1}\n"),
			   "t.yaml:4: Service demo/web: spec.type: must be ClusterIP, NodePort, "
			   "LoadBalancer or ExternalName, is \"External\"");
	assert_parse_error(SERVICE("spec: {clusterIPs: [10.222.0.1, 10.222.0.2]}\n"),
			   "t.yaml:4: Service demo/web: spec.clusterIPs[1]: must be of another "
			   "family than the address before, is \"10.222.0.2\"");
	assert_parse_error(SERVICE("spec: {clusterIP: 10.222.0.300}\n"),
			   "t.yaml:4: Service demo/web: spec.clusterIP: must be a unicast IPv4 or "
			   "IPv6 address, is \"10.222.0.300\"");
	assert_parse_error("apiVersion: v1\nkind: Service\nmetadata: {name: 5}\n",
			   "t.yaml:3: Service default/without name: metadata.name: must be a text, "
			   "is 5");
}

static void reads_a_slice(void **state)
{
	const struct slice_object *slice;
	const struct endpoint *endpoint;
	struct reading reading;

	(void)state;
	reading_parse(&reading,
		      SLICE("addressType: IPv4\n"
			    "ports:\n"
			    "- {name: http, port: 8080, protocol: TCP}\n"
			    "- {name: \"\", port: 53, protocol: UDP}\n"
			    "- {port: 9}\n"
			    "- {name: zero, port: 0}\n"
			    "- {name: none}\n"
			    "endpoints:\n"
			    "- addresses: [10.111.1.10, 10.111.1.99]\n"
			    "  conditions: {}\n"
			    "- addresses: [10.111.1.11]\n"
			    "  conditions: {ready: false, terminating: true}\n"
			    "  nodeName: n1\n"
			    "- addresses: [10.111.1.12]\n"
			    "  conditions: {ready: false, serving: true, terminating: true}\n"
			    "  hints: {forZones: [{name: a}, {name: b}], forNodes: [{name: n1}]}\n"));
	assert_no_error(&reading);
	slice = reading.objects.slices.item;
	assert_string_equal(slice->service, "web");
	/* A port without name, or without number, is ignored. */
	assert_int_equal(slice->ports.count, 2);
	assert_string_equal(slice->ports.item[1].name, "");
	assert_int_equal(slice->endpoints.count, 3);
	endpoint = slice->endpoints.item;
	/* Nil ready is true, nil serving is ready, nil terminating is false. */
	assert_true(endpoint[0].ready && endpoint[0].serving && !endpoint[0].terminating);
	assert_null(endpoint[0].node);
	assert_true(!endpoint[1].ready && !endpoint[1].serving && endpoint[1].terminating);
	assert_string_equal(endpoint[1].node, "n1");
	assert_true(!endpoint[2].ready && endpoint[2].serving && endpoint[2].terminating);
	assert_int_equal(endpoint[2].for_zones.count, 2);
	assert_string_equal(endpoint[2].for_nodes.item[0], "n1");
	reading_free(&reading);
}

static void ignores_slices_of_nobody(void **state)
{
	static const char *const texts[] = {
		SLICE("addressType: FQDN\nendpoints: [{addresses: [www.example.org]}]\n"),
		"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n"
		"metadata: {name: a}\n",
		"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n"
		"metadata: {name: a, labels: {kubernetes.io/service-name: web, "
		"service.kubernetes.io/headless: \"\"}}\n",
	};
	struct reading reading;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		reading_parse(&reading, texts[i]);
		assert_no_error(&reading);
		assert_int_equal(reading.objects.slices.count, 0);
		reading_free(&reading);
	}
}

static void says_what_is_wrong_with_a_slice(void **state)
{
	(void)state;
	assert_parse_error(SLICE("addressType: IPv4\nendpoints:\n"
				 "- addresses:\n  - fd00::1\n"),
			   "t.yaml:7: EndpointSlice demo/web-1: endpoints[0].addresses[0]: must be "
			   "an IPv4 address, as addressType says, is \"fd00::1\"");
	assert_parse_error(SLICE("addressType: IPv6\nendpoints:\n- addresses: [10.0.0.1]\n"),
			   "t.yaml:6: EndpointSlice demo/web-1: endpoints[0].addresses[0]: must be "
			   "an IPv6 address, as addressType says, is \"10.0.0.1\"");
	assert_parse_error(SLICE("addressType: IPv4\nendpoints:\n- {}\n"),
			   "t.yaml:6: EndpointSlice demo/web-1: endpoints[0].addresses: must have "
			   "an address, is missing");
	assert_parse_error(SLICE("addressType: IPv4\nendpoints:\n- addresses: [10.0.0.1]\n"
				 "  conditions: {ready: \"true\"}\n"),
			   "t.yaml:7: EndpointSlice demo/web-1: endpoints[0].conditions.ready: must "
			   "be true or false, is \"true\"");
	assert_parse_error(SLICE("endpoints: []\n"),
			   "t.yaml:1: EndpointSlice demo/web-1: addressType: must be IPv4, IPv6 or "
			   "FQDN, is missing");
}

static void reads_the_platforms_settings(void **state)
{
	struct reading reading;
	const struct config *config = &reading.objects.config.config;

	(void)state;
	reading_parse(&reading, CILIUM("spec: {enabled: true, settings: {tunnelMode: VXLAN}}\n"));
	assert_no_error(&reading);
	assert_true(settings_has(&reading.objects.config.settings, SETTING_TUNNEL_MODE, "VXLAN"));
	assert_false(config_has(config, DVPNET_A_CONFIG_MODE));
	assert_false(config_has(config, DVPNET_A_CONFIG_PORT));
	reading_free(&reading);

	reading_parse(&reading, CILIUM("  annotations: {dvpnet.io/mode: auto, "
				       "dvpnet.io/vxlan-port: \"8472\", dvpnet.io/vni: \"7\", "
				       "dvpnet.io/trust-underlay: \"true\"}\n"
				       "spec: {settings: {tunnelMode: Disabled}}\n"));
	assert_no_error(&reading);
	assert_int_equal(config->value[DVPNET_A_CONFIG_MODE], DVPNET_MODE_AUTO);
	assert_int_equal(config->value[DVPNET_A_CONFIG_PORT], 8472);
	assert_int_equal(config->value[DVPNET_A_CONFIG_VNI], 7);
	assert_int_equal(config->value[DVPNET_A_CONFIG_TRUST_UNDERLAY], 1);
	reading_free(&reading);

	assert_parse_error(CILIUM("spec:\n  settings:\n    tunnelMode: Vxlan\n"),
			   "t.yaml:7: ModuleConfig cni-cilium: spec.settings.tunnelMode: must be "
			   "Disabled or VXLAN, is \"Vxlan\"");
	assert_parse_error(CILIUM("  annotations: {dvpnet.io/vxlan-port: \"0\"}\n"),
			   "t.yaml:5: ModuleConfig cni-cilium: metadata.annotations.dvpnet.io/"
			   "vxlan-port: must be a number from 1 to 65535, is \"0\"");
}

static void reads_uids(void **state)
{
	static const uint8_t expected[] = {
		0x23, 0x8e, 0x0e, 0xfd, 0x35, 0x8c, 0x4b, 0x91,
		0x86, 0x46, 0x51, 0xbf, 0x5f, 0xca, 0x5d, 0xe7,
	};
	struct reading reading;

	(void)state;
	reading_parse(&reading, "apiVersion: v1\nkind: Namespace\n"
				"metadata: {name: kube-system, "
				"uid: 238e0efd-358c-4b91-8646-51bf5fca5de7}\n");
	assert_no_error(&reading);
	assert_true(reading.objects.namespace_uid.known);
	assert_memory_equal(reading.objects.namespace_uid.bytes, expected, sizeof(expected));
	reading_free(&reading);
	assert_parse_error("apiVersion: v1\nkind: Namespace\n"
			   "metadata: {name: kube-system, uid: 238e0efd}\n",
			   "t.yaml:3: Namespace kube-system: metadata.uid: must be a UUID, is "
			   "\"238e0efd\"");
}

static void flattens_lists(void **state)
{
	struct reading reading;

	(void)state;
	reading_parse(&reading,
		      "apiVersion: v1\nkind: List\nitems:\n"
		      "- {apiVersion: v1, kind: Node, metadata: {name: n1}}\n"
		      "- apiVersion: v1\n  kind: List\n  items:\n"
		      "  - {apiVersion: v1, kind: Node, metadata: {name: n2}}\n"
		      "---\n"
		      /* As "kubectl get --raw" prints them: items without kind. */
		      "apiVersion: v1\nkind: NodeList\nitems:\n- metadata: {name: n3}\n"
		      "---\n"
		      "apiVersion: discovery.k8s.io/v1\nkind: EndpointSliceList\nitems: []\n");
	assert_no_error(&reading);
	assert_int_equal(reading.objects.nodes.count, 3);
	assert_string_equal(reading.objects.nodes.item[2].meta.name, "n3");
	reading_free(&reading);
}

static void skips_other_kinds(void **state)
{
	struct reading reading;

	(void)state;
	reading_parse(&reading,
		      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
		      "data: {x: \"kind: Node\"}\n---\n"
		      "apiVersion: serving.knative.dev/v1\nkind: Service\nspec: {ports: junk}\n---\n"
		      "apiVersion: metal.example.org/v1\nkind: Node\n---\n"
		      "apiVersion: v1\nkind: Endpoints\nsubsets: []\n---\n"
		      "apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n"
		      "metadata: {name: prometheus}\nspec: {settings: {tunnelMode: junk}}\n---\n"
		      "apiVersion: v1\nkind: Namespace\nmetadata: {name: default, uid: junk}\n");
	assert_no_error(&reading);
	assert_int_equal(reading.objects.nodes.count + reading.objects.services.count, 0);
	assert_null(reading.objects.config.meta.name);
	reading_free(&reading);
}

static void refuses_what_is_no_object(void **state)
{
	(void)state;
	assert_parse_error("hello\n", "t.yaml:1: not a Kubernetes object: expected a mapping with "
				      "apiVersion and kind");
	assert_parse_error("a: b\n---\n\nkind: Node\n",
			   "t.yaml:1: not a Kubernetes object: expected a mapping with apiVersion "
			   "and kind");
	assert_parse_error("apiVersion: v1\nkind: List\nitems:\n- null\n",
			   "t.yaml:1: not a Kubernetes object: expected a mapping with apiVersion "
			   "and kind");
}

static void refuses_lists_in_lists_without_end(void **state)
{
	(void)state;
	assert_parse_error("{apiVersion: v1, kind: List, items: [{kind: List, items: [{kind: List, "
			   "items: [{kind: List, items: [{kind: List, items: [{kind: List, "
			   "items: []}]}]}]}]}]}",
			   "t.yaml:1: not a Kubernetes object: expected a mapping with apiVersion "
			   "and kind");
}

static void finds_duplicates(void **state)
{
	(void)state;
	assert_parse_error("apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n---\n"
			   "apiVersion: v1\nkind: Node\nmetadata: {name: n2}\n---\n"
			   "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n",
			   "t.yaml:9: Node n1: stands in t.yaml:1 too; leave one out");
	assert_parse_error(SERVICE("spec: {clusterIP: None}\n---\n")
			   SERVICE("spec: {clusterIP: 10.222.0.1}\n"),
			   "t.yaml:6: Service demo/web: stands in t.yaml:1 too; leave one out");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_node),
		cmocka_unit_test(opens_nodeports_on_exactly_false),
		cmocka_unit_test(says_what_is_wrong_with_a_node),
		cmocka_unit_test(reads_a_service),
		cmocka_unit_test(ignores_services_without_address),
		cmocka_unit_test(says_what_is_wrong_with_a_service),
		cmocka_unit_test(reads_a_slice),
		cmocka_unit_test(ignores_slices_of_nobody),
		cmocka_unit_test(says_what_is_wrong_with_a_slice),
		cmocka_unit_test(reads_the_platforms_settings),
		cmocka_unit_test(reads_uids),
		cmocka_unit_test(flattens_lists),
		cmocka_unit_test(skips_other_kinds),
		cmocka_unit_test(refuses_what_is_no_object),
		cmocka_unit_test(refuses_lists_in_lists_without_end),
		cmocka_unit_test(finds_duplicates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
