// SPDX-License-Identifier: GPL-2.0
/* The settings of a node: a table of what there is, and their values. */
#include <string.h>

#include "config.h"
#include "util.h"

const struct config_key config_keys[] = {
	{ DVPNET_A_CONFIG_MODE, 4, false, "mode", NULL },
	{ DVPNET_A_CONFIG_VNI, 4, false, "vni", NULL },
	{ DVPNET_A_CONFIG_PORT, 2, false, "port", NULL },
	{ DVPNET_A_CONFIG_UDP_CSUM, 1, false, "udp-csum", NULL },
	{ DVPNET_A_CONFIG_TRUST_UNDERLAY, 1, false, "trust-underlay", NULL },
	{ DVPNET_A_CONFIG_NODEPORT_ANY, 1, false, "nodeport-any", NULL },
	{ DVPNET_A_CONFIG_NODEPORT_MIN, 2, false, "nodeport-min", NULL },
	{ DVPNET_A_CONFIG_NODEPORT_MAX, 2, false, "nodeport-max", NULL },
	{ DVPNET_A_CONFIG_MASQUERADE, 1, false, "masquerade", NULL },
	{ DVPNET_A_CONFIG_VIP_ECHO, 1, false, "vip-echo", NULL },
	{ DVPNET_A_CONFIG_RESET_REMOVED, 1, false, "reset-removed", NULL },
	{ DVPNET_A_CONFIG_MAX_FLOWS, 4, false, "max-flows", NULL },
	{ DVPNET_A_CONFIG_TIMEOUT_TCP_ESTABLISHED, 4, false, "timeout-tcp-established", "s" },
	{ DVPNET_A_CONFIG_TIMEOUT_TCP_TRANSITORY, 4, false, "timeout-tcp-transitory", "s" },
	{ DVPNET_A_CONFIG_TIMEOUT_UDP_NEW, 4, false, "timeout-udp-new", "s" },
	{ DVPNET_A_CONFIG_TIMEOUT_UDP_ESTABLISHED, 4, false, "timeout-udp-established", "s" },
	{ DVPNET_A_CONFIG_GENERATION, 4, true, "generation", NULL },
	{ DVPNET_A_CONFIG_NODES, 4, true, "nodes", NULL },
	{ DVPNET_A_CONFIG_PREFIXES, 4, true, "prefixes", NULL },
	{ DVPNET_A_CONFIG_SERVICES, 4, true, "services", NULL },
	{ DVPNET_A_CONFIG_FLOWS, 4, true, "flows", NULL },
	{ DVPNET_A_CONFIG_IFINDEX, 4, true, "ifindex", NULL },
};

const size_t config_key_count = ARRAY_SIZE(config_keys);

static const char *const modes[] = {
	[DVPNET_MODE_VXLAN] = "vxlan",
	[DVPNET_MODE_CLASSIC] = "classic",
	[DVPNET_MODE_AUTO] = "auto",
};

/**
 * config_key_find - find a setting
 * @name: as people write it
 *
 * Return: the setting, or NULL.
 */
const struct config_key *config_key_find(const char *name)
{
	size_t i;

	for (i = 0; i < config_key_count; i++)
		if (!strcmp(config_keys[i].name, name))
			return &config_keys[i];
	return NULL;
}

/**
 * config_has - does a setting have a value?
 * @config: the values
 * @attr: DVPNET_A_CONFIG_*
 */
bool config_has(const struct config *config, uint16_t attr)
{
	return config->present & 1ULL << attr;
}

/**
 * config_set - give a setting a value
 * @config: the values
 * @attr: DVPNET_A_CONFIG_*
 * @value: host byte order
 */
void config_set(struct config *config, uint16_t attr, uint32_t value)
{
	config->present |= 1ULL << attr;
	config->value[attr] = value;
}

/**
 * config_clear - take a setting's value away
 * @config: the values
 * @attr: DVPNET_A_CONFIG_*
 */
void config_clear(struct config *config, uint16_t attr)
{
	config->present &= ~(1ULL << attr);
}

/**
 * config_differs - does a setting have to be changed?
 * @want: values that it should have; those without value are left as they are
 * @have: values that it has
 * @attr: DVPNET_A_CONFIG_*
 */
bool config_differs(const struct config *want, const struct config *have, uint16_t attr)
{
	return config_has(want, attr) &&
	       (!config_has(have, attr) || want->value[attr] != have->value[attr]);
}

/**
 * config_mode_text - name of a mode
 * @mode: &enum dvpnet_mode
 */
const char *config_mode_text(uint32_t mode)
{
	return mode < ARRAY_SIZE(modes) ? modes[mode] : "unknown";
}

/**
 * config_mode_parse - read the name of a mode
 * @text: the name
 * @mode: filled with &enum dvpnet_mode
 */
bool config_mode_parse(const char *text, uint32_t *mode)
{
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (!strcmp(modes[i], text)) {
			*mode = i;
			return true;
		}
	}
	return false;
}
