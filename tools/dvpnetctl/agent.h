/* SPDX-License-Identifier: GPL-2.0 */
/* A node that follows an API server. */
#ifndef DVPNETCTL_AGENT_H
#define DVPNETCTL_AGENT_H

#include "desired.h"
#include "serving.h"

/**
 * struct agent_options - what was asked for
 * @kubeconfig: file, or NULL for a pod's service account
 * @desired: which node this is, and settings
 * @min_sync_ms: least time between two changes of the kernel
 * @sync_ms: most time between two comparisons of all with what the kernel really has
 * @serving: where it tells of itself
 * @cni_dir: folder for the CNI configuration, "" = write none
 * @once: end when the kernel has all
 * @dry_run: change nothing, print what would change
 */
struct agent_options {
	const char *kubeconfig;
	struct desired_options desired;
	unsigned int min_sync_ms;
	unsigned int sync_ms;
	struct serving_options serving;
	const char *cni_dir;
	bool once;
	bool dry_run;
};

int agent_run(const struct agent_options *options);

#endif
