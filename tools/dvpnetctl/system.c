// SPDX-License-Identifier: GPL-2.0
/* What a node needs besides the module's own state: device, routes, nftables, sysctls. */
#include <string.h>

#include "conflicts.h"
#include "conntrack.h"
#include "link.h"
#include "listeners.h"
#include "masquerade.h"
#include "reserved.h"
#include "route.h"
#include "system.h"

static int fail(struct system *system, int err, const char *what)
{
	report_error(&system->report, NULL, "%s%s", what, system->rtnl.error);
	return err;
}

/**
 * system_open - begin to work on the current network namespace
 * @system: filled; to be closed also after an error
 * @want: what ought to be
 *
 * Return: 0 or a negative errno.
 */
int system_open(struct system *system, const struct state *want)
{
	int err;

	memset(system, 0, sizeof(*system));
	system->want = want;
	err = route_open(&system->rtnl);
	return err ? fail(system, err, "") : 0;
}

/**
 * system_close - end it
 * @system: from system_open()
 */
void system_close(struct system *system)
{
	if (system->rtnl.sock)
		netlink_close(&system->rtnl);
	report_free(&system->report);
}

/**
 * system_add_device - create the device
 * @system: from system_open()
 *
 * Return: 0 or a negative errno.
 */
int system_add_device(struct system *system)
{
	int err = link_add(&system->rtnl);

	if (err)
		return fail(system, err, "link " LINK_NAME ": ");
	system->changes[SYSTEM_ROUTING]++;
	return 0;
}

/**
 * system_set_up - set the device up
 * @system: from system_open(), with the device
 *
 * Return: 0 or a negative errno.
 */
int system_set_up(struct system *system)
{
	int err = link_set_up(&system->rtnl, system->ifindex, &system->changes[SYSTEM_ROUTING]);

	return err ? fail(system, err, "link " LINK_NAME ": ") : 0;
}

/* ---- the steps ---- */

static int apply_routing(struct system *system, size_t *changes)
{
	int err = route_sync(&system->rtnl, system->ifindex, system->want, changes);

	return err ? fail(system, err, "") : 0;
}

static int remove_device(struct system *system, const struct link *link, size_t *changes)
{
	int err = link_remove(&system->rtnl, link->ifindex);

	if (err) {
		report_error(&system->report, NULL, "link %s: %s", link->name,
			     system->rtnl.error);
		return err;
	}
	++*changes;
	return 0;
}

static int remove_routing(struct system *system, size_t *changes)
{
	struct links links = { 0 };
	size_t i;
	int err;

	err = route_remove_rules(&system->rtnl, changes);
	if (!err)
		err = link_list(&system->rtnl, &links);
	if (err)
		fail(system, err, "");
	for (i = 0; !err && i < links.list.count; i++)
		if (link_is_ours(&links.list.item[i]))
			err = remove_device(system, &links.list.item[i], changes);
	list_free(&links.list);
	return err;
}

static int apply_masquerade(struct system *system, size_t *changes)
{
	return masquerade_sync(system->want, changes, &system->report);
}

static int remove_masquerade(struct system *system, size_t *changes)
{
	return masquerade_remove(changes, &system->report);
}

static int apply_reserved(struct system *system, size_t *changes)
{
	return reserved_sync(system->want, changes, &system->report);
}

static int remove_reserved(struct system *system, size_t *changes)
{
	return reserved_remove(changes, &system->report);
}

static int apply_conntrack(struct system *system, size_t *changes)
{
	return conntrack_sync(changes, &system->report);
}

static int remove_conntrack(struct system *system, size_t *changes)
{
	return conntrack_remove(changes, &system->report);
}

/**
 * struct step - a part of the system that dvpnet changes
 * @name: its name in JSON
 * @text: what is changed, for people
 * @apply: makes it what it ought to be; what is right already is not touched
 * @remove: takes away what is ours
 */
static const struct step {
	const char *name;
	const char *text;
	int (*apply)(struct system *system, size_t *changes);
	int (*remove)(struct system *system, size_t *changes);
} steps[SYSTEM_STEPS] = {
	[SYSTEM_ROUTING] = {
		"routing_changes", "link, addresses and routes", apply_routing, remove_routing,
	},
	[SYSTEM_MASQUERADE] = {
		"masquerade_changes", "masquerading rules", apply_masquerade, remove_masquerade,
	},
	[SYSTEM_RESERVED] = {
		"reserved_port_changes", "reserved ports", apply_reserved, remove_reserved,
	},
	[SYSTEM_CONNTRACK] = {
		"conntrack_changes", "conntrack's time-outs", apply_conntrack, remove_conntrack,
	},
};

/**
 * system_step_name - name of what a step changes, in JSON
 * @step: the step
 */
const char *system_step_name(enum system_step step)
{
	return steps[step].name;
}

/**
 * system_step_text - what a step changes, for people
 * @step: the step
 */
const char *system_step_text(enum system_step step)
{
	return steps[step].text;
}

/**
 * system_apply - make all of it what it ought to be
 * @system: from system_open(), with the device
 *
 * Return: 0; a negative errno after the first error, which is in the report.
 */
int system_apply(struct system *system)
{
	int step, err = 0;

	for (step = 0; !err && step < SYSTEM_STEPS; step++)
		err = steps[step].apply(system, &system->changes[step]);
	if (!err)
		origin_save(&system->want->origin, &system->want->config);
	return err;
}

/**
 * system_warn - find what is in the way
 * @system: from system_open(), after system_apply()
 */
void system_warn(struct system *system)
{
	listeners_check(&system->rtnl, system->want, &system->report);
	conflicts_check(&system->rtnl, system->ifindex, system->want, &system->report);
}

/**
 * system_remove - take away all that is ours
 * @system: from system_open()
 *
 * Return: 0; a negative errno if anything could not be removed, which is in the report.
 */
int system_remove(struct system *system)
{
	int step, err, result = 0;

	/* One that fails does not keep the others. */
	for (step = SYSTEM_STEPS - 1; step >= 0; step--) {
		err = steps[step].remove(system, &system->changes[step]);
		if (err)
			result = err;
	}
	origin_forget();
	return result;
}
