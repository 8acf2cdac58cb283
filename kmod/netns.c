// SPDX-License-Identifier: GPL-2.0
/* Everything that one network namespace owns, and its life: that of its device. */
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <net/addrconf.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/route.h>

#include "classic.h"
#include "hooks.h"
#include "netns.h"
#include "node.h"
#include "reject.h"
#include "service.h"
#include "vxlan.h"

#define NETNS_DEFAULT_PORT		4298
#define NETNS_DEFAULT_VNI		1
#define NETNS_DEFAULT_NODEPORT_MIN	30000
#define NETNS_DEFAULT_NODEPORT_MAX	32767

static unsigned int max_flows = 512 * 1024;
module_param(max_flows, uint, 0644);
MODULE_PARM_DESC(max_flows, "Bound of the flow table of a new device, 16 to 16777216 (default 524288)");

static unsigned int netns_id;

/**
 * struct netns_slot - what a namespace without a device costs
 * @dn: the device's state, or NULL
 */
struct netns_slot {
	struct dvp_net __rcu *dn;
};

static struct netns_slot *netns_slot(struct net *net)
{
	return net_generic(net, netns_id);
}

/**
 * dvp_netns_find - state of a namespace
 * @net: the namespace
 *
 * Context: RCU read side.
 * Return: its state, or NULL if it has no dvpnet device.
 */
struct dvp_net *dvp_netns_find(struct net *net)
{
	return rcu_dereference(netns_slot(net)->dn);
}

/**
 * dvp_netns_has_addr - is this one of the host's own addresses?
 * @dn: whose
 * @addr: the address
 *
 * Context: RCU read side.
 */
bool dvp_netns_has_addr(struct dvp_net *dn, const struct in6_addr *addr)
{
	if (ipv6_addr_v4mapped(addr))
		return inet_addr_type(dn->net, addr->s6_addr32[3]) == RTN_LOCAL;
	return ipv6_chk_addr(dn->net, addr, NULL, 0);
}

/**
 * dvp_netns_max_flows - bound of a new device's flow table, the module's parameter
 */
u32 dvp_netns_max_flows(void)
{
	return clamp(READ_ONCE(max_flows), 16U, 16U << 20);
}

static struct dvp_config *netns_default_config(void)
{
	struct dvp_config *config = kzalloc(sizeof(*config), GFP_KERNEL);

	if (!config)
		return NULL;
	config->mode = DVPNET_MODE_VXLAN;
	config->vni = NETNS_DEFAULT_VNI;
	config->port = NETNS_DEFAULT_PORT;
	config->nodeport_min = NETNS_DEFAULT_NODEPORT_MIN;
	config->nodeport_max = NETNS_DEFAULT_NODEPORT_MAX;
	config->max_flows = dvp_netns_max_flows();
	/* kube-proxy's and nf_conntrack's values, which clusters are used to. */
	config->tcp_established = 86400;
	config->tcp_transitory = 120;
	config->udp_new = 30;
	config->udp_established = 120;
	return config;
}

/**
 * dvp_netns_start - give a namespace its state
 * @net: the namespace
 * @dev: its new device, whose private area the state is
 *
 * Context: RTNL.
 * Return: 0, -EEXIST if it has a device already, -ENOMEM.
 */
int dvp_netns_start(struct net *net, struct net_device *dev)
{
	struct dvp_net *dn = netdev_priv(dev);
	struct dvp_config *config;
	int err;

	if (rtnl_dereference(netns_slot(net)->dn))
		return -EEXIST;

	dn->net = net;
	dn->dev = dev;
	mutex_init(&dn->lock);
	dn->generation = 1;
	/* 0 would tell dumps that nobody counts. */
	dn->seq = 1;
	dvp_reject_init(dn);
	config = netns_default_config();
	if (!config)
		return -ENOMEM;
	rcu_assign_pointer(dn->config, config);

	err = dvp_stats_init(dn);
	if (err)
		goto err_config;
	err = dvp_node_init(dn);
	if (err)
		goto err_stats;
	err = dvp_service_init(dn);
	if (err)
		goto err_node;
	err = dvp_affinity_init(dn);
	if (err)
		goto err_service;
	err = dvp_flow_init(dn);
	if (err)
		goto err_affinity;
	err = dvp_classic_start(dn);
	if (err)
		goto err_flow;
	err = dvp_hooks_start(dn);
	if (err)
		goto err_classic;

	dn->running = true;
	rcu_assign_pointer(netns_slot(net)->dn, dn);
	return 0;

err_classic:
	dvp_classic_stop(dn);
err_flow:
	dvp_flow_exit(dn);
err_affinity:
	dvp_affinity_exit(dn);
err_service:
	dvp_service_exit(dn);
err_node:
	dvp_node_exit(dn);
err_stats:
	dvp_stats_exit(dn);
err_config:
	kfree(config);
	return err;
}

/**
 * dvp_netns_stop - take a namespace's state away; a strict mirror of dvp_netns_start()
 * @dn: the state; its memory belongs to the device and outlives this call
 *
 * Context: RTNL. The device sends and receives no more.
 */
void dvp_netns_stop(struct dvp_net *dn)
{
	RCU_INIT_POINTER(netns_slot(dn->net)->dn, NULL);
	/* Whoever waits for the lock must not open anything again. */
	mutex_lock(&dn->lock);
	dn->running = false;
	mutex_unlock(&dn->lock);

	/* Unregistering hooks waits until nobody runs in them. */
	dvp_hooks_stop(dn);
	dvp_classic_stop(dn);
	dvp_vxlan_close(dn);
	synchronize_net();

	mutex_lock(&dn->lock);
	dvp_sync_exit(dn);
	dvp_flow_exit(dn);
	dvp_affinity_exit(dn);
	dvp_service_exit(dn);
	dvp_node_exit(dn);
	mutex_unlock(&dn->lock);
}

/**
 * dvp_netns_free - free what readers under RCU may have used to the last
 * @dn: the state, stopped a grace period ago
 */
void dvp_netns_free(struct dvp_net *dn)
{
	dvp_stats_exit(dn);
	kfree(rcu_dereference_protected(dn->config, true));
}

static struct pernet_operations netns_ops = {
	.id = &netns_id,
	.size = sizeof(struct netns_slot),
};

int dvp_netns_init(void)
{
	return register_pernet_subsys(&netns_ops);
}

void dvp_netns_exit(void)
{
	unregister_pernet_subsys(&netns_ops);
}
