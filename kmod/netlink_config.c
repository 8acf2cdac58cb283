// SPDX-License-Identifier: GPL-2.0
/* Requests about the configuration. */
#include <linux/rtnetlink.h>

#include "classic.h"
#include "flow.h"
#include "netlink.h"
#include "netns.h"
#include "node.h"
#include "range.h"
#include "vxlan.h"

/* Room for one range in a message. */
#define NETLINK_RANGE_SIZE						\
	(nla_total_size(0) + nla_total_size(sizeof(struct in6_addr)) +	\
	 nla_total_size(sizeof(u8)) + nla_total_size(sizeof(u32)))

static u32 netlink_count(const struct xarray *objects)
{
	unsigned long id;
	void *object;
	u32 count = 0;

	xa_for_each((struct xarray *)objects, id, object)
		count++;
	return count;
}

static int netlink_fill_ranges(struct sk_buff *skb, const struct dvp_config *config)
{
	struct nlattr *nest = nla_nest_start(skb, DVPNET_A_CONFIG_RANGES);
	u32 i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < config->ranges; i++)
		if (dvp_netlink_put_range(skb, DVPNET_A_RANGES_RANGE, true, &config->range[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int netlink_fill_config(struct sk_buff *skb, struct dvp_net *dn)
{
	const struct dvp_config *config;

	config = rcu_dereference_protected(dn->config, lockdep_is_held(&dn->lock));
	if (nla_put_u32(skb, DVPNET_A_CONFIG_MODE, config->mode) ||
	    nla_put_u32(skb, DVPNET_A_CONFIG_VNI, config->vni) ||
	    nla_put_u16(skb, DVPNET_A_CONFIG_PORT, config->port) ||
	    nla_put_u8(skb, DVPNET_A_CONFIG_UDP_CSUM, config->udp_csum) ||
	    nla_put_u8(skb, DVPNET_A_CONFIG_TRUST_UNDERLAY, config->trust_underlay) ||
	    nla_put_u8(skb, DVPNET_A_CONFIG_NODEPORT_ANY, config->nodeport_any) ||
	    nla_put_u16(skb, DVPNET_A_CONFIG_NODEPORT_MIN, config->nodeport_min) ||
	    nla_put_u16(skb, DVPNET_A_CONFIG_NODEPORT_MAX, config->nodeport_max) ||
	    nla_put_u32(skb, DVPNET_A_CONFIG_MAX_FLOWS, config->max_flows) ||
	    nla_put_u32(skb, DVPNET_A_CONFIG_TIMEOUT_TCP_ESTABLISHED,
			config->tcp_established) ||
	    nla_put_u32(skb, DVPNET_A_CONFIG_TIMEOUT_TCP_TRANSITORY,
			config->tcp_transitory) ||
	    nla_put_u32(skb, DVPNET_A_CONFIG_TIMEOUT_UDP_NEW, config->udp_new) ||
	    nla_put_u32(skb, DVPNET_A_CONFIG_TIMEOUT_UDP_ESTABLISHED,
			config->udp_established) ||
	    nla_put_u32(skb, DVPNET_A_CONFIG_GENERATION, dn->generation) ||
	    nla_put_u32(skb, DVPNET_A_CONFIG_FLOWS, atomic_read(&dn->flows.count)) ||
	    nla_put_u32(skb, DVPNET_A_CONFIG_IFINDEX, dn->dev->ifindex) ||
	    nla_put_u32(skb, DVPNET_A_CONFIG_SERVICES, netlink_count(&dn->services)) ||
	    nla_put_u32(skb, DVPNET_A_CONFIG_NODES, netlink_count(&dn->nodes)) ||
	    nla_put_u32(skb, DVPNET_A_CONFIG_PREFIXES, dn->prefixes.count) ||
	    nla_put_u8(skb, DVPNET_A_CONFIG_MASQUERADE, config->masquerade) ||
	    nla_put_u8(skb, DVPNET_A_CONFIG_VIP_ECHO, config->vip_echo) ||
	    nla_put_u8(skb, DVPNET_A_CONFIG_RESET_REMOVED, config->reset_removed))
		return -EMSGSIZE;
	return netlink_fill_ranges(skb, config);
}

static struct sk_buff *netlink_new_config(struct dvp_net *dn)
{
	const struct dvp_config *config;

	config = rcu_dereference_protected(dn->config, lockdep_is_held(&dn->lock));
	return genlmsg_new(GENLMSG_DEFAULT_SIZE + config->ranges * NETLINK_RANGE_SIZE,
			   GFP_KERNEL);
}

static void netlink_notify_config(struct dvp_net *dn)
{
	struct sk_buff *msg;
	void *header;

	if (!dvp_netlink_has_listeners(dn))
		return;
	msg = netlink_new_config(dn);
	if (!msg)
		return;
	header = genlmsg_put(msg, 0, 0, &dvp_netlink_family, 0, DVPNET_CMD_CONFIG_NTF);
	dvp_netlink_publish(dn, msg, header,
			    header ? netlink_fill_config(msg, dn) : -EMSGSIZE);
}

int dvpnet_nl_config_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	void *header = NULL;
	struct sk_buff *msg;
	struct dvp_net *dn;
	int err = -ENOMEM;

	dn = dvp_netlink_read(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	msg = netlink_new_config(dn);
	if (msg)
		header = genlmsg_put_reply(msg, info, &dvp_netlink_family, 0,
					   DVPNET_CMD_CONFIG_GET);
	if (header)
		err = netlink_fill_config(msg, dn);
	dvp_netlink_end(dn);
	return dvp_netlink_answer(info, msg, header, err);
}

static void netlink_get_u16(struct genl_info *info, int attr, u16 *value)
{
	if (info->attrs[attr])
		*value = nla_get_u16(info->attrs[attr]);
}

static void netlink_get_bool(struct genl_info *info, int attr, bool *value)
{
	if (info->attrs[attr])
		*value = nla_get_u8(info->attrs[attr]);
}

/* All of them at once; without the attribute, they stay. */
static int netlink_parse_ranges(struct genl_info *info, struct dvp_config *config)
{
	const struct nlattr *ranges = info->attrs[DVPNET_A_CONFIG_RANGES], *attr;
	int err, left;

	if (!ranges)
		return 0;
	config->ranges = 0;
	memset(config->range, 0, sizeof(config->range));
	nla_for_each_nested(attr, ranges, left) {
		if (config->ranges == DVPNET_RANGES_MAX) {
			NL_SET_ERR_MSG_FMT_MOD(info->extack, "more than %u ranges",
					       DVPNET_RANGES_MAX);
			return -E2BIG;
		}
		err = dvp_netlink_get_range(attr, true, &config->range[config->ranges++],
					    info->extack);
		if (err)
			return err;
	}
	if (dvp_range_sort(config->range, config->ranges))
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, ranges, "a range stands here twice");
	return -EEXIST;
}

static int netlink_parse_config(struct genl_info *info, struct dvp_config *config)
{
	u32 mode = config->mode;

	dvp_netlink_get_u32(info, DVPNET_A_CONFIG_MODE, &mode);
	config->mode = mode;
	dvp_netlink_get_u32(info, DVPNET_A_CONFIG_VNI, &config->vni);
	netlink_get_u16(info, DVPNET_A_CONFIG_PORT, &config->port);
	netlink_get_bool(info, DVPNET_A_CONFIG_UDP_CSUM, &config->udp_csum);
	netlink_get_bool(info, DVPNET_A_CONFIG_TRUST_UNDERLAY, &config->trust_underlay);
	netlink_get_bool(info, DVPNET_A_CONFIG_NODEPORT_ANY, &config->nodeport_any);
	netlink_get_u16(info, DVPNET_A_CONFIG_NODEPORT_MIN, &config->nodeport_min);
	netlink_get_u16(info, DVPNET_A_CONFIG_NODEPORT_MAX, &config->nodeport_max);
	dvp_netlink_get_u32(info, DVPNET_A_CONFIG_MAX_FLOWS, &config->max_flows);
	dvp_netlink_get_u32(info, DVPNET_A_CONFIG_TIMEOUT_TCP_ESTABLISHED,
			    &config->tcp_established);
	dvp_netlink_get_u32(info, DVPNET_A_CONFIG_TIMEOUT_TCP_TRANSITORY,
			    &config->tcp_transitory);
	dvp_netlink_get_u32(info, DVPNET_A_CONFIG_TIMEOUT_UDP_NEW, &config->udp_new);
	dvp_netlink_get_u32(info, DVPNET_A_CONFIG_TIMEOUT_UDP_ESTABLISHED,
			    &config->udp_established);
	if (info->attrs[DVPNET_A_CONFIG_SECRET])
		nla_memcpy(&config->secret, info->attrs[DVPNET_A_CONFIG_SECRET],
			   sizeof(config->secret));
	netlink_get_bool(info, DVPNET_A_CONFIG_MASQUERADE, &config->masquerade);
	netlink_get_bool(info, DVPNET_A_CONFIG_VIP_ECHO, &config->vip_echo);
	netlink_get_bool(info, DVPNET_A_CONFIG_RESET_REMOVED, &config->reset_removed);
	return netlink_parse_ranges(info, config);
}

/* Classic mode sends pod addresses on the underlay: refuse what would only lose packets. */
static int netlink_check_config(struct dvp_net *dn, const struct dvp_config *config,
				struct netlink_ext_ack *extack)
{
	struct dvp_node *node;
	unsigned long id;

	if (config->nodeport_min > config->nodeport_max) {
		NL_SET_ERR_MSG_MOD(extack, "NodePort range ends before it begins");
		return -EINVAL;
	}
	xa_for_each(&dn->nodes, id, node) {
		if (dvp_classic_is_possible(dn, node, config))
			continue;
		NL_SET_ERR_MSG_FMT_MOD(extack, "classic mode: node %.40s is behind a router",
				       node->name);
		return -EHOSTUNREACH;
	}
	return 0;
}

/* Flows are the host's memory: who is root in a user namespace has a new device's share of it. */
static int netlink_check_max_flows(struct sk_buff *skb, const struct dvp_config *old,
				   const struct dvp_config *new,
				   struct netlink_ext_ack *extack)
{
	u32 free = max(old->max_flows, dvp_netns_max_flows());

	if (new->max_flows <= free || netlink_capable(skb, CAP_NET_ADMIN))
		return 0;
	NL_SET_ERR_MSG_FMT_MOD(extack, "only the host's administrator may raise max-flows above %u",
			       free);
	return -EPERM;
}

static bool netlink_config_is_equal(const struct dvp_config *a, const struct dvp_config *b)
{
	/* Both are zeroed copies of one another: padding is equal as well. */
	return !memcmp((const char *)a + sizeof(a->rcu), (const char *)b + sizeof(b->rcu),
		       sizeof(*a) - sizeof(a->rcu));
}

static int netlink_set_config(struct dvp_net *dn, struct sk_buff *skb,
			      struct genl_info *info)
{
	struct dvp_vxlan_socks socks = {};
	struct dvp_config *old, *new;
	const struct dvp_node *self;
	int err;

	old = rcu_dereference_protected(dn->config, lockdep_is_held(&dn->lock));
	new = kmemdup(old, sizeof(*old), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	err = netlink_parse_config(info, new);
	if (err || netlink_config_is_equal(old, new)) {
		kfree(new);
		return err;
	}
	err = netlink_check_config(dn, new, info->extack) ?:
	      netlink_check_max_flows(skb, old, new, info->extack);
	self = rcu_dereference_protected(dn->self, lockdep_is_held(&dn->lock));
	if (!err && self)
		err = dvp_vxlan_open(dn, self, new->port, &socks, info->extack);
	if (err) {
		kfree(new);
		return err;
	}
	rcu_assign_pointer(dn->config, new);
	dvp_vxlan_use(dn, &socks);
	kfree_rcu(old, rcu);
	dvp_flow_collect(dn);
	dvp_sync_changed(dn);
	netlink_notify_config(dn);
	return 0;
}

int dvpnet_nl_config_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dvp_net *dn;
	int err;

	dn = dvp_netlink_write(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	err = netlink_set_config(dn, skb, info);
	dvp_netlink_end_refresh(dn);
	return err;
}
