/* SPDX-License-Identifier: GPL-2.0 */
/* What the unit tests share: objects from text, and errors to compare with. */
#ifndef TESTS_UNIT_READING_H
#define TESTS_UNIT_READING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "desired.h"
#include "objects.h"

/**
 * struct reading - what came of a text
 * @objects: the objects
 * @state: what node "n1" has to know, after reading_build()
 */
struct reading {
	struct objects objects;
	struct state state;
};

void reading_parse(struct reading *reading, const char *text);
void reading_build(struct reading *reading, const char *text, const char *node);
void reading_free(struct reading *reading);
void assert_no_error(const struct reading *reading);
void assert_error(const struct reading *reading, const char *expected);
void assert_warning(const struct reading *reading, const char *expected);
void assert_parse_error(const char *text, const char *expected);
void assert_build_error(const char *text, const char *expected);
const struct service *find_service(const struct reading *reading, const char *name,
				   uint8_t family);
const char *backends_text(const struct service *service);
const char *frontends_text(const struct service *service);

#define NODE(name, ip, cidr)						\
	"apiVersion: v1\nkind: Node\nmetadata: {name: " name "}\n"	\
	"spec: {podCIDRs: [" cidr "]}\n"				\
	"status: {addresses: [{type: InternalIP, address: " ip "}]}\n---\n"

#endif
