// SPDX-License-Identifier: GPL-2.0
/* Netlink attributes of the types that the interfaces here use. */
#include "attr.h"

/**
 * attr_put_ip - append an address, four or sixteen bytes; nothing if there is none
 * @msg: where to
 * @type: of the attribute
 * @ip: the address
 */
void attr_put_ip(struct nl_msg *msg, int type, const struct ip *ip)
{
	if (ip->family)
		nla_put(msg, type, ip_size(ip), ip->bytes);
}

/**
 * attr_put_port - append a port; nothing if it is 0
 * @msg: where to
 * @type: of the attribute
 * @port: host byte order
 */
void attr_put_port(struct nl_msg *msg, int type, uint16_t port)
{
	if (port)
		nla_put_u16(msg, type, port);
}

/**
 * attr_put_string - append a text; nothing if there is none
 * @msg: where to
 * @type: of the attribute
 * @text: the text, or NULL
 */
void attr_put_string(struct nl_msg *msg, int type, const char *text)
{
	if (text)
		nla_put_string(msg, type, text);
}

/**
 * attr_u32 - a number of 32 bits
 * @attr: the attribute, or NULL
 * @otherwise: what to return if there is none
 */
uint32_t attr_u32(const struct nlattr *attr, uint32_t otherwise)
{
	return attr && nla_len(attr) >= 4 ? nla_get_u32(attr) : otherwise;
}

/**
 * attr_u16 - a number of 16 bits
 * @attr: the attribute, or NULL for 0
 */
uint16_t attr_u16(const struct nlattr *attr)
{
	return attr && nla_len(attr) >= 2 ? nla_get_u16(attr) : 0;
}

/**
 * attr_u8 - a number of 8 bits
 * @attr: the attribute, or NULL for 0
 */
uint8_t attr_u8(const struct nlattr *attr)
{
	return attr && nla_len(attr) >= 1 ? nla_get_u8(attr) : 0;
}

/**
 * attr_get_ip - an address
 * @attr: the attribute, or NULL for none
 * @ip: filled; left as it is for none
 */
void attr_get_ip(const struct nlattr *attr, struct ip *ip)
{
	if (attr)
		ip_from_bytes(nla_data(attr), nla_len(attr), ip);
}

/**
 * attr_string - a copy of a text
 * @attr: the attribute, or NULL for none
 *
 * Return: the text, to be freed, or NULL.
 */
char *attr_string(const struct nlattr *attr)
{
	return attr ? nla_strdup(attr) : NULL;
}
