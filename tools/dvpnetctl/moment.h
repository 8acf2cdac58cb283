/* SPDX-License-Identifier: GPL-2.0 */
/* What time it is. */
#ifndef DVPNETCTL_MOMENT_H
#define DVPNETCTL_MOMENT_H

#include <stdint.h>

uint64_t moment_us(void);
double moment_now(void);
double moment_parse(const char *text);

#endif
