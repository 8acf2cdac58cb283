/* SPDX-License-Identifier: GPL-2.0 */
/* The backends of one service port: merged from slices, and in which list each is. */
#ifndef DVPNETCTL_ENDPOINTS_H
#define DVPNETCTL_ENDPOINTS_H

#include "objects.h"

void endpoints_choose(const struct objects *objects, const struct slice_object *slices,
		      size_t count, const struct service_port *port, const char *node,
		      const char *zone, struct service *service);

#endif
