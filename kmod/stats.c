// SPDX-License-Identifier: GPL-2.0
/* Named counters. */
#include <linux/netdevice.h>

#include "netns.h"
#include "stats.h"

/* A name, once shipped, stays: operators alert on it. */
static const struct {
	const char *name;
	const char *help;
} stats_text[DVP_STAT_COUNT] = {
	[DVP_STAT_TX_VXLAN] = {
		"tx_vxlan",
		"packets sent in VXLAN"
	},
	[DVP_STAT_TX_CLASSIC] = {
		"tx_classic",
		"packets sent plain over the underlay"
	},
	[DVP_STAT_TX_NOT_IP] = {
		"tx_not_ip",
		"dropped: sent through the device, neither IPv4 nor IPv6"
	},
	[DVP_STAT_TX_NO_NODE] = {
		"tx_no_node",
		"dropped: no node has a prefix for the destination"
	},
	[DVP_STAT_TX_LOCAL_PREFIX] = {
		"tx_local_prefix",
		"dropped: the destination is in this node's own prefix, yet was routed out"
	},
	[DVP_STAT_TX_NO_UNDERLAY] = {
		"tx_no_underlay",
		"dropped: no route to the node's underlay address"
	},
	[DVP_STAT_TX_LOOP] = {
		"tx_loop",
		"dropped: the route to the node's underlay address leads back into the device"
	},
	[DVP_STAT_TX_NOT_CONNECTED] = {
		"tx_not_connected",
		"dropped: classic mode, the node is behind a router that is not trusted with pod addresses"
	},
	[DVP_STAT_TX_TOO_LONG] = {
		"tx_too_long",
		"refused with ICMP: longer than the way to the node allows, must not be fragmented"
	},
	[DVP_STAT_TX_FRAGMENTED] = {
		"tx_fragmented",
		"packets fragmented to fit the way to the node"
	},
	[DVP_STAT_TX_MSS_CLAMPED] = {
		"tx_mss_clamped",
		"TCP handshakes whose MSS was lowered to fit"
	},
	[DVP_STAT_TX_ERROR] = {
		"tx_error",
		"dropped: out of memory or refused by the underlay on transmit"
	},
	[DVP_STAT_RX_VXLAN] = {
		"rx_vxlan",
		"packets received in VXLAN"
	},
	[DVP_STAT_RX_CLASSIC] = {
		"rx_classic",
		"packets received plain from a remote prefix"
	},
	[DVP_STAT_RX_TRUNCATED] = {
		"rx_truncated",
		"dropped: VXLAN packet too short or inner header malformed"
	},
	[DVP_STAT_RX_BAD_FLAGS] = {
		"rx_bad_flags",
		"dropped: VXLAN flags or reserved bits not as in RFC 7348"
	},
	[DVP_STAT_RX_WRONG_VNI] = {
		"rx_wrong_vni",
		"dropped: VXLAN network identifier is not ours"
	},
	[DVP_STAT_RX_UNKNOWN_NODE] = {
		"rx_unknown_node",
		"dropped: outer source address is no known node"
	},
	[DVP_STAT_RX_NOT_IP] = {
		"rx_not_ip",
		"dropped: inner frame is neither IPv4 nor IPv6"
	},
	[DVP_STAT_RX_OTHER_HOST] = {
		"rx_other_host",
		"dropped: inner frame is addressed to another Ethernet address"
	},
	[DVP_STAT_RX_BAD_ECN] = {
		"rx_bad_ecn",
		"dropped: impossible ECN combination (RFC 6040)"
	},
	[DVP_STAT_RX_SPOOFED] = {
		"rx_spoofed",
		"dropped: inner source is not a prefix of the node that sent it"
	},
	[DVP_STAT_RX_SPOOFED_PLAIN] = {
		"rx_spoofed_plain",
		"dropped: plain packet with a remote prefix's source that did not come from that node"
	},
	[DVP_STAT_RX_UNVERIFIED] = {
		"rx_unverified",
		"dropped: plain packet from a node whose link-layer address is not known yet"
	},
	[DVP_STAT_RX_ERROR] = {
		"rx_error",
		"dropped: out of memory on receive"
	},
	[DVP_STAT_FLOW_CREATED] = {
		"flow_created",
		"flows created"
	},
	[DVP_STAT_FLOW_EXPIRED] = {
		"flow_expired",
		"flows removed by time-out"
	},
	[DVP_STAT_FLOW_EVICTED] = {
		"flow_evicted",
		"unanswered or ended flows removed early, the table or an endpoint's ports were full"
	},
	[DVP_STAT_FLOW_RELEASED] = {
		"flow_released",
		"flows released, of UDP or never answered, their backend stopped serving"
	},
	[DVP_STAT_FLOW_RESET] = {
		"flow_reset",
		"TCP flows whose client was sent a reset, their backend was removed"
	},
	[DVP_STAT_FLOW_FLUSHED] = {
		"flow_flushed",
		"flows removed by request"
	},
	[DVP_STAT_FLOW_REUSED] = {
		"flow_reused",
		"ended flows that a new connection of the same client port replaced"
	},
	[DVP_STAT_FLOW_TABLE_FULL] = {
		"flow_table_full",
		"dropped: flow table full of answered flows"
	},
	[DVP_STAT_FLOW_NO_MEMORY] = {
		"flow_no_memory",
		"dropped: no memory for a new flow"
	},
	[DVP_STAT_FLOW_NO_PORT] = {
		"flow_no_port",
		"dropped: no free source port towards the backend"
	},
	[DVP_STAT_FLOW_NO_SOURCE] = {
		"flow_no_source",
		"dropped: this node has no address to translate the client's to"
	},
	[DVP_STAT_FLOW_AWAITED] = {
		"flow_awaited",
		"dropped: of a connection without a flow, from an address that came from another node just now"
	},
	[DVP_STAT_AFFINITY_TABLE_FULL] = {
		"affinity_table_full",
		"connections whose client's session affinity was not remembered, too many clients"
	},
	[DVP_STAT_SERVICE_REJECTED] = {
		"service_rejected",
		"refused with ICMP: Service without usable backend"
	},
	[DVP_STAT_SERVICE_DROPPED] = {
		"service_dropped",
		"dropped: local traffic policy and no backend on this node"
	},
	[DVP_STAT_SERVICE_UNUSED_PORT] = {
		"service_unused_port",
		"refused with ICMP: a ClusterIP's or load balancer's port that no Service uses"
	},
	[DVP_STAT_SERVICE_UNALLOCATED] = {
		"service_unallocated",
		"dropped: an address in a range of Services that no Service has"
	},
	[DVP_STAT_SERVICE_SOURCE_RANGE] = {
		"service_source_range",
		"dropped: the client is in none of the Service's source ranges"
	},
	[DVP_STAT_SERVICE_ECHO] = {
		"service_echo",
		"ICMP echo requests to an address of Services, answered"
	},
	[DVP_STAT_SERVICE_ECHO_DROPPED] = {
		"service_echo_dropped",
		"dropped: ICMP echo request to an address of Services that no interface has"
	},
	[DVP_STAT_SERVICE_OTHER_DROPPED] = {
		"service_other_dropped",
		"dropped: to an address of Services that no interface has, of no connection and no protocol of theirs"
	},
	[DVP_STAT_EGRESS_MASQUERADED] = {
		"egress_masqueraded",
		"connections of pods to the outside that got this node's address"
	},
	[DVP_STAT_EGRESS_STRAY] = {
		"egress_stray",
		"dropped: a pod's TCP reset, SCTP abort or echo reply to the outside without a flow"
	},
	[DVP_STAT_EGRESS_NO_SOURCE] = {
		"egress_no_source",
		"dropped: from a pod to the outside, but this node has no address to masquerade with"
	},
	[DVP_STAT_NAT_BAD_PACKET] = {
		"nat_bad_packet",
		"dropped: malformed packet of a Service flow"
	},
	[DVP_STAT_NAT_STRAY_RESET] = {
		"nat_stray_reset",
		"dropped: TCP reset or SCTP abort to a Service without a flow"
	},
	[DVP_STAT_NAT_NO_MEMORY] = {
		"nat_no_memory",
		"dropped: no memory to make a packet writable"
	},
	[DVP_STAT_NAT_NO_ROUTE] = {
		"nat_no_route",
		"dropped: this host has no route to where a packet of its own was translated to"
	},
	[DVP_STAT_NAT_TOO_MANY_ERRORS] = {
		"nat_too_many_errors",
		"ICMP refusals not sent, rate limit"
	},
	[DVP_STAT_NAT_ICMP_ERROR] = {
		"nat_icmp_error",
		"ICMP errors about a translated flow, translated back"
	},
};

/**
 * dvp_stats_inc - count one event
 * @dn: whose counter
 * @stat: which
 *
 * Context: any but hard interrupt.
 */
void dvp_stats_inc(struct dvp_net *dn, enum dvp_stat stat)
{
	struct dvp_stats *stats;

	local_bh_disable();
	stats = this_cpu_ptr(dn->stats);
	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->value[stat]);
	u64_stats_update_end(&stats->syncp);
	local_bh_enable();
}

/**
 * dvp_stats_read - sum of a counter over all CPUs
 * @dn: whose counter
 * @stat: which
 */
u64 dvp_stats_read(const struct dvp_net *dn, enum dvp_stat stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct dvp_stats *stats = per_cpu_ptr(dn->stats, cpu);
		unsigned int start;
		u64 value;

		do {
			start = u64_stats_fetch_begin(&stats->syncp);
			value = u64_stats_read(&stats->value[stat]);
		} while (u64_stats_fetch_retry(&stats->syncp, start));
		sum += value;
	}
	return sum;
}

/**
 * dvp_stats_name - name of a counter, as operators know it
 * @stat: which
 */
const char *dvp_stats_name(enum dvp_stat stat)
{
	return stats_text[stat].name;
}

/**
 * dvp_stats_help - what a counter counts, in words
 * @stat: which
 */
const char *dvp_stats_help(enum dvp_stat stat)
{
	return stats_text[stat].help;
}

int dvp_stats_init(struct dvp_net *dn)
{
	dn->stats = netdev_alloc_pcpu_stats(struct dvp_stats);
	return dn->stats ? 0 : -ENOMEM;
}

void dvp_stats_exit(struct dvp_net *dn)
{
	free_percpu(dn->stats);
}
