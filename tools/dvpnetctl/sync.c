// SPDX-License-Identifier: GPL-2.0
/*
 * The one way of a desired state into the kernel, for files and API server alike.
 *
 * Checks first what the kernel would refuse; then the device, where there is
 * none; one transaction that carries just what differs; the rest of the system.
 * The same once more changes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "precheck.h"
#include "sync.h"

/**
 * sync_open - connect to the module
 * @sync: filled; its tolerance is left as it is
 * @report: errors
 *
 * Return: false if there is an error in @report.
 */
bool sync_open(struct sync *sync, struct report *report)
{
	if (!kernel_open(&sync->kernel))
		return true;
	report_error(report, NULL, "%s", kernel_error(&sync->kernel));
	return false;
}

/**
 * sync_close - let go what sync_open() took
 * @sync: from sync_open()
 */
void sync_close(struct sync *sync)
{
	kernel_close(&sync->kernel);
}

static bool fail_kernel(struct sync *sync, const char *what, struct report *report)
{
	report_error(report, NULL, "%s: %s", what, kernel_error(&sync->kernel));
	return false;
}

/* ---- changes ---- */

/* "Kind NAME" of what a change is about, at its place in the files. */
static void report_change(struct sync *sync, const struct change *change,
			  struct report *report)
{
	const struct place *place = NULL;
	char address[IP_TEXT_MAX];
	char *what;

	switch (change->kind) {
	case CHANGE_SET_NODE:
	case CHANGE_DEL_NODE:
		place = &change->node->place;
		what = util_printf("Node %s", change->node->name);
		break;
	case CHANGE_SET_PREFIX:
	case CHANGE_DEL_PREFIX:
		place = &change->prefix->place;
		what = util_printf("Node %s: prefix %s/%u", change->prefix->node,
				   ip_text(&change->prefix->addr, address),
				   change->prefix->len);
		break;
	case CHANGE_SET_SERVICE:
	case CHANGE_DEL_SERVICE:
		place = &change->service->place;
		what = util_printf("Service %s", change->service->name);
		break;
	default:
		what = util_printf("settings");
	}
	report_error(report, place, "%s: %s", what, kernel_error(&sync->kernel));
	free(what);
}

static int send_change(struct kernel *kernel, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_CONFIG:
		return kernel_set_config(kernel, change->config);
	case CHANGE_RANGES:
		return kernel_set_ranges(kernel, change->ranges);
	case CHANGE_SET_NODE:
		return kernel_set_node(kernel, change->node);
	case CHANGE_DEL_NODE:
		return kernel_del_node(kernel, change->node);
	case CHANGE_SET_PREFIX:
		return kernel_set_prefix(kernel, change->prefix);
	case CHANGE_DEL_PREFIX:
		return kernel_del_prefix(kernel, change->prefix);
	case CHANGE_SET_SERVICE:
		return kernel_set_service(kernel, change->service);
	case CHANGE_DEL_SERVICE:
		return kernel_del_service(kernel, change->service);
	}
	return -EINVAL;
}

/* The change that failed: of those that were collected, or the one just sent. */
static const struct change *find_failed(const struct kernel *kernel, const struct diff *diff,
					const struct change *sent)
{
	size_t i;

	for (i = 0; kernel_failed(kernel) && i < diff->changes.count; i++)
		if (diff->changes.item[i].object == kernel_failed(kernel))
			return &diff->changes.item[i];
	return sent;
}

/* All in as few messages as it takes; ends with the first that fails. */
static bool send_together(struct sync *sync, const struct diff *diff, struct report *report)
{
	const struct change *change = NULL;
	int err = 0;
	size_t i;

	if (diff->mode != DIFF_FULL)
		kernel_queue(&sync->kernel);
	for (i = 0; !err && i < diff->changes.count; i++) {
		change = &diff->changes.item[i];
		err = send_change(&sync->kernel, change);
		/* In a replacing sync what is set takes the place of what is to go. */
		if (err == -ENOENT && diff->mode == DIFF_FULL)
			err = 0;
	}
	if (!err)
		err = kernel_flush(&sync->kernel);
	else
		kernel_drop(&sync->kernel);
	if (err)
		report_change(sync, find_failed(&sync->kernel, diff, change), report);
	return !err;
}

/* One by one, past services that are refused, which are marked in @want. */
static bool send_singly(struct sync *sync, struct state *want, const struct diff *diff,
			struct report *report)
{
	size_t i;

	for (i = 0; i < diff->changes.count; i++) {
		const struct change *change = &diff->changes.item[i];
		int err = send_change(&sync->kernel, change);

		/* It is gone already; or what was to be removed was refused before. */
		if (!err || err == -ENOENT)
			continue;
		report_change(sync, change, report);
		if (change->kind != CHANGE_SET_SERVICE)
			return false;
		want->services.item[change->service - want->services.item].refused = true;
	}
	return true;
}

/* The kernel does not tell its secret; it ignores one that it has already. */
static bool send_secret(struct sync *sync, const struct state *want, struct report *report)
{
	struct config config = { .present = 1ULL << DVPNET_A_CONFIG_SECRET };

	if (!config_has(&want->config, DVPNET_A_CONFIG_SECRET))
		return true;
	memcpy(config.secret, want->config.secret, sizeof(config.secret));
	return !kernel_set_config(&sync->kernel, &config) ||
	       fail_kernel(sync, "settings", report);
}

/* ---- transactions ---- */

static bool begin(struct sync *sync, enum diff_mode mode, uint32_t *token,
		  struct report *report)
{
	return !kernel_sync_begin(&sync->kernel, mode == DIFF_FULL ? DVPNET_SYNC_MODE_REPLACE :
				  DVPNET_SYNC_MODE_PATCH, token) ||
	       fail_kernel(sync, "beginning a sync", report);
}

/* The end of a sync; one that changed nothing leaves no trace. */
static bool end(struct sync *sync, uint32_t token, bool valid, const struct diff *diff,
		struct report *report)
{
	int err;

	if (!valid || (diff->mode != DIFF_FULL && diff_is_empty(diff)))
		err = kernel_sync_abort(&sync->kernel, token);
	else
		err = kernel_sync_commit(&sync->kernel, token);
	if (err && valid)
		return fail_kernel(sync, "ending a sync", report);
	return valid;
}

static void take_result(const struct diff *diff, struct sync_result *result)
{
	result->added = diff->added;
	result->changed = diff->changed;
	result->removed = diff->removed;
}

/* Steps from what the kernel has, read in the sync, to @want. */
static bool read_diff(struct sync *sync, const struct state *want, enum diff_mode mode,
		      struct state *have, struct diff *diff, struct report *report)
{
	if (kernel_get_state(&sync->kernel, have))
		return fail_kernel(sync, "reading the kernel's state", report);
	diff_make(want, have, mode, diff);
	return true;
}

/*
 * One sync. A patch, as a rule; where addresses change hands, which single
 * changes cannot do, it gives way to one that replaces everything.
 */
static bool sync_tables(struct sync *sync, struct state *want, enum diff_mode mode,
			bool singly, struct sync_result *result, struct report *report)
{
	struct state have = { 0 };
	struct diff diff = { 0 };
	uint32_t token;
	bool valid, replace;

	if (!begin(sync, mode, &token, report))
		return false;
	valid = read_diff(sync, want, mode, &have, &diff, report);
	replace = valid && diff.keys_move && mode != DIFF_FULL;
	if (valid && !replace) {
		valid = send_secret(sync, want, report) &&
			(singly ? send_singly(sync, want, &diff, report) :
				  send_together(sync, &diff, report));
		take_result(&diff, result);
		valid = end(sync, token, valid, &diff, report);
	} else {
		kernel_sync_abort(&sync->kernel, token);
	}
	diff_free(&diff);
	state_free(&have);
	if (replace)
		return sync_tables(sync, want, DIFF_FULL, singly, result, report);
	return valid;
}

/* Has the device, which is created if there is none, set up. */
static bool get_device(struct sync *sync, struct system *system, struct report *report)
{
	struct config config;
	int err;

	err = kernel_get_config(&sync->kernel, &config);
	if (err == -ENODEV) {
		if (system_add_device(system))
			return false;
		err = kernel_get_config(&sync->kernel, &config);
	}
	if (err)
		return fail_kernel(sync, "reading the kernel's settings", report);
	system->ifindex = config.value[DVPNET_A_CONFIG_IFINDEX];
	return !system_set_up(system);
}

/* @want, with modes of its own: what else it has is borrowed. */
static struct state borrow_state(const struct state *want)
{
	struct state state = *want;
	size_t i;

	memset(&state.nodes, 0, sizeof(state.nodes));
	for (i = 0; i < want->nodes.count; i++)
		*list_add(&state.nodes) = want->nodes.item[i];
	return state;
}

static bool sync_with(struct sync *sync, struct system *system, struct state *want,
		      enum diff_mode mode, struct sync_result *result, struct report *report)
{
	struct report first = { 0 };
	bool valid;

	precheck(&system->rtnl, want, &system->report);
	if (system->report.errors.count || !get_device(sync, system, report))
		return false;
	valid = sync_tables(sync, want, mode, false, result, sync->tolerant ? &first : report);
	if (!valid && sync->tolerant)
		valid = sync_tables(sync, want, mode, true, result, report);
	report_free(&first);
	if (!valid || system_apply(system))
		return false;
	system_warn(system);
	memcpy(result->system, system->changes, sizeof(result->system));
	return true;
}

/**
 * sync_state - make all of this network namespace what it ought to be
 * @sync: from sync_open()
 * @want: what ought to be, complete and sorted
 * @mode: what is sent
 * @result: filled, as far as it went
 * @report: errors, and warnings of what is in the way
 *
 * Return: false if it could not be done, which is in @report. When @sync is
 * tolerant, services that were left out are in @report though this is true, and marked in
 * @want, and nodes that got another mode than @want says.
 */
bool sync_state(struct sync *sync, struct state *want, enum diff_mode mode,
		struct sync_result *result, struct report *report)
{
	struct state possible = borrow_state(want);
	struct system system;
	bool valid = false;

	memset(result, 0, sizeof(*result));
	if (!system_open(&system, &possible)) {
		if (sync->tolerant)
			precheck_yield(&system.rtnl, &possible, &system.report);
		valid = sync_with(sync, &system, &possible, mode, result, report);
	}
	report_take(report, &system.report, "");
	system_close(&system);
	list_free(&possible.nodes);
	return valid;
}

/* A transaction of just what differs from what was sent; nothing at all if nothing does. */
static bool send_diff(struct sync *sync, const struct diff *diff, struct report *report)
{
	uint32_t token;

	if (diff_is_empty(diff))
		return true;
	return begin(sync, DIFF_CHANGES, &token, report) &&
	       end(sync, token, send_together(sync, diff, report), diff, report);
}

static bool apply_system(struct sync *sync, const struct state *want, struct sync_result *result,
			 struct report *report)
{
	struct system system;
	bool valid;

	valid = !system_open(&system, want) && get_device(sync, &system, report) &&
		!system_apply(&system);
	if (valid)
		memcpy(result->system, system.changes, sizeof(result->system));
	report_take(report, &system.report, "");
	system_close(&system);
	return valid;
}

/**
 * sync_machines - change just addresses of virtual machines
 * @sync: from sync_open()
 * @want: what ought to be, but for the services; sorted
 * @have: what was sent before, likewise, and differs in that alone; sorted
 * @result: filled, as far as it went
 * @report: errors
 *
 * While a machine has moved and this is not done, its packets are lost: it must not
 * depend on how many Services there are.
 *
 * Return: as sync_services().
 */
bool sync_machines(struct sync *sync, const struct state *want, const struct state *have,
		   struct sync_result *result, struct report *report)
{
	struct diff diff;
	bool valid;

	memset(result, 0, sizeof(*result));
	diff_make(want, have, DIFF_CHANGES, &diff);
	valid = !diff.keys_move && send_diff(sync, &diff, report) &&
		apply_system(sync, want, result, report);
	take_result(&diff, result);
	diff_free(&diff);
	return valid;
}

/**
 * sync_services - change just some services
 * @sync: from sync_open()
 * @want: what ought to be of them; sorted
 * @have: what was sent of them before; sorted
 * @result: filled, as far as it went
 * @report: errors
 *
 * Costs as much as these services do, however many others there are.
 *
 * Return: false if it could not be done, or the kernel has something else than what was
 * sent: then sync_state() has to follow.
 */
bool sync_services(struct sync *sync, const struct state *want, const struct state *have,
		   struct sync_result *result, struct report *report)
{
	struct diff diff;
	bool valid;

	memset(result, 0, sizeof(*result));
	diff_make(want, have, DIFF_CHANGES, &diff);
	valid = !diff.keys_move && send_diff(sync, &diff, report);
	take_result(&diff, result);
	diff_free(&diff);
	return valid;
}
