// SPDX-License-Identifier: GPL-2.0
/* Netlink requests and dumps, with the kernel's own words when it refuses. */
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink.h"
#include "util.h"

/* Room for a burst of events, and for the errors of a batch. */
#define RECEIVE_BUFFER (4 << 20)

/* Largest message of a dump; asking for the size of each first would double the calls. */
#define MESSAGE_BUFFER (64 << 10)

#define BATCH_MAX (48 << 10)

/**
 * struct answer - an answer on its way
 * @netlink: the socket
 * @fn: takes its messages, or NULL
 * @arg: for @fn
 * @err: 1 = goes on, 0 = complete, else a negative errno
 * @last_seq: sequence number of the last request of a batch, which ends it; 0 = no batch
 * @failed: negative errno of the first request of the batch that failed, or 0
 * @failed_seq: its sequence number
 */
struct answer {
	struct netlink *netlink;
	netlink_fn *fn;
	void *arg;
	int err;
	uint32_t last_seq;
	int failed;
	uint32_t failed_seq;
};

/**
 * netlink_fail - note why a request failed
 * @netlink: the socket
 * @err: negative errno
 * @text: why, in words; NULL if only the errno tells
 *
 * Return: @err.
 */
int netlink_fail(struct netlink *netlink, int err, const char *text)
{
	if (!text)
		text = err == -EPERM ? "not permitted: needs root, or CAP_NET_ADMIN" :
				       strerror(-err);
	snprintf(netlink->error, sizeof(netlink->error), "%s", text);
	return err;
}

static int fail_nl(struct netlink *netlink, int nl_err)
{
	switch (-nl_err) {
	case NLE_NOMEM:
		return netlink_fail(netlink, -ENOBUFS, NULL);
	case NLE_PERM:
		return netlink_fail(netlink, -EPERM, NULL);
	case NLE_DUMP_INTR:
		return netlink_fail(netlink, -EINTR, "changed while it was read");
	default:
		return netlink_fail(netlink, -EIO, nl_geterror(nl_err));
	}
}

/* The kernel's message among the TLVs of an extended ack, or NULL. */
static const char *extack_message(struct nlattr *attrs, int size)
{
	struct nlattr *message = nla_find(attrs, size, NLMSGERR_ATTR_MSG);

	if (!message || !nla_len(message) ||
	    strnlen(nla_data(message), nla_len(message)) == (size_t)nla_len(message))
		return NULL;
	return nla_get_string(message);
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	/* libnl hands over the payload; its header stands right before it. */
	struct nlmsghdr *nlh = (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN);
	size_t head = sizeof(*error);
	struct answer *answer = arg;
	const char *message = NULL;

	(void)from;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		head += NLMSG_ALIGN(error->msg.nlmsg_len - NLMSG_HDRLEN);
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS && NLMSG_HDRLEN + head < nlh->nlmsg_len)
		message = extack_message((struct nlattr *)((char *)error + head),
					 nlh->nlmsg_len - NLMSG_HDRLEN - head);
	if (!answer->failed) {
		answer->failed = netlink_fail(answer->netlink, error->error, message);
		answer->failed_seq = nlh->nlmsg_seq;
	}
	/* The kernel goes on with the rest of a batch. */
	if (answer->last_seq && answer->last_seq != nlh->nlmsg_seq)
		return NL_SKIP;
	answer->err = answer->failed;
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	(void)msg;
	answer->err = answer->failed;
	return NL_STOP;
}

/* Answers come in the order of the requests; those of a batch share one wait. */
static int accept_any(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

/* The end of a dump carries its error, if there was one. */
static int on_done(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct answer *answer = arg;
	const char *message = NULL;
	int err = 0;

	if (nlh->nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
		memcpy(&err, NLMSG_DATA(nlh), sizeof(err));
	if (err < 0) {
		size_t head = NLMSG_LENGTH(sizeof(err));

		if (nlh->nlmsg_flags & NLM_F_ACK_TLVS && nlh->nlmsg_len > head)
			message = extack_message((struct nlattr *)((char *)nlh + head),
						 nlh->nlmsg_len - head);
		netlink_fail(answer->netlink, err, message);
	}
	answer->err = err < 0 ? err : 0;
	return NL_STOP;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;
	int err = 0;

	if (answer->fn)
		err = answer->fn(nlmsg_hdr(msg), answer->arg);
	if (err < 0) {
		answer->err = err;
		return NL_STOP;
	}
	return NL_OK;
}

/**
 * netlink_open - open a socket
 * @netlink: filled
 * @protocol: NETLINK_GENERIC or NETLINK_ROUTE
 *
 * Return: 0 or a negative errno.
 */
int netlink_open(struct netlink *netlink, int protocol)
{
	int on = 1, err;

	memset(netlink, 0, sizeof(*netlink));
	netlink->sock = nl_socket_alloc();
	if (!netlink->sock)
		return netlink_fail(netlink, -ENOMEM, NULL);
	err = nl_connect(netlink->sock, protocol);
	if (err) {
		fail_nl(netlink, err);
		netlink_close(netlink);
		return -EIO;
	}
	/* All of them are refinements; without one the tool still works. */
	nl_socket_set_buffer_size(netlink->sock, RECEIVE_BUFFER, 0);
	nl_socket_set_msg_buf_size(netlink->sock, MESSAGE_BUFFER);
	nl_socket_disable_msg_peek(netlink->sock);
	setsockopt(nl_socket_get_fd(netlink->sock), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(netlink->sock), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(netlink->sock), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
		   sizeof(on));
	return 0;
}

/**
 * netlink_close - close a socket
 * @netlink: the socket
 */
void netlink_close(struct netlink *netlink)
{
	nl_socket_free(netlink->sock);
	netlink->sock = NULL;
	free(netlink->batch.data);
	netlink->batch.data = NULL;
	list_free(&netlink->batch.tags);
}

static struct nl_cb *callbacks(struct answer *answer)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);

	if (!cb)
		return NULL;
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, answer);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, answer);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_done, answer);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, answer);
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, accept_any, NULL);
	return cb;
}

/**
 * netlink_request - send a request and take its answer
 * @netlink: the socket
 * @msg: the request; freed
 * @fn: takes the messages of the answer, or NULL
 * @arg: for @fn
 *
 * What is queued goes before it; if that fails, it is not sent.
 *
 * Return: 0; -EINTR if a dump was not consistent and has to be repeated; else
 * a negative errno, and &netlink.error says why.
 */
int netlink_request(struct netlink *netlink, struct nl_msg *msg, netlink_fn *fn, void *arg)
{
	struct answer answer = { .netlink = netlink, .fn = fn, .arg = arg, .err = 1 };
	struct nl_cb *cb;
	int nl_err, err;

	/* The requests of a batch are numbered one by one: none comes between them. */
	err = netlink_flush(netlink);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	cb = callbacks(&answer);
	if (!cb) {
		nlmsg_free(msg);
		return netlink_fail(netlink, -ENOMEM, NULL);
	}
	netlink->error[0] = '\0';
	nl_err = nl_send_auto(netlink->sock, msg);
	while (nl_err >= 0 && answer.err > 0)
		nl_err = nl_recvmsgs(netlink->sock, cb);
	nl_cb_put(cb);
	nlmsg_free(msg);
	/* libnl tells of an interrupted dump after it has seen its end. */
	if (answer.err > 0 || nl_err == -NLE_DUMP_INTR)
		return fail_nl(netlink, nl_err);
	if (answer.err < 0 && !netlink->error[0])
		netlink_fail(netlink, answer.err, NULL);
	return answer.err;
}

static void append_to_batch(struct netlink *netlink, const struct nlmsghdr *nlh,
			    const void *tag)
{
	struct netlink_batch *batch = &netlink->batch;

	if (!batch->data)
		batch->data = util_alloc(BATCH_MAX);
	if (!batch->tags.count)
		batch->first_seq = nlh->nlmsg_seq;
	memcpy(batch->data + batch->size, nlh, nlh->nlmsg_len);
	batch->last = batch->size;
	batch->size += NLMSG_ALIGN(nlh->nlmsg_len);
	*list_add(&batch->tags) = tag;
}

/**
 * netlink_queue - send a request without answer some time up to netlink_flush()
 * @netlink: the socket
 * @msg: the request, at most %BATCH_MAX long; freed
 * @tag: what it is about, never NULL
 *
 * Return: 0; a negative errno if earlier requests had to be sent and one failed.
 */
int netlink_queue(struct netlink *netlink, struct nl_msg *msg, const void *tag)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	int err = 0;

	if (netlink->batch.size + NLMSG_ALIGN(nlh->nlmsg_len) > BATCH_MAX)
		err = netlink_flush(netlink);
	if (!err) {
		nl_complete_msg(netlink->sock, msg);
		/* Those that fail are told all the same. */
		nlh->nlmsg_flags &= ~NLM_F_ACK;
		append_to_batch(netlink, nlh, tag);
	}
	nlmsg_free(msg);
	return err;
}

/**
 * netlink_drop - forget what is queued
 * @netlink: the socket
 */
void netlink_drop(struct netlink *netlink)
{
	netlink->batch.size = 0;
	netlink->batch.tags.count = 0;
}

/**
 * netlink_flush - send what is queued, and wait for it
 * @netlink: the socket
 *
 * Return: 0; else the negative errno of the request that failed first, which
 * &netlink.failed tells. Those behind it were carried out or refused likewise.
 * Nothing is queued from here on.
 */
int netlink_flush(struct netlink *netlink)
{
	struct netlink_batch *batch = &netlink->batch;
	struct answer answer = { .netlink = netlink, .err = 1 };
	struct nlmsghdr *last;
	struct nl_cb *cb;
	int nl_err;

	netlink->failed = NULL;
	if (!batch->size)
		return 0;
	last = (struct nlmsghdr *)(batch->data + batch->last);
	last->nlmsg_flags |= NLM_F_ACK;
	answer.last_seq = last->nlmsg_seq;
	cb = callbacks(&answer);
	if (!cb) {
		netlink_drop(netlink);
		return netlink_fail(netlink, -ENOMEM, NULL);
	}
	nl_err = nl_sendto(netlink->sock, batch->data, batch->size);
	while (nl_err >= 0 && answer.err > 0)
		nl_err = nl_recvmsgs(netlink->sock, cb);
	nl_cb_put(cb);
	if (answer.failed && answer.failed_seq - batch->first_seq < batch->tags.count)
		netlink->failed = batch->tags.item[answer.failed_seq - batch->first_seq];
	netlink_drop(netlink);
	return answer.err > 0 ? fail_nl(netlink, nl_err) : answer.err;
}

/**
 * netlink_receive - take what came unasked: events
 * @netlink: the socket
 * @fn: takes the messages
 * @arg: for @fn
 *
 * Return: 0; -ENOBUFS if the kernel had to drop some; else a negative errno.
 */
int netlink_receive(struct netlink *netlink, netlink_fn *fn, void *arg)
{
	struct answer answer = { .netlink = netlink, .fn = fn, .arg = arg };
	struct nl_cb *cb = callbacks(&answer);
	int nl_err;

	if (!cb)
		return netlink_fail(netlink, -ENOMEM, NULL);
	nl_err = nl_recvmsgs(netlink->sock, cb);
	nl_cb_put(cb);
	if (nl_err < 0)
		return fail_nl(netlink, nl_err);
	return answer.err;
}

/**
 * netlink_msg - an empty message
 * @size: room for the whole of it
 */
struct nl_msg *netlink_msg(size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_size(size);

	if (!msg) {
		fputs("dvpnetctl: out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	return msg;
}
