/* SPDX-License-Identifier: GPL-2.0 */
/* How long conntrack remembers half-closed connections. */
#ifndef DVPNETCTL_CONNTRACK_H
#define DVPNETCTL_CONNTRACK_H

#include <stddef.h>

#include "report.h"

int conntrack_sync(size_t *changes, struct report *report);
int conntrack_remove(size_t *changes, struct report *report);

#endif
