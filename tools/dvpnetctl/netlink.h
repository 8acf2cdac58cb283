/* SPDX-License-Identifier: GPL-2.0 */
/* Netlink requests and dumps, with the kernel's own words when it refuses. */
#ifndef DVPNETCTL_NETLINK_H
#define DVPNETCTL_NETLINK_H

#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "util.h"

#define NETLINK_ERROR_MAX 512

/**
 * struct netlink_batch - requests that wait to be sent in one go
 * @data: their messages, or NULL before the first
 * @size: bytes of them
 * @last: where the last one begins in @data
 * @first_seq: sequence number of the first; the others follow
 * @tags: what each is about
 */
struct netlink_batch {
	char *data;
	size_t size;
	size_t last;
	uint32_t first_seq;
	LIST(const void *) tags;
};

/**
 * struct netlink - a netlink socket
 * @sock: libnl's
 * @error: why the last request failed: the kernel's extended ack, or errno in words
 * @batch: requests of netlink_queue()
 * @failed: what the queued request that made the last call fail is about, or NULL
 */
struct netlink {
	struct nl_sock *sock;
	char error[NETLINK_ERROR_MAX];
	struct netlink_batch batch;
	const void *failed;
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
int netlink_queue(struct netlink *netlink, struct nl_msg *msg, const void *tag);
int netlink_flush(struct netlink *netlink);
void netlink_drop(struct netlink *netlink);
int netlink_receive(struct netlink *netlink, netlink_fn *fn, void *arg);
int netlink_fail(struct netlink *netlink, int err, const char *text);
struct nl_msg *netlink_msg(size_t size);

#endif
