// SPDX-License-Identifier: GPL-2.0
/* Typed reading of annotations, which are all texts. */
#include <stdlib.h>
#include <string.h>

#include "annotation.h"

/**
 * annotation_number - a whole number
 * @annotations: metadata.annotations
 * @key: which one
 * @min: least that it may be
 * @max: largest that it may be
 * @number: filled
 *
 * Return: false if there is none, or if it is something else, which is noted.
 */
bool annotation_number(const struct field *annotations, const char *key, unsigned long min,
		       unsigned long max, unsigned long *number)
{
	struct field field = field_member(annotations, key);
	const char *text = field_string(&field);
	char *end;

	if (!text)
		return false;
	*number = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && *number >= min && *number <= max)
		return true;
	field_error(&field, "must be a number from %lu to %lu", min, max);
	return false;
}

/**
 * annotation_bool - a truth value
 * @annotations: metadata.annotations
 * @key: which one
 * @value: filled
 *
 * Return: false if there is none, or if it is something else, which is noted.
 */
bool annotation_bool(const struct field *annotations, const char *key, bool *value)
{
	static const char *const choices[] = { "true", "false", NULL };
	const char *text = field_member_choice(annotations, key, choices, NULL);

	if (!text)
		return false;
	*value = !strcmp(text, "true");
	return true;
}

/**
 * annotation_mode - annotation dvpnet.io/mode
 * @annotations: metadata.annotations
 * @mode: filled with &enum dvpnet_mode
 *
 * Return: false if there is none, or if it is something else, which is noted.
 */
bool annotation_mode(const struct field *annotations, uint32_t *mode)
{
	static const char *const modes[] = { "vxlan", "classic", "auto", NULL };
	const char *text = field_member_choice(annotations, "dvpnet.io/mode", modes, NULL);

	return text && config_mode_parse(text, mode);
}
