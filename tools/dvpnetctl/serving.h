/* SPDX-License-Identifier: GPL-2.0 */
/* What the agent tells over HTTP: its health, that of Services, and metrics. */
#ifndef DVPNETCTL_SERVING_H
#define DVPNETCTL_SERVING_H

#include "health_ports.h"
#include "telemetry.h"
#include "watch.h"

#define SERVING_HEALTHZ_PORT 10256
#define SERVING_METRICS_PORT 10249

/**
 * struct serving_address - where to listen
 * @is_on: listen at all
 * @is_default: nobody has asked for just this
 * @addr: address; none = all addresses, of both families
 * @port: host byte order
 */
struct serving_address {
	bool is_on;
	bool is_default;
	struct ip addr;
	uint16_t port;
};

/**
 * struct serving_options - what was asked for
 * @healthz: where probes ask for this node's health
 * @metrics: where Prometheus asks
 * @no_node_ports: open no ports of Services
 */
struct serving_options {
	struct serving_address healthz;
	struct serving_address metrics;
	bool no_node_ports;
};

/**
 * struct serving - all of it
 * @node: name of this node
 * @reconcile: objects and kernel
 * @api: the API server
 * @watches: what is followed there
 * @watch_count: how many they are
 * @health: this node's health
 * @ports: of Services
 * @telemetry: what was counted
 * @healthz: port for probes
 * @metrics: port for Prometheus
 * @began: when the sync under way began, in microseconds of CLOCK_MONOTONIC
 * @full_runs: &reconcile.full_runs then
 */
struct serving {
	const char *node;
	struct reconcile *reconcile;
	const struct api *api;
	const struct watch *watches;
	size_t watch_count;
	struct health health;
	struct health_ports ports;
	struct telemetry telemetry;
	struct http_port healthz;
	struct http_port metrics;
	uint64_t began;
	uint64_t full_runs;
};

bool serving_parse(const char *text, uint16_t port, struct serving_address *address);
void serving_start(struct serving *serving, sd_event *loop, const struct serving_options *options);
void serving_stop(struct serving *serving);
void serving_object(struct serving *serving, const struct watch *watch, const json_t *object,
		    bool deleted);
void serving_queued(struct serving *serving);
void serving_begin(struct serving *serving);
void serving_end(struct serving *serving, bool valid);

#endif
