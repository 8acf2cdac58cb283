// SPDX-License-Identifier: GPL-2.0
/*
 * Mark and sweep: one configuration change of many messages.
 *
 * Every object carries the stamp of the sync that last named it; commit of a
 * replacing sync removes those with an older one. The sync belongs to the
 * socket that opened it: its death abandons the sync and sweeps nothing.
 */
#include <linux/netlink.h>

#include "netlink.h"
#include "netns.h"
#include "node.h"
#include "service.h"
#include "sync.h"

/**
 * dvp_sync_may_write - may this socket change the configuration?
 * @dn: whose
 * @portid: the socket
 * @extack: says why not
 *
 * Context: &dvp_net.lock.
 * Return: 0, or -EBUSY while another socket's sync is open.
 */
int dvp_sync_may_write(struct dvp_net *dn, u32 portid,
		       struct netlink_ext_ack *extack)
{
	if (!dn->sync.portid || dn->sync.portid == portid)
		return 0;
	NL_SET_ERR_MSG_FMT_MOD(extack, "a sync is open, by netlink port %u",
			       dn->sync.portid);
	return -EBUSY;
}

/**
 * dvp_sync_is_outdated - is an object about to be swept?
 * @dn: whose
 * @stamp: the object's stamp
 *
 * Context: &dvp_net.lock.
 */
bool dvp_sync_is_outdated(const struct dvp_net *dn, u32 stamp)
{
	return dn->sync.portid && dn->sync.replace && stamp != dn->sync.stamp;
}

/**
 * dvp_sync_changed - take note of a change
 * @dn: whose
 *
 * A change outside a sync is a generation of its own.
 *
 * Context: &dvp_net.lock.
 */
void dvp_sync_changed(struct dvp_net *dn)
{
	dn->seq++;
	dn->sync.changed = true;
	if (!dn->sync.portid)
		dn->generation++;
}

/**
 * dvp_sync_begin - open a sync
 * @dn: whose
 * @portid: the socket
 * @replace: commit shall sweep
 * @token: filled with what commit has to name
 * @extack: says why not
 *
 * Context: &dvp_net.lock.
 * Return: 0, or -EBUSY while one is open, this socket's own included.
 */
int dvp_sync_begin(struct dvp_net *dn, u32 portid, bool replace, u32 *token,
		   struct netlink_ext_ack *extack)
{
	int err;

	err = dvp_sync_may_write(dn, portid, extack);
	if (err)
		return err;
	if (dn->sync.portid) {
		NL_SET_ERR_MSG_MOD(extack, "this socket has a sync open already");
		return -EBUSY;
	}
	dn->sync.portid = portid;
	dn->sync.token++;
	dn->sync.stamp++;
	dn->sync.replace = replace;
	dn->sync.changed = false;
	*token = dn->sync.token;
	return 0;
}

static int sync_check(struct dvp_net *dn, u32 portid, u32 token,
		      struct netlink_ext_ack *extack)
{
	if (dn->sync.portid != portid) {
		NL_SET_ERR_MSG_MOD(extack, "this socket has no sync open");
		return -ENOENT;
	}
	if (dn->sync.token != token) {
		NL_SET_ERR_MSG_MOD(extack, "not the token of the open sync");
		return -EINVAL;
	}
	if (dn->sync.draft) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "the rest of service %.50s is missing",
				       dn->sync.draft->name);
		return -EINVAL;
	}
	return 0;
}

static void sync_sweep(struct dvp_net *dn)
{
	struct dvp_prefix *prefix, *next;
	struct dvp_service *service;
	struct dvp_node *node;
	unsigned long id;

	xa_for_each(&dn->services, id, service) {
		if (service->stamp == dn->sync.stamp)
			continue;
		dvp_netlink_notify_service(dn, service, DVPNET_CMD_SERVICE_DEL_NTF);
		dvp_service_del(dn, service);
		dvp_sync_changed(dn);
	}
	for (prefix = dvp_prefix_next(&dn->prefixes, NULL); prefix; prefix = next) {
		next = dvp_prefix_next(&dn->prefixes, prefix);
		if (prefix->stamp == dn->sync.stamp)
			continue;
		dvp_netlink_notify_prefix(dn, prefix, DVPNET_CMD_PREFIX_DEL_NTF);
		dvp_prefix_del(&dn->prefixes, prefix);
		dvp_sync_changed(dn);
	}
	xa_for_each(&dn->nodes, id, node)
		if (node->stamp != dn->sync.stamp)
			dvp_node_del(dn, node);
}

static void sync_close(struct dvp_net *dn)
{
	/* What an abandoned sync set is set, and readers have to notice. */
	if (dn->sync.changed)
		dn->generation++;
	dn->sync.portid = 0;
	dn->sync.replace = false;
}

/**
 * dvp_sync_commit - close a sync, and sweep if it replaces
 * @dn: whose
 * @portid: the socket
 * @token: from dvp_sync_begin()
 * @extack: says why not
 *
 * Context: &dvp_net.lock.
 * Return: 0; -ENOENT without an open sync, -EINVAL with the wrong token or a
 * half-sent service, then the sync stays open.
 */
int dvp_sync_commit(struct dvp_net *dn, u32 portid, u32 token,
		    struct netlink_ext_ack *extack)
{
	int err;

	err = sync_check(dn, portid, token, extack);
	if (err)
		return err;
	if (dn->sync.replace)
		sync_sweep(dn);
	sync_close(dn);
	return 0;
}

static void sync_drop_draft(struct dvp_net *dn)
{
	dvp_service_draft_free(dn->sync.draft);
	dn->sync.draft = NULL;
	dn->sync.draft_portid = 0;
}

/**
 * dvp_sync_abort - close a sync without sweeping
 * @dn: whose
 * @portid: the socket
 * @token: from dvp_sync_begin()
 * @extack: says why not
 *
 * Context: &dvp_net.lock.
 * Return: as dvp_sync_commit().
 */
int dvp_sync_abort(struct dvp_net *dn, u32 portid, u32 token,
		   struct netlink_ext_ack *extack)
{
	int err;

	if (dn->sync.draft_portid == portid)
		sync_drop_draft(dn);
	err = sync_check(dn, portid, token, extack);
	if (err)
		return err;
	sync_close(dn);
	return 0;
}

/**
 * dvp_sync_forget - a socket is gone
 * @dn: whose
 * @portid: the socket
 *
 * Context: &dvp_net.lock.
 */
void dvp_sync_forget(struct dvp_net *dn, u32 portid)
{
	if (dn->sync.draft_portid == portid)
		sync_drop_draft(dn);
	if (dn->sync.portid == portid)
		sync_close(dn);
}

/**
 * dvp_sync_exit - nothing will be committed any more
 * @dn: whose
 *
 * Context: &dvp_net.lock.
 */
void dvp_sync_exit(struct dvp_net *dn)
{
	sync_drop_draft(dn);
	dn->sync.portid = 0;
}
