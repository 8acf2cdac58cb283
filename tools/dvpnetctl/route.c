// SPDX-License-Identifier: GPL-2.0
/* Addresses of the device, and the routes and rules that lead into it, over rtnetlink. */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "route.h"

#define MESSAGE_MAX 4096

/**
 * struct entry - an address or a route of the device, or a rule
 * @addr: the address, the route's destination, or the addresses that the rule selects; its
 *	family is set in any case
 * @len: its length
 * @table: of a route, or 0
 * @rule: &enum route_rule of a rule, or 0
 * @source: preferred source of the route, or none
 */
struct entry {
	struct ip addr;
	uint8_t len;
	uint8_t table;
	uint32_t rule;
	struct ip source;
};

/**
 * struct entries - addresses, routes or rules of one device
 * @ifindex: the device
 * @list: sorted by compare_entries()
 */
struct entries {
	uint32_t ifindex;
	LIST(struct entry) list;
};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = ip_compare(&x->addr, &y->addr);

	if (!order)
		order = x->len - y->len;
	if (!order)
		order = x->table - y->table;
	return order ? order : (int)x->rule - (int)y->rule;
}

static struct nl_msg *request(int type, int flags)
{
	struct nl_msg *msg = netlink_msg(MESSAGE_MAX);

	nlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, flags);
	return msg;
}

static void append(struct nl_msg *msg, const void *data, size_t size)
{
	nlmsg_append(msg, (void *)data, size, NLMSG_ALIGNTO);
}

/* What failed goes before why. */
static int fail(struct netlink *netlink, int err, const char *what, const struct ip *ip,
		uint8_t len)
{
	char text[NETLINK_ERROR_MAX + 128], address[IP_TEXT_MAX];

	snprintf(text, sizeof(text), "%s %s/%u: %s", what, ip_text(ip, address), len,
		 netlink->error);
	return netlink_fail(netlink, err, text);
}

/* ---- ways ---- */

static int parse_way(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attrs[RTA_MAX + 1];
	struct route_way *way = arg;
	struct rtmsg *rtm = nlmsg_data(nlh);

	if (nlh->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(nlh, sizeof(*rtm), attrs, RTA_MAX, NULL))
		return -EBADMSG;
	way->is_local = rtm->rtm_type == RTN_LOCAL;
	way->has_gateway = attrs[RTA_GATEWAY] || attrs[RTA_VIA];
	return 0;
}

/**
 * route_find_way - ask how the kernel routes to an address
 * @netlink: from route_open()
 * @from: source address, or one of no family
 * @to: the address
 * @way: filled
 *
 * Return: 0; -ENETUNREACH or another negative errno if there is no way.
 */
int route_find_way(struct netlink *netlink, const struct ip *from, const struct ip *to,
		   struct route_way *way)
{
	const struct rtmsg rtm = {
		.rtm_family = to->family,
		.rtm_dst_len = ip_bits(to),
		.rtm_src_len = from->family ? ip_bits(from) : 0,
	};
	struct nl_msg *msg = request(RTM_GETROUTE, 0);

	memset(way, 0, sizeof(*way));
	append(msg, &rtm, sizeof(rtm));
	attr_put_ip(msg, RTA_DST, to);
	attr_put_ip(msg, RTA_SRC, from);
	return netlink_request(netlink, msg, parse_way, way);
}

/* ---- addresses ---- */

static int parse_address(struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = nlmsg_data(nlh);
	struct nlattr *attrs[IFA_MAX + 1];
	struct entries *entries = arg;
	struct entry *entry;

	if (nlh->nlmsg_type != RTM_NEWADDR ||
	    nlmsg_parse(nlh, sizeof(*ifa), attrs, IFA_MAX, NULL))
		return -EBADMSG;
	/* Link-local addresses are the kernel's own business. */
	if (ifa->ifa_index != entries->ifindex || ifa->ifa_scope != RT_SCOPE_UNIVERSE)
		return 0;
	entry = list_add(&entries->list);
	attr_get_ip(attrs[attrs[IFA_LOCAL] ? IFA_LOCAL : IFA_ADDRESS], &entry->addr);
	entry->len = ifa->ifa_prefixlen;
	return 0;
}

static int change_address(struct netlink *netlink, int type, int flags, uint32_t ifindex,
			  const struct entry *entry)
{
	const struct ifaddrmsg ifa = {
		.ifa_family = entry->addr.family,
		.ifa_prefixlen = entry->len,
		.ifa_index = ifindex,
	};
	struct nl_msg *msg = request(type, flags);
	int err;

	append(msg, &ifa, sizeof(ifa));
	attr_put_ip(msg, IFA_LOCAL, &entry->addr);
	attr_put_ip(msg, IFA_ADDRESS, &entry->addr);
	/* Nobody else can have it: no waiting for duplicate address detection. */
	if (type == RTM_NEWADDR)
		nla_put_u32(msg, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	err = netlink_request(netlink, msg, NULL, NULL);
	return err ? fail(netlink, err, "address", &entry->addr, entry->len) : 0;
}

static int add_address(struct netlink *netlink, uint32_t ifindex, const struct entry *entry)
{
	return change_address(netlink, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, ifindex, entry);
}

static int del_address(struct netlink *netlink, uint32_t ifindex, const struct entry *entry)
{
	return change_address(netlink, RTM_DELADDR, 0, ifindex, entry);
}

static struct nl_msg *dump_addresses(uint8_t family, uint32_t ifindex)
{
	const struct ifaddrmsg ifa = { .ifa_family = family, .ifa_index = ifindex };
	struct nl_msg *msg = request(RTM_GETADDR, NLM_F_DUMP);

	append(msg, &ifa, sizeof(ifa));
	return msg;
}

/* ---- routes ---- */

static int parse_route(struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = nlmsg_data(nlh);
	struct nlattr *attrs[RTA_MAX + 1];
	struct entries *entries = arg;
	struct entry *entry;

	if (nlh->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(nlh, sizeof(*rtm), attrs, RTA_MAX, NULL))
		return -EBADMSG;
	if (rtm->rtm_protocol != ROUTE_PROTOCOL || !attrs[RTA_OIF] ||
	    nla_get_u32(attrs[RTA_OIF]) != entries->ifindex || !attrs[RTA_DST])
		return 0;
	entry = list_add(&entries->list);
	attr_get_ip(attrs[RTA_DST], &entry->addr);
	attr_get_ip(attrs[RTA_PREFSRC], &entry->source);
	entry->len = rtm->rtm_dst_len;
	entry->table = rtm->rtm_table;
	return 0;
}

static int change_route(struct netlink *netlink, int type, int flags, uint32_t ifindex,
			const struct entry *entry)
{
	const struct rtmsg rtm = {
		.rtm_family = entry->addr.family,
		.rtm_dst_len = entry->len,
		.rtm_table = entry->table,
		.rtm_protocol = ROUTE_PROTOCOL,
		.rtm_scope = entry->addr.family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	struct nl_msg *msg = request(type, flags);
	int err;

	append(msg, &rtm, sizeof(rtm));
	attr_put_ip(msg, RTA_DST, &entry->addr);
	attr_put_ip(msg, RTA_PREFSRC, &entry->source);
	nla_put_u32(msg, RTA_OIF, ifindex);
	err = netlink_request(netlink, msg, NULL, NULL);
	return err ? fail(netlink, err, "route", &entry->addr, entry->len) : 0;
}

static int add_route(struct netlink *netlink, uint32_t ifindex, const struct entry *entry)
{
	return change_route(netlink, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, ifindex, entry);
}

static int del_route(struct netlink *netlink, uint32_t ifindex, const struct entry *entry)
{
	return change_route(netlink, RTM_DELROUTE, 0, ifindex, entry);
}

static struct nl_msg *dump_routes(uint8_t family, uint32_t ifindex)
{
	const struct rtmsg rtm = {
		.rtm_family = family,
		.rtm_protocol = ROUTE_PROTOCOL,
	};
	struct nl_msg *msg = request(RTM_GETROUTE, NLM_F_DUMP);

	append(msg, &rtm, sizeof(rtm));
	nla_put_u32(msg, RTA_OIF, ifindex);
	return msg;
}

/* ---- rules ---- */

static int parse_rule(struct nlmsghdr *nlh, void *arg)
{
	const struct fib_rule_hdr *rule = nlmsg_data(nlh);
	struct nlattr *attrs[FRA_MAX + 1];
	struct entries *entries = arg;
	struct entry *entry;

	if (nlh->nlmsg_type != RTM_NEWRULE ||
	    nlmsg_parse(nlh, sizeof(*rule), attrs, FRA_MAX, NULL))
		return -EBADMSG;
	if (!attrs[FRA_PROTOCOL] || nla_get_u8(attrs[FRA_PROTOCOL]) != ROUTE_PROTOCOL)
		return 0;
	entry = list_add(&entries->list);
	entry->rule = attr_u32(attrs[FRA_PRIORITY], 0);
	attr_get_ip(attrs[rule->src_len ? FRA_SRC : FRA_DST], &entry->addr);
	entry->addr.family = rule->family;
	entry->len = rule->src_len ? rule->src_len : rule->dst_len;
	return 0;
}

static int change_rule(struct netlink *netlink, int type, int flags, const struct entry *entry)
{
	static const uint8_t tables[] = {
		[ROUTE_RULE_PODS - ROUTE_RULE_PODS] = ROUTE_TABLE,
		[ROUTE_RULE_MACHINES - ROUTE_RULE_PODS] = ROUTE_MACHINES,
		[ROUTE_RULE_SPECIFIC - ROUTE_RULE_PODS] = RT_TABLE_MAIN,
		[ROUTE_RULE_BLACKHOLE - ROUTE_RULE_PODS] = RT_TABLE_UNSPEC,
	};
	uint32_t index = entry->rule - ROUTE_RULE_PODS;
	uint8_t table = index < ARRAY_SIZE(tables) ? tables[index] : RT_TABLE_UNSPEC;
	bool is_source = entry->rule == ROUTE_RULE_PODS;
	const struct fib_rule_hdr rule = {
		.family = entry->addr.family,
		.src_len = is_source ? entry->len : 0,
		.dst_len = is_source ? 0 : entry->len,
		.table = table,
		.action = table ? FR_ACT_TO_TBL : FR_ACT_BLACKHOLE,
	};
	struct nl_msg *msg = request(type, flags);
	int err;

	append(msg, &rule, sizeof(rule));
	if (entry->len)
		attr_put_ip(msg, is_source ? FRA_SRC : FRA_DST, &entry->addr);
	nla_put_u32(msg, FRA_PRIORITY, entry->rule);
	if (entry->rule == ROUTE_RULE_SPECIFIC)
		nla_put_u32(msg, FRA_SUPPRESS_PREFIXLEN, 0);
	nla_put_u8(msg, FRA_PROTOCOL, ROUTE_PROTOCOL);
	err = netlink_request(netlink, msg, NULL, NULL);
	return err ? fail(netlink, err, "rule for", &entry->addr, entry->len) : 0;
}

static int add_rule(struct netlink *netlink, uint32_t ifindex, const struct entry *entry)
{
	(void)ifindex;
	return change_rule(netlink, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, entry);
}

static int del_rule(struct netlink *netlink, uint32_t ifindex, const struct entry *entry)
{
	(void)ifindex;
	return change_rule(netlink, RTM_DELRULE, 0, entry);
}

static struct nl_msg *dump_rules(uint8_t family, uint32_t ifindex)
{
	const struct fib_rule_hdr rule = { .family = family };
	struct nl_msg *msg = request(RTM_GETRULE, NLM_F_DUMP);

	(void)ifindex;
	append(msg, &rule, sizeof(rule));
	return msg;
}

/* ---- what ought to be ---- */

static void want_addresses(const struct node *self, struct entries *entries)
{
	int i;

	for (i = 0; i < FAMILIES; i++)
		if (self->tunnel[i].family)
			*list_add(&entries->list) = (struct entry){
				.addr = self->tunnel[i], .len = ip_bits(&self->tunnel[i]),
			};
}

/* All remote prefixes lead into the device; its own table says to whom then. */
static void want_routes(const struct state *state, const struct node *self,
			struct entries *entries)
{
	size_t i;

	for (i = 0; i < state->prefixes.count; i++) {
		const struct prefix *prefix = &state->prefixes.item[i];

		if (strcmp(prefix->node, self->name))
			*list_add(&entries->list) = (struct entry){
				.addr = prefix->addr,
				.len = prefix->len,
				.table = prefix->is_machine ? ROUTE_MACHINES :
							      RT_TABLE_MAIN,
				.source = self->tunnel[family_index(prefix->addr.family)],
			};
	}
}

/*
 * What pods send to another node itself has to go the way of pod traffic too: the underlay may
 * not know pods. What this node sends there stays on the underlay, outer packets above all.
 */
static void want_node_routes(const struct state *state, struct entries *entries)
{
	size_t i;
	int f;

	for (i = 0; i < state->nodes.count; i++) {
		const struct node *node = &state->nodes.item[i];

		for (f = 0; !node->local && f < FAMILIES; f++)
			if (node->underlay[f].family)
				*list_add(&entries->list) = (struct entry){
					.addr = node->underlay[f],
					.len = ip_bits(&node->underlay[f]),
					.table = ROUTE_TABLE,
				};
	}
}

static void want_rule(struct entries *entries, enum route_rule rule, const struct ip *addr,
		      uint8_t len)
{
	*list_add(&entries->list) = (struct entry){ .addr = *addr, .len = len, .rule = rule };
}

/* A rule for each machine would be one more to look at for every packet. */
static bool is_in_machine_range(const struct state *state, const struct ip *addr)
{
	size_t i;

	for (i = 0; i < state->machine_ranges.count; i++)
		if (ip_contains(&state->machine_ranges.item[i].addr,
				state->machine_ranges.item[i].len, addr))
			return true;
	return false;
}

static void want_machine_rules(const struct state *state, struct entries *entries)
{
	static const struct ip any[FAMILIES] = {
		[V4] = { .family = AF_INET }, [V6] = { .family = AF_INET6 },
	};
	bool has_machines[FAMILIES] = { false };
	size_t i;
	int f;

	for (i = 0; i < state->prefixes.count; i++)
		if (state->prefixes.item[i].is_machine)
			has_machines[family_index(state->prefixes.item[i].addr.family)] = true;
	for (f = 0; f < FAMILIES; f++)
		if (has_machines[f])
			want_rule(entries, ROUTE_RULE_MACHINES, &any[f], 0);
	for (i = 0; i < state->machine_ranges.count; i++) {
		const struct range *range = &state->machine_ranges.item[i];

		want_rule(entries, ROUTE_RULE_PODS, &range->addr, range->len);
		want_rule(entries, ROUTE_RULE_SPECIFIC, &range->addr, range->len);
		want_rule(entries, ROUTE_RULE_BLACKHOLE, &range->addr, range->len);
	}
}

static void want_rules(const struct state *state, const struct node *self,
		       struct entries *entries)
{
	size_t i;

	for (i = 0; i < state->prefixes.count; i++) {
		const struct prefix *prefix = &state->prefixes.item[i];

		if (!strcmp(prefix->node, self->name) &&
		    !(prefix->is_machine && is_in_machine_range(state, &prefix->addr)))
			want_rule(entries, ROUTE_RULE_PODS, &prefix->addr, prefix->len);
	}
	want_machine_rules(state, entries);
}

/* ---- making it so ---- */

/**
 * struct table - addresses, routes or rules
 * @dump: asks for those of a family and device
 * @parse: reads one
 * @add: adds or replaces one
 * @del: removes one
 */
struct table {
	struct nl_msg *(*dump)(uint8_t family, uint32_t ifindex);
	netlink_fn *parse;
	int (*add)(struct netlink *netlink, uint32_t ifindex, const struct entry *entry);
	int (*del)(struct netlink *netlink, uint32_t ifindex, const struct entry *entry);
};

static const struct table addresses = {
	dump_addresses, parse_address, add_address, del_address,
};
static const struct table routes = { dump_routes, parse_route, add_route, del_route };
static const struct table rules = { dump_rules, parse_rule, add_rule, del_rule };

static const struct entry *find(const struct entries *entries, const struct entry *entry)
{
	return entries->list.count ?
	       bsearch(entry, entries->list.item, entries->list.count,
		       sizeof(*entries->list.item), compare_entries) : NULL;
}

static int read_family(struct netlink *netlink, const struct table *table, uint8_t family,
		       struct entries *have)
{
	size_t before = have->list.count;
	int tries, err = -EINTR;

	/* The tables are everybody's: another's change may come between. */
	for (tries = 0; err == -EINTR && tries < 10; tries++) {
		have->list.count = before;
		err = netlink_request(netlink, table->dump(family, have->ifindex),
				      table->parse, have);
	}
	/* A kernel without IPv6 has nothing to tell. */
	return err == -EOPNOTSUPP || err == -EAFNOSUPPORT ? 0 : err;
}

static int add_missing(struct netlink *netlink, const struct table *table,
		       const struct entries *want, const struct entries *have, size_t *changes)
{
	size_t i;
	int err;

	for (i = 0; i < want->list.count; i++) {
		const struct entry *entry = &want->list.item[i], *there = find(have, entry);

		if (there && !ip_compare(&there->source, &entry->source))
			continue;
		err = table->add(netlink, want->ifindex, entry);
		if (err)
			return err;
		++*changes;
	}
	return 0;
}

static int del_stale(struct netlink *netlink, const struct table *table,
		     const struct entries *want, const struct entries *have, size_t *changes)
{
	size_t i;
	int err;

	for (i = 0; i < have->list.count; i++) {
		if (find(want, &have->list.item[i]))
			continue;
		err = table->del(netlink, want->ifindex, &have->list.item[i]);
		/* With an address the kernel removes routes that prefer it. */
		if (err && err != -ESRCH)
			return err;
		++*changes;
	}
	return 0;
}

static int read_table(struct netlink *netlink, const struct table *table,
		      struct entries *want, struct entries *have)
{
	int err;

	err = read_family(netlink, table, AF_INET, have);
	if (!err)
		err = read_family(netlink, table, AF_INET6, have);
	list_sort(&want->list, compare_entries);
	list_sort(&have->list, compare_entries);
	return err;
}

/**
 * route_sync - make addresses, routes and rules of the device what they ought to be
 * @netlink: from route_open()
 * @ifindex: the device, up
 * @want: what ought to be, with a local node
 * @changes: raised by the number of changes; what is right already is not touched
 *
 * Return: 0 or a negative errno.
 */
int route_sync(struct netlink *netlink, uint32_t ifindex, const struct state *want,
	       size_t *changes)
{
	struct entries want_addr = { .ifindex = ifindex }, have_addr = { .ifindex = ifindex };
	struct entries want_route = { .ifindex = ifindex }, have_route = { .ifindex = ifindex };
	struct entries want_rule = { .ifindex = ifindex }, have_rule = { .ifindex = ifindex };
	const struct node *self = state_self(want);
	int err;

	want_addresses(self, &want_addr);
	want_routes(want, self, &want_route);
	want_node_routes(want, &want_route);
	want_rules(want, self, &want_rule);
	err = read_table(netlink, &addresses, &want_addr, &have_addr);
	if (!err)
		err = read_table(netlink, &routes, &want_route, &have_route);
	if (!err)
		err = read_table(netlink, &rules, &want_rule, &have_rule);
	/* New routes need the new address, and old ones go with the old address. */
	if (!err)
		err = add_missing(netlink, &addresses, &want_addr, &have_addr, changes);
	if (!err)
		err = add_missing(netlink, &routes, &want_route, &have_route, changes);
	if (!err)
		err = add_missing(netlink, &rules, &want_rule, &have_rule, changes);
	if (!err)
		err = del_stale(netlink, &rules, &want_rule, &have_rule, changes);
	if (!err)
		err = del_stale(netlink, &routes, &want_route, &have_route, changes);
	if (!err)
		err = del_stale(netlink, &addresses, &want_addr, &have_addr, changes);
	list_free(&want_addr.list);
	list_free(&have_addr.list);
	list_free(&want_route.list);
	list_free(&have_route.list);
	list_free(&want_rule.list);
	list_free(&have_rule.list);
	return err;
}

/* ---- devices of pods ---- */

/**
 * struct pod_routes - what parse_pod_route() works with
 * @want: which prefixes are this node's
 * @self: this node
 * @ifindex: our device
 * @devices: those that routes to pods lead to
 */
struct pod_routes {
	const struct state *want;
	const struct node *self;
	uint32_t ifindex;
	struct route_devices *devices;
};

static bool is_local_pod(const struct pod_routes *pods, const struct ip *addr, uint8_t len)
{
	size_t i;

	for (i = 0; i < pods->want->prefixes.count; i++) {
		const struct prefix *prefix = &pods->want->prefixes.item[i];

		if (len >= prefix->len && ip_contains(&prefix->addr, prefix->len, addr) &&
		    !strcmp(prefix->node, pods->self->name))
			return true;
	}
	return false;
}

static int parse_pod_route(struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = nlmsg_data(nlh);
	struct nlattr *attrs[RTA_MAX + 1];
	struct pod_routes *pods = arg;
	struct ip addr;
	uint32_t oif;

	if (nlh->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(nlh, sizeof(*rtm), attrs, RTA_MAX, NULL))
		return -EBADMSG;
	if (rtm->rtm_type != RTN_UNICAST || !attrs[RTA_OIF] || !attrs[RTA_DST])
		return 0;
	oif = nla_get_u32(attrs[RTA_OIF]);
	attr_get_ip(attrs[RTA_DST], &addr);
	if (oif != pods->ifindex && is_local_pod(pods, &addr, rtm->rtm_dst_len))
		*list_add(&pods->devices->list) = oif;
	return 0;
}

static int compare_devices(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/**
 * route_list_pod_devices - find the devices behind which this node's pods are
 * @netlink: from route_open()
 * @ifindex: our device
 * @want: the prefixes, with a local node
 * @devices: filled; to be freed by list_free() also after an error
 *
 * Return: 0 or a negative errno.
 */
int route_list_pod_devices(struct netlink *netlink, uint32_t ifindex, const struct state *want,
			   struct route_devices *devices)
{
	static const uint8_t families[FAMILIES] = { AF_INET, AF_INET6 };
	struct pod_routes pods = { want, state_self(want), ifindex, devices };
	size_t i, kept = 0;
	int f, err = 0;

	for (f = 0; !err && f < FAMILIES; f++) {
		const struct rtmsg rtm = { .rtm_family = families[f] };
		struct nl_msg *msg = request(RTM_GETROUTE, NLM_F_DUMP);

		append(msg, &rtm, sizeof(rtm));
		err = netlink_request(netlink, msg, parse_pod_route, &pods);
		/* Routes that changed meanwhile do not matter here. */
		if (err == -EINTR || err == -EOPNOTSUPP || err == -EAFNOSUPPORT)
			err = 0;
	}
	list_sort(&devices->list, compare_devices);
	for (i = 0; i < devices->list.count; i++)
		if (!kept || devices->list.item[kept - 1] != devices->list.item[i])
			devices->list.item[kept++] = devices->list.item[i];
	devices->list.count = kept;
	return err;
}

/**
 * route_remove_rules - remove our rules; the routes go with the device
 * @netlink: from route_open()
 * @changes: raised by their number
 *
 * Return: 0 or a negative errno.
 */
int route_remove_rules(struct netlink *netlink, size_t *changes)
{
	struct entries want = { 0 }, have = { 0 };
	int err;

	err = read_table(netlink, &rules, &want, &have);
	if (!err)
		err = del_stale(netlink, &rules, &want, &have, changes);
	list_free(&have.list);
	return err;
}

/**
 * route_open - open an rtnetlink socket in the current network namespace
 * @netlink: filled
 *
 * Return: 0 or a negative errno.
 */
int route_open(struct netlink *netlink)
{
	return netlink_open(netlink, NETLINK_ROUTE);
}
