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
#define PORT_COUNT	(65536 - PORT_FIRST)
/* Above this many occupied ports in a row the backend's port space is as good as full. */
#define PORT_TRIES	256

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
	const struct dvp_config *config = rcu_dereference(dn->config);

	iter->net = dn->net;
	iter->owner = owner;
	iter->port = get_random_u32_below(PORT_COUNT);
	iter->left = PORT_COUNT;
	iter->tries = PORT_TRIES;
	iter->avoid_min = config->nodeport_min;
	iter->avoid_max = config->nodeport_max;
	inet_get_local_port_range(dn->net, &iter->local_min, &iter->local_max);
	/* An administrator who gave sockets nearly all ports left us none of our own. */
	if (iter->local_max - iter->local_min > PORT_COUNT / 4 * 3)
		iter->local_min = iter->local_max + 1;
}

static bool port_is_avoided(const struct dvp_port_iter *iter, u32 port)
{
	return (port >= iter->avoid_min && port <= iter->avoid_max) ||
	       ((int)port >= iter->local_min && (int)port <= iter->local_max);
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
	while (iter->left-- && iter->tries) {
		u32 port = PORT_FIRST + iter->port;

		iter->port = (iter->port + 1) % PORT_COUNT;
		if (iter->owner == DVP_PORT_OWN && port_is_avoided(iter, port))
			continue;
		iter->tries--;
		reply->dport = htons(port);
		if (iter->owner == DVP_PORT_OWN && !dvp_port_is_free(iter->net, reply))
			continue;
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
