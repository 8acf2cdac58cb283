// SPDX-License-Identifier: GPL-2.0
/*
 * Classic mode: pod packets as they are, over the underlay.
 *
 * What is received plain from a remote prefix is made to look as if the device
 * had received it, so routing, rp_filter and firewall see one device in both
 * modes, and a mode can change under a connection. As there is no outer
 * header to tell the sender, its link-layer address does.
 */
#include <linux/etherdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/arp.h>
#include <net/ndisc.h>
#include <net/neighbour.h>

#include "classic.h"
#include "device.h"
#include "netns.h"
#include "node.h"
#include "prefix.h"
#include "stats.h"
#include "underlay.h"

/**
 * dvp_classic_xmit - send a packet plain to a node, or to the router before it
 * @dn: from where
 * @skb: IP packet; consumed on success
 * @way: the way there; its route is consumed on success
 *
 * Context: RCU read side, softirq, in the device's transmit function.
 * Return: 0, or an error.
 */
int dvp_classic_xmit(struct dvp_net *dn, struct sk_buff *skb,
		     struct dvp_underlay *way)
{
	struct net_device *dev = dst_dev(way->dst);
	unsigned int len = skb->len;
	const void *nexthop;
	int table, err;

	err = skb_cow_head(skb, LL_RESERVED_SPACE(dev));
	if (err)
		return err;

	nexthop = dvp_underlay_nexthop(way, &table);
	skb_dst_drop(skb);
	skb->dev = dev;
	err = neigh_xmit(table, dev, nexthop, skb);
	dst_release(way->dst);
	if (net_xmit_eval(err)) {
		dvp_stats_inc(dn, DVP_STAT_TX_ERROR);
		dev_core_stats_tx_dropped_inc(dn->dev);
	} else {
		dvp_stats_inc(dn, DVP_STAT_TX_CLASSIC);
		dev_sw_netstats_tx_add(dn->dev, 1, len);
	}
	return 0;
}

/* Does the frame come from the link-layer address of the node's neighbour entry? */
static enum dvp_stat classic_verify_sender(const struct sk_buff *skb,
					   const struct dvp_underlay *way,
					   struct net_device *dev)
{
	struct neigh_table *table = way->family == AF_INET ? &arp_tbl : &nd_tbl;
	const void *addr = way->family == AF_INET ?
		(const void *)&way->daddr.s6_addr32[3] : &way->daddr;
	unsigned char sender[MAX_ADDR_LEN], known[MAX_ADDR_LEN];
	struct neighbour *neigh;

	/* Without a link-layer header the device has only one peer, or knows its own. */
	if (!dev->header_ops)
		return DVP_STAT_RX_CLASSIC;
	if (dev_parse_header(skb, sender) != dev->addr_len)
		return DVP_STAT_RX_SPOOFED_PLAIN;

	neigh = __neigh_lookup_noref(table, addr, dev);
	if (!neigh) {
		neigh = neigh_create(table, addr, dev);
		if (IS_ERR(neigh))
			return DVP_STAT_RX_UNVERIFIED;
		neigh_event_send(neigh, NULL);
		neigh_release(neigh);
		return DVP_STAT_RX_UNVERIFIED;
	}
	if (!(READ_ONCE(neigh->nud_state) & NUD_VALID)) {
		neigh_event_send(neigh, NULL);
		return DVP_STAT_RX_UNVERIFIED;
	}
	neigh_ha_snapshot(known, neigh, dev);
	return memcmp(sender, known, dev->addr_len) ? DVP_STAT_RX_SPOOFED_PLAIN :
						      DVP_STAT_RX_CLASSIC;
}

/* Does a packet that claims to be from a node's prefix come from that node? */
static enum dvp_stat classic_verify(struct dvp_net *dn, struct dvp_node *node,
				    const struct sk_buff *skb,
				    struct net_device *dev)
{
	const struct dvp_config *config = rcu_dereference(dn->config);
	struct dvp_underlay way;
	enum dvp_stat stat;

	/* Link-layer multicast is nothing that a node sends to a node. */
	if (skb->pkt_type != PACKET_HOST)
		return DVP_STAT_RX_SPOOFED_PLAIN;
	if (dvp_underlay_find(dn, node, &way))
		return DVP_STAT_RX_SPOOFED_PLAIN;
	if (dst_dev(way.dst) != dev)
		stat = DVP_STAT_RX_SPOOFED_PLAIN;
	else if (config->trust_underlay)
		stat = DVP_STAT_RX_CLASSIC;
	else if (!way.connected)
		stat = DVP_STAT_RX_SPOOFED_PLAIN;
	else
		stat = classic_verify_sender(skb, &way, dev);
	dst_release(way.dst);
	return stat;
}

/* A frame that a bridge with br_netfilter only passes on is not for this host. */
static bool classic_is_passing(const struct sk_buff *skb,
			       const struct net_device *dev)
{
	return nf_bridge_info_exists(skb) &&
	       !ether_addr_equal(eth_hdr(skb)->h_dest, dev->dev_addr);
}

/*
 * Whose packet is it, if it is one that has to be attributed to the device? Of
 * a remote pod, or of a remote node to a pod here: answers to what pods send to
 * nodes come back the way that routes from pods to nodes lead.
 */
static struct dvp_node *classic_sender(struct dvp_net *dn, const struct sk_buff *skb)
{
	struct in6_addr src, dst;
	struct dvp_node *node;

	dvp_device_inner_saddr(skb, &src);
	node = dvp_prefix_lookup(&dn->prefixes, &src);
	if (!node) {
		dvp_device_inner_daddr(skb, &dst);
		node = dvp_prefix_lookup(&dn->prefixes, &dst);
		if (node && node->local)
			node = dvp_node_by_underlay(dn, &src);
		else
			node = NULL;
	}
	return node && !node->local ? node : NULL;
}

static unsigned int classic_rcv(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	struct dvp_net *dn = dvp_netns_find(state->net);
	struct dvp_node *node;
	enum dvp_stat stat;

	if (!dn || state->in == dn->dev || state->in->flags & IFF_LOOPBACK)
		return NF_ACCEPT;
	node = classic_sender(dn, skb);
	if (!node || classic_is_passing(skb, state->in))
		return NF_ACCEPT;

	stat = classic_verify(dn, node, skb, state->in);
	if (stat != DVP_STAT_RX_CLASSIC) {
		dvp_device_drop_rx(dn, skb, stat);
		return NF_STOLEN;
	}
	skb_set_queue_mapping(skb, 0);
	skb_scrub_packet(skb, false);
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	dvp_device_receive(dn, skb, stat);
	return NF_STOLEN;
}

/*
 * Before everything else, defragmentation included: nobody shall see these
 * packets on the underlay's device.
 */
static const struct nf_hook_ops classic_hooks[] = {
	{
		.hook = classic_rcv,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_FIRST,
	},
	{
		.hook = classic_rcv,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP6_PRI_FIRST,
	},
};

/**
 * dvp_classic_start - begin to receive
 * @dn: whose
 *
 * Context: RTNL.
 * Return: 0, or an error of hook registration.
 */
int dvp_classic_start(struct dvp_net *dn)
{
	return nf_register_net_hooks(dn->net, classic_hooks,
				     ARRAY_SIZE(classic_hooks));
}

/**
 * dvp_classic_stop - receive no more
 * @dn: whose
 *
 * The last packet may be under way for another RCU grace period.
 *
 * Context: RTNL.
 */
void dvp_classic_stop(struct dvp_net *dn)
{
	nf_unregister_net_hooks(dn->net, classic_hooks, ARRAY_SIZE(classic_hooks));
}

/**
 * dvp_classic_is_possible - can a node be reached as the settings demand?
 * @dn: from where
 * @node: to whom; need not be in the table yet
 * @config: the settings that are to hold
 *
 * A node without a route, or met before this node is known, gets the benefit
 * of the doubt: transmit looks again.
 *
 * Context: &dvp_net.lock.
 * Return: false if @config sends plain packets to @node though it is behind a
 * router that is not trusted with pod addresses.
 */
bool dvp_classic_is_possible(struct dvp_net *dn, struct dvp_node *node,
			     const struct dvp_config *config)
{
	struct dvp_underlay way;
	enum dvpnet_mode mode;
	int err = 0;

	if (node->local)
		return true;
	local_bh_disable();
	rcu_read_lock();
	if (!dvp_underlay_find(dn, node, &way)) {
		err = dvp_underlay_mode(&way, node, config, &mode);
		dst_release(way.dst);
	}
	rcu_read_unlock();
	local_bh_enable();
	return !err;
}
