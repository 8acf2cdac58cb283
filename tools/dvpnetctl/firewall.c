// SPDX-License-Identifier: GPL-2.0
/*
 * Whether rules of nftables let a packet through, as far as they tell without one.
 *
 * Rules are read in the JSON of libnftables-json(5). What cannot be judged, sets
 * with names or marks for example, might match: a chain blocks only if none of
 * its rules could accept the packet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall.h"

/* As the kernel, which allows no loops. */
#define JUMPS_MAX 16

/** enum match - does a rule apply to the packet? */
enum match { MATCH_NO, MATCH_MAYBE, MATCH_YES };

/** enum fate - what a chain does with the packet: it is passed on, might be accepted, is dropped */
enum fate { FATE_NONE, FATE_PASSES, FATE_BLOCKED };

/**
 * struct walk - a walk through the chains of a table
 * @table: the table
 * @probe: the packet
 * @depth: jumps so far
 */
struct walk {
	const struct firewall_table *table;
	const struct firewall_probe *probe;
	int depth;
};

static enum match no_or_yes(bool yes)
{
	return yes ? MATCH_YES : MATCH_NO;
}

static enum match invert(enum match match)
{
	return MATCH_YES - match;
}

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool has_key(json_t *object, const char *key)
{
	return json_object_get(object, key) != NULL;
}

/* ---- what rules compare ---- */

/* A device's name; rules may end with an asterisk. */
static enum match match_name(json_t *right, const void *name)
{
	const char *pattern = json_string_value(right);
	size_t size;

	if (!pattern || *pattern == '@')
		return MATCH_MAYBE;
	size = strlen(pattern);
	if (size && pattern[size - 1] == '*')
		return no_or_yes(!strncmp(pattern, name, size - 1));
	return no_or_yes(!strcmp(pattern, name));
}

/* A word, as of a family or a connection's state. */
static enum match match_word(json_t *right, const void *word)
{
	return no_or_yes(json_is_string(right) && !strcmp(json_string_value(right), word));
}

static bool read_span(json_t *right, struct span *span)
{
	const char *first, *last;
	struct spans spans = { 0 };
	struct ip ip;
	int len;

	if (json_is_string(right) && ip_parse(json_string_value(right), &ip)) {
		span->first = ip;
		span->last = ip;
		return true;
	}
	if (!json_unpack(right, "{s:[s, s]}", "range", &first, &last))
		return ip_parse(first, &span->first) && ip_parse(last, &span->last);
	if (json_unpack(right, "{s:{s:s, s:i}}", "prefix", "addr", &first, "len", &len) ||
	    !ip_parse(first, &ip) || len < 0 || len > ip_bits(&ip))
		return false;
	spans_add_prefix(&spans, &ip, len);
	*span = spans.list.item[0];
	spans_free(&spans);
	return true;
}

/* Addresses: those of some pods, a rule may be about others of them. */
static enum match match_span(json_t *right, const void *spans)
{
	struct span span;

	if (!read_span(right, &span))
		return MATCH_MAYBE;
	if (spans_are_within(spans, &span))
		return MATCH_YES;
	return spans_overlap(spans, &span) ? MATCH_MAYBE : MATCH_NO;
}

/* One value or several: the best match of them. */
static enum match match_any(json_t *right, enum match (*match)(json_t *right, const void *value),
			    const void *value)
{
	json_t *list = json_is_array(right) ? right : json_object_get(right, "set"), *element;
	enum match best = MATCH_NO;
	size_t i;

	if (!list)
		return match(right, value);
	json_array_foreach(list, i, element) {
		enum match one = match(element, value);

		if (one > best)
			best = one;
	}
	return best;
}

static enum match match_meta(const char *key, json_t *right, const struct firewall_probe *probe)
{
	if (!strcmp(key, "iifname") || !strcmp(key, "iif"))
		return match_any(right, match_name, probe->iifname);
	if (!strcmp(key, "oifname") || !strcmp(key, "oif"))
		return match_any(right, match_name, probe->oifname);
	if (!strcmp(key, "nfproto"))
		return match_any(right, match_word, probe->family == AF_INET ? "ipv4" : "ipv6");
	return MATCH_MAYBE;
}

static enum match match_payload(json_t *payload, json_t *right, const struct firewall_probe *probe)
{
	const char *protocol = text_of(payload, "protocol"), *field = text_of(payload, "field");
	const char *other = probe->family == AF_INET ? "ip6" : "ip";

	if (!strcmp(protocol, other))
		return MATCH_NO;
	if (strcmp(protocol, "ip") && strcmp(protocol, "ip6"))
		return MATCH_MAYBE;
	if (!strcmp(field, "saddr"))
		return match_any(right, match_span, &probe->saddr);
	if (!strcmp(field, "daddr"))
		return match_any(right, match_span, &probe->daddr);
	return MATCH_MAYBE;
}

/* A new connection, which conntrack has not translated. */
static enum match match_ct(const char *key, json_t *right)
{
	if (!strcmp(key, "state"))
		return match_any(right, match_word, "new");
	if (!strcmp(key, "status"))
		return MATCH_NO;
	return MATCH_MAYBE;
}

static enum match match_match(json_t *match, const struct firewall_probe *probe)
{
	json_t *left = json_object_get(match, "left"), *right = json_object_get(match, "right");
	const char *other = probe->family == AF_INET ? "ip6" : "ip";
	enum match result = MATCH_MAYBE;

	if (has_key(left, "meta"))
		result = match_meta(text_of(json_object_get(left, "meta"), "key"), right, probe);
	else if (has_key(left, "payload"))
		result = match_payload(json_object_get(left, "payload"), right, probe);
	else if (has_key(left, "ct"))
		result = match_ct(text_of(json_object_get(left, "ct"), "key"), right);
	if (strcmp(text_of(match, "op"), "!="))
		return result;
	/* A packet of the other family has no such field to differ. */
	if (!strcmp(text_of(json_object_get(left, "payload"), "protocol"), other))
		return MATCH_NO;
	return invert(result);
}

/* Does a line of a listing stand for the rule with this handle? */
static bool is_line_of(const char *line, size_t size, const char *handle)
{
	size_t length = strlen(handle);

	return size > length && !strncmp(line + size - length, handle, length);
}

/* A state of conntrack that iptables asks for, which nft translates in texts alone. */
static enum match match_xt_state(const struct walk *walk, json_t *rule)
{
	int number = json_integer_value(json_object_get(rule, "handle"));
	const char *line = walk->table->text, *state;
	char handle[32];
	size_t size;

	snprintf(handle, sizeof(handle), " # handle %d", number);
	for (; *line; line += size + (line[size] == '\n')) {
		size = strcspn(line, "\n");
		state = strstr(line, "ct state ");
		if (!is_line_of(line, size, handle) || !state || state > line + size)
			continue;
		state += strlen("ct state ");
		if (*state == '!')
			return MATCH_MAYBE;
		size = strcspn(state, " \n");
		return no_or_yes(memmem(state, size, "new", 3));
	}
	return MATCH_MAYBE;
}

/* A match of iptables. */
static enum match match_xt(const struct walk *walk, json_t *rule, json_t *xt)
{
	if (strcmp(text_of(xt, "type"), "match") || !strcmp(text_of(xt, "name"), "comment"))
		return MATCH_YES;
	if (!strcmp(text_of(xt, "name"), "conntrack"))
		return match_xt_state(walk, rule);
	return MATCH_MAYBE;
}

/* ---- what rules do ---- */

static enum fate walk_chain(struct walk *walk, const char *name);

/* A jump, a goto, or a verdict, as a rule's statement or in a map. */
static enum fate fate_of(struct walk *walk, json_t *statement)
{
	const char *key = json_object_iter_key(json_object_iter(statement));
	json_t *target;

	if (!key)
		return FATE_NONE;
	if (!strcmp(key, "accept") || !strcmp(key, "queue"))
		return FATE_PASSES;
	if (!strcmp(key, "drop") || !strcmp(key, "reject"))
		return FATE_BLOCKED;
	if (!strcmp(key, "xt"))
		return !strcmp(text_of(json_object_get(statement, key), "name"), "REJECT") ?
		       FATE_BLOCKED : FATE_NONE;
	target = json_object_get(statement, key);
	if (!strcmp(key, "jump") || !strcmp(key, "goto"))
		return walk_chain(walk, text_of(target, "target"));
	return FATE_NONE;
}

/* Whatever the map's key is, the packet may meet any of its verdicts. */
static enum fate fate_of_map(struct walk *walk, json_t *vmap)
{
	json_t *set = json_object_get(json_object_get(vmap, "data"), "set"), *element;
	const char *key = text_of(json_object_get(json_object_get(vmap, "key"), "ct"), "key");
	bool is_state = !strcmp(key, "state");
	enum fate fate = FATE_NONE, one;
	size_t i;

	if (!set)
		return FATE_PASSES;
	json_array_foreach(set, i, element) {
		json_t *value = json_array_get(element, 0);

		if (is_state && match_any(value, match_word, "new") == MATCH_NO)
			continue;
		one = fate_of(walk, json_array_get(element, 1));
		if (one == FATE_PASSES || (is_state && one == FATE_BLOCKED))
			fate = one;
		if (fate == FATE_PASSES)
			break;
	}
	return fate;
}

/* A rule's effect; *@ends tells whether the chain ends with it. */
static enum fate walk_rule(struct walk *walk, json_t *rule, bool *ends)
{
	enum match match = MATCH_YES, one;
	json_t *expressions = json_object_get(rule, "expr"), *expression;
	enum fate fate = FATE_NONE;
	size_t i;

	*ends = false;
	json_array_foreach(expressions, i, expression) {
		json_t *object;

		one = MATCH_YES;
		object = json_object_get(expression, "match");
		if (object)
			one = match_match(object, walk->probe);
		object = json_object_get(expression, "xt");
		if (object)
			one = match_xt(walk, rule, object);
		/* What it limits may be within the limit. */
		if (has_key(expression, "limit") || has_key(expression, "quota") ||
		    has_key(expression, "ct count"))
			one = MATCH_MAYBE;
		if (one < match)
			match = one;
		if (match == MATCH_NO)
			return FATE_NONE;
		object = json_object_get(expression, "vmap");
		fate = object ? fate_of_map(walk, object) : fate_of(walk, expression);
		if (fate != FATE_NONE)
			break;
		if ((has_key(expression, "return") || has_key(expression, "goto")) &&
		    match == MATCH_YES)
			*ends = true;
	}
	return fate == FATE_BLOCKED && match != MATCH_YES ? FATE_NONE : fate;
}

static enum fate walk_chain(struct walk *walk, const char *name)
{
	enum fate fate = FATE_NONE;
	bool ends = false;
	json_t *object;
	size_t i;

	if (walk->depth == JUMPS_MAX)
		return FATE_PASSES;
	walk->depth++;
	json_array_foreach(walk->table->objects, i, object) {
		json_t *rule = json_object_get(object, "rule");

		if (!rule || strcmp(text_of(rule, "chain"), name))
			continue;
		fate = walk_rule(walk, rule, &ends);
		if (fate != FATE_NONE || ends)
			break;
	}
	walk->depth--;
	return fate;
}

/**
 * firewall_read - list a table
 * @nft: from nft_open()
 * @family: its family
 * @name: its name
 * @table: filled; to be freed also after an error
 *
 * Return: false if it is not there.
 */
bool firewall_read(struct nft *nft, const char *family, const char *name,
		   struct firewall_table *table)
{
	char *command = util_printf("list table %s %s", family, name);

	table->objects = nft_json(nft, command);
	table->text = util_strdup(nft_text(nft, command, true));
	free(command);
	return table->objects && table->text;
}

/**
 * firewall_free - forget a table
 * @table: from firewall_read()
 */
void firewall_free(struct firewall_table *table)
{
	json_decref(table->objects);
	free(table->text);
}

/**
 * firewall_blocks - does a base chain drop a packet, whatever is in it besides the probe?
 * @table: the chain's table
 * @chain: the base chain
 * @probe: the packet
 */
bool firewall_blocks(const struct firewall_table *table, const char *chain,
		     const struct firewall_probe *probe)
{
	struct walk walk = { .table = table, .probe = probe };
	enum fate fate = walk_chain(&walk, chain);
	bool drops = false;
	json_t *object;
	size_t i;

	json_array_foreach(table->objects, i, object) {
		json_t *base = json_object_get(object, "chain");

		if (base && !strcmp(text_of(base, "name"), chain))
			drops = !strcmp(text_of(base, "policy"), "drop");
	}
	return fate == FATE_NONE ? drops : fate == FATE_BLOCKED;
}
