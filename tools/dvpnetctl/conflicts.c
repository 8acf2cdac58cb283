// SPDX-License-Identifier: GPL-2.0
/*
 * What else is on this host, and in the way.
 *
 * Nothing is changed, and nothing is loaded only to look. Each warning says
 * what there is, what it does to dvpnet, and what to do.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conflicts.h"
#include "firewall.h"
#include "legacy.h"
#include "link.h"
#include "nft.h"
#include "route.h"

#define IPVS_PATH "/proc/net/ip_vs"

/**
 * struct conflicts - what the checks work with
 * @ifindex: our device
 * @want: what the kernel knows
 * @self: this node
 * @links: devices of this host
 * @addresses: their addresses
 * @pod_devices: those behind which this node's pods are
 * @chains: chains of nftables, as listed
 * @flowtables: flowtables of nftables, as listed
 * @nft: nftables, open where @chains is not NULL
 * @report: warnings
 */
struct conflicts {
	uint32_t ifindex;
	const struct state *want;
	const struct node *self;
	struct links links;
	struct link_addresses addresses;
	struct route_devices pod_devices;
	json_t *chains;
	json_t *flowtables;
	struct nft nft;
	struct report *report;
};

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static const char *device_name(const struct conflicts *conflicts, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < conflicts->links.list.count; i++)
		if (conflicts->links.list.item[i].ifindex == ifindex)
			return conflicts->links.list.item[i].name;
	return "";
}

static const struct link *find_link(const struct conflicts *conflicts, const char *name)
{
	size_t i;

	for (i = 0; i < conflicts->links.list.count; i++)
		if (!strcmp(conflicts->links.list.item[i].name, name))
			return &conflicts->links.list.item[i];
	return NULL;
}

static bool is_pod_device(const struct conflicts *conflicts, const char *name)
{
	size_t i;

	for (i = 0; i < conflicts->pod_devices.list.count; i++)
		if (!strcmp(device_name(conflicts, conflicts->pod_devices.list.item[i]), name))
			return true;
	return false;
}

/* This node's pods of a family, or those of all others. */
static void collect_pods(const struct conflicts *conflicts, uint8_t family, bool local,
			 struct spans *spans)
{
	size_t i;

	for (i = 0; i < conflicts->want->prefixes.count; i++) {
		const struct prefix *prefix = &conflicts->want->prefixes.item[i];

		if (prefix->addr.family == family &&
		    !strcmp(prefix->node, conflicts->self->name) == local)
			spans_add_prefix(spans, &prefix->addr, prefix->len);
	}
	spans_merge(spans);
}

/* First prefix of this node's pods in a family, as text. */
static const char *pods_text(const struct conflicts *conflicts, uint8_t family,
			     char text[IP_TEXT_MAX + 4])
{
	size_t i;

	*text = '\0';
	for (i = 0; i < conflicts->want->prefixes.count; i++) {
		const struct prefix *prefix = &conflicts->want->prefixes.item[i];

		if (prefix->addr.family == family &&
		    !strcmp(prefix->node, conflicts->self->name)) {
			char address[IP_TEXT_MAX];

			snprintf(text, IP_TEXT_MAX + 4, "%s/%u", ip_text(&prefix->addr, address),
				 prefix->len);
			break;
		}
	}
	return text;
}

/* ---- sysctls ---- */

/* A sysctl below net of which only 0 matters; what cannot be read is not. */
static bool is_off(const char *name)
{
	char *path = util_printf("/proc/sys/net/%s", name), value = '1';
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (read(fd, &value, 1) != 1)
			value = '1';
		close(fd);
	}
	free(path);
	return value == '0';
}

static bool is_device_off(const char *device)
{
	char *name = util_printf("ipv4/conf/%s/forwarding", device);
	bool off = is_off(name);

	free(name);
	return off;
}

static void check_forwarding(const struct conflicts *conflicts)
{
	const char *device = device_name(conflicts, conflicts->ifindex);
	char text[IP_TEXT_MAX + 4];

	if (*pods_text(conflicts, AF_INET, text) && is_off("ipv4/ip_forward"))
		report_warning(conflicts->report, NULL,
			       "sysctl net.ipv4.ip_forward is 0: the host forwards nothing, so "
			       "pods (%s) reach nothing beyond it and Services no other node; "
			       "sysctl -w net.ipv4.ip_forward=1", text);
	else if (*text && is_device_off(device))
		report_warning(conflicts->report, NULL,
			       "sysctl net.ipv4.conf.%s.forwarding is 0: what comes from other "
			       "nodes does not reach pods (%s); "
			       "sysctl -w net.ipv4.conf.%s.forwarding=1", device, text, device);
	if (*pods_text(conflicts, AF_INET6, text) && is_off("ipv6/conf/all/forwarding"))
		report_warning(conflicts->report, NULL,
			       "sysctl net.ipv6.conf.all.forwarding is 0: the host forwards "
			       "nothing over IPv6, so pods (%s) reach nothing beyond it and "
			       "Services no other node; sysctl -w net.ipv6.conf.all.forwarding=1",
			       text);
}

/* ---- kube-proxy ---- */

/**
 * conflicts_count_ipvs - count the virtual servers of IPVS
 * @file: what /proc/net/ip_vs has
 */
size_t conflicts_count_ipvs(FILE *file)
{
	size_t count = 0;
	char line[256];

	/* Lines of servers begin with their protocol, or FWM for a mark; their backends follow. */
	while (fgets(line, sizeof(line), file))
		count += !strncmp(line, "TCP ", 4) || !strncmp(line, "UDP ", 4) ||
			 !strncmp(line, "SCTP ", 5) || !strncmp(line, "FWM ", 4);
	return count;
}

static void check_ipvs(const struct conflicts *conflicts)
{
	bool has_device = find_link(conflicts, "kube-ipvs0");
	FILE *file = fopen(IPVS_PATH, "re");
	size_t count = 0;

	if (file) {
		count = conflicts_count_ipvs(file);
		fclose(file);
	}
	if (count)
		report_warning(conflicts->report, NULL,
			       "IPVS has %zu virtual servers, as of kube-proxy: it serves those of "
			       "their addresses that dvpnet does not know%s; stop kube-proxy, then "
			       "kube-proxy --cleanup, or ipvsadm --clear%s", count,
			       has_device ? ", and device kube-ipvs0 makes them addresses of this "
			       "host, which answers pings to them" : "",
			       has_device ? " and ip link del kube-ipvs0" : "");
	else if (has_device)
		report_warning(conflicts->report, NULL,
			       "device kube-ipvs0, as of kube-proxy: addresses of Services are "
			       "addresses of this host, which answers for those that dvpnet does "
			       "not know; stop kube-proxy, then ip link del kube-ipvs0");
}

static void warn_of_iptables(const struct conflicts *conflicts, const char *tool)
{
	report_warning(conflicts->report, NULL,
		       "%s chain KUBE-SERVICES in table nat: kube-proxy runs, or left it: it "
		       "translates and refuses connections to addresses and ports that dvpnet does "
		       "not know; stop kube-proxy, then kube-proxy --cleanup", tool);
}

/* Tables of kube-proxy in nftables mode, and its chains in iptables mode. */
static void check_kube_proxy(const struct conflicts *conflicts)
{
	json_t *object;
	const char *last = "";
	size_t i;

	json_array_foreach(conflicts->chains, i, object) {
		json_t *chain = json_object_get(object, "chain");
		const char *family = text_of(chain, "family"), *table = text_of(chain, "table");

		if (!strcmp(table, "kube-proxy") && strcmp(last, family)) {
			last = family;
			report_warning(conflicts->report, NULL,
				       "nftables table %s kube-proxy: kube-proxy runs, or left "
				       "it: it translates and refuses connections to addresses "
				       "and ports that dvpnet does not know; stop kube-proxy, "
				       "then nft delete table %s kube-proxy", family, family);
		}
		if (!strcmp(text_of(chain, "name"), "KUBE-SERVICES") && !strcmp(table, "nat"))
			warn_of_iptables(conflicts, strcmp(family, "ip6") ? "iptables" : "ip6tables");
	}
}

/* Its chains in iptables mode, where iptables does not use nftables. */
static void check_legacy(const struct conflicts *conflicts)
{
	if (legacy_has_chain(AF_INET, "nat", "KUBE-SERVICES"))
		warn_of_iptables(conflicts, "iptables-legacy");
	if (legacy_has_chain(AF_INET6, "nat", "KUBE-SERVICES"))
		warn_of_iptables(conflicts, "ip6tables-legacy");
}

/* ---- Cilium ---- */

static void check_cilium(const struct conflicts *conflicts)
{
	static const char *const names[] = { "cilium_host", "cilium_net", "cilium_vxlan" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!find_link(conflicts, names[i]))
			continue;
		report_warning(conflicts->report, NULL,
			       "device %s: Cilium runs, or left it: its programs take packets of "
			       "pods and Services before dvpnet sees them; remove Cilium and "
			       "what it left (cilium-dbg post-uninstall-cleanup -f), or reboot",
			       names[i]);
		return;
	}
}

/* ---- flowtables ---- */

/* May packets of pods come plain, as to and from nodes in classic mode? */
static bool has_classic(const struct conflicts *conflicts)
{
	const struct state *want = conflicts->want;
	size_t i;

	for (i = 0; i < want->nodes.count; i++)
		if (want->nodes.item[i].mode != NODE_MODE_NONE &&
		    want->nodes.item[i].mode != DVPNET_MODE_VXLAN)
			return true;
	return want->config.value[DVPNET_A_CONFIG_MODE] != DVPNET_MODE_VXLAN;
}

/* Is this a device with an InternalIP of this node? */
static bool is_underlay_device(const struct conflicts *conflicts, const char *name)
{
	int f;

	for (f = 0; f < FAMILIES; f++) {
		const struct link_address *address =
			link_find_address(&conflicts->addresses, &conflicts->self->underlay[f]);

		if (address && !strcmp(device_name(conflicts, address->ifindex), name))
			return true;
	}
	return false;
}

static bool has_pod_packets(const struct conflicts *conflicts, const char *name)
{
	return !strcmp(name, device_name(conflicts, conflicts->ifindex)) ||
	       is_pod_device(conflicts, name) ||
	       (has_classic(conflicts) && is_underlay_device(conflicts, name));
}

/* Names of devices through which packets of pods come, of those that a flowtable has. */
static char *pod_devices_text(const struct conflicts *conflicts, json_t *devices)
{
	char *text = util_strdup("");
	json_t *device;
	size_t i, count = json_is_array(devices) ? json_array_size(devices) : 1;

	for (i = 0; i < count; i++) {
		const char *name;
		char *longer;

		device = json_is_array(devices) ? json_array_get(devices, i) : devices;
		name = json_string_value(device);
		if (!name || !has_pod_packets(conflicts, name))
			continue;
		longer = util_printf("%s%s%s", text, *text ? ", " : "", name);
		free(text);
		text = longer;
	}
	return text;
}

static void check_flowtables(const struct conflicts *conflicts)
{
	json_t *object;
	size_t i;

	json_array_foreach(conflicts->flowtables, i, object) {
		json_t *flowtable = json_object_get(object, "flowtable");
		char *devices = pod_devices_text(conflicts, json_object_get(flowtable, "dev"));

		if (*devices)
			report_warning(conflicts->report, NULL,
				       "nftables flowtable %s %s %s takes packets from %s past "
				       "dvpnet: answers of Services come from the backend's "
				       "address and are lost; take these devices out of the "
				       "flowtable, or keep pods out of its \"flow add\" rule",
				       text_of(flowtable, "family"), text_of(flowtable, "table"),
				       text_of(flowtable, "name"), devices);
		free(devices);
	}
}

/* ---- firewalls ---- */

/**
 * struct way - a way of pods' traffic through this host
 * @probe: the packet, as rules see it
 * @what: in words
 */
struct way {
	struct firewall_probe probe;
	const char *what;
};

/** The ways: from pods to other nodes, and back. */
enum { WAY_OUT, WAY_IN, WAYS };

static void make_ways(const struct conflicts *conflicts, uint8_t family, struct way ways[WAYS])
{
	const char *ours = device_name(conflicts, conflicts->ifindex);
	const char *pod = device_name(conflicts, conflicts->pod_devices.list.item[0]);

	memset(ways, 0, WAYS * sizeof(*ways));
	ways[WAY_OUT] = (struct way){ { family, pod, ours }, "from pods here to others" };
	ways[WAY_IN] = (struct way){ { family, ours, pod }, "from other nodes to pods" };
	collect_pods(conflicts, family, true, &ways[WAY_OUT].probe.saddr);
	collect_pods(conflicts, family, false, &ways[WAY_OUT].probe.daddr);
	collect_pods(conflicts, family, false, &ways[WAY_IN].probe.saddr);
	collect_pods(conflicts, family, true, &ways[WAY_IN].probe.daddr);
}

static void free_ways(struct way ways[WAYS])
{
	int i;

	for (i = 0; i < WAYS; i++) {
		spans_free(&ways[i].probe.saddr);
		spans_free(&ways[i].probe.daddr);
	}
}

/* Does the chain of forwarded packets let pods' traffic of a family through? */
static bool check_forward_chain(const struct conflicts *conflicts, json_t *chain,
				const struct firewall_table *filter, uint8_t family)
{
	const char *name = text_of(chain, "name"), *table = text_of(chain, "table");
	const char *chain_family = text_of(chain, "family");
	const char *ip = family == AF_INET ? "ip" : "ip6";
	char text[IP_TEXT_MAX + 4];
	struct way ways[WAYS];
	bool blocks = false;
	int i;

	pods_text(conflicts, family, text);
	make_ways(conflicts, family, ways);
	for (i = 0; i < WAYS && !blocks; i++) {
		const struct firewall_probe *probe = &ways[i].probe;

		if (!probe->saddr.list.count || !probe->daddr.list.count)
			continue;
		blocks = firewall_blocks(filter, name, probe);
		if (!blocks)
			continue;
		report_warning(conflicts->report, NULL,
			       "nftables chain %s %s %s (policy %s) drops what goes %s (from %s "
			       "to %s): no rule accepts it; let pods pass: nft insert rule %s %s "
			       "%s iifname " LINK_NAME " accept, and the same with oifname "
			       LINK_NAME ", %s saddr %s, and %s daddr %s",
			       chain_family, table, name, text_of(chain, "policy"), ways[i].what,
			       probe->iifname, probe->oifname, chain_family, table, name, ip, text,
			       ip, text);
	}
	free_ways(ways);
	return blocks;
}

static void check_firewall(struct conflicts *conflicts)
{
	json_t *object;
	size_t i;

	if (!conflicts->pod_devices.list.count)
		return;
	json_array_foreach(conflicts->chains, i, object) {
		json_t *chain = json_object_get(object, "chain");
		const char *family = text_of(chain, "family");
		bool is_inet = !strcmp(family, "inet"), blocks = false;
		bool is_ip = is_inet || !strcmp(family, "ip");
		bool is_ip6 = is_inet || !strcmp(family, "ip6");
		struct firewall_table filter = { 0 };

		if (strcmp(text_of(chain, "hook"), "forward") || (!is_ip && !is_ip6))
			continue;
		if (firewall_read(&conflicts->nft, family, text_of(chain, "table"), &filter)) {
			if (is_ip)
				blocks = check_forward_chain(conflicts, chain, &filter, AF_INET);
			if (is_ip6 && !blocks)
				check_forward_chain(conflicts, chain, &filter, AF_INET6);
		}
		firewall_free(&filter);
	}
}

/* ---- all of it ---- */

/**
 * conflicts_check - warn of what is in the way
 * @rtnl: from route_open()
 * @ifindex: our device
 * @want: what the kernel knows now
 * @report: warnings
 */
void conflicts_check(struct netlink *rtnl, uint32_t ifindex, const struct state *want,
		     struct report *report)
{
	struct conflicts conflicts = {
		.ifindex = ifindex, .want = want, .self = state_self(want), .report = report,
	};

	if (!conflicts.self)
		return;
	link_list(rtnl, &conflicts.links);
	link_list_addresses(rtnl, &conflicts.addresses);
	route_list_pod_devices(rtnl, ifindex, want, &conflicts.pod_devices);
	check_forwarding(&conflicts);
	check_ipvs(&conflicts);
	check_legacy(&conflicts);
	check_cilium(&conflicts);
	if (nft_is_there()) {
		nft_open(&conflicts.nft);
		conflicts.chains = nft_json(&conflicts.nft, "list chains");
		conflicts.flowtables = nft_json(&conflicts.nft, "list flowtables");
		check_kube_proxy(&conflicts);
		check_flowtables(&conflicts);
		check_firewall(&conflicts);
		json_decref(conflicts.chains);
		json_decref(conflicts.flowtables);
		nft_close(&conflicts.nft);
	}
	list_free(&conflicts.links.list);
	list_free(&conflicts.addresses.list);
	list_free(&conflicts.pod_devices.list);
}
