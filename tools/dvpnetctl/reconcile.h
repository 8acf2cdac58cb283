/* SPDX-License-Identifier: GPL-2.0 */
/* Objects that change, and a kernel that follows. */
#ifndef DVPNETCTL_RECONCILE_H
#define DVPNETCTL_RECONCILE_H

#include "desired.h"
#include "store.h"
#include "sync.h"

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
 * @full_runs: how often all was compared, or tried to
 * @said: warnings and errors that were logged already
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
	uint64_t full_runs;
	LIST(char *) said;
};

bool reconcile_build(struct reconcile *reconcile, struct state *want, struct report *report);
bool reconcile_run(struct reconcile *reconcile);
void reconcile_say(struct reconcile *reconcile, const struct report *report);
void reconcile_free(struct reconcile *reconcile);

#endif
