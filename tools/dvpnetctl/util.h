/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that never fails, lists that grow, and texts. */
#ifndef DVPNETCTL_UTIL_H
#define DVPNETCTL_UTIL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define PRINTF(text, first) __attribute__((format(printf, text, first)))

/**
 * LIST() - a list of @type: its elements, how many they are, and for how many there is room
 *
 * All zero is an empty list.
 */
#define LIST(type)		\
	struct {		\
		type *item;	\
		size_t count;	\
		size_t room;	\
	}

/** list_add() - append a zeroed element; yields a pointer to it */
#define list_add(list)								\
	((list)->item = util_grow((list)->item, (list)->count, &(list)->room,	\
				  sizeof(*(list)->item)),			\
	 &(list)->item[(list)->count++])

/** list_free() - forget the elements */
#define list_free(list)			\
	do {				\
		free((list)->item);	\
		(list)->item = NULL;	\
		(list)->count = 0;	\
		(list)->room = 0;	\
	} while (0)

/** list_sort() - sort by a qsort() comparison */
#define list_sort(list, compare)						\
	do {									\
		if ((list)->count > 1)						\
			qsort((list)->item, (list)->count,			\
			      sizeof(*(list)->item), compare);			\
	} while (0)

void *util_grow(void *items, size_t count, size_t *room, size_t size);
void *util_alloc(size_t size);
char *util_strdup(const char *text);
char *util_printf(const char *format, ...) PRINTF(1, 2);
char *util_vprintf(const char *format, va_list args) PRINTF(1, 0);
uint64_t util_hash(const char *text);
int util_strcmp_null(const char *a, const char *b);

#endif
