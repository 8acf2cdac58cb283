/* SPDX-License-Identifier: GPL-2.0 */
/* Netlink requests and dumps, with the kernel's own words when it refuses. */
#ifndef DVPNETCTL_NETLINK_H
#define DVPNETCTL_NETLINK_H

#include <netlink/msg.h>
#include <netlink/netlink.h>

#define NETLINK_ERROR_MAX 512

/**
 * struct netlink - a netlink socket
 * @sock: libnl's
 * @error: why the last request failed: the kernel's extended ack, and errno in words
 */
struct netlink {
	struct nl_sock *sock;
	char error[NETLINK_ERROR_MAX];
};

/**
 * typedef netlink_fn - takes one message of an answer
 * @nlh: the message; valid during the call
 * @arg: as given with the request
 *
 * Return: 0, or a negative errno that ends the request with that error.
 */
typedef int netlink_fn(struct nlmsghdr *nlh, void *arg);

int netlink_open(struct netlink *netlink, int protocol);
void netlink_close(struct netlink *netlink);
int netlink_request(struct netlink *netlink, struct nl_msg *msg, netlink_fn *fn, void *arg);
int netlink_receive(struct netlink *netlink, netlink_fn *fn, void *arg);
int netlink_fail(struct netlink *netlink, int err, const char *text);
struct nl_msg *netlink_msg(size_t size);

#endif
