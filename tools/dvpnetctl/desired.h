/* SPDX-License-Identifier: GPL-2.0 */
/* From Kubernetes objects to what one node's kernel has to know. */
#ifndef DVPNETCTL_DESIRED_H
#define DVPNETCTL_DESIRED_H

#include "objects.h"

#define DESIRED_PORT 4298
#define DESIRED_PORT_OLD 8472
#define DESIRED_PORT_OLD_MACHINES 8469
#define DESIRED_VNI 1
#define DESIRED_NODEPORT_MIN 30000
#define DESIRED_NODEPORT_MAX 32767

/**
 * struct desired_options - what the objects do not tell
 * @node: name of the node that this network namespace is
 * @config: settings that override those of the objects
 */
struct desired_options {
	const char *node;
	struct config config;
};

bool desired_build(const struct objects *objects, const struct desired_options *options,
		   struct state *state, struct report *report);
void desired_keep_config(const struct config *before, const struct desired_options *options,
			 struct state *state);
void desired_mac(const char *name, uint8_t mac[NODE_MAC_SIZE]);

#endif
