// SPDX-License-Identifier: GPL-2.0
/* What time it is. */
#include <time.h>

#include "moment.h"

/**
 * moment_us - for how long something takes
 *
 * Return: microseconds of CLOCK_MONOTONIC.
 */
uint64_t moment_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

/**
 * moment_now - for people, and other machines
 *
 * Return: seconds since 1970.
 */
double moment_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}
