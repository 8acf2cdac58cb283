/* SPDX-License-Identifier: GPL-2.0 */
/* Named counters: every packet that dvpnet drops or refuses is counted by name. */
#ifndef _DVPNET_STATS_H
#define _DVPNET_STATS_H

#include <linux/percpu.h>
#include <linux/u64_stats_sync.h>

/*
 * The counters, in the order in which they are shown. A name, once shipped,
 * stays: operators alert on it.
 */
#define DVP_STATS(X) \
	X(TX_VXLAN, "tx_vxlan", "packets sent in VXLAN") \
	X(TX_CLASSIC, "tx_classic", "packets sent plain over the underlay") \
	X(TX_NOT_IP, "tx_not_ip", "dropped: sent through the device, neither IPv4 nor IPv6") \
	X(TX_NO_NODE, "tx_no_node", "dropped: no node has a prefix for the destination") \
	X(TX_LOCAL_PREFIX, "tx_local_prefix", "dropped: the destination is in this node's own prefix, yet was routed out") \
	X(TX_NO_UNDERLAY, "tx_no_underlay", "dropped: no route to the node's underlay address") \
	X(TX_LOOP, "tx_loop", "dropped: the route to the node's underlay address leads back into the device") \
	X(TX_NOT_CONNECTED, "tx_not_connected", "dropped: classic mode, the node is behind a router that is not trusted with pod addresses") \
	X(TX_TOO_LONG, "tx_too_long", "refused with ICMP: longer than the way to the node allows, must not be fragmented") \
	X(TX_FRAGMENTED, "tx_fragmented", "packets fragmented to fit the way to the node") \
	X(TX_MSS_CLAMPED, "tx_mss_clamped", "TCP handshakes whose MSS was lowered to fit") \
	X(TX_ERROR, "tx_error", "dropped: out of memory or refused by the underlay on transmit") \
	X(RX_VXLAN, "rx_vxlan", "packets received in VXLAN") \
	X(RX_CLASSIC, "rx_classic", "packets received plain from a remote prefix") \
	X(RX_TRUNCATED, "rx_truncated", "dropped: VXLAN packet too short or inner header malformed") \
	X(RX_BAD_FLAGS, "rx_bad_flags", "dropped: VXLAN flags or reserved bits not as in RFC 7348") \
	X(RX_WRONG_VNI, "rx_wrong_vni", "dropped: VXLAN network identifier is not ours") \
	X(RX_UNKNOWN_NODE, "rx_unknown_node", "dropped: outer source address is no known node") \
	X(RX_NOT_IP, "rx_not_ip", "dropped: inner frame is neither IPv4 nor IPv6") \
	X(RX_OTHER_HOST, "rx_other_host", "dropped: inner frame is addressed to another Ethernet address") \
	X(RX_BAD_ECN, "rx_bad_ecn", "dropped: impossible ECN combination (RFC 6040)") \
	X(RX_SPOOFED, "rx_spoofed", "dropped: inner source is not a prefix of the node that sent it") \
	X(RX_SPOOFED_PLAIN, "rx_spoofed_plain", "dropped: plain packet with a remote prefix's source that did not come from that node") \
	X(RX_UNVERIFIED, "rx_unverified", "dropped: plain packet from a node whose link-layer address is not known yet") \
	X(RX_ERROR, "rx_error", "dropped: out of memory on receive") \
	X(FLOW_CREATED, "flow_created", "flows created") \
	X(FLOW_EXPIRED, "flow_expired", "flows removed by time-out") \
	X(FLOW_EVICTED, "flow_evicted", "unanswered flows removed early, the table was full") \
	X(FLOW_RELEASED, "flow_released", "UDP flows released, their backend stopped serving") \
	X(FLOW_FLUSHED, "flow_flushed", "flows removed by request") \
	X(FLOW_REUSED, "flow_reused", "ended TCP flows that a new connection of the same client port replaced") \
	X(FLOW_TABLE_FULL, "flow_table_full", "dropped: flow table full of answered flows") \
	X(FLOW_NO_MEMORY, "flow_no_memory", "dropped: no memory for a new flow") \
	X(FLOW_NO_PORT, "flow_no_port", "dropped: no free source port towards the backend") \
	X(FLOW_NO_SOURCE, "flow_no_source", "dropped: this node has no address to translate the client's to") \
	X(SERVICE_REJECTED, "service_rejected", "refused with ICMP: Service without usable backend") \
	X(SERVICE_DROPPED, "service_dropped", "dropped: local traffic policy and no backend on this node") \
	X(SERVICE_UNUSED_PORT, "service_unused_port", "refused with ICMP: a ClusterIP's port that no Service uses") \
	X(NAT_BAD_PACKET, "nat_bad_packet", "dropped: malformed packet of a Service flow") \
	X(NAT_STRAY_RESET, "nat_stray_reset", "dropped: TCP reset to a Service without a flow") \
	X(NAT_NO_MEMORY, "nat_no_memory", "dropped: no memory to make a packet writable") \
	X(NAT_NO_ROUTE, "nat_no_route", "dropped: this host has no route to where a packet of its own was translated to") \
	X(NAT_TOO_MANY_ERRORS, "nat_too_many_errors", "ICMP refusals not sent, rate limit") \
	X(NAT_ICMP_ERROR, "nat_icmp_error", "ICMP errors about a translated flow, translated back")

enum dvp_stat {
#define X(id, name, help) DVP_STAT_##id,
	DVP_STATS(X)
#undef X
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
