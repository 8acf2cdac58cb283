// SPDX-License-Identifier: GPL-2.0
/* iptables as it was before nftables: which chains there are. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter_ipv4/ip_tables.h>

#include "legacy.h"
#include "util.h"

/* Asking for a table would make it: is it there already? */
static bool has_table(uint8_t family, const char *table)
{
	FILE *file = fopen(family == AF_INET ? "/proc/net/ip_tables_names" :
			   "/proc/net/ip6_tables_names", "re");
	bool found = false;
	char line[64];

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = !strcmp(line, table);
	}
	fclose(file);
	return found;
}

/* A table's rules; a chain begins with its name. IPv6 numbers its options alike. */
static struct ipt_get_entries *read_table(int sock, int level, const char *table)
{
	struct ipt_get_entries *entries;
	struct ipt_getinfo info = { 0 };
	socklen_t size = sizeof(info);

	strcpy(info.name, table);
	if (getsockopt(sock, level, IPT_SO_GET_INFO, &info, &size))
		return NULL;
	size = sizeof(*entries) + info.size;
	entries = util_alloc(size);
	strcpy(entries->name, table);
	entries->size = info.size;
	if (!getsockopt(sock, level, IPT_SO_GET_ENTRIES, entries, &size))
		return entries;
	free(entries);
	return NULL;
}

/**
 * legacy_has_chain - has legacy iptables such a chain?
 * @family: AF_INET or AF_INET6
 * @table: name of the table
 * @chain: name of the chain
 *
 * Return: false also if the kernel does not tell.
 */
bool legacy_has_chain(uint8_t family, const char *table, const char *chain)
{
	int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, sock;
	struct ipt_get_entries *entries;
	bool found = false;

	if (!has_table(family, table))
		return false;
	sock = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (sock < 0)
		return false;
	entries = read_table(sock, level, table);
	if (entries)
		found = memmem(entries->entrytable, entries->size, chain, strlen(chain) + 1);
	free(entries);
	close(sock);
	return found;
}
