// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family: finding and locking what a request is about,
 * attributes that requests share, events, and the requests that concern the
 * whole: syncs and counters.
 */
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "device.h"
#include "netlink.h"
#include "netns.h"
#include "range.h"
#include "vxlan.h"

/* The generated table, with what its generator has no words for. */
static struct genl_ops netlink_ops[ARRAY_SIZE(dvpnet_nl_ops)];

static const struct genl_multicast_group netlink_groups[] = {
	[DVPNET_NLGRP_CONFIG] = { .name = DVPNET_MCGRP_CONFIG },
};

struct genl_family dvp_netlink_family = {
	.name = DVPNET_GENL_NAME,
	.version = DVPNET_GENL_VERSION,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true,
	.ops = netlink_ops,
	.n_ops = ARRAY_SIZE(netlink_ops),
	.mcgrps = netlink_groups,
	.n_mcgrps = ARRAY_SIZE(netlink_groups),
};

/* ---- finding and locking ---- */

static struct dvp_net *netlink_hold(struct net *net)
{
	struct dvp_net *dn;

	rcu_read_lock();
	dn = dvp_netns_find(net);
	if (dn)
		dev_hold(dn->dev);
	rcu_read_unlock();
	if (!dn)
		return NULL;
	mutex_lock(&dn->lock);
	if (dn->running)
		return dn;
	dvp_netlink_end(dn);
	return NULL;
}

/**
 * dvp_netlink_read - find and lock the state that a request reads
 * @info: the request
 *
 * Return: the state, to be given back with dvp_netlink_end(); -ENODEV, with
 * the reason, when the namespace has no device.
 */
struct dvp_net *dvp_netlink_read(struct genl_info *info)
{
	struct dvp_net *dn = netlink_hold(genl_info_net(info));

	if (dn)
		return dn;
	GENL_SET_ERR_MSG(info, "no dvpnet device in this network namespace");
	return ERR_PTR(-ENODEV);
}

/**
 * dvp_netlink_write - find and lock the state that a request changes
 * @info: the request
 *
 * Return: as dvp_netlink_read(); -EBUSY while another socket's sync is open.
 */
struct dvp_net *dvp_netlink_write(struct genl_info *info)
{
	struct dvp_net *dn = dvp_netlink_read(info);
	int err;

	if (IS_ERR(dn))
		return dn;
	err = dvp_sync_may_write(dn, info->snd_portid, info->extack);
	if (!err)
		return dn;
	dvp_netlink_end(dn);
	return ERR_PTR(err);
}

/**
 * dvp_netlink_dump - find and lock the state that a dump reads
 * @cb: the dump; its sequence number is set, so that the reader learns of changes
 *
 * Return: as dvp_netlink_read().
 */
struct dvp_net *dvp_netlink_dump(struct netlink_callback *cb)
{
	struct dvp_net *dn = netlink_hold(sock_net(cb->skb->sk));

	if (!dn) {
		NL_SET_ERR_MSG(cb->extack, "no dvpnet device in this network namespace");
		return ERR_PTR(-ENODEV);
	}
	cb->seq = dn->seq;
	return dn;
}

/**
 * dvp_netlink_end - unlock what a request has found
 * @dn: the state
 */
void dvp_netlink_end(struct dvp_net *dn)
{
	mutex_unlock(&dn->lock);
	dev_put(dn->dev);
}

/**
 * dvp_netlink_end_refresh - unlock what may have changed settings or nodes
 * @dn: the state; what depends on them, sockets and device, follows
 */
void dvp_netlink_end_refresh(struct dvp_net *dn)
{
	if (!rcu_access_pointer(dn->self))
		dvp_vxlan_close(dn);
	dev_hold(dn->dev);
	dvp_netlink_end(dn);
	dvp_device_refresh(dn);
	dev_put(dn->dev);
}

/* ---- attributes ---- */

/**
 * dvp_netlink_missing - does the request lack an attribute that it must have?
 * @info: the request; is told which
 * @attr: the attribute
 */
bool dvp_netlink_missing(struct genl_info *info, int attr)
{
	if (info->attrs[attr])
		return false;
	NL_SET_ERR_MSG_FMT_MOD(info->extack, "attribute %d is missing", attr);
	return true;
}

/**
 * dvp_netlink_get_u32 - read a number, where there is one
 * @info: the request
 * @attr: the attribute
 * @value: set to it; without the attribute it stays
 */
void dvp_netlink_get_u32(struct genl_info *info, int attr, u32 *value)
{
	if (info->attrs[attr])
		*value = nla_get_u32(info->attrs[attr]);
}

/**
 * dvp_netlink_get_addr - read an address
 * @attr: four or sixteen bytes
 * @addr: filled, IPv4 as ::ffff:a.b.c.d
 * @extack: says why not
 *
 * Return: 0 or -EINVAL.
 */
int dvp_netlink_get_addr(const struct nlattr *attr, struct in6_addr *addr,
			 struct netlink_ext_ack *extack)
{
	switch (nla_len(attr)) {
	case sizeof(struct in_addr):
		ipv6_addr_set_v4mapped(nla_get_in_addr(attr), addr);
		return 0;
	case sizeof(struct in6_addr):
		*addr = nla_get_in6_addr(attr);
		if (!ipv6_addr_v4mapped(addr))
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, attr, "an IPv4 address has four bytes");
		return -EINVAL;
	default:
		NL_SET_ERR_MSG_ATTR(extack, attr, "an address has four or sixteen bytes");
		return -EINVAL;
	}
}

/* What is added to the length of an IPv4 prefix. */
static u8 netlink_len_shift(const struct in6_addr *addr)
{
	return ipv6_addr_v4mapped(addr) ? 96 : 0;
}

/**
 * dvp_netlink_get_block - read a block of addresses
 * @addr_attr: its first address
 * @len_attr: number of bits that its addresses share
 * @addr: filled, IPv4 as ::ffff:a.b.c.d
 * @len: filled, IPv4 with 96 added
 * @extack: says why not
 *
 * Return: 0 or -EINVAL.
 */
int dvp_netlink_get_block(const struct nlattr *addr_attr, const struct nlattr *len_attr,
			  struct in6_addr *addr, u8 *len,
			  struct netlink_ext_ack *extack)
{
	struct in6_addr masked;
	int err;
	u8 shift;

	err = dvp_netlink_get_addr(addr_attr, addr, extack);
	if (err)
		return err;
	shift = netlink_len_shift(addr);
	*len = nla_get_u8(len_attr);
	if (*len + shift > 128) {
		NL_SET_ERR_MSG_ATTR(extack, len_attr, "longer than the address");
		return -EINVAL;
	}
	*len += shift;
	ipv6_addr_prefix(&masked, addr, *len);
	if (!ipv6_addr_equal(&masked, addr)) {
		NL_SET_ERR_MSG_ATTR(extack, addr_attr, "bits behind the prefix length are set");
		return -EINVAL;
	}
	return 0;
}

/**
 * dvp_netlink_get_range - read a range
 * @attr: the range
 * @has_kind: it must say of which kind it is; else it must not
 * @range: filled
 * @extack: says why not
 *
 * Return: 0 or -EINVAL.
 */
int dvp_netlink_get_range(const struct nlattr *attr, bool has_kind,
			  struct dvp_range *range, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[DVPNET_A_RANGE_MAX + 1];
	int err;

	err = nla_parse_nested(tb, DVPNET_A_RANGE_MAX, attr, dvpnet_range_nl_policy, extack);
	if (err)
		return err;
	if (!tb[DVPNET_A_RANGE_ADDR] || !tb[DVPNET_A_RANGE_LEN]) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "a range needs address and length");
		return -EINVAL;
	}
	if (!tb[DVPNET_A_RANGE_KIND] == has_kind) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "a range of the configuration has a kind, a source range has none");
		return -EINVAL;
	}
	memset(range, 0, sizeof(*range));
	if (has_kind)
		range->kind = nla_get_u32(tb[DVPNET_A_RANGE_KIND]);
	return dvp_netlink_get_block(tb[DVPNET_A_RANGE_ADDR], tb[DVPNET_A_RANGE_LEN],
				     &range->addr, &range->len, extack);
}

/**
 * dvp_netlink_put_block - write a block of addresses
 * @skb: where to
 * @addr_attr: attribute type of its address
 * @len_attr: attribute type of its length
 * @addr: first address, IPv4 as ::ffff:a.b.c.d
 * @len: length, IPv4 with 96 added
 *
 * Return: 0 or -EMSGSIZE.
 */
int dvp_netlink_put_block(struct sk_buff *skb, int addr_attr, int len_attr,
			  const struct in6_addr *addr, u8 len)
{
	int err;

	/* Unspecified is an address here, that of ::/0. */
	if (ipv6_addr_any(addr))
		err = nla_put_in6_addr(skb, addr_attr, addr);
	else
		err = dvp_netlink_put_addr(skb, addr_attr, addr);
	return err ?: nla_put_u8(skb, len_attr, len - netlink_len_shift(addr));
}

/**
 * dvp_netlink_put_range - write a range
 * @skb: where to
 * @attr: attribute type
 * @has_kind: say of which kind it is
 * @range: the range
 *
 * Return: 0 or -EMSGSIZE, then nothing of it was written.
 */
int dvp_netlink_put_range(struct sk_buff *skb, int attr, bool has_kind,
			  const struct dvp_range *range)
{
	struct nlattr *nest = nla_nest_start(skb, attr);

	if (!nest)
		return -EMSGSIZE;
	if (dvp_netlink_put_block(skb, DVPNET_A_RANGE_ADDR, DVPNET_A_RANGE_LEN,
				  &range->addr, range->len) ||
	    (has_kind && nla_put_u32(skb, DVPNET_A_RANGE_KIND, range->kind))) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * dvp_netlink_put_addr - write an address; nothing if it is unspecified
 * @skb: where to
 * @attr: attribute type
 * @addr: the address
 *
 * Return: 0 or -EMSGSIZE.
 */
int dvp_netlink_put_addr(struct sk_buff *skb, int attr, const struct in6_addr *addr)
{
	if (ipv6_addr_any(addr))
		return 0;
	if (ipv6_addr_v4mapped(addr))
		return nla_put_in_addr(skb, attr, addr->s6_addr32[3]);
	return nla_put_in6_addr(skb, attr, addr);
}

/**
 * dvp_netlink_reply - begin the answer to a request
 * @info: the request
 * @cmd: command of the answer
 * @extra: bytes that it may need above what is enough for most
 * @header: filled, for genlmsg_end()
 *
 * Return: the message, or NULL when out of memory.
 */
struct sk_buff *dvp_netlink_reply(struct genl_info *info, int cmd, size_t extra,
				  void **header)
{
	struct sk_buff *msg = genlmsg_new(GENLMSG_DEFAULT_SIZE + extra, GFP_KERNEL);

	if (!msg)
		return NULL;
	*header = genlmsg_put_reply(msg, info, &dvp_netlink_family, 0, cmd);
	if (*header)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

/**
 * dvp_netlink_answer - send the answer to a request, or give it up
 * @info: the request
 * @msg: the message, or NULL; consumed
 * @header: of the message
 * @err: what filling it returned
 *
 * Return: @err, or what sending it returned.
 */
int dvp_netlink_answer(struct genl_info *info, struct sk_buff *msg, void *header,
		       int err)
{
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, header);
	return genlmsg_reply(msg, info);
}

/* ---- events ---- */

/**
 * dvp_netlink_has_listeners - would anybody hear an event?
 * @dn: whose
 */
bool dvp_netlink_has_listeners(struct dvp_net *dn)
{
	return genl_has_listeners(&dvp_netlink_family, dn->net, DVPNET_NLGRP_CONFIG);
}

/**
 * dvp_netlink_event - begin an event
 * @cmd: its command
 * @header: filled, for dvp_netlink_publish()
 *
 * Return: the message, or NULL when out of memory.
 */
struct sk_buff *dvp_netlink_event(int cmd, void **header)
{
	struct sk_buff *msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (!msg)
		return NULL;
	*header = genlmsg_put(msg, 0, 0, &dvp_netlink_family, 0, cmd);
	if (*header)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

/**
 * dvp_netlink_publish - send an event
 * @dn: whose
 * @msg: the message; consumed
 * @header: of dvp_netlink_event()
 * @err: what filling it returned; on error listeners learn that they missed one
 */
void dvp_netlink_publish(struct dvp_net *dn, struct sk_buff *msg, void *header,
			 int err)
{
	if (err) {
		nlmsg_free(msg);
		genl_set_err(&dvp_netlink_family, dn->net, 0, DVPNET_NLGRP_CONFIG, err);
		return;
	}
	genlmsg_end(msg, header);
	genlmsg_multicast_netns(&dvp_netlink_family, dn->net, msg, 0,
				DVPNET_NLGRP_CONFIG, GFP_KERNEL);
}

/* ---- syncs ---- */

static int netlink_reply_sync(struct genl_info *info, int cmd, u32 token, u32 generation)
{
	struct sk_buff *msg;
	void *header;

	msg = dvp_netlink_reply(info, cmd, 0, &header);
	if (!msg)
		return -ENOMEM;
	if ((token && nla_put_u32(msg, DVPNET_A_SYNC_TOKEN, token)) ||
	    nla_put_u32(msg, DVPNET_A_SYNC_GENERATION, generation)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, header);
	return genlmsg_reply(msg, info);
}

int dvpnet_nl_sync_begin_doit(struct sk_buff *skb, struct genl_info *info)
{
	u32 mode = DVPNET_SYNC_MODE_PATCH, token, generation;
	struct dvp_net *dn;
	int err;

	dn = dvp_netlink_read(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	if (info->attrs[DVPNET_A_SYNC_MODE])
		mode = nla_get_u32(info->attrs[DVPNET_A_SYNC_MODE]);
	err = dvp_sync_begin(dn, info->snd_portid, mode == DVPNET_SYNC_MODE_REPLACE,
			     &token, info->extack);
	generation = dn->generation;
	dvp_netlink_end(dn);
	return err ?: netlink_reply_sync(info, DVPNET_CMD_SYNC_BEGIN, token, generation);
}

int dvpnet_nl_sync_commit_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dvp_net *dn;
	u32 generation;
	int err;

	if (dvp_netlink_missing(info, DVPNET_A_SYNC_TOKEN))
		return -EINVAL;
	dn = dvp_netlink_read(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	err = dvp_sync_commit(dn, info->snd_portid,
			      nla_get_u32(info->attrs[DVPNET_A_SYNC_TOKEN]),
			      info->extack);
	generation = dn->generation;
	dvp_netlink_end_refresh(dn);
	return err ?: netlink_reply_sync(info, DVPNET_CMD_SYNC_COMMIT, 0, generation);
}

int dvpnet_nl_sync_abort_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dvp_net *dn;
	int err;

	if (dvp_netlink_missing(info, DVPNET_A_SYNC_TOKEN))
		return -EINVAL;
	dn = dvp_netlink_read(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	err = dvp_sync_abort(dn, info->snd_portid,
			     nla_get_u32(info->attrs[DVPNET_A_SYNC_TOKEN]),
			     info->extack);
	dvp_netlink_end(dn);
	return err;
}

/* A socket died: its sync is abandoned. */
static int netlink_event(struct notifier_block *block, unsigned long event, void *data)
{
	struct netlink_notify *notify = data;
	struct dvp_net *dn;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	dn = netlink_hold(notify->net);
	if (!dn)
		return NOTIFY_DONE;
	dvp_sync_forget(dn, notify->portid);
	dvp_netlink_end(dn);
	return NOTIFY_DONE;
}

static struct notifier_block netlink_notifier = {
	.notifier_call = netlink_event,
};

/* ---- counters ---- */

static int netlink_fill_stats(struct sk_buff *skb, struct dvp_net *dn)
{
	enum dvp_stat stat;

	for (stat = 0; stat < DVP_STAT_COUNT; stat++) {
		struct nlattr *nest = nla_nest_start(skb, DVPNET_A_STATS_COUNTER);

		if (!nest ||
		    nla_put_string(skb, DVPNET_A_COUNTER_NAME, dvp_stats_name(stat)) ||
		    nla_put_u64_64bit(skb, DVPNET_A_COUNTER_VALUE,
				      dvp_stats_read(dn, stat), DVPNET_A_COUNTER_PAD) ||
		    nla_put_string(skb, DVPNET_A_COUNTER_HELP, dvp_stats_help(stat)))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

int dvpnet_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg;
	struct dvp_net *dn;
	void *header;
	int err;

	msg = genlmsg_new(DVP_STAT_COUNT * 256, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	header = genlmsg_put_reply(msg, info, &dvp_netlink_family, 0, DVPNET_CMD_STATS_GET);
	dn = dvp_netlink_read(info);
	if (IS_ERR(dn)) {
		nlmsg_free(msg);
		return PTR_ERR(dn);
	}
	err = header ? netlink_fill_stats(msg, dn) : -EMSGSIZE;
	dvp_netlink_end(dn);
	return dvp_netlink_answer(info, msg, header, err);
}

/* ---- the family ---- */

/**
 * dvp_netlink_init - register the family
 *
 * Return: 0, or an error.
 */
int dvp_netlink_init(void)
{
	unsigned int i;
	int err;

	memcpy(netlink_ops, dvpnet_nl_ops, sizeof(netlink_ops));
	for (i = 0; i < ARRAY_SIZE(netlink_ops); i++) {
		if (netlink_ops[i].cmd != DVPNET_CMD_FLOW_GET)
			continue;
		netlink_ops[i].start = dvp_netlink_flow_dump_start;
		netlink_ops[i].done = dvp_netlink_flow_dump_done;
	}

	err = netlink_register_notifier(&netlink_notifier);
	if (err)
		return err;
	err = genl_register_family(&dvp_netlink_family);
	if (err)
		netlink_unregister_notifier(&netlink_notifier);
	return err;
}

/**
 * dvp_netlink_exit - unregister it
 */
void dvp_netlink_exit(void)
{
	genl_unregister_family(&dvp_netlink_family);
	netlink_unregister_notifier(&netlink_notifier);
}
