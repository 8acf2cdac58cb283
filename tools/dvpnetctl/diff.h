/* SPDX-License-Identifier: GPL-2.0 */
/* What has to change in the kernel. */
#ifndef DVPNETCTL_DIFF_H
#define DVPNETCTL_DIFF_H

#include "state.h"

/**
 * enum change_kind - what a change does
 * @CHANGE_CONFIG: sets settings
 * @CHANGE_RANGES: replaces the ranges of the cluster
 * @CHANGE_DEL_SERVICE: removes a service
 * @CHANGE_SET_NODE: adds or replaces a node
 * @CHANGE_SET_PREFIX: adds or moves a prefix
 * @CHANGE_DEL_PREFIX: removes a prefix
 * @CHANGE_DEL_NODE: removes a node
 * @CHANGE_SET_SERVICE: adds or replaces a service
 */
enum change_kind {
	CHANGE_CONFIG,
	CHANGE_RANGES,
	CHANGE_DEL_SERVICE,
	CHANGE_SET_NODE,
	CHANGE_SET_PREFIX,
	CHANGE_DEL_PREFIX,
	CHANGE_DEL_NODE,
	CHANGE_SET_SERVICE,
};

/**
 * struct change - one step
 * @kind: what it does
 * @is_new: the object is not there yet
 * @is_same: the object is there and equal; only in a full diff
 * @config: for CHANGE_CONFIG; the diff's own
 * @ranges: for CHANGE_RANGES; of one of the states
 * @node: for CHANGE_*_NODE; of one of the states
 * @prefix: for CHANGE_*_PREFIX; of one of the states
 * @service: for CHANGE_*_SERVICE; of one of the states
 * @object: whichever it is
 */
struct change {
	enum change_kind kind;
	bool is_new;
	bool is_same;
	union {
		const struct config *config;
		const struct ranges *ranges;
		const struct node *node;
		const struct prefix *prefix;
		const struct service *service;
		const void *object;
	};
};

/**
 * enum diff_mode - which objects a diff sets
 * @DIFF_CHANGES: those that are new or differ
 * @DIFF_FULL: all, for a replacing sync
 */
enum diff_mode { DIFF_CHANGES, DIFF_FULL };

/**
 * struct diff - all steps, in the order in which the kernel takes them
 * @mode: which objects it sets
 * @changes: the steps
 * @config: settings that have to change first
 * @late_config: settings that have to change last, when the objects are what they ought to be
 * @keys_move: an address or port passes from one object to another that both remain, or
 *	the nodes change places: only a replacing sync can do that in one go
 * @added: objects that are new
 * @changed: objects that are there and differ, settings included
 * @removed: objects that go
 */
struct diff {
	enum diff_mode mode;
	LIST(struct change) changes;
	struct config config;
	struct config late_config;
	bool keys_move;
	size_t added;
	size_t changed;
	size_t removed;
};

void diff_make(const struct state *want, const struct state *have, enum diff_mode mode,
	       struct diff *diff);
bool diff_is_empty(const struct diff *diff);
void diff_free(struct diff *diff);

#endif
