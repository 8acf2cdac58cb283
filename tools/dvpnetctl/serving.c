// SPDX-License-Identifier: GPL-2.0
/*
 * What the agent tells over HTTP, at kube-proxy's ports and paths: /healthz and /livez
 * to probes, /metrics to Prometheus, and to load balancers whether a Service is
 * served here.
 */
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "moment.h"
#include "serving.h"

/**
 * serving_parse - read ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; nothing = do not listen
 * @text: the text
 * @port: the port if none is given
 * @address: filled
 *
 * As for kube-proxy, 0.0.0.0 and :: both mean all addresses of both families.
 */
bool serving_parse(const char *text, uint16_t port, struct serving_address *address)
{
	static const uint8_t none[sizeof(address->addr.bytes)];

	*address = (struct serving_address){ .is_on = *text };
	if (!*text)
		return true;
	if (!ip_parse_endpoint(text, &address->addr, &address->port))
		return false;
	if (!address->port)
		address->port = port;
	if (!memcmp(address->addr.bytes, none, sizeof(none)))
		memset(&address->addr, 0, sizeof(address->addr));
	return true;
}

/* ---- answers ---- */

static void answer_healthz(const char *path, struct http_answer *answer, void *arg)
{
	struct serving *serving = arg;
	bool of_node = !strcmp(path, "/healthz");

	if (!of_node && strcmp(path, "/livez")) {
		http_text(answer, MHD_HTTP_NOT_FOUND, "404 page not found: there are /healthz "
			  "and /livez\n");
		return;
	}
	health_answer(&serving->health, store_node(&serving->reconcile->store, serving->node),
		      of_node, moment_us(), moment_now(), answer);
	telemetry_probe(&serving->telemetry, of_node ? PROBE_HEALTHZ : PROBE_LIVEZ,
			answer->status);
}

static void write_api(FILE *to, const struct serving *serving)
{
	static const char name[] = "dvpnet_resource_followed";
	size_t i;

	metrics_single(to, "dvpnet_api_server_up", "gauge",
		       "1 if the API server answered the last request, and let us in",
		       !serving->api->problem);
	metrics_head(to, name, "gauge",
		     "1 if objects of this resource are known, and changes of them are told");
	for (i = 0; i < serving->watch_count; i++) {
		const struct watch *watch = &serving->watches[i];

		metrics_labelled(to, name, "resource", watch->resource->name,
				 watch->synced && !watch->problem);
	}
}

static void write_metrics(const struct serving *serving, struct http_answer *answer)
{
	FILE *to;

	to = open_memstream(&answer->body, &answer->size);
	if (!to) {
		http_text(answer, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
		return;
	}
	write_api(to, serving);
	telemetry_write(to, &serving->telemetry, serving->reconcile);
	fclose(to);
	answer->status = MHD_HTTP_OK;
	http_header(answer, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
}

/* Kubernetes' own tests ask for /proxyMode; to them it is any but those that they know. */
static void answer_metrics(const char *path, struct http_answer *answer, void *arg)
{
	if (!strcmp(path, "/metrics"))
		write_metrics(arg, answer);
	else if (!strcmp(path, "/proxyMode"))
		http_text(answer, MHD_HTTP_OK, "dvpnet");
	else if (!strcmp(path, "/healthz"))
		http_text(answer, MHD_HTTP_OK, "ok");
	else
		http_text(answer, MHD_HTTP_NOT_FOUND, "404 page not found: there are /metrics, "
			  "/proxyMode and /healthz\n");
}

/* ---- what happens ---- */

static void on_sent(const struct store_service *service, void *arg)
{
	struct serving *serving = arg;

	health_ports_set(&serving->ports, service);
}

/**
 * serving_object - note that an object came
 * @serving: from serving_start()
 * @watch: from where
 * @object: the object
 * @deleted: it is no more
 */
void serving_object(struct serving *serving, const struct watch *watch, const json_t *object,
		    bool deleted)
{
	telemetry_object(&serving->telemetry, watch->resource->kind, object,
			 !deleted && watch->step == WATCH_FOLLOW);
}

/**
 * serving_queued - note that the kernel has to follow something
 * @serving: from serving_start()
 */
void serving_queued(struct serving *serving)
{
	health_queued(&serving->health, moment_us());
	serving->telemetry.queued = moment_now();
}

/**
 * serving_begin - note that the kernel is about to follow
 * @serving: from serving_start()
 */
void serving_begin(struct serving *serving)
{
	const struct node_object *node = store_node(&serving->reconcile->store, serving->node);

	serving->began = moment_us();
	serving->full_runs = serving->reconcile->full_runs;
	if (node)
		health_ports_listen(&serving->ports, node->internal, node->nodeport_any);
}

/**
 * serving_end - note that the kernel has followed, or could not
 * @serving: from serving_start()
 * @valid: it has
 */
void serving_end(struct serving *serving, bool valid)
{
	telemetry_sync(&serving->telemetry, valid,
		       serving->full_runs != serving->reconcile->full_runs,
		       (moment_us() - serving->began) / 1e6);
	if (valid)
		health_updated(&serving->health, moment_now());
}

/* ---- beginning and end ---- */

/**
 * serving_start - begin to tell
 * @serving: filled up to @watch_count
 * @loop: event loop that all of it runs in
 * @options: where
 */
void serving_start(struct serving *serving, sd_event *loop, const struct serving_options *options)
{
	const struct serving_address *healthz = &options->healthz, *metrics = &options->metrics;

	telemetry_init(&serving->telemetry);
	serving->ports.loop = loop;
	serving->ports.health = &serving->health;
	if (!options->no_node_ports) {
		serving->reconcile->store.on_sent = on_sent;
		serving->reconcile->store.on_sent_arg = serving;
	}
	if (healthz->is_on)
		http_port_open(&serving->healthz, loop, "health of the node", &healthz->addr,
			       healthz->port, answer_healthz, serving);
	if (metrics->is_on)
		http_port_open(&serving->metrics, loop, "metrics", &metrics->addr, metrics->port,
			       answer_metrics, serving);
}

/**
 * serving_stop - tell nothing any more
 * @serving: from serving_start(); all zero is fine
 */
void serving_stop(struct serving *serving)
{
	http_port_close(&serving->healthz);
	http_port_close(&serving->metrics);
	health_ports_free(&serving->ports);
	telemetry_free(&serving->telemetry);
}
