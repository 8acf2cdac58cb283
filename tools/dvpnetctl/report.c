// SPDX-License-Identifier: GPL-2.0
/* What is wrong with the input, and where. */
#include <stdlib.h>

#include "report.h"

/* A person mends the first few; a wrong directory may have thousands. */
#define PRINTED_MAX 20

/**
 * place_text - write FILE:LINE, or "cluster" of what comes from an API server
 * @place: the place
 * @text: where to write
 *
 * Return: @text.
 */
const char *place_text(const struct place *place, char text[PLACE_TEXT_MAX])
{
	const char *file = place->file ? place->file : "cluster";

	if (place->line)
		snprintf(text, PLACE_TEXT_MAX, "%s:%u", file, place->line);
	else
		snprintf(text, PLACE_TEXT_MAX, "%s", file);
	return text;
}

static char *compose(const struct place *place, const char *format, va_list args)
{
	char where[PLACE_TEXT_MAX];
	char *what, *text;

	what = util_vprintf(format, args);
	if (!place || !place->file)
		return what;
	text = util_printf("%s: %s", place_text(place, where), what);
	free(what);
	return text;
}

/**
 * report_verror - note an error
 * @report: where
 * @place: what it concerns, or NULL
 * @format: what is wrong and what to do
 * @args: as of vprintf()
 */
void report_verror(struct report *report, const struct place *place,
		   const char *format, va_list args)
{
	*list_add(&report->errors) = compose(place, format, args);
}

/**
 * report_error - note an error
 * @report: where
 * @place: what it concerns, or NULL
 * @format: what is wrong and what to do
 */
void report_error(struct report *report, const struct place *place,
		  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_verror(report, place, format, args);
	va_end(args);
}

/**
 * report_warning - note something that is odd, but not wrong
 * @report: where
 * @place: what it concerns, or NULL
 * @format: what is odd
 */
void report_warning(struct report *report, const struct place *place,
		    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	*list_add(&report->warnings) = compose(place, format, args);
	va_end(args);
}

/**
 * report_take - take over what another report has
 * @report: where
 * @from: what was noted there; empty from here on
 * @done: what is done about the errors, appended to each
 */
void report_take(struct report *report, struct report *from, const char *done)
{
	size_t i;

	for (i = 0; i < from->errors.count; i++)
		report_error(report, NULL, "%s%s", from->errors.item[i], done);
	for (i = 0; i < from->warnings.count; i++)
		report_warning(report, NULL, "%s", from->warnings.item[i]);
	report_free(from);
}

/**
 * report_print - write all of it, a line each
 * @report: what was noted
 * @to: where to write
 */
void report_print(const struct report *report, FILE *to)
{
	size_t i;

	for (i = 0; i < report->warnings.count && i < PRINTED_MAX; i++)
		fprintf(to, "warning: %s\n", report->warnings.item[i]);
	if (report->warnings.count > PRINTED_MAX)
		fprintf(to, "warning: and %zu more\n", report->warnings.count - PRINTED_MAX);
	for (i = 0; i < report->errors.count && i < PRINTED_MAX; i++)
		fprintf(to, "%s\n", report->errors.item[i]);
	if (report->errors.count > PRINTED_MAX)
		fprintf(to, "and %zu more errors\n", report->errors.count - PRINTED_MAX);
}

/**
 * report_free - forget all
 * @report: what was noted
 */
void report_free(struct report *report)
{
	size_t i;

	for (i = 0; i < report->errors.count; i++)
		free(report->errors.item[i]);
	for (i = 0; i < report->warnings.count; i++)
		free(report->warnings.item[i]);
	list_free(&report->errors);
	list_free(&report->warnings);
}
