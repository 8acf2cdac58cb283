// SPDX-License-Identifier: GPL-2.0
/*
 * Whether this node serves its Services, as load balancers and probes ask.
 *
 * The words are kube-proxy's, since others read them. While the API server is away
 * all is well: the kernel serves what it knows. Nor is anything wrong before the
 * first change was made, since the kernel may serve what it had before.
 */
#include <jansson.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "health.h"

/* Twice the period in which kube-proxy brings all in line. */
#define LATE_US (2 * 30 * 1000000ULL)

#define TIME_TEXT_MAX 64

/**
 * health_queued - note a change that the kernel has to follow
 * @health: changed
 * @now_us: microseconds of CLOCK_MONOTONIC
 */
void health_queued(struct health *health, uint64_t now_us)
{
	if (!health->pending)
		health->pending = now_us;
}

/**
 * health_updated - note that the kernel has followed all changes
 * @health: changed
 * @now: seconds since 1970
 */
void health_updated(struct health *health, double now)
{
	health->pending = 0;
	health->updated = now;
}

/**
 * health_is_good - does the kernel follow?
 * @health: what is known
 * @now_us: microseconds of CLOCK_MONOTONIC
 */
bool health_is_good(const struct health *health, uint64_t now_us)
{
	return !health->updated || !health->pending || now_us - health->pending < LATE_US;
}

static bool is_counted(const struct backend *backend)
{
	const uint32_t both = DVPNET_BACKEND_FLAGS_LOCAL | DVPNET_BACKEND_FLAGS_READY;

	return (backend->flags & both) == both;
}

static int compare_ips(const void *a, const void *b)
{
	return ip_compare(a, b);
}

/**
 * health_count_local - how many ready endpoints does a Service have on this node?
 * @service: the Service
 *
 * An endpoint counts once, however many ports it has, and whatever its families: of two
 * families the one that has more.
 */
size_t health_count_local(const struct store_service *service)
{
	size_t i, j, count[FAMILIES] = { 0 };
	LIST(struct ip) ips = { 0 };

	for (i = 0; i < service->sent.count; i++) {
		const struct service *sent = &service->sent.item[i];

		for (j = 0; j < sent->backends.count; j++)
			if (is_counted(&sent->backends.item[j]))
				*list_add(&ips) = sent->backends.item[j].addr;
	}
	list_sort(&ips, compare_ips);
	for (i = 0; i < ips.count; i++)
		if (!i || ip_compare(&ips.item[i - 1], &ips.item[i]))
			count[family_index(ips.item[i].family)]++;
	list_free(&ips);
	return count[V4] > count[V6] ? count[V4] : count[V6];
}

/* ---- answers ---- */

/* As RFC 3339 has it; year 1 is kube-proxy's word for "never". */
static const char *time_text(double seconds, char text[TIME_TEXT_MAX])
{
	time_t whole = seconds;
	struct tm utc;
	size_t size;

	if (!seconds)
		return "0001-01-01T00:00:00Z";
	gmtime_r(&whole, &utc);
	size = strftime(text, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + size, TIME_TEXT_MAX - size, ".%06dZ",
		 (int)((seconds - whole) * 1e6));
	return text;
}

static void answer_json(struct http_answer *answer, bool is_good, json_t *body)
{
	answer->status = is_good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
	answer->body = json_dumps(body, JSON_COMPACT);
	answer->size = strlen(answer->body);
	http_header(answer, "Content-Type", "application/json");
	http_header(answer, "X-Content-Type-Options", "nosniff");
	json_decref(body);
}

/**
 * health_answer - answer who asks for this node's health
 * @health: what is known
 * @node: this node's Node, or NULL if there is none
 * @of_node: whether the node is to stay is part of the question
 * @now_us: microseconds of CLOCK_MONOTONIC
 * @now: seconds since 1970
 * @answer: filled
 */
void health_answer(const struct health *health, const struct node_object *node, bool of_node,
		   uint64_t now_us, double now, struct http_answer *answer)
{
	bool healthy = health_is_good(health, now_us), is_good = healthy;
	bool eligible = node && !node->leaving;
	char updated[TIME_TEXT_MAX], current[TIME_TEXT_MAX];
	json_t *body;

	if (of_node)
		is_good &= eligible;
	body = json_pack("{s:s, s:s, s:b}",
			 "lastUpdated", time_text(is_good ? now : health->updated, updated),
			 "currentTime", time_text(now, current), "healthy", healthy);
	if (of_node)
		json_object_set_new(body, "nodeEligible", json_boolean(eligible));
	answer_json(answer, is_good, body);
}

/**
 * health_answer_service - answer a load balancer that asks whether to send clients here
 * @namespace: of the Service
 * @name: its name
 * @local: from health_count_local()
 * @is_good: from health_is_good()
 * @answer: filled
 */
void health_answer_service(const char *namespace, const char *name, size_t local, bool is_good,
			   struct http_answer *answer)
{
	http_header(answer, "X-Load-Balancing-Endpoint-Weight", "%zu", local);
	answer_json(answer, local && is_good,
		    json_pack("{s:{s:s, s:s}, s:I, s:b}",
			      "service", "namespace", namespace, "name", name,
			      "localEndpoints", (json_int_t)local, "serviceProxyHealthy", is_good));
}
