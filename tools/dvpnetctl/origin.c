// SPDX-License-Identifier: GPL-2.0
/*
 * Where settings come from, and what was ignored: for people.
 *
 * The kernel knows what is set, but not why. That is noted beside it, with the
 * values that it is about: where others are set by now, the note is void.
 */
#include <stdlib.h>

#include "note.h"
#include "origin.h"

#define NOTE "settings"

/* A text of an object, or NULL. */
static char *get_text(const json_t *json, const char *key)
{
	return util_strdup(json_string_value(json_object_get(json, key)));
}

/**
 * origin_to_json - for programs
 * @origin: where settings come from
 *
 * Return: a new object, of members mode_source, port_source and ignored.
 */
json_t *origin_to_json(const struct origin *origin)
{
	json_t *ignored = json_array();
	size_t i;

	for (i = 0; i < origin->ignored.count; i++)
		json_array_append_new(ignored, json_string(origin->ignored.item[i]));
	return json_pack("{s:s*, s:s*, s:o}", "mode_source", origin->mode, "port_source",
			 origin->port, "ignored", ignored);
}

/**
 * origin_save - note it
 * @origin: where settings come from
 * @config: what they are
 *
 * Without room for a note nothing but the reasons is missing later.
 */
void origin_save(const struct origin *origin, const struct config *config)
{
	json_t *json = origin_to_json(origin);
	char *text, *have = note_read(NOTE);

	json_object_set_new(json, "mode", json_integer(config->value[DVPNET_A_CONFIG_MODE]));
	json_object_set_new(json, "port", json_integer(config->value[DVPNET_A_CONFIG_PORT]));
	text = json_dumps(json, JSON_COMPACT);
	if (text && util_strcmp_null(text, have))
		note_write(NOTE, text);
	free(have);
	free(text);
	json_decref(json);
}

static bool is_about(const json_t *json, const struct config *config)
{
	return json_integer_value(json_object_get(json, "mode")) ==
	       config->value[DVPNET_A_CONFIG_MODE] &&
	       json_integer_value(json_object_get(json, "port")) ==
	       config->value[DVPNET_A_CONFIG_PORT];
}

/**
 * origin_load - read the note
 * @origin: filled; empty where there is no note, or one about other settings
 * @config: what is set
 */
void origin_load(struct origin *origin, const struct config *config)
{
	char *text = note_read(NOTE);
	json_t *json = text ? json_loads(text, 0, NULL) : NULL, *ignored;
	size_t i;

	if (json && is_about(json, config)) {
		origin->mode = get_text(json, "mode_source");
		origin->port = get_text(json, "port_source");
		json_array_foreach(json_object_get(json, "ignored"), i, ignored)
			if (json_is_string(ignored))
				*list_add(&origin->ignored) =
					util_strdup(json_string_value(ignored));
	}
	json_decref(json);
	free(text);
}

/** origin_forget - remove the note */
void origin_forget(void)
{
	note_remove(NOTE);
}

/**
 * origin_free - free what it owns
 * @origin: where settings come from
 */
void origin_free(struct origin *origin)
{
	size_t i;

	for (i = 0; i < origin->ignored.count; i++)
		free(origin->ignored.item[i]);
	list_free(&origin->ignored);
	free(origin->mode);
	free(origin->port);
	origin->mode = origin->port = NULL;
}
