/* SPDX-License-Identifier: GPL-2.0 */
/* NodePorts among the kernel's reserved ports: no local socket gets one by chance. */
#ifndef DVPNETCTL_RESERVED_H
#define DVPNETCTL_RESERVED_H

#include "report.h"
#include "state.h"

int reserved_sync(const struct state *want, size_t *changes, struct report *report);
int reserved_remove(size_t *changes, struct report *report);

#endif
