/* SPDX-License-Identifier: GPL-2.0 */
/* Named counters: every packet that dvpnet drops or refuses is counted by name. */
#ifndef _DVPNET_STATS_H
#define _DVPNET_STATS_H

#include <linux/percpu.h>
#include <linux/u64_stats_sync.h>

/* The counters, in the order in which they are shown; stats.c says what each counts. */
enum dvp_stat {
	DVP_STAT_TX_VXLAN,
	DVP_STAT_TX_CLASSIC,
	DVP_STAT_TX_NOT_IP,
	DVP_STAT_TX_NO_NODE,
	DVP_STAT_TX_LOCAL_PREFIX,
	DVP_STAT_TX_NO_UNDERLAY,
	DVP_STAT_TX_LOOP,
	DVP_STAT_TX_NOT_CONNECTED,
	DVP_STAT_TX_TOO_LONG,
	DVP_STAT_TX_FRAGMENTED,
	DVP_STAT_TX_MSS_CLAMPED,
	DVP_STAT_TX_ERROR,
	DVP_STAT_RX_VXLAN,
	DVP_STAT_RX_CLASSIC,
	DVP_STAT_RX_TRUNCATED,
	DVP_STAT_RX_BAD_FLAGS,
	DVP_STAT_RX_WRONG_VNI,
	DVP_STAT_RX_UNKNOWN_NODE,
	DVP_STAT_RX_NOT_IP,
	DVP_STAT_RX_OTHER_HOST,
	DVP_STAT_RX_BAD_ECN,
	DVP_STAT_RX_SPOOFED,
	DVP_STAT_RX_SPOOFED_PLAIN,
	DVP_STAT_RX_UNVERIFIED,
	DVP_STAT_RX_ERROR,
	DVP_STAT_FLOW_CREATED,
	DVP_STAT_FLOW_EXPIRED,
	DVP_STAT_FLOW_EVICTED,
	DVP_STAT_FLOW_RELEASED,
	DVP_STAT_FLOW_RESET,
	DVP_STAT_FLOW_FLUSHED,
	DVP_STAT_FLOW_REUSED,
	DVP_STAT_FLOW_TABLE_FULL,
	DVP_STAT_FLOW_NO_MEMORY,
	DVP_STAT_FLOW_NO_PORT,
	DVP_STAT_FLOW_NO_SOURCE,
	DVP_STAT_FLOW_AWAITED,
	DVP_STAT_AFFINITY_TABLE_FULL,
	DVP_STAT_SERVICE_REJECTED,
	DVP_STAT_SERVICE_DROPPED,
	DVP_STAT_SERVICE_UNUSED_PORT,
	DVP_STAT_SERVICE_UNALLOCATED,
	DVP_STAT_SERVICE_SOURCE_RANGE,
	DVP_STAT_SERVICE_ECHO,
	DVP_STAT_SERVICE_ECHO_DROPPED,
	DVP_STAT_SERVICE_OTHER_DROPPED,
	DVP_STAT_EGRESS_MASQUERADED,
	DVP_STAT_EGRESS_STRAY,
	DVP_STAT_EGRESS_NO_SOURCE,
	DVP_STAT_NAT_BAD_PACKET,
	DVP_STAT_NAT_STRAY_RESET,
	DVP_STAT_NAT_NO_MEMORY,
	DVP_STAT_NAT_NO_ROUTE,
	DVP_STAT_NAT_TOO_MANY_ERRORS,
	DVP_STAT_NAT_ICMP_ERROR,
	DVP_STAT_COUNT
};

/**
 * struct dvp_stats - one CPU's share of the counters
 * @syncp: makes 64-bit reads whole on 32-bit machines
 * @value: the counters
 */
struct dvp_stats {
	struct u64_stats_sync syncp;
	u64_stats_t value[DVP_STAT_COUNT];
};

struct dvp_net;

int dvp_stats_init(struct dvp_net *dn);
void dvp_stats_exit(struct dvp_net *dn);
void dvp_stats_inc(struct dvp_net *dn, enum dvp_stat stat);
u64 dvp_stats_read(const struct dvp_net *dn, enum dvp_stat stat);
const char *dvp_stats_name(enum dvp_stat stat);
const char *dvp_stats_help(enum dvp_stat stat);

#endif
