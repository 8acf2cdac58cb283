// SPDX-License-Identifier: GPL-2.0
/* Sets of ports, and the format in which the kernel lists them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port_set.h"
#include "util.h"

/**
 * port_set_add - add ports
 * @set: the set
 * @min: the first
 * @max: the last
 */
void port_set_add(struct port_set *set, unsigned int min, unsigned int max)
{
	unsigned int port;

	for (port = min; port <= max; port++)
		set->word[port / 64] |= 1ULL << port % 64;
}

/**
 * port_set_has - is a port in a set?
 * @set: the set
 * @port: the port
 */
bool port_set_has(const struct port_set *set, unsigned int port)
{
	return set->word[port / 64] & 1ULL << port % 64;
}

static bool parse_port(const char **text, unsigned int *port)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*port = strtoul(*text, &end, 10);
	*text = end;
	return !errno && *port < PORT_COUNT;
}

/**
 * port_set_parse - read the kernel's list format
 * @text: "80,1000-2000", perhaps empty or with a line end
 * @set: filled
 *
 * Return: false if it is something else.
 */
bool port_set_parse(const char *text, struct port_set *set)
{
	unsigned int min, max;

	memset(set, 0, sizeof(*set));
	while (*text && *text != '\n') {
		if (!parse_port(&text, &min))
			return false;
		max = min;
		if (*text == '-') {
			text++;
			if (!parse_port(&text, &max) || max < min)
				return false;
		}
		port_set_add(set, min, max);
		if (*text == ',')
			text++;
		else if (*text && *text != '\n')
			return false;
	}
	return true;
}

/**
 * port_set_text - write the kernel's list format
 * @set: the set
 *
 * Return: the text, to be freed.
 */
char *port_set_text(const struct port_set *set)
{
	char *text = util_alloc(PORT_SET_TEXT_MAX + 1);
	unsigned int port, last;
	size_t used = 0;

	for (port = 0; port < PORT_COUNT; port = last + 1) {
		last = port;
		if (!port_set_has(set, port))
			continue;
		while (last + 1 < PORT_COUNT && port_set_has(set, last + 1))
			last++;
		used += sprintf(text + used, "%s%u", used ? "," : "", port);
		if (last > port)
			used += sprintf(text + used, "-%u", last);
	}
	return text;
}

/**
 * port_set_equal - are these the same ports?
 * @a: a set
 * @b: a set
 */
bool port_set_equal(const struct port_set *a, const struct port_set *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/**
 * port_set_is_within - is one set part of another?
 * @inner: the smaller set
 * @outer: the larger set
 */
bool port_set_is_within(const struct port_set *inner, const struct port_set *outer)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(inner->word); i++)
		if (inner->word[i] & ~outer->word[i])
			return false;
	return true;
}

/**
 * port_set_subtract - take ports away
 * @set: the set
 * @other: those ports
 */
void port_set_subtract(struct port_set *set, const struct port_set *other)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(set->word); i++)
		set->word[i] &= ~other->word[i];
}

/**
 * port_set_unite - add the ports of another set
 * @set: the set
 * @other: those ports
 */
void port_set_unite(struct port_set *set, const struct port_set *other)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(set->word); i++)
		set->word[i] |= other->word[i];
}
