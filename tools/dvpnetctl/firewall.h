/* SPDX-License-Identifier: GPL-2.0 */
/* Whether rules of nftables let a packet through, as far as they tell without one. */
#ifndef DVPNETCTL_FIREWALL_H
#define DVPNETCTL_FIREWALL_H

#include <jansson.h>

#include "nft.h"
#include "span.h"

/**
 * struct firewall_probe - the first packet of a connection, as rules see it
 * @family: AF_INET or AF_INET6
 * @iifname: device that it came from
 * @oifname: device that it goes to
 * @saddr: sources
 * @daddr: destinations
 */
struct firewall_probe {
	uint8_t family;
	const char *iifname;
	const char *oifname;
	struct spans saddr;
	struct spans daddr;
};

/**
 * struct firewall_table - a table of nftables, listed twice
 * @objects: in JSON
 * @text: as nft does, with handles; only it tells what matches of iptables say
 */
struct firewall_table {
	json_t *objects;
	char *text;
};

bool firewall_read(struct nft *nft, const char *family, const char *name,
		   struct firewall_table *table);
void firewall_free(struct firewall_table *table);
bool firewall_blocks(const struct firewall_table *table, const char *chain,
		     const struct firewall_probe *probe);

#endif
