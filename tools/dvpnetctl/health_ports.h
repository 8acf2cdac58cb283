/* SPDX-License-Identifier: GPL-2.0 */
/* The ports where load balancers ask whether a Service is served on this node. */
#ifndef DVPNETCTL_HEALTH_PORTS_H
#define DVPNETCTL_HEALTH_PORTS_H

#include "health.h"

/**
 * struct health_ports - all of them
 * @loop: event loop that all of it runs in
 * @health: what is known of this node's health
 * @addresses: where they listen, by family, unless @any
 * @any: they listen on all addresses
 * @ports: tree of &struct health_port
 */
struct health_ports {
	sd_event *loop;
	const struct health *health;
	struct ip addresses[FAMILIES];
	bool any;
	void *ports;
};

void health_ports_listen(struct health_ports *ports, const struct ip addresses[FAMILIES],
			 bool any);
void health_ports_set(struct health_ports *ports, const struct store_service *service);
void health_ports_free(struct health_ports *ports);

#endif
