/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel would refuse, found before anything is changed. */
#ifndef DVPNETCTL_PRECHECK_H
#define DVPNETCTL_PRECHECK_H

#include "netlink.h"
#include "state.h"

void precheck(struct netlink *netlink, const struct state *want, struct report *report);
void precheck_yield(struct netlink *netlink, struct state *want, struct report *report);

#endif
