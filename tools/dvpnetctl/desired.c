// SPDX-License-Identifier: GPL-2.0
/* From Kubernetes objects to what one node's kernel has to know. */
#include <stdio.h>
#include <string.h>

#include "builder.h"

static bool find_self(struct builder *builder)
{
	const struct objects *objects = builder->objects;
	char names[512] = "";
	size_t i, used = 0;

	for (i = 0; i < objects->nodes.count; i++) {
		const char *name = objects->nodes.item[i].meta.name;

		if (!strcmp(name, builder->options->node)) {
			builder->self = &objects->nodes.item[i];
			return true;
		}
		if (used < sizeof(names))
			used += snprintf(names + used, sizeof(names) - used, "%s%s",
					 i ? ", " : "", name);
	}
	report_error(builder->report, NULL, "no Node \"%s\" among the objects: known are %s%s",
		     builder->options->node, *names ? names : "none",
		     used < sizeof(names) ? "" : "...");
	return false;
}

/**
 * desired_build - what the kernel of one node has to know
 * @objects: the objects, complete
 * @options: what they do not tell
 * @state: filled, and sorted; to be freed also after an error
 * @report: errors and warnings; what there is an error about is left out
 *
 * Return: false if nothing can be made of the objects; that is an error, too.
 */
bool desired_build(const struct objects *objects, const struct desired_options *options,
		   struct state *state, struct report *report)
{
	struct builder builder = {
		.objects = objects, .options = options, .state = state, .report = report,
	};

	if (!find_self(&builder) || !desired_add_nodes(&builder))
		return false;
	desired_add_ranges(&builder);
	desired_add_services(&builder);
	if (!objects->is_part) {
		desired_add_machines(&builder);
		desired_set_config(&builder);
	}
	state_sort(state);
	return true;
}
