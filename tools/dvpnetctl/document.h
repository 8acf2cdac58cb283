/* SPDX-License-Identifier: GPL-2.0 */
/* YAML (and so JSON) text to JSON trees that know their lines. */
#ifndef DVPNETCTL_DOCUMENT_H
#define DVPNETCTL_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "report.h"

/**
 * struct line_table - which value stands in which line; a hash table
 * @slots: open addressing, @size of them
 * @size: a power of two, or 0
 * @count: slots in use
 */
struct line_table {
	struct line_slot {
		const void *key;
		unsigned int line;
	} *slots;
	size_t size;
	size_t count;
};

/**
 * struct source - where JSON trees come from
 * @file: name of the file, or NULL when they do not come from one
 * @lines: lines of the values of the current document
 */
struct source {
	const char *file;
	struct line_table lines;
};

/**
 * typedef document_fn - takes one document
 * @source: where it comes from
 * @root: the document; valid during the call
 * @arg: as given to document_parse()
 */
typedef void document_fn(const struct source *source, const json_t *root, void *arg);

int document_parse(const char *file, const char *text, size_t size, document_fn *fn,
		   void *arg, struct report *report);
unsigned int source_line(const struct source *source, const json_t *json);
unsigned int source_line_of_member(const struct source *source, const json_t *object,
				   const char *key);

#endif
