// SPDX-License-Identifier: GPL-2.0
/* The module's side, over generic netlink: settings, and ranges of addresses. */
#include <errno.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "kernel.h"

/* A range with all its attributes. */
#define RANGE_SIZE 64

/* ---- ranges ---- */

/**
 * kernel_parse_range - take a range out of an attribute
 * @nest: the attribute
 * @range: filled
 *
 * Return: 0 or -EBADMSG.
 */
int kernel_parse_range(struct nlattr *nest, struct range *range)
{
	struct nlattr *attrs[DVPNET_A_RANGE_MAX + 1];

	if (nla_parse_nested(attrs, DVPNET_A_RANGE_MAX, nest, NULL))
		return -EBADMSG;
	attr_get_ip(attrs[DVPNET_A_RANGE_ADDR], &range->addr);
	range->len = attr_u8(attrs[DVPNET_A_RANGE_LEN]);
	range->kind = attr_u32(attrs[DVPNET_A_RANGE_KIND], 0);
	return range->addr.family ? 0 : -EBADMSG;
}

/**
 * kernel_put_range - append a range, but for its kind
 * @msg: where to
 * @type: of the attribute
 * @range: the range
 *
 * Return: the attribute, for nla_nest_end().
 */
struct nlattr *kernel_put_range(struct nl_msg *msg, int type, const struct range *range)
{
	struct nlattr *nest = nla_nest_start(msg, type);

	attr_put_ip(msg, DVPNET_A_RANGE_ADDR, &range->addr);
	nla_put_u8(msg, DVPNET_A_RANGE_LEN, range->len);
	return nest;
}

static int parse_ranges(struct nlattr *nest, struct ranges *ranges)
{
	struct nlattr *attr;
	int rest, err;

	nla_for_each_nested(attr, nest, rest) {
		if (nla_type(attr) != DVPNET_A_RANGES_RANGE)
			continue;
		err = kernel_parse_range(attr, list_add(&ranges->list));
		if (err)
			return err;
	}
	return 0;
}

/**
 * kernel_set_ranges - replace all ranges of the cluster
 * @kernel: the module
 * @ranges: the ranges
 *
 * Return: 0 or a negative errno.
 */
int kernel_set_ranges(struct kernel *kernel, const struct ranges *ranges)
{
	size_t size = KERNEL_REQUEST_SIZE + RANGE_SIZE * ranges->list.count;
	struct nl_msg *msg = kernel_sized_request(kernel, DVPNET_CMD_CONFIG_SET, 0, size);
	struct nlattr *nest, *range;
	size_t i;

	nest = nla_nest_start(msg, DVPNET_A_CONFIG_RANGES);
	for (i = 0; i < ranges->list.count; i++) {
		range = kernel_put_range(msg, DVPNET_A_RANGES_RANGE, &ranges->list.item[i]);
		nla_put_u32(msg, DVPNET_A_RANGE_KIND, ranges->list.item[i].kind);
		nla_nest_end(msg, range);
	}
	/* Without ranges it has to be there, too: nla_nest_end() takes an empty nest away. */
	nla_nest_end_keep_empty(msg, nest);
	return netlink_request(&kernel->netlink, msg, NULL, NULL);
}

/* ---- settings ---- */

/**
 * kernel_parse_config - take settings and ranges out of a message
 * @nlh: the message
 * @arg: &struct state, which gets them
 *
 * Return: 0 or -EBADMSG.
 */
int kernel_parse_config(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attrs[DVPNET_A_CONFIG_MAX + 1];
	struct state *state = arg;
	size_t i;

	if (genlmsg_parse(nlh, 0, attrs, DVPNET_A_CONFIG_MAX, NULL))
		return -EBADMSG;
	for (i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		struct nlattr *attr = attrs[key->attr];

		if (!attr || nla_len(attr) < key->size)
			continue;
		config_set(&state->config, key->attr,
			   key->size == 1 ? nla_get_u8(attr) :
			   key->size == 2 ? nla_get_u16(attr) : nla_get_u32(attr));
	}
	return attrs[DVPNET_A_CONFIG_RANGES] ?
	       parse_ranges(attrs[DVPNET_A_CONFIG_RANGES], &state->ranges) : 0;
}

/**
 * kernel_get_settings - read the settings and ranges
 * @kernel: the module
 * @state: its settings and ranges are filled
 *
 * Return: 0, -ENODEV without a device, or another negative errno.
 */
int kernel_get_settings(struct kernel *kernel, struct state *state)
{
	memset(&state->config, 0, sizeof(state->config));
	list_free(&state->ranges.list);
	return netlink_request(&kernel->netlink, kernel_request(kernel, DVPNET_CMD_CONFIG_GET, 0),
			       kernel_parse_config, state);
}

/**
 * kernel_get_config - read the settings alone
 * @kernel: the module
 * @config: filled
 *
 * Return: 0, -ENODEV without a device, or another negative errno.
 */
int kernel_get_config(struct kernel *kernel, struct config *config)
{
	struct state state = { 0 };
	int err;

	err = kernel_get_settings(kernel, &state);
	*config = state.config;
	state_free(&state);
	return err;
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
	struct nl_msg *msg = kernel_request(kernel, DVPNET_CMD_CONFIG_SET, 0);
	size_t i;

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
