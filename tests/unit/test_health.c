// SPDX-License-Identifier: GPL-2.0
/* health.c: what load balancers and probes are told. */
#include <jansson.h>

#include "health.h"
#include "reading.h"

#define MINUTE (60 * 1000000ULL)
#define NOW 1700000000.25

static struct http_answer answer;

static const char *header(const char *name)
{
	size_t i;

	for (i = 0; i < answer.headers.count; i++)
		if (!strcmp(answer.headers.item[i].name, name))
			return answer.headers.item[i].value;
	return NULL;
}

static void clear(void)
{
	http_answer_free(&answer);
	memset(&answer, 0, sizeof(answer));
}

static void expect_body(const char *text)
{
	json_t *got = json_loadb(answer.body, answer.size, 0, NULL);
	json_t *want = json_loads(text, 0, NULL);

	assert_non_null(want);
	if (!json_equal(got, want))
		fail_msg("is %s, ought to be %s", answer.body, text);
	json_decref(got);
	json_decref(want);
}

static void good_at_first(void **state)
{
	struct health health = { 0 };

	(void)state;
	assert_true(health_is_good(&health, 100 * MINUTE));
	health_queued(&health, MINUTE);
	assert_true(health_is_good(&health, 100 * MINUTE));
}

static void late_change_is_bad(void **state)
{
	struct health health = { .updated = NOW };

	(void)state;
	health_queued(&health, MINUTE);
	health_queued(&health, 2 * MINUTE - 1);
	assert_true(health_is_good(&health, 2 * MINUTE - 1));
	assert_false(health_is_good(&health, 2 * MINUTE));
	health_updated(&health, NOW);
	assert_true(health_is_good(&health, 2 * MINUTE));
}

static void answers_of_node(void **state)
{
	struct node_object node = { 0 }, leaving = { .leaving = true };
	struct health health = { .updated = NOW - 100 };

	(void)state;
	health_answer(&health, &node, true, MINUTE, NOW, &answer);
	assert_int_equal(answer.status, 200);
	assert_string_equal(header("Content-Type"), "application/json");
	assert_string_equal(header("X-Content-Type-Options"), "nosniff");
	expect_body("{\"lastUpdated\": \"2023-11-14T22:13:20.250000Z\", "
		    "\"currentTime\": \"2023-11-14T22:13:20.250000Z\", "
		    "\"healthy\": true, \"nodeEligible\": true}");
	clear();
	health_answer(&health, &leaving, true, MINUTE, NOW, &answer);
	assert_int_equal(answer.status, 503);
	expect_body("{\"lastUpdated\": \"2023-11-14T22:11:40.250000Z\", "
		    "\"currentTime\": \"2023-11-14T22:13:20.250000Z\", "
		    "\"healthy\": true, \"nodeEligible\": false}");
	clear();
	health_answer(&health, &leaving, false, MINUTE, NOW, &answer);
	assert_int_equal(answer.status, 200);
	expect_body("{\"lastUpdated\": \"2023-11-14T22:13:20.250000Z\", "
		    "\"currentTime\": \"2023-11-14T22:13:20.250000Z\", \"healthy\": true}");
	clear();
	health_queued(&health, MINUTE);
	health_answer(&health, &node, false, 5 * MINUTE, NOW, &answer);
	assert_int_equal(answer.status, 503);
	clear();
	health = (struct health){ 0 };
	health_answer(&health, NULL, true, MINUTE, NOW, &answer);
	assert_int_equal(answer.status, 503);
	expect_body("{\"lastUpdated\": \"0001-01-01T00:00:00Z\", "
		    "\"currentTime\": \"2023-11-14T22:13:20.250000Z\", "
		    "\"healthy\": true, \"nodeEligible\": false}");
	clear();
}

static void expect_service(size_t local, bool is_good, unsigned int status)
{
	health_answer_service("demo", "web", local, is_good, &answer);
	assert_int_equal(answer.status, status);
	clear();
}

static void answers_of_service(void **state)
{
	(void)state;
	health_answer_service("demo", "web", 2, true, &answer);
	assert_int_equal(answer.status, 200);
	assert_string_equal(header("Content-Type"), "application/json");
	assert_string_equal(header("X-Content-Type-Options"), "nosniff");
	assert_string_equal(header("X-Load-Balancing-Endpoint-Weight"), "2");
	expect_body("{\"service\": {\"namespace\": \"demo\", \"name\": \"web\"}, "
		    "\"localEndpoints\": 2, \"serviceProxyHealthy\": true}");
	clear();
	expect_service(0, true, 503);
	expect_service(1, false, 503);
	expect_service(1, true, 200);
}

static void add_backend(struct service *service, const char *addr, uint32_t flags)
{
	struct backend *backend = list_add(&service->backends);

	ip_parse(addr, &backend->addr);
	backend->flags = flags;
}

static void counts_local_ready(void **state)
{
	const uint32_t ready = DVPNET_BACKEND_FLAGS_READY | DVPNET_BACKEND_FLAGS_CLUSTER;
	const uint32_t local = DVPNET_BACKEND_FLAGS_LOCAL | DVPNET_BACKEND_FLAGS_ON_NODE;
	struct store_service service = { .name = "web" };
	struct service *http, *both, *six;

	(void)state;
	for (six = NULL; service.sent.count < 3;)
		six = list_add(&service.sent);
	http = &service.sent.item[0];
	both = &service.sent.item[1];
	assert_int_equal(health_count_local(&service), 0);
	add_backend(http, "10.1.0.1", ready);
	assert_int_equal(health_count_local(&service), 0);
	/* while it terminates it serves, but is not counted */
	add_backend(http, "10.1.0.2", local | DVPNET_BACKEND_FLAGS_TERMINATING);
	assert_int_equal(health_count_local(&service), 0);
	add_backend(http, "10.1.0.3", local | ready);
	add_backend(both, "10.1.0.3", local | ready);
	assert_int_equal(health_count_local(&service), 1);
	add_backend(both, "10.1.0.4", local | ready);
	add_backend(six, "fd00::3", local | ready);
	assert_int_equal(health_count_local(&service), 2);
	list_free(&http->backends);
	list_free(&both->backends);
	list_free(&six->backends);
	list_free(&service.sent);
}

#define BALANCER(more)									\
	"apiVersion: v1\nkind: Service\nmetadata: {namespace: demo, name: a}\n"		\
	"spec: {clusterIP: 10.222.0.1, ports: [{port: 80}], healthCheckNodePort: 31000, " more "}\n"

static uint16_t port_of(const char *text)
{
	struct reading reading = { 0 };
	uint16_t port;

	reading_parse(&reading, text);
	port = reading.objects.services.item[0].health_port;
	reading_free(&reading);
	return port;
}

static void port_of_local_balancers(void **state)
{
	(void)state;
	assert_int_equal(port_of(BALANCER("type: LoadBalancer, externalTrafficPolicy: Local")),
			 31000);
	assert_int_equal(port_of(BALANCER("type: LoadBalancer")), 0);
	assert_int_equal(port_of(BALANCER("type: NodePort, externalTrafficPolicy: Local")), 0);
}

static bool is_leaving(const char *text)
{
	struct reading reading = { 0 };
	bool leaving;

	reading_parse(&reading, text);
	leaving = reading.objects.nodes.item[0].leaving;
	reading_free(&reading);
	return leaving;
}

static void nodes_that_leave(void **state)
{
	(void)state;
	assert_false(is_leaving("apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
				"spec: {taints: [{key: other, effect: NoSchedule}]}\n"));
	assert_true(is_leaving("apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
			       "spec: {taints: [{key: ToBeDeletedByClusterAutoscaler}]}\n"));
	assert_true(is_leaving("apiVersion: v1\nkind: Node\nmetadata: {name: n1, "
			       "deletionTimestamp: \"2026-01-01T00:00:00Z\"}\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_at_first),
		cmocka_unit_test(late_change_is_bad),
		cmocka_unit_test(answers_of_node),
		cmocka_unit_test(answers_of_service),
		cmocka_unit_test(counts_local_ready),
		cmocka_unit_test(port_of_local_balancers),
		cmocka_unit_test(nodes_that_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
