// SPDX-License-Identifier: GPL-2.0
/* Network devices, ours above all, over rtnetlink. */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "link.h"

#define KIND "dvpnet"

#define MESSAGE_MAX 4096

static struct nl_msg *request(int type, int flags, const struct ifinfomsg *ifi)
{
	struct nl_msg *msg = netlink_msg(MESSAGE_MAX);

	nlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, flags);
	nlmsg_append(msg, (void *)ifi, sizeof(*ifi), NLMSG_ALIGNTO);
	return msg;
}

/**
 * link_add - create the device
 * @netlink: from route_open()
 *
 * Return: 0 or a negative errno.
 */
int link_add(struct netlink *netlink)
{
	const struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nl_msg *msg = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi);
	struct nlattr *nest;

	nla_put_string(msg, IFLA_IFNAME, LINK_NAME);
	nest = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, KIND);
	nla_nest_end(msg, nest);
	return netlink_request(netlink, msg, NULL, NULL);
}

static int parse_flags(struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = nlmsg_data(nlh);

	if (nlh->nlmsg_type == RTM_NEWLINK)
		*(unsigned int *)arg = ifi->ifi_flags;
	return 0;
}

/**
 * link_set_up - set a device up
 * @netlink: from route_open()
 * @ifindex: the device
 * @changes: raised if it was down
 *
 * Return: 0 or a negative errno.
 */
int link_set_up(struct netlink *netlink, uint32_t ifindex, size_t *changes)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	unsigned int flags = 0;
	int err;

	err = netlink_request(netlink, request(RTM_GETLINK, 0, &ifi), parse_flags, &flags);
	if (err || flags & IFF_UP)
		return err;
	++*changes;
	ifi.ifi_flags = IFF_UP;
	ifi.ifi_change = IFF_UP;
	return netlink_request(netlink, request(RTM_NEWLINK, 0, &ifi), NULL, NULL);
}

/**
 * link_remove - remove a device, and its addresses and routes
 * @netlink: from route_open()
 * @ifindex: the device
 *
 * Return: 0 or a negative errno.
 */
int link_remove(struct netlink *netlink, uint32_t ifindex)
{
	const struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };

	return netlink_request(netlink, request(RTM_DELLINK, 0, &ifi), NULL, NULL);
}

static void copy_text(struct nlattr *attr, char *text, size_t size)
{
	if (attr)
		nla_strlcpy(text, attr, size);
}

static int parse_link(struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = nlmsg_data(nlh);
	struct nlattr *attrs[IFLA_MAX + 1], *info;
	struct links *links = arg;
	struct link *link;

	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(nlh, sizeof(*ifi), attrs, IFLA_MAX, NULL))
		return -EBADMSG;
	link = list_add(&links->list);
	link->ifindex = ifi->ifi_index;
	copy_text(attrs[IFLA_IFNAME], link->name, sizeof(link->name));
	link->mtu = attr_u32(attrs[IFLA_MTU], 0);
	info = attrs[IFLA_LINKINFO];
	if (info)
		copy_text(nla_find(nla_data(info), nla_len(info), IFLA_INFO_KIND), link->kind,
			  sizeof(link->kind));
	return 0;
}

/**
 * link_list - what devices there are
 * @netlink: from route_open()
 * @links: filled; to be freed by list_free() also after an error
 *
 * Return: 0 or a negative errno.
 */
int link_list(struct netlink *netlink, struct links *links)
{
	const struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	int tries, err = -EINTR;

	/* Others may add and remove devices meanwhile. */
	for (tries = 0; err == -EINTR && tries < 10; tries++) {
		links->list.count = 0;
		err = netlink_request(netlink, request(RTM_GETLINK, NLM_F_DUMP, &ifi), parse_link,
				      links);
	}
	return err;
}

/**
 * link_is_ours - is it a device of the module?
 * @link: the device
 */
bool link_is_ours(const struct link *link)
{
	return !strcmp(link->kind, KIND);
}

static int parse_address(struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = nlmsg_data(nlh);
	struct link_addresses *addresses = arg;
	struct nlattr *attrs[IFA_MAX + 1];
	struct link_address *address;

	if (nlh->nlmsg_type != RTM_NEWADDR ||
	    nlmsg_parse(nlh, sizeof(*ifa), attrs, IFA_MAX, NULL))
		return -EBADMSG;
	address = list_add(&addresses->list);
	attr_get_ip(attrs[attrs[IFA_LOCAL] ? IFA_LOCAL : IFA_ADDRESS], &address->ip);
	address->ifindex = ifa->ifa_index;
	return 0;
}

static int compare_addresses(const void *a, const void *b)
{
	const struct link_address *x = a, *y = b;

	return ip_compare(&x->ip, &y->ip);
}

/**
 * link_list_addresses - what addresses devices have
 * @netlink: from route_open()
 * @addresses: filled; to be freed by list_free() also after an error
 *
 * Return: 0 or a negative errno.
 */
int link_list_addresses(struct netlink *netlink, struct link_addresses *addresses)
{
	const struct ifaddrmsg ifa = { .ifa_family = AF_UNSPEC };
	int tries, err = -EINTR;

	for (tries = 0; err == -EINTR && tries < 10; tries++) {
		struct nl_msg *msg = netlink_msg(MESSAGE_MAX);

		nlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, RTM_GETADDR, 0, NLM_F_DUMP);
		nlmsg_append(msg, (void *)&ifa, sizeof(ifa), NLMSG_ALIGNTO);
		addresses->list.count = 0;
		err = netlink_request(netlink, msg, parse_address, addresses);
	}
	list_sort(&addresses->list, compare_addresses);
	return err;
}

/**
 * link_find_address - find an address among them
 * @addresses: from link_list_addresses()
 * @ip: the address
 *
 * Return: the address, or NULL.
 */
const struct link_address *link_find_address(const struct link_addresses *addresses,
					     const struct ip *ip)
{
	const struct link_address key = { .ip = *ip };

	if (!addresses->list.count)
		return NULL;
	return bsearch(&key, addresses->list.item, addresses->list.count, sizeof(key),
		       compare_addresses);
}
