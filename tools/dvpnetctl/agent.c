// SPDX-License-Identifier: GPL-2.0
/*
 * A node that follows an API server.
 *
 * One event loop: watches bring objects into the store, and once all lists are
 * there, the kernel follows, at most every so often. While the API server is away
 * nothing happens, and the kernel goes on with what it has; so it does when the
 * agent ends.
 *
 * The loop is sd-event: signals, timers and watchdog of systemd come with it.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "agent.h"
#include "cni.h"
#include "dry_run.h"
#include "handover.h"
#include "log.h"
#include "print.h"
#include "reconcile.h"
#include "watch.h"

/* A first change waits this long for those that come with it. */
#define GATHER_US 2000

/* While the kernel refuses something, more often. */
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 30000

/* "agent --once" gives up after this. */
#define ONCE_US (60 * 1000000ULL)

/* Another proxy's Services, or none's, as kube-proxy leaves them out. */
#define VISIBLE "labelSelector=%21service.kubernetes.io%2Fheadless%2C" \
		"%21service.kubernetes.io%2Fservice-proxy-name&"

/* Pods that have their address in common with another, as while a VM migrates; no others. */
#define SHARING "labelSelector=network.deckhouse.io%2Fpod-common-ip-priority&"

static const struct resource resources[] = {
	{ "nodes", "/api/v1/nodes", "", "Node", 100, false },
	{ "services", "/api/v1/services", VISIBLE, "Service", 500, false },
	{ "endpointslices", "/apis/discovery.k8s.io/v1/endpointslices", VISIBLE,
	  "EndpointSlice", 200, false },
	{ "namespace kube-system", "/api/v1/namespaces", "fieldSelector=metadata.name%3Dkube-system&",
	  "Namespace", 1, false, true },
	{ "servicecidrs", "/apis/networking.k8s.io/v1/servicecidrs", "", "ServiceCIDR", 100, true },
	{ "secret d8-cluster-configuration", "/api/v1/namespaces/kube-system/secrets",
	  "fieldSelector=metadata.name%3Dd8-cluster-configuration&", "Secret", 1, false },
	{ "virtualmachines", "/apis/virtualization.deckhouse.io/v1alpha2/virtualmachines", "",
	  "VirtualMachine", 100, true },
	{ "pods of virtual machines", "/api/v1/pods", SHARING, "Pod", 100, false },
	{ "secret d8-cni-configuration", "/api/v1/namespaces/kube-system/secrets",
	  "fieldSelector=metadata.name%3Dd8-cni-configuration&", "Secret", 1, false },
	{ "configmap cilium-config", "/api/v1/namespaces/d8-cni-cilium/configmaps",
	  "fieldSelector=metadata.name%3Dcilium-config&", "ConfigMap", 1, false, true },
	{ "moduleconfigs", "/apis/deckhouse.io/v1alpha1/moduleconfigs", "", "ModuleConfig", 100,
	  true },
};

/**
 * struct agent - an agent at work
 * @options: what was asked for
 * @loop: its event loop
 * @api: the API server
 * @watches: one for each of resources[]
 * @lists: their objects, one for each of resources[]
 * @reconcile: objects and kernel
 * @serving: what it tells of itself
 * @handover: flows that go with their machines; not if it runs once
 * @cni_runs: &reconcile.full_runs when the CNI configuration was looked at
 * @cni: what it was then
 * @cni_failed: it could not be written
 * @sync_timer: when the kernel follows next
 * @resync_timer: when all is compared next
 * @last_sync: when the kernel was changed last, in microseconds of CLOCK_MONOTONIC
 * @retry: failures in a row
 * @is_ready: systemd knows that it works
 */
struct agent {
	const struct agent_options *options;
	sd_event *loop;
	struct api api;
	struct watch watches[ARRAY_SIZE(resources)];
	struct store_list lists[ARRAY_SIZE(resources)];
	struct reconcile reconcile;
	struct serving serving;
	struct handover handover;
	uint64_t cni_runs;
	char *cni;
	bool cni_failed;
	sd_event_source *sync_timer;
	sd_event_source *resync_timer;
	uint64_t last_sync;
	struct backoff retry;
	bool is_ready;
};

/* ---- time ---- */

static uint64_t now_us(struct agent *agent)
{
	uint64_t now = 0;

	sd_event_now(agent->loop, CLOCK_MONOTONIC, &now);
	return now;
}

static void set_timer(sd_event_source *timer, uint64_t us)
{
	if (sd_event_source_set_time_relative(timer, us) < 0 ||
	    sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT) < 0)
		util_alloc(SIZE_MAX);
}

static bool is_set(sd_event_source *timer)
{
	int enabled = SD_EVENT_OFF;

	sd_event_source_get_enabled(timer, &enabled);
	return enabled != SD_EVENT_OFF;
}

/* Never later than it is set to: in a cluster something changes all the time. */
static void set_timer_at_most(struct agent *agent, sd_event_source *timer, uint64_t us)
{
	uint64_t when = 0;

	sd_event_source_get_time(timer, &when);
	if (!is_set(timer) || when > now_us(agent) + us)
		set_timer(timer, us);
}

/* ---- following ---- */

static bool is_complete(const struct agent *agent)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(resources); i++)
		if (!agent->watches[i].synced)
			return false;
	return true;
}

static bool has_work(const struct agent *agent)
{
	const struct store *store = &agent->reconcile.store;

	return !agent->reconcile.told || store->dirty.count || store->nodes_dirty ||
	       store->others_dirty;
}

/* When all is compared again: what is refused now may be taken then, so that is sooner. */
static void schedule_resync(struct agent *agent)
{
	bool retry = agent->reconcile.refused || agent->cni_failed;
	uint64_t ms = agent->options->sync_ms;

	if (retry && ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	set_timer_at_most(agent, agent->resync_timer, ms * 1000);
}

/* The kernel follows soon, but not more often than asked for. */
static void schedule(struct agent *agent)
{
	uint64_t next = agent->last_sync + agent->options->min_sync_ms * 1000ULL;
	uint64_t now = now_us(agent);

	if (!is_complete(agent) || !has_work(agent))
		return;
	serving_queued(&agent->serving);
	if (!is_set(agent->sync_timer))
		set_timer(agent->sync_timer, next > now + GATHER_US ? next - now : GATHER_US);
}

static void tell_ready(struct agent *agent)
{
	if (!agent->is_ready)
		sd_notify(0, "READY=1\nSTATUS=Following the API server");
	agent->is_ready = true;
}

static void print_dry_run(struct agent *agent)
{
	struct report report = { 0 };
	struct state want = { 0 };
	bool valid;

	valid = reconcile_build(&agent->reconcile, &want, &report);
	report_print(&report, stderr);
	sd_event_exit(agent->loop, valid ? dry_run(&want) : EXIT_FAILURE);
	report_free(&report);
	state_free(&want);
}

static void print_cni(struct agent *agent, const char *text)
{
	char *path = cni_path(agent->options->cni_dir);

	if (util_strcmp_null(text, agent->cni))
		print_json_line(json_pack("{s:s, s:{s:s, s:o}}", "action", "change", "file",
					  "name", path, "content", json_loads(text, 0, NULL)));
	fflush(stdout);
	free(path);
}

/* Whenever all was compared: it hangs on nodes, settings and devices. */
static void follow_cni(struct agent *agent)
{
	struct report report = { 0 };
	size_t changes = 0;
	char *text;

	if (!*agent->options->cni_dir || agent->cni_runs == agent->reconcile.full_runs)
		return;
	agent->cni_runs = agent->reconcile.full_runs;
	text = cni_wanted(store_node(&agent->reconcile.store, agent->options->desired.node),
			  &agent->reconcile.cluster, &report);
	if (text && agent->options->dry_run)
		print_cni(agent, text);
	else if (text)
		agent->cni_failed = !cni_write(agent->options->cni_dir, text, &changes, &report);
	if (changes && !agent->cni_failed)
		log_info("%s/" CNI_CONF_NAME " is written", agent->options->cni_dir);
	if (text) {
		free(agent->cni);
		agent->cni = text;
	}
	reconcile_say(&agent->reconcile, &report);
	report_free(&report);
}

static bool try_to_follow(struct agent *agent)
{
	bool valid;

	agent->reconcile.hold_ms = handover_hold_ms(&agent->handover);
	serving_begin(&agent->serving);
	valid = reconcile_run(&agent->reconcile);
	serving_end(&agent->serving, valid);
	if (!valid)
		return false;
	handover_follow(&agent->handover);
	follow_cni(agent);
	return true;
}

static void follow(struct agent *agent)
{
	bool valid = try_to_follow(agent);

	agent->last_sync = now_us(agent);
	if (agent->options->once) {
		sd_event_exit(agent->loop, valid && reconcile_is_complete(&agent->reconcile) ?
			      EXIT_SUCCESS : EXIT_FAILURE);
	} else if (!valid) {
		set_timer(agent->sync_timer, backoff_next(&agent->retry) * 1000ULL);
	} else {
		backoff_reset(&agent->retry);
		schedule_resync(agent);
		tell_ready(agent);
	}
}

static int on_sync_timer(sd_event_source *source, uint64_t when, void *arg)
{
	struct agent *agent = arg;

	(void)source;
	(void)when;
	if (agent->options->dry_run && agent->options->once)
		print_dry_run(agent);
	else
		follow(agent);
	return 0;
}

static int on_resync_timer(sd_event_source *source, uint64_t when, void *arg)
{
	struct agent *agent = arg;

	(void)source;
	(void)when;
	agent->reconcile.told = false;
	schedule(agent);
	return 0;
}

static int on_once_timer(sd_event_source *source, uint64_t when, void *arg)
{
	struct agent *agent = arg;
	size_t i;

	(void)source;
	(void)when;
	for (i = 0; i < ARRAY_SIZE(resources); i++)
		if (!agent->watches[i].synced)
			log_error("%s: %s", resources[i].name, agent->watches[i].problem ?
				  agent->watches[i].problem : "no complete list in time");
	sd_event_exit(agent->loop, EXIT_FAILURE);
	return 0;
}

/* ---- objects ---- */

static void on_begin(const struct resource *resource, void *arg)
{
	struct agent *agent = arg;

	store_begin(&agent->lists[resource - resources]);
}

static void on_object(const struct resource *resource, json_t *object, bool deleted, void *arg)
{
	struct report report = { 0 };
	struct agent *agent = arg;

	serving_object(&agent->serving, &agent->watches[resource - resources], object, deleted);
	if (deleted)
		store_delete(&agent->reconcile.store, object);
	else
		store_set(&agent->reconcile.store, &agent->lists[resource - resources], object,
			  &report);
	reconcile_say(&agent->reconcile, &report);
	report_free(&report);
	schedule(agent);
}

static void on_end(const struct resource *resource, void *arg)
{
	struct agent *agent = arg;

	store_end(&agent->reconcile.store, &agent->lists[resource - resources]);
	schedule(agent);
}

static const struct watch_ops watch_ops = { on_begin, on_object, on_end };

/* ---- signals ---- */

static int on_end_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	struct agent *agent = arg;

	(void)source;
	log_info("ending on signal %u; the kernel goes on with what it has", info->ssi_signo);
	sd_notify(0, "STOPPING=1");
	sd_event_exit(agent->loop, agent->options->once ? EXIT_FAILURE : EXIT_SUCCESS);
	return 0;
}

/* Who we are may have changed, and somebody wants all to be looked at. */
static int on_reload_signal(sd_event_source *source, const struct signalfd_siginfo *info,
			    void *arg)
{
	struct report report = { 0 };
	struct agent *agent = arg;
	size_t i;

	(void)source;
	(void)info;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now_us(agent));
	if (api_reload(&agent->api, &report))
		log_info("read the kubeconfig again");
	log_report(&report);
	report_free(&report);
	for (i = 0; i < ARRAY_SIZE(resources); i++)
		watch_hurry(&agent->watches[i]);
	handover_hurry(&agent->handover);
	agent->reconcile.told = false;
	schedule(agent);
	if (agent->is_ready)
		sd_notify(0, "READY=1");
	return 0;
}

/* ---- beginning and end ---- */

static bool add_signals(struct agent *agent)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	return sd_event_add_signal(agent->loop, NULL, SIGTERM, on_end_signal, agent) >= 0 &&
	       sd_event_add_signal(agent->loop, NULL, SIGINT, on_end_signal, agent) >= 0 &&
	       sd_event_add_signal(agent->loop, NULL, SIGHUP, on_reload_signal, agent) >= 0;
}

static bool add_timer(struct agent *agent, sd_event_source **timer, sd_event_time_handler_t fn)
{
	return sd_event_add_time_relative(agent->loop, timer, CLOCK_MONOTONIC, 0, 500, fn,
					  agent) >= 0 &&
	       sd_event_source_set_enabled(*timer, SD_EVENT_OFF) >= 0;
}

/* A shell's limit is low for a cluster with many health node ports. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static bool prepare(struct agent *agent)
{
	raise_file_limit();
	if (sd_event_new(&agent->loop) < 0 || !add_signals(agent) ||
	    !add_timer(agent, &agent->sync_timer, on_sync_timer) ||
	    !add_timer(agent, &agent->resync_timer, on_resync_timer))
		return false;
	sd_event_set_watchdog(agent->loop, true);
	return !agent->options->once ||
	       sd_event_add_time_relative(agent->loop, NULL, CLOCK_MONOTONIC, ONCE_US, 0,
					  on_once_timer, agent) >= 0;
}

static bool start(struct agent *agent)
{
	struct report report = { 0 };
	bool valid;
	size_t i;

	valid = api_open(&agent->api, agent->loop, agent->options->kubeconfig, &report);
	log_report(&report);
	report_free(&report);
	for (i = 0; valid && i < ARRAY_SIZE(resources); i++)
		valid = watch_start(&agent->watches[i], &agent->api, &resources[i], &watch_ops,
				    agent);
	if (valid && !agent->options->once)
		valid = handover_start(&agent->handover, &agent->api, &agent->reconcile);
	if (valid)
		log_info("node %s of the cluster of %s", agent->options->desired.node,
			 agent->api.config.server);
	if (valid && !agent->options->once)
		serving_start(&agent->serving, agent->loop, &agent->options->serving);
	return valid;
}

static void finish(struct agent *agent)
{
	size_t i;

	serving_stop(&agent->serving);
	handover_stop(&agent->handover);
	for (i = 0; i < ARRAY_SIZE(resources); i++)
		watch_stop(&agent->watches[i]);
	api_close(&agent->api);
	reconcile_free(&agent->reconcile);
	free(agent->cni);
	sd_event_source_disable_unref(agent->sync_timer);
	sd_event_source_disable_unref(agent->resync_timer);
	sd_event_unref(agent->loop);
}

/**
 * agent_run - follow an API server until told to end
 * @options: what was asked for
 *
 * Return: the exit status.
 */
int agent_run(const struct agent_options *options)
{
	struct agent agent = {
		.options = options,
		.reconcile = { .options = &options->desired, .dry_run = options->dry_run },
		.retry = { .min_ms = RETRY_MIN_MS, .max_ms = RETRY_MAX_MS },
		.serving = {
			.node = options->desired.node, .reconcile = &agent.reconcile,
			.api = &agent.api, .watches = agent.watches,
			.watch_count = ARRAY_SIZE(resources),
		},
	};
	int status = EXIT_FAILURE;

	if (prepare(&agent) && start(&agent))
		status = sd_event_loop(agent.loop);
	finish(&agent);
	return status < 0 ? EXIT_FAILURE : status;
}
