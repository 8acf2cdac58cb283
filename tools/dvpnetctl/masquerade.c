// SPDX-License-Identifier: GPL-2.0
/*
 * masqueradeMode Netfilter: pods go out as this node, by nftables.
 *
 * One table, which nobody else writes to. It is compared with what ought to be
 * and replaced as a whole, in one transaction, when anything differs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "masquerade.h"
#include "nft.h"
#include "span.h"

#define TABLE "inet " MASQUERADE_TABLE

/**
 * struct address_set - a set of the table
 * @name: its name
 * @family: AF_INET or AF_INET6
 * @spans: what is in it
 */
struct address_set {
	const char *name;
	uint8_t family;
	struct spans spans;
};

/** enum set_index - the sets, in the order in which the table has them */
enum set_index { PODS4, PODS6, INSIDE4, INSIDE6, SETS };

/**
 * struct masquerade - what the table ought to be
 * @sets: its sets
 * @ports: ports to choose from, as "to :A-B", or "" for all
 */
struct masquerade {
	struct address_set sets[SETS];
	char ports[32];
};

/* ---- what ought to be ---- */

/* It is either the module or the table. */
static bool is_wanted(const struct config *config)
{
	return config_has(config, DVPNET_A_CONFIG_MASQUERADE) &&
	       !config->value[DVPNET_A_CONFIG_MASQUERADE];
}

/*
 * A reply to a NodePort's number would be taken for a new connection to it: the
 * longer part of the ports beside that range is used.
 */
static void choose_ports(const struct config *config, char *text, size_t size)
{
	uint32_t min = config->value[DVPNET_A_CONFIG_NODEPORT_MIN];
	uint32_t max = config->value[DVPNET_A_CONFIG_NODEPORT_MAX];

	if (!max)
		*text = '\0';
	else if (65535 - max >= min - 1024 || min <= 1024)
		snprintf(text, size, "to :%u-65535", max == 65535 ? 1024 : max + 1);
	else
		snprintf(text, size, "to :1024-%u", min - 1);
}

static void want_table(const struct state *want, struct masquerade *masquerade)
{
	static const struct address_set sets[SETS] = {
		[PODS4] = { "pods4", AF_INET },
		[PODS6] = { "pods6", AF_INET6 },
		[INSIDE4] = { "inside4", AF_INET },
		[INSIDE6] = { "inside6", AF_INET6 },
	};
	const struct node *self = state_self(want);
	size_t i;
	int f;

	memcpy(masquerade->sets, sets, sizeof(sets));
	for (i = 0; i < want->prefixes.count; i++) {
		const struct prefix *prefix = &want->prefixes.item[i];

		f = family_index(prefix->addr.family);
		spans_add_prefix(&masquerade->sets[INSIDE4 + f].spans, &prefix->addr, prefix->len);
		if (self && !strcmp(prefix->node, self->name))
			spans_add_prefix(&masquerade->sets[PODS4 + f].spans, &prefix->addr,
					 prefix->len);
	}
	for (i = 0; i < want->ranges.list.count; i++) {
		const struct range *range = &want->ranges.list.item[i];

		f = family_index(range->addr.family);
		spans_add_prefix(&masquerade->sets[INSIDE4 + f].spans, &range->addr, range->len);
	}
	for (i = 0; i < want->nodes.count; i++)
		for (f = 0; f < FAMILIES; f++) {
			const struct ip *ip = &want->nodes.item[i].underlay[f];

			if (ip->family)
				spans_add_prefix(&masquerade->sets[INSIDE4 + f].spans, ip,
						 ip_bits(ip));
		}
	for (i = 0; i < SETS; i++)
		spans_merge(&masquerade->sets[i].spans);
	choose_ports(&want->config, masquerade->ports, sizeof(masquerade->ports));
}

static void free_table(struct masquerade *masquerade)
{
	int i;

	for (i = 0; i < SETS; i++)
		spans_free(&masquerade->sets[i].spans);
}

static void print_elements(const struct spans *spans, FILE *to)
{
	char first[IP_TEXT_MAX], last[IP_TEXT_MAX];
	size_t i;

	if (!spans->list.count)
		return;
	fputs("\t\telements = {", to);
	for (i = 0; i < spans->list.count; i++)
		fprintf(to, "%s %s-%s", i ? "," : "", ip_text(&spans->list.item[i].first, first),
			ip_text(&spans->list.item[i].last, last));
	fputs(" }\n", to);
}

/* The table just as nftables lists it, so that the two can be compared. */
static void print_table(const struct masquerade *masquerade, bool with_elements, FILE *to)
{
	const char *ports = masquerade->ports;
	int i;

	fprintf(to, "table " TABLE " {\n"
		"\tcomment \"dvpnet: pods go out as this node; dvpnetctl keeps this table\"\n");
	for (i = 0; i < SETS; i++) {
		fprintf(to, "\tset %s {\n\t\ttype ipv%d_addr\n\t\tflags interval\n",
			masquerade->sets[i].name, masquerade->sets[i].family == AF_INET ? 4 : 6);
		if (with_elements)
			print_elements(&masquerade->sets[i].spans, to);
		fputs("\t}\n", to);
	}
	/* Ports exist only with a protocol; the last rule is for ICMP and all others. */
	fprintf(to, "\tchain outside {\n"
		"\t\tmeta l4proto tcp masquerade %s\n"
		"\t\tmeta l4proto udp masquerade %s\n"
		"\t\tmeta l4proto sctp masquerade %s\n"
		"\t\tmasquerade\n"
		"\t}\n", ports, ports, ports);
	fputs("\tchain postrouting {\n"
	      "\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
	      "\t\toifname \"" LINK_NAME "\" return\n"
	      "\t\tip saddr @pods4 ip daddr != @inside4 goto outside\n"
	      "\t\tip6 saddr @pods6 ip6 daddr != @inside6 goto outside\n"
	      "\t}\n"
	      "}\n", to);
}

static char *table_text(const struct masquerade *masquerade, const char *before,
			bool with_elements)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file) {
		fputs("dvpnetctl: out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	fputs(before, file);
	print_table(masquerade, with_elements, file);
	fclose(file);
	return text;
}

/* ---- what is ---- */

static bool read_prefix(json_t *element, struct spans *spans)
{
	const char *addr;
	struct ip ip;
	int len;

	if (json_unpack(element, "{s:{s:s, s:i}}", "prefix", "addr", &addr, "len", &len) ||
	    !ip_parse(addr, &ip) || len < 0 || len > ip_bits(&ip))
		return false;
	spans_add_prefix(spans, &ip, len);
	return true;
}

static bool read_range(json_t *element, struct spans *spans)
{
	const char *first, *last;
	struct span span;

	if (json_unpack(element, "{s:[s, s]}", "range", &first, &last) ||
	    !ip_parse(first, &span.first) || !ip_parse(last, &span.last))
		return false;
	*list_add(&spans->list) = span;
	return true;
}

static bool read_address(json_t *element, struct spans *spans)
{
	struct ip ip;

	if (!json_is_string(element) || !ip_parse(json_string_value(element), &ip))
		return false;
	spans_add_prefix(spans, &ip, ip_bits(&ip));
	return true;
}

/* Is this what the set of a listing has in it? Strange elements are a difference. */
static bool has_elements(json_t *set, const struct spans *want)
{
	struct spans have = { 0 };
	json_t *element;
	bool equal;
	size_t i;

	json_array_foreach(json_object_get(set, "elem"), i, element)
		if (!read_address(element, &have) && !read_prefix(element, &have) &&
		    !read_range(element, &have))
			break;
	spans_merge(&have);
	equal = i == json_array_size(json_object_get(set, "elem")) && spans_equal(&have, want);
	spans_free(&have);
	return equal;
}

static bool sets_are_right(struct nft *nft, const struct masquerade *masquerade)
{
	json_t *listing = nft_json(nft, "list table " TABLE), *object;
	size_t i, right = 0;
	int j;

	json_array_foreach(listing, i, object) {
		json_t *set = json_object_get(object, "set");
		const char *name = json_string_value(json_object_get(set, "name"));

		for (j = 0; name && j < SETS; j++)
			if (!strcmp(name, masquerade->sets[j].name))
				right += has_elements(set, &masquerade->sets[j].spans);
	}
	json_decref(listing);
	return right == SETS;
}

/* Are two texts the same but for blanks? */
static bool is_same_text(const char *a, const char *b)
{
	static const char blank[] = " \t\n";

	for (;;) {
		size_t a_blank = strspn(a, blank), b_blank = strspn(b, blank);

		a += a_blank;
		b += b_blank;
		if (*a != *b || (*a && !a_blank != !b_blank))
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

static bool is_right(struct nft *nft, const struct masquerade *masquerade)
{
	const char *have = nft_text(nft, "list table " TABLE, false);
	char *want;
	bool same;

	if (!have)
		return false;
	want = table_text(masquerade, "", false);
	same = is_same_text(have, want);
	free(want);
	return same && sets_are_right(nft, masquerade);
}

/* There may be nothing of nftables at all, which should stay so. */
static bool has_table(struct nft *nft)
{
	json_t *tables = nft_json(nft, "list tables inet"), *object;
	bool found = false;
	size_t i;

	json_array_foreach(tables, i, object) {
		json_t *name = json_object_get(json_object_get(object, "table"), "name");

		if (json_is_string(name) && !strcmp(json_string_value(name), MASQUERADE_TABLE))
			found = true;
	}
	json_decref(tables);
	return found;
}

/* ---- making it so ---- */

static int fail(struct nft *nft, struct report *report)
{
	report_error(report, NULL, "nftables table " TABLE ": %s", nft_error(nft));
	return -EIO;
}

/**
 * masquerade_remove - remove the table
 * @changes: raised if there was one
 * @report: errors
 *
 * Return: 0 or a negative errno.
 */
int masquerade_remove(size_t *changes, struct report *report)
{
	struct nft nft;
	int err = 0;

	if (!nft_is_there())
		return 0;
	nft_open(&nft);
	if (has_table(&nft)) {
		err = nft_run(&nft, "delete table " TABLE);
		if (err)
			fail(&nft, report);
		else
			++*changes;
	}
	nft_close(&nft);
	return err;
}

/**
 * masquerade_sync - make the table what it ought to be
 * @want: what ought to be; where the module masquerades the table goes
 * @changes: raised if it had to be changed
 * @report: errors
 *
 * Return: 0 or a negative errno.
 */
int masquerade_sync(const struct state *want, size_t *changes, struct report *report)
{
	struct masquerade masquerade;
	struct nft nft;
	char *commands;
	int err = 0;

	if (!is_wanted(&want->config))
		return masquerade_remove(changes, report);
	want_table(want, &masquerade);
	nft_open(&nft);
	if (!has_table(&nft) || !is_right(&nft, &masquerade)) {
		/* "add" first: what is not there could not be deleted. */
		commands = table_text(&masquerade, "add table " TABLE "\ndelete table " TABLE "\n",
				      true);
		err = nft_run(&nft, commands);
		free(commands);
		if (err)
			fail(&nft, report);
		else
			++*changes;
	}
	nft_close(&nft);
	free_table(&masquerade);
	return err;
}
