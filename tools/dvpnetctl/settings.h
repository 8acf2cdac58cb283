/* SPDX-License-Identifier: GPL-2.0 */
/* The settings of ModuleConfig cni-cilium: which there are, and what dvpnet does with each. */
#ifndef DVPNETCTL_SETTINGS_H
#define DVPNETCTL_SETTINGS_H

#include "field.h"

/** enum setting_id - the settings */
enum setting_id {
	SETTING_TUNNEL_MODE,
	SETTING_CREATE_NODE_ROUTES,
	SETTING_MASQUERADE_MODE,
	SETTING_BPF_LB_MODE,
	SETTING_SOURCE_RANGE_CHECK,
	SETTING_SOURCE_RANGE_ALL_TYPES,
	SETTING_EXTRA_ALGORITHMS,
	SETTING_SCTP,
	SETTING_ENCRYPTION_MODE,
	SETTING_POLICY_AUDIT,
	SETTING_EXCLUSIVE_PLUGIN,
	SETTING_NEIGHBOR_DISCOVERY,
	SETTING_DEBUG_LOGGING,
	SETTING_LABELS_REGEX,
	SETTING_RESOURCES,
	SETTING_HOST_FIREWALL,
	SETTINGS,
};

/**
 * struct settings - what a ModuleConfig says
 * @value: by &enum setting_id: "true", "false" or one of the setting's texts; NULL where it
 *	says nothing, and for lists and mappings
 * @place: where each was read
 * @ignored: which ones are not obeyed, with the reason
 */
struct settings {
	const char *value[SETTINGS];
	struct place place[SETTINGS];
	LIST(char *) ignored;
};

void settings_read(const struct field *field, struct settings *settings);
void settings_free(struct settings *settings);
bool settings_has(const struct settings *settings, enum setting_id id, const char *value);

#endif
