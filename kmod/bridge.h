/* SPDX-License-Identifier: GPL-2.0 */
/* Replies that a bridge takes past the host. */
#ifndef _DVPNET_BRIDGE_H
#define _DVPNET_BRIDGE_H

struct nf_hook_state;
struct sk_buff;

unsigned int dvp_bridge_forward(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state);

#endif
