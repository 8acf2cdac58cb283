/* SPDX-License-Identifier: GPL-2.0 */
/* Whether this node serves its Services, as load balancers and probes ask. */
#ifndef DVPNETCTL_HEALTH_H
#define DVPNETCTL_HEALTH_H

#include "http.h"
#include "store.h"

/**
 * struct health - what is known of it
 * @pending: since when the kernel has to follow a change, in microseconds of CLOCK_MONOTONIC;
 *	0 = it has all
 * @updated: when the kernel has followed last, in seconds since 1970; 0 = never
 */
struct health {
	uint64_t pending;
	double updated;
};

void health_queued(struct health *health, uint64_t now_us);
void health_updated(struct health *health, double now);
bool health_is_good(const struct health *health, uint64_t now_us);
size_t health_count_local(const struct store_service *service);

void health_answer(const struct health *health, const struct node_object *node, bool of_node,
		   uint64_t now_us, double now, struct http_answer *answer);
void health_answer_service(const char *namespace, const char *name, size_t local, bool is_good,
			   struct http_answer *answer);

#endif
