// SPDX-License-Identifier: GPL-2.0
/*
 * Netfilter hooks.
 *
 *	hook		priority	why there
 *	PREROUTING	conntrack - 1	defragmented, and raw rules have seen the
 *	OUTPUT				original; conntrack sees the real backend
 *	INPUT		last		conntrack and all rules have seen the real
 *	POSTROUTING			client; its confirmation may come before or
 *					after, it does not look at the packet again
 *	bridge FORWARD	last		as POSTROUTING, for what never gets there
 *
 * So Service translation wraps around whatever conntrack and its NAT do, and
 * works as well without them.
 */
#include <linux/netfilter.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/netfilter/ipv4/nf_defrag_ipv4.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>

#include "bridge.h"
#include "decide.h"
#include "device.h"
#include "echo.h"
#include "hooks.h"
#include "netns.h"
#include "node.h"
#include "reject.h"
#include "translate.h"
#include "tuple.h"

/* What sends from this host is told so at once: a socket that is in use misses the ICMP error. */
static unsigned int hooks_refusal(bool from_host)
{
	return from_host ? NF_DROP_ERR(-ECONNREFUSED) : NF_DROP;
}

/* The packet goes no further; its sender hears from the Service's address, or nothing. */
static unsigned int hooks_stop(struct dvp_net *dn, const struct sk_buff *skb,
			       const struct dvp_packet *packet,
			       enum dvp_translate_result result, bool from_host)
{
	bool is_v4 = dvp_tuple_is_v4(&packet->tuple);

	switch (result) {
	case DVP_TRANSLATE_REJECT:
		if (is_v4)
			dvp_reject4(dn, skb);
		else
			dvp_reject6(dn, skb);
		return hooks_refusal(from_host);
	case DVP_TRANSLATE_RESET:
		if (is_v4)
			dvp_reject_reset4(dn, skb, packet->l4);
		else
			dvp_reject_reset6(dn, skb, packet->l4);
		return NF_DROP;
	case DVP_TRANSLATE_ECHO:
		if (is_v4)
			dvp_echo_reply4(dn, skb, packet->l4);
		else
			dvp_echo_reply6(dn, skb, packet->l4);
		return NF_DROP;
	default:
		return NF_DROP;
	}
}

/* Neighbour discovery, on its first link: for a proxy here to answer, and never forwarded. */
static bool hooks_is_discovery(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip = ipv6_hdr(skb);
	const struct icmp6hdr *icmp;
	struct icmp6hdr buf;

	if (skb->protocol != htons(ETH_P_IPV6) || ip->nexthdr != IPPROTO_ICMPV6 ||
	    ip->hop_limit != 255)
		return false;
	icmp = skb_header_pointer(skb, skb_network_offset(skb) + sizeof(*ip), sizeof(buf), &buf);
	return icmp && icmp->icmp6_type >= NDISC_ROUTER_SOLICITATION &&
	       icmp->icmp6_type <= NDISC_REDIRECT;
}

/*
 * No flow will ever have it. Forwarded to an address that nobody has, it would
 * come back from the next router. What this host sends itself passes once.
 */
static unsigned int hooks_other(struct dvp_net *dn, const struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	struct dvp_decision decision;
	struct in6_addr daddr;

	if (state->hook != NF_INET_PRE_ROUTING || hooks_is_discovery(skb))
		return NF_ACCEPT;
	dvp_device_inner_daddr(skb, &daddr);
	dvp_decide_other(dn, &daddr, &decision);
	if (decision.verdict == DVPNET_VERDICT_NONE)
		return NF_ACCEPT;
	dvp_stats_inc(dn, decision.stat);
	return NF_DROP;
}

/* One stage of a packet's way; *@done tells whether it was rewritten. */
static unsigned int hooks_verdict(struct dvp_net *dn, struct sk_buff *skb,
				  const struct nf_hook_state *state,
				  enum dvp_stage stage, bool from_host, bool *done)
{
	enum dvp_translate_result result;
	enum dvp_tuple_result parsed;
	struct dvp_packet packet;

	*done = false;
	parsed = state->pf == NFPROTO_IPV4 ? dvp_tuple_parse4(skb, stage, &packet) :
					     dvp_tuple_parse6(skb, stage, &packet);
	/* Malformed packets, too, have no flow: where they may pass, the stack judges them. */
	if (parsed != DVP_TUPLE_OK)
		return hooks_other(dn, skb, state);
	result = dvp_translate(dn, skb, &packet, from_host);
	if (result == DVP_TRANSLATE_NONE && packet.icmp_error)
		return hooks_other(dn, skb, state);
	/* What leaves by the device stays inside. */
	if (result == DVP_TRANSLATE_NONE && state->hook == NF_INET_POST_ROUTING &&
	    state->out != dn->dev)
		result = dvp_translate_egress(dn, skb, &packet);
	*done = result == DVP_TRANSLATE_DONE;
	if (*done || result == DVP_TRANSLATE_NONE || result == DVP_TRANSLATE_KEEP)
		return NF_ACCEPT;
	return hooks_stop(dn, skb, &packet, result, from_host);
}

/*
 * Routes from pods to nodes lead into the device, so a client on another node
 * that now goes to a pod of this one has to come from there as well, or strict
 * rp_filter takes it for forged. A packet that came in over loopback still has
 * its route.
 */
static void hooks_reroute_input(struct dvp_net *dn, struct sk_buff *skb)
{
	const struct dvp_node *self = rcu_dereference(dn->self);
	const struct dvp_node *client;
	struct in6_addr saddr, daddr;

	dvp_device_inner_saddr(skb, &saddr);
	dvp_device_inner_daddr(skb, &daddr);
	client = dvp_node_by_underlay(dn, &saddr);

	skb_dst_drop(skb);
	if (!client || dvp_node_is(client, self) || skb->dev == dn->dev ||
	    !dvp_node_is(dvp_prefix_lookup(&dn->prefixes, &daddr), self))
		return;
	skb->dev = dn->dev;
	skb->skb_iif = dn->dev->ifindex;
}

static unsigned int hooks_prerouting(void *priv, struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	unsigned int verdict;
	bool done;

	verdict = hooks_verdict(priv, skb, state, DVP_STAGE_IN, false, &done);
	if (done)
		hooks_reroute_input(priv, skb);
	return verdict;
}

static unsigned int hooks_output4(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	__be32 daddr = ip_hdr(skb)->daddr;
	unsigned int verdict;
	bool done;
	int err;

	verdict = hooks_verdict(priv, skb, state, DVP_STAGE_IN, true, &done);
	if (!done || ip_hdr(skb)->daddr == daddr)
		return verdict;
	err = ip_route_me_harder(state->net, state->sk, skb, RTN_UNSPEC);
	if (!err)
		return NF_ACCEPT;
	dvp_stats_inc(priv, DVP_STAT_NAT_NO_ROUTE);
	return NF_DROP_ERR(err);
}

static unsigned int hooks_output6(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	struct in6_addr daddr = ipv6_hdr(skb)->daddr;
	unsigned int verdict;
	bool done;
	int err;

	verdict = hooks_verdict(priv, skb, state, DVP_STAGE_IN, true, &done);
	if (!done || ipv6_addr_equal(&ipv6_hdr(skb)->daddr, &daddr))
		return verdict;
	err = ip6_route_me_harder(state->net, state->sk, skb);
	if (!err)
		return NF_ACCEPT;
	dvp_stats_inc(priv, DVP_STAT_NAT_NO_ROUTE);
	return NF_DROP_ERR(err);
}

static unsigned int hooks_input(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	unsigned int verdict;
	bool done;

	verdict = hooks_verdict(priv, skb, state, DVP_STAGE_OUT, false, &done);
	/* Early demultiplexing looked for the socket by the other source. */
	if (done)
		skb_orphan(skb);
	return verdict;
}

static unsigned int hooks_postrouting(void *priv, struct sk_buff *skb,
				      const struct nf_hook_state *state)
{
	bool done;

	return hooks_verdict(priv, skb, state, DVP_STAGE_OUT, false, &done);
}

static const struct nf_hook_ops hooks_ops[] = {
	{
		.hook = hooks_prerouting,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_CONNTRACK - 1,
	},
	{
		.hook = hooks_output4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP_PRI_CONNTRACK - 1,
	},
	{
		.hook = hooks_input,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP_PRI_LAST,
	},
	{
		.hook = hooks_postrouting,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_POST_ROUTING,
		.priority = NF_IP_PRI_LAST,
	},
	{
		.hook = hooks_prerouting,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP6_PRI_CONNTRACK - 1,
	},
	{
		.hook = hooks_output6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP6_PRI_CONNTRACK - 1,
	},
	{
		.hook = hooks_input,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP6_PRI_LAST,
	},
	{
		.hook = hooks_postrouting,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_POST_ROUTING,
		.priority = NF_IP6_PRI_LAST,
	},
#if IS_ENABLED(CONFIG_NETFILTER_FAMILY_BRIDGE)
	{
		.hook = dvp_bridge_forward,
		.pf = NFPROTO_BRIDGE,
		.hooknum = NF_BR_FORWARD,
		.priority = NF_BR_PRI_LAST,
	},
#endif
};

/**
 * dvp_hooks_start - see packets
 * @dn: state of the namespace, complete
 *
 * Context: process.
 * Return: 0 or an error, then no hook is left.
 */
int dvp_hooks_start(struct dvp_net *dn)
{
	unsigned int i;
	int err;

	dn->hooks = kmemdup(hooks_ops, sizeof(hooks_ops), GFP_KERNEL);
	if (!dn->hooks)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(hooks_ops); i++)
		dn->hooks[i].priv = dn;

	err = nf_defrag_ipv4_enable(dn->net);
	if (err)
		goto err_free;
	err = nf_defrag_ipv6_enable(dn->net);
	if (err)
		goto err_defrag4;
	err = nf_register_net_hooks(dn->net, dn->hooks, ARRAY_SIZE(hooks_ops));
	if (err)
		goto err_defrag6;
	return 0;

err_defrag6:
	/* Those that were registered may still run, and use what the caller frees. */
	synchronize_net();
	nf_defrag_ipv6_disable(dn->net);
err_defrag4:
	nf_defrag_ipv4_disable(dn->net);
err_free:
	kfree(dn->hooks);
	return err;
}

/**
 * dvp_hooks_stop - see no more packets
 * @dn: state of the namespace
 *
 * Context: process; on return no hook runs any more.
 */
void dvp_hooks_stop(struct dvp_net *dn)
{
	nf_unregister_net_hooks(dn->net, dn->hooks, ARRAY_SIZE(hooks_ops));
	nf_defrag_ipv6_disable(dn->net);
	nf_defrag_ipv4_disable(dn->net);
	synchronize_net();
	kfree(dn->hooks);
}
