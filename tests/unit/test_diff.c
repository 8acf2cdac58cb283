// SPDX-License-Identifier: GPL-2.0
/* What changes are sent, and in which order. */
#include "diff.h"
#include "reading.h"

#define N1 NODE("n1", "192.168.1.11", "10.111.1.0/24")
#define N2 NODE("n2", "192.168.1.12", "10.111.2.0/24")
#define SERVICE(name, spec)						\
	"apiVersion: v1\nkind: Service\n"				\
	"metadata: {name: " name ", namespace: demo}\nspec: {" spec "}\n---\n"
#define WEB SERVICE("web", "clusterIP: 10.222.0.10, ports: [{port: 80}]")
#define VXLAN "apiVersion: deckhouse.io/v1\nkind: ModuleConfig\nmetadata: {name: cni-cilium}\n" \
	      "spec: {settings: {tunnelMode: VXLAN}}\n---\n"
#define NETFILTER "apiVersion: deckhouse.io/v1\nkind: ModuleConfig\n"			\
		  "metadata: {name: cni-cilium}\nspec: {settings: {tunnelMode: VXLAN, "	\
		  "masqueradeMode: Netfilter}}\n---\n"
#define CIDRS(cidrs) "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\n"		\
		     "metadata: {name: kubernetes}\nspec: {cidrs: [" cidrs "]}\n---\n"

/* Steps as text: "+" is new, "=" changes, "." is the same, "-" goes. */
static const char *steps_text(const struct diff *diff)
{
	static char text[1024];
	size_t i, used = 0;

	*text = '\0';
	for (i = 0; i < diff->changes.count; i++) {
		const struct change *change = &diff->changes.item[i];
		char mark = change->is_new ? '+' : change->is_same ? '.' : '=';
		char address[IP_TEXT_MAX];

		if (i)
			text[used++] = ' ';
		switch (change->kind) {
		case CHANGE_CONFIG:
			used += sprintf(text + used, "config");
			break;
		case CHANGE_RANGES:
			used += sprintf(text + used, "ranges:%zu",
					change->ranges->list.count);
			break;
		case CHANGE_SET_NODE:
			used += sprintf(text + used, "%cnode:%s", mark, change->node->name);
			break;
		case CHANGE_DEL_NODE:
			used += sprintf(text + used, "-node:%s", change->node->name);
			break;
		case CHANGE_SET_PREFIX:
			used += sprintf(text + used, "%cprefix:%s", mark,
					ip_text(&change->prefix->addr, address));
			break;
		case CHANGE_DEL_PREFIX:
			used += sprintf(text + used, "-prefix:%s",
					ip_text(&change->prefix->addr, address));
			break;
		case CHANGE_SET_SERVICE:
			used += sprintf(text + used, "%cservice:%s", mark, change->service->name);
			break;
		case CHANGE_DEL_SERVICE:
			used += sprintf(text + used, "-service:%s", change->service->name);
			break;
		}
	}
	return text;
}

/* From the state that one text describes to that of another; "" is an empty kernel. */
static void assert_steps_of(const char *before, const char *after, const char *self,
			    enum diff_mode mode, const char *expected, bool keys_move)
{
	struct reading have = { 0 }, want;
	struct diff diff;

	if (*before)
		reading_build(&have, before, "n1");
	reading_build(&want, after, self);
	assert_no_error(&have);
	assert_no_error(&want);
	diff_make(&want.state, &have.state, mode, &diff);
	assert_string_equal(steps_text(&diff), expected);
	assert_int_equal(diff.keys_move, keys_move);
	assert_int_equal(diff_is_empty(&diff), mode == DIFF_CHANGES && !*expected);
	diff_free(&diff);
	reading_free(&have);
	reading_free(&want);
}

static void assert_steps(const char *before, const char *after, const char *expected)
{
	assert_steps_of(before, after, "n1", DIFF_CHANGES, expected, false);
}

static void assert_keys_move(const char *before, const char *after, const char *expected)
{
	assert_steps_of(before, after, "n1", DIFF_CHANGES, expected, true);
}

static void fills_an_empty_kernel(void **state)
{
	(void)state;
	assert_steps("", VXLAN N1 N2 WEB,
		     "config +node:n1 +node:n2 +prefix:10.111.1.0 +prefix:10.111.2.0 "
		     "+service:demo/web config");
}

/* Pods of nodes that are not known yet would be taken for the outside. */
static void masquerades_last(void **state)
{
	(void)state;
	assert_steps(NETFILTER N1, VXLAN N1 N2, "+node:n2 +prefix:10.111.2.0 config");
	assert_steps(VXLAN N1, NETFILTER N1 N2, "config +node:n2 +prefix:10.111.2.0");
}

static void replaces_ranges_as_a_whole(void **state)
{
	(void)state;
	assert_steps(N1, N1 CIDRS("10.222.0.0/16, 10.223.0.0/16") WEB, "ranges:2 +service:demo/web");
	assert_steps(N1 CIDRS("10.222.0.0/16, 10.223.0.0/16"),
		     N1 CIDRS("10.223.0.0/16, 10.222.0.0/16"), "");
	assert_steps(N1 CIDRS("10.222.0.0/16"), N1, "ranges:0");
}

static void changes_nothing_that_is_right(void **state)
{
	(void)state;
	assert_steps(N1 N2 WEB, N2 WEB N1, "");
}

static void sends_all_when_asked(void **state)
{
	(void)state;
	assert_steps_of(N1 WEB, N1 N2 WEB, "n1", DIFF_FULL,
			".node:n1 +node:n2 .prefix:10.111.1.0 +prefix:10.111.2.0 "
			".service:demo/web", false);
}

/* Case 23: one Service more is one change. */
static void changes_only_what_differs(void **state)
{
	(void)state;
	assert_steps(N1 N2 WEB, N1 N2 WEB SERVICE("b", "clusterIP: 10.222.0.2, ports: [{port: 1}]"),
		     "+service:demo/b");
	assert_steps(N1 N2 WEB, N1 N2, "-service:demo/web");
	assert_steps(N1 N2 WEB,
		     N1 N2 SERVICE("web", "clusterIP: 10.222.0.10, ports: [{port: 81}]"),
		     "=service:demo/web");
	assert_steps(N1 N2 WEB,
		     N1 N2 SERVICE("web", "clusterIP: 10.222.0.10, internalTrafficPolicy: Local, "
				   "ports: [{port: 80}]"),
		     "=service:demo/web");
	assert_steps(N1 N2 WEB,
		     N1 N2 SERVICE("web", "clusterIP: 10.222.0.10, sessionAffinity: ClientIP, "
				   "ports: [{port: 80}]"),
		     "=service:demo/web");
	assert_steps(N1 N2 WEB,
		     N1 N2 SERVICE("web", "clusterIP: 10.222.0.10, externalIPs: [203.0.113.1], "
				   "ports: [{port: 80}]"),
		     "=service:demo/web");
	assert_steps(N1 N2, N1, "-prefix:10.111.2.0 -node:n2");
	assert_steps(N1 N2, N1 NODE("n2", "192.168.1.99", "10.111.2.0/24"), "=node:n2");
}

static void moves_a_prefix_in_one_step(void **state)
{
	(void)state;
	assert_steps(N1 N2 NODE("n3", "192.168.1.13", "10.111.3.0/24"),
		     N1 NODE("n3", "192.168.1.13", "10.111.2.0/24"),
		     "=prefix:10.111.2.0 -prefix:10.111.3.0 -node:n2");
}

static void sets_a_stricter_mode_last(void **state)
{
	(void)state;
	assert_steps(VXLAN N1 N2, N1, "-prefix:10.111.2.0 -node:n2 config");
	assert_steps(N1, VXLAN N1 N2, "config +node:n2 +prefix:10.111.2.0");
}

static void frees_places_of_services_first(void **state)
{
	(void)state;
	assert_steps(N1 SERVICE("old", "clusterIP: 10.222.0.1, ports: [{port: 1}]"),
		     N1 SERVICE("new", "clusterIP: 10.222.0.1, ports: [{port: 1}]"),
		     "-service:demo/old +service:demo/new");
	/* The kernel does not change a protocol: it is another service then. */
	assert_steps(N1 WEB,
		     N1 SERVICE("web", "clusterIP: 10.222.0.10, ports: [{port: 80, protocol: UDP}]"),
		     "-service:demo/web +service:demo/web");
}

static void sees_keys_that_move(void **state)
{
	(void)state;
	assert_keys_move(N1 NODE("n2", "192.168.1.12", "10.111.2.0/24")
			 NODE("n3", "192.168.1.13", "10.111.3.0/24"),
			 N1 NODE("n2", "192.168.1.13", "10.111.2.0/24")
			 NODE("n3", "192.168.1.12", "10.111.3.0/24"), "=node:n2 =node:n3");
	assert_keys_move(N1 N2, N1 NODE("n9", "192.168.1.12", "10.111.2.0/24"),
			 "+node:n9 =prefix:10.111.2.0 -node:n2");
	assert_keys_move(N1 SERVICE("a", "clusterIP: 10.222.0.1, ports: [{port: 1}]")
			 SERVICE("b", "clusterIP: 10.222.0.2, ports: [{port: 1}]"),
			 N1 SERVICE("a", "clusterIP: 10.222.0.2, ports: [{port: 1}]")
			 SERVICE("b", "clusterIP: 10.222.0.1, ports: [{port: 1}]"),
			 "=service:demo/a =service:demo/b");
	/* This namespace becomes another node. */
	assert_steps_of(N1 N2, N1 N2, "n2", DIFF_CHANGES, "=node:n1 =node:n2", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_an_empty_kernel),
		cmocka_unit_test(masquerades_last),
		cmocka_unit_test(replaces_ranges_as_a_whole),
		cmocka_unit_test(changes_nothing_that_is_right),
		cmocka_unit_test(sends_all_when_asked),
		cmocka_unit_test(changes_only_what_differs),
		cmocka_unit_test(moves_a_prefix_in_one_step),
		cmocka_unit_test(sets_a_stricter_mode_last),
		cmocka_unit_test(frees_places_of_services_first),
		cmocka_unit_test(sees_keys_that_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
