/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses and ports that Services claim, and who gets those that several do. */
#ifndef DVPNETCTL_CLAIMS_H
#define DVPNETCTL_CLAIMS_H

#include "objects.h"

/**
 * struct claim - what a Service asks for
 * @object: the Service
 * @service: index of the one port in one family, in &struct state
 * @frontend: what it asks for
 * @family: AF_INET or AF_INET6
 * @proto: IPPROTO_*
 * @place: where it does
 * @lost: it does not get it
 */
struct claim {
	const struct service_object *object;
	size_t service;
	struct frontend frontend;
	uint8_t family;
	uint8_t proto;
	struct place place;
	bool lost;
};

/** struct claims - those of all Services */
struct claims {
	LIST(struct claim) list;
};

void claims_settle(struct claims *claims, const struct objects *objects, struct state *state,
		   struct report *report);

#endif
