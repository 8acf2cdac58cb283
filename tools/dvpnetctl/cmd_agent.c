// SPDX-License-Identifier: GPL-2.0
/* dvpnetctl agent: the program dvpnetctl-agent, which is beside this one. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

#define SELF "/proc/self/exe"
#define SUFFIX "-agent"

/**
 * cmd_agent - dvpnetctl agent
 * @argc: as of main()
 * @argv: as of main()
 *
 * Return: the exit status, if the agent could not start.
 */
int cmd_agent(int argc, char **argv)
{
	char path[PATH_MAX + sizeof(SUFFIX)];
	ssize_t length;

	(void)argc;
	length = readlink(SELF, path, PATH_MAX);
	if (length < 0 || length == PATH_MAX)
		return cmd_error("agent: " SELF ": %s",
				 strerror(length < 0 ? errno : ENAMETOOLONG));
	strcpy(path + length, SUFFIX);
	execv(path, argv);
	return cmd_error("agent: %s: %s", path, strerror(errno));
}
