/* SPDX-License-Identifier: GPL-2.0 */
/* Netlink attributes of the types that the interfaces here use. */
#ifndef DVPNETCTL_ATTR_H
#define DVPNETCTL_ATTR_H

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "ip.h"

void attr_put_ip(struct nl_msg *msg, int type, const struct ip *ip);
void attr_put_port(struct nl_msg *msg, int type, uint16_t port);
void attr_put_string(struct nl_msg *msg, int type, const char *text);
uint32_t attr_u32(const struct nlattr *attr, uint32_t otherwise);
uint16_t attr_u16(const struct nlattr *attr);
uint8_t attr_u8(const struct nlattr *attr);
void attr_get_ip(const struct nlattr *attr, struct ip *ip);
char *attr_string(const struct nlattr *attr);

#endif
