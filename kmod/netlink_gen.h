/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	docs/netlink/dvpnet.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: docs/netlink/generate.sh */

#ifndef _LINUX_DVPNET_GEN_H
#define _LINUX_DVPNET_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/dvpnet.h>

/* Common nested types */
extern const struct nla_policy dvpnet_backend_nl_policy[DVPNET_A_BACKEND_WEIGHT + 1];
extern const struct nla_policy dvpnet_frontend_nl_policy[DVPNET_A_FRONTEND_PORT + 1];
extern const struct nla_policy dvpnet_range_nl_policy[DVPNET_A_RANGE_KIND + 1];
extern const struct nla_policy dvpnet_ranges_nl_policy[DVPNET_A_RANGES_RANGE + 1];

extern const struct nla_policy dvpnet_config_set_nl_policy[DVPNET_A_CONFIG_RANGES + 1];

extern const struct nla_policy dvpnet_node_get_nl_policy[DVPNET_A_NODE_NAME + 1];

extern const struct nla_policy dvpnet_node_set_nl_policy[DVPNET_A_NODE_TUNNEL6 + 1];

extern const struct nla_policy dvpnet_node_del_nl_policy[DVPNET_A_NODE_NAME + 1];

extern const struct nla_policy dvpnet_prefix_set_nl_policy[DVPNET_A_PREFIX_HOLD + 1];

extern const struct nla_policy dvpnet_prefix_del_nl_policy[DVPNET_A_PREFIX_LEN + 1];

extern const struct nla_policy dvpnet_service_get_nl_policy[DVPNET_A_SERVICE_FAMILY + 1];

extern const struct nla_policy dvpnet_service_set_nl_policy[DVPNET_A_SERVICE_LOCAL_WHY + 1];

extern const struct nla_policy dvpnet_service_del_nl_policy[DVPNET_A_SERVICE_FAMILY + 1];

extern const struct nla_policy dvpnet_flow_flush_nl_policy[DVPNET_A_FLOW_SERVICE + 1];

extern const struct nla_policy dvpnet_route_get_nl_policy[DVPNET_A_ROUTE_DPORT + 1];

extern const struct nla_policy dvpnet_sync_begin_nl_policy[DVPNET_A_SYNC_MODE + 1];

extern const struct nla_policy dvpnet_sync_commit_nl_policy[DVPNET_A_SYNC_TOKEN + 1];

extern const struct nla_policy dvpnet_sync_abort_nl_policy[DVPNET_A_SYNC_TOKEN + 1];

extern const struct nla_policy dvpnet_flow_new_nl_policy[DVPNET_A_FLOW_EXPIRES + 1];

/* Ops table for dvpnet */
extern const struct genl_ops dvpnet_nl_ops[19];

int dvpnet_nl_config_get_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_config_set_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_node_get_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_node_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int dvpnet_nl_node_set_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_node_del_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_prefix_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int dvpnet_nl_prefix_set_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_prefix_del_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_service_get_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_service_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int dvpnet_nl_service_set_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_service_del_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_flow_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int dvpnet_nl_flow_flush_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_route_get_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_sync_begin_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_sync_commit_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_sync_abort_doit(struct sk_buff *skb, struct genl_info *info);
int dvpnet_nl_flow_new_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	DVPNET_NLGRP_CONFIG,
};

#endif /* _LINUX_DVPNET_GEN_H */
