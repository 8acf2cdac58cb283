/* SPDX-License-Identifier: GPL-2.0 */
/* How long to wait before the next try. */
#ifndef DVPNETCTL_BACKOFF_H
#define DVPNETCTL_BACKOFF_H

#include <stdint.h>

/**
 * struct backoff - failures in a row
 * @min_ms: longest wait after the first
 * @max_ms: longest wait ever
 * @failures: how many there were
 */
struct backoff {
	uint32_t min_ms;
	uint32_t max_ms;
	unsigned int failures;
};

uint32_t backoff_next(struct backoff *backoff);
void backoff_reset(struct backoff *backoff);

#endif
