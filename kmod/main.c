// SPDX-License-Identifier: GPL-2.0
/* The module: what exists once, and in which order it comes and goes. */
#include <linux/module.h>

#include "device.h"
#include "flow.h"
#include "netlink.h"
#include "netns.h"

static int __init dvp_init(void)
{
	int err;

	err = dvp_flow_module_init();
	if (err)
		return err;
	err = dvp_netns_init();
	if (err)
		goto err_flow;
	err = dvp_device_init();
	if (err)
		goto err_netns;
	err = dvp_netlink_init();
	if (err)
		goto err_device;
	return 0;

err_device:
	dvp_device_exit();
err_netns:
	dvp_netns_exit();
err_flow:
	rcu_barrier();
	dvp_flow_module_exit();
	return err;
}

static void __exit dvp_exit(void)
{
	dvp_netlink_exit();
	dvp_device_exit();
	dvp_netns_exit();
	/* Callbacks that free flows, nodes and services run our code. */
	rcu_barrier();
	dvp_flow_module_exit();
}

module_init(dvp_init);
module_exit(dvp_exit);

MODULE_DESCRIPTION("Internal network of a virtualization cluster: pod traffic and Kubernetes Services");
MODULE_AUTHOR("The dvpnet developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(DVPNET_VERSION);
MODULE_ALIAS_GENL_FAMILY(DVPNET_GENL_NAME);
