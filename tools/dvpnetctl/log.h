/* SPDX-License-Identifier: GPL-2.0 */
/* What the agent says, for people and for the journal. */
#ifndef DVPNETCTL_LOG_H
#define DVPNETCTL_LOG_H

#include "report.h"

/**
 * enum log_level - how much it matters
 * @LEVEL_ERROR: does not work, somebody has to do something
 * @LEVEL_WARNING: odd, or does not work for now
 * @LEVEL_INFO: what happens
 * @LEVEL_DEBUG: each step
 */
enum log_level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG };

void log_init(enum log_level level);
void log_print(enum log_level level, const char *format, ...) PRINTF(2, 3);
void log_report(const struct report *report);

#define log_error(...) log_print(LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_print(LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_print(LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LEVEL_DEBUG, __VA_ARGS__)

#endif
