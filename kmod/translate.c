// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to a packet at each stage of its way.
 *
 *	stage IN   known flow -> rewrite; else a Service's frontend -> new flow;
 *		   else from outside straight to a pod -> new flow, not translated
 *	stage OUT  known flow -> rewrite; else from a pod to the outside -> new flow;
 *		   else nothing
 *
 * An ICMP error goes back along the flow of the packet that it is about: the
 * flow is found by that packet's tuple reversed, as the next packet of the
 * error's own direction would find it.
 */
#include "affinity.h"
#include "backend.h"
#include "decide.h"
#include "egress.h"
#include "flow.h"
#include "nat.h"
#include "netns.h"
#include "prefix.h"
#include "service.h"
#include "translate.h"

static enum dvp_translate_result
translate_result(struct dvp_net *dn, int err)
{
	if (!err)
		return DVP_TRANSLATE_DONE;
	dvp_stats_inc(dn, err == -ENOMEM ? DVP_STAT_NAT_NO_MEMORY :
					   DVP_STAT_NAT_BAD_PACKET);
	return DVP_TRANSLATE_DROP;
}

/*
 * The outer source stays (a router's own address tells more than a made-up
 * one, RFC 5508, 4.2), unless it is the very end whose address is hidden, or
 * this node speaks for the other end: neither the tunnel nor the underlay takes
 * a stranger's packets from it, least of all the router whose address it is.
 */
static enum dvp_translate_result
translate_icmp_error(struct dvp_net *dn, struct sk_buff *skb,
		     const struct dvp_packet *packet)
{
	const struct in6_addr *outer_src = DVP_NAT_KEEP;
	struct dvp_tuple reverse, target, embedded;
	const struct dvp_flow_key *key;
	struct in6_addr sender;
	int err;

	dvp_tuple_reverse(&packet->tuple, packet->tuple.stage, &reverse);
	key = dvp_flow_lookup(dn, &reverse);
	if (!key)
		return DVP_TRANSLATE_NONE;
	if (dvp_flow_is_identity(dvp_flow_of(key)))
		return DVP_TRANSLATE_KEEP;
	dvp_flow_target(key, &target);
	dvp_tuple_reverse(&target, target.stage, &embedded);

	if (dvp_tuple_is_v4(&reverse))
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &sender);
	else
		sender = ipv6_hdr(skb)->saddr;
	if (ipv6_addr_equal(&sender, &reverse.src) ||
	    (dvp_flow_of(key)->masquerade && packet->tuple.stage == DVP_STAGE_OUT))
		outer_src = &target.src;
	err = dvp_nat_rewrite_icmp(skb, packet, &embedded, outer_src, &target.dst);
	/* An error may pass two keys of a flow: count it once. */
	if (!err && (key->index == DVP_FLOW_REQUEST_IN || key->index == DVP_FLOW_REPLY_OUT ||
		     dvp_flow_of(key)->kind == DVP_FLOW_EGRESS))
		dvp_stats_inc(dn, DVP_STAT_NAT_ICMP_ERROR);
	return translate_result(dn, err);
}

static enum dvp_translate_result
translate_created(struct dvp_net *dn, const struct dvp_flow_key *key)
{
	if (!IS_ERR(key))
		return DVP_TRANSLATE_DONE;
	switch (PTR_ERR(key)) {
	case -ENOSPC:
		dvp_stats_inc(dn, DVP_STAT_FLOW_TABLE_FULL);
		break;
	case -EADDRINUSE:
		dvp_stats_inc(dn, DVP_STAT_FLOW_NO_PORT);
		break;
	default:
		dvp_stats_inc(dn, DVP_STAT_FLOW_NO_MEMORY);
		break;
	}
	return DVP_TRANSLATE_DROP;
}

/**
 * dvp_translate_is_awaited - may this flow be on its way here?
 * @dn: where
 * @tuple: the flow; it is not here
 *
 * So it is where the connection has begun elsewhere. Until it has come, no other is
 * made in its place: it might lead to another backend.
 *
 * Context: RCU read side.
 */
bool dvp_translate_is_awaited(struct dvp_net *dn, const struct dvp_tuple *tuple)
{
	switch (tuple->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		return dvp_prefix_is_held(&dn->prefixes, &tuple->src);
	default:
		return false;
	}
}

static bool translate_is_awaited(struct dvp_net *dn, const struct dvp_packet *packet)
{
	return !(packet->signs & DVP_SIGN_OPENS) && dvp_translate_is_awaited(dn, &packet->tuple);
}

static enum dvp_translate_result translate_await(struct dvp_net *dn)
{
	dvp_stats_inc(dn, DVP_STAT_FLOW_AWAITED);
	return DVP_TRANSLATE_DROP;
}

/**
 * dvp_translate_is_stranger - does a packet refuse what its sender cannot understand?
 * @dn: where
 * @packet: the packet; no flow has it
 *
 * A machine that came from another node gets answers of backends as they are while its
 * flow is not known here, and resets what it takes for strangers'. That would end a
 * connection that goes on a moment later.
 *
 * Context: RCU read side.
 */
bool dvp_translate_is_stranger(struct dvp_net *dn, const struct dvp_packet *packet)
{
	return packet->signs & DVP_SIGN_STRANGER &&
	       dvp_prefix_is_fresh(&dn->prefixes, &packet->tuple.src);
}

/* For no Service, yet it may have to be remembered. */
static enum dvp_translate_result
translate_direct(struct dvp_net *dn, struct sk_buff *skb, const struct dvp_packet *packet,
		 bool from_host, struct dvp_flow_key **key)
{
	if (unlikely(dvp_translate_is_stranger(dn, packet)))
		return translate_await(dn);
	if (!dvp_egress_is_direct(dn, from_host ? NULL : skb->dev, packet))
		return DVP_TRANSLATE_NONE;
	*key = dvp_flow_create_direct(dn, &packet->tuple);
	return translate_created(dn, *key);
}

static enum dvp_translate_result
translate_first(struct dvp_net *dn, struct sk_buff *skb,
		const struct dvp_packet *packet, bool from_host,
		struct dvp_flow_key **key)
{
	struct dvp_decision decision;

	dvp_decide(dn, &packet->tuple, from_host, &decision);
	switch (decision.verdict) {
	case DVPNET_VERDICT_FORWARD:
		/* Nothing is left to reset. */
		if (packet->signs & DVP_SIGN_LAST) {
			dvp_stats_inc(dn, DVP_STAT_NAT_STRAY_RESET);
			return DVP_TRANSLATE_DROP;
		}
		if (unlikely(translate_is_awaited(dn, packet)))
			return translate_await(dn);
		break;
	case DVPNET_VERDICT_REJECT:
		dvp_stats_inc(dn, decision.stat);
		return DVP_TRANSLATE_REJECT;
	case DVPNET_VERDICT_DROP:
		dvp_stats_inc(dn, decision.stat);
		return DVP_TRANSLATE_DROP;
	case DVPNET_VERDICT_ANSWER:
		dvp_stats_inc(dn, decision.stat);
		return DVP_TRANSLATE_ECHO;
	default:
		return translate_direct(dn, skb, packet, from_host, key);
	}

	*key = dvp_flow_create(dn, &packet->tuple, decision.backend, decision.source,
			       from_host);
	if (!IS_ERR(*key) && decision.is_sticky)
		dvp_affinity_renew(dn, &packet->tuple.src, decision.service->id,
				   decision.backend->id, decision.round);
	return translate_created(dn, *key);
}

static enum dvp_translate_result
translate_known(struct dvp_net *dn, struct sk_buff *skb, const struct dvp_packet *packet,
		struct dvp_flow_key *key)
{
	struct dvp_tuple target;

	dvp_flow_seen(dn, key, packet->signs);
	if (dvp_flow_is_identity(dvp_flow_of(key)))
		return DVP_TRANSLATE_KEEP;
	dvp_flow_target(key, &target);
	return translate_result(dn, dvp_nat_rewrite(skb, packet, &target));
}

/**
 * dvp_translate_is_cut_off - is a packet to be reset, since its endpoint was removed?
 * @dn: where
 * @key: the key that it matched
 * @signs: &enum dvp_sign of the packet
 *
 * A TCP connection is left to end, unless the client shall be told. One that was never
 * answered chooses anew by itself.
 *
 * Context: RCU read side.
 */
bool dvp_translate_is_cut_off(struct dvp_net *dn, const struct dvp_flow_key *key, u8 signs)
{
	const struct dvp_flow *flow = dvp_flow_of(key);

	return key->index == DVP_FLOW_REQUEST_IN && key->tuple.proto == IPPROTO_TCP &&
	       !(signs & DVP_SIGN_LAST) && flow->backend &&
	       READ_ONCE(flow->backend->gone) && READ_ONCE(flow->replied) &&
	       rcu_dereference(dn->config)->reset_removed;
}

/**
 * dvp_translate - one stage of a packet's way
 * @dn: where
 * @skb: the packet
 * @packet: what dvp_tuple_parse4() or dvp_tuple_parse6() found, the stage included
 * @from_host: the packet was sent by this host itself
 *
 * Context: RCU read side, softirq or process.
 */
enum dvp_translate_result dvp_translate(struct dvp_net *dn, struct sk_buff *skb,
					const struct dvp_packet *packet,
					bool from_host)
{
	enum dvp_translate_result result;
	struct dvp_flow_key *key;
	enum dvp_stat why;

	if (packet->icmp_error)
		return translate_icmp_error(dn, skb, packet);

	key = dvp_flow_lookup(dn, &packet->tuple);
	if (key && unlikely(dvp_flow_is_stale(key, packet->signs, &why))) {
		if (dvp_flow_remove(dn, dvp_flow_of(key)))
			dvp_stats_inc(dn, why);
		key = NULL;
	}
	if (key && unlikely(dvp_translate_is_cut_off(dn, key, packet->signs))) {
		if (dvp_flow_remove(dn, dvp_flow_of(key)))
			dvp_stats_inc(dn, DVP_STAT_FLOW_RESET);
		if (!(packet->signs & DVP_SIGN_OPENS))
			return DVP_TRANSLATE_RESET;
		key = NULL;
	}
	if (!key) {
		if (packet->tuple.stage == DVP_STAGE_OUT)
			return DVP_TRANSLATE_NONE;
		result = translate_first(dn, skb, packet, from_host, &key);
		if (result != DVP_TRANSLATE_DONE)
			return result;
	}
	return translate_known(dn, skb, packet, key);
}

/**
 * dvp_translate_egress - masquerade a packet that leaves the cluster
 * @dn: where
 * @skb: the packet
 * @packet: what was found in it, at stage OUT, and dvp_translate() found no flow of it
 *
 * Context: RCU read side, softirq or process.
 */
enum dvp_translate_result dvp_translate_egress(struct dvp_net *dn, struct sk_buff *skb,
					       const struct dvp_packet *packet)
{
	struct dvp_egress_decision decision;
	enum dvp_translate_result result;
	struct dvp_flow_key *key;

	if (packet->icmp_error)
		return DVP_TRANSLATE_NONE;
	dvp_egress_decide(dn, &packet->tuple, &decision);
	switch (decision.verdict) {
	case DVPNET_VERDICT_MASQUERADE:
		break;
	case DVPNET_VERDICT_DROP:
		dvp_stats_inc(dn, decision.stat);
		return DVP_TRANSLATE_DROP;
	default:
		return DVP_TRANSLATE_NONE;
	}
	/* The answer to nothing that is known; with the pod's address it is of no use outside. */
	if (packet->signs & DVP_SIGN_LAST) {
		dvp_stats_inc(dn, DVP_STAT_EGRESS_STRAY);
		return DVP_TRANSLATE_DROP;
	}
	if (unlikely(translate_is_awaited(dn, packet)))
		return translate_await(dn);
	key = dvp_flow_create_egress(dn, &packet->tuple, decision.source);
	result = translate_created(dn, key);
	if (result != DVP_TRANSLATE_DONE)
		return result;
	dvp_stats_inc(dn, DVP_STAT_EGRESS_MASQUERADED);
	return translate_known(dn, skb, packet, key);
}
