// SPDX-License-Identifier: GPL-2.0
/* Parts of output: members of JSON objects, and words of lines. */
#include <stdio.h>

#include <linux/dvpnet.h>

#include "part.h"

/** Names of &enum dvpnet_frontend_type. */
const char *const part_frontend_types[] = {
	[DVPNET_FRONTEND_TYPE_CLUSTER_IP] = "cluster-ip",
	[DVPNET_FRONTEND_TYPE_NODE_PORT] = "node-port",
	[DVPNET_FRONTEND_TYPE_LOAD_BALANCER] = "load-balancer",
	[DVPNET_FRONTEND_TYPE_EXTERNAL_IP] = "external-ip",
	NULL,
};

/** Names of &enum dvpnet_algorithm. */
const char *const part_algorithms[] = {
	[DVPNET_ALGORITHM_MAGLEV] = "maglev",
	[DVPNET_ALGORITHM_RANDOM] = "random",
	[DVPNET_ALGORITHM_LEAST_CONN] = "least-conn",
	NULL,
};

/** Names of &enum dvpnet_list_why. */
const char *const part_list_whys[] = {
	[DVPNET_LIST_WHY_READY] = "ready",
	[DVPNET_LIST_WHY_READY_ZONE] = "ready-zone",
	[DVPNET_LIST_WHY_READY_NODE] = "ready-node",
	[DVPNET_LIST_WHY_TERMINATING] = "terminating",
	NULL,
};

/**
 * part_name - name of a value of an enumeration
 * @names: names in the order of the values, NULL behind the last
 * @value: the value; a newer kernel may have more than this tool knows of
 */
const char *part_name(const char *const *names, uint32_t value)
{
	while (value && *names) {
		names++;
		value--;
	}
	return *names ? *names : "unknown";
}

/**
 * part_text - add a text; nothing if there is none
 * @json: the object
 * @key: key of the member
 * @text: the text, or NULL
 */
void part_text(json_t *json, const char *key, const char *text)
{
	if (text)
		json_object_set_new(json, key, json_string(text));
}

/**
 * part_number - add a number
 * @json: the object
 * @key: key of the member
 * @number: the number
 */
void part_number(json_t *json, const char *key, json_int_t number)
{
	json_object_set_new(json, key, json_integer(number));
}

/**
 * part_bool - add a truth value
 * @json: the object
 * @key: key of the member
 * @value: the value
 */
void part_bool(json_t *json, const char *key, bool value)
{
	json_object_set_new(json, key, json_boolean(value));
}

/**
 * part_ip - add an address; nothing if there is none
 * @json: the object
 * @key: key of the member
 * @ip: the address
 */
void part_ip(json_t *json, const char *key, const struct ip *ip)
{
	char text[IP_TEXT_MAX];

	if (ip->family)
		part_text(json, key, ip_text(ip, text));
}

/**
 * part_port - add a port; nothing if it is 0
 * @json: the object
 * @key: key of the member
 * @port: host byte order
 */
void part_port(json_t *json, const char *key, uint16_t port)
{
	if (port)
		part_number(json, key, port);
}

/**
 * part_flags - add a list of names of those that are set
 * @json: the object
 * @key: key of the member
 * @names: names of bits from the lowest on, NULL behind the last
 * @flags: the bits
 */
void part_flags(json_t *json, const char *key, const char *const *names, uint32_t flags)
{
	json_t *array = json_array();

	for (; *names; names++, flags >>= 1)
		if (flags & 1)
			json_array_append_new(array, json_string(*names));
	json_object_set_new(json, key, array);
}

/**
 * part_print_ip - write a word and an address; nothing if there is none
 * @word: the word
 * @ip: the address
 */
void part_print_ip(const char *word, const struct ip *ip)
{
	char text[IP_TEXT_MAX];

	if (ip->family)
		printf(" %s %s", word, ip_text(ip, text));
}

/**
 * part_print_flags - write the names of those that are set
 * @names: names of bits from the lowest on, NULL behind the last
 * @flags: the bits
 */
void part_print_flags(const char *const *names, uint32_t flags)
{
	for (; *names; names++, flags >>= 1)
		if (flags & 1)
			printf(" %s", *names);
}
