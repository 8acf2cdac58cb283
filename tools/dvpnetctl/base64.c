// SPDX-License-Identifier: GPL-2.0
/* Base64, as Secrets and kubeconfigs have it (RFC 4648). */
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "util.h"

static int value_of(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? at - digits : -1;
}

/**
 * base64_decode - what base64 stands for
 * @text: in base64, perhaps on several lines
 *
 * Return: a text, to be freed, or NULL if it is none, or not base64.
 */
char *base64_decode(const char *text)
{
	char *out = util_alloc(strlen(text) + 1);
	unsigned int bits = 0, have = 0;
	size_t used = 0;

	for (; *text && *text != '='; text++) {
		int value = value_of(*text);

		if (*text == '\n' || *text == '\r')
			continue;
		if (value < 0) {
			free(out);
			return NULL;
		}
		bits = bits << 6 | value;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out[used++] = bits >> have;
		if (!out[used - 1]) {
			free(out);
			return NULL;
		}
	}
	out[used] = '\0';
	return out;
}
