/* SPDX-License-Identifier: GPL-2.0 */
/* Objects that change, and a kernel that follows. */
#ifndef DVPNETCTL_RECONCILE_H
#define DVPNETCTL_RECONCILE_H

#include "desired.h"
#include "store.h"
#include "sync.h"

/**
 * typedef reconcile_leave_fn - learns that a machine has left this node
 * @prefix: its address, where it is now
 * @arg: as given with it
 */
typedef void reconcile_leave_fn(const struct prefix *prefix, void *arg);

/**
 * struct reconcile - what the kernel was told, of which objects
 * @options: what the objects do not tell
 * @store: the objects
 * @dry_run: print what would change, and take it as done
 * @sync: the way into the kernel
 * @is_open: @sync is usable
 * @told: the kernel has all but for what &store says is dirty
 * @printed: a dry run has printed something
 * @generation: the kernel's, after the last change
 * @cluster: nodes, prefixes and settings that it was told of
 * @zone: zone of this node, or NULL
 * @refused: it refused a service
 * @is_partial: objects contradict each other, so something is left out
 * @full_runs: how often all was compared, or tried to
 * @said: warnings and errors that were logged already
 * @hold_ms: how long flows of a machine that comes here are awaited, 0 = not at all
 * @on_leave: learns of each machine that leaves, when the kernel has been told; or NULL
 * @on_leave_arg: for @on_leave
 */
struct reconcile {
	const struct desired_options *options;
	struct store store;
	bool dry_run;
	struct sync sync;
	bool is_open;
	bool told;
	bool printed;
	uint32_t generation;
	struct state cluster;
	char *zone;
	bool refused;
	bool is_partial;
	uint64_t full_runs;
	LIST(char *) said;
	uint32_t hold_ms;
	reconcile_leave_fn *on_leave;
	void *on_leave_arg;
};

bool reconcile_build(struct reconcile *reconcile, struct state *want, struct report *report);
const struct prefix *reconcile_own_machine(const struct reconcile *reconcile, const struct ip *addr);
bool reconcile_run(struct reconcile *reconcile);
bool reconcile_is_complete(const struct reconcile *reconcile);
void reconcile_say(struct reconcile *reconcile, const struct report *report);
void reconcile_free(struct reconcile *reconcile);

#endif
