// SPDX-License-Identifier: GPL-2.0
/* What is to be remembered of a network namespace, up to the next boot. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "note.h"
#include "util.h"

/* Whoever writes more has lost something else. */
#define NOTE_MAX (1U << 20)

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/**
 * note_path - the file of a note
 * @what: name of the note
 *
 * Return: its path, to be freed; it is of this network namespace of this boot alone.
 */
char *note_path(const char *what)
{
	socklen_t size = sizeof(uint64_t);
	uint64_t cookie = 0;
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock >= 0) {
		getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size);
		close(sock);
	}
	return util_printf(NOTE_DIR "/%s-%llu", what, (unsigned long long)cookie);
}

/**
 * note_write - write a note, as a whole or not at all
 * @what: name of the note
 * @text: what it says
 *
 * Return: 0 or a negative errno.
 */
int note_write(const char *what, const char *text)
{
	char *path = note_path(what);
	int err;

	mkdir(NOTE_DIR, 0755);
	err = file_replace(path, text);
	free(path);
	return err;
}

/**
 * note_read - read a note
 * @what: name of the note
 *
 * Return: what it says, to be freed, or NULL where there is none.
 */
char *note_read(const char *what)
{
	char *path = note_path(what), *text = NULL;
	FILE *file = fopen(path, "re");
	size_t size;

	if (file) {
		text = util_alloc(NOTE_MAX + 1);
		size = fread(text, 1, NOTE_MAX, file);
		text[size] = '\0';
		fclose(file);
	}
	free(path);
	return text;
}

/**
 * note_remove - remove a note, if there is one
 * @what: name of the note
 */
void note_remove(const char *what)
{
	char *path = note_path(what);

	unlink(path);
	free(path);
}
