// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets of this host that a Service hides.
 *
 * A socket that listens where a Service is served from this host's own
 * addresses gets nothing of what is sent there. All sockets come in one dump a
 * protocol and family; those whose port no Service has are dropped at once.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "listeners.h"
#include "port_set.h"
#include "process.h"

#define MESSAGE_MAX 256

/* A person mends the first few; asking /proc for thousands would take long. */
#define NAMED_MAX 20

/**
 * struct listener - a socket that takes what comes
 * @proto: IPPROTO_*
 * @port: host byte order
 * @addr: its address; of no family for any
 * @families: bit for each of V4 and V6 that it takes
 * @inode: its number
 */
struct listener {
	uint8_t proto;
	uint16_t port;
	struct ip addr;
	uint8_t families;
	uint32_t inode;
};

/**
 * struct hidden - a socket and the frontend that hides it
 * @listener: the socket
 * @service: whose frontend
 * @frontend: the frontend
 * @process: who has the socket
 */
struct hidden {
	const struct listener *listener;
	const struct service *service;
	const struct frontend *frontend;
	struct process_socket process;
};

/** enum protocol - protocols of Services */
enum protocol { TCP, UDP, SCTP, PROTOCOLS };

static const uint8_t protos[PROTOCOLS] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };

/**
 * struct check - what listeners_check() works with
 * @want: Services, node and settings
 * @self: this node
 * @addresses: addresses of this host
 * @ports: ports of frontends, by &enum protocol
 * @proto: protocol of the dump that is being read
 * @listeners: sockets with such ports, sorted by compare_listeners()
 * @hidden: what was found
 */
struct check {
	const struct state *want;
	const struct node *self;
	struct link_addresses addresses;
	struct port_set ports[PROTOCOLS];
	enum protocol proto;
	LIST(struct listener) listeners;
	LIST(struct hidden) hidden;
};

static int compare_listeners(const void *a, const void *b)
{
	const struct listener *x = a, *y = b;

	return x->proto != y->proto ? x->proto - y->proto : x->port - y->port;
}

/* ---- sockets ---- */

/* An address of a socket; that of none is any. */
static void set_address(struct listener *listener, const struct inet_diag_msg *diag, bool only6)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *bytes = (const uint8_t *)diag->id.idiag_src;
	static const uint8_t any[16];

	if (diag->idiag_family == AF_INET) {
		listener->families = 1 << V4;
		if (memcmp(bytes, any, 4))
			ip_from_bytes(bytes, 4, &listener->addr);
	} else if (!memcmp(bytes, mapped, sizeof(mapped))) {
		listener->families = 1 << V4;
		ip_from_bytes(bytes + sizeof(mapped), 4, &listener->addr);
	} else if (memcmp(bytes, any, 16)) {
		listener->families = 1 << V6;
		ip_from_bytes(bytes, 16, &listener->addr);
	} else {
		listener->families = only6 ? 1 << V6 : 1 << V4 | 1 << V6;
	}
}

static int parse_socket(struct nlmsghdr *nlh, void *arg)
{
	const struct inet_diag_msg *diag = nlmsg_data(nlh);
	struct nlattr *only6;
	struct check *check = arg;
	struct listener *listener;

	if (nlmsg_datalen(nlh) < (int)sizeof(*diag))
		return -EBADMSG;
	if (!port_set_has(&check->ports[check->proto], ntohs(diag->id.idiag_sport)))
		return 0;
	only6 = nlmsg_find_attr(nlh, sizeof(*diag), INET_DIAG_SKV6ONLY);
	listener = list_add(&check->listeners);
	listener->proto = protos[check->proto];
	listener->port = ntohs(diag->id.idiag_sport);
	listener->inode = diag->idiag_inode;
	set_address(listener, diag, only6 && nla_get_u8(only6));
	return 0;
}

static int dump_sockets(struct netlink *netlink, struct check *check, uint8_t family)
{
	struct inet_diag_req_v2 request = {
		.sdiag_family = family,
		.sdiag_protocol = protos[check->proto],
		/* A UDP socket that is bound but not connected is in this state. */
		.idiag_states = 1 << (check->proto == UDP ? TCP_CLOSE : TCP_LISTEN),
	};
	struct nl_msg *msg = netlink_msg(MESSAGE_MAX);

	nlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, SOCK_DIAG_BY_FAMILY, 0, NLM_F_DUMP);
	nlmsg_append(msg, &request, sizeof(request), NLMSG_ALIGNTO);
	return netlink_request(netlink, msg, parse_socket, check);
}

/* What the kernel cannot tell is not there. */
static void read_listeners(struct check *check)
{
	static const uint8_t families[FAMILIES] = { AF_INET, AF_INET6 };
	struct netlink netlink;
	int f;

	if (netlink_open(&netlink, NETLINK_SOCK_DIAG))
		return;
	for (check->proto = 0; check->proto < PROTOCOLS; check->proto++) {
		/* To ask about SCTP would load it. */
		if (check->proto == SCTP && access("/proc/net/sctp", F_OK))
			continue;
		for (f = 0; f < FAMILIES; f++)
			dump_sockets(&netlink, check, families[f]);
	}
	netlink_close(&netlink);
	list_sort(&check->listeners, compare_listeners);
}

/* ---- frontends ---- */

static int protocol_of(uint8_t proto)
{
	int i;

	for (i = 0; i < PROTOCOLS; i++)
		if (protos[i] == proto)
			return i;
	return -1;
}

static bool is_loopback(const struct ip *ip)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	return ip->family == AF_INET ? ip->bytes[0] == 127 : !memcmp(ip->bytes, loopback6, 16);
}

/* Is a frontend served at an address of this host that the socket has? */
static bool is_hidden(const struct check *check, const struct service *service,
		      const struct frontend *frontend, const struct listener *listener)
{
	int family = family_index(service->family);
	const struct ip *addr = &frontend->addr;

	if (!(listener->families & 1 << family))
		return false;
	if (frontend->type != DVPNET_FRONTEND_TYPE_NODE_PORT) {
		if (!link_find_address(&check->addresses, addr))
			return false;
	} else if (check->want->config.value[DVPNET_A_CONFIG_NODEPORT_ANY]) {
		return !listener->addr.family || !is_loopback(&listener->addr);
	} else {
		addr = &check->self->underlay[family];
	}
	return addr->family && (!listener->addr.family || !ip_compare(addr, &listener->addr));
}

/* The frontend of two families, and the sockets of one port, are one thing to tell. */
static bool is_told(const struct check *check, const struct service *service,
		    const struct frontend *frontend)
{
	const struct hidden *last;

	if (!check->hidden.count)
		return false;
	last = &check->hidden.item[check->hidden.count - 1];
	return !strcmp(last->service->name, service->name) &&
	       last->service->proto == service->proto &&
	       last->frontend->type == frontend->type && last->frontend->port == frontend->port;
}

static void check_frontend(struct check *check, const struct service *service,
			   const struct frontend *frontend)
{
	const struct listener key = { .proto = service->proto, .port = frontend->port };
	const struct listener *first, *last, *end;

	if (!check->listeners.count || is_told(check, service, frontend))
		return;
	first = bsearch(&key, check->listeners.item, check->listeners.count, sizeof(key),
			compare_listeners);
	if (!first)
		return;
	end = check->listeners.item + check->listeners.count;
	while (first > check->listeners.item && !compare_listeners(first - 1, &key))
		first--;
	for (last = first; last < end && !compare_listeners(last, &key); last++) {
		struct hidden *hidden;

		if (!is_hidden(check, service, frontend, last))
			continue;
		hidden = list_add(&check->hidden);
		hidden->listener = last;
		hidden->service = service;
		hidden->frontend = frontend;
		hidden->process.inode = last->inode;
		return;
	}
}

static void note_ports(struct check *check, const struct service *service)
{
	int proto = protocol_of(service->proto);
	size_t i;

	for (i = 0; proto >= 0 && i < service->frontends.count; i++)
		port_set_add(&check->ports[proto], service->frontends.item[i].port,
			     service->frontends.item[i].port);
}

/* ---- telling ---- */

static const char *type_text(uint32_t type)
{
	switch (type) {
	case DVPNET_FRONTEND_TYPE_NODE_PORT:
		return "NodePort";
	case DVPNET_FRONTEND_TYPE_LOAD_BALANCER:
		return "load balancer address";
	case DVPNET_FRONTEND_TYPE_EXTERNAL_IP:
		return "external address";
	default:
		return "ClusterIP";
	}
}

static void tell(const struct check *check, struct report *report)
{
	size_t i;

	for (i = 0; i < check->hidden.count; i++) {
		const struct hidden *hidden = &check->hidden.item[i];
		const struct frontend *frontend = hidden->frontend;
		const struct ip *addr = &frontend->addr;
		char who[PROCESS_NAME_MAX + 32] = "a process";
		char place[IP_TEXT_MAX], where[IP_TEXT_MAX];

		if (frontend->type == DVPNET_FRONTEND_TYPE_NODE_PORT)
			addr = &check->self->underlay[family_index(hidden->service->family)];
		if (hidden->process.pid)
			snprintf(who, sizeof(who), "%s (process %d)", hidden->process.name,
				 hidden->process.pid);
		report_warning(report, &hidden->service->place,
			       "Service %s: %s %s port %u: %s of this host listens on %s: what "
			       "is sent to %s goes to the Service, that socket gets nothing of "
			       "it; let one of them use another port or address",
			       hidden->service->name, type_text(frontend->type),
			       proto_text(hidden->service->proto), frontend->port, who,
			       hidden->listener->addr.family ?
			       ip_text(&hidden->listener->addr, where) : "every address",
			       ip_port_text(addr, frontend->port, place));
	}
}

static void name_processes(struct check *check)
{
	struct process_socket sockets[NAMED_MAX] = { 0 };
	size_t i, count = check->hidden.count < NAMED_MAX ? check->hidden.count : NAMED_MAX;

	for (i = 0; i < count; i++)
		sockets[i] = check->hidden.item[i].process;
	if (count)
		process_find(sockets, count);
	for (i = 0; i < count; i++)
		check->hidden.item[i].process = sockets[i];
}

/**
 * listeners_check - warn of sockets of this host that a Service hides
 * @rtnl: from route_open()
 * @want: what the kernel knows now
 * @report: warnings
 */
void listeners_check(struct netlink *rtnl, const struct state *want, struct report *report)
{
	struct check *check = util_alloc(sizeof(*check));
	size_t i, j;

	check->want = want;
	check->self = state_self(want);
	for (i = 0; i < want->services.count; i++)
		note_ports(check, &want->services.item[i]);
	if (check->self && !link_list_addresses(rtnl, &check->addresses))
		read_listeners(check);
	for (i = 0; i < want->services.count; i++)
		for (j = 0; j < want->services.item[i].frontends.count; j++)
			check_frontend(check, &want->services.item[i],
				       &want->services.item[i].frontends.item[j]);
	name_processes(check);
	tell(check, report);
	list_free(&check->addresses.list);
	list_free(&check->listeners);
	list_free(&check->hidden);
	free(check);
}
