/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets of this host that a Service hides. */
#ifndef DVPNETCTL_LISTENERS_H
#define DVPNETCTL_LISTENERS_H

#include "netlink.h"
#include "state.h"

void listeners_check(struct netlink *rtnl, const struct state *want, struct report *report);

#endif
