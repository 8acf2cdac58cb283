// SPDX-License-Identifier: GPL-2.0
/* Settings of ModuleConfig cni-cilium: obeyed, reported or refused; ranges of the cluster. */
#include "base64.h"
#include "reading.h"

#define CILIUM "apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n"	\
	       "metadata:\n  name: cni-cilium\nspec:\n  settings:\n    "
#define N1 NODE("n1", "192.168.1.11", "10.111.1.0/24, \"fd00:111:1::/64\"")
#define CIDRS(cidrs) "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\n"	\
		     "metadata: {name: kubernetes}\nspec:\n  cidrs: [" cidrs "]\n---\n"
#define MODULE(name, settings) "apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n"	\
			       "metadata: {name: " name "}\nspec: {settings: {" settings "}}\n---\n"

/* ---- settings ---- */

/* No word is said of a setting that is obeyed. */
static void assert_silent(const char *setting)
{
	char *text = util_printf("%s%s\n", CILIUM, setting);
	struct reading reading;

	reading_parse(&reading, text);
	assert_no_error(&reading);
	if (reading.objects.report.warnings.count)
		fail_msg("%s: unexpected: %s", setting, reading.objects.report.warnings.item[0]);
	reading_free(&reading);
	free(text);
}

/* One warning, that begins so. */
static void assert_reported(const char *setting, const char *expected)
{
	char *text = util_printf("%s%s\n", CILIUM, setting);
	struct reading reading;

	reading_parse(&reading, text);
	assert_no_error(&reading);
	if (reading.objects.report.warnings.count != 1)
		fail_msg("%s: %zu warnings", setting, reading.objects.report.warnings.count);
	if (strncmp(reading.objects.report.warnings.item[0], expected, strlen(expected)))
		fail_msg("%s: %s", setting, reading.objects.report.warnings.item[0]);
	reading_free(&reading);
	free(text);
}

static void assert_refused(const char *setting, const char *expected)
{
	char *text = util_printf("%s%s\n", CILIUM, setting);

	assert_parse_error(text, expected);
	free(text);
}

static void obeys_silently(void **state)
{
	static const char *const settings[] = {
		"tunnelMode: VXLAN", "tunnelMode: Disabled", "createNodeRoutes: true",
		"masqueradeMode: BPF", "masqueradeMode: Netfilter", "bpfLBMode: SNAT",
		"svcSourceRangeCheck: true", "svcSourceRangeCheck: false",
		"loadBalancerSourceRangeAllTypes: false",
		"extraLoadBalancerAlgorithmsEnabled: true", "sctpEnabled: true",
		"sctpEnabled: false", "encryption: {mode: Disabled}", "policyAuditMode: false",
		"exclusiveCNIPlugin: false", "activeL2NeighborDiscoveryEnabled: false",
		"debugLogging: false", "hostFirewallEnabled: false", "tunnelMode: null",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		assert_silent(settings[i]);
}

#define AT "t.yaml:7: ModuleConfig cni-cilium: spec.settings."

static void reports_what_it_does_not_do(void **state)
{
	(void)state;
	assert_reported("createNodeRoutes: false",
			AT "createNodeRoutes: is false: dvpnet routes the pods of all nodes itself");
	assert_reported("bpfLBMode: DSR", AT "bpfLBMode: is \"DSR\": dvpnet does SNAT instead");
	assert_reported("bpfLBMode: Hybrid", AT "bpfLBMode: is \"Hybrid\": dvpnet does SNAT instead");
	assert_reported("encryption: {mode: WireGuard}",
			AT "encryption.mode: is \"WireGuard\": dvpnet does NOT encrypt");
	assert_reported("policyAuditMode: true", AT "policyAuditMode: is true: dvpnet enforces no");
	assert_reported("exclusiveCNIPlugin: true",
			AT "exclusiveCNIPlugin: is true: dvpnet is no CNI plugin");
	assert_reported("activeL2NeighborDiscoveryEnabled: true",
			AT "activeL2NeighborDiscoveryEnabled: is true: dvpnet leaves that to the "
			"kernel");
	assert_reported("debugLogging: true", AT "debugLogging: is true: dvpnet logs no packets");
	assert_reported("labelsRegex: [a, b]",
			AT "labelsRegex: is a list: dvpnet has no identities");
	assert_reported("resourcesManagement: {mode: VPA}",
			AT "resourcesManagement: is a mapping: dvpnet works in the kernel");
	assert_reported("hostFirewallEnabled: true",
			AT "hostFirewallEnabled: is true: dvpnet does NOT filter");
	assert_reported("loadBalancerSourceRangeAllTypes: true",
			AT "loadBalancerSourceRangeAllTypes: is true: changes nothing without "
			"svcSourceRangeCheck: true");
	assert_silent("loadBalancerSourceRangeAllTypes: true\n    svcSourceRangeCheck: true");
}

static void reports_what_it_does_not_know(void **state)
{
	(void)state;
	assert_reported("tunnelmode: VXLAN", AT "tunnelmode: is \"VXLAN\": dvpnet does not know this "
			"setting and ignores it");
	assert_reported("encryption: {mode: Disabled, key: x}",
			AT "encryption.key: is \"x\": dvpnet does not know this setting");
	/* "mode" is known within encryption alone. */
	assert_reported("mode: Disabled", AT "mode: is \"Disabled\": dvpnet does not know");
}

static void refuses_wrong_values(void **state)
{
	(void)state;
	assert_refused("tunnelMode: Vxlan",
		       AT "tunnelMode: must be Disabled or VXLAN, is \"Vxlan\"");
	assert_refused("createNodeRoutes: yes please",
		       AT "createNodeRoutes: must be true or false, is \"yes please\"");
	assert_refused("masqueradeMode: IPTables",
		       AT "masqueradeMode: must be BPF or Netfilter, is \"IPTables\"");
	assert_refused("bpfLBMode: dsr",
		       AT "bpfLBMode: must be SNAT, DSR or Hybrid, is \"dsr\"");
	assert_refused("svcSourceRangeCheck: 1",
		       AT "svcSourceRangeCheck: must be true or false, is 1");
	assert_refused("loadBalancerSourceRangeAllTypes: []",
		       AT "loadBalancerSourceRangeAllTypes: must be true or false, is a list");
	assert_refused("extraLoadBalancerAlgorithmsEnabled: {}",
		       AT "extraLoadBalancerAlgorithmsEnabled: must be true or false, is a mapping");
	assert_refused("sctpEnabled: \"true\"",
		       AT "sctpEnabled: must be true or false, is \"true\"");
	assert_refused("encryption: {mode: IPsec}",
		       AT "encryption.mode: must be Disabled or WireGuard, is \"IPsec\"");
	assert_refused("encryption: WireGuard",
		       AT "encryption: must be a mapping, is \"WireGuard\"");
	assert_refused("labelsRegex: a", AT "labelsRegex: must be a list, is \"a\"");
	assert_refused("resourcesManagement: VPA",
		       AT "resourcesManagement: must be a mapping, is \"VPA\"");
	assert_parse_error("apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n"
			   "metadata: {name: cni-cilium}\nspec:\n  settings: [a]\n",
			   "t.yaml:5: ModuleConfig cni-cilium: spec.settings: must be a mapping, is a "
			   "list");
}

static void chooses_who_masquerades(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading, N1, "n1");
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_MASQUERADE], 1);
	reading_free(&reading);
	reading_build(&reading, N1 MODULE("cni-cilium", "masqueradeMode: Netfilter"), "n1");
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_MASQUERADE], 0);
	reading_free(&reading);
	reading_build(&reading, N1 MODULE("cni-cilium", "masqueradeMode: BPF"), "n1");
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_MASQUERADE], 1);
	reading_free(&reading);
}

static void takes_switches_from_annotations(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading, N1 "apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n"
				   "metadata: {name: cni-cilium, annotations: {dvpnet.io/vip-echo: "
				   "\"true\", dvpnet.io/reset-removed: \"true\"}}\n", "n1");
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_VIP_ECHO], 1);
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_RESET_REMOVED], 1);
	reading_free(&reading);
	reading_build(&reading, N1, "n1");
	assert_true(config_has(&reading.state.config, DVPNET_A_CONFIG_VIP_ECHO));
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_VIP_ECHO], 0);
	assert_int_equal(reading.state.config.value[DVPNET_A_CONFIG_RESET_REMOVED], 0);
	reading_free(&reading);
	assert_parse_error("apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n"
			   "metadata: {name: cni-cilium, annotations: {dvpnet.io/vip-echo: \"1\"}}\n",
			   "t.yaml:3: ModuleConfig cni-cilium: metadata.annotations.dvpnet.io/"
			   "vip-echo: must be true or false, is \"1\"");
}

/* ---- ranges ---- */

/* "10.222.0.0/16 S, 10.66.0.0/16 I": those of Services, and what else is inside. */
static const char *ranges_text(const struct reading *reading)
{
	static char text[1024];
	size_t i, used = 0;

	*text = '\0';
	for (i = 0; i < reading->state.ranges.list.count; i++) {
		const struct range *range = &reading->state.ranges.list.item[i];
		char address[IP_TEXT_MAX];

		used += snprintf(text + used, sizeof(text) - used, "%s%s %c", i ? ", " : "",
				 ip_prefix_text(&range->addr, range->len, address),
				 range->kind == DVPNET_RANGE_KIND_SERVICE ? 'S' : 'I');
	}
	return text;
}

static void assert_ranges(const char *text, const char *expected)
{
	struct reading reading;

	reading_build(&reading, text, "n1");
	assert_no_error(&reading);
	assert_string_equal(ranges_text(&reading), expected);
	reading_free(&reading);
}

static void collects_ranges(void **state)
{
	(void)state;
	assert_ranges(N1, "");
	assert_ranges(N1 CIDRS("10.222.0.0/16, \"fd00:222::/112\""),
		      "10.222.0.0/16 S, fd00:222::/112 S");
	assert_ranges(N1 MODULE("virtualization", "virtualMachineCIDRs: [10.66.0.0/16, 10.67.0.0/24]"),
		      "10.66.0.0/16 I, 10.67.0.0/24 I");
	assert_ranges(N1 MODULE("control-plane-manager", "network: {podSubnetCIDR: 10.111.0.0/16, "
				"serviceSubnetCIDR: 10.222.0.0/16}"),
		      "10.111.0.0/16 I, 10.222.0.0/16 S");
	/* Several objects tell the same. */
	assert_ranges(N1 CIDRS("10.222.0.0/16")
		      MODULE("control-plane-manager", "network: {serviceSubnetCIDR: 10.222.0.0/16}"),
		      "10.222.0.0/16 S");
	/* A ModuleConfig without settings, and one of a module that does not matter. */
	assert_ranges(N1 MODULE("virtualization", "")
		      MODULE("prometheus", "virtualMachineCIDRs: junk"), "");
}

#define CONFIGURATION(data) "apiVersion: v1\nkind: Secret\n"					\
			    "metadata: {name: d8-cluster-configuration, namespace: kube-system}\n"	\
			    "data:\n  cluster-configuration.yaml: " data "\n---\n"

static void reads_the_cluster_configuration(void **state)
{
	(void)state;
	/* apiVersion: deckhouse.io/v1, kind: ClusterConfiguration, both subnets */
	assert_ranges(N1 CONFIGURATION("YXBpVmVyc2lvbjogZGVja2hvdXNlLmlvL3YxCmtpbmQ6IENsdXN0ZXJDb25m"
				       "aWd1cmF0aW9uCnBvZFN1Ym5ldENJRFI6IDEwLjExMS4wLjAvMTYKc2Vydm"
				       "ljZVN1Ym5ldENJRFI6IDEwLjIyMi4wLjAvMTYK"),
		      "10.111.0.0/16 I, 10.222.0.0/16 S");
	assert_ranges(N1 "apiVersion: deckhouse.io/v1\nkind: ClusterConfiguration\n"
			 "podSubnetCIDR: 10.111.0.0/16\nserviceSubnetCIDR: 10.222.0.0/16\n",
		      "10.111.0.0/16 I, 10.222.0.0/16 S");
	/* Other Secrets are not looked into. */
	assert_ranges(N1 "apiVersion: v1\nkind: Secret\n"
			 "metadata: {name: d8-cluster-configuration, namespace: demo}\n"
			 "data: {cluster-configuration.yaml: \"???\"}\n", "");
}

static void says_what_is_wrong_with_a_range(void **state)
{
	(void)state;
	assert_parse_error(CIDRS("10.222.0.0/16, 10.222.1.1/16"),
			   "t.yaml:5: ServiceCIDR kubernetes: spec.cidrs[1]: must have no bits set "
			   "behind its length, is \"10.222.1.1/16\"");
	assert_parse_error(CIDRS("10.222.0.0"),
			   "t.yaml:5: ServiceCIDR kubernetes: spec.cidrs[0]: must be a prefix like "
			   "10.111.1.0/24, is \"10.222.0.0\"");
	assert_parse_error(MODULE("virtualization", "virtualMachineCIDRs: 10.66.0.0/16"),
			   "t.yaml:4: ModuleConfig virtualization: spec.settings."
			   "virtualMachineCIDRs: must be a list, is \"10.66.0.0/16\"");
	assert_parse_error(MODULE("control-plane-manager", "network: {podSubnetCIDR: 10}"),
			   "t.yaml:4: ModuleConfig control-plane-manager: spec.settings.network."
			   "podSubnetCIDR: must be a text, is 10");
	assert_parse_error("apiVersion: deckhouse.io/v1\nkind: ClusterConfiguration\n"
			   "podSubnetCIDR: 10.111.0.0/33\n",
			   "t.yaml:3: ClusterConfiguration: podSubnetCIDR: must be a prefix like "
			   "10.111.1.0/24, is \"10.111.0.0/33\"");
	assert_parse_error(CONFIGURATION("\"a b\""),
			   "t.yaml:5: Secret kube-system/d8-cluster-configuration: data."
			   "cluster-configuration.yaml: must be a text in base64");
	/* kind: ClusterConfiguration, podSubnetCIDR: x, in its third line */
	assert_parse_error(CONFIGURATION("YXBpVmVyc2lvbjogZGVja2hvdXNlLmlvL3YxCmtpbmQ6IENsdXN0ZXJDb25m"
					 "aWd1cmF0aW9uCnBvZFN1Ym5ldENJRFI6IHgK"),
			   "t.yaml:5: cluster-configuration.yaml:3: ClusterConfiguration: "
			   "podSubnetCIDR: must be a prefix like 10.111.1.0/24, is \"x\"");
}

static void leaves_out_service_ranges_that_reach_too_far(void **state)
{
	struct reading reading;

	(void)state;
	reading_build(&reading, N1 CIDRS("10.0.0.0/8"), "n1");
	assert_no_error(&reading);
	assert_string_equal(ranges_text(&reading), "");
	assert_warning(&reading, "t.yaml:11: Service addresses 10.0.0.0/8 overlap pods 10.111.1.0/24 "
				 "(t.yaml:4): addresses there that no Service has are not dropped");
	reading_free(&reading);
	reading_build(&reading, N1 CIDRS("10.222.0.0/16")
		      MODULE("virtualization", "virtualMachineCIDRs: [10.222.128.0/24]"), "n1");
	assert_string_equal(ranges_text(&reading), "10.222.128.0/24 I");
	reading_free(&reading);
}

static void decodes_base64(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" }, { "YQ==", "a" }, { "YWI=", "ab" }, { "YWJj", "abc" },
		{ "YW\nJj\r\n", "abc" }, { "YQ", "a" }, { "Y*", NULL }, { "AAAA", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = base64_decode(cases[i][0]);

		if (util_strcmp_null(text, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], text ? text : "NULL");
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(obeys_silently),
		cmocka_unit_test(reports_what_it_does_not_do),
		cmocka_unit_test(reports_what_it_does_not_know),
		cmocka_unit_test(refuses_wrong_values),
		cmocka_unit_test(chooses_who_masquerades),
		cmocka_unit_test(takes_switches_from_annotations),
		cmocka_unit_test(collects_ranges),
		cmocka_unit_test(reads_the_cluster_configuration),
		cmocka_unit_test(says_what_is_wrong_with_a_range),
		cmocka_unit_test(leaves_out_service_ranges_that_reach_too_far),
		cmocka_unit_test(decodes_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
