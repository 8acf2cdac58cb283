/* SPDX-License-Identifier: GPL-2.0 */
/* What is wrong with the input, and where. */
#ifndef DVPNETCTL_REPORT_H
#define DVPNETCTL_REPORT_H

#include <stdarg.h>
#include <stdio.h>

#include "util.h"

/** Longest "FILE:LINE" that is shown in full. */
#define PLACE_TEXT_MAX 512

/**
 * struct place - where something was read
 * @file: name of the file, or NULL; belongs to &struct source_files
 * @line: from 1, or 0 for the file as a whole
 */
struct place {
	const char *file;
	unsigned int line;
};

/**
 * struct report - errors and warnings, in the order in which they were found
 * @errors: texts
 * @warnings: texts
 */
struct report {
	LIST(char *) errors;
	LIST(char *) warnings;
};

const char *place_text(const struct place *place, char text[PLACE_TEXT_MAX]);
void report_error(struct report *report, const struct place *place,
		  const char *format, ...) PRINTF(3, 4);
void report_verror(struct report *report, const struct place *place,
		   const char *format, va_list args) PRINTF(3, 0);
void report_warning(struct report *report, const struct place *place,
		    const char *format, ...) PRINTF(3, 4);
void report_take(struct report *report, struct report *from, const char *done);
void report_print(const struct report *report, FILE *to);
void report_free(struct report *report);

#endif
