// SPDX-License-Identifier: GPL-2.0
/*
 * What has to change in the kernel: two sorted states are walked side by side.
 *
 * Order of the steps: settings, but for those that have to wait; ranges; services
 * that go, which frees their addresses and ports; nodes before the prefixes that
 * are put behind them; prefixes that move before those that go, so that a move
 * is one step; nodes that go; services; the settings that have waited.
 */
#include <stdlib.h>
#include <string.h>

#include "diff.h"

/* ---- settings ---- */

static void diff_config(const struct config *want, const struct config *have,
			struct config *differing)
{
	uint16_t attr;

	for (attr = 1; attr <= DVPNET_A_CONFIG_MAX; attr++)
		if (attr != DVPNET_A_CONFIG_SECRET && config_differs(want, have, attr))
			config_set(differing, attr, want->value[attr]);
}

/*
 * Will fewer nodes be reachable? In classic mode the kernel refuses nodes behind
 * routers, so those that go have to be gone before the mode is set.
 */
static bool is_stricter(const struct config *differing, const struct config *want)
{
	return want->value[DVPNET_A_CONFIG_MODE] == DVPNET_MODE_CLASSIC &&
	       (config_has(differing, DVPNET_A_CONFIG_MODE) ||
		config_has(differing, DVPNET_A_CONFIG_TRUST_UNDERLAY));
}

/*
 * While the nodes' prefixes are not there, pods of other nodes are taken for the
 * outside: masquerading begins last.
 */
static void split_config(const struct config *want, struct diff *diff)
{
	struct config differing = diff->config;

	if (is_stricter(&differing, want)) {
		diff->late_config = differing;
		diff->config = (struct config){ 0 };
	} else if (config_has(&differing, DVPNET_A_CONFIG_MASQUERADE) &&
		   want->value[DVPNET_A_CONFIG_MASQUERADE]) {
		config_set(&diff->late_config, DVPNET_A_CONFIG_MASQUERADE, 1);
		config_clear(&diff->config, DVPNET_A_CONFIG_MASQUERADE);
	}
}

static void add_config(struct diff *diff, const struct config *config)
{
	struct change *change;

	if (!config->present)
		return;
	change = list_add(&diff->changes);
	change->kind = CHANGE_CONFIG;
	change->config = config;
	diff->changed++;
}

static void add_ranges(struct diff *diff, const struct ranges *ranges)
{
	struct change *change = list_add(&diff->changes);

	change->kind = CHANGE_RANGES;
	change->ranges = ranges;
	diff->changed++;
}

/* ---- walking two sorted lists ---- */

/**
 * typedef pair_fn - takes a desired object and the kernel's of the same key
 * @want: what ought to be, or NULL
 * @have: what is, or NULL; not both
 * @arg: as given to the walk
 */
typedef void pair_fn(const void *want, const void *have, void *arg);

static void walk(const void *want, size_t want_count, const void *have, size_t have_count,
		 size_t size, int (*compare)(const void *, const void *), pair_fn *fn,
		 void *arg)
{
	const char *w = want, *h = have;
	const char *w_end = w + want_count * size, *h_end = h + have_count * size;

	while (w < w_end || h < h_end) {
		int order = w == w_end ? 1 : h == h_end ? -1 : compare(w, h);

		fn(order <= 0 ? w : NULL, order >= 0 ? h : NULL, arg);
		w += order <= 0 ? size : 0;
		h += order >= 0 ? size : 0;
	}
}

#define walk_lists(want, have, compare, fn, arg)				\
	walk((want)->item, (want)->count, (have)->item, (have)->count,		\
	     sizeof(*(want)->item), compare, fn, arg)

/* ---- steps ---- */

/* In a full diff objects that are equal are set as well; NULL if there is nothing to do. */
static struct change *add_set(struct diff *diff, enum change_kind kind, bool is_new,
			      bool is_same)
{
	struct change *change;

	if (is_same && diff->mode != DIFF_FULL)
		return NULL;
	change = list_add(&diff->changes);
	change->kind = kind;
	change->is_new = is_new;
	change->is_same = is_same;
	diff->added += is_new;
	diff->changed += !is_new && !is_same;
	return change;
}

static struct change *add_del(struct diff *diff, enum change_kind kind)
{
	struct change *change = list_add(&diff->changes);

	change->kind = kind;
	diff->removed++;
	return change;
}

static void set_node(const void *want, const void *have, void *arg)
{
	struct change *change = NULL;

	if (want)
		change = add_set(arg, CHANGE_SET_NODE, !have, have && node_equal(want, have));
	if (change)
		change->node = want;
}

static void del_node(const void *want, const void *have, void *arg)
{
	if (!want)
		add_del(arg, CHANGE_DEL_NODE)->node = have;
}

static bool is_moved(const struct prefix *want, const struct prefix *have)
{
	return util_strcmp_null(want->node, have->node);
}

static void set_prefix(const void *want, const void *have, void *arg)
{
	struct change *change = NULL;

	if (want)
		change = add_set(arg, CHANGE_SET_PREFIX, !have, have && !is_moved(want, have));
	if (change)
		change->prefix = want;
}

static void del_prefix(const void *want, const void *have, void *arg)
{
	if (!want)
		add_del(arg, CHANGE_DEL_PREFIX)->prefix = have;
}

/* The kernel refuses another protocol under the same name: it is another service. */
static bool is_same_service(const struct service *want, const struct service *have)
{
	return want && have && want->proto == have->proto;
}

static void set_service(const void *want, const void *have, void *arg)
{
	struct change *change = NULL;

	if (want)
		change = add_set(arg, CHANGE_SET_SERVICE, !is_same_service(want, have),
				 have && service_equal(want, have));
	if (change)
		change->service = want;
}

static void del_service(const void *want, const void *have, void *arg)
{
	if (have && !is_same_service(want, have))
		add_del(arg, CHANGE_DEL_SERVICE)->service = have;
}

/* ---- keys that move between objects ---- */

/**
 * struct key - something that only one object can have
 * @type: what it is: an underlay address, being this node, a frontend
 * @family: of what has no address
 * @proto: of a frontend
 * @port: of a frontend
 * @addr: address
 * @owner: name of the object
 */
struct key {
	enum { KEY_UNDERLAY, KEY_SELF, KEY_FRONTEND } type;
	uint8_t family;
	uint8_t proto;
	uint16_t port;
	struct ip addr;
	const char *owner;
};

/** struct keys - those of a state */
struct keys {
	LIST(struct key) list;
};

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->family != y->family)
		return x->family - y->family;
	if (x->proto != y->proto)
		return x->proto - y->proto;
	if (x->port != y->port)
		return x->port - y->port;
	return ip_compare(&x->addr, &y->addr);
}

static void collect_keys(const struct state *state, struct keys *keys)
{
	size_t i, j;

	for (i = 0; i < state->nodes.count; i++) {
		const struct node *node = &state->nodes.item[i];

		for (j = 0; j < FAMILIES; j++)
			if (node->underlay[j].family)
				*list_add(&keys->list) = (struct key){
					.type = KEY_UNDERLAY,
					.addr = node->underlay[j],
					.owner = node->name,
				};
		if (node->local)
			*list_add(&keys->list) = (struct key){
				.type = KEY_SELF, .owner = node->name,
			};
	}
	for (i = 0; i < state->services.count; i++) {
		const struct service *service = &state->services.item[i];

		for (j = 0; j < service->frontends.count; j++)
			*list_add(&keys->list) = (struct key){
				.type = KEY_FRONTEND,
				.family = service->family,
				.proto = service->proto,
				.port = service->frontends.item[j].port,
				.addr = service->frontends.item[j].addr,
				.owner = service->name,
			};
	}
	list_sort(&keys->list, compare_keys);
}

static bool has_service(const struct state *state, const char *name, uint8_t family)
{
	struct service key = { .name = (char *)name, .family = family };

	return state->services.count &&
	       bsearch(&key, state->services.item, state->services.count,
		       sizeof(*state->services.item), service_compare);
}

/**
 * struct mover - looks for keys that move
 * @want: what ought to be
 * @found: there is one
 */
struct mover {
	const struct state *want;
	bool found;
};

/* Services that go free their keys first, so those do not count; nodes that go do so last. */
static void find_move(const void *want, const void *have, void *arg)
{
	const struct key *to = want, *from = have;
	struct mover *mover = arg;

	if (!to || !from || !strcmp(to->owner, from->owner))
		return;
	mover->found |= from->type != KEY_FRONTEND ||
			has_service(mover->want, from->owner, from->family);
}

static bool keys_move(const struct state *want, const struct state *have)
{
	struct keys wanted = { 0 }, there = { 0 };
	struct mover mover = { .want = want };

	collect_keys(want, &wanted);
	collect_keys(have, &there);
	walk_lists(&wanted.list, &there.list, compare_keys, find_move, &mover);
	list_free(&wanted.list);
	list_free(&there.list);
	return mover.found;
}

/**
 * diff_make - find the steps from what is to what ought to be
 * @want: what ought to be; sorted
 * @have: what is; sorted
 * @mode: which objects are set
 * @diff: filled
 *
 * The secret of the settings cannot be read back, so it is not compared.
 */
void diff_make(const struct state *want, const struct state *have, enum diff_mode mode,
	       struct diff *diff)
{
	*diff = (struct diff){ .mode = mode };
	diff_config(&want->config, &have->config, &diff->config);
	split_config(&want->config, diff);
	add_config(diff, &diff->config);
	if (!ranges_equal(&want->ranges, &have->ranges))
		add_ranges(diff, &want->ranges);
	walk_lists(&want->services, &have->services, service_compare, del_service, diff);
	walk_lists(&want->nodes, &have->nodes, node_compare, set_node, diff);
	walk_lists(&want->prefixes, &have->prefixes, prefix_compare, set_prefix, diff);
	walk_lists(&want->prefixes, &have->prefixes, prefix_compare, del_prefix, diff);
	walk_lists(&want->nodes, &have->nodes, node_compare, del_node, diff);
	walk_lists(&want->services, &have->services, service_compare, set_service, diff);
	add_config(diff, &diff->late_config);
	diff->keys_move = keys_move(want, have);
}

/**
 * diff_is_empty - is all as it ought to be?
 * @diff: the steps
 */
bool diff_is_empty(const struct diff *diff)
{
	return !diff->added && !diff->changed && !diff->removed;
}

/**
 * diff_free - forget the steps
 * @diff: the steps
 */
void diff_free(struct diff *diff)
{
	list_free(&diff->changes);
}
