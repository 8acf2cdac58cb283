// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual device: a way in and a way out for all modes.
 *
 * Routes for remote prefixes point at it. The trie says which node a packet
 * goes to, the node says how. All of it is looked up for every packet, so a
 * node that moves or changes its mode needs no route to be touched.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/dst_metadata.h>
#include <net/icmp.h>
#include <net/ip_tunnels.h>
#include <net/rtnetlink.h>

#include "classic.h"
#include "device.h"
#include "mtu.h"
#include "netns.h"
#include "node.h"
#include "prefix.h"
#include "underlay.h"
#include "vxlan.h"

/* What makes an alias ours to change. */
#define DEVICE_ALIAS "dvpnet mode "

/* Tell the sender that nobody is there. */
static void device_unreachable(struct sk_buff *skb)
{
	if (!skb_valid_dst(skb))
		return;
	if (skb->protocol == htons(ETH_P_IP))
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
	else
		icmpv6_ndo_send(skb, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0);
}

static enum dvp_stat device_way_error(int err)
{
	switch (err) {
	case -ELOOP:
		return DVP_STAT_TX_LOOP;
	case -EHOSTUNREACH:
		return DVP_STAT_TX_NOT_CONNECTED;
	default:
		return DVP_STAT_TX_NO_UNDERLAY;
	}
}

static int device_drop_tx(struct dvp_net *dn, struct sk_buff *skb,
			  enum dvp_stat stat, int err)
{
	dvp_stats_inc(dn, stat);
	dev_core_stats_tx_dropped_inc(dn->dev);
	kfree_skb(skb);
	return err;
}

static int device_send(struct net *net, struct sock *sk, struct sk_buff *skb);

/* Send over a known way, whose route is consumed, as is the packet. */
static int device_send_way(struct dvp_net *dn, struct sk_buff *skb,
			   struct dvp_node *node, struct dvp_underlay *way,
			   const struct dvp_config *config,
			   enum dvpnet_mode mode)
{
	u32 mtu = dvp_mtu_of_way(way, mode);
	enum dvp_stat stat = DVP_STAT_TX_ERROR;
	enum dvp_mtu_verdict verdict;
	int err;

	err = dvp_mtu_clamp_mss(skb, mtu);
	if (err < 0)
		goto drop;
	if (err)
		dvp_stats_inc(dn, DVP_STAT_TX_MSS_CLAMPED);

	verdict = dvp_mtu_check(skb, mtu, mode);
	if (verdict == DVP_MTU_FRAGMENT && skb_valid_dst(skb) &&
	    skb_dst(skb)->ops->family == AF_INET) {
		dst_release(way->dst);
		if (!skb_is_gso(skb))
			dvp_stats_inc(dn, DVP_STAT_TX_FRAGMENTED);
		return dvp_mtu_fragment(dn->net, skb, mtu, device_send);
	}
	if (verdict == DVP_MTU_REFUSE || verdict == DVP_MTU_FRAGMENT) {
		dvp_mtu_refuse(skb, mtu, mode);
		stat = DVP_STAT_TX_TOO_LONG;
		err = -EMSGSIZE;
		goto drop;
	}

	if (mode == DVPNET_MODE_CLASSIC)
		err = dvp_classic_xmit(dn, skb, way);
	else
		err = dvp_vxlan_xmit(dn, skb, node, way, config,
				     verdict == DVP_MTU_FRAGMENT_OUTER);
	if (!err)
		return 0;
drop:
	dst_release(way->dst);
	return device_drop_tx(dn, skb, stat, err);
}

/*
 * A reply of a NodePort of ours to another node is routed as the pod's that it
 * was, but no pod's address is in it by now: it is what the underlay is for.
 */
static bool device_is_between_nodes(struct dvp_net *dn, const struct sk_buff *skb)
{
	const struct dvp_node *self = rcu_dereference(dn->self);
	struct in6_addr src, dst;

	dvp_device_inner_saddr(skb, &src);
	dvp_device_inner_daddr(skb, &dst);
	return dvp_node_is(dvp_node_by_underlay(dn, &src), self) &&
	       dvp_node_by_underlay(dn, &dst);
}

/* Find the node, the way and the mode, and send. Fragments come here again. */
static int device_send(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	struct dvp_net *dn = netdev_priv(skb->dev);
	const struct dvp_config *config;
	enum dvp_stat stat;
	struct dvp_underlay way;
	enum dvpnet_mode mode;
	struct dvp_node *node;
	struct in6_addr dst;
	int err;

	rcu_read_lock();
	dvp_device_inner_daddr(skb, &dst);
	node = dvp_prefix_lookup(&dn->prefixes, &dst);
	/* What pods send to a node itself comes here as well, see dvp_node_owns(). */
	if (!node)
		node = dvp_node_by_underlay(dn, &dst);
	err = -ENETUNREACH;
	if (!node) {
		stat = DVP_STAT_TX_NO_NODE;
		goto unreachable;
	}
	if (node->local) {
		stat = DVP_STAT_TX_LOCAL_PREFIX;
		goto unreachable;
	}

	config = rcu_dereference(dn->config);
	err = dvp_underlay_find(dn, node, &way);
	if (err) {
		stat = device_way_error(err);
		goto unreachable;
	}
	if (device_is_between_nodes(dn, skb))
		mode = DVPNET_MODE_CLASSIC;
	else
		err = dvp_underlay_mode(&way, node, config, &mode);
	if (err) {
		dst_release(way.dst);
		stat = device_way_error(err);
		goto unreachable;
	}
	err = device_send_way(dn, skb, node, &way, config, mode);
	rcu_read_unlock();
	return err;

unreachable:
	device_unreachable(skb);
	device_drop_tx(dn, skb, stat, err);
	rcu_read_unlock();
	return err;
}

static netdev_tx_t device_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct dvp_net *dn = netdev_priv(dev);

	if (!pskb_inet_may_pull(skb) ||
	    skb->protocol != ip_tunnel_parse_protocol(skb))
		device_drop_tx(dn, skb, DVP_STAT_TX_NOT_IP, 0);
	else
		device_send(dev_net(dev), NULL, skb);
	return NETDEV_TX_OK;
}

/**
 * dvp_device_receive - pass a packet up as received by the device
 * @dn: whose device
 * @skb: IP packet without outer headers, scrubbed; consumed
 * @stat: counter for it
 *
 * Context: RCU read side, softirq.
 */
void dvp_device_receive(struct dvp_net *dn, struct sk_buff *skb,
			enum dvp_stat stat)
{
	struct net_device *dev = dn->dev;

	if (!(READ_ONCE(dev->flags) & IFF_UP)) {
		dev_core_stats_rx_dropped_inc(dev);
		kfree_skb(skb);
		return;
	}
	dvp_stats_inc(dn, stat);
	dev_sw_netstats_rx_add(dev, skb->len);
	skb->dev = dev;
	gro_cells_receive(&dn->gro_cells, skb);
}

/**
 * dvp_device_drop_rx - drop a packet that was meant for the device
 * @dn: whose device
 * @skb: the packet; consumed
 * @stat: why
 *
 * Context: RCU read side, softirq.
 */
void dvp_device_drop_rx(struct dvp_net *dn, struct sk_buff *skb,
			enum dvp_stat stat)
{
	dvp_stats_inc(dn, stat);
	dev_core_stats_rx_dropped_inc(dn->dev);
	kfree_skb(skb);
}

static int device_open(struct net_device *dev)
{
	struct inet6_dev *idev = __in6_dev_get(dev);

	/* Every address comes from the cluster, a link-local one has no use. */
	if (idev)
		idev->cnf.addr_gen_mode = IN6_ADDR_GEN_MODE_NONE;
	return 0;
}

static int device_init(struct net_device *dev)
{
	struct dvp_net *dn = netdev_priv(dev);
	int err;

	err = gro_cells_init(&dn->gro_cells, dev);
	if (err)
		return err;
	err = dvp_netns_start(dev_net(dev), dev);
	if (err)
		gro_cells_destroy(&dn->gro_cells);
	return err;
}

static void device_uninit(struct net_device *dev)
{
	struct dvp_net *dn = netdev_priv(dev);

	dvp_netns_stop(dn);
	gro_cells_destroy(&dn->gro_cells);
}

static void device_free(struct net_device *dev)
{
	dvp_netns_free(netdev_priv(dev));
}

static const struct net_device_ops device_ops = {
	.ndo_init = device_init,
	.ndo_uninit = device_uninit,
	.ndo_open = device_open,
	.ndo_start_xmit = device_xmit,
	.ndo_get_stats64 = dev_get_tstats64,
};

static const struct device_type device_type = {
	.name = "dvpnet",
};

static void device_setup(struct net_device *dev)
{
	const netdev_features_t features = NETIF_F_SG | NETIF_F_FRAGLIST |
		NETIF_F_HW_CSUM | NETIF_F_RXCSUM | NETIF_F_GSO_SOFTWARE;

	dev->netdev_ops = &device_ops;
	dev->header_ops = &ip_tunnel_header_ops;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_POINTOPOINT | IFF_NOARP;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->needed_headroom = LL_MAX_HEADER + DVP_MTU_OVERHEAD_V6;
	dev->mtu = ETH_DATA_LEN - DVP_MTU_OVERHEAD_V4;
	dev->min_mtu = IPV4_MIN_MTU;
	dev->max_mtu = IP_MAX_MTU;
	dev->features |= features;
	dev->hw_features |= features;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->priv_destructor = device_free;
	dev->needs_free_netdev = true;
	compat_netdev_set_lltx(dev);
	compat_netdev_set_netns_immutable(dev);
	/* ICMP errors need the route. */
	netif_keep_dst(dev);
	SET_NETDEV_DEVTYPE(dev, &device_type);
}

static const char *device_mode_name(enum dvpnet_mode mode)
{
	switch (mode) {
	case DVPNET_MODE_CLASSIC:
		return "classic";
	case DVPNET_MODE_AUTO:
		return "auto";
	default:
		return "vxlan";
	}
}

/* For iproute2, which shows no data of kinds that it does not know. */
static void device_update_alias(struct dvp_net *dn)
{
	const struct dvp_config *config;
	const struct dev_ifalias *old;
	char alias[IFALIASZ];
	bool keep;
	int len;

	rcu_read_lock();
	config = rcu_dereference(dn->config);
	len = snprintf(alias, sizeof(alias), DEVICE_ALIAS "%s vni %u port %u",
		       device_mode_name(config->mode), config->vni, config->port);
	old = rcu_dereference(dn->dev->ifalias);
	keep = old && (!strstarts(old->ifalias, DEVICE_ALIAS) ||
		       !strcmp(old->ifalias, alias));
	rcu_read_unlock();

	if (!keep && dev_set_alias(dn->dev, alias, len) > 0)
		netdev_state_change(dn->dev);
}

/**
 * dvp_device_refresh - make what the device shows follow configuration and nodes
 * @dn: whose device; the caller holds a reference to it
 *
 * To be called after each change of settings or nodes.
 *
 * Context: process, takes RTNL; &dvp_net.lock must not be held.
 */
void dvp_device_refresh(struct dvp_net *dn)
{
	rtnl_lock();
	if (dn->dev->reg_state == NETREG_REGISTERED) {
		dvp_mtu_update_device(dn);
		device_update_alias(dn);
	}
	rtnl_unlock();
}

static int device_newlink(struct net_device *dev, struct netlink_ext_ack *extack)
{
	bool exists;
	int err;

	rcu_read_lock();
	exists = dvp_netns_find(dev_net(dev));
	rcu_read_unlock();
	if (exists) {
		NL_SET_ERR_MSG_MOD(extack, "this network namespace has a dvpnet device already");
		return -EEXIST;
	}
	err = register_netdevice(dev);
	if (!err)
		device_update_alias(netdev_priv(dev));
	return err;
}

COMPAT_NEWLINK_OP(device_newlink_op, device_newlink)

static size_t device_info_size(const struct net_device *dev)
{
	return nla_total_size(sizeof(u32)) +	/* DVP_DEVICE_A_MODE */
	       nla_total_size(sizeof(u32)) +	/* DVP_DEVICE_A_VNI */
	       nla_total_size(sizeof(u16));	/* DVP_DEVICE_A_PORT */
}

static int device_fill_info(struct sk_buff *skb, const struct net_device *dev)
{
	const struct dvp_net *dn = netdev_priv(dev);
	const struct dvp_config *config;
	int err = 0;

	rcu_read_lock();
	config = rcu_dereference(dn->config);
	if (nla_put_u32(skb, DVP_DEVICE_A_MODE, config->mode) ||
	    nla_put_u32(skb, DVP_DEVICE_A_VNI, config->vni) ||
	    nla_put_u16(skb, DVP_DEVICE_A_PORT, config->port))
		err = -EMSGSIZE;
	rcu_read_unlock();
	return err;
}

static struct rtnl_link_ops device_link_ops __read_mostly = {
	.kind = "dvpnet",
	.priv_size = sizeof(struct dvp_net),
	.setup = device_setup,
	.newlink = device_newlink_op,
	.get_size = device_info_size,
	.fill_info = device_fill_info,
};

/* The underlay's MTU may have changed, or a device with the address come up. */
static int device_event(struct notifier_block *block, unsigned long event,
			void *info)
{
	struct net_device *dev = netdev_notifier_info_to_dev(info);
	struct dvp_net *dn;

	if (event != NETDEV_UP && event != NETDEV_CHANGEMTU)
		return NOTIFY_DONE;
	/* RTNL, which is held, keeps it. */
	rcu_read_lock();
	dn = dvp_netns_find(dev_net(dev));
	rcu_read_unlock();
	if (dn && dn->dev != dev && dn->dev->reg_state == NETREG_REGISTERED)
		dvp_mtu_update_device(dn);
	return NOTIFY_DONE;
}

static struct notifier_block device_notifier = {
	.notifier_call = device_event,
};

/**
 * dvp_device_init - make the link kind known
 *
 * Return: 0, or an error.
 */
int dvp_device_init(void)
{
	int err;

	err = register_netdevice_notifier(&device_notifier);
	if (err)
		return err;
	err = rtnl_link_register(&device_link_ops);
	if (err)
		unregister_netdevice_notifier(&device_notifier);
	return err;
}

/**
 * dvp_device_exit - remove all devices, and the link kind
 */
void dvp_device_exit(void)
{
	rtnl_link_unregister(&device_link_ops);
	unregister_netdevice_notifier(&device_notifier);
}

MODULE_ALIAS_RTNL_LINK("dvpnet");
