// SPDX-License-Identifier: GPL-2.0
/* Kubernetes objects from files and directories. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source_files.h"

/**
 * struct counting - passes documents on and counts them
 * @fn: who gets them
 * @arg: for @fn
 * @count: how many they were
 */
struct counting {
	document_fn *fn;
	void *arg;
	size_t count;
};

static void count_document(const struct source *source, const json_t *root, void *arg)
{
	struct counting *counting = arg;

	counting->count++;
	counting->fn(source, root, counting->arg);
}

static void parse(const char *name, const char *text, size_t size, document_fn *fn, void *arg,
		  struct report *report)
{
	struct counting counting = { fn, arg, 0 };
	struct place place = { .file = name };

	if (!document_parse(name, text, size, count_document, &counting, report) &&
	    !counting.count)
		report_error(report, &place, "is empty: expected Kubernetes objects");
}

/* Reads up to one byte more than is allowed; NULL and errno on error. */
static char *read_all(int fd, size_t expected, size_t *size)
{
	size_t room = expected + 1;
	char *text = util_alloc(room);
	ssize_t got;

	for (*size = 0; *size <= SOURCE_FILE_MAX; *size += got) {
		if (*size + 1 >= room) {
			char *grown = realloc(text, 2 * room + 4096);

			if (!grown) {
				free(text);
				return NULL;
			}
			text = grown;
			room = 2 * room + 4096;
		}
		got = read(fd, text + *size, room - 1 - *size);
		if (got < 0 && errno == EINTR) {
			got = 0;
			continue;
		}
		if (got < 0) {
			free(text);
			return NULL;
		}
		if (!got)
			break;
	}
	text[*size] = '\0';
	return text;
}

static void read_fd(const char *name, int fd, document_fn *fn, void *arg,
		    struct report *report)
{
	struct place place = { .file = name };
	size_t size = 0, expected = 0;
	struct stat status;
	char *text;

	if (!fstat(fd, &status) && S_ISREG(status.st_mode)) {
		if (status.st_size > SOURCE_FILE_MAX) {
			report_error(report, &place, "is larger than %d MiB: expected a dump of "
				     "Kubernetes objects, split it if it is one",
				     SOURCE_FILE_MAX >> 20);
			return;
		}
		expected = status.st_size;
	}
	text = read_all(fd, expected, &size);
	if (!text)
		report_error(report, &place, "%s", strerror(errno));
	else if (size > SOURCE_FILE_MAX)
		report_error(report, &place, "is larger than %d MiB", SOURCE_FILE_MAX >> 20);
	else
		parse(name, text, size, fn, arg, report);
	free(text);
}

static char *remember_name(struct source_files *files, const char *name)
{
	return *list_add(&files->names) = util_strdup(name);
}

static void read_file(struct source_files *files, const char *path, document_fn *fn, void *arg,
		      struct report *report)
{
	struct place place = { .file = remember_name(files, path) };
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		report_error(report, &place, "%s", strerror(errno));
		return;
	}
	read_fd(place.file, fd, fn, arg, report);
	close(fd);
}

static int is_wanted(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot &&
	       (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml") || !strcmp(dot, ".json"));
}

static void read_directory(struct source_files *files, const char *path, document_fn *fn,
			   void *arg, struct report *report)
{
	struct place place = { .file = remember_name(files, path) };
	struct dirent **entries;
	int count, i;

	count = scandir(path, &entries, is_wanted, alphasort);
	if (count < 0) {
		report_error(report, &place, "%s", strerror(errno));
		return;
	}
	if (!count)
		report_error(report, &place, "has no *.yaml, *.yml or *.json file");
	for (i = 0; i < count; i++) {
		char *file = util_printf("%s/%s", path, entries[i]->d_name);

		read_file(files, file, fn, arg, report);
		free(file);
		free(entries[i]);
	}
	free(entries);
}

/**
 * source_files_read - read a file, the files of a directory, or standard input
 * @files: remembers the names
 * @path: which; "-" is standard input
 * @fn: takes each document
 * @arg: for @fn
 * @report: errors
 */
void source_files_read(struct source_files *files, const char *path, document_fn *fn,
		       void *arg, struct report *report)
{
	size_t size = strlen(path);
	struct stat status;
	char *trimmed;

	if (!strcmp(path, "-")) {
		read_fd(remember_name(files, "(standard input)"), STDIN_FILENO, fn, arg, report);
		return;
	}
	if (stat(path, &status) || !S_ISDIR(status.st_mode)) {
		read_file(files, path, fn, arg, report);
		return;
	}
	while (size > 1 && path[size - 1] == '/')
		size--;
	trimmed = util_printf("%.*s", (int)size, path);
	read_directory(files, trimmed, fn, arg, report);
	free(trimmed);
}

/**
 * source_files_free - forget the names
 * @files: the files
 */
void source_files_free(struct source_files *files)
{
	size_t i;

	for (i = 0; i < files->names.count; i++)
		free(files->names.item[i]);
	list_free(&files->names);
}
