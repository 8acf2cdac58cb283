// SPDX-License-Identifier: GPL-2.0
/* What older kernels lack and a header cannot give. */
#include <linux/sched.h>

#ifndef COMPAT_HAS_EXTACK_FMT

#define EXTACK_LEN	80	/* as in newer kernels */
#define EXTACK_TASKS	256

/**
 * compat_extack_fmt - set a formatted message in an extended ack
 * @extack: the extended ack, or NULL
 * @fmt: format, and its arguments
 *
 * The message must outlive this call until the ack is built, right after the
 * request, by the same task. There is no room for it in the ack, so each task
 * has a buffer here; tasks so far apart in number that they share one can at
 * worst see the other's text.
 */
void compat_extack_fmt(struct netlink_ext_ack *extack, const char *fmt, ...)
{
	static char messages[EXTACK_TASKS][EXTACK_LEN];
	char *message = messages[task_pid_nr(current) % EXTACK_TASKS];
	va_list args;

	if (!extack)
		return;
	va_start(args, fmt);
	vscnprintf(message, EXTACK_LEN, fmt, args);
	va_end(args);
	extack->_msg = message;
}

#endif
