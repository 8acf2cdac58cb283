/* SPDX-License-Identifier: GPL-2.0 */
/* Where settings come from, and what was ignored: for people. */
#ifndef DVPNETCTL_ORIGIN_H
#define DVPNETCTL_ORIGIN_H

#include <jansson.h>

#include "config.h"
#include "util.h"

/**
 * struct origin - where settings come from
 * @mode: what decided on the mode, and why; NULL where it is not known
 * @port: what decided on the VXLAN port
 * @ignored: what was asked for and is not done, with the reason, each
 */
struct origin {
	char *mode;
	char *port;
	LIST(char *) ignored;
};

json_t *origin_to_json(const struct origin *origin);
void origin_save(const struct origin *origin, const struct config *config);
void origin_load(struct origin *origin, const struct config *config);
void origin_forget(void);
void origin_free(struct origin *origin);

#endif
