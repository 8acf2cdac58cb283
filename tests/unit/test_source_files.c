// SPDX-License-Identifier: GPL-2.0
/* Files and directories: what is read, in which order, and what is refused. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reading.h"
#include "source_files.h"

static char directory[] = "/tmp/dvpnetctl-test-XXXXXX";

/**
 * struct collected - what was read
 * @text: "FILE VALUE " of each document, without the directory's name
 * @report: errors
 */
struct collected {
	char text[1024];
	struct report report;
};

static void take(const struct source *source, const json_t *root, void *arg)
{
	struct collected *collected = arg;

	sprintf(collected->text + strlen(collected->text), "%s %s ",
		source->file + (strncmp(source->file, directory, strlen(directory)) ?
				0 : strlen(directory) + 1),
		json_is_string(root) ? json_string_value(root) : "?");
}

static void read_path(struct collected *collected, const char *name)
{
	struct source_files files = { 0 };
	char *path = util_printf("%s/%s", directory, name);

	memset(collected, 0, sizeof(*collected));
	source_files_read(&files, strcmp(name, "-") ? path : name, take, collected,
			  &collected->report);
	free(path);
	/* Errors are texts of their own: they outlive the names. */
	source_files_free(&files);
}

static void write_file(const char *name, const char *text)
{
	char *path = util_printf("%s/%s", directory, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	free(path);
}

static void assert_read(const char *name, const char *expected)
{
	struct collected collected;

	read_path(&collected, name);
	assert_int_equal(collected.report.errors.count, 0);
	assert_string_equal(collected.text, expected);
}

static void assert_refused(const char *name, const char *expected)
{
	char *text = util_printf("%s/%s: %s", directory, name, expected);
	struct collected collected;

	read_path(&collected, name);
	assert_int_equal(collected.report.errors.count, 1);
	assert_string_equal(collected.report.errors.item[0], text);
	report_free(&collected.report);
	free(text);
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	char *command = util_printf("rm -rf %s", directory);
	int status = system(command);

	(void)state;
	free(command);
	return status;
}

static void reads_a_file(void **state)
{
	(void)state;
	write_file("a.txt", "one\n---\ntwo\n");
	assert_read("a.txt", "a.txt one a.txt two ");
}

static void reads_a_directory_in_order(void **state)
{
	char *path = util_printf("%s/d", directory);

	(void)state;
	mkdir(path, 0700);
	free(path);
	write_file("d/2.yml", "two");
	write_file("d/3.json", "\"three\"");
	write_file("d/1.yaml", "one");
	write_file("d/.hidden.yaml", "hidden");
	write_file("d/notes.txt", "notes");
	write_file("d/yaml", "no ending");
	assert_read("d", "d/1.yaml one d/2.yml two d/3.json three ");
	assert_read("d/", "d/1.yaml one d/2.yml two d/3.json three ");
}

static void reads_standard_input(void **state)
{
	struct collected collected;
	int ends[2], saved = dup(0);

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "piped", 5), 5);
	close(ends[1]);
	dup2(ends[0], 0);
	read_path(&collected, "-");
	dup2(saved, 0);
	close(ends[0]);
	close(saved);
	assert_string_equal(collected.text, "(standard input) piped ");
}

static void refuses_what_is_empty(void **state)
{
	char *path = util_printf("%s/nothing", directory);

	(void)state;
	write_file("empty.yaml", "");
	assert_refused("empty.yaml", "is empty: expected Kubernetes objects");
	write_file("comment.yaml", "# nothing\n---\n---\n");
	assert_refused("comment.yaml", "is empty: expected Kubernetes objects");
	mkdir(path, 0700);
	free(path);
	assert_refused("nothing", "has no *.yaml, *.yml or *.json file");
}

static void refuses_what_cannot_be_read(void **state)
{
	(void)state;
	assert_refused("absent.yaml", "No such file or directory");
	write_file("a.txt", "one");
	assert_refused("a.txt/b", "Not a directory");
}

static void refuses_what_is_too_large(void **state)
{
	char *path = util_printf("%s/large.yaml", directory);

	(void)state;
	write_file("large.yaml", "one");
	assert_int_equal(truncate(path, SOURCE_FILE_MAX + 1), 0);
	free(path);
	assert_refused("large.yaml", "is larger than 64 MiB: expected a dump of Kubernetes "
				     "objects, split it if it is one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_file),
		cmocka_unit_test(reads_a_directory_in_order),
		cmocka_unit_test(reads_standard_input),
		cmocka_unit_test(refuses_what_is_empty),
		cmocka_unit_test(refuses_what_cannot_be_read),
		cmocka_unit_test(refuses_what_is_too_large),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
