/* SPDX-License-Identifier: GPL-2.0 */
/* Flows that move from node to node, as text. */
#ifndef DVPNETCTL_SAVED_H
#define DVPNETCTL_SAVED_H

#include <jansson.h>

#include "kernel.h"

bool saved_can_move(const struct flow *flow);
bool saved_is_of(const struct flow *flow, const struct ip *addr);
json_t *saved_write(const struct flow_list *list, const struct ip *addr, size_t *stay);
bool saved_read(const char *text, size_t size, struct flow_list *list, struct report *report);

#endif
