/* SPDX-License-Identifier: GPL-2.0 */
/* What else is on this host, and in the way. */
#ifndef DVPNETCTL_CONFLICTS_H
#define DVPNETCTL_CONFLICTS_H

#include <stdio.h>

#include "netlink.h"
#include "state.h"

void conflicts_check(struct netlink *rtnl, uint32_t ifindex, const struct state *want,
		     struct report *report);
size_t conflicts_count_ipvs(FILE *file);

#endif
