// SPDX-License-Identifier: GPL-2.0
/* What the kernel would refuse, found before anything is changed. */
#include "precheck.h"
#include "route.h"

/* Tunnelled packets arrive at these addresses: they must be here. */
static void check_self(struct netlink *netlink, const struct node *self, struct report *report)
{
	static const struct ip any;
	char text[IP_TEXT_MAX];
	int i;

	for (i = 0; i < FAMILIES; i++) {
		struct route_way way;

		if (!self->underlay[i].family)
			continue;
		if (route_find_way(netlink, &any, &self->underlay[i], &way) || !way.is_local)
			report_error(report, &self->place,
				     "Node %s: InternalIP %s is no address of this network "
				     "namespace; is --node right?", self->name,
				     ip_text(&self->underlay[i], text));
	}
}

/* IPv4 where both have it, else IPv6, as the module chooses. */
static int common_family(const struct node *a, const struct node *b)
{
	int i;

	for (i = 0; i < FAMILIES; i++)
		if (a->underlay[i].family && b->underlay[i].family)
			return i;
	return -1;
}

/* Without a route the node gets the benefit of the doubt, as from the module. */
static void check_classic(struct netlink *netlink, const struct node *self,
			  const struct node *node, struct report *report)
{
	int family = common_family(self, node);
	char text[IP_TEXT_MAX];
	struct route_way way;

	if (family < 0 || route_find_way(netlink, &self->underlay[family],
					 &node->underlay[family], &way) || !way.has_gateway)
		return;
	report_error(report, &node->place,
		     "Node %s: classic mode needs a node on a connected subnet, %s is behind a "
		     "router; use VXLAN (tunnelMode: VXLAN, or annotation dvpnet.io/mode: vxlan or "
		     "auto), or, if its routers carry pod addresses, --trust-underlay",
		     node->name, ip_text(&node->underlay[family], text));
}

/**
 * precheck - find what the kernel would refuse
 * @netlink: from route_open()
 * @want: what it will be told
 * @report: errors
 */
void precheck(struct netlink *netlink, const struct state *want, struct report *report)
{
	const struct config *config = &want->config;
	const struct node *self = state_self(want);
	size_t i;

	if (!self)
		return;
	check_self(netlink, self, report);
	if (config->value[DVPNET_A_CONFIG_TRUST_UNDERLAY] || report->errors.count)
		return;
	for (i = 0; i < want->nodes.count; i++) {
		const struct node *node = &want->nodes.item[i];
		uint32_t mode = node->mode == NODE_MODE_NONE ?
				config->value[DVPNET_A_CONFIG_MODE] : node->mode;

		if (!node->local && mode == DVPNET_MODE_CLASSIC)
			check_classic(netlink, self, node, report);
	}
}
