// SPDX-License-Identifier: GPL-2.0
/*
 * Which source ports translation may use.
 *
 * Random, so that off-path attackers cannot guess them (RFC 6056), and apart
 * from what else uses the node's addresses: NodePorts, the ephemeral ports
 * that local sockets will pick, and the sockets that exist.
 */
#include <linux/ip.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/tcp.h>
#include <net/udp.h>

#include "netns.h"
#include "port.h"
#include "tuple.h"

#define PORT_FIRST	1024
#define PORT_LAST	65535
/* Above this many occupied ports in a row the backend's port space is as good as full. */
#define PORT_TRIES	256
/* So many ports at least are left to choose from. */
#define PORT_ENOUGH	1024

static int port_range_len(const struct dvp_port_range *range)
{
	return max(range->max - range->min + 1, 0);
}

static u32 port_avoid(struct dvp_port_range *avoid, struct net *net,
		      const struct dvp_config *config)
{
	struct dvp_port_range *low = &avoid[0], *high = &avoid[1];

	low->min = max_t(int, config->nodeport_min, PORT_FIRST);
	low->max = config->nodeport_max;
	inet_get_local_port_range(net, &high->min, &high->max);
	high->min = max(high->min, PORT_FIRST);
	/* An administrator who gave sockets nearly all ports left us none of our own. */
	if (port_range_len(low) + port_range_len(high) + PORT_ENOUGH > PORT_LAST - PORT_FIRST)
		high->max = high->min - 1;
	if (low->min > high->min)
		swap(*low, *high);
	high->min = max(high->min, low->max + 1);
	return PORT_LAST - PORT_FIRST + 1 - port_range_len(low) - port_range_len(high);
}

/**
 * dvp_port_start - begin a walk
 * @iter: the walk
 * @dn: whose ranges are avoided
 * @owner: whose port it will be
 *
 * Context: RCU read side.
 */
void dvp_port_start(struct dvp_port_iter *iter, struct dvp_net *dn,
		    enum dvp_port_owner owner)
{
	iter->net = dn->net;
	iter->owner = owner;
	if (owner == DVP_PORT_OWN) {
		iter->count = port_avoid(iter->avoid, dn->net, rcu_dereference(dn->config));
	} else {
		iter->avoid[0] = (struct dvp_port_range){ 0, -1 };
		iter->avoid[1] = iter->avoid[0];
		iter->count = PORT_LAST - PORT_FIRST + 1;
	}
	iter->index = get_random_u32_below(iter->count);
	iter->tries = min_t(u32, iter->count, PORT_TRIES);
}

static u16 port_at(const struct dvp_port_iter *iter, u32 index)
{
	int port = PORT_FIRST + index;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(iter->avoid); i++)
		if (port >= iter->avoid[i].min)
			port += port_range_len(&iter->avoid[i]);
	return port;
}

/**
 * dvp_port_next - the next candidate
 * @iter: the walk
 * @reply: tuple of the backend's replies; its destination port is set
 *
 * Context: RCU read side.
 * Return: false when the walk is over.
 */
bool dvp_port_next(struct dvp_port_iter *iter, struct dvp_tuple *reply)
{
	while (iter->tries) {
		iter->tries--;
		reply->dport = htons(port_at(iter, iter->index));
		iter->index = (iter->index + 1) % iter->count;
		if (iter->owner == DVP_PORT_FOREIGN || dvp_port_is_free(iter->net, reply))
			return true;
	}
	return false;
}

static struct sock *port_find_tcp(struct net *net, const struct dvp_tuple *reply)
{
	if (dvp_tuple_is_v4(reply))
		return inet_lookup(net, NULL, 0, reply->src.s6_addr32[3], reply->sport,
				   reply->dst.s6_addr32[3], reply->dport, 0);
	return inet6_lookup(net, NULL, 0, &reply->src, reply->sport,
			    &reply->dst, reply->dport, 0);
}

static struct sock *port_find_udp(struct net *net, const struct dvp_tuple *reply)
{
	if (dvp_tuple_is_v4(reply))
		return udp4_lib_lookup(net, reply->src.s6_addr32[3], reply->sport,
				       reply->dst.s6_addr32[3], reply->dport, 0);
	return udp6_lib_lookup(net, &reply->src, reply->sport,
			       &reply->dst, reply->dport, 0);
}

/**
 * dvp_port_is_free - would no local socket get this reply?
 * @net: where to look
 * @reply: tuple of the backend's replies
 *
 * SCTP's sockets are known to its module alone; they use ephemeral ports, too.
 * Identifiers of echo requests are not registered anywhere.
 *
 * Context: RCU read side, bottom halves off or process.
 */
bool dvp_port_is_free(struct net *net, const struct dvp_tuple *reply)
{
	struct sock *sk = NULL;

	if (reply->proto == IPPROTO_UDP)
		sk = port_find_udp(net, reply);
	else if (reply->proto == IPPROTO_TCP)
		sk = port_find_tcp(net, reply);
	if (sk)
		sock_gen_put(sk);
	return !sk;
}
