/* SPDX-License-Identifier: GPL-2.0 */
/* IP addresses and prefixes of both families. */
#ifndef DVPNETCTL_IP_H
#define DVPNETCTL_IP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Room for "[address]:port" and the final NUL. */
#define IP_TEXT_MAX (INET6_ADDRSTRLEN + 8)

/**
 * struct ip - an address
 * @family: AF_INET, AF_INET6, or 0 for none
 * @bytes: in network byte order, four or sixteen of them, zero behind
 */
struct ip {
	uint8_t family;
	uint8_t bytes[16];
};

bool ip_parse(const char *text, struct ip *ip);
const char *ip_trim_zeros(const char *text, char trimmed[IP_TEXT_MAX]);
bool ip_parse_prefix(const char *text, struct ip *ip, uint8_t *len);
bool ip_parse_endpoint(const char *text, struct ip *ip, uint16_t *port);
bool ip_from_bytes(const void *bytes, size_t size, struct ip *ip);
size_t ip_size(const struct ip *ip);
uint8_t ip_bits(const struct ip *ip);
int ip_compare(const struct ip *a, const struct ip *b);
bool ip_contains(const struct ip *prefix, uint8_t len, const struct ip *ip);
bool ip_has_host_bits(const struct ip *ip, uint8_t len);
void ip_clear_host_bits(struct ip *ip, uint8_t len);
bool ip_is_unicast(const struct ip *ip);
const char *ip_text(const struct ip *ip, char text[IP_TEXT_MAX]);
const char *ip_prefix_text(const struct ip *ip, uint8_t len, char text[IP_TEXT_MAX]);
const char *ip_port_text(const struct ip *ip, uint16_t port, char text[IP_TEXT_MAX]);
const char *ip_family_text(uint8_t family);

#endif
