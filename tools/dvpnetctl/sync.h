/* SPDX-License-Identifier: GPL-2.0 */
/* The one way of a desired state into the kernel. */
#ifndef DVPNETCTL_SYNC_H
#define DVPNETCTL_SYNC_H

#include "diff.h"
#include "kernel.h"
#include "system.h"

/**
 * struct sync - what it takes to change this network namespace
 * @kernel: the module
 * @tolerant: a service that the kernel refuses is left out, a node that classic mode cannot
 *	reach gets VXLAN, all else goes on; otherwise the first refusal ends it
 */
struct sync {
	struct kernel kernel;
	bool tolerant;
};

/**
 * struct sync_result - what was done
 * @added: objects that are new
 * @changed: objects that differed, settings included
 * @removed: objects that are gone
 * @system: changes of the rest of the system, by step
 */
struct sync_result {
	size_t added;
	size_t changed;
	size_t removed;
	size_t system[SYSTEM_STEPS];
};

bool sync_open(struct sync *sync, struct report *report);
void sync_close(struct sync *sync);
bool sync_state(struct sync *sync, struct state *want, enum diff_mode mode,
		struct sync_result *result, struct report *report);
bool sync_machines(struct sync *sync, const struct state *want, const struct state *have,
		   struct sync_result *result, struct report *report);
bool sync_services(struct sync *sync, const struct state *want, const struct state *have,
		   struct sync_result *result, struct report *report);

#endif
