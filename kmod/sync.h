/* SPDX-License-Identifier: GPL-2.0 */
/* Mark and sweep: one configuration change of many messages. */
#ifndef _DVPNET_SYNC_H
#define _DVPNET_SYNC_H

#include <linux/types.h>

struct dvp_net;
struct dvp_service_draft;
struct netlink_ext_ack;

/**
 * struct dvp_sync - the open sync of a network namespace; under &dvp_net.lock
 * @portid: netlink port of the socket that opened it, 0 = none is open
 * @token: what commit has to name
 * @replace: commit sweeps what was not stamped
 * @stamp: stamp of this sync; every object set gets it
 * @changed: something was changed since begin
 * @draft: a service that comes in several messages, or NULL
 * @draft_portid: netlink port of the socket that sends it
 */
struct dvp_sync {
	u32 portid;
	u32 token;
	bool replace;
	u32 stamp;
	bool changed;
	struct dvp_service_draft *draft;
	u32 draft_portid;
};

int dvp_sync_begin(struct dvp_net *dn, u32 portid, bool replace, u32 *token,
		   struct netlink_ext_ack *extack);
int dvp_sync_commit(struct dvp_net *dn, u32 portid, u32 token,
		    struct netlink_ext_ack *extack);
int dvp_sync_abort(struct dvp_net *dn, u32 portid, u32 token,
		   struct netlink_ext_ack *extack);
int dvp_sync_may_write(struct dvp_net *dn, u32 portid,
		       struct netlink_ext_ack *extack);
bool dvp_sync_is_outdated(const struct dvp_net *dn, u32 stamp);
void dvp_sync_changed(struct dvp_net *dn);
void dvp_sync_forget(struct dvp_net *dn, u32 portid);
void dvp_sync_exit(struct dvp_net *dn);

#endif
