/* SPDX-License-Identifier: GPL-2.0 */
/* Netfilter hooks. */
#ifndef _DVPNET_HOOKS_H
#define _DVPNET_HOOKS_H

struct dvp_net;

int dvp_hooks_start(struct dvp_net *dn);
void dvp_hooks_stop(struct dvp_net *dn);

#endif
