/* SPDX-License-Identifier: GPL-2.0 */
/* Which process has a socket. */
#ifndef DVPNETCTL_PROCESS_H
#define DVPNETCTL_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#define PROCESS_NAME_MAX 64

/**
 * struct process_socket - a socket, and who has it
 * @inode: number of the socket
 * @pid: a process that has it, or 0
 * @name: name of that process
 */
struct process_socket {
	uint64_t inode;
	int pid;
	char name[PROCESS_NAME_MAX];
};

void process_find(struct process_socket *sockets, size_t count);

#endif
