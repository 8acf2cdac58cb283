// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	docs/netlink/dvpnet.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: docs/netlink/generate.sh */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/dvpnet.h>

/* Integer value ranges */
static struct netlink_range_validation dvpnet_a_config_vni_range = {
	.max	= 16777215ULL,
};

static struct netlink_range_validation dvpnet_a_config_max_flows_range = {
	.min	= 16ULL,
	.max	= 16777216ULL,
};

static struct netlink_range_validation dvpnet_a_config_timeout_tcp_established_range = {
	.min	= 1ULL,
	.max	= 864000ULL,
};

static struct netlink_range_validation dvpnet_a_config_timeout_tcp_transitory_range = {
	.min	= 1ULL,
	.max	= 864000ULL,
};

static struct netlink_range_validation dvpnet_a_config_timeout_udp_new_range = {
	.min	= 1ULL,
	.max	= 864000ULL,
};

static struct netlink_range_validation dvpnet_a_config_timeout_udp_established_range = {
	.min	= 1ULL,
	.max	= 864000ULL,
};

static struct netlink_range_validation dvpnet_a_service_affinity_range = {
	.max	= 86400ULL,
};

/* Common nested types */
const struct nla_policy dvpnet_backend_nl_policy[DVPNET_A_BACKEND_WEIGHT + 1] = {
	[DVPNET_A_BACKEND_ADDR] = NLA_POLICY_MIN_LEN(4),
	[DVPNET_A_BACKEND_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[DVPNET_A_BACKEND_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x1f),
	[DVPNET_A_BACKEND_FLOWS] = { .type = NLA_U32, },
	[DVPNET_A_BACKEND_WEIGHT] = NLA_POLICY_RANGE(NLA_U32, 1, 100),
};

const struct nla_policy dvpnet_frontend_nl_policy[DVPNET_A_FRONTEND_PORT + 1] = {
	[DVPNET_A_FRONTEND_TYPE] = NLA_POLICY_MAX(NLA_U32, 3),
	[DVPNET_A_FRONTEND_ADDR] = NLA_POLICY_MIN_LEN(4),
	[DVPNET_A_FRONTEND_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
};

const struct nla_policy dvpnet_range_nl_policy[DVPNET_A_RANGE_KIND + 1] = {
	[DVPNET_A_RANGE_ADDR] = NLA_POLICY_MIN_LEN(4),
	[DVPNET_A_RANGE_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
	[DVPNET_A_RANGE_KIND] = NLA_POLICY_MAX(NLA_U32, 1),
};

const struct nla_policy dvpnet_ranges_nl_policy[DVPNET_A_RANGES_RANGE + 1] = {
	[DVPNET_A_RANGES_RANGE] = NLA_POLICY_NESTED(dvpnet_range_nl_policy),
};

/* DVPNET_CMD_CONFIG_SET - do */
const struct nla_policy dvpnet_config_set_nl_policy[DVPNET_A_CONFIG_RANGES + 1] = {
	[DVPNET_A_CONFIG_MODE] = NLA_POLICY_MAX(NLA_U32, 2),
	[DVPNET_A_CONFIG_VNI] = NLA_POLICY_FULL_RANGE(NLA_U32, &dvpnet_a_config_vni_range),
	[DVPNET_A_CONFIG_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[DVPNET_A_CONFIG_UDP_CSUM] = NLA_POLICY_MAX(NLA_U8, 1),
	[DVPNET_A_CONFIG_TRUST_UNDERLAY] = NLA_POLICY_MAX(NLA_U8, 1),
	[DVPNET_A_CONFIG_NODEPORT_ANY] = NLA_POLICY_MAX(NLA_U8, 1),
	[DVPNET_A_CONFIG_NODEPORT_MIN] = { .type = NLA_U16, },
	[DVPNET_A_CONFIG_NODEPORT_MAX] = { .type = NLA_U16, },
	[DVPNET_A_CONFIG_MAX_FLOWS] = NLA_POLICY_FULL_RANGE(NLA_U32, &dvpnet_a_config_max_flows_range),
	[DVPNET_A_CONFIG_SECRET] = NLA_POLICY_EXACT_LEN(16),
	[DVPNET_A_CONFIG_TIMEOUT_TCP_ESTABLISHED] = NLA_POLICY_FULL_RANGE(NLA_U32, &dvpnet_a_config_timeout_tcp_established_range),
	[DVPNET_A_CONFIG_TIMEOUT_TCP_TRANSITORY] = NLA_POLICY_FULL_RANGE(NLA_U32, &dvpnet_a_config_timeout_tcp_transitory_range),
	[DVPNET_A_CONFIG_TIMEOUT_UDP_NEW] = NLA_POLICY_FULL_RANGE(NLA_U32, &dvpnet_a_config_timeout_udp_new_range),
	[DVPNET_A_CONFIG_TIMEOUT_UDP_ESTABLISHED] = NLA_POLICY_FULL_RANGE(NLA_U32, &dvpnet_a_config_timeout_udp_established_range),
	[DVPNET_A_CONFIG_MASQUERADE] = NLA_POLICY_MAX(NLA_U8, 1),
	[DVPNET_A_CONFIG_VIP_ECHO] = NLA_POLICY_MAX(NLA_U8, 1),
	[DVPNET_A_CONFIG_RESET_REMOVED] = NLA_POLICY_MAX(NLA_U8, 1),
	[DVPNET_A_CONFIG_RANGES] = NLA_POLICY_NESTED(dvpnet_ranges_nl_policy),
};

/* DVPNET_CMD_NODE_GET - do */
const struct nla_policy dvpnet_node_get_nl_policy[DVPNET_A_NODE_NAME + 1] = {
	[DVPNET_A_NODE_NAME] = { .type = NLA_NUL_STRING, .len = DVPNET_NAME_MAX, },
};

/* DVPNET_CMD_NODE_SET - do */
const struct nla_policy dvpnet_node_set_nl_policy[DVPNET_A_NODE_TUNNEL6 + 1] = {
	[DVPNET_A_NODE_NAME] = { .type = NLA_NUL_STRING, .len = DVPNET_NAME_MAX, },
	[DVPNET_A_NODE_UNDERLAY4] = NLA_POLICY_EXACT_LEN(4),
	[DVPNET_A_NODE_UNDERLAY6] = NLA_POLICY_EXACT_LEN(16),
	[DVPNET_A_NODE_MAC] = NLA_POLICY_EXACT_LEN(6),
	[DVPNET_A_NODE_MODE] = NLA_POLICY_MAX(NLA_U32, 2),
	[DVPNET_A_NODE_LOCAL] = { .type = NLA_FLAG, },
	[DVPNET_A_NODE_TUNNEL4] = NLA_POLICY_EXACT_LEN(4),
	[DVPNET_A_NODE_TUNNEL6] = NLA_POLICY_EXACT_LEN(16),
};

/* DVPNET_CMD_NODE_DEL - do */
const struct nla_policy dvpnet_node_del_nl_policy[DVPNET_A_NODE_NAME + 1] = {
	[DVPNET_A_NODE_NAME] = { .type = NLA_NUL_STRING, .len = DVPNET_NAME_MAX, },
};

/* DVPNET_CMD_PREFIX_SET - do */
const struct nla_policy dvpnet_prefix_set_nl_policy[DVPNET_A_PREFIX_HOLD + 1] = {
	[DVPNET_A_PREFIX_ADDR] = NLA_POLICY_MIN_LEN(4),
	[DVPNET_A_PREFIX_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
	[DVPNET_A_PREFIX_NODE] = { .type = NLA_NUL_STRING, .len = DVPNET_NAME_MAX, },
	[DVPNET_A_PREFIX_HOLD] = NLA_POLICY_MAX(NLA_U32, 10000),
};

/* DVPNET_CMD_PREFIX_DEL - do */
const struct nla_policy dvpnet_prefix_del_nl_policy[DVPNET_A_PREFIX_LEN + 1] = {
	[DVPNET_A_PREFIX_ADDR] = NLA_POLICY_MIN_LEN(4),
	[DVPNET_A_PREFIX_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
};

/* DVPNET_CMD_SERVICE_GET - do */
const struct nla_policy dvpnet_service_get_nl_policy[DVPNET_A_SERVICE_FAMILY + 1] = {
	[DVPNET_A_SERVICE_NAME] = { .type = NLA_NUL_STRING, .len = DVPNET_NAME_MAX, },
	[DVPNET_A_SERVICE_FAMILY] = { .type = NLA_U8, },
};

/* DVPNET_CMD_SERVICE_SET - do */
const struct nla_policy dvpnet_service_set_nl_policy[DVPNET_A_SERVICE_LOCAL_WHY + 1] = {
	[DVPNET_A_SERVICE_NAME] = { .type = NLA_NUL_STRING, .len = DVPNET_NAME_MAX, },
	[DVPNET_A_SERVICE_FAMILY] = { .type = NLA_U8, },
	[DVPNET_A_SERVICE_PROTO] = { .type = NLA_U8, },
	[DVPNET_A_SERVICE_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x7),
	[DVPNET_A_SERVICE_FRONTEND] = NLA_POLICY_NESTED(dvpnet_frontend_nl_policy),
	[DVPNET_A_SERVICE_BACKEND] = NLA_POLICY_NESTED(dvpnet_backend_nl_policy),
	[DVPNET_A_SERVICE_MORE] = { .type = NLA_FLAG, },
	[DVPNET_A_SERVICE_AFFINITY] = NLA_POLICY_FULL_RANGE(NLA_U32, &dvpnet_a_service_affinity_range),
	[DVPNET_A_SERVICE_ALGORITHM] = NLA_POLICY_MAX(NLA_U32, 2),
	[DVPNET_A_SERVICE_SOURCE] = NLA_POLICY_NESTED(dvpnet_range_nl_policy),
	[DVPNET_A_SERVICE_CLUSTER_WHY] = NLA_POLICY_MAX(NLA_U32, 3),
	[DVPNET_A_SERVICE_LOCAL_WHY] = NLA_POLICY_MAX(NLA_U32, 3),
};

/* DVPNET_CMD_SERVICE_DEL - do */
const struct nla_policy dvpnet_service_del_nl_policy[DVPNET_A_SERVICE_FAMILY + 1] = {
	[DVPNET_A_SERVICE_NAME] = { .type = NLA_NUL_STRING, .len = DVPNET_NAME_MAX, },
	[DVPNET_A_SERVICE_FAMILY] = { .type = NLA_U8, },
};

/* DVPNET_CMD_FLOW_FLUSH - do */
const struct nla_policy dvpnet_flow_flush_nl_policy[DVPNET_A_FLOW_SERVICE + 1] = {
	[DVPNET_A_FLOW_PROTO] = { .type = NLA_U8, },
	[DVPNET_A_FLOW_CLIENT] = NLA_POLICY_MIN_LEN(4),
	[DVPNET_A_FLOW_CLIENT_PORT] = { .type = NLA_U16, },
	[DVPNET_A_FLOW_FRONTEND] = NLA_POLICY_MIN_LEN(4),
	[DVPNET_A_FLOW_FRONTEND_PORT] = { .type = NLA_U16, },
	[DVPNET_A_FLOW_BACKEND] = NLA_POLICY_MIN_LEN(4),
	[DVPNET_A_FLOW_BACKEND_PORT] = { .type = NLA_U16, },
	[DVPNET_A_FLOW_SERVICE] = { .type = NLA_NUL_STRING, .len = DVPNET_NAME_MAX, },
};

/* DVPNET_CMD_ROUTE_GET - do */
const struct nla_policy dvpnet_route_get_nl_policy[DVPNET_A_ROUTE_DPORT + 1] = {
	[DVPNET_A_ROUTE_PROTO] = { .type = NLA_U8, },
	[DVPNET_A_ROUTE_SRC] = NLA_POLICY_MIN_LEN(4),
	[DVPNET_A_ROUTE_SPORT] = { .type = NLA_U16, },
	[DVPNET_A_ROUTE_DST] = NLA_POLICY_MIN_LEN(4),
	[DVPNET_A_ROUTE_DPORT] = { .type = NLA_U16, },
};

/* DVPNET_CMD_SYNC_BEGIN - do */
const struct nla_policy dvpnet_sync_begin_nl_policy[DVPNET_A_SYNC_MODE + 1] = {
	[DVPNET_A_SYNC_MODE] = NLA_POLICY_MAX(NLA_U32, 1),
};

/* DVPNET_CMD_SYNC_COMMIT - do */
const struct nla_policy dvpnet_sync_commit_nl_policy[DVPNET_A_SYNC_TOKEN + 1] = {
	[DVPNET_A_SYNC_TOKEN] = { .type = NLA_U32, },
};

/* DVPNET_CMD_SYNC_ABORT - do */
const struct nla_policy dvpnet_sync_abort_nl_policy[DVPNET_A_SYNC_TOKEN + 1] = {
	[DVPNET_A_SYNC_TOKEN] = { .type = NLA_U32, },
};

/* DVPNET_CMD_FLOW_NEW - do */
const struct nla_policy dvpnet_flow_new_nl_policy[DVPNET_A_FLOW_EXPIRES + 1] = {
	[DVPNET_A_FLOW_PROTO] = { .type = NLA_U8, },
	[DVPNET_A_FLOW_CLIENT] = NLA_POLICY_MIN_LEN(4),
	[DVPNET_A_FLOW_CLIENT_PORT] = { .type = NLA_U16, },
	[DVPNET_A_FLOW_FRONTEND] = NLA_POLICY_MIN_LEN(4),
	[DVPNET_A_FLOW_FRONTEND_PORT] = { .type = NLA_U16, },
	[DVPNET_A_FLOW_BACKEND] = NLA_POLICY_MIN_LEN(4),
	[DVPNET_A_FLOW_BACKEND_PORT] = { .type = NLA_U16, },
	[DVPNET_A_FLOW_SOURCE_PORT] = { .type = NLA_U16, },
	[DVPNET_A_FLOW_STATE] = NLA_POLICY_MAX(NLA_U32, 2),
	[DVPNET_A_FLOW_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0xf),
	[DVPNET_A_FLOW_EXPIRES] = { .type = NLA_U32, },
};

/* Ops table for dvpnet */
const struct genl_ops dvpnet_nl_ops[19] = {
	{
		.cmd	= DVPNET_CMD_CONFIG_GET,
		.doit	= dvpnet_nl_config_get_doit,
	},
	{
		.cmd		= DVPNET_CMD_CONFIG_SET,
		.doit		= dvpnet_nl_config_set_doit,
		.policy		= dvpnet_config_set_nl_policy,
		.maxattr	= DVPNET_A_CONFIG_RANGES,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= DVPNET_CMD_NODE_GET,
		.doit		= dvpnet_nl_node_get_doit,
		.dumpit		= dvpnet_nl_node_get_dumpit,
		.policy		= dvpnet_node_get_nl_policy,
		.maxattr	= DVPNET_A_NODE_NAME,
	},
	{
		.cmd		= DVPNET_CMD_NODE_SET,
		.doit		= dvpnet_nl_node_set_doit,
		.policy		= dvpnet_node_set_nl_policy,
		.maxattr	= DVPNET_A_NODE_TUNNEL6,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= DVPNET_CMD_NODE_DEL,
		.doit		= dvpnet_nl_node_del_doit,
		.policy		= dvpnet_node_del_nl_policy,
		.maxattr	= DVPNET_A_NODE_NAME,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd	= DVPNET_CMD_PREFIX_GET,
		.dumpit	= dvpnet_nl_prefix_get_dumpit,
	},
	{
		.cmd		= DVPNET_CMD_PREFIX_SET,
		.doit		= dvpnet_nl_prefix_set_doit,
		.policy		= dvpnet_prefix_set_nl_policy,
		.maxattr	= DVPNET_A_PREFIX_HOLD,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= DVPNET_CMD_PREFIX_DEL,
		.doit		= dvpnet_nl_prefix_del_doit,
		.policy		= dvpnet_prefix_del_nl_policy,
		.maxattr	= DVPNET_A_PREFIX_LEN,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= DVPNET_CMD_SERVICE_GET,
		.doit		= dvpnet_nl_service_get_doit,
		.dumpit		= dvpnet_nl_service_get_dumpit,
		.policy		= dvpnet_service_get_nl_policy,
		.maxattr	= DVPNET_A_SERVICE_FAMILY,
	},
	{
		.cmd		= DVPNET_CMD_SERVICE_SET,
		.doit		= dvpnet_nl_service_set_doit,
		.policy		= dvpnet_service_set_nl_policy,
		.maxattr	= DVPNET_A_SERVICE_LOCAL_WHY,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= DVPNET_CMD_SERVICE_DEL,
		.doit		= dvpnet_nl_service_del_doit,
		.policy		= dvpnet_service_del_nl_policy,
		.maxattr	= DVPNET_A_SERVICE_FAMILY,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd	= DVPNET_CMD_FLOW_GET,
		.dumpit	= dvpnet_nl_flow_get_dumpit,
	},
	{
		.cmd		= DVPNET_CMD_FLOW_FLUSH,
		.doit		= dvpnet_nl_flow_flush_doit,
		.policy		= dvpnet_flow_flush_nl_policy,
		.maxattr	= DVPNET_A_FLOW_SERVICE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd	= DVPNET_CMD_STATS_GET,
		.doit	= dvpnet_nl_stats_get_doit,
	},
	{
		.cmd		= DVPNET_CMD_ROUTE_GET,
		.doit		= dvpnet_nl_route_get_doit,
		.policy		= dvpnet_route_get_nl_policy,
		.maxattr	= DVPNET_A_ROUTE_DPORT,
	},
	{
		.cmd		= DVPNET_CMD_SYNC_BEGIN,
		.doit		= dvpnet_nl_sync_begin_doit,
		.policy		= dvpnet_sync_begin_nl_policy,
		.maxattr	= DVPNET_A_SYNC_MODE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= DVPNET_CMD_SYNC_COMMIT,
		.doit		= dvpnet_nl_sync_commit_doit,
		.policy		= dvpnet_sync_commit_nl_policy,
		.maxattr	= DVPNET_A_SYNC_TOKEN,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= DVPNET_CMD_SYNC_ABORT,
		.doit		= dvpnet_nl_sync_abort_doit,
		.policy		= dvpnet_sync_abort_nl_policy,
		.maxattr	= DVPNET_A_SYNC_TOKEN,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= DVPNET_CMD_FLOW_NEW,
		.doit		= dvpnet_nl_flow_new_doit,
		.policy		= dvpnet_flow_new_nl_policy,
		.maxattr	= DVPNET_A_FLOW_EXPIRES,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
};
