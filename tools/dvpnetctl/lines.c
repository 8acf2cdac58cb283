// SPDX-License-Identifier: GPL-2.0
/* A stream that comes in pieces, cut into lines; or collected whole, within bounds. */
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "util.h"

/* What a line took once is kept for the next, but not if it was unusually long. */
#define ROOM_KEPT (256 << 10)

/**
 * lines_append - collect a piece
 * @lines: what there is already
 * @data: the piece
 * @size: its bytes
 *
 * Return: false if it gets longer than allowed.
 */
bool lines_append(struct lines *lines, const char *data, size_t size)
{
	if (size > lines->max - lines->size)
		return false;
	if (lines->size + size > lines->room) {
		size_t room = 2 * (lines->size + size);
		char *grown = realloc(lines->text, room);

		if (!grown)
			return false;
		lines->text = grown;
		lines->room = room;
	}
	if (size)
		memcpy(lines->text + lines->size, data, size);
	lines->size += size;
	return true;
}

/**
 * lines_clear - begin anew
 * @lines: all in it is dropped
 */
void lines_clear(struct lines *lines)
{
	lines->size = 0;
	if (lines->room > ROOM_KEPT)
		lines_free(lines);
}

/**
 * lines_add - take a piece, and hand over the lines that it completes
 * @lines: what there is of the current line
 * @data: the piece
 * @size: its bytes
 * @fn: takes each line that is not empty
 * @arg: for @fn
 *
 * Return: false if @fn said so, or if a line is too long.
 */
bool lines_add(struct lines *lines, const char *data, size_t size, lines_fn *fn, void *arg)
{
	const char *end;
	bool more = true;

	while (more && (end = memchr(data, '\n', size))) {
		size_t part = end - data;

		if (!lines_append(lines, data, part))
			return false;
		if (lines->size)
			more = fn(lines->text, lines->size, arg);
		lines_clear(lines);
		data += part + 1;
		size -= part + 1;
	}
	return more && lines_append(lines, data, size);
}

/**
 * lines_free - drop all
 * @lines: all in it is dropped; usable again
 */
void lines_free(struct lines *lines)
{
	free(lines->text);
	lines->text = NULL;
	lines->size = 0;
	lines->room = 0;
}
