// SPDX-License-Identifier: GPL-2.0
/* Typed reading of Kubernetes objects, with errors that name the object, field and line. */
#include <stdlib.h>
#include <string.h>

#include "field.h"

#define PATH_TEXT_MAX 256
#define VALUE_TEXT_MAX 80

/**
 * field_root - an object itself
 * @subject: the object
 * @json: its tree
 */
struct field field_root(struct subject *subject, const json_t *json)
{
	return (struct field){ .subject = subject, .json = json };
}

/**
 * field_member - a member of a mapping
 * @up: the mapping; an error is noted if it is something else
 * @key: key of the member
 */
struct field field_member(const struct field *up, const char *key)
{
	struct field field = { .subject = up->subject, .up = up, .key = key };

	if (up->json && !json_is_object(up->json))
		field_error(up, "must be a mapping");
	else
		field.json = json_object_get(up->json, key);
	if (json_is_null(field.json))
		field.json = NULL;
	return field;
}

/**
 * field_element - an element of a list
 * @up: the list; see field_length()
 * @index: which element
 */
struct field field_element(const struct field *up, size_t index)
{
	return (struct field){
		.subject = up->subject,
		.up = up,
		.index = index,
		.json = json_array_get(up->json, index),
	};
}

/**
 * field_place - where a value stands, or ought to
 * @field: the value
 */
struct place field_place(const struct field *field)
{
	const struct source *source = field->subject->source;
	struct place place = { .file = source->file };

	/* Where there is none, the container that lacks it. */
	for (; field && !place.line; field = field->up) {
		if (field->key && field->up->json)
			place.line = source_line_of_member(source, field->up->json, field->key);
		else if (field->json)
			place.line = source_line(source, field->json);
	}
	return place;
}

static size_t path_text(const struct field *field, char *text, size_t size)
{
	size_t used;

	if (!field->up) {
		*text = '\0';
		return 0;
	}
	used = path_text(field->up, text, size);
	if (!field->key)
		used += snprintf(text + used, size - used, "[%zu]", field->index);
	else
		used += snprintf(text + used, size - used, "%s%s", used ? "." : "", field->key);
	return used < size ? used : size - 1;
}

static const char *value_text(const json_t *json, char text[VALUE_TEXT_MAX])
{
	const char *value;

	switch (json ? json_typeof(json) : JSON_NULL) {
	case JSON_OBJECT:
		return "is a mapping";
	case JSON_ARRAY:
		return "is a list";
	case JSON_STRING:
		value = json_string_value(json);
		snprintf(text, VALUE_TEXT_MAX, "is \"%.60s%s\"", value,
			 strlen(value) > 60 ? "..." : "");
		return text;
	case JSON_INTEGER:
		snprintf(text, VALUE_TEXT_MAX, "is %lld",
			 (long long)json_integer_value(json));
		return text;
	case JSON_REAL:
		snprintf(text, VALUE_TEXT_MAX, "is %g", json_real_value(json));
		return text;
	case JSON_TRUE:
		return "is true";
	case JSON_FALSE:
		return "is false";
	default:
		return "is missing";
	}
}

/* "Kind NAMESPACE/NAME: PATH: ", to be freed; what a cluster has once has no name. */
static char *heading(const struct field *field)
{
	const struct subject *subject = field->subject;
	const char *name = subject->name ? subject->name : "without name";
	char path[PATH_TEXT_MAX];

	path_text(field, path, sizeof(path));
	return util_printf("%s%s%s%s%s: %s%s", subject->kind, *name ? " " : "",
			   subject->namespace ? subject->namespace : "",
			   subject->namespace ? "/" : "", name, path, *path ? ": " : "");
}

/**
 * field_error - note that a value is wrong
 * @field: the value
 * @format: what it must be; what it is will be added
 */
void field_error(const struct field *field, const char *format, ...)
{
	struct place place = field_place(field);
	char value[VALUE_TEXT_MAX];
	char *head = heading(field);
	va_list args;
	char *what;

	va_start(args, format);
	what = util_vprintf(format, args);
	va_end(args);
	report_error(field->subject->report, &place, "%s%s, %s", head, what,
		     value_text(field->json, value));
	free(what);
	free(head);
}

/**
 * field_warning - note that a value is odd, but not wrong
 * @field: the value
 * @format: what is odd; what the value is goes before
 */
void field_warning(const struct field *field, const char *format, ...)
{
	struct place place = field_place(field);
	char value[VALUE_TEXT_MAX];
	char *head = heading(field);
	va_list args;
	char *what;

	va_start(args, format);
	what = util_vprintf(format, args);
	va_end(args);
	report_warning(field->subject->report, &place, "%s%s: %s", head,
		       value_text(field->json, value), what);
	free(what);
	free(head);
}

/**
 * field_string - a text
 * @field: the value
 *
 * Return: the text; NULL if there is none, or if it is something else, which is noted.
 */
const char *field_string(const struct field *field)
{
	if (!field->json)
		return NULL;
	if (!json_is_string(field->json))
		field_error(field, "must be a text");
	return json_string_value(field->json);
}

/**
 * field_bool - a truth value
 * @field: the value
 * @otherwise: what to return if there is none, or if it is something else, which is noted
 */
bool field_bool(const struct field *field, bool otherwise)
{
	if (!field->json)
		return otherwise;
	if (!json_is_boolean(field->json)) {
		field_error(field, "must be true or false");
		return otherwise;
	}
	return json_is_true(field->json);
}

/**
 * field_number - a whole number
 * @field: the value
 * @min: least that it may be
 * @max: largest that it may be
 * @otherwise: what to return if there is none, or if it is something else, which is noted
 */
long field_number(const struct field *field, long min, long max, long otherwise)
{
	if (!field->json)
		return otherwise;
	if (!json_is_integer(field->json) || json_integer_value(field->json) < min ||
	    json_integer_value(field->json) > max) {
		field_error(field, "must be a number from %ld to %ld", min, max);
		return otherwise;
	}
	return json_integer_value(field->json);
}

/**
 * field_length - how many elements has a list?
 * @field: the list; an error is noted if it is something else
 */
size_t field_length(const struct field *field)
{
	if (field->json && !json_is_array(field->json))
		field_error(field, "must be a list");
	return json_array_size(field->json);
}

/**
 * field_is_mapping - is a value a mapping?
 * @field: the value; an error is noted if it is something else
 */
bool field_is_mapping(const struct field *field)
{
	if (json_is_object(field->json))
		return true;
	field_error(field, "must be a mapping");
	return false;
}

/**
 * field_ip - an address that can be somebody's
 * @field: the value
 * @ip: filled
 *
 * Return: false if there is none, or if it is something else, which is noted.
 */
bool field_ip(const struct field *field, struct ip *ip)
{
	const char *text = field_string(field);
	char trimmed[IP_TEXT_MAX];

	if (!text)
		return false;
	if (ip_parse(ip_trim_zeros(text, trimmed), ip) && ip_is_unicast(ip))
		return true;
	field_error(field, "must be a unicast IPv4 or IPv6 address");
	return false;
}

/**
 * field_range - a range of addresses
 * @field: the value
 * @range: filled, with its place
 *
 * Return: false if there is none, or if it is something else, which is noted.
 */
bool field_range(const struct field *field, struct range *range)
{
	const char *text = field_string(field);
	char trimmed[IP_TEXT_MAX];

	if (!text)
		return false;
	*range = (struct range){ .place = field_place(field) };
	if (!ip_parse_prefix(ip_trim_zeros(text, trimmed), &range->addr, &range->len) || !range->len) {
		field_error(field, "must be a prefix like 10.111.1.0/24");
		return false;
	}
	if (ip_has_host_bits(&range->addr, range->len)) {
		field_error(field, "must have no bits set behind its length");
		return false;
	}
	return true;
}

/**
 * field_member_string - field_string() of a member
 * @up: the mapping
 * @key: key of the member
 */
const char *field_member_string(const struct field *up, const char *key)
{
	struct field field = field_member(up, key);

	return field_string(&field);
}

/**
 * field_member_bool - field_bool() of a member
 * @up: the mapping
 * @key: key of the member
 * @otherwise: as there
 */
bool field_member_bool(const struct field *up, const char *key, bool otherwise)
{
	struct field field = field_member(up, key);

	return field_bool(&field, otherwise);
}

/**
 * field_member_number - field_number() of a member
 * @up: the mapping
 * @key: key of the member
 * @min: as there
 * @max: as there
 * @otherwise: as there
 */
long field_member_number(const struct field *up, const char *key, long min, long max,
			 long otherwise)
{
	struct field field = field_member(up, key);

	return field_number(&field, min, max, otherwise);
}

/**
 * field_member_choice - a text out of some, of a member
 * @up: the mapping
 * @key: key of the member
 * @choices: the texts, NULL behind the last
 * @otherwise: what to return if there is none, or if it is something else, which is noted
 */
const char *field_member_choice(const struct field *up, const char *key,
				const char *const *choices, const char *otherwise)
{
	struct field field = field_member(up, key);
	const char *text = field_string(&field);
	char allowed[256] = "";
	size_t i;

	if (!text)
		return otherwise;
	for (i = 0; choices[i]; i++) {
		if (!strcmp(text, choices[i]))
			return choices[i];
		strcat(allowed, i ? choices[i + 1] ? ", " : " or " : "");
		strcat(allowed, choices[i]);
	}
	field_error(&field, "must be %s", allowed);
	return otherwise;
}
