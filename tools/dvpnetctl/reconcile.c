// SPDX-License-Identifier: GPL-2.0
/*
 * Objects that change, and a kernel that follows.
 *
 * A change of Services or slices costs as much as these Services do: they alone
 * are built anew and compared with what the kernel was told of them. A virtual
 * machine that moves costs as much as the nodes and machines do, and the Services
 * that it is an endpoint of. Whatever else changes has all be built, and compared
 * with what the kernel really has; so has the beginning, a failure, and a kernel that
 * somebody else has changed.
 *
 * An object that makes no sense keeps nobody else from being served: what was
 * there of it stays. A Node that claims what another has is left out. Where nothing was
 * there of an object that configures the cluster, settings stay as they are.
 */
#include <stdlib.h>
#include <string.h>

#include "dry_run.h"
#include "log.h"
#include "reconcile.h"

/* Logged once, as long as no more than that are different. */
#define SAID_MAX 1000

/* ---- messages ---- */

static bool is_said(struct reconcile *reconcile, const char *text)
{
	size_t i;

	for (i = 0; i < reconcile->said.count; i++)
		if (!strcmp(reconcile->said.item[i], text))
			return true;
	return false;
}

static void forget_said(struct reconcile *reconcile)
{
	size_t i;

	for (i = 0; i < reconcile->said.count; i++)
		free(reconcile->said.item[i]);
	reconcile->said.count = 0;
}

static void say(struct reconcile *reconcile, enum log_level level, const char *text)
{
	bool said = is_said(reconcile, text);

	log_print(said ? LEVEL_DEBUG : level, "%s", text);
	if (said)
		return;
	if (reconcile->said.count == SAID_MAX)
		forget_said(reconcile);
	*list_add(&reconcile->said) = util_strdup(text);
}

/**
 * reconcile_say - log what is wrong, but the same only once
 * @reconcile: remembers it
 * @report: what is wrong
 */
void reconcile_say(struct reconcile *reconcile, const struct report *report)
{
	size_t i;

	for (i = 0; i < report->warnings.count; i++)
		say(reconcile, LEVEL_WARNING, report->warnings.item[i]);
	for (i = 0; i < report->errors.count; i++)
		say(reconcile, LEVEL_ERROR, report->errors.item[i]);
}

/* ---- from objects to what ought to be ---- */

static bool is_of(const struct service *service, const struct store_service *owner)
{
	size_t namespace = strlen(owner->namespace), name = strlen(owner->name);
	const char *text = service->name;

	if (strncmp(text, owner->namespace, namespace) || text[namespace] != '/' ||
	    strncmp(text + namespace + 1, owner->name, name))
		return false;
	text += namespace + 1 + name;
	return !*text || *text == ':';
}

/* Takes those of @owner out of a list; others, of its rivals, stay and are freed there. */
static void take_services(struct state *want, const struct store_service *owner,
			  struct service *services, size_t *count)
{
	size_t i, kept = 0;

	for (i = 0; i < *count; i++) {
		if (is_of(&services[i], owner))
			*list_add(&want->services) = services[i];
		else
			services[kept++] = services[i];
	}
	*count = kept;
}

/* The services of a Service, appended to @want; those that were there if it makes no sense. */
static void build_service(struct reconcile *reconcile, struct store_service *service,
			  struct objects *view, struct state *want, struct report *report)
{
	struct report own = { 0 };
	struct state built = { 0 };

	if (!service->object)
		return;
	store_view_service(service, view);
	if (desired_build(view, reconcile->options, &built, &own) && !own.errors.count)
		take_services(want, service, built.services.item, &built.services.count);
	else
		take_services(want, service, service->sent.item, &service->sent.count);
	report_take(report, &own, "; its state before is kept");
	state_free(&built);
}

/* All services that have changed. */
static void build_services(struct reconcile *reconcile, struct state *want,
			   struct report *report)
{
	struct objects view;
	size_t i;

	store_view(&reconcile->store, reconcile->options->node, &view);
	for (i = 0; i < reconcile->store.dirty.count; i++)
		build_service(reconcile, reconcile->store.dirty.item[i], &view, want, report);
	store_view_end(&view);
	list_sort(&want->services, service_compare);
}

static const char *zone_of(const struct objects *view, const char *node)
{
	size_t i;

	for (i = 0; i < view->nodes.count; i++)
		if (!strcmp(view->nodes.item[i].meta.name, node))
			return view->nodes.item[i].zone;
	return NULL;
}

/* The settings that are in use, and that somebody wanted; false if there are none. */
static bool config_before(struct reconcile *reconcile, struct config *config)
{
	struct state have = { 0 };
	bool valid;

	if (reconcile->cluster.nodes.count) {
		*config = reconcile->cluster.config;
		return true;
	}
	if (reconcile->is_open)
		valid = !kernel_get_config(&reconcile->sync.kernel, &have.config);
	else
		valid = dry_run_have(&have) == EXIT_SUCCESS;
	*config = have.config;
	state_free(&have);
	/* A device that is new has no nodes, and the kernel's own defaults. */
	return valid && config->value[DVPNET_A_CONFIG_NODES];
}

/*
 * What configures the cluster as a whole and makes no sense, and never did here: else it
 * would be the one before.
 */
static void pass_over(struct reconcile *reconcile, struct report *wrong, struct state *want,
		      struct report *report)
{
	struct config before;

	if (wrong->errors.count && config_before(reconcile, &before))
		desired_keep_config(&before, reconcile->options, want);
	report_take(report, wrong, "; until it is mended, settings stay as they were; where there "
		    "were none, they are what can be read");
}

/* Places point to names of files that belong to a view; the state outlives it. */
static void forget_places(struct state *want)
{
	size_t i;

	for (i = 0; i < want->ranges.list.count; i++)
		want->ranges.list.item[i].place = (struct place){ 0 };
	for (i = 0; i < want->machine_ranges.count; i++)
		want->machine_ranges.item[i].place = (struct place){ 0 };
}

/* Nodes, prefixes and settings; @zone is filled with that of this node. */
static bool build_cluster(struct reconcile *reconcile, struct state *want, char **zone,
			  struct report *report)
{
	struct report own = { 0 };
	struct objects view;
	bool valid;

	store_view(&reconcile->store, NULL, &view);
	valid = desired_build(&view, reconcile->options, want, &own);
	reconcile->is_partial = own.errors.count;
	report_take(report, &own, valid ? "; left out here" : "");
	pass_over(reconcile, &view.report, want, report);
	*zone = util_strdup(zone_of(&view, reconcile->options->node));
	forget_places(want);
	store_view_end(&view);
	return valid;
}

/**
 * reconcile_build - build all anew
 * @reconcile: its store has the objects
 * @want: filled: complete and sorted
 * @report: what is wrong with the objects, and what is done about it
 *
 * Return: false if nothing can be made of them.
 */
bool reconcile_build(struct reconcile *reconcile, struct state *want, struct report *report)
{
	char *zone;

	if (!build_cluster(reconcile, want, &zone, report)) {
		free(zone);
		return false;
	}
	free(reconcile->zone);
	reconcile->zone = zone;
	store_touch(&reconcile->store);
	build_services(reconcile, want, report);
	return true;
}

/* ---- into the kernel ---- */

/**
 * enum extent - how much of the cluster has changed
 * @EXTENT_NONE: nothing that matters
 * @EXTENT_MACHINES: where virtual machines are
 * @EXTENT_ALL: anything
 */
enum extent { EXTENT_NONE, EXTENT_MACHINES, EXTENT_ALL };

static bool is_of_machine(const struct change *change)
{
	return (change->kind == CHANGE_SET_PREFIX || change->kind == CHANGE_DEL_PREFIX) &&
	       change->prefix->is_machine;
}

static enum extent compare_clusters(const struct state *want, const struct state *have)
{
	enum extent extent = EXTENT_NONE;
	struct diff diff;
	size_t i;

	if (memcmp(want->config.secret, have->config.secret, sizeof(want->config.secret)))
		return EXTENT_ALL;
	diff_make(want, have, DIFF_CHANGES, &diff);
	if (diff.changes.count)
		extent = EXTENT_MACHINES;
	for (i = 0; i < diff.changes.count; i++)
		if (!is_of_machine(&diff.changes.item[i]))
			extent = EXTENT_ALL;
	diff_free(&diff);
	return extent;
}

/*
 * Have nodes, machines or settings changed so that it matters? What makes no sense
 * does not. @want is filled, without services.
 */
static enum extent cluster_extent(struct reconcile *reconcile, struct state *want)
{
	struct store *store = &reconcile->store;
	enum extent extent = EXTENT_NONE;
	struct report report = { 0 };
	char *zone;

	if (!store->nodes_dirty && !store->others_dirty)
		return EXTENT_NONE;
	if (build_cluster(reconcile, want, &zone, &report))
		extent = store->others_dirty || util_strcmp_null(zone, reconcile->zone) ?
			 EXTENT_ALL : compare_clusters(want, &reconcile->cluster);
	reconcile_say(reconcile, &report);
	report_free(&report);
	free(zone);
	store->nodes_dirty = false;
	store->others_dirty = false;
	return extent;
}

static bool read_generation(struct reconcile *reconcile, uint32_t *generation)
{
	struct config config;

	*generation = 0;
	if (reconcile->dry_run)
		return true;
	if (kernel_get_config(&reconcile->sync.kernel, &config))
		return false;
	*generation = config.value[DVPNET_A_CONFIG_GENERATION];
	return true;
}

static size_t system_changes(const struct sync_result *result)
{
	size_t count = 0;
	int step;

	for (step = 0; step < SYSTEM_STEPS; step++)
		count += result->system[step];
	return count;
}

static void log_result(const struct sync_result *result)
{
	size_t system = system_changes(result);
	bool changed = result->added + result->changed + result->removed + system;

	log_print(changed ? LEVEL_INFO : LEVEL_DEBUG, "all: %zu added, %zu changed, %zu removed; "
		  "%zu changes of the rest of the system", result->added, result->changed,
		  result->removed, system);
}

static void log_origin(const struct state *want, const struct state *before)
{
	if (util_strcmp_null(want->origin.mode, before->origin.mode))
		log_info("mode %s: %s", config_mode_text(want->config.value[DVPNET_A_CONFIG_MODE]),
			 want->origin.mode);
	if (util_strcmp_null(want->origin.port, before->origin.port))
		log_info("VXLAN port %u: %s", want->config.value[DVPNET_A_CONFIG_PORT],
			 want->origin.port);
}

/* ---- machines that come and go ---- */

static const struct prefix *find_machine(const struct reconcile *reconcile, const struct ip *addr)
{
	const struct prefix key = { .addr = *addr, .len = ip_bits(addr) };
	const struct state *cluster = &reconcile->cluster;
	const struct prefix *found;

	if (!cluster->prefixes.count)
		return NULL;
	found = bsearch(&key, cluster->prefixes.item, cluster->prefixes.count, sizeof(key),
			prefix_compare);
	return found && found->is_machine ? found : NULL;
}

static bool is_here(const struct reconcile *reconcile, const struct prefix *prefix)
{
	return !strcmp(prefix->node, reconcile->options->node);
}

/* Where a machine was before, if that was another node than @want says. */
static const struct prefix *moved_from(const struct reconcile *reconcile, const struct prefix *want)
{
	const struct prefix *before = want->is_machine ? find_machine(reconcile, &want->addr) : NULL;

	return before && strcmp(before->node, want->node) ? before : NULL;
}

/* What it had here in an earlier stay is over; its connections have gone on elsewhere. */
static void flush_client(struct reconcile *reconcile, const struct ip *addr)
{
	const struct flow filter = { .client = *addr };
	uint32_t count;

	if (!reconcile->dry_run)
		kernel_flush_flows(&reconcile->sync.kernel, &filter, &count);
}

/* Those that come here from another node bring their flows a moment later. */
static void receive_coming(struct reconcile *reconcile, struct state *want)
{
	size_t i;

	for (i = 0; i < want->prefixes.count; i++) {
		struct prefix *prefix = &want->prefixes.item[i];

		if (!is_here(reconcile, prefix) || !moved_from(reconcile, prefix))
			continue;
		prefix->hold = reconcile->hold_ms;
		flush_client(reconcile, &prefix->addr);
	}
}

static void tell_leaving(struct reconcile *reconcile, const struct state *want)
{
	size_t i;

	for (i = 0; reconcile->on_leave && i < want->prefixes.count; i++) {
		const struct prefix *prefix = &want->prefixes.item[i];
		const struct prefix *before = moved_from(reconcile, prefix);

		if (before && is_here(reconcile, before))
			reconcile->on_leave(prefix, reconcile->on_leave_arg);
	}
}

/**
 * reconcile_own_machine - is this the address of a machine of this node?
 * @reconcile: what the kernel was told
 * @addr: the address
 *
 * Return: its prefix, or NULL.
 */
const struct prefix *reconcile_own_machine(const struct reconcile *reconcile, const struct ip *addr)
{
	const struct prefix *prefix = find_machine(reconcile, addr);

	return prefix && is_here(reconcile, prefix) ? prefix : NULL;
}

/* Keeps what the kernel was told, to compare with. */
static void remember(struct reconcile *reconcile, struct state *want)
{
	reconcile->told = read_generation(reconcile, &reconcile->generation);
	store_sent(&reconcile->store, want);
	log_origin(want, &reconcile->cluster);
	state_free(&reconcile->cluster);
	reconcile->cluster = *want;
	list_free(&reconcile->cluster.services);
	memset(want, 0, sizeof(*want));
	reconcile->store.nodes_dirty = false;
	reconcile->store.others_dirty = false;
}

/* Prints what sync_state() would do, given what was printed before. */
static bool print_all(struct reconcile *reconcile, const struct state *want,
		      struct sync_result *result)
{
	struct state have = { 0 };
	bool valid = true;

	memset(result, 0, sizeof(*result));
	if (reconcile->printed) {
		have = reconcile->cluster;
		store_have(&reconcile->store, &have);
		dry_run_changes(want, &have);
		list_free(&have.services);
	} else {
		valid = dry_run_have(&have) == EXIT_SUCCESS;
		if (valid)
			dry_run_changes(want, &have);
		state_free(&have);
	}
	reconcile->printed = valid;
	return valid;
}

static bool run_all(struct reconcile *reconcile)
{
	struct report report = { 0 };
	struct state want = { 0 };
	struct sync_result result;
	size_t errors;
	bool valid;

	reconcile->told = false;
	reconcile->full_runs++;
	valid = reconcile_build(reconcile, &want, &report);
	if (valid)
		receive_coming(reconcile, &want);
	errors = report.errors.count;
	if (valid && reconcile->dry_run)
		valid = print_all(reconcile, &want, &result);
	else if (valid)
		valid = sync_state(&reconcile->sync, &want, DIFF_CHANGES, &result, &report);
	if (valid) {
		log_result(&result);
		reconcile->refused = report.errors.count > errors;
		tell_leaving(reconcile, &want);
		remember(reconcile, &want);
	}
	reconcile_say(reconcile, &report);
	report_free(&report);
	state_free(&want);
	return valid;
}

/* Services whose endpoints are on another node now. */
static void touch_moved(struct reconcile *reconcile, const struct state *want)
{
	struct diff diff;
	size_t i;

	diff_make(want, &reconcile->cluster, DIFF_CHANGES, &diff);
	for (i = 0; i < diff.changes.count; i++)
		store_touch_address(&reconcile->store, &diff.changes.item[i].prefix->addr);
	diff_free(&diff);
}

/* Takes @want if it was done. */
static bool run_machines(struct reconcile *reconcile, struct state *want)
{
	struct sync_result result = { 0 };
	struct report report = { 0 };
	bool valid = true;

	touch_moved(reconcile, want);
	receive_coming(reconcile, want);
	if (reconcile->dry_run)
		dry_run_changes(want, &reconcile->cluster);
	else
		valid = sync_machines(&reconcile->sync, want, &reconcile->cluster, &result,
				      &report);
	if (valid) {
		log_info("machines: %zu added, %zu changed, %zu removed", result.added,
			 result.changed, result.removed);
		reconcile->told = read_generation(reconcile, &reconcile->generation);
		tell_leaving(reconcile, want);
		state_free(&reconcile->cluster);
		reconcile->cluster = *want;
		memset(want, 0, sizeof(*want));
	}
	/* If it failed, all of it is tried, and that tells what is wrong. */
	report_free(&report);
	return valid;
}

static bool run_services(struct reconcile *reconcile)
{
	struct report report = { 0 };
	struct state want = { 0 }, have = { 0 };
	struct sync_result result;
	bool valid = true;

	build_services(reconcile, &want, &report);
	reconcile_say(reconcile, &report);
	report_free(&report);
	store_have(&reconcile->store, &have);
	if (reconcile->dry_run)
		dry_run_changes(&want, &have);
	else
		valid = sync_services(&reconcile->sync, &want, &have, &result, &report);
	if (valid) {
		log_debug("services: %zu looked at", want.services.count);
		store_sent(&reconcile->store, &want);
		reconcile->told = read_generation(reconcile, &reconcile->generation);
	}
	/* If it failed, all of it is tried, and that tells what is wrong. */
	report_free(&report);
	list_free(&have.services);
	state_free(&want);
	return valid;
}

/* The kernel is as it was left: nobody else has changed it, or loaded it anew. */
static bool is_as_told(struct reconcile *reconcile)
{
	uint32_t generation;

	return reconcile->told && read_generation(reconcile, &generation) &&
	       generation == reconcile->generation;
}

/* As much as has to be; false if that was not possible, or is not known. */
static bool run_changes(struct reconcile *reconcile)
{
	struct state want = { 0 };
	enum extent extent;
	bool valid;

	if (!is_as_told(reconcile))
		return false;
	extent = cluster_extent(reconcile, &want);
	valid = extent == EXTENT_NONE ||
		(extent == EXTENT_MACHINES && run_machines(reconcile, &want));
	state_free(&want);
	return valid && run_services(reconcile);
}

/**
 * reconcile_run - have the kernel follow what has changed
 * @reconcile: its store has the objects, complete
 *
 * Return: false if it could not be done; what the kernel had, it still has.
 */
bool reconcile_run(struct reconcile *reconcile)
{
	struct report report = { 0 };

	if (!reconcile->is_open && !reconcile->dry_run) {
		reconcile->sync.tolerant = true;
		reconcile->is_open = sync_open(&reconcile->sync, &report);
		reconcile_say(reconcile, &report);
		report_free(&report);
		if (!reconcile->is_open)
			return false;
	}
	return run_changes(reconcile) || run_all(reconcile);
}

/**
 * reconcile_is_complete - does the kernel have all that the objects say?
 * @reconcile: what it was told
 */
bool reconcile_is_complete(const struct reconcile *reconcile)
{
	return !reconcile->refused && !reconcile->is_partial && !reconcile->store.wrong;
}

/**
 * reconcile_free - forget all; the kernel keeps what it has
 * @reconcile: all of it
 */
void reconcile_free(struct reconcile *reconcile)
{
	if (reconcile->is_open)
		sync_close(&reconcile->sync);
	store_free(&reconcile->store);
	state_free(&reconcile->cluster);
	free(reconcile->zone);
	forget_said(reconcile);
	list_free(&reconcile->said);
}
