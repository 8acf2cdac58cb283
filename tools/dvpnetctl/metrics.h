/* SPDX-License-Identifier: GPL-2.0 */
/* Metrics, in Prometheus' text format. */
#ifndef DVPNETCTL_METRICS_H
#define DVPNETCTL_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "util.h"

/**
 * struct histogram - how often something took how long
 * @bounds: upper bounds, in order
 * @count: how many they are
 * @hits: by bound, and behind the last what is above all; allocated with the first value
 * @sum: sum of all values
 */
struct histogram {
	const double *bounds;
	size_t count;
	uint64_t *hits;
	double sum;
};

void histogram_add(struct histogram *histogram, double value);
void histogram_free(struct histogram *histogram);

void metrics_head(FILE *to, const char *name, const char *type, const char *help);
void metrics_value(FILE *to, const char *name, double value);
void metrics_labelled(FILE *to, const char *name, const char *label, const char *of, double value);
void metrics_single(FILE *to, const char *name, const char *type, const char *help, double value);
void metrics_histogram(FILE *to, const char *name, const char *help,
		       const struct histogram *histogram);

#endif
