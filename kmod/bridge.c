// SPDX-License-Identifier: GPL-2.0
/*
 * Replies that a bridge takes past the host.
 *
 * Two pods on one bridge: the client's packets to a Service go to the host, its
 * gateway, and come back to the bridge translated; the backend answers its
 * neighbour directly, and the host's IP layer sees nothing of it. So what
 * POSTROUTING would do is done where the bridge forwards, without br_netfilter
 * and without hiding the client.
 */
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "bridge.h"
#include "flow.h"
#include "netns.h"
#include "translate.h"
#include "tuple.h"

/* Nobody has defragmented what a bridge passes on: the other fragments have no ports. */
static bool bridge_is_fragment(const struct sk_buff *skb)
{
	unsigned int offset = 0;

	if (skb->protocol == htons(ETH_P_IP))
		return ip_is_fragment(ip_hdr(skb));
	return ipv6_find_hdr(skb, &offset, NEXTHDR_FRAGMENT, NULL, NULL) >= 0;
}

/* A frame's packet, if it is one that can be translated. */
static bool bridge_parse(struct sk_buff *skb, struct dvp_packet *packet)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return pskb_may_pull(skb, sizeof(struct iphdr)) && !bridge_is_fragment(skb) &&
		       dvp_tuple_parse4(skb, DVP_STAGE_OUT, packet) == DVP_TUPLE_OK;
	case htons(ETH_P_IPV6):
		return pskb_may_pull(skb, sizeof(struct ipv6hdr)) && !bridge_is_fragment(skb) &&
		       dvp_tuple_parse6(skb, DVP_STAGE_OUT, packet) == DVP_TUPLE_OK;
	default:
		return false;
	}
}

/* Is the client, whom the backend sees, behind the same bridge as the backend? */
static bool bridge_is_reply(struct dvp_net *dn, const struct dvp_packet *packet)
{
	const struct dvp_flow_key *key;
	struct dvp_tuple tuple = packet->tuple;

	/* An error that the backend sends is about a packet to it. */
	if (packet->icmp_error)
		dvp_tuple_reverse(&tuple, DVP_STAGE_OUT, &tuple);
	key = dvp_flow_lookup(dn, &tuple);
	return key && key->index == DVP_FLOW_REPLY_OUT;
}

/**
 * dvp_bridge_forward - hook where a bridge forwards a frame from port to port
 * @priv: &struct dvp_net
 * @skb: the frame, skb->data at the network header, of which nothing is checked
 * @state: the hook
 *
 * Fragments and what carries a VLAN tag pass as they are.
 *
 * Context: RCU read side, softirq.
 */
unsigned int dvp_bridge_forward(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	struct dvp_packet packet;

	if (!bridge_parse(skb, &packet))
		return NF_ACCEPT;
	if (!bridge_is_reply(priv, &packet)) {
		if (likely(!dvp_translate_is_stranger(priv, &packet)))
			return NF_ACCEPT;
		dvp_stats_inc(priv, DVP_STAT_FLOW_AWAITED);
		return NF_DROP;
	}
	switch (dvp_translate(priv, skb, &packet, false)) {
	case DVP_TRANSLATE_NONE:
	case DVP_TRANSLATE_KEEP:
	case DVP_TRANSLATE_DONE:
		return NF_ACCEPT;
	default:
		return NF_DROP;
	}
}
