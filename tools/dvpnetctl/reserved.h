/* SPDX-License-Identifier: GPL-2.0 */
/* NodePorts among the kernel's reserved ports: no local socket gets one by chance. */
#ifndef DVPNETCTL_RESERVED_H
#define DVPNETCTL_RESERVED_H

#include "report.h"
#include "state.h"

#define PORT_COUNT 65536

/**
 * struct port_set - a set of ports
 * @word: a bit for each
 */
struct port_set {
	uint64_t word[PORT_COUNT / 64];
};

void port_set_add(struct port_set *set, unsigned int min, unsigned int max);
bool port_set_has(const struct port_set *set, unsigned int port);
bool port_set_parse(const char *text, struct port_set *set);
char *port_set_text(const struct port_set *set);

int reserved_sync(const struct state *want, size_t *changes, struct report *report);
int reserved_remove(size_t *changes, struct report *report);

#endif
