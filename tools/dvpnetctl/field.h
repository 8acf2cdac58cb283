/* SPDX-License-Identifier: GPL-2.0 */
/* Typed reading of Kubernetes objects, with errors that name the object, field and line. */
#ifndef DVPNETCTL_FIELD_H
#define DVPNETCTL_FIELD_H

#include "document.h"
#include "state.h"

/**
 * struct subject - the object that is being read
 * @source: where it comes from
 * @report: errors
 * @kind: its kind
 * @namespace: its namespace, or NULL
 * @name: its name, or NULL while it is not known
 */
struct subject {
	const struct source *source;
	struct report *report;
	const char *kind;
	const char *namespace;
	const char *name;
};

/**
 * struct field - a value within an object, and the way to it
 * @subject: the object
 * @up: what it is in, or NULL for the object itself
 * @key: its key, or NULL in a list
 * @index: its place in a list
 * @json: the value, or NULL if there is none; null counts as none
 */
struct field {
	struct subject *subject;
	const struct field *up;
	const char *key;
	size_t index;
	const json_t *json;
};

struct field field_root(struct subject *subject, const json_t *json);
struct field field_member(const struct field *up, const char *key);
struct field field_element(const struct field *up, size_t index);
struct place field_place(const struct field *field);
void field_error(const struct field *field, const char *format, ...) PRINTF(2, 3);
void field_warning(const struct field *field, const char *format, ...) PRINTF(2, 3);

const char *field_string(const struct field *field);
bool field_bool(const struct field *field, bool otherwise);
long field_number(const struct field *field, long min, long max, long otherwise);
bool field_is_mapping(const struct field *field);
size_t field_length(const struct field *field);
bool field_ip(const struct field *field, struct ip *ip);
bool field_range(const struct field *field, struct range *range);

const char *field_member_string(const struct field *up, const char *key);
bool field_member_bool(const struct field *up, const char *key, bool otherwise);
long field_member_number(const struct field *up, const char *key, long min, long max,
			 long otherwise);
const char *field_member_choice(const struct field *up, const char *key,
				const char *const *choices, const char *otherwise);

#endif
