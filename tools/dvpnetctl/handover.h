/* SPDX-License-Identifier: GPL-2.0 */
/* Agents hand over the flows of machines that move. */
#ifndef DVPNETCTL_HANDOVER_H
#define DVPNETCTL_HANDOVER_H

#include "parcel.h"
#include "reconcile.h"
#include "watch.h"

struct handover_letter;

/**
 * struct handover_parcel - a parcel that has come
 * @parcel: what is in it
 * @until: when it is too old, in microseconds of CLOCK_MONOTONIC
 */
struct handover_parcel {
	struct parcel parcel;
	uint64_t until;
};

/**
 * struct handover_leaving - a machine that has left
 * @addr: its address
 * @node: name of the node that it has gone to
 */
struct handover_leaving {
	struct ip addr;
	char *node;
};

/**
 * struct handover - parcels that come and go
 * @api: the API server
 * @reconcile: what this node has, and the way into its kernel
 * @query: selects the parcels for this node
 * @resource: those parcels
 * @watch: follows them
 * @leaving: machines whose flows have to be sent
 * @waiting: parcels of machines that are not here yet, in the order in which they came
 * @timer: when the first of them is too old
 * @letters: requests under way, or waiting to be tried again
 */
struct handover {
	struct api *api;
	struct reconcile *reconcile;
	char *query;
	struct resource resource;
	struct watch watch;
	LIST(struct handover_leaving) leaving;
	LIST(struct handover_parcel) waiting;
	sd_event_source *timer;
	struct handover_letter *letters;
};

bool handover_start(struct handover *handover, struct api *api, struct reconcile *reconcile);
uint32_t handover_hold_ms(const struct handover *handover);
void handover_follow(struct handover *handover);
void handover_hurry(struct handover *handover);
void handover_stop(struct handover *handover);

#endif
