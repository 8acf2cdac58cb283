// SPDX-License-Identifier: GPL-2.0
/* The module's side, over generic netlink: what it is told, and its events. */
#include <errno.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "kernel.h"

#define DUMP_TRIES 10

/* ---- requests ---- */

/**
 * kernel_sized_request - begin a request that may become large
 * @kernel: the module
 * @cmd: DVPNET_CMD_*
 * @flags: NLM_F_*
 * @size: room in it, bytes
 */
struct nl_msg *kernel_sized_request(const struct kernel *kernel, uint8_t cmd, int flags,
				    size_t size)
{
	struct nl_msg *msg = netlink_msg(size);

	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, kernel->family, 0, flags, cmd,
		    DVPNET_GENL_VERSION);
	return msg;
}

/**
 * kernel_request - begin a request
 * @kernel: the module
 * @cmd: DVPNET_CMD_*
 * @flags: NLM_F_*
 */
struct nl_msg *kernel_request(const struct kernel *kernel, uint8_t cmd, int flags)
{
	return kernel_sized_request(kernel, cmd, flags, KERNEL_REQUEST_SIZE);
}

/**
 * kernel_change - send a change that has no answer: now, or with others in one go
 * @kernel: the module
 * @msg: the request
 * @object: what it is about, for kernel_failed()
 *
 * Return: 0 or a negative errno.
 */
int kernel_change(struct kernel *kernel, struct nl_msg *msg, const void *object)
{
	if (kernel->queueing)
		return netlink_queue(&kernel->netlink, msg, object);
	return netlink_request(&kernel->netlink, msg, NULL, NULL);
}

/**
 * kernel_queue - from here on collect changes of nodes, prefixes and services
 * @kernel: the module
 *
 * Their functions return errors of earlier ones then, and kernel_failed() tells of
 * which. kernel_flush() ends it; after an error, kernel_drop() does.
 */
void kernel_queue(struct kernel *kernel)
{
	kernel->queueing = true;
}

/**
 * kernel_flush - send what was collected, and collect no more
 * @kernel: the module
 *
 * Return: 0 or a negative errno.
 */
int kernel_flush(struct kernel *kernel)
{
	kernel->queueing = false;
	return netlink_flush(&kernel->netlink);
}

/**
 * kernel_drop - forget what was collected and not sent yet, and collect no more
 * @kernel: the module
 */
void kernel_drop(struct kernel *kernel)
{
	kernel->queueing = false;
	netlink_drop(&kernel->netlink);
}

/**
 * kernel_failed - the object whose change failed, of those that were collected
 * @kernel: the module
 *
 * Return: the object, or NULL if what failed was not among them.
 */
const void *kernel_failed(const struct kernel *kernel)
{
	return kernel->netlink.failed;
}

/* ---- nodes ---- */

static int parse_node(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attrs[DVPNET_A_NODE_MAX + 1];
	struct state *state = arg;
	struct node *node;

	if (genlmsg_parse(nlh, 0, attrs, DVPNET_A_NODE_MAX, NULL) || !attrs[DVPNET_A_NODE_NAME])
		return -EBADMSG;
	node = list_add(&state->nodes);
	node->name = attr_string(attrs[DVPNET_A_NODE_NAME]);
	attr_get_ip(attrs[DVPNET_A_NODE_UNDERLAY4], &node->underlay[V4]);
	attr_get_ip(attrs[DVPNET_A_NODE_UNDERLAY6], &node->underlay[V6]);
	attr_get_ip(attrs[DVPNET_A_NODE_TUNNEL4], &node->tunnel[V4]);
	attr_get_ip(attrs[DVPNET_A_NODE_TUNNEL6], &node->tunnel[V6]);
	if (attrs[DVPNET_A_NODE_MAC])
		nla_memcpy(node->mac, attrs[DVPNET_A_NODE_MAC], sizeof(node->mac));
	node->mode = attr_u32(attrs[DVPNET_A_NODE_MODE], NODE_MODE_NONE);
	node->local = attrs[DVPNET_A_NODE_LOCAL];
	node->active_mode = attr_u32(attrs[DVPNET_A_NODE_ACTIVE_MODE], NODE_MODE_NONE);
	node->mtu = attr_u32(attrs[DVPNET_A_NODE_MTU], 0);
	return 0;
}

/**
 * kernel_set_node - add or replace a node
 * @kernel: the module
 * @node: the node
 *
 * Return: 0 or a negative errno.
 */
int kernel_set_node(struct kernel *kernel, const struct node *node)
{
	struct nl_msg *msg = kernel_request(kernel, DVPNET_CMD_NODE_SET, 0);

	nla_put_string(msg, DVPNET_A_NODE_NAME, node->name);
	attr_put_ip(msg, DVPNET_A_NODE_UNDERLAY4, &node->underlay[V4]);
	attr_put_ip(msg, DVPNET_A_NODE_UNDERLAY6, &node->underlay[V6]);
	nla_put(msg, DVPNET_A_NODE_MAC, sizeof(node->mac), node->mac);
	if (node->mode != NODE_MODE_NONE)
		nla_put_u32(msg, DVPNET_A_NODE_MODE, node->mode);
	if (node->local)
		nla_put_flag(msg, DVPNET_A_NODE_LOCAL);
	attr_put_ip(msg, DVPNET_A_NODE_TUNNEL4, &node->tunnel[V4]);
	attr_put_ip(msg, DVPNET_A_NODE_TUNNEL6, &node->tunnel[V6]);
	return kernel_change(kernel, msg, node);
}

/**
 * kernel_del_node - remove a node with its prefixes
 * @kernel: the module
 * @node: its name counts
 *
 * Return: 0 or a negative errno.
 */
int kernel_del_node(struct kernel *kernel, const struct node *node)
{
	struct nl_msg *msg = kernel_request(kernel, DVPNET_CMD_NODE_DEL, 0);

	nla_put_string(msg, DVPNET_A_NODE_NAME, node->name);
	return kernel_change(kernel, msg, node);
}

/* ---- prefixes ---- */

static int parse_prefix(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attrs[DVPNET_A_PREFIX_MAX + 1];
	struct state *state = arg;
	struct prefix *prefix;

	if (genlmsg_parse(nlh, 0, attrs, DVPNET_A_PREFIX_MAX, NULL))
		return -EBADMSG;
	prefix = list_add(&state->prefixes);
	attr_get_ip(attrs[DVPNET_A_PREFIX_ADDR], &prefix->addr);
	prefix->len = attr_u8(attrs[DVPNET_A_PREFIX_LEN]);
	prefix->node = attr_string(attrs[DVPNET_A_PREFIX_NODE]);
	prefix->hold = attr_u32(attrs[DVPNET_A_PREFIX_HOLD], 0);
	return prefix->addr.family ? 0 : -EBADMSG;
}

static struct nl_msg *prefix_request(const struct kernel *kernel, uint8_t cmd,
				     const struct prefix *prefix)
{
	struct nl_msg *msg = kernel_request(kernel, cmd, 0);

	attr_put_ip(msg, DVPNET_A_PREFIX_ADDR, &prefix->addr);
	nla_put_u8(msg, DVPNET_A_PREFIX_LEN, prefix->len);
	return msg;
}

/**
 * kernel_set_prefix - put a prefix behind a node
 * @kernel: the module
 * @prefix: the prefix; not held, it is left as it is
 *
 * Return: 0 or a negative errno.
 */
int kernel_set_prefix(struct kernel *kernel, const struct prefix *prefix)
{
	struct nl_msg *msg = prefix_request(kernel, DVPNET_CMD_PREFIX_SET, prefix);

	nla_put_string(msg, DVPNET_A_PREFIX_NODE, prefix->node);
	if (prefix->hold)
		nla_put_u32(msg, DVPNET_A_PREFIX_HOLD, prefix->hold);
	return kernel_change(kernel, msg, prefix);
}

/**
 * kernel_release_prefix - the flows of a prefix have come
 * @kernel: the module
 * @prefix: the prefix, where it is
 *
 * Return: 0 or a negative errno.
 */
int kernel_release_prefix(struct kernel *kernel, const struct prefix *prefix)
{
	struct nl_msg *msg = prefix_request(kernel, DVPNET_CMD_PREFIX_SET, prefix);

	nla_put_string(msg, DVPNET_A_PREFIX_NODE, prefix->node);
	nla_put_u32(msg, DVPNET_A_PREFIX_HOLD, 0);
	return kernel_change(kernel, msg, prefix);
}

/**
 * kernel_del_prefix - remove a prefix
 * @kernel: the module
 * @prefix: its address and length count
 *
 * Return: 0 or a negative errno.
 */
int kernel_del_prefix(struct kernel *kernel, const struct prefix *prefix)
{
	return kernel_change(kernel, prefix_request(kernel, DVPNET_CMD_PREFIX_DEL, prefix), prefix);
}

/* ---- dumps ---- */

/**
 * kernel_dump - read all objects of a kind; again from the start when they changed meanwhile
 * @kernel: the module
 * @cmd: DVPNET_CMD_*_GET
 * @parse: takes one message, and @into
 * @into: what is filled
 * @reset: empties it
 *
 * Return: 0 or a negative errno.
 */
int kernel_dump(struct kernel *kernel, uint8_t cmd, netlink_fn *parse, void *into,
		void (*reset)(void *))
{
	int tries, err = -EINTR;

	for (tries = 0; err == -EINTR && tries < DUMP_TRIES; tries++) {
		reset(into);
		err = netlink_request(&kernel->netlink, kernel_request(kernel, cmd, NLM_F_DUMP),
				      parse, into);
	}
	return err;
}

static void reset_nodes(void *arg)
{
	struct state *state = arg;
	size_t i;

	for (i = 0; i < state->nodes.count; i++)
		node_free(&state->nodes.item[i]);
	list_free(&state->nodes);
}

static void reset_prefixes(void *arg)
{
	struct state *state = arg;
	size_t i;

	for (i = 0; i < state->prefixes.count; i++)
		free(state->prefixes.item[i].node);
	list_free(&state->prefixes);
}

/**
 * kernel_get_nodes - read all nodes
 * @kernel: the module
 * @state: its nodes are filled
 *
 * Return: 0 or a negative errno.
 */
int kernel_get_nodes(struct kernel *kernel, struct state *state)
{
	return kernel_dump(kernel, DVPNET_CMD_NODE_GET, parse_node, state, reset_nodes);
}

/**
 * kernel_get_prefixes - read all prefixes
 * @kernel: the module
 * @state: its prefixes are filled
 *
 * Return: 0 or a negative errno.
 */
int kernel_get_prefixes(struct kernel *kernel, struct state *state)
{
	return kernel_dump(kernel, DVPNET_CMD_PREFIX_GET, parse_prefix, state, reset_prefixes);
}

/**
 * kernel_get_state - read all that is configured
 * @kernel: the module
 * @state: filled, and sorted
 *
 * Return: 0 or a negative errno.
 */
int kernel_get_state(struct kernel *kernel, struct state *state)
{
	int err;

	err = kernel_get_settings(kernel, state);
	if (!err)
		err = kernel_get_nodes(kernel, state);
	if (!err)
		err = kernel_get_prefixes(kernel, state);
	if (!err)
		err = kernel_get_services(kernel, state);
	if (!err)
		state_sort(state);
	return err;
}

/* ---- syncs ---- */

static int parse_token(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attrs[DVPNET_A_SYNC_MAX + 1];

	if (genlmsg_parse(nlh, 0, attrs, DVPNET_A_SYNC_MAX, NULL) || !attrs[DVPNET_A_SYNC_TOKEN])
		return -EBADMSG;
	*(uint32_t *)arg = attr_u32(attrs[DVPNET_A_SYNC_TOKEN], 0);
	return 0;
}

/**
 * kernel_sync_begin - open a sync; others are refused changes until it is closed
 * @kernel: the module
 * @mode: what commit does with objects that were not set
 * @token: filled with what commit and abort have to name
 *
 * Return: 0, -EBUSY while another sync is open, or another negative errno.
 */
int kernel_sync_begin(struct kernel *kernel, enum dvpnet_sync_mode mode, uint32_t *token)
{
	struct nl_msg *msg = kernel_request(kernel, DVPNET_CMD_SYNC_BEGIN, 0);

	nla_put_u32(msg, DVPNET_A_SYNC_MODE, mode);
	return netlink_request(&kernel->netlink, msg, parse_token, token);
}

static int sync_close(struct kernel *kernel, uint8_t cmd, uint32_t token)
{
	struct nl_msg *msg = kernel_request(kernel, cmd, 0);

	nla_put_u32(msg, DVPNET_A_SYNC_TOKEN, token);
	return netlink_request(&kernel->netlink, msg, NULL, NULL);
}

/**
 * kernel_sync_commit - close a sync; a replacing one removes what was not set
 * @kernel: the module
 * @token: from kernel_sync_begin()
 *
 * Return: 0 or a negative errno.
 */
int kernel_sync_commit(struct kernel *kernel, uint32_t token)
{
	return sync_close(kernel, DVPNET_CMD_SYNC_COMMIT, token);
}

/**
 * kernel_sync_abort - close a sync without removing anything
 * @kernel: the module
 * @token: from kernel_sync_begin()
 *
 * Return: 0 or a negative errno.
 */
int kernel_sync_abort(struct kernel *kernel, uint32_t token)
{
	return sync_close(kernel, DVPNET_CMD_SYNC_ABORT, token);
}

/* ---- events ---- */

/**
 * struct receiver - who takes events
 * @fn: the function
 * @arg: its argument
 */
struct receiver {
	event_fn *fn;
	void *arg;
};

static int parse_event(struct nlmsghdr *nlh, void *arg)
{
	struct receiver *receiver = arg;
	struct event event = { .cmd = genlmsg_hdr(nlh)->cmd };
	int err;

	switch (event.cmd) {
	case DVPNET_CMD_CONFIG_NTF:
		err = kernel_parse_config(nlh, &event.state);
		break;
	case DVPNET_CMD_NODE_NTF:
	case DVPNET_CMD_NODE_DEL_NTF:
		err = parse_node(nlh, &event.state);
		break;
	case DVPNET_CMD_PREFIX_NTF:
	case DVPNET_CMD_PREFIX_DEL_NTF:
		err = parse_prefix(nlh, &event.state);
		break;
	case DVPNET_CMD_SERVICE_NTF:
	case DVPNET_CMD_SERVICE_DEL_NTF:
		err = kernel_parse_service(nlh, &event.state);
		break;
	default:
		return 0;
	}
	if (!err)
		err = receiver->fn(&event, receiver->arg);
	state_free(&event.state);
	return err;
}

/**
 * kernel_subscribe - have events sent to this connection, which then serves nothing else
 * @kernel: the module
 *
 * Return: 0 or a negative errno.
 */
int kernel_subscribe(struct kernel *kernel)
{
	int group;

	group = genl_ctrl_resolve_grp(kernel->netlink.sock, DVPNET_GENL_NAME,
				      DVPNET_MCGRP_CONFIG);
	if (group < 0)
		return netlink_fail(&kernel->netlink, -ENOENT,
				    "the module tells no events");
	if (nl_socket_add_membership(kernel->netlink.sock, group))
		return netlink_fail(&kernel->netlink, -EPERM, "cannot subscribe to events");
	return 0;
}

/**
 * kernel_receive - wait for events
 * @kernel: the module, after kernel_subscribe()
 * @fn: takes them
 * @arg: for @fn
 *
 * Return: 0 after one batch; -ENOBUFS when events were lost; else a negative errno.
 */
int kernel_receive(struct kernel *kernel, event_fn *fn, void *arg)
{
	struct receiver receiver = { fn, arg };

	return netlink_receive(&kernel->netlink, parse_event, &receiver);
}

/* ---- connection ---- */

/**
 * kernel_open - connect to the module in the current network namespace
 * @kernel: filled
 *
 * Return: 0; -ENOENT if the module is not loaded; else a negative errno.
 */
int kernel_open(struct kernel *kernel)
{
	int err;

	*kernel = (struct kernel){ 0 };
	err = netlink_open(&kernel->netlink, NETLINK_GENERIC);
	if (err)
		return err;
	kernel->family = genl_ctrl_resolve(kernel->netlink.sock, DVPNET_GENL_NAME);
	if (kernel->family >= 0)
		return 0;
	netlink_close(&kernel->netlink);
	return netlink_fail(&kernel->netlink, -ENOENT,
			    "the dvpnet module is not loaded: modprobe dvpnet");
}

/**
 * kernel_close - end the connection; an open sync is abandoned
 * @kernel: the module
 */
void kernel_close(struct kernel *kernel)
{
	netlink_close(&kernel->netlink);
}

/**
 * kernel_error - why the last call failed
 * @kernel: the module
 */
const char *kernel_error(const struct kernel *kernel)
{
	return kernel->netlink.error;
}
