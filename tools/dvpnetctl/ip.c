// SPDX-License-Identifier: GPL-2.0
/* IP addresses and prefixes of both families. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ip.h"

/* As the C library's type, which has to be aligned. */
static struct in6_addr in6_of(const struct ip *ip)
{
	struct in6_addr in6;

	memcpy(&in6, ip->bytes, sizeof(in6));
	return in6;
}

static bool is_v4_mapped(const struct ip *ip)
{
	const struct in6_addr in6 = in6_of(ip);

	return IN6_IS_ADDR_V4MAPPED(&in6);
}

/**
 * ip_parse - read an address
 * @text: as of inet_pton()
 * @ip: where to put it
 *
 * IPv4 in IPv6 (::ffff:a.b.c.d) is refused: the kernel keeps IPv4 so.
 */
bool ip_parse(const char *text, struct ip *ip)
{
	memset(ip, 0, sizeof(*ip));
	if (inet_pton(AF_INET, text, ip->bytes) == 1) {
		ip->family = AF_INET;
		return true;
	}
	if (inet_pton(AF_INET6, text, ip->bytes) == 1) {
		ip->family = AF_INET6;
		return !is_v4_mapped(ip);
	}
	return false;
}

/**
 * ip_trim_zeros - take leading zeros off the numbers of an IPv4 address
 * @text: an address or prefix; of IPv6, it stays as it is
 * @trimmed: where to write it
 *
 * Kubernetes has always taken them, and the numbers for decimal. Others take them for octal,
 * so ip_parse() refuses them.
 *
 * Return: @trimmed.
 */
const char *ip_trim_zeros(const char *text, char trimmed[IP_TEXT_MAX])
{
	bool is_v4 = !strchr(text, ':'), at_start = true;
	size_t used = 0;

	for (; *text && used < IP_TEXT_MAX - 1; text++) {
		bool leads = is_v4 && at_start && *text == '0' && isdigit((unsigned char)text[1]);

		at_start = leads || *text == '.';
		if (!leads)
			trimmed[used++] = *text;
	}
	trimmed[used] = '\0';
	return trimmed;
}

/* A decimal number without sign or blanks. */
static bool parse_number(const char *text, unsigned long max, unsigned long *number)
{
	char *end;

	if (*text < '0' || *text > '9' || strlen(text) > 5)
		return false;
	*number = strtoul(text, &end, 10);
	return !*end && *number <= max;
}

/* Split at the last @separator and parse what stands before it. */
static bool parse_before(const char *text, const char *separator, struct ip *ip)
{
	char address[INET6_ADDRSTRLEN];
	size_t size = separator - text;

	if (size >= sizeof(address))
		return false;
	memcpy(address, text, size);
	address[size] = '\0';
	return ip_parse(address, ip);
}

/**
 * ip_parse_prefix - read ADDRESS/LENGTH
 * @text: the text
 * @ip: where to put the address
 * @len: where to put the length
 */
bool ip_parse_prefix(const char *text, struct ip *ip, uint8_t *len)
{
	const char *slash = strchr(text, '/');
	unsigned long number;

	if (!slash || !parse_before(text, slash, ip) ||
	    !parse_number(slash + 1, ip_bits(ip), &number))
		return false;
	*len = number;
	return true;
}

/**
 * ip_parse_endpoint - read ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT
 * @text: the text
 * @ip: where to put the address
 * @port: where to put the port; 0 where there is none
 */
bool ip_parse_endpoint(const char *text, struct ip *ip, uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	unsigned long number;

	*port = 0;
	if (ip_parse(text, ip))
		return true;
	if (!colon || !parse_number(colon + 1, 65535, &number) || !number)
		return false;
	*port = number;
	if (*text == '[')
		return colon[-1] == ']' && parse_before(text + 1, colon - 1, ip) &&
		       ip->family == AF_INET6;
	return parse_before(text, colon, ip) && ip->family == AF_INET;
}

/**
 * ip_from_bytes - an address from a netlink attribute
 * @bytes: in network byte order
 * @size: 4 or 16
 * @ip: where to put it
 */
bool ip_from_bytes(const void *bytes, size_t size, struct ip *ip)
{
	memset(ip, 0, sizeof(*ip));
	if (size != 4 && size != 16)
		return false;
	ip->family = size == 4 ? AF_INET : AF_INET6;
	memcpy(ip->bytes, bytes, size);
	return true;
}

/**
 * ip_size - bytes of an address
 * @ip: the address
 */
size_t ip_size(const struct ip *ip)
{
	return ip->family == AF_INET ? 4 : 16;
}

/**
 * ip_bits - bits of an address
 * @ip: the address
 */
uint8_t ip_bits(const struct ip *ip)
{
	return 8 * ip_size(ip);
}

/**
 * ip_compare - order addresses, IPv4 first
 * @a: an address
 * @b: an address
 */
int ip_compare(const struct ip *a, const struct ip *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/**
 * ip_contains - is an address within a prefix?
 * @prefix: first address of the prefix
 * @len: its length
 * @ip: the address
 */
bool ip_contains(const struct ip *prefix, uint8_t len, const struct ip *ip)
{
	unsigned int whole = len / 8, rest = len % 8;

	if (prefix->family != ip->family || memcmp(prefix->bytes, ip->bytes, whole))
		return false;
	return !rest || !((prefix->bytes[whole] ^ ip->bytes[whole]) >> (8 - rest));
}

/**
 * ip_has_host_bits - is anything set behind the length of a prefix?
 * @ip: address of the prefix
 * @len: its length
 */
bool ip_has_host_bits(const struct ip *ip, uint8_t len)
{
	unsigned int i;

	for (i = len; i < ip_bits(ip); i++)
		if (ip->bytes[i / 8] & (0x80 >> i % 8))
			return true;
	return false;
}

/**
 * ip_clear_host_bits - clear what is set behind the length of a prefix
 * @ip: address of the prefix
 * @len: its length
 */
void ip_clear_host_bits(struct ip *ip, uint8_t len)
{
	unsigned int i;

	for (i = len; i < ip_bits(ip); i++)
		ip->bytes[i / 8] &= ~(0x80 >> i % 8);
}

/**
 * ip_is_unicast - can the address be somebody's on a network?
 * @ip: the address
 */
bool ip_is_unicast(const struct ip *ip)
{
	static const struct ip zero;
	const struct in6_addr in6 = in6_of(ip);

	if (!memcmp(ip->bytes, zero.bytes, sizeof(zero.bytes)))
		return false;
	if (ip->family == AF_INET)
		return ip->bytes[0] && ip->bytes[0] != 127 && ip->bytes[0] < 224;
	return !IN6_IS_ADDR_MULTICAST(&in6) && !IN6_IS_ADDR_LOOPBACK(&in6) && !is_v4_mapped(ip);
}

/**
 * ip_text - write an address
 * @ip: the address; "-" is written where there is none
 * @text: where to put it
 *
 * Return: @text.
 */
const char *ip_text(const struct ip *ip, char text[IP_TEXT_MAX])
{
	if (!ip->family || !inet_ntop(ip->family, ip->bytes, text, IP_TEXT_MAX))
		strcpy(text, "-");
	return text;
}

/**
 * ip_prefix_text - write ADDRESS/LENGTH
 * @ip: address of the prefix
 * @len: its length
 * @text: where to write
 *
 * Return: @text.
 */
const char *ip_prefix_text(const struct ip *ip, uint8_t len, char text[IP_TEXT_MAX])
{
	size_t used = strlen(ip_text(ip, text));

	snprintf(text + used, IP_TEXT_MAX - used, "/%u", len);
	return text;
}

/**
 * ip_port_text - write ADDRESS:PORT or [ADDRESS]:PORT
 * @ip: the address; "*" is written where there is none
 * @port: the port; left out when 0
 * @text: where to put it
 *
 * Return: @text.
 */
const char *ip_port_text(const struct ip *ip, uint16_t port, char text[IP_TEXT_MAX])
{
	char address[IP_TEXT_MAX] = "*";

	if (ip->family)
		ip_text(ip, address);
	if (!port)
		strcpy(text, address);
	else
		snprintf(text, IP_TEXT_MAX, ip->family == AF_INET6 ? "[%.45s]:%u" : "%.45s:%u",
			 address, port);
	return text;
}

/**
 * ip_family_text - name of a family
 * @family: AF_INET or AF_INET6
 */
const char *ip_family_text(uint8_t family)
{
	return family == AF_INET ? "IPv4" : "IPv6";
}
