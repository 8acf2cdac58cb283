// SPDX-License-Identifier: GPL-2.0
/*
 * From Kubernetes objects to what one node's kernel has to know: settings.
 *
 * Several places may tell the mode and the VXLAN port. Who is asked first, and what is
 * not obeyed for that reason, is told along with the settings: "config show" prints it.
 */
#include <stdlib.h>
#include <string.h>

#include "builder.h"

#define MODULE_CONFIG "ModuleConfig cni-cilium"
#define CNI_SECRET "Secret kube-system/" OBJECTS_CNI_SECRET
#define CILIUM_MAP "ConfigMap d8-cni-cilium/cilium-config"

/* ---- Secret or ModuleConfig ---- */

/**
 * struct precedence - which of the two decides
 * @secret: the Secret
 * @why: the reason, to be freed; NULL where there is just one of them
 */
struct precedence {
	bool secret;
	char *why;
};

/* The annotation may stand on either; Deckhouse's own hooks put it on the Secret. */
static struct precedence find_precedence(const struct objects *objects)
{
	const struct config_object *config = &objects->config;
	const char *priority = config->priority ? config->priority : objects->secret.priority;

	if (!objects->secret.is_known)
		return (struct precedence){ false };
	if (!config->meta.name)
		return (struct precedence){
			true, util_strdup("there is no " MODULE_CONFIG),
		};
	if (!priority)
		return (struct precedence){
			true, util_strdup("annotation " OBJECTS_PRIORITY " is missing"),
		};
	return (struct precedence){
		strcmp(priority, "ModuleConfig"),
		util_printf("annotation " OBJECTS_PRIORITY " is \"%s\"", priority),
	};
}

/* ---- the mode ---- */

/**
 * struct choice - a mode that somebody asks for
 * @mode: &enum dvpnet_mode
 * @text: who, and what exactly; to be freed
 */
struct choice {
	uint32_t mode;
	char *text;
};

/** struct choices - whoever is asked first stands first */
struct choices {
	LIST(struct choice) list;
};

static void add_choice(struct choices *choices, uint32_t mode, char *text)
{
	*list_add(&choices->list) = (struct choice){ mode, text };
}

static void add_secret(const struct objects *objects, const struct precedence *precedence,
		       struct choices *choices)
{
	const char *mode = objects->secret.mode;
	bool is_vxlan = mode && !strcmp(mode, "VXLAN");

	if (objects->secret.is_known)
		add_choice(choices, is_vxlan ? DVPNET_MODE_VXLAN : DVPNET_MODE_CLASSIC,
			   util_printf(CNI_SECRET ", %s%s%s%s", mode ? "mode " : "without mode: ",
				       mode ? mode : "Direct",
				       precedence->secret ? ", as " : "",
				       precedence->secret ? precedence->why : ""));
}

/* What Deckhouse calls it; for dvpnet all but VXLAN are the same. */
static const char *platform_mode(const struct objects *objects)
{
	const struct settings *settings = &objects->config.settings;

	if (settings_has(settings, SETTING_TUNNEL_MODE, "VXLAN"))
		return "";
	if (settings_has(settings, SETTING_CREATE_NODE_ROUTES, "true"))
		return ": DirectWithNodeRoutes, by createNodeRoutes";
	return objects->is_static ? ": DirectWithNodeRoutes, by clusterType Static" : ": Direct";
}

static void add_module_config(const struct objects *objects,
			      const struct precedence *precedence, struct choices *choices)
{
	const struct settings *settings = &objects->config.settings;
	const char *mode = settings->value[SETTING_TUNNEL_MODE];
	bool is_vxlan = settings_has(settings, SETTING_TUNNEL_MODE, "VXLAN");
	bool decides = precedence->why && !precedence->secret;

	if (objects->config.meta.name)
		add_choice(choices, is_vxlan ? DVPNET_MODE_VXLAN : DVPNET_MODE_CLASSIC,
			   util_printf(MODULE_CONFIG ", %s%s%s%s%s",
				       mode ? "tunnelMode " : "without tunnelMode",
				       mode ? mode : "", platform_mode(objects),
				       decides ? ", as " : "", decides ? precedence->why : ""));
}

static void collect_choices(const struct builder *builder, const struct precedence *precedence,
			    struct choices *choices)
{
	const struct config *options = &builder->options->config;
	const struct config *annotations = &builder->objects->config.config;

	if (config_has(options, DVPNET_A_CONFIG_MODE))
		add_choice(choices, options->value[DVPNET_A_CONFIG_MODE],
			   util_strdup("option --mode"));
	if (config_has(annotations, DVPNET_A_CONFIG_MODE))
		add_choice(choices, annotations->value[DVPNET_A_CONFIG_MODE],
			   util_strdup(MODULE_CONFIG ", annotation dvpnet.io/mode"));
	if (precedence->secret)
		add_secret(builder->objects, precedence, choices);
	add_module_config(builder->objects, precedence, choices);
	if (!precedence->secret)
		add_secret(builder->objects, precedence, choices);
	if (!choices->list.count)
		add_choice(choices, DVPNET_MODE_CLASSIC,
			   util_strdup("default, as there is no " MODULE_CONFIG));
}

/* People set the ModuleConfig and wonder: that is worth a warning (deckhouse #11233). */
static void warn_of_secret(struct builder *builder, const char *setting, const char *value,
			   const char *why)
{
	report_warning(builder->report, &builder->objects->config.meta.place,
		       MODULE_CONFIG ": %s %s is ignored: " CNI_SECRET " decides, as %s; to have "
		       "the ModuleConfig decide, set annotation " OBJECTS_PRIORITY
		       ": ModuleConfig on the Secret", setting, value, why);
}

static void set_mode(struct builder *builder, const struct precedence *precedence)
{
	const struct objects *objects = builder->objects;
	const char *tunnel = objects->config.settings.value[SETTING_TUNNEL_MODE];
	struct origin *origin = &builder->state->origin;
	struct choices choices = { 0 };
	bool is_ignored = false;
	size_t i;

	collect_choices(builder, precedence, &choices);
	config_set(&builder->state->config, DVPNET_A_CONFIG_MODE, choices.list.item[0].mode);
	for (i = 1; i < choices.list.count; i++) {
		if (choices.list.item[i].mode != choices.list.item[0].mode)
			*list_add(&origin->ignored) =
				util_printf("mode %s of %s: decided by %s",
					    config_mode_text(choices.list.item[i].mode),
					    choices.list.item[i].text, choices.list.item[0].text);
		is_ignored |= choices.list.item[i].mode != choices.list.item[0].mode;
		free(choices.list.item[i].text);
	}
	origin->mode = choices.list.item[0].text;
	list_free(&choices.list);
	if (is_ignored && tunnel && precedence->secret &&
	    !strncmp(origin->mode, CNI_SECRET, strlen(CNI_SECRET)))
		warn_of_secret(builder, "tunnelMode", tunnel, precedence->why);
}

static void set_masquerade(struct builder *builder, const struct precedence *precedence)
{
	const char *wanted = builder->objects->config.settings.value[SETTING_MASQUERADE_MODE];
	const char *value = precedence->secret ? builder->objects->secret.masquerade : wanted;

	value = value ? value : "BPF";
	config_set(&builder->state->config, DVPNET_A_CONFIG_MASQUERADE,
		   strcmp(value, "Netfilter") != 0);
	if (!wanted || !strcmp(wanted, value))
		return;
	warn_of_secret(builder, "masqueradeMode", wanted, precedence->why);
	*list_add(&builder->state->origin.ignored) =
		util_printf("masqueradeMode %s of " MODULE_CONFIG ": decided by " CNI_SECRET ", as %s",
			    wanted, precedence->why);
}

/* ---- the VXLAN port ---- */

/* As Deckhouse finds it: the least of the master nodes. */
static unsigned int nesting_level(const struct objects *objects)
{
	unsigned int level = UINT32_MAX;
	size_t i;

	for (i = 0; i < objects->nodes.count; i++)
		if (objects->nodes.item[i].is_master && objects->nodes.item[i].nesting < level)
			level = objects->nodes.item[i].nesting;
	return level == UINT32_MAX ? 0 : level;
}

static void set_port(struct builder *builder)
{
	const struct objects *objects = builder->objects;
	const struct config *options = &builder->options->config;
	const struct config *annotations = &objects->config.config;
	struct origin *origin = &builder->state->origin;
	unsigned int level = nesting_level(objects);
	uint16_t port = DESIRED_PORT - level;

	if (config_has(options, DVPNET_A_CONFIG_PORT)) {
		port = options->value[DVPNET_A_CONFIG_PORT];
		origin->port = util_strdup("option --port");
	} else if (config_has(annotations, DVPNET_A_CONFIG_PORT)) {
		port = annotations->value[DVPNET_A_CONFIG_PORT];
		origin->port = util_strdup(MODULE_CONFIG ", annotation dvpnet.io/vxlan-port");
	} else if (objects->cilium.port) {
		port = objects->cilium.port;
		origin->port = util_strdup(CILIUM_MAP ", tunnel-port");
	} else if (level) {
		origin->port = util_printf("%u - %u, the nesting level of the master nodes (label "
					   "node.deckhouse.io/dvp-nesting-level)", DESIRED_PORT,
					   level);
	} else if (objects->cilium.is_known) {
		port = objects->has_virtualization ? DESIRED_PORT_OLD_MACHINES : DESIRED_PORT_OLD;
		origin->port = util_printf(CILIUM_MAP " without tunnel-port: an old cluster with%s "
					   "virtualization",
					   objects->has_virtualization ? "" : "out");
	} else {
		origin->port = util_strdup("default");
	}
	config_set(&builder->state->config, DVPNET_A_CONFIG_PORT, port);
}

/* ---- all of them ---- */

static void set_secret(struct builder *builder, struct config *config)
{
	const struct cluster_uid *uid = &builder->objects->namespace_uid;

	if (!uid->known)
		uid = &builder->objects->service_uid;
	if (uid->known)
		memcpy(config->secret, uid->bytes, sizeof(config->secret));
	else
		report_warning(builder->report, NULL,
			       "neither Namespace kube-system nor Service default/kubernetes "
			       "has a metadata.uid: backends are chosen without the cluster's "
			       "secret, an outsider could foresee the choice");
	config->present |= 1ULL << DVPNET_A_CONFIG_SECRET;
}

static void override(struct config *config, const struct config *by)
{
	uint16_t attr;

	for (attr = 1; attr <= DVPNET_A_CONFIG_MAX; attr++)
		if (config_has(by, attr))
			config_set(config, attr, by->value[attr]);
}

static void add_ignored(struct builder *builder)
{
	const struct settings *settings = &builder->objects->config.settings;
	size_t i;

	for (i = 0; i < settings->ignored.count; i++)
		*list_add(&builder->state->origin.ignored) =
			util_strdup(settings->ignored.item[i]);
}

/**
 * desired_set_config - set the settings of the state, and tell where they come from
 * @builder: what desired_build() works with
 */
void desired_set_config(struct builder *builder)
{
	const struct config_object *object = &builder->objects->config;
	struct precedence precedence = find_precedence(builder->objects);
	struct config *config = &builder->state->config;

	config_set(config, DVPNET_A_CONFIG_VNI, DESIRED_VNI);
	config_set(config, DVPNET_A_CONFIG_UDP_CSUM, 0);
	config_set(config, DVPNET_A_CONFIG_TRUST_UNDERLAY, 0);
	config_set(config, DVPNET_A_CONFIG_NODEPORT_ANY, builder->self->nodeport_any);
	config_set(config, DVPNET_A_CONFIG_NODEPORT_MIN, DESIRED_NODEPORT_MIN);
	config_set(config, DVPNET_A_CONFIG_NODEPORT_MAX, DESIRED_NODEPORT_MAX);
	config_set(config, DVPNET_A_CONFIG_VIP_ECHO, 0);
	config_set(config, DVPNET_A_CONFIG_RESET_REMOVED, 0);
	override(config, &object->config);
	override(config, &builder->options->config);
	set_mode(builder, &precedence);
	set_masquerade(builder, &precedence);
	set_port(builder);
	add_ignored(builder);
	if (object->meta.name && !object->enabled)
		report_warning(builder->report, &object->meta.place,
			       MODULE_CONFIG ": spec.enabled is false; its settings are used all "
			       "the same");
	set_secret(builder, config);
	free(precedence.why);
}

/* Where a setting comes from that stays as it was. */
static void keep_origin(char **origin, char **before)
{
	free(*origin);
	*origin = *before ? *before : util_strdup("as before");
	*before = NULL;
}

/**
 * desired_keep_config - have settings stay as they were
 * @before: what they were
 * @options: what they decide on follows them
 * @state: its settings that come from objects, and where they come from, are replaced
 *
 * For the time in which an object that configures the cluster makes no sense: a mode, or a
 * port, must not become another by a slip, on those nodes alone whose agent starts meanwhile.
 */
void desired_keep_config(const struct config *before, const struct desired_options *options,
			 struct state *state)
{
	static const uint16_t attrs[] = {
		DVPNET_A_CONFIG_MODE, DVPNET_A_CONFIG_PORT, DVPNET_A_CONFIG_VNI,
		DVPNET_A_CONFIG_UDP_CSUM, DVPNET_A_CONFIG_TRUST_UNDERLAY,
		DVPNET_A_CONFIG_MASQUERADE, DVPNET_A_CONFIG_VIP_ECHO,
		DVPNET_A_CONFIG_RESET_REMOVED,
	};
	struct origin origin = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++)
		if (config_has(before, attrs[i]) && !config_has(&options->config, attrs[i]))
			config_set(&state->config, attrs[i], before->value[attrs[i]]);
	origin_load(&origin, before);
	if (!config_has(&options->config, DVPNET_A_CONFIG_MODE))
		keep_origin(&state->origin.mode, &origin.mode);
	if (!config_has(&options->config, DVPNET_A_CONFIG_PORT))
		keep_origin(&state->origin.port, &origin.port);
	origin_free(&origin);
}
