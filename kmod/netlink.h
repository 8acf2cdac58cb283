/* SPDX-License-Identifier: GPL-2.0 */
/* The generic netlink family: one way in. */
#ifndef _DVPNET_NETLINK_H
#define _DVPNET_NETLINK_H

#include <linux/in6.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

struct dvp_net;
struct dvp_node;
struct dvp_prefix;
struct dvp_range;
struct dvp_service;

extern struct genl_family dvp_netlink_family;

/* A request: find the state and lock it, or say why not. */
struct dvp_net *dvp_netlink_read(struct genl_info *info);
struct dvp_net *dvp_netlink_write(struct genl_info *info);
struct dvp_net *dvp_netlink_dump(struct netlink_callback *cb);
void dvp_netlink_end(struct dvp_net *dn);
void dvp_netlink_end_refresh(struct dvp_net *dn);

/* Attributes that several requests share. */
bool dvp_netlink_missing(struct genl_info *info, int attr);
void dvp_netlink_get_u32(struct genl_info *info, int attr, u32 *value);
int dvp_netlink_get_addr(const struct nlattr *attr, struct in6_addr *addr,
			 struct netlink_ext_ack *extack);
int dvp_netlink_put_addr(struct sk_buff *skb, int attr,
			 const struct in6_addr *addr);
int dvp_netlink_get_block(const struct nlattr *addr_attr, const struct nlattr *len_attr,
			  struct in6_addr *addr, u8 *len,
			  struct netlink_ext_ack *extack);
int dvp_netlink_put_block(struct sk_buff *skb, int addr_attr, int len_attr,
			  const struct in6_addr *addr, u8 len);
int dvp_netlink_get_range(const struct nlattr *attr, bool has_kind,
			  struct dvp_range *range, struct netlink_ext_ack *extack);
int dvp_netlink_put_range(struct sk_buff *skb, int attr, bool has_kind,
			  const struct dvp_range *range);
struct sk_buff *dvp_netlink_reply(struct genl_info *info, int cmd, size_t extra,
				  void **header);
int dvp_netlink_answer(struct genl_info *info, struct sk_buff *msg, void *header,
		       int err);

/* Events. */
bool dvp_netlink_has_listeners(struct dvp_net *dn);
struct sk_buff *dvp_netlink_event(int cmd, void **header);
void dvp_netlink_publish(struct dvp_net *dn, struct sk_buff *msg, void *header,
			 int err);
void dvp_netlink_notify_node(struct dvp_net *dn, struct dvp_node *node, int cmd);
void dvp_netlink_notify_prefix(struct dvp_net *dn, struct dvp_prefix *prefix,
			       int cmd);
void dvp_netlink_notify_service(struct dvp_net *dn, struct dvp_service *service,
				int cmd);

int dvp_netlink_flow_dump_start(struct netlink_callback *cb);
int dvp_netlink_flow_dump_done(struct netlink_callback *cb);
int dvp_netlink_init(void);
void dvp_netlink_exit(void);

#endif
