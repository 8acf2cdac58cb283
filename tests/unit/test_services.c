// SPDX-License-Identifier: GPL-2.0
/* Services: frontends and who gets them, source ranges, the choice of a backend, weights. */
#include "reading.h"

#define N1 NODE("n1", "192.168.1.11", "10.111.1.0/24, \"fd00:111:1::/64\"")
#define SERVICE_OF(name, more, rest)							\
	"apiVersion: v1\nkind: Service\n"						\
	"metadata: {name: " name ", namespace: demo" more "}\n" rest "\n---\n"
#define SERVICE(name, spec) SERVICE_OF(name, "", "spec: {" spec "}")
#define BALANCER(name, ingress, spec)							\
	SERVICE_OF(name, "", "spec: {type: LoadBalancer, " spec "}\n"			\
		   "status: {loadBalancer: {ingress: [" ingress "]}}")
#define SLICE(name, annotations, endpoints)						\
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"			\
	"metadata: {name: " name ", namespace: demo, labels: "				\
	"{kubernetes.io/service-name: web}, annotations: {" annotations "}}\n"		\
	"addressType: IPv4\nports: [{name: \"\", port: 8080}]\n"			\
	"endpoints: [" endpoints "]\n---\n"
#define CILIUM(settings) "apiVersion: deckhouse.io/v1alpha1\nkind: ModuleConfig\n"	\
			 "metadata: {name: cni-cilium}\nspec: {settings: {" settings "}}\n---\n"
#define UID "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system, "		\
	    "uid: 22222222-2222-2222-2222-222222222222}\n---\n"
#define VIP4 "clusterIP: 10.222.0.10, ports: [{port: 80}]"
#define DUAL "clusterIPs: [10.222.0.10, \"fd00:222::10\"], ports: [{port: 80}]"
#define WEB(reading) find_service(reading, "demo/web", AF_INET)
#define WEB6(reading) find_service(reading, "demo/web", AF_INET6)

/* Built without error; how many warnings there are counts, too. */
static void build(struct reading *reading, const char *text, size_t warnings)
{
	reading_build(reading, text, "n1");
	assert_no_error(reading);
	if (reading->objects.report.warnings.count != warnings)
		fail_msg("%zu warnings: %s", reading->objects.report.warnings.count,
			 warnings ? "" : reading->objects.report.warnings.item[0]);
}

static void assert_frontends(const char *text, const char *v4, const char *v6)
{
	struct reading reading;

	build(&reading, text, 0);
	assert_string_equal(frontends_text(WEB(&reading)), v4);
	if (v6)
		assert_string_equal(frontends_text(WEB6(&reading)), v6);
	reading_free(&reading);
}

/* "203.0.113.0/24, 198.51.100.1/32". */
static const char *sources_text(const struct service *service)
{
	static char text[1024];
	size_t i, used = 0;

	*text = '\0';
	for (i = 0; i < service->sources.count; i++) {
		char address[IP_TEXT_MAX];

		used += snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "",
				 ip_prefix_text(&service->sources.item[i].addr,
						service->sources.item[i].len, address));
	}
	return text;
}

/* ---- frontends ---- */

static void takes_all_frontends(void **state)
{
	(void)state;
	assert_frontends(N1 UID BALANCER("web", "{ip: 198.51.100.1}, {ip: \"fd00:18::1\"}, "
					 "{ip: 198.51.100.2, ipMode: VIP}, {hostname: lb.example.org}, "
					 "{ip: 198.51.100.9, ipMode: Proxy}, {ip: \"\", hostname: x}",
					 "externalIPs: [203.0.113.1, \"fd00:19::1\"], "
					 "clusterIPs: [10.222.0.10, \"fd00:222::10\"], "
					 "ports: [{port: 80, nodePort: 30080}]"),
			 "0 10.222.0.10:80, 1 *:30080, 2 198.51.100.1:80, 2 198.51.100.2:80, "
			 "3 203.0.113.1:80",
			 "0 [fd00:222::10]:80, 1 *:30080, 2 [fd00:18::1]:80, 3 [fd00:19::1]:80");
}

/* Case 9: an explicitly asked nodePort counts, others an API server leaves out. */
static void takes_node_ports_as_they_are(void **state)
{
	(void)state;
	assert_frontends(N1 UID BALANCER("web", "{ip: 198.51.100.1}",
					 "allocateLoadBalancerNodePorts: false, " VIP4),
			 "0 10.222.0.10:80, 2 198.51.100.1:80", NULL);
	assert_frontends(N1 UID BALANCER("web", "{ip: 198.51.100.1}",
					 "allocateLoadBalancerNodePorts: false, "
					 "clusterIP: 10.222.0.10, ports: [{port: 80, nodePort: 30080}]"),
			 "0 10.222.0.10:80, 1 *:30080, 2 198.51.100.1:80", NULL);
}

static void takes_external_ips_of_any_type(void **state)
{
	struct reading reading;

	(void)state;
	assert_frontends(N1 UID SERVICE("web", "externalIPs: [203.0.113.1], " VIP4),
			 "0 10.222.0.10:80, 3 203.0.113.1:80", NULL);
	/* It can be reached from outside, so the policy for that counts. */
	build(&reading, N1 UID SERVICE("web", "externalIPs: [203.0.113.1], "
				       "externalTrafficPolicy: Local, " VIP4), 0);
	assert_int_equal(WEB(&reading)->flags, DVPNET_SERVICE_FLAGS_EXTERNAL_LOCAL);
	reading_free(&reading);
}

/* A status that a load balancer has left behind does not count. */
static void forgets_the_status_of_other_types(void **state)
{
	(void)state;
	assert_frontends(N1 UID SERVICE_OF("web", "", "spec: {loadBalancerIP: 1.2.3.4, " VIP4 "}\n"
					   "status: {loadBalancer: {ingress: [{ip: 198.51.100.1}]}}"),
			 "0 10.222.0.10:80", NULL);
}

static void takes_an_address_once(void **state)
{
	(void)state;
	assert_frontends(N1 UID BALANCER("web", "{ip: 198.51.100.1}, {ip: 198.51.100.1}",
					 "externalIPs: [198.51.100.1, 203.0.113.1, 203.0.113.1], "
					 VIP4),
			 "0 10.222.0.10:80, 2 198.51.100.1:80, 3 203.0.113.1:80", NULL);
}

static void shares_an_address_by_port(void **state)
{
	struct reading reading;

	(void)state;
	build(&reading, N1 UID BALANCER("web", "{ip: 198.51.100.1}", VIP4)
			BALANCER("more", "{ip: 198.51.100.1}",
				 "clusterIP: 10.222.0.11, ports: [{name: t, port: 81}, "
				 "{name: u, port: 80, protocol: UDP}, "
				 "{name: s, port: 80, protocol: SCTP}]"), 0);
	assert_int_equal(reading.state.services.count, 4);
	assert_string_equal(frontends_text(find_service(&reading, "demo/more:u", AF_INET)),
			    "0 10.222.0.11:80, 2 198.51.100.1:80");
	reading_free(&reading);
}

static void leaves_out_families_without_cluster_ip(void **state)
{
	struct reading reading;

	(void)state;
	build(&reading, N1 UID BALANCER("web", "{ip: \"fd00:18::1\"}",
					"externalIPs: [\"fd00:19::1\"], " VIP4), 2);
	assert_string_equal(frontends_text(WEB(&reading)), "0 10.222.0.10:80");
	assert_warning(&reading, "t.yaml:15: Service demo/web: load balancer IP fd00:18::1 is left "
				 "out: the Service has no IPv6 clusterIP");
	assert_warning(&reading, "t.yaml:14: Service demo/web: externalIP fd00:19::1 is left out: the "
				 "Service has no IPv6 clusterIP");
	reading_free(&reading);
}

/* A Service with so many external and load balancer addresses. */
static char *service_of_many(unsigned int externals, unsigned int balancers)
{
	char *text = util_strdup("spec: {type: LoadBalancer, " VIP4 ", externalIPs: [");
	unsigned int i;
	char *more;

	for (i = 0; i < externals + balancers; i++) {
		bool external = i < externals;

		more = util_printf("%s%s%s203.0.%u.%u%s", text, i == externals ?
				   "]}\nstatus: {loadBalancer: {ingress: [" : "",
				   external ? "" : "{ip: ", external ? 113 : 114, i % 256,
				   external ? ", " : "}, ");
		free(text);
		text = more;
	}
	more = util_printf("apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: demo}\n"
			   "%s%s", text, balancers ? "]}}" : "]}");
	free(text);
	return more;
}

static void has_so_many_frontends_at_most(void **state)
{
	struct reading reading;
	char *text, *all;

	(void)state;
	text = service_of_many(200, 54);
	all = util_printf(N1 UID "%s", text);
	reading_build(&reading, all, "n1");
	assert_no_error(&reading);
	assert_int_equal(WEB(&reading)->frontends.count, DVPNET_FRONTENDS_MAX - 1);
	reading_free(&reading);
	free(all);
	free(text);
	text = service_of_many(200, 55);
	assert_parse_error(text, "t.yaml:5: Service demo/web: status.loadBalancer.ingress[54].ip: must "
				 "not be there, as a Service has at most 254 IPv4 addresses from "
				 "outside, is \"203.0.114.254\"");
	free(text);
	text = service_of_many(1200, 0);
	assert_parse_error(text, "t.yaml:4: Service demo/web: spec.externalIPs[254]: must not be there, "
				 "as a Service has at most 254 IPv4 addresses from outside, is "
				 "\"203.0.113.254\"");
	free(text);
}

static void says_what_is_wrong_with_a_frontend(void **state)
{
	(void)state;
	assert_parse_error(SERVICE("web", "externalIPs: [203.0.113], " VIP4),
			   "t.yaml:4: Service demo/web: spec.externalIPs[0]: must be a unicast IPv4 "
			   "or IPv6 address, is \"203.0.113\"");
	assert_parse_error(SERVICE("web", "externalIPs: 203.0.113.1, " VIP4),
			   "t.yaml:4: Service demo/web: spec.externalIPs: must be a list, is "
			   "\"203.0.113.1\"");
	assert_parse_error(BALANCER("web", "{ip: 224.0.0.1}", VIP4),
			   "t.yaml:5: Service demo/web: status.loadBalancer.ingress[0].ip: must be a "
			   "unicast IPv4 or IPv6 address, is \"224.0.0.1\"");
	assert_parse_error(BALANCER("web", "{ip: 198.51.100.1, ipMode: vip}", VIP4),
			   "t.yaml:5: Service demo/web: status.loadBalancer.ingress[0].ipMode: must "
			   "be VIP or Proxy, is \"vip\"");
	assert_parse_error(BALANCER("web", "198.51.100.1", VIP4),
			   "t.yaml:5: Service demo/web: status.loadBalancer.ingress[0]: must be a "
			   "mapping, is \"198.51.100.1\"");
	assert_parse_error(BALANCER("web", "", "allocateLoadBalancerNodePorts: \"no\", " VIP4),
			   "t.yaml:4: Service demo/web: spec.allocateLoadBalancerNodePorts: must be "
			   "true or false, is \"no\"");
}

/* Whatever its families are. */
static void refuses_two_ports_of_one_name(void **state)
{
	static const char *const ips[] = {
		"10.222.0.10", "\"fd00:222::10\"", "10.222.0.10, \"fd00:222::10\"",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ips); i++) {
		struct reading reading;
		char *text;

		text = util_printf("apiVersion: v1\nkind: Service\n"
				   "metadata: {name: web, namespace: demo}\n"
				   "spec:\n  clusterIPs: [%s]\n  ports:\n  - {name: b, port: 80}\n"
				   "  - {name: a, port: 81}\n  - {name: b, port: 82}\n", ips[i]);
		reading_parse(&reading, text);
		assert_int_equal(reading.objects.report.errors.count, 1);
		assert_error(&reading, "t.yaml:9: Service demo/web: spec.ports[2].name: must be "
				       "another than those of the ports before, is \"b\"");
		reading_free(&reading);
		free(text);
	}
	assert_parse_error(SERVICE("web", "clusterIP: 10.222.0.10, ports: [{port: 80}, {port: 81}]"),
			   "t.yaml:4: Service demo/web: spec.ports[1].name: must be another than "
			   "those of the ports before, is missing");
}

/* ---- who gets what several claim ---- */

#define OLD(time) ", creationTimestamp: \"" time "\""
#define AT_BALANCER(name, created, ip)							\
	SERVICE_OF(name, created, "spec: {type: LoadBalancer, clusterIP: 10.222.0." ip ", "	\
		   "ports: [{port: 80}]}\nstatus: {loadBalancer: {ingress: [{ip: 198.51.100.1}]}}")

static void gives_an_address_to_the_older(void **state)
{
	struct reading reading;

	(void)state;
	build(&reading, N1 UID AT_BALANCER("a", OLD("2026-02-01T00:00:00Z"), "1")
			AT_BALANCER("b", OLD("2026-01-01T00:00:00Z"), "2"), 1);
	assert_string_equal(frontends_text(find_service(&reading, "demo/a", AF_INET)),
			    "0 10.222.0.1:80");
	assert_string_equal(frontends_text(find_service(&reading, "demo/b", AF_INET)),
			    "0 10.222.0.2:80, 2 198.51.100.1:80");
	assert_warning(&reading, "t.yaml:15: Service demo/a: load balancer IP 198.51.100.1:80 (tcp) is "
				 "claimed by Service demo/b too, which is older and keeps it "
				 "(t.yaml:21); left out here");
	reading_free(&reading);

	build(&reading, N1 UID AT_BALANCER("a", "", "1") AT_BALANCER("b", "", "2"), 1);
	assert_warning(&reading, "t.yaml:21: Service demo/b: load balancer IP 198.51.100.1:80 (tcp) is "
				 "claimed by Service demo/a too, which comes first by name and keeps "
				 "it (t.yaml:15); left out here");
	reading_free(&reading);
}

static void puts_balancers_before_external_ips(void **state)
{
	struct reading reading;

	(void)state;
	build(&reading, N1 UID SERVICE("a", "externalIPs: [198.51.100.1], clusterIP: 10.222.0.1, "
				       "ports: [{port: 80}]")
			AT_BALANCER("b", "", "2"), 1);
	assert_string_equal(frontends_text(find_service(&reading, "demo/b", AF_INET)),
			    "0 10.222.0.2:80, 2 198.51.100.1:80");
	assert_warning(&reading, "t.yaml:14: Service demo/a: externalIP 198.51.100.1:80 (tcp) is "
				 "claimed by Service demo/b too, which has it as load balancer IP and "
				 "keeps it (t.yaml:20); left out here");
	reading_free(&reading);
}

static void guards_cluster_ips(void **state)
{
	struct reading reading;

	(void)state;
	/* On whatever port: the address is another Service's. */
	build(&reading, N1 UID BALANCER("a", "{ip: 10.222.0.10}",
					"clusterIP: 10.222.0.1, ports: [{name: x, port: 80}, "
					"{name: y, port: 81}]")
			SERVICE("web", "externalIPs: [10.222.0.1], " VIP4), 2);
	assert_string_equal(frontends_text(find_service(&reading, "demo/a:x", AF_INET)),
			    "0 10.222.0.1:80");
	assert_string_equal(frontends_text(find_service(&reading, "demo/a:y", AF_INET)),
			    "0 10.222.0.1:81");
	assert_string_equal(frontends_text(WEB(&reading)), "0 10.222.0.10:80");
	assert_warning(&reading, "t.yaml:15: Service demo/a: load balancer IP 10.222.0.10 is the "
				 "clusterIP of Service demo/web (t.yaml:20); left out here");
	assert_warning(&reading, "t.yaml:20: Service demo/web: externalIP 10.222.0.1 is the clusterIP "
				 "of Service demo/a (t.yaml:14); left out here");
	reading_free(&reading);
}

static void warns_of_node_addresses(void **state)
{
	struct reading reading;

	(void)state;
	build(&reading, N1 UID SERVICE("web", "externalIPs: [192.168.1.11], " VIP4), 1);
	assert_string_equal(frontends_text(WEB(&reading)), "0 10.222.0.10:80, 3 192.168.1.11:80");
	assert_warning(&reading, "t.yaml:14: Service demo/web: externalIP 192.168.1.11 is the address "
				 "of Node n1 (t.yaml:1): connections to port 80 there lead to the "
				 "Service, not to what listens on the node");
	reading_free(&reading);
}

/* ---- source ranges ---- */

#define RANGES "loadBalancerSourceRanges: [\" 203.0.113.7/24\", \"10.9.0.0/16 \", \"fd00:77::/64\"], "

static void reads_source_ranges(void **state)
{
	struct reading reading;

	(void)state;
	build(&reading, N1 UID BALANCER("web", "{ip: 198.51.100.1}", RANGES DUAL), 0);
	assert_string_equal(sources_text(WEB(&reading)), "10.9.0.0/16, 203.0.113.0/24");
	assert_string_equal(sources_text(WEB6(&reading)), "fd00:77::/64");
	assert_int_equal(WEB(&reading)->flags, 0);
	reading_free(&reading);
	/* A family left without range is unrestricted. */
	build(&reading, N1 UID BALANCER("web", "", "loadBalancerSourceRanges: [10.9.0.0/16], " DUAL), 0);
	assert_string_equal(sources_text(WEB6(&reading)), "");
	reading_free(&reading);
	/* They are the load balancer's. */
	build(&reading, N1 UID SERVICE("web", "type: NodePort, " RANGES DUAL), 0);
	assert_string_equal(sources_text(WEB(&reading)), "");
	reading_free(&reading);
}

/* An API server lets them pass, as it always has; they are no octal numbers. */
static void reads_leading_zeros(void **state)
{
	struct reading reading;

	(void)state;
	build(&reading, N1 UID BALANCER("web", "{ip: 198.051.100.001}",
					"loadBalancerSourceRanges: [\" 010.0.0.0/8 \", 010.9.0.0/016], "
					"externalIPs: [203.000.113.010], clusterIP: 010.222.0.010, "
					"ports: [{port: 80}]")
			SLICE("web-1", "", "{addresses: [010.111.01.010]}"), 0);
	assert_string_equal(sources_text(WEB(&reading)), "10.0.0.0/8, 10.9.0.0/16");
	assert_string_equal(frontends_text(WEB(&reading)),
			    "0 10.222.0.10:80, 2 198.51.100.1:80, 3 203.0.113.10:80");
	assert_string_equal(backends_text(WEB(&reading)), "10.111.1.10:8080 CR");
	reading_free(&reading);
}

static void lets_the_node_use_its_own_vips(void **state)
{
	struct reading reading;

	(void)state;
	build(&reading, N1 UID BALANCER("web", "{ip: 198.51.100.1}, {ip: \"fd00:18::1\"}",
					"loadBalancerSourceRanges: [192.168.0.0/16, \"fd00:77::/64\", "
					"192.168.0.0/16], " DUAL), 0);
	assert_string_equal(sources_text(WEB(&reading)), "192.168.0.0/16, 198.51.100.1/32");
	assert_string_equal(sources_text(WEB6(&reading)), "fd00:77::/64");
	reading_free(&reading);
	build(&reading, N1 UID BALANCER("web", "{ip: 198.51.100.1}",
					"loadBalancerSourceRanges: [0.0.0.0/0], " VIP4), 0);
	assert_string_equal(sources_text(WEB(&reading)), "0.0.0.0/0, 198.51.100.1/32");
	reading_free(&reading);
}

static void obeys_the_check_of_ranges(void **state)
{
	struct reading reading;

	(void)state;
	build(&reading, N1 UID CILIUM("svcSourceRangeCheck: true")
			BALANCER("web", "", RANGES VIP4), 0);
	assert_int_equal(WEB(&reading)->flags, DVPNET_SERVICE_FLAGS_RANGES_ALL);
	reading_free(&reading);
	build(&reading, N1 UID CILIUM("svcSourceRangeCheck: true, "
				      "loadBalancerSourceRangeAllTypes: false")
			BALANCER("web", "", RANGES VIP4), 0);
	assert_int_equal(WEB(&reading)->flags, 0);
	assert_int_equal(WEB(&reading)->sources.count, 2);
	reading_free(&reading);
	build(&reading, N1 UID CILIUM("svcSourceRangeCheck: false")
			BALANCER("web", "", RANGES VIP4), 1);
	assert_int_equal(WEB(&reading)->sources.count, 0);
	assert_warning(&reading, "t.yaml:14: ModuleConfig cni-cilium: spec.settings."
				 "svcSourceRangeCheck: is false: loadBalancerSourceRanges of Services "
				 "are NOT checked");
	reading_free(&reading);
}

static void says_what_is_wrong_with_a_source_range(void **state)
{
	static const char *const wrong[] = {
		"10.0.0.0", "10.0.0.0/33", "10.0.0.0/8 10.1.0.0/16", "", " ", "fd00::/129", "x/8",
		"10.0.0.0/8x", "10.0.0.0 /8",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		char *text, *expected;

		text = util_printf("apiVersion: v1\nkind: Service\n"
				   "metadata: {name: web, namespace: demo}\n"
				   "spec: {type: LoadBalancer, clusterIP: 10.222.0.1,\n"
				   "  loadBalancerSourceRanges: [10.0.0.0/8, \"%s\"]}\n", wrong[i]);
		expected = util_printf("t.yaml:5: Service demo/web: spec.loadBalancerSourceRanges[1]: "
				       "must be a range of addresses like 203.0.113.0/24, is \"%s\"",
				       wrong[i]);
		assert_parse_error(text, expected);
		free(text);
		free(expected);
	}
}

/* So many ranges, and two addresses of the load balancer, one a family. */
static void assert_room(unsigned int count, const char *more, const char *expected)
{
	char *list = util_strdup(""), *text, *longer;
	struct reading reading;
	unsigned int i;

	for (i = 0; i < count; i++) {
		longer = util_printf("%s%u.%u.0.0/16, ", list, 11 + i / 250, i % 250);
		free(list);
		list = longer;
	}
	text = util_printf("apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: demo}\n"
			   "spec: {type: LoadBalancer, clusterIP: 10.222.0.1, ports: [{port: 80}],\n"
			   "  loadBalancerSourceRanges: [%s%s]}\n"
			   "status: {loadBalancer: {ingress: [{ip: 198.51.100.1}, "
			   "{ip: \"fd00:18::1\"}]}}\n", list, more);
	reading_parse(&reading, text);
	if (expected)
		assert_error(&reading, expected);
	else
		assert_no_error(&reading);
	assert_true(reading.objects.report.errors.count <= 1);
	reading_free(&reading);
	free(text);
	free(list);
}

static void takes_as_many_ranges_as_the_module(void **state)
{
	(void)state;
	assert_room(DVPNET_RANGES_MAX - 1, "\"fd00:77::/64\"", NULL);
	assert_room(DVPNET_RANGES_MAX, "", "t.yaml:5: Service demo/web: "
		    "spec.loadBalancerSourceRanges: 256 of IPv4, and 1 addresses of the load "
		    "balancer, are more than 256: join some");
}

/* ---- the choice ---- */

static void assert_affinity(const char *text, uint32_t affinity)
{
	struct reading reading;

	build(&reading, text, 0);
	assert_int_equal(WEB(&reading)->affinity, affinity);
	reading_free(&reading);
}

static void reads_affinity(void **state)
{
	(void)state;
	assert_affinity(N1 UID SERVICE("web", VIP4), 0);
	assert_affinity(N1 UID SERVICE("web", "sessionAffinity: None, " VIP4), 0);
	assert_affinity(N1 UID SERVICE("web", "sessionAffinity: ClientIP, " VIP4), 10800);
	assert_affinity(N1 UID SERVICE("web", "sessionAffinity: ClientIP, sessionAffinityConfig: "
				       "{clientIP: {timeoutSeconds: 86400}}, " VIP4), 86400);
	assert_parse_error(SERVICE("web", "sessionAffinity: clientIP, " VIP4),
			   "t.yaml:4: Service demo/web: spec.sessionAffinity: must be None or "
			   "ClientIP, is \"clientIP\"");
	assert_parse_error(SERVICE("web", "sessionAffinity: ClientIP, sessionAffinityConfig: "
				   "{clientIP: {timeoutSeconds: 86401}}, " VIP4),
			   "t.yaml:4: Service demo/web: spec.sessionAffinityConfig.clientIP."
			   "timeoutSeconds: must be a number from 1 to 86400, is 86401");
	assert_parse_error(SERVICE("web", "sessionAffinity: ClientIP, sessionAffinityConfig: "
				   "{clientIP: {timeoutSeconds: 0}}, " VIP4),
			   "t.yaml:4: Service demo/web: spec.sessionAffinityConfig.clientIP."
			   "timeoutSeconds: must be a number from 1 to 86400, is 0");
}

#define ALGORITHM(value) ", annotations: {service.cilium.io/lb-algorithm: " value "}"

static void assert_algorithm(const char *text, uint32_t algorithm, size_t warnings)
{
	struct reading reading;

	build(&reading, text, warnings);
	assert_int_equal(WEB(&reading)->algorithm, algorithm);
	reading_free(&reading);
}

static void reads_algorithms(void **state)
{
	(void)state;
	assert_algorithm(N1 UID SERVICE("web", VIP4), DVPNET_ALGORITHM_MAGLEV, 0);
	assert_algorithm(N1 UID SERVICE_OF("web", ALGORITHM("maglev"), "spec: {" VIP4 "}"),
			 DVPNET_ALGORITHM_MAGLEV, 0);
	assert_algorithm(N1 UID SERVICE_OF("web", ALGORITHM("random"), "spec: {" VIP4 "}"),
			 DVPNET_ALGORITHM_RANDOM, 0);
	assert_algorithm(N1 UID CILIUM("extraLoadBalancerAlgorithmsEnabled: true")
			 SERVICE_OF("web", ALGORITHM("least-conn"), "spec: {" VIP4 "}"),
			 DVPNET_ALGORITHM_LEAST_CONN, 0);
	assert_algorithm(N1 UID CILIUM("extraLoadBalancerAlgorithmsEnabled: false")
			 SERVICE_OF("web", ALGORITHM("least-conn"), "spec: {" VIP4 "}")
			 SERVICE_OF("also", ALGORITHM("random"),
				    "spec: {clusterIP: 10.222.0.11, ports: [{port: 80}]}"),
			 DVPNET_ALGORITHM_MAGLEV, 1);
	assert_parse_error(SERVICE_OF("web", ALGORITHM("round-robin"), "spec: {" VIP4 "}"),
			   "t.yaml:3: Service demo/web: metadata.annotations.service.cilium.io/"
			   "lb-algorithm: must be maglev, random or least-conn, is \"round-robin\"");
}

/* ---- weights, and why a list is as it is ---- */

#define EP(last) "{addresses: [10.111.1." #last "]}"
#define EP_ON(last, node) "{addresses: [10.111.1." #last "], nodeName: " node "}"
#define EP_ZONE(last, zone) "{addresses: [10.111.1." #last "], hints: {forZones: [{name: " zone "}]}}"
#define EP_NODE(last, node) "{addresses: [10.111.1." #last "], hints: {forNodes: [{name: " node "}]}}"
#define EP_DRAINING(last, node) "{addresses: [10.111.1." #last "], nodeName: " node ", "	\
				"conditions: {ready: false, serving: true, terminating: true}}"
#define WEIGHT(n) "dvpnet.io/weight: \"" #n "\""
#define S SERVICE("web", VIP4)

/* "10.111.1.1:8080 CR 5": as of backends_text(), and the weight. */
static void assert_weights(const char *text, const char *expected)
{
	char weights[512] = "";
	struct reading reading;
	size_t i, used = 0;

	build(&reading, text, 0);
	for (i = 0; i < WEB(&reading)->backends.count; i++)
		used += sprintf(weights + used, "%s%u", i ? " " : "",
				WEB(&reading)->backends.item[i].weight);
	sprintf(weights + used, " | %s", backends_text(WEB(&reading)));
	assert_string_equal(weights, expected);
	reading_free(&reading);
}

static void weighs_endpoints_by_their_slice(void **state)
{
	(void)state;
	assert_weights(N1 UID S SLICE("web-1", "", EP(1)), "1 | 10.111.1.1:8080 CR");
	assert_weights(N1 UID S SLICE("web-1", WEIGHT(9), EP(1)) SLICE("web-2", WEIGHT(1), EP(2)),
		       "9 1 | 10.111.1.1:8080 CR, 10.111.1.2:8080 CR");
	/* While it moves between slices, the largest weight, whichever copy is local. */
	assert_weights(N1 UID S SLICE("web-1", WEIGHT(9), EP_ON(1, "n2"))
		       SLICE("web-2", WEIGHT(3), EP_ON(1, "n1")), "9 | 10.111.1.1:8080 CLNR");
	assert_weights(N1 UID S SLICE("web-1", WEIGHT(3), EP(1)) SLICE("web-2", WEIGHT(9), EP(1)),
		       "9 | 10.111.1.1:8080 CR");
	assert_weights(N1 UID S SLICE("web-1", WEIGHT(0), EP(1)) SLICE("web-2", WEIGHT(9), EP(1)),
		       "9 | 10.111.1.1:8080 CR");
}

static void drains_by_weight_0(void **state)
{
	(void)state;
	/* It is named, so what it serves goes on, but in no list. */
	assert_weights(N1 UID S SLICE("web-1", WEIGHT(0), EP_ON(1, "n1")) SLICE("web-2", "", EP(2)),
		       "1 1 | 10.111.1.1:8080 NR, 10.111.1.2:8080 CR");
	assert_weights(N1 UID S SLICE("web-1", WEIGHT(0), EP(1)), "1 | 10.111.1.1:8080 R");
	/* For topology it is not there. */
	assert_weights(NODE("n1", "192.168.1.11", "10.111.1.0/24") UID S
		       SLICE("web-1", WEIGHT(0), EP(1)) SLICE("web-2", "", EP_NODE(2, "n1"))
		       SLICE("web-3", "", EP_NODE(3, "n2")),
		       "1 1 1 | 10.111.1.1:8080 R, 10.111.1.2:8080 CR, 10.111.1.3:8080 R");
	assert_weights(N1 UID S SLICE("web-1", WEIGHT(0), EP(1) ", " EP_DRAINING(3, "n1"))
		       SLICE("web-2", "", EP_DRAINING(2, "n1")),
		       "1 1 1 | 10.111.1.1:8080 R, 10.111.1.2:8080 CLNT, 10.111.1.3:8080 NT");
}

static void says_what_is_wrong_with_a_weight(void **state)
{
	(void)state;
	assert_parse_error(SLICE("web-1", WEIGHT(101), ""),
			   "t.yaml:3: EndpointSlice demo/web-1: metadata.annotations.dvpnet.io/"
			   "weight: must be a number from 0 to 100, is \"101\"");
	assert_parse_error(SLICE("web-1", WEIGHT(-1), ""),
			   "t.yaml:3: EndpointSlice demo/web-1: metadata.annotations.dvpnet.io/"
			   "weight: must be a number from 0 to 100, is \"-1\"");
	assert_parse_error(SLICE("web-1", WEIGHT(1.5), ""),
			   "t.yaml:3: EndpointSlice demo/web-1: metadata.annotations.dvpnet.io/"
			   "weight: must be a number from 0 to 100, is \"1.5\"");
	assert_parse_error(SLICE("web-1", "dvpnet.io/weight: 5", ""),
			   "t.yaml:3: EndpointSlice demo/web-1: metadata.annotations.dvpnet.io/"
			   "weight: must be a text, is 5");
}

#define ZONED "apiVersion: v1\nkind: Node\n"						\
	      "metadata: {name: n1, labels: {topology.kubernetes.io/zone: a}}\n"		\
	      "status: {addresses: [{type: InternalIP, address: 192.168.1.11}]}\n"		\
	      "spec: {podCIDR: 10.111.1.0/24}\n---\n"

static void assert_whys(const char *text, uint32_t cluster, uint32_t local)
{
	struct reading reading;

	build(&reading, text, 0);
	assert_int_equal(WEB(&reading)->cluster_why, cluster);
	assert_int_equal(WEB(&reading)->local_why, local);
	reading_free(&reading);
}

static void tells_why_lists_are_as_they_are(void **state)
{
	(void)state;
	assert_whys(ZONED UID S, DVPNET_LIST_WHY_READY, DVPNET_LIST_WHY_READY);
	assert_whys(ZONED UID S SLICE("w", "", EP(1)), DVPNET_LIST_WHY_READY, DVPNET_LIST_WHY_READY);
	assert_whys(ZONED UID S SLICE("w", "", EP_ZONE(1, "a") ", " EP_ZONE(2, "b")),
		    DVPNET_LIST_WHY_READY_ZONE, DVPNET_LIST_WHY_READY);
	assert_whys(ZONED UID S SLICE("w", "", EP_NODE(1, "n1") ", " EP_NODE(2, "n2")),
		    DVPNET_LIST_WHY_READY_NODE, DVPNET_LIST_WHY_READY);
	assert_whys(ZONED UID S SLICE("w", "", EP_DRAINING(1, "n1")),
		    DVPNET_LIST_WHY_TERMINATING, DVPNET_LIST_WHY_TERMINATING);
	assert_whys(ZONED UID S SLICE("w", "", EP_DRAINING(1, "n2")),
		    DVPNET_LIST_WHY_TERMINATING, DVPNET_LIST_WHY_READY);
	assert_whys(ZONED UID S SLICE("w", "", EP_DRAINING(1, "n1") ", " EP(2)),
		    DVPNET_LIST_WHY_READY, DVPNET_LIST_WHY_TERMINATING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_all_frontends),
		cmocka_unit_test(takes_node_ports_as_they_are),
		cmocka_unit_test(takes_external_ips_of_any_type),
		cmocka_unit_test(forgets_the_status_of_other_types),
		cmocka_unit_test(takes_an_address_once),
		cmocka_unit_test(shares_an_address_by_port),
		cmocka_unit_test(leaves_out_families_without_cluster_ip),
		cmocka_unit_test(has_so_many_frontends_at_most),
		cmocka_unit_test(says_what_is_wrong_with_a_frontend),
		cmocka_unit_test(refuses_two_ports_of_one_name),
		cmocka_unit_test(gives_an_address_to_the_older),
		cmocka_unit_test(puts_balancers_before_external_ips),
		cmocka_unit_test(guards_cluster_ips),
		cmocka_unit_test(warns_of_node_addresses),
		cmocka_unit_test(reads_source_ranges),
		cmocka_unit_test(reads_leading_zeros),
		cmocka_unit_test(lets_the_node_use_its_own_vips),
		cmocka_unit_test(obeys_the_check_of_ranges),
		cmocka_unit_test(says_what_is_wrong_with_a_source_range),
		cmocka_unit_test(takes_as_many_ranges_as_the_module),
		cmocka_unit_test(reads_affinity),
		cmocka_unit_test(reads_algorithms),
		cmocka_unit_test(weighs_endpoints_by_their_slice),
		cmocka_unit_test(drains_by_weight_0),
		cmocka_unit_test(says_what_is_wrong_with_a_weight),
		cmocka_unit_test(tells_why_lists_are_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
