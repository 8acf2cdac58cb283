// SPDX-License-Identifier: GPL-2.0
/* The module's side, over generic netlink: services. */
#include <errno.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "kernel.h"

/* A service that is larger goes in several messages; an attribute's length has 16 bits. */
#define MESSAGE_MAX (30 << 10)

/* A frontend, backend or source range with all its attributes. */
#define NEST_MAX 64

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
	backend->weight = attr_u32(attrs[DVPNET_A_BACKEND_WEIGHT], 1);
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

/**
 * kernel_parse_service - take a message about a service, or a part of one
 * @nlh: the message
 * @arg: &struct state, to which it is added
 *
 * Return: 0 or a negative errno.
 */
int kernel_parse_service(struct nlmsghdr *nlh, void *arg)
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
	service->affinity = attr_u32(attrs[DVPNET_A_SERVICE_AFFINITY], service->affinity);
	service->algorithm = attr_u32(attrs[DVPNET_A_SERVICE_ALGORITHM], service->algorithm);
	service->cluster_why = attr_u32(attrs[DVPNET_A_SERVICE_CLUSTER_WHY],
					service->cluster_why);
	service->local_why = attr_u32(attrs[DVPNET_A_SERVICE_LOCAL_WHY], service->local_why);
	nla_for_each_attr(attr, genlmsg_attrdata(genlmsg_hdr(nlh), 0),
			  genlmsg_attrlen(genlmsg_hdr(nlh), 0), rest) {
		if (nla_type(attr) == DVPNET_A_SERVICE_FRONTEND)
			err = parse_frontend(attr, service);
		else if (nla_type(attr) == DVPNET_A_SERVICE_BACKEND)
			err = parse_backend(attr, service);
		else if (nla_type(attr) == DVPNET_A_SERVICE_SOURCE)
			err = kernel_parse_range(attr, list_add(&service->sources));
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
	size_t nests = NEST_MAX * (service->sources.count + service->frontends.count +
				   service->backends.count);
	struct nl_msg *msg;

	msg = kernel_sized_request(kernel, DVPNET_CMD_SERVICE_SET, 0,
			    KERNEL_REQUEST_SIZE + (nests < MESSAGE_MAX ? nests : MESSAGE_MAX));
	put_service_key(msg, service);
	nla_put_u8(msg, DVPNET_A_SERVICE_PROTO, service->proto);
	nla_put_u32(msg, DVPNET_A_SERVICE_FLAGS, service->flags);
	nla_put_u32(msg, DVPNET_A_SERVICE_AFFINITY, service->affinity);
	nla_put_u32(msg, DVPNET_A_SERVICE_ALGORITHM, service->algorithm);
	nla_put_u32(msg, DVPNET_A_SERVICE_CLUSTER_WHY, service->cluster_why);
	nla_put_u32(msg, DVPNET_A_SERVICE_LOCAL_WHY, service->local_why);
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
	nla_put_u32(msg, DVPNET_A_BACKEND_WEIGHT, backend->weight);
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

	for (i = 0; i < service->sources.count; i++) {
		err = send_when_full(kernel, service, &msg, &in_parts);
		if (err)
			return err;
		nla_nest_end(msg, kernel_put_range(msg, DVPNET_A_SERVICE_SOURCE,
						   &service->sources.item[i]));
	}
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
	return kernel_change(kernel, msg, service);
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
	return kernel_change(kernel, msg, service);
}

/**
 * kernel_get_service - read one service; of one that is too large for a message, the first part
 * @kernel: the module
 * @name: its name
 * @family: AF_INET or AF_INET6
 * @service: filled, or left as it is where there is no such service
 *
 * Return: 0 or a negative errno.
 */
int kernel_get_service(struct kernel *kernel, const char *name, uint8_t family,
		       struct service *service)
{
	const struct service key = { .name = (char *)name, .family = family };
	struct nl_msg *msg = kernel_request(kernel, DVPNET_CMD_SERVICE_GET, 0);
	struct state state = { 0 };
	int err;

	put_service_key(msg, &key);
	err = netlink_request(&kernel->netlink, msg, kernel_parse_service, &state);
	if (!err && state.services.count) {
		state_sort(&state);
		*service = state.services.item[0];
		state.services.count = 0;
	}
	state_free(&state);
	return err;
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
 * kernel_get_services - read all services
 * @kernel: the module
 * @state: its services are filled
 *
 * Return: 0 or a negative errno.
 */
int kernel_get_services(struct kernel *kernel, struct state *state)
{
	return kernel_dump(kernel, DVPNET_CMD_SERVICE_GET, kernel_parse_service, state, reset_services);
}
