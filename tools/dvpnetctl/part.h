/* SPDX-License-Identifier: GPL-2.0 */
/* Parts of output: members of JSON objects, and words of lines. */
#ifndef DVPNETCTL_PART_H
#define DVPNETCTL_PART_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ip.h"

/* Lists of names have NULL behind the last. */
extern const char *const part_frontend_types[];
extern const char *const part_algorithms[];
extern const char *const part_list_whys[];

const char *part_name(const char *const *names, uint32_t value);
void part_text(json_t *json, const char *key, const char *text);
void part_number(json_t *json, const char *key, json_int_t number);
void part_bool(json_t *json, const char *key, bool value);
void part_ip(json_t *json, const char *key, const struct ip *ip);
void part_port(json_t *json, const char *key, uint16_t port);
void part_flags(json_t *json, const char *key, const char *const *names, uint32_t flags);
void part_print_ip(const char *word, const struct ip *ip);
void part_print_flags(const char *const *names, uint32_t flags);

#endif
