// SPDX-License-Identifier: GPL-2.0
/*
 * What the agent counts of itself, and of the kernel, for Prometheus.
 *
 * What kube-proxy has, too, has kube-proxy's name and buckets, so that dashboards and
 * alerts go on; but not its label ip_family, since one sync does both families. The
 * number of Services without local endpoints ends in "_total" there, which a gauge
 * must not: it is untyped here. The module's counters have the module's names: what
 * was dropped, and why, is one metric, all else has one each.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "moment.h"
#include "telemetry.h"

/* Not more than these are waited for, should the kernel refuse for hours. */
#define TRIGGERS_MAX 10000

/* 1 ms, doubled 14 times. */
static const double sync_bounds[] = {
	0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048,
	4.096, 8.192, 16.384,
};

/* Half a second in two steps, a minute by seconds, two by five seconds, five by thirty. */
static const double programming_bounds[] = {
	0.25, 0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
	23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45,
	46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 65, 70, 75, 80, 85, 90, 95,
	100, 105, 110, 115, 120, 150, 180, 210, 240, 270, 300,
};

/**
 * telemetry_init - begin to count
 * @telemetry: filled
 */
void telemetry_init(struct telemetry *telemetry)
{
	const struct histogram sync = { sync_bounds, ARRAY_SIZE(sync_bounds) };

	*telemetry = (struct telemetry){
		.started = moment_now(), .all = sync, .full = sync, .partial = sync,
		.programming = { programming_bounds, ARRAY_SIZE(programming_bounds) },
	};
}

/**
 * telemetry_free - forget all
 * @telemetry: from telemetry_init()
 */
void telemetry_free(struct telemetry *telemetry)
{
	histogram_free(&telemetry->all);
	histogram_free(&telemetry->full);
	histogram_free(&telemetry->partial);
	histogram_free(&telemetry->programming);
	list_free(&telemetry->triggers);
}

/* ---- events ---- */

/* When the pods changed for which the endpoints changed, unless that was before our time. */
static void note_trigger(struct telemetry *telemetry, const json_t *object)
{
	const json_t *metadata = json_object_get(object, "metadata");
	const json_t *annotations = json_object_get(metadata, "annotations");
	double when = moment_parse(json_string_value(json_object_get(annotations,
				"endpoints.kubernetes.io/last-change-trigger-time")));

	if (when > telemetry->started && telemetry->triggers.count < TRIGGERS_MAX)
		*list_add(&telemetry->triggers) = when;
}

static void count_change(struct telemetry_changes *changes)
{
	changes->total++;
	changes->pending++;
}

/**
 * telemetry_object - note that an object came
 * @telemetry: counted there
 * @kind: its kind
 * @object: the object
 * @is_change: it has changed just now: it is neither from a list nor deleted
 */
void telemetry_object(struct telemetry *telemetry, const char *kind, const json_t *object,
		      bool is_change)
{
	if (!strcmp(kind, "Service"))
		count_change(&telemetry->services);
	if (strcmp(kind, "EndpointSlice"))
		return;
	count_change(&telemetry->endpoints);
	if (is_change)
		note_trigger(telemetry, object);
}

/**
 * telemetry_sync - note that the kernel has followed, or could not
 * @telemetry: counted there
 * @valid: it has
 * @was_full: all was compared
 * @seconds: how long it took
 */
void telemetry_sync(struct telemetry *telemetry, bool valid, bool was_full, double seconds)
{
	double now = moment_now();
	size_t i;

	histogram_add(&telemetry->all, seconds);
	histogram_add(was_full ? &telemetry->full : &telemetry->partial, seconds);
	if (!valid) {
		telemetry->failures++;
		return;
	}
	telemetry->synced = now;
	telemetry->services.pending = 0;
	telemetry->endpoints.pending = 0;
	for (i = 0; i < telemetry->triggers.count; i++)
		histogram_add(&telemetry->programming, now > telemetry->triggers.item[i] ?
			      now - telemetry->triggers.item[i] : 0);
	telemetry->triggers.count = 0;
}

/**
 * telemetry_probe - note how a probe was answered
 * @telemetry: counted there
 * @probe: which
 * @status: HTTP status
 */
void telemetry_probe(struct telemetry *telemetry, enum telemetry_probe probe, unsigned int status)
{
	telemetry->probes[probe][status != 200]++;
}

/* ---- as text ---- */

static void write_changes(FILE *to, const struct telemetry *telemetry)
{
	metrics_single(to, "kubeproxy_sync_proxy_rules_endpoint_changes_pending", "gauge",
		       "Pending proxy rules Endpoint changes", telemetry->endpoints.pending);
	metrics_single(to, "kubeproxy_sync_proxy_rules_endpoint_changes_total", "counter",
		       "Cumulative proxy rules Endpoint changes", telemetry->endpoints.total);
	metrics_single(to, "kubeproxy_sync_proxy_rules_service_changes_pending", "gauge",
		       "Pending proxy rules Service changes", telemetry->services.pending);
	metrics_single(to, "kubeproxy_sync_proxy_rules_service_changes_total", "counter",
		       "Cumulative proxy rules Service changes", telemetry->services.total);
}

static void write_syncs(FILE *to, const struct telemetry *telemetry)
{
	metrics_histogram(to, "kubeproxy_sync_proxy_rules_duration_seconds",
			  "SyncProxyRules latency in seconds", &telemetry->all);
	metrics_histogram(to, "kubeproxy_sync_full_proxy_rules_duration_seconds",
			  "SyncProxyRules latency in seconds for full resyncs", &telemetry->full);
	metrics_histogram(to, "kubeproxy_sync_partial_proxy_rules_duration_seconds",
			  "SyncProxyRules latency in seconds for partial resyncs",
			  &telemetry->partial);
	metrics_histogram(to, "kubeproxy_network_programming_duration_seconds",
			  "In Cluster Network Programming Latency in seconds",
			  &telemetry->programming);
	metrics_single(to, "kubeproxy_sync_proxy_rules_last_timestamp_seconds", "gauge",
		       "The last time proxy rules were successfully synced", telemetry->synced);
	metrics_single(to, "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", "gauge",
		       "The last time a sync of proxy rules was queued", telemetry->queued);
	metrics_single(to, "dvpnet_sync_failures_total", "counter",
		       "Syncs that the kernel refused as a whole", telemetry->failures);
}

static void write_probe(FILE *to, const char *name, const char *help, const uint64_t counts[2])
{
	metrics_head(to, name, "counter", help);
	metrics_labelled(to, name, "code", "200", counts[0]);
	metrics_labelled(to, name, "code", "503", counts[1]);
}

/**
 * struct without_local - services with a local traffic policy, and nobody on this node
 * @internal: from within the cluster
 * @external: from outside
 */
struct without_local {
	size_t internal;
	size_t external;
};

static void count_without_local(const struct store_service *service, void *arg)
{
	struct without_local *count = arg;
	uint32_t lists;
	size_t i, j;

	for (i = 0; i < service->sent.count; i++) {
		const struct service *sent = &service->sent.item[i];

		for (lists = 0, j = 0; j < sent->backends.count; j++)
			lists |= sent->backends.item[j].flags;
		/* With none anywhere the policy does not matter. */
		if (lists & DVPNET_BACKEND_FLAGS_LOCAL || !(lists & DVPNET_BACKEND_FLAGS_CLUSTER))
			continue;
		count->internal += !!(sent->flags & DVPNET_SERVICE_FLAGS_INTERNAL_LOCAL);
		count->external += !!(sent->flags & DVPNET_SERVICE_FLAGS_EXTERNAL_LOCAL);
	}
}

static void write_without_local(FILE *to, const struct store *store)
{
	static const char name[] = "kubeproxy_sync_proxy_rules_no_local_endpoints_total";
	struct without_local count = { 0 };

	store_each_service(store, count_without_local, &count);
	metrics_head(to, name, "untyped",
		     "Number of services with a Local traffic policy and no endpoints");
	metrics_labelled(to, name, "traffic_policy", "internal", count.internal);
	metrics_labelled(to, name, "traffic_policy", "external", count.external);
}

/* Names and meaning as Prometheus' own client libraries have them. */
static void write_process(FILE *to, const struct telemetry *telemetry)
{
	unsigned long size, resident = 0;
	struct rusage usage;
	FILE *statm;

	getrusage(RUSAGE_SELF, &usage);
	metrics_single(to, "process_cpu_seconds_total", "counter",
		       "Total user and system CPU time spent in seconds",
		       usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
		       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	statm = fopen("/proc/self/statm", "re");
	if (statm && fscanf(statm, "%lu %lu", &size, &resident) == 2)
		metrics_single(to, "process_resident_memory_bytes", "gauge",
			       "Resident memory size in bytes",
			       (double)resident * sysconf(_SC_PAGESIZE));
	if (statm)
		fclose(statm);
	metrics_single(to, "process_start_time_seconds", "gauge",
		       "Start time of the process since unix epoch in seconds",
		       telemetry->started);
}

static bool is_drop(const struct counter *counter)
{
	return !strncmp(counter->help, "dropped", 7) || !strncmp(counter->help, "refused", 7);
}

static void write_counters(FILE *to, const struct counter_list *list)
{
	static const char drops[] = "dvpnet_dropped_packets_total";
	size_t i;

	metrics_head(to, drops, "counter",
		     "Packets that were dropped or refused, by the module's counter of that name");
	for (i = 0; i < list->counters.count; i++)
		if (is_drop(&list->counters.item[i]))
			metrics_labelled(to, drops, "reason", list->counters.item[i].name,
					 list->counters.item[i].value);
	for (i = 0; i < list->counters.count; i++) {
		const struct counter *counter = &list->counters.item[i];
		char *name = util_printf("dvpnet_%s_total", counter->name);

		if (!is_drop(counter))
			metrics_single(to, name, "counter", counter->help, counter->value);
		free(name);
	}
}

/**
 * telemetry_write_kernel - write what the module tells
 * @to: where to write
 * @config: its settings, with the sizes of its tables
 * @counters: its counters
 */
void telemetry_write_kernel(FILE *to, const struct config *config,
			    const struct counter_list *counters)
{
	static const struct {
		uint16_t attr;
		const char *name;
		const char *help;
	} gauges[] = {
		{ DVPNET_A_CONFIG_FLOWS, "dvpnet_flows", "Translated connections" },
		{ DVPNET_A_CONFIG_MAX_FLOWS, "dvpnet_flows_limit",
		  "Translated connections for which there is room" },
		{ DVPNET_A_CONFIG_NODES, "dvpnet_nodes", "Nodes that the module knows" },
		{ DVPNET_A_CONFIG_PREFIXES, "dvpnet_prefixes", "Prefixes that the module knows" },
		{ DVPNET_A_CONFIG_SERVICES, "dvpnet_services",
		  "Service ports that the module knows, once a family" },
		{ DVPNET_A_CONFIG_GENERATION, "dvpnet_generation",
		  "How often the module's configuration has changed; less than before when the "
		  "module was loaded anew" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(gauges); i++)
		metrics_single(to, gauges[i].name, "gauge", gauges[i].help,
			       config->value[gauges[i].attr]);
	write_counters(to, counters);
}

static void write_module(FILE *to, struct reconcile *reconcile)
{
	struct counter_list counters = { 0 };
	struct config config = { 0 };
	bool valid;

	valid = reconcile->is_open && !kernel_get_config(&reconcile->sync.kernel, &config) &&
		!kernel_get_counters(&reconcile->sync.kernel, &counters);
	metrics_single(to, "dvpnet_module_up", "gauge",
		       "1 if the module answers and this network namespace has its device", valid);
	if (valid)
		telemetry_write_kernel(to, &config, &counters);
	counter_list_free(&counters);
}

/**
 * telemetry_write - write all of it
 * @to: where to write
 * @telemetry: what was counted
 * @reconcile: the way to the kernel, and what it was told
 */
void telemetry_write(FILE *to, const struct telemetry *telemetry, struct reconcile *reconcile)
{
	write_syncs(to, telemetry);
	write_changes(to, telemetry);
	write_without_local(to, &reconcile->store);
	write_probe(to, "kubeproxy_proxy_healthz_total", "Cumulative proxy healthz HTTP status",
		    telemetry->probes[PROBE_HEALTHZ]);
	write_probe(to, "kubeproxy_proxy_livez_total", "Cumulative proxy livez HTTP status",
		    telemetry->probes[PROBE_LIVEZ]);
	metrics_single(to, "dvpnet_sync_incomplete", "gauge",
		       "1 if something is left out: the module refuses a Service, or objects make no "
		       "sense or contradict each other; the agent's log says which",
		       !reconcile_is_complete(reconcile));
	metrics_head(to, "dvpnet_build_info", "gauge", "Version of the agent");
	metrics_labelled(to, "dvpnet_build_info", "version", DVPNET_VERSION, 1);
	write_module(to, reconcile);
	write_process(to, telemetry);
}
