// SPDX-License-Identifier: GPL-2.0
/* Files that others read at any time: the old text is there, or the new one, also after a crash. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "util.h"

static int write_whole(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	size_t size = strlen(text);
	ssize_t written;
	int err = 0;

	if (fd < 0)
		return -errno;
	written = write(fd, text, size);
	if (written < 0 || fsync(fd))
		err = -errno;
	else if ((size_t)written != size)
		err = -ENOSPC;
	close(fd);
	return err;
}

static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = fsync(fd) ? -errno : 0;
	close(fd);
	return err;
}

/**
 * file_replace - give a file another text, as a whole or not at all
 * @path: the file; its folder is there
 * @text: the text
 *
 * The new one is made beside it, under a name that begins with a dot and ends with ".new": who reads
 * all of a folder takes it for none of his.
 *
 * Return: 0 or a negative errno; then the old text is there.
 */
int file_replace(const char *path, const char *text)
{
	char *folder = util_strdup(path), *name = util_strdup(path);
	char *new = util_printf("%s/.%s.new", dirname(folder), basename(name));
	int err;

	err = write_whole(new, text);
	if (!err && rename(new, path))
		err = -errno;
	if (err)
		unlink(new);
	else
		err = sync_dir(folder);
	free(new);
	free(name);
	free(folder);
	return err;
}
