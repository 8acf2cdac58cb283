// SPDX-License-Identifier: GPL-2.0
/* What time it is. */
#include <stdlib.h>
#include <string.h>
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

/**
 * moment_parse - read a time as all of Kubernetes writes it
 * @text: RFC 3339, in UTC, perhaps with a fraction; or NULL
 *
 * Return: seconds since 1970; 0 of what is something else.
 */
double moment_parse(const char *text)
{
	double fraction = 0;
	struct tm utc = { 0 };
	const char *end;

	end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
	if (end && *end == '.') {
		fraction = strtod(end, NULL);
		end += 1 + strspn(end + 1, "0123456789");
	}
	return end && !strcmp(end, "Z") ? timegm(&utc) + fraction : 0;
}
