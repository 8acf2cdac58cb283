// SPDX-License-Identifier: GPL-2.0
/*
 * How container runtimes connect pods: the CNI configuration of a node.
 *
 * Standard plugins do it: ptp lays a veth pair, and host routes; host-local gives
 * addresses out of the node's podCIDRs; portmap opens hostPorts. All that a pod
 * sends leaves through the pair (default routes); ptp must not masquerade, since
 * dvpnet knows better what is outside.
 *
 * The MTU is that of the narrowest way as configured, whatever path MTU discovery
 * has found lately: it must not change from pod to pod. A pod keeps the one that
 * it began with when the mode changes; what is too long then is dvp0's to deal with.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cni.h"
#include "file.h"
#include "route.h"

/* As the module has them: DVP_MTU_OVERHEAD_V4, DVP_MTU_OVERHEAD_V6. */
static const uint32_t overheads[FAMILIES] = { [V4] = 50, [V6] = 70 };

/* Reservations are the running system's: no pod outlives it. */
#define ADDRESSES_DIR "/run/dvpnet/addresses"

/* Longer files are not ours. */
#define FILE_SIZE_MAX ((size_t)64 << 10)

/* ---- the MTU ---- */

static uint32_t mtu_of_address(const struct ip *ip, const struct links *links,
			       const struct link_addresses *addresses)
{
	const struct link_address *found = ip->family ? link_find_address(addresses, ip) : NULL;
	size_t i;

	for (i = 0; found && i < links->list.count; i++)
		if (links->list.item[i].ifindex == found->ifindex)
			return links->list.item[i].mtu;
	return 0;
}

static uint32_t mtu_of_way(const struct state *state, uint32_t mode, int family,
			   const uint32_t underlay[FAMILIES])
{
	if (mode == NODE_MODE_NONE)
		mode = state->config.value[DVPNET_A_CONFIG_MODE];
	/* "auto" is VXLAN to some. */
	if (mode == DVPNET_MODE_CLASSIC || !underlay[family])
		return underlay[family];
	return underlay[family] - overheads[family];
}

/**
 * cni_mtu - MTU of pods of this node
 * @state: nodes and settings
 * @links: devices
 * @addresses: their addresses
 *
 * Return: bytes, or 0 if it is not known.
 */
uint32_t cni_mtu(const struct state *state, const struct links *links,
		 const struct link_addresses *addresses)
{
	const struct node *self = state_self(state);
	uint32_t underlay[FAMILIES], narrowest, mtu;
	size_t i;
	int family;

	if (!self)
		return 0;
	for (family = 0; family < FAMILIES; family++)
		underlay[family] = mtu_of_address(&self->underlay[family], links, addresses);
	narrowest = mtu_of_way(state, NODE_MODE_NONE, underlay[V4] ? V4 : V6, underlay);
	for (i = 0; i < state->nodes.count; i++) {
		const struct node *node = &state->nodes.item[i];

		family = node == self ? -1 : node_common_family(self, node);
		mtu = family < 0 ? 0 : mtu_of_way(state, node->mode, family, underlay);
		if (mtu && mtu < narrowest)
			narrowest = mtu;
	}
	return narrowest;
}

/* ---- the text ---- */

static const char *any_text(uint8_t family)
{
	return family == AF_INET ? "0.0.0.0/0" : "::/0";
}

static json_t *addresses_json(const struct node_object *node)
{
	json_t *ranges = json_array(), *routes = json_array();
	bool routed[FAMILIES] = { false };
	char text[IP_TEXT_MAX];
	size_t i;

	for (i = 0; i < node->cidrs.count; i++) {
		const struct range *cidr = &node->cidrs.item[i];
		int family = family_index(cidr->addr.family);

		json_array_append_new(ranges, json_pack("[{s:s}]", "subnet",
				      ip_prefix_text(&cidr->addr, cidr->len, text)));
		if (!routed[family])
			json_array_append_new(routes, json_pack("{s:s}", "dst",
					      any_text(cidr->addr.family)));
		routed[family] = true;
	}
	return json_pack("{s:s, s:s, s:o, s:o}", "type", "host-local", "dataDir", ADDRESSES_DIR,
			 "ranges", ranges, "routes", routes);
}

/**
 * cni_text - the CNI configuration of a node
 * @node: the node
 * @mtu: MTU of its pods, 0 = leave it to the plugin
 *
 * Return: the text, to be freed; NULL if no pods can run there.
 */
char *cni_text(const struct node_object *node, uint32_t mtu)
{
	json_t *root, *ptp;
	char *text, *line;

	if (!node->cidrs.count)
		return NULL;
	ptp = json_pack("{s:s, s:b, s:o}", "type", "ptp", "ipMasq", false,
			"ipam", addresses_json(node));
	if (mtu)
		json_object_set_new(ptp, "mtu", json_integer(mtu));
	root = json_pack("{s:s, s:s, s:[o, {s:s, s:b, s:{s:b}}]}",
			 "cniVersion", "1.0.0", "name", "dvpnet", "plugins", ptp,
			 "type", "portmap", "snat", true, "capabilities", "portMappings", true);
	text = json_dumps(root, JSON_INDENT(2));
	line = util_printf("%s\n", text);
	json_decref(root);
	free(text);
	return line;
}

static bool read_mtu(const struct state *state, uint32_t *mtu, struct report *report)
{
	struct link_addresses addresses = { 0 };
	struct netlink rtnl = { 0 };
	struct links links = { 0 };
	bool valid;

	valid = !route_open(&rtnl) && !link_list(&rtnl, &links) &&
		!link_list_addresses(&rtnl, &addresses);
	if (valid)
		*mtu = cni_mtu(state, &links, &addresses);
	else
		report_warning(report, NULL, "CNI configuration: cannot read the devices' MTU: %s",
			       rtnl.error);
	list_free(&links.list);
	list_free(&addresses.list);
	if (rtnl.sock)
		netlink_close(&rtnl);
	return valid;
}

/**
 * cni_wanted - the CNI configuration that this node ought to have now
 * @node: this node's Node, or NULL
 * @state: nodes and settings
 * @report: warnings
 *
 * Return: the text, to be freed; NULL if that is not known.
 */
char *cni_wanted(const struct node_object *node, const struct state *state,
		 struct report *report)
{
	uint32_t mtu = 0;

	if (!node || !read_mtu(state, &mtu, report))
		return NULL;
	return cni_text(node, mtu);
}

/* ---- the file ---- */

/**
 * cni_path - where the configuration is
 * @dir: folder
 *
 * Return: the path, to be freed.
 */
char *cni_path(const char *dir)
{
	return util_printf("%s/" CNI_CONF_NAME, dir);
}

static bool has_text(const char *path, const char *text)
{
	size_t size = strlen(text);
	char *have = util_alloc(FILE_SIZE_MAX);
	FILE *file = fopen(path, "re");
	bool same = false;

	if (file) {
		same = fread(have, 1, FILE_SIZE_MAX, file) == size && !memcmp(have, text, size);
		fclose(file);
	}
	free(have);
	return same;
}

/* The folder, and those that it is in. */
static int make_dirs(const char *dir)
{
	char *path = util_strdup(dir), *slash;
	int err = 0;

	for (slash = strchr(path + 1, '/'); !err && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		err = mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
		*slash = '/';
	}
	if (!err && mkdir(path, 0755) && errno != EEXIST)
		err = -errno;
	free(path);
	return err;
}

/**
 * cni_write - have the configuration in its place
 * @dir: folder
 * @text: the configuration
 * @changes: raised if it was another, or none
 * @report: a warning if it cannot be written: what is there stays
 *
 * Return: false if it cannot be written.
 */
bool cni_write(const char *dir, const char *text, size_t *changes, struct report *report)
{
	char *path = cni_path(dir);
	int err = 0;

	if (!has_text(path, text)) {
		err = make_dirs(dir);
		if (!err)
			err = file_replace(path, text);
		++*changes;
	}
	if (err)
		report_warning(report, NULL, "%s: cannot be written: %s; new pods get no network "
			       "without, or an outdated one", path, strerror(-err));
	free(path);
	return !err;
}

/**
 * cni_remove - take the configuration away
 * @dir: folder
 * @changes: raised if there was one
 * @report: an error if it cannot be removed
 *
 * Return: false if it cannot be removed.
 */
bool cni_remove(const char *dir, size_t *changes, struct report *report)
{
	char *path = cni_path(dir);
	bool valid = true;

	if (!unlink(path)) {
		++*changes;
	} else if (errno != ENOENT && errno != ENOTDIR) {
		report_error(report, NULL, "%s: cannot be removed: %s", path, strerror(errno));
		valid = false;
	}
	free(path);
	return valid;
}
