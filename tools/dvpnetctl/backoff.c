// SPDX-License-Identifier: GPL-2.0
/*
 * How long to wait before the next try: twice as long each time, up to a limit,
 * of which one half is left to chance, so that the nodes of a cluster do not all
 * come back at the same moment.
 */
#include <stdlib.h>
#include <sys/random.h>

#include "backoff.h"

static uint32_t chance(uint32_t below)
{
	uint32_t value = 0;

	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != sizeof(value))
		value = random();
	return below ? value % below : 0;
}

/**
 * backoff_next - note a failure
 * @backoff: those before
 *
 * Return: milliseconds to wait.
 */
uint32_t backoff_next(struct backoff *backoff)
{
	uint32_t limit = backoff->min_ms;
	unsigned int i;

	for (i = 0; i < backoff->failures && limit < backoff->max_ms; i++)
		limit *= 2;
	if (limit > backoff->max_ms)
		limit = backoff->max_ms;
	backoff->failures++;
	return limit / 2 + chance(limit - limit / 2 + 1);
}

/**
 * backoff_reset - note that it works
 * @backoff: its failures are forgotten
 */
void backoff_reset(struct backoff *backoff)
{
	backoff->failures = 0;
}
