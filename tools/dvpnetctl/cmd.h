/* SPDX-License-Identifier: GPL-2.0 */
/* The commands, and what they have in common. */
#ifndef DVPNETCTL_CMD_H
#define DVPNETCTL_CMD_H

#include <stdbool.h>

#include "kernel.h"
#include "util.h"

int cmd_agent(int argc, char **argv);
int cmd_apply(int argc, char **argv);
int cmd_node(int argc, char **argv);
int cmd_prefix(int argc, char **argv);
int cmd_service(int argc, char **argv);
int cmd_flow(int argc, char **argv);
int cmd_flow_show(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_flush(int argc, char **argv);
int cmd_uninstall(int argc, char **argv);

bool cmd_options(int argc, char **argv, const char *usage, int *status);
int cmd_error(const char *format, ...) PRINTF(1, 2);
int cmd_kernel_error(struct kernel *kernel, int err, const char *what);
int cmd_connect(struct kernel *kernel);
bool cmd_flow_filter(char **argv, struct flow *filter);
bool cmd_number(const char *text, unsigned long min, unsigned long max, unsigned long *number);

#endif
