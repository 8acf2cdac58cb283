// SPDX-License-Identifier: GPL-2.0
/* Memory that never fails, lists that grow, and texts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static void *check(void *memory)
{
	if (!memory) {
		fputs("dvpnetctl: out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	return memory;
}

/**
 * util_grow - make room for one element more and zero it; see list_add()
 * @items: the elements, or NULL
 * @count: how many they are
 * @room: for how many there is room
 * @size: size of one
 *
 * Return: the elements, perhaps elsewhere.
 */
void *util_grow(void *items, size_t count, size_t *room, size_t size)
{
	if (count == *room) {
		*room = *room ? 2 * *room : 4;
		items = check(reallocarray(items, *room, size));
	}
	memset((char *)items + count * size, 0, size);
	return items;
}

/**
 * util_alloc - zeroed memory
 * @size: bytes
 */
void *util_alloc(size_t size)
{
	return check(calloc(1, size));
}

/**
 * util_strdup - a copy of a string
 * @text: the string, or NULL
 */
char *util_strdup(const char *text)
{
	return text ? check(strdup(text)) : NULL;
}

/**
 * util_vprintf - print into memory
 * @format: as of printf()
 * @args: as of vprintf()
 *
 * Return: the text, to be freed.
 */
char *util_vprintf(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		check(NULL);
	return text;
}

/**
 * util_printf - print into memory
 * @format: as of printf()
 *
 * Return: the text, to be freed.
 */
char *util_printf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = util_vprintf(format, args);
	va_end(args);
	return text;
}

/**
 * util_strcmp_null - strcmp() that takes NULL, which comes first
 * @a: a string or NULL
 * @b: a string or NULL
 */
int util_strcmp_null(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

/**
 * util_hash - FNV-1a of 64 bits, the same on all machines
 * @text: the text
 */
uint64_t util_hash(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash;
}
