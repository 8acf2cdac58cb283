/* SPDX-License-Identifier: GPL-2.0 */
/* How container runtimes connect pods: the CNI configuration of a node. */
#ifndef DVPNETCTL_CNI_H
#define DVPNETCTL_CNI_H

#include "link.h"
#include "objects.h"

/** Where container runtimes look for it. */
#define CNI_CONF_DIR "/etc/cni/net.d"

/** Its name there; the first in order of the alphabet is used. */
#define CNI_CONF_NAME "10-dvpnet.conflist"

uint32_t cni_mtu(const struct state *state, const struct links *links,
		 const struct link_addresses *addresses);
char *cni_text(const struct node_object *node, uint32_t mtu);
char *cni_wanted(const struct node_object *node, const struct state *state,
		 struct report *report);
char *cni_path(const char *dir);
bool cni_write(const char *dir, const char *text, size_t *changes, struct report *report);
bool cni_remove(const char *dir, size_t *changes, struct report *report);

#endif
