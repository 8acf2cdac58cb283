/* SPDX-License-Identifier: GPL-2.0 */
/* What the agent counts of itself, and of the kernel, for Prometheus. */
#ifndef DVPNETCTL_TELEMETRY_H
#define DVPNETCTL_TELEMETRY_H

#include <jansson.h>

#include "metrics.h"
#include "reconcile.h"

/**
 * struct telemetry_changes - changes of a kind of objects
 * @total: all
 * @pending: those that the kernel has yet to follow
 */
struct telemetry_changes {
	uint64_t total;
	uint64_t pending;
};

/**
 * enum telemetry_probe - who asks for this node's health
 * @PROBE_HEALTHZ: path /healthz
 * @PROBE_LIVEZ: path /livez
 */
enum telemetry_probe { PROBE_HEALTHZ, PROBE_LIVEZ, PROBES };

/**
 * struct telemetry - what was counted
 * @started: when the agent began; times here are seconds since 1970
 * @queued: when the kernel had to follow last, 0 = never
 * @synced: when it had followed last, 0 = never
 * @failures: how often it could not
 * @all: how long it took, each time
 * @full: likewise, where all was compared
 * @partial: likewise, where only some Services were
 * @programming: from the change of a pod to the kernel
 * @triggers: when changes of endpoints were made that the kernel has yet to follow
 * @services: changes of Services
 * @endpoints: changes of EndpointSlices
 * @probes: answers, by probe; [0] is 200, [1] is 503
 */
struct telemetry {
	double started;
	double queued;
	double synced;
	uint64_t failures;
	struct histogram all;
	struct histogram full;
	struct histogram partial;
	struct histogram programming;
	LIST(double) triggers;
	struct telemetry_changes services;
	struct telemetry_changes endpoints;
	uint64_t probes[PROBES][2];
};

void telemetry_init(struct telemetry *telemetry);
void telemetry_free(struct telemetry *telemetry);
void telemetry_object(struct telemetry *telemetry, const char *kind, const json_t *object,
		      bool is_change);
void telemetry_sync(struct telemetry *telemetry, bool valid, bool was_full, double seconds);
void telemetry_probe(struct telemetry *telemetry, enum telemetry_probe probe, unsigned int status);

void telemetry_write(FILE *to, const struct telemetry *telemetry, struct reconcile *reconcile);
void telemetry_write_kernel(FILE *to, const struct config *config,
			    const struct counter_list *counters);

#endif
