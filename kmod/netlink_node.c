// SPDX-License-Identifier: GPL-2.0
/* Requests about nodes and prefixes. */
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>

#include "classic.h"
#include "mtu.h"
#include "netlink.h"
#include "netns.h"
#include "node.h"
#include "vxlan.h"

static int netlink_fill_node(struct sk_buff *skb, struct dvp_net *dn,
			     struct dvp_node *node)
{
	enum dvpnet_mode active;
	u32 mtu;

	if (nla_put_string(skb, DVPNET_A_NODE_NAME, node->name) ||
	    dvp_netlink_put_addr(skb, DVPNET_A_NODE_UNDERLAY4,
				 &node->underlay[DVP_NODE_V4].addr) ||
	    dvp_netlink_put_addr(skb, DVPNET_A_NODE_UNDERLAY6,
				 &node->underlay[DVP_NODE_V6].addr) ||
	    nla_put(skb, DVPNET_A_NODE_MAC, ETH_ALEN, node->mac) ||
	    (node->has_mode && nla_put_u32(skb, DVPNET_A_NODE_MODE, node->mode)) ||
	    (node->local && nla_put_flag(skb, DVPNET_A_NODE_LOCAL)) ||
	    dvp_netlink_put_addr(skb, DVPNET_A_NODE_TUNNEL4, &node->tunnel[DVP_NODE_V4]) ||
	    dvp_netlink_put_addr(skb, DVPNET_A_NODE_TUNNEL6, &node->tunnel[DVP_NODE_V6]))
		return -EMSGSIZE;
	if (node->local)
		return 0;
	mtu = dvp_mtu_to_node(dn, node, &active);
	if (!mtu)
		return 0;
	if (nla_put_u32(skb, DVPNET_A_NODE_ACTIVE_MODE, active) ||
	    nla_put_u32(skb, DVPNET_A_NODE_MTU, mtu))
		return -EMSGSIZE;
	return 0;
}

/**
 * dvp_netlink_notify_node - tell listeners of a node
 * @dn: whose
 * @node: the node
 * @cmd: DVPNET_CMD_NODE_NTF or DVPNET_CMD_NODE_DEL_NTF
 *
 * Context: &dvp_net.lock.
 */
void dvp_netlink_notify_node(struct dvp_net *dn, struct dvp_node *node, int cmd)
{
	struct sk_buff *msg;
	void *header;

	if (!dvp_netlink_has_listeners(dn))
		return;
	msg = dvp_netlink_event(cmd, &header);
	if (msg)
		dvp_netlink_publish(dn, msg, header, netlink_fill_node(msg, dn, node));
}

int dvpnet_nl_node_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dvp_node *node;
	struct sk_buff *msg;
	struct dvp_net *dn;
	void *header;
	int err;

	if (dvp_netlink_missing(info, DVPNET_A_NODE_NAME))
		return -EINVAL;
	dn = dvp_netlink_read(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	node = dvp_node_by_name(dn, nla_data(info->attrs[DVPNET_A_NODE_NAME]));
	if (!node) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[DVPNET_A_NODE_NAME],
				    "no such node");
		dvp_netlink_end(dn);
		return -ENOENT;
	}
	msg = dvp_netlink_reply(info, DVPNET_CMD_NODE_GET, 0, &header);
	err = msg ? netlink_fill_node(msg, dn, node) : -ENOMEM;
	dvp_netlink_end(dn);
	return dvp_netlink_answer(info, msg, header, err);
}

int dvpnet_nl_node_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dvp_node *node;
	struct dvp_net *dn;
	unsigned long id;

	dn = dvp_netlink_dump(cb);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	xa_for_each_start(&dn->nodes, id, node, cb->args[0]) {
		void *header;

		header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				     &dvp_netlink_family, NLM_F_MULTI, DVPNET_CMD_NODE_GET);
		if (!header)
			break;
		if (netlink_fill_node(skb, dn, node)) {
			genlmsg_cancel(skb, header);
			break;
		}
		genl_dump_check_consistent(cb, header);
		genlmsg_end(skb, header);
		cb->args[0] = id + 1;
	}
	dvp_netlink_end(dn);
	return skb->len;
}

static int netlink_get_node_addr(struct genl_info *info, int attr, struct in6_addr *addr)
{
	const struct nlattr *nla = info->attrs[attr];
	int err;

	if (!nla)
		return 0;
	err = dvp_netlink_get_addr(nla, addr, info->extack);
	if (err)
		return err;
	if (ipv6_addr_v4mapped(addr) ?
	    (ipv4_is_multicast(addr->s6_addr32[3]) ||
	     ipv4_is_loopback(addr->s6_addr32[3]) ||
	     ipv4_is_zeronet(addr->s6_addr32[3]) ||
	     ipv4_is_lbcast(addr->s6_addr32[3])) :
	    (ipv6_addr_any(addr) || ipv6_addr_loopback(addr) ||
	     ipv6_addr_is_multicast(addr))) {
		NL_SET_ERR_MSG_ATTR(info->extack, nla, "not the address of a host");
		return -EINVAL;
	}
	return 0;
}

static int netlink_parse_node(struct genl_info *info, struct dvp_node *node)
{
	struct nlattr **attrs = info->attrs;
	int err;

	err = netlink_get_node_addr(info, DVPNET_A_NODE_UNDERLAY4,
				    &node->underlay[DVP_NODE_V4].addr) ?:
	      netlink_get_node_addr(info, DVPNET_A_NODE_UNDERLAY6,
				    &node->underlay[DVP_NODE_V6].addr) ?:
	      netlink_get_node_addr(info, DVPNET_A_NODE_TUNNEL4,
				    &node->tunnel[DVP_NODE_V4]) ?:
	      netlink_get_node_addr(info, DVPNET_A_NODE_TUNNEL6,
				    &node->tunnel[DVP_NODE_V6]);
	if (err)
		return err;
	if (!attrs[DVPNET_A_NODE_UNDERLAY4] && !attrs[DVPNET_A_NODE_UNDERLAY6]) {
		GENL_SET_ERR_MSG(info, "a node needs an underlay address");
		return -EINVAL;
	}
	nla_memcpy(node->mac, attrs[DVPNET_A_NODE_MAC], ETH_ALEN);
	if (!is_valid_ether_addr(node->mac)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[DVPNET_A_NODE_MAC],
				    "not a unicast Ethernet address");
		return -EINVAL;
	}
	node->local = attrs[DVPNET_A_NODE_LOCAL];
	node->has_mode = attrs[DVPNET_A_NODE_MODE];
	if (node->has_mode)
		node->mode = nla_get_u32(attrs[DVPNET_A_NODE_MODE]);
	return 0;
}

/* Its sockets come first: the port may be somebody else's, and then nothing has changed. */
static int netlink_set_local_node(struct dvp_net *dn, struct genl_info *info,
				  struct dvp_node *node, const struct dvp_config *config)
{
	struct dvp_vxlan_socks socks;
	int err;

	err = dvp_vxlan_open(dn, node, config->port, &socks, info->extack);
	if (err)
		return err;
	err = dvp_node_set(dn, node, info->extack);
	if (err < 0)
		dvp_vxlan_discard(dn, &socks);
	else
		dvp_vxlan_use(dn, &socks);
	return err;
}

static int netlink_set_node(struct dvp_net *dn, struct genl_info *info,
			    struct dvp_node *node)
{
	const struct dvp_config *config;
	int err;

	err = netlink_parse_node(info, node);
	if (err)
		return err;
	config = rcu_dereference_protected(dn->config, lockdep_is_held(&dn->lock));
	if (node->local)
		return netlink_set_local_node(dn, info, node, config);
	if (!dvp_classic_is_possible(dn, node, config)) {
		NL_SET_ERR_MSG_FMT_MOD(info->extack,
				       "classic mode: node %.40s is behind a router",
				       node->name);
		return -EHOSTUNREACH;
	}
	return dvp_node_set(dn, node, info->extack);
}

int dvpnet_nl_node_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dvp_node *node;
	struct dvp_net *dn;
	int err;

	if (dvp_netlink_missing(info, DVPNET_A_NODE_NAME) ||
	    dvp_netlink_missing(info, DVPNET_A_NODE_MAC))
		return -EINVAL;
	if (!nla_len(info->attrs[DVPNET_A_NODE_NAME]) ||
	    !*(char *)nla_data(info->attrs[DVPNET_A_NODE_NAME])) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[DVPNET_A_NODE_NAME],
				    "name is empty");
		return -EINVAL;
	}
	dn = dvp_netlink_write(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	node = dvp_node_alloc(nla_data(info->attrs[DVPNET_A_NODE_NAME]));
	err = node ? netlink_set_node(dn, info, node) : -ENOMEM;
	if (err < 0 && node)
		dvp_node_free(node);
	if (err > 0) {
		dvp_sync_changed(dn);
		dvp_netlink_notify_node(dn, node, DVPNET_CMD_NODE_NTF);
		err = 0;
	}
	dvp_netlink_end_refresh(dn);
	return err;
}

int dvpnet_nl_node_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dvp_node *node;
	struct dvp_net *dn;
	int err = 0;

	if (dvp_netlink_missing(info, DVPNET_A_NODE_NAME))
		return -EINVAL;
	dn = dvp_netlink_write(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	node = dvp_node_by_name(dn, nla_data(info->attrs[DVPNET_A_NODE_NAME]));
	if (node) {
		dvp_node_del(dn, node);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[DVPNET_A_NODE_NAME],
				    "no such node");
		err = -ENOENT;
	}
	dvp_netlink_end_refresh(dn);
	return err;
}

/* ---- prefixes ---- */

static int netlink_fill_prefix(struct sk_buff *skb, const struct dvp_prefix *prefix)
{
	const struct dvp_node *node = rcu_dereference_protected(prefix->node, true);
	u32 hold = dvp_prefix_held_for(prefix);

	if (dvp_netlink_put_block(skb, DVPNET_A_PREFIX_ADDR, DVPNET_A_PREFIX_LEN,
				  &prefix->addr, prefix->len) ||
	    nla_put_string(skb, DVPNET_A_PREFIX_NODE, node->name) ||
	    (hold && nla_put_u32(skb, DVPNET_A_PREFIX_HOLD, hold)))
		return -EMSGSIZE;
	return 0;
}

/**
 * dvp_netlink_notify_prefix - tell listeners of a prefix
 * @dn: whose
 * @prefix: the prefix
 * @cmd: DVPNET_CMD_PREFIX_NTF or DVPNET_CMD_PREFIX_DEL_NTF
 *
 * Context: &dvp_net.lock.
 */
void dvp_netlink_notify_prefix(struct dvp_net *dn, struct dvp_prefix *prefix, int cmd)
{
	struct sk_buff *msg;
	void *header;

	if (!dvp_netlink_has_listeners(dn))
		return;
	msg = dvp_netlink_event(cmd, &header);
	if (msg)
		dvp_netlink_publish(dn, msg, header, netlink_fill_prefix(msg, prefix));
}

int dvpnet_nl_prefix_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	/* The cursor is the last prefix that was sent, if one was. */
	struct {
		struct in6_addr addr;
		u8 len;
		bool started;
	} *cursor = (void *)cb->args;
	struct dvp_prefix *prefix;
	struct dvp_net *dn;

	BUILD_BUG_ON(sizeof(*cursor) > sizeof(cb->args));
	dn = dvp_netlink_dump(cb);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	prefix = cursor->started ?
		 dvp_prefix_next_after(&dn->prefixes, &cursor->addr, cursor->len) :
		 dvp_prefix_next(&dn->prefixes, NULL);
	for (; prefix; prefix = dvp_prefix_next(&dn->prefixes, prefix)) {
		void *header;

		header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				     &dvp_netlink_family, NLM_F_MULTI,
				     DVPNET_CMD_PREFIX_GET);
		if (!header)
			break;
		if (netlink_fill_prefix(skb, prefix)) {
			genlmsg_cancel(skb, header);
			break;
		}
		genl_dump_check_consistent(cb, header);
		genlmsg_end(skb, header);
		cursor->started = true;
		cursor->addr = prefix->addr;
		cursor->len = prefix->len;
	}
	dvp_netlink_end(dn);
	return skb->len;
}

static int netlink_get_prefix(struct genl_info *info, struct in6_addr *addr, u8 *len)
{
	if (dvp_netlink_missing(info, DVPNET_A_PREFIX_ADDR) ||
	    dvp_netlink_missing(info, DVPNET_A_PREFIX_LEN))
		return -EINVAL;
	return dvp_netlink_get_block(info->attrs[DVPNET_A_PREFIX_ADDR],
				     info->attrs[DVPNET_A_PREFIX_LEN], addr, len,
				     info->extack);
}

static int netlink_set_prefix(struct dvp_net *dn, struct genl_info *info,
			      const struct in6_addr *addr, u8 len)
{
	const struct nlattr *hold = info->attrs[DVPNET_A_PREFIX_HOLD];
	struct dvp_prefix *prefix, *before;
	struct dvp_node *node;
	int err;

	node = dvp_node_by_name(dn, nla_data(info->attrs[DVPNET_A_PREFIX_NODE]));
	if (!node) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[DVPNET_A_PREFIX_NODE],
				    "no such node");
		return -ENOENT;
	}
	before = dvp_prefix_find(&dn->prefixes, addr, len);
	err = dvp_prefix_set(&dn->prefixes, addr, len, node, &prefix);
	if (err < 0)
		return err;
	prefix->stamp = dn->sync.stamp;
	if (err && before && node->local)
		dvp_prefix_came(&dn->prefixes, prefix);
	if (hold)
		dvp_prefix_hold(&dn->prefixes, prefix, nla_get_u32(hold));
	if (err) {
		dvp_sync_changed(dn);
		dvp_netlink_notify_prefix(dn, prefix, DVPNET_CMD_PREFIX_NTF);
	}
	return 0;
}

int dvpnet_nl_prefix_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct in6_addr addr;
	struct dvp_net *dn;
	u8 len;
	int err;

	err = netlink_get_prefix(info, &addr, &len);
	if (err)
		return err;
	if (dvp_netlink_missing(info, DVPNET_A_PREFIX_NODE))
		return -EINVAL;
	dn = dvp_netlink_write(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	err = netlink_set_prefix(dn, info, &addr, len);
	dvp_netlink_end(dn);
	return err;
}

int dvpnet_nl_prefix_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dvp_prefix *prefix;
	struct in6_addr addr;
	struct dvp_net *dn;
	u8 len;
	int err;

	err = netlink_get_prefix(info, &addr, &len);
	if (err)
		return err;
	dn = dvp_netlink_write(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	prefix = dvp_prefix_find(&dn->prefixes, &addr, len);
	if (prefix) {
		dvp_netlink_notify_prefix(dn, prefix, DVPNET_CMD_PREFIX_DEL_NTF);
		dvp_prefix_del(&dn->prefixes, prefix);
		dvp_sync_changed(dn);
	} else {
		GENL_SET_ERR_MSG(info, "no such prefix");
		err = -ENOENT;
	}
	dvp_netlink_end(dn);
	return err;
}
