/* SPDX-License-Identifier: GPL-2.0 */
/* What would change, in JSON. */
#ifndef DVPNETCTL_DRY_RUN_H
#define DVPNETCTL_DRY_RUN_H

#include "state.h"

int dry_run(const struct state *want);
int dry_run_have(struct state *have);
void dry_run_changes(const struct state *want, const struct state *have);

#endif
