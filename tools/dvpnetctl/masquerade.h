/* SPDX-License-Identifier: GPL-2.0 */
/* masqueradeMode Netfilter: pods go out as this node, by nftables. */
#ifndef DVPNETCTL_MASQUERADE_H
#define DVPNETCTL_MASQUERADE_H

#include <stddef.h>

#include "report.h"
#include "state.h"

/** Name of our table, of family inet. */
#define MASQUERADE_TABLE "dvpnet"

int masquerade_sync(const struct state *want, size_t *changes, struct report *report);
int masquerade_remove(size_t *changes, struct report *report);

#endif
