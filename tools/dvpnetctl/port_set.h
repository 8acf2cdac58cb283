/* SPDX-License-Identifier: GPL-2.0 */
/* Sets of ports, and the format in which the kernel lists them. */
#ifndef DVPNETCTL_PORT_SET_H
#define DVPNETCTL_PORT_SET_H

#include <stdbool.h>
#include <stdint.h>

#define PORT_COUNT 65536

/** Longest list, without the final NUL: every second port, each with a comma. */
#define PORT_SET_TEXT_MAX (PORT_COUNT / 2 * 6)

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
bool port_set_equal(const struct port_set *a, const struct port_set *b);
bool port_set_is_within(const struct port_set *inner, const struct port_set *outer);
void port_set_subtract(struct port_set *set, const struct port_set *other);
void port_set_unite(struct port_set *set, const struct port_set *other);

#endif
