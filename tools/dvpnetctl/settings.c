// SPDX-License-Identifier: GPL-2.0
/*
 * The settings of ModuleConfig cni-cilium: which there are, and what dvpnet does with each.
 *
 * Each is obeyed, or reported, once, with the reason and what to do about it. A
 * setting that is not there is never reported.
 */
#include <string.h>

#include "settings.h"

/**
 * struct setting - a setting
 * @group: the mapping that it is in, or NULL
 * @name: its name
 * @type: JSON_TRUE for true or false, JSON_STRING, JSON_ARRAY or JSON_OBJECT
 * @choices: of a text, NULL behind the last
 * @obeyed: the one value that dvpnet does what it says with; NULL for every one
 * @why: what dvpnet does with other values, why, and what to do
 */
struct setting {
	const char *group;
	const char *name;
	json_type type;
	const char *const *choices;
	const char *obeyed;
	const char *why;
};

static const char *const tunnel_modes[] = { "Disabled", "VXLAN", NULL };
static const char *const masquerade_modes[] = { "BPF", "Netfilter", NULL };
static const char *const balancing_modes[] = { "SNAT", "DSR", "Hybrid", NULL };
static const char *const encryption_modes[] = { "Disabled", "WireGuard", NULL };

static const struct setting table[SETTINGS] = {
	/* mode of the configuration: VXLAN is vxlan, Disabled is classic */
	[SETTING_TUNNEL_MODE] = {
		.name = "tunnelMode", .type = JSON_STRING, .choices = tunnel_modes,
	},
	[SETTING_CREATE_NODE_ROUTES] = {
		.name = "createNodeRoutes", .type = JSON_TRUE, .obeyed = "true",
		.why = "dvpnet routes the pods of all nodes itself; where routers of the underlay "
		       "carry pod addresses, say so by annotation dvpnet.io/trust-underlay: "
		       "\"true\"",
	},
	/* BPF: by the module; Netfilter: by a table of nftables */
	[SETTING_MASQUERADE_MODE] = {
		.name = "masqueradeMode", .type = JSON_STRING, .choices = masquerade_modes,
	},
	[SETTING_BPF_LB_MODE] = {
		.name = "bpfLBMode", .type = JSON_STRING, .choices = balancing_modes,
		.obeyed = "SNAT",
		.why = "dvpnet does SNAT instead, backends on other nodes see this node's address; "
		       "where they have to see the client's, use externalTrafficPolicy: Local; "
		       "to be rid of this warning, set SNAT",
	},
	/* spec.loadBalancerSourceRanges: checked unless this is false; see desired_services.c */
	[SETTING_SOURCE_RANGE_CHECK] = {
		.name = "svcSourceRangeCheck", .type = JSON_TRUE,
	},
	/* flag ranges-all */
	[SETTING_SOURCE_RANGE_ALL_TYPES] = {
		.name = "loadBalancerSourceRangeAllTypes", .type = JSON_TRUE,
	},
	/* annotation service.cilium.io/lb-algorithm: obeyed unless this is false */
	[SETTING_EXTRA_ALGORITHMS] = {
		.name = "extraLoadBalancerAlgorithmsEnabled", .type = JSON_TRUE,
	},
	/* SCTP ports: served unless this is false */
	[SETTING_SCTP] = {
		.name = "sctpEnabled", .type = JSON_TRUE,
	},
	[SETTING_ENCRYPTION_MODE] = {
		.group = "encryption", .name = "mode", .type = JSON_STRING,
		.choices = encryption_modes, .obeyed = "Disabled",
		.why = "dvpnet does NOT encrypt, traffic between nodes travels in the clear; where "
		       "that must not be, encrypt the underlay",
	},
	[SETTING_POLICY_AUDIT] = {
		.name = "policyAuditMode", .type = JSON_TRUE, .obeyed = "false",
		.why = "dvpnet enforces no network policies, so there is nothing to audit; set "
		       "false",
	},
	[SETTING_EXCLUSIVE_PLUGIN] = {
		.name = "exclusiveCNIPlugin", .type = JSON_TRUE, .obeyed = "false",
		.why = "dvpnet is no CNI plugin and leaves the files of others alone; remove them "
		       "from /etc/cni/net.d yourself",
	},
	[SETTING_NEIGHBOR_DISCOVERY] = {
		.name = "activeL2NeighborDiscoveryEnabled", .type = JSON_TRUE, .obeyed = "false",
		.why = "dvpnet leaves that to the kernel, which asks for neighbours when there is "
		       "traffic to them; nothing to do",
	},
	[SETTING_DEBUG_LOGGING] = {
		.name = "debugLogging", .type = JSON_TRUE, .obeyed = "false",
		.why = "dvpnet logs no packets; ask dvpnetctl get, stats show, flow show and "
		       "monitor",
	},
	[SETTING_LABELS_REGEX] = {
		.name = "labelsRegex", .type = JSON_ARRAY,
		.why = "dvpnet has no identities made of labels, this changes nothing; nothing to "
		       "do",
	},
	[SETTING_RESOURCES] = {
		.name = "resourcesManagement", .type = JSON_OBJECT,
		.why = "dvpnet works in the kernel and has no Pod that needs resources, this "
		       "changes nothing; nothing to do",
	},
	[SETTING_HOST_FIREWALL] = {
		.name = "hostFirewallEnabled", .type = JSON_TRUE, .obeyed = "false",
		.why = "dvpnet does NOT filter what comes to the host; write rules for it in "
		       "nftables",
	},
};

/* False if it is of another type, or has another value, than it may; that is noted. */
static bool read_value(const struct setting *setting, const struct field *up,
		       const struct field *field, const char **value)
{
	switch (setting->type) {
	case JSON_STRING:
		*value = field_member_choice(up, setting->name, setting->choices, NULL);
		return *value;
	case JSON_ARRAY:
		field_length(field);
		return json_is_array(field->json);
	case JSON_OBJECT:
		return field_is_mapping(field);
	default:
		*value = field_bool(field, false) ? "true" : "false";
		return json_is_boolean(field->json);
	}
}

static void note_ignored(struct settings *settings, const char *group, const char *name,
			 const char *value, const char *why)
{
	*list_add(&settings->ignored) =
		util_printf("ModuleConfig cni-cilium: %s%s%s%s%s: %s", group ? group : "",
			    group ? "." : "", name, value ? " " : "", value ? value : "", why);
}

static void read_setting(const struct setting *setting, const struct field *up,
			 struct settings *settings)
{
	struct field field = field_member(up, setting->name);
	const char **value = &settings->value[setting - table];

	if (!field.json || !read_value(setting, up, &field, value))
		return;
	settings->place[setting - table] = field_place(&field);
	if (!setting->why || (*value && !strcmp(*value, setting->obeyed)))
		return;
	field_warning(&field, "%s", setting->why);
	note_ignored(settings, setting->group, setting->name, *value, setting->why);
}

static bool is_known(const char *group, const char *name)
{
	size_t i;

	for (i = 0; i < SETTINGS; i++) {
		if (!util_strcmp_null(table[i].group, group) && !strcmp(table[i].name, name))
			return true;
		if (!group && !util_strcmp_null(table[i].group, name))
			return true;
	}
	return false;
}

static void report_unknown(const struct field *mapping, const char *group,
			   struct settings *settings)
{
	static const char why[] = "dvpnet does not know this setting and ignores it; is it spelled "
				  "right?";
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)mapping->json, name, value) {
		struct field field = field_member(mapping, name);

		if (!field.json || is_known(group, name))
			continue;
		field_warning(&field, "%s", why);
		note_ignored(settings, group, name, NULL, why);
	}
}

/* What does nothing without another setting. */
static void report_ineffective(const struct field *settings, const struct settings *read)
{
	struct field field = field_member(settings, table[SETTING_SOURCE_RANGE_ALL_TYPES].name);

	if (settings_has(read, SETTING_SOURCE_RANGE_ALL_TYPES, "true") &&
	    !settings_has(read, SETTING_SOURCE_RANGE_CHECK, "true"))
		field_warning(&field, "changes nothing without svcSourceRangeCheck: true");
}

static void read_group(const struct field *mapping, const char *group,
		       struct settings *settings)
{
	size_t i;

	if (!mapping->json || !field_is_mapping(mapping))
		return;
	for (i = 0; i < SETTINGS; i++)
		if (!util_strcmp_null(table[i].group, group))
			read_setting(&table[i], mapping, settings);
	report_unknown(mapping, group, settings);
}

/**
 * settings_read - read all settings, and report those that are not obeyed
 * @field: spec.settings
 * @settings: filled
 */
void settings_read(const struct field *field, struct settings *settings)
{
	struct field encryption = { .json = NULL };

	read_group(field, NULL, settings);
	if (json_is_object(field->json)) {
		encryption = field_member(field, "encryption");
		report_ineffective(field, settings);
	}
	read_group(&encryption, "encryption", settings);
}

/**
 * settings_free - free what settings own; none remain
 * @settings: the settings
 */
void settings_free(struct settings *settings)
{
	size_t i;

	for (i = 0; i < settings->ignored.count; i++)
		free(settings->ignored.item[i]);
	list_free(&settings->ignored);
	memset(settings, 0, sizeof(*settings));
}

/**
 * settings_has - is a setting there, with this value?
 * @settings: the settings
 * @id: which
 * @value: the value
 */
bool settings_has(const struct settings *settings, enum setting_id id, const char *value)
{
	return settings->value[id] && !strcmp(settings->value[id], value);
}
