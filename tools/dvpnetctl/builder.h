/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of desired_build() share. */
#ifndef DVPNETCTL_BUILDER_H
#define DVPNETCTL_BUILDER_H

#include "desired.h"

/**
 * struct builder - what desired_build() works with
 * @objects: the objects
 * @options: what they do not tell
 * @self: this node
 * @state: what is built
 * @report: errors and warnings
 */
struct builder {
	const struct objects *objects;
	const struct desired_options *options;
	const struct node_object *self;
	struct state *state;
	struct report *report;
};

bool desired_add_nodes(struct builder *builder);
void desired_set_config(struct builder *builder);
void desired_add_services(struct builder *builder);
void desired_add_ranges(struct builder *builder);
void desired_add_machines(struct builder *builder);

#endif
