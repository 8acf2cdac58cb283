/* SPDX-License-Identifier: GPL-2.0 */
/* What a node needs besides the module's own state: device, routes, nftables, sysctls. */
#ifndef DVPNETCTL_SYSTEM_H
#define DVPNETCTL_SYSTEM_H

#include "netlink.h"
#include "state.h"

/** enum system_step - the steps, in the order in which apply takes them */
enum system_step {
	SYSTEM_ROUTING,
	SYSTEM_MASQUERADE,
	SYSTEM_RESERVED,
	SYSTEM_CONNTRACK,
	SYSTEM_STEPS,
};

/**
 * struct system - the network namespace that is to be a node
 * @rtnl: from route_open()
 * @ifindex: our device
 * @want: what ought to be; NULL when dvpnet goes
 * @changes: how many changes each step has taken
 * @report: errors and warnings
 */
struct system {
	struct netlink rtnl;
	uint32_t ifindex;
	const struct state *want;
	size_t changes[SYSTEM_STEPS];
	struct report report;
};

int system_open(struct system *system, const struct state *want);
void system_close(struct system *system);
int system_add_device(struct system *system);
int system_set_up(struct system *system);
int system_apply(struct system *system);
void system_warn(struct system *system);
int system_remove(struct system *system);
const char *system_step_name(enum system_step step);
const char *system_step_text(enum system_step step);

#endif
