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

/* A service that is larger goes in several messages; an attribute's length has 16 bits. */
#define MESSAGE_MAX (30 << 10)

/* A frontend or backend with all its attributes. */
#define NEST_MAX 64

/* Everything but the frontends and backends of a service: names are the longest of it. */
#define REQUEST_SIZE 2048

#define DUMP_TRIES 10

/* ---- requests ---- */

static struct nl_msg *sized_request(const struct kernel *kernel, uint8_t cmd, int flags,
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
	return sized_request(kernel, cmd, flags, REQUEST_SIZE);
}

/* A change that has no answer: now, or with others in one go. */
static int change(struct kernel *kernel, struct nl_msg *msg, const void *object)
{
	if (kernel->queueing)
		return netlink_queue(&kernel->netlink, msg, object);
	return netlink_request(&kernel->netlink, msg, NULL, NULL);
}

/**
 * kernel_queue - from here on collect changes of nodes, prefixes and services
 * @kernel: the module
 *
 * Their functions return errors of earlier ones then, and kernel_flush() tells
 * of which.
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
 * kernel_failed - the object whose change failed, of those that were collected
 * @kernel: the module
 *
 * Return: the object, or NULL if what failed was not among them.
 */
const void *kernel_failed(const struct kernel *kernel)
{
	return kernel->netlink.failed;
}

/* ---- config ---- */

static int parse_config(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attrs[DVPNET_A_CONFIG_MAX + 1];
	struct config *config = arg;
	size_t i;

	if (genlmsg_parse(nlh, 0, attrs, DVPNET_A_CONFIG_MAX, NULL))
		return -EBADMSG;
	for (i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		struct nlattr *attr = attrs[key->attr];

		if (!attr || nla_len(attr) < key->size)
			continue;
		config_set(config, key->attr,
			   key->size == 1 ? nla_get_u8(attr) :
			   key->size == 2 ? nla_get_u16(attr) : nla_get_u32(attr));
	}
	return 0;
}

/**
 * kernel_get_config - read the settings
 * @kernel: the module
 * @config: filled
 *
 * Return: 0, -ENODEV without a device, or another negative errno.
 */
int kernel_get_config(struct kernel *kernel, struct config *config)
{
	memset(config, 0, sizeof(*config));
	return netlink_request(&kernel->netlink, kernel_request(kernel, DVPNET_CMD_CONFIG_GET, 0),
			       parse_config, config);
}

/**
 * kernel_set_config - change settings, all or none
 * @kernel: the module
 * @config: what to change; the rest stays
 *
 * Return: 0 or a negative errno.
 */
int kernel_set_config(struct kernel *kernel, const struct config *config)
{
	struct nl_msg *msg;
	size_t i;
	int err;

	/* It is no object: what was collected goes before it. */
	err = netlink_flush(&kernel->netlink);
	if (err)
		return err;
	msg = kernel_request(kernel, DVPNET_CMD_CONFIG_SET, 0);
	for (i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (!config_has(config, key->attr))
			continue;
		if (key->size == 1)
			nla_put_u8(msg, key->attr, config->value[key->attr]);
		else if (key->size == 2)
			nla_put_u16(msg, key->attr, config->value[key->attr]);
		else
			nla_put_u32(msg, key->attr, config->value[key->attr]);
	}
	if (config_has(config, DVPNET_A_CONFIG_SECRET))
		nla_put(msg, DVPNET_A_CONFIG_SECRET, sizeof(config->secret), config->secret);
	return netlink_request(&kernel->netlink, msg, NULL, NULL);
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
	return change(kernel, msg, node);
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
	return change(kernel, msg, node);
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
 * @prefix: the prefix
 *
 * Return: 0 or a negative errno.
 */
int kernel_set_prefix(struct kernel *kernel, const struct prefix *prefix)
{
	struct nl_msg *msg = prefix_request(kernel, DVPNET_CMD_PREFIX_SET, prefix);

	nla_put_string(msg, DVPNET_A_PREFIX_NODE, prefix->node);
	return change(kernel, msg, prefix);
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
	return change(kernel, prefix_request(kernel, DVPNET_CMD_PREFIX_DEL, prefix), prefix);
}

/* ---- services ---- */

static int parse_frontend(struct nlattr *nest, struct service *service)
{
	struct nlattr *attrs[DVPNET_A_FRONTEND_MAX + 1];
	struct frontend *frontend;

	if (nla_parse_nested(attrs, DVPNET_A_FRONTEND_MAX, nest, NULL))
		return -EBADMSG;
	frontend = list_add(&service->frontends);
	frontend->type = attr_u32(attrs[DVPNET_A_FRONTEND_TYPE], 0);
	attr_get_ip(attrs[DVPNET_A_FRONTEND_ADDR], &frontend->addr);
	frontend->port = attr_u16(attrs[DVPNET_A_FRONTEND_PORT]);
	return 0;
}

static int parse_backend(struct nlattr *nest, struct service *service)
{
	struct nlattr *attrs[DVPNET_A_BACKEND_MAX + 1];
	struct backend *backend;

	if (nla_parse_nested(attrs, DVPNET_A_BACKEND_MAX, nest, NULL))
		return -EBADMSG;
	backend = list_add(&service->backends);
	attr_get_ip(attrs[DVPNET_A_BACKEND_ADDR], &backend->addr);
	backend->port = attr_u16(attrs[DVPNET_A_BACKEND_PORT]);
	backend->flags = attr_u32(attrs[DVPNET_A_BACKEND_FLAGS], 0);
	backend->flows = attr_u32(attrs[DVPNET_A_BACKEND_FLOWS], 0);
	return 0;
}

/* The service that this message is about: the last one where it goes on, else a new one. */
static struct service *service_of_message(struct state *state, struct nlattr **attrs)
{
	const char *name = nla_get_string(attrs[DVPNET_A_SERVICE_NAME]);
	uint8_t family = attr_u8(attrs[DVPNET_A_SERVICE_FAMILY]);
	struct service *service = NULL;

	if (state->services.count)
		service = &state->services.item[state->services.count - 1];
	if (service && service->family == family && !strcmp(service->name, name))
		return service;
	service = list_add(&state->services);
	service->name = util_strdup(name);
	service->family = family;
	return service;
}

static int parse_service(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attrs[DVPNET_A_SERVICE_MAX + 1];
	struct state *state = arg;
	struct service *service;
	struct nlattr *attr;
	int rest, err = 0;

	if (genlmsg_parse(nlh, 0, attrs, DVPNET_A_SERVICE_MAX, NULL) ||
	    !attrs[DVPNET_A_SERVICE_NAME])
		return -EBADMSG;
	service = service_of_message(state, attrs);
	if (attrs[DVPNET_A_SERVICE_PROTO])
		service->proto = attr_u8(attrs[DVPNET_A_SERVICE_PROTO]);
	service->flags = attr_u32(attrs[DVPNET_A_SERVICE_FLAGS], service->flags);
	nla_for_each_attr(attr, genlmsg_attrdata(genlmsg_hdr(nlh), 0),
			  genlmsg_attrlen(genlmsg_hdr(nlh), 0), rest) {
		if (nla_type(attr) == DVPNET_A_SERVICE_FRONTEND)
			err = parse_frontend(attr, service);
		else if (nla_type(attr) == DVPNET_A_SERVICE_BACKEND)
			err = parse_backend(attr, service);
		if (err)
			return err;
	}
	return 0;
}

static void put_service_key(struct nl_msg *msg, const struct service *service)
{
	nla_put_string(msg, DVPNET_A_SERVICE_NAME, service->name);
	nla_put_u8(msg, DVPNET_A_SERVICE_FAMILY, service->family);
}

static struct nl_msg *service_set_request(const struct kernel *kernel,
					  const struct service *service)
{
	size_t nests = NEST_MAX * (service->frontends.count + service->backends.count);
	struct nl_msg *msg;

	msg = sized_request(kernel, DVPNET_CMD_SERVICE_SET, 0,
			    REQUEST_SIZE + (nests < MESSAGE_MAX ? nests : MESSAGE_MAX));
	put_service_key(msg, service);
	nla_put_u8(msg, DVPNET_A_SERVICE_PROTO, service->proto);
	nla_put_u32(msg, DVPNET_A_SERVICE_FLAGS, service->flags);
	return msg;
}

static void put_frontend(struct nl_msg *msg, const struct frontend *frontend)
{
	struct nlattr *nest = nla_nest_start(msg, DVPNET_A_SERVICE_FRONTEND);

	nla_put_u32(msg, DVPNET_A_FRONTEND_TYPE, frontend->type);
	attr_put_ip(msg, DVPNET_A_FRONTEND_ADDR, &frontend->addr);
	attr_put_port(msg, DVPNET_A_FRONTEND_PORT, frontend->port);
	nla_nest_end(msg, nest);
}

static void put_backend(struct nl_msg *msg, const struct backend *backend)
{
	struct nlattr *nest = nla_nest_start(msg, DVPNET_A_SERVICE_BACKEND);

	attr_put_ip(msg, DVPNET_A_BACKEND_ADDR, &backend->addr);
	attr_put_port(msg, DVPNET_A_BACKEND_PORT, backend->port);
	nla_put_u32(msg, DVPNET_A_BACKEND_FLAGS, backend->flags);
	nla_nest_end(msg, nest);
}

/*
 * Where @msg is full, send it with the promise of more, and start the next one.
 * Not in a batch: if one part fails, the next must not be taken for the whole.
 */
static int send_when_full(struct kernel *kernel, const struct service *service,
			  struct nl_msg **msg, bool *in_parts)
{
	int err;

	if (nlmsg_hdr(*msg)->nlmsg_len + NEST_MAX <= MESSAGE_MAX)
		return 0;
	*in_parts = true;
	err = netlink_flush(&kernel->netlink);
	if (err) {
		nlmsg_free(*msg);
		return err;
	}
	nla_put_flag(*msg, DVPNET_A_SERVICE_MORE);
	err = netlink_request(&kernel->netlink, *msg, NULL, NULL);
	if (!err)
		*msg = service_set_request(kernel, service);
	return err;
}

/**
 * kernel_set_service - add or replace a service
 * @kernel: the module
 * @service: the service
 *
 * Return: 0 or a negative errno.
 */
int kernel_set_service(struct kernel *kernel, const struct service *service)
{
	struct nl_msg *msg = service_set_request(kernel, service);
	bool in_parts = false;
	size_t i;
	int err;

	for (i = 0; i < service->frontends.count; i++) {
		err = send_when_full(kernel, service, &msg, &in_parts);
		if (err)
			return err;
		put_frontend(msg, &service->frontends.item[i]);
	}
	for (i = 0; i < service->backends.count; i++) {
		err = send_when_full(kernel, service, &msg, &in_parts);
		if (err)
			return err;
		put_backend(msg, &service->backends.item[i]);
	}
	if (in_parts)
		return netlink_request(&kernel->netlink, msg, NULL, NULL);
	return change(kernel, msg, service);
}

/**
 * kernel_del_service - remove a service
 * @kernel: the module
 * @service: its name and family count
 *
 * Return: 0 or a negative errno.
 */
int kernel_del_service(struct kernel *kernel, const struct service *service)
{
	struct nl_msg *msg = kernel_request(kernel, DVPNET_CMD_SERVICE_DEL, 0);

	put_service_key(msg, service);
	return change(kernel, msg, service);
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

static void reset_services(void *arg)
{
	struct state *state = arg;
	size_t i;

	for (i = 0; i < state->services.count; i++)
		service_free(&state->services.item[i]);
	list_free(&state->services);
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
 * kernel_get_services - read all services
 * @kernel: the module
 * @state: its services are filled
 *
 * Return: 0 or a negative errno.
 */
int kernel_get_services(struct kernel *kernel, struct state *state)
{
	return kernel_dump(kernel, DVPNET_CMD_SERVICE_GET, parse_service, state, reset_services);
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

	err = kernel_get_config(kernel, &state->config);
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
		err = parse_config(nlh, &event.state.config);
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
		err = parse_service(nlh, &event.state);
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
