// SPDX-License-Identifier: GPL-2.0
/*
 * YAML (and so JSON) text to JSON trees that know their lines.
 *
 * libyaml tells of the text as events; a stack of the open containers turns
 * them into a tree, without recursion. What Kubernetes never means to be read,
 * metadata.managedFields, half of many a file, is left out. Depth and the size
 * that aliases multiply are bounded.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "document.h"

#define DEPTH_MAX 100
#define VALUES_MAX (16 << 20)

/**
 * struct anchor - a value that an alias may name
 * @name: name of the anchor
 * @json: the value, referenced
 * @values: how many values it is, aliases within followed
 */
struct anchor {
	char *name;
	json_t *json;
	size_t values;
};

/**
 * struct open_container - a mapping or list whose end was not seen yet
 * @json: what was read of it, referenced; NULL within what is left out
 * @key: key whose value comes next, or NULL; mappings only
 * @is_metadata: it is the value of a key "metadata"
 * @anchor: its anchor, or NULL
 * @values: &struct parser.values at its beginning
 */
struct open_container {
	json_t *json;
	char *key;
	bool is_mapping;
	bool is_metadata;
	char *anchor;
	size_t values;
};

/**
 * struct parser - a text being read
 * @yaml: libyaml's
 * @text: the text
 * @source: where the documents are from
 * @report: errors
 * @stack: containers that are open
 * @depth: how many they are
 * @root: the document once it is complete
 * @anchors: those of the current document
 * @values: how many values the document has, aliases followed
 */
struct parser {
	yaml_parser_t yaml;
	const char *text;
	struct source source;
	struct report *report;
	struct open_container stack[DEPTH_MAX];
	size_t depth;
	json_t *root;
	LIST(struct anchor) anchors;
	size_t values;
};

/* ---- lines ---- */

static size_t line_slot_of(const struct line_table *table, const void *key)
{
	size_t slot = ((uintptr_t)key >> 4) * 0x9e3779b97f4a7c15 >> 20;

	slot &= table->size - 1;
	while (table->slots[slot].key && table->slots[slot].key != key)
		slot = (slot + 1) & (table->size - 1);
	return slot;
}

static void line_grow(struct line_table *table)
{
	struct line_table grown = { .size = table->size ? 2 * table->size : 1024 };
	size_t i;

	grown.slots = util_alloc(grown.size * sizeof(*grown.slots));
	grown.count = table->count;
	for (i = 0; i < table->size; i++)
		if (table->slots[i].key)
			grown.slots[line_slot_of(&grown, table->slots[i].key)] = table->slots[i];
	free(table->slots);
	*table = grown;
}

static void line_set(struct line_table *table, const void *key, unsigned int line)
{
	size_t slot;

	if (4 * table->count >= 3 * table->size)
		line_grow(table);
	slot = line_slot_of(table, key);
	table->count += !table->slots[slot].key;
	table->slots[slot] = (struct line_slot){ key, line };
}

static unsigned int line_get(const struct line_table *table, const void *key)
{
	return key && table->size ? table->slots[line_slot_of(table, key)].line : 0;
}

/* true, false and null are one object each in jansson: they have no line of their own. */
static bool is_shared(const json_t *json)
{
	return json_is_boolean(json) || json_is_null(json);
}

static const void *key_of_member(const json_t *object, const char *key)
{
	/* jansson only reads through the iterator. */
	void *at = json_object_iter_at((json_t *)object, key);

	return at ? json_object_iter_key(at) : NULL;
}

/**
 * source_line - line of a value
 * @source: where it comes from
 * @json: the value
 *
 * Return: the line, or 0 when it is not known.
 */
unsigned int source_line(const struct source *source, const json_t *json)
{
	return is_shared(json) ? 0 : line_get(&source->lines, json);
}

/**
 * source_line_of_member - line of a value within a mapping
 * @source: where it comes from
 * @object: the mapping
 * @key: key of the value
 *
 * Return: the line, or 0 when it is not known.
 */
unsigned int source_line_of_member(const struct source *source, const json_t *object,
				   const char *key)
{
	const json_t *json = json_object_get(object, key);

	if (!json)
		return 0;
	return line_get(&source->lines, is_shared(json) ? key_of_member(object, key) : json);
}

/* ---- errors ---- */

static int fail(struct parser *parser, size_t line, const char *format, ...) PRINTF(3, 4);

static int fail(struct parser *parser, size_t line, const char *format, ...)
{
	struct place place = { parser->source.file, line };
	va_list args;

	va_start(args, format);
	report_verror(parser->report, &place, format, args);
	va_end(args);
	return -EINVAL;
}

static size_t line_of_offset(const struct parser *parser, size_t offset)
{
	size_t line = 1, i;

	for (i = 0; i < offset && parser->text[i]; i++)
		line += parser->text[i] == '\n';
	return line;
}

static int fail_yaml(struct parser *parser)
{
	const yaml_parser_t *yaml = &parser->yaml;
	const char *problem = yaml->problem ? yaml->problem : "cannot be read";

	/* The reader, below lines, knows bytes only. */
	if (yaml->error == YAML_READER_ERROR)
		return fail(parser, line_of_offset(parser, yaml->problem_offset),
			    "not valid YAML: %s", problem);
	if (!yaml->context)
		return fail(parser, yaml->problem_mark.line + 1, "not valid YAML: %s", problem);
	return fail(parser, yaml->problem_mark.line + 1, "not valid YAML: %s (%s in line %zu)",
		    problem, yaml->context, yaml->context_mark.line + 1);
}

/* ---- scalars ---- */

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(text, *words))
			return true;
	return false;
}

/* Decimal as Kubernetes writes it; anything else that begins with a digit is text. */
static json_t *number_of(const char *text)
{
	const char *digits = text + (*text == '-');
	size_t count = strspn(digits, "0123456789");
	double real;
	char *end;

	if (!count || (count > 1 && *digits == '0'))
		return NULL;
	if (!digits[count]) {
		long long number;

		errno = 0;
		number = strtoll(text, NULL, 10);
		return errno ? NULL : json_integer(number);
	}
	if (strspn(text, "-+.0123456789eE") != strlen(text))
		return NULL;
	real = strtod(text, &end);
	return *end || !isfinite(real) ? NULL : json_real(real);
}

/* What a plain scalar means, by the rules of Kubernetes' parser. */
static json_t *plain_value(const char *text)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = {
		"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL,
	};
	static const char *const falses[] = {
		"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL,
	};
	json_t *number;

	if (is_one_of(text, nulls))
		return json_null();
	if (is_one_of(text, trues))
		return json_true();
	if (is_one_of(text, falses))
		return json_false();
	number = number_of(text);
	return number ? number : json_string(text);
}

static json_t *scalar_value(const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;

	/* libyaml has checked the encoding; a NUL within ends the text in C. */
	if (strlen(text) != event->data.scalar.length)
		return NULL;
	if (event->data.scalar.plain_implicit)
		return plain_value(text);
	return json_string(text);
}

/* ---- building the tree ---- */

static struct open_container *top(struct parser *parser)
{
	return parser->depth ? &parser->stack[parser->depth - 1] : NULL;
}

/* Is the value that comes next left out? */
static bool is_left_out(struct parser *parser)
{
	const struct open_container *container = top(parser);

	if (!container)
		return false;
	return !container->json || (container->is_metadata && container->key &&
				    !strcmp(container->key, "managedFields"));
}

static void remember_anchor(struct parser *parser, const char *name, json_t *json,
			    size_t values)
{
	struct anchor *anchor;

	if (!name)
		return;
	anchor = list_add(&parser->anchors);
	anchor->name = util_strdup(name);
	anchor->json = json_incref(json);
	anchor->values = values;
}

static int count_values(struct parser *parser, size_t values, size_t line)
{
	parser->values += values;
	if (parser->values <= VALUES_MAX)
		return 0;
	return fail(parser, line, "more than %d values in one document, aliases followed",
		    VALUES_MAX);
}

/* Put a complete value where it belongs; takes the reference. */
static int put_value(struct parser *parser, json_t *json, size_t line)
{
	struct open_container *container = top(parser);

	if (!is_shared(json) && !line_get(&parser->source.lines, json))
		line_set(&parser->source.lines, json, line);
	if (!container) {
		parser->root = json;
		return 0;
	}
	if (!container->is_mapping) {
		json_array_append_new(container->json, json);
		return 0;
	}
	json_object_set_new(container->json, container->key, json);
	if (is_shared(json))
		line_set(&parser->source.lines, key_of_member(container->json, container->key),
			 line);
	free(container->key);
	container->key = NULL;
	return 0;
}

static void forget_value(struct parser *parser)
{
	struct open_container *container = top(parser);

	free(container->key);
	container->key = NULL;
}

static int take_key(struct parser *parser, const yaml_event_t *event)
{
	struct open_container *container = top(parser);
	size_t line = event->start_mark.line + 1;
	const char *key;

	if (event->type != YAML_SCALAR_EVENT)
		return fail(parser, line, "a key must be text");
	key = (const char *)event->data.scalar.value;
	if (strlen(key) != event->data.scalar.length)
		return fail(parser, line, "a key has a NUL character");
	if (container->json && !strcmp(key, "<<") && event->data.scalar.plain_implicit)
		return fail(parser, line, "merge keys (<<) are not read: write the fields out");
	if (container->json && json_object_get(container->json, key))
		return fail(parser, line, "key \"%s\" stands twice in one mapping", key);
	container->key = util_strdup(key);
	return 0;
}

static int take_scalar(struct parser *parser, const yaml_event_t *event)
{
	size_t line = event->start_mark.line + 1;
	json_t *json;

	if (is_left_out(parser)) {
		forget_value(parser);
		return 0;
	}
	json = scalar_value(event);
	if (!json)
		return fail(parser, line, "text with a NUL character");
	remember_anchor(parser, (const char *)event->data.scalar.anchor, json, 1);
	return put_value(parser, json, line);
}

static int take_alias(struct parser *parser, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	size_t line = event->start_mark.line + 1, i;

	if (is_left_out(parser)) {
		forget_value(parser);
		return 0;
	}
	/* The latest of that name counts. */
	for (i = parser->anchors.count; i-- > 0; ) {
		const struct anchor *anchor = &parser->anchors.item[i];

		if (strcmp(anchor->name, name))
			continue;
		if (count_values(parser, anchor->values, line))
			return -EINVAL;
		return put_value(parser, json_incref(anchor->json), line);
	}
	return fail(parser, line, "alias *%s names nothing that stands complete before it", name);
}

static int open_container(struct parser *parser, const yaml_event_t *event)
{
	bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *anchor = is_mapping ? event->data.mapping_start.anchor :
						 event->data.sequence_start.anchor;
	struct open_container *outer = top(parser), *container;
	size_t line = event->start_mark.line + 1;
	bool left_out = is_left_out(parser);

	if (parser->depth == DEPTH_MAX)
		return fail(parser, line, "nested deeper than %d levels", DEPTH_MAX);
	container = &parser->stack[parser->depth++];
	*container = (struct open_container){
		.is_mapping = is_mapping,
		.is_metadata = outer && outer->key && !strcmp(outer->key, "metadata"),
		.anchor = util_strdup((const char *)anchor),
		.values = parser->values,
	};
	if (left_out)
		return 0;
	container->json = is_mapping ? json_object() : json_array();
	line_set(&parser->source.lines, container->json, line);
	return 0;
}

static int close_container(struct parser *parser, const yaml_event_t *event)
{
	struct open_container container = *top(parser);
	int err = 0;

	parser->depth--;
	if (container.json) {
		remember_anchor(parser, container.anchor, container.json,
				parser->values - container.values + 1);
		err = put_value(parser, container.json, event->start_mark.line + 1);
	} else {
		forget_value(parser);
	}
	free(container.anchor);
	return err;
}

/* ---- documents ---- */

static void forget_document(struct parser *parser)
{
	size_t i;

	while (parser->depth) {
		struct open_container *container = top(parser);

		json_decref(container->json);
		free(container->key);
		free(container->anchor);
		parser->depth--;
	}
	for (i = 0; i < parser->anchors.count; i++) {
		free(parser->anchors.item[i].name);
		json_decref(parser->anchors.item[i].json);
	}
	list_free(&parser->anchors);
	json_decref(parser->root);
	parser->root = NULL;
	parser->values = 0;
	free(parser->source.lines.slots);
	memset(&parser->source.lines, 0, sizeof(parser->source.lines));
}

static int take_event(struct parser *parser, const yaml_event_t *event)
{
	struct open_container *container = top(parser);
	bool is_end = event->type == YAML_MAPPING_END_EVENT ||
		      event->type == YAML_SEQUENCE_END_EVENT;

	if (container && container->is_mapping && !container->key && !is_end)
		return take_key(parser, event);
	if (!is_end && count_values(parser, 1, event->start_mark.line + 1))
		return -EINVAL;
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(parser, event);
	case YAML_ALIAS_EVENT:
		return take_alias(parser, event);
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		return open_container(parser, event);
	default:
		return close_container(parser, event);
	}
}

/* Reads one event; 1 = there may be more. */
static int parse_event(struct parser *parser, document_fn *fn, void *arg)
{
	yaml_event_t event;
	int err = 0;

	if (!yaml_parser_parse(&parser->yaml, &event))
		return fail_yaml(parser);
	switch (event.type) {
	case YAML_STREAM_END_EVENT:
		yaml_event_delete(&event);
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_START_EVENT:
		break;
	case YAML_DOCUMENT_END_EVENT:
		/* A "---" at the end begins a document with nothing in it. */
		if (!json_is_null(parser->root))
			fn(&parser->source, parser->root, arg);
		forget_document(parser);
		break;
	default:
		err = take_event(parser, &event);
	}
	yaml_event_delete(&event);
	return err ? err : 1;
}

/**
 * document_parse - read all documents of a text, but for empty ones
 * @file: its name, for messages
 * @text: the text, with a NUL behind it
 * @size: its length
 * @fn: takes each document
 * @arg: for @fn
 * @report: errors
 *
 * Return: 0, or -EINVAL after an error in @report; documents before the error
 * were handed to @fn.
 */
int document_parse(const char *file, const char *text, size_t size, document_fn *fn,
		   void *arg, struct report *report)
{
	struct parser parser = { .text = text, .source.file = file, .report = report };
	int more;

	if (!yaml_parser_initialize(&parser.yaml)) {
		fail(&parser, 0, "out of memory");
		return -ENOMEM;
	}
	yaml_parser_set_input_string(&parser.yaml, (const unsigned char *)text, size);
	do {
		more = parse_event(&parser, fn, arg);
	} while (more > 0);
	forget_document(&parser);
	yaml_parser_delete(&parser.yaml);
	return more;
}
