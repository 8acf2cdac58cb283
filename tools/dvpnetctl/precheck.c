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

/* Without a route the node gets the benefit of the doubt, as from the module. */
static bool is_behind_router(struct netlink *netlink, const struct node *self,
			     const struct node *node, char text[IP_TEXT_MAX])
{
	int family = node_common_family(self, node);
	struct route_way way;

	if (family < 0 || route_find_way(netlink, &self->underlay[family],
					 &node->underlay[family], &way) || !way.has_gateway)
		return false;
	ip_text(&node->underlay[family], text);
	return true;
}

static bool is_classic(const struct config *config, const struct node *node)
{
	uint32_t mode = node->mode == NODE_MODE_NONE ? config->value[DVPNET_A_CONFIG_MODE] :
						       node->mode;

	return !node->local && mode == DVPNET_MODE_CLASSIC &&
	       !config->value[DVPNET_A_CONFIG_TRUST_UNDERLAY];
}

/**
 * precheck - find what the kernel would refuse
 * @netlink: from route_open()
 * @want: what it will be told
 * @report: errors
 */
void precheck(struct netlink *netlink, const struct state *want, struct report *report)
{
	const struct node *self = state_self(want);
	char text[IP_TEXT_MAX];
	size_t i;

	if (!self)
		return;
	check_self(netlink, self, report);
	for (i = 0; !report->errors.count && i < want->nodes.count; i++) {
		const struct node *node = &want->nodes.item[i];

		if (is_classic(&want->config, node) && is_behind_router(netlink, self, node, text))
			report_error(report, &node->place,
				     "Node %s: classic mode needs a node on a connected subnet, %s "
				     "is behind a router; use VXLAN (tunnelMode: VXLAN, or "
				     "annotation dvpnet.io/mode: vxlan or auto), or, if its routers "
				     "carry pod addresses, --trust-underlay", node->name, text);
	}
}

/**
 * precheck_yield - give nodes that classic mode cannot reach another mode
 * @netlink: from route_open()
 * @want: what the kernel will be told; modes of nodes are changed
 * @report: warnings, for each such node
 *
 * One node that is out of reach keeps no other from being served. In VXLAN it loses no
 * packet, and pod addresses still do not appear where routers would not know them.
 */
void precheck_yield(struct netlink *netlink, struct state *want, struct report *report)
{
	const struct node *self = state_self(want);
	char text[IP_TEXT_MAX];
	size_t i;

	for (i = 0; self && i < want->nodes.count; i++) {
		struct node *node = &want->nodes.item[i];

		if (!is_classic(&want->config, node) ||
		    !is_behind_router(netlink, self, node, text))
			continue;
		node->mode = DVPNET_MODE_VXLAN;
		report_warning(report, &node->place,
			       "Node %s: is reached by VXLAN instead of classic mode, as %s is "
			       "behind a router; to be rid of this warning, say so (tunnelMode: "
			       "VXLAN, or annotation dvpnet.io/mode: vxlan or auto), or, if its "
			       "routers carry pod addresses, annotation "
			       "dvpnet.io/trust-underlay: \"true\"", node->name, text);
	}
}
