/* SPDX-License-Identifier: GPL-2.0 */
/* A stream that comes in pieces, cut into lines. */
#ifndef DVPNETCTL_LINES_H
#define DVPNETCTL_LINES_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct lines - a line that is not complete yet
 * @text: what has come of it, not ended by a NUL
 * @size: bytes of that
 * @room: bytes for which there is room
 * @max: longest line that is taken
 */
struct lines {
	char *text;
	size_t size;
	size_t room;
	size_t max;
};

/**
 * typedef lines_fn - takes one line
 * @line: the line, without its end; valid during the call
 * @size: its bytes
 * @arg: as given to lines_add()
 *
 * Return: false to stop.
 */
typedef bool lines_fn(const char *line, size_t size, void *arg);

bool lines_add(struct lines *lines, const char *data, size_t size, lines_fn *fn, void *arg);
bool lines_append(struct lines *lines, const char *data, size_t size);
void lines_clear(struct lines *lines);
void lines_free(struct lines *lines);

#endif
