/* SPDX-License-Identifier: GPL-2.0 */
/* The commands, and what they have in common. */
#ifndef DVPNETCTL_CMD_H
#define DVPNETCTL_CMD_H

#include <stdbool.h>

#include "kernel.h"
#include "util.h"

int cmd_apply(int argc, char **argv);
int cmd_node(int argc, char **argv);
int cmd_prefix(int argc, char **argv);
int cmd_service(int argc, char **argv);
int cmd_flow(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_flush(int argc, char **argv);

/**
 * enum cmd_next - how a command goes on after its options
 * @CMD_RUN: with its arguments
 * @CMD_DONE: not at all, help was given
 * @CMD_BAD: not at all, an option was wrong and that was said
 */
enum cmd_next { CMD_RUN, CMD_DONE, CMD_BAD };

enum cmd_next cmd_options(int argc, char **argv, const char *usage);
int cmd_error(const char *format, ...) PRINTF(1, 2);
int cmd_kernel_error(struct kernel *kernel, int err, const char *what);
int cmd_connect(struct kernel *kernel);
bool cmd_flow_filter(char **argv, struct flow *filter);
bool cmd_number(const char *text, unsigned long min, unsigned long max, unsigned long *number);

#endif
