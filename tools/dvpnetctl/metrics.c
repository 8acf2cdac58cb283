// SPDX-License-Identifier: GPL-2.0
/* Metrics, in Prometheus' text format, version 0.0.4. */
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

/**
 * histogram_add - note a value
 * @histogram: with its bounds
 * @value: the value
 */
void histogram_add(struct histogram *histogram, double value)
{
	size_t i = 0;

	if (!histogram->hits)
		histogram->hits = util_alloc((histogram->count + 1) * sizeof(*histogram->hits));
	while (i < histogram->count && value > histogram->bounds[i])
		i++;
	histogram->hits[i]++;
	histogram->sum += value;
}

/**
 * histogram_free - forget all values
 * @histogram: the histogram
 */
void histogram_free(struct histogram *histogram)
{
	free(histogram->hits);
	histogram->hits = NULL;
}

static void put_escaped(FILE *to, const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", to);
		else if (strchr(special, *text))
			fprintf(to, "\\%c", *text);
		else
			fputc(*text, to);
	}
}

/**
 * metrics_head - begin a metric
 * @to: where to write
 * @name: its name
 * @type: counter, gauge, histogram or untyped
 * @help: what it says
 */
void metrics_head(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP %s ", name);
	put_escaped(to, help, "\\");
	fprintf(to, "\n# TYPE %s %s\n", name, type);
}

/**
 * metrics_value - write the value of a metric
 * @to: where to write
 * @name: its name
 * @value: the value
 */
void metrics_value(FILE *to, const char *name, double value)
{
	fprintf(to, "%s %.16g\n", name, value);
}

/**
 * metrics_labelled - write a value of a metric that has several
 * @to: where to write
 * @name: its name
 * @label: what tells them apart
 * @of: which this is
 * @value: the value
 */
void metrics_labelled(FILE *to, const char *name, const char *label, const char *of, double value)
{
	fprintf(to, "%s{%s=\"", name, label);
	put_escaped(to, of, "\\\"");
	fprintf(to, "\"} %.16g\n", value);
}

/**
 * metrics_single - write a metric that has one value
 * @to: where to write
 * @name: its name
 * @type: counter, gauge or untyped
 * @help: what it says
 * @value: the value
 */
void metrics_single(FILE *to, const char *name, const char *type, const char *help, double value)
{
	metrics_head(to, name, type, help);
	metrics_value(to, name, value);
}

/**
 * metrics_histogram - write a histogram
 * @to: where to write
 * @name: its name
 * @help: what it says
 * @histogram: the values
 */
void metrics_histogram(FILE *to, const char *name, const char *help,
		       const struct histogram *histogram)
{
	uint64_t total = 0;
	size_t i;

	metrics_head(to, name, "histogram", help);
	for (i = 0; i <= histogram->count; i++) {
		total += histogram->hits ? histogram->hits[i] : 0;
		if (i < histogram->count)
			fprintf(to, "%s_bucket{le=\"%g\"} %llu\n", name, histogram->bounds[i],
				(unsigned long long)total);
	}
	fprintf(to, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)total);
	fprintf(to, "%s_sum %.16g\n", name, histogram->sum);
	fprintf(to, "%s_count %llu\n", name, (unsigned long long)total);
}
