// SPDX-License-Identifier: GPL-2.0
/* Which process has a socket. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

static void read_name(int pid, char name[PROCESS_NAME_MAX])
{
	char path[32];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(name, PROCESS_NAME_MAX, file))
		name[strcspn(name, "\n")] = '\0';
	fclose(file);
}

/* The socket that a descriptor is, or 0. */
static uint64_t socket_of(const char *path)
{
	unsigned long long inode;
	char target[64];
	ssize_t size = readlink(path, target, sizeof(target) - 1);

	if (size < 0)
		return 0;
	target[size] = '\0';
	return sscanf(target, "socket:[%llu]", &inode) == 1 ? inode : 0;
}

static size_t find_in(int pid, struct process_socket *sockets, size_t count)
{
	char path[64];
	struct dirent *entry;
	size_t i, found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		uint64_t inode;

		snprintf(path, sizeof(path), "/proc/%d/fd/%.16s", pid, entry->d_name);
		inode = socket_of(path);
		for (i = 0; inode && i < count; i++) {
			if (sockets[i].inode != inode || sockets[i].pid)
				continue;
			sockets[i].pid = pid;
			read_name(pid, sockets[i].name);
			found++;
		}
	}
	closedir(dir);
	return found;
}

/**
 * process_find - find who has sockets, as far as this process may see
 * @sockets: the sockets, few of them; completed
 * @count: how many
 */
void process_find(struct process_socket *sockets, size_t count)
{
	struct dirent *entry;
	size_t left = count;
	DIR *dir;

	dir = opendir("/proc");
	if (!dir)
		return;
	while (left && (entry = readdir(dir))) {
		int pid = atoi(entry->d_name);

		if (pid > 0)
			left -= find_in(pid, sockets, count);
	}
	closedir(dir);
}
