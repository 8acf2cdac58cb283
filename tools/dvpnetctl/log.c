// SPDX-License-Identifier: GPL-2.0
/*
 * What the agent says, a line each on standard error. Where that is the journal,
 * which notes time, name and level itself, the level stands before the line as
 * sd-daemon(3) has it; else the line says all of it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

/**
 * struct log - how to write
 * @level: what matters less is not written
 * @to_journal: standard error is the journal
 */
static struct {
	enum log_level level;
	bool to_journal;
} logger;

static const struct {
	const char *prefix;
	const char *name;
} levels[] = {
	[LEVEL_ERROR] = { SD_ERR, "error: " },
	[LEVEL_WARNING] = { SD_WARNING, "warning: " },
	[LEVEL_INFO] = { SD_INFO, "" },
	[LEVEL_DEBUG] = { SD_DEBUG, "debug: " },
};

/* systemd says which file is the journal; standard error may be another by now. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &status) && status.st_dev == device &&
	       status.st_ino == inode;
}

/**
 * log_init - set how to write
 * @level: what matters less is not written
 */
void log_init(enum log_level level)
{
	logger.level = level;
	logger.to_journal = is_journal();
}

/**
 * log_print - write a line
 * @level: how much it matters
 * @format: the line
 */
void log_print(enum log_level level, const char *format, ...)
{
	char stamp[40] = "";
	struct timespec now;
	struct tm local;
	va_list args;
	char *text;

	if (level > logger.level)
		return;
	va_start(args, format);
	text = util_vprintf(format, args);
	va_end(args);
	if (logger.to_journal) {
		fprintf(stderr, "%s%s\n", levels[level].prefix, text);
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
		localtime_r(&now.tv_sec, &local);
		strftime(stamp, sizeof(stamp), "%H:%M:%S", &local);
		fprintf(stderr, "%s.%03ld dvpnetctl: %s%s\n", stamp, now.tv_nsec / 1000000,
			levels[level].name, text);
	}
	free(text);
}

/**
 * log_report - write errors and warnings
 * @report: those
 */
void log_report(const struct report *report)
{
	size_t i;

	for (i = 0; i < report->warnings.count; i++)
		log_warning("%s", report->warnings.item[i]);
	for (i = 0; i < report->errors.count; i++)
		log_error("%s", report->errors.item[i]);
}
