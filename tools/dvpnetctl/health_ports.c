// SPDX-License-Identifier: GPL-2.0
/*
 * The ports where load balancers ask whether a Service is served on this node:
 * spec.healthCheckNodePort.
 *
 * They listen where NodePorts do, on the node's InternalIPs or on all addresses. A
 * port stays open as long as its Service has it: what else changes of the Service
 * disturbs nobody who is connected.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "health_ports.h"
#include "moment.h"

/**
 * struct health_port - the port of a Service
 * @ports: all ports
 * @namespace: of the Service; with the name the key
 * @name: its name
 * @number: the port
 * @local: ready endpoints on this node
 * @servers: by family, or the first alone for all addresses
 */
struct health_port {
	struct health_ports *ports;
	char *namespace;
	char *name;
	uint16_t number;
	size_t local;
	struct http_port servers[FAMILIES];
};

static int compare(const void *a, const void *b)
{
	const struct health_port *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->namespace, y->namespace);
}

static void answer_port(const char *path, struct http_answer *answer, void *arg)
{
	const struct health_port *port = arg;

	(void)path;
	health_answer_service(port->namespace, port->name, port->local,
			      health_is_good(port->ports->health, moment_us()), answer);
}

static void open_servers(struct health_port *port)
{
	const struct health_ports *ports = port->ports;
	char *what = util_printf("Service %s/%s: spec.healthCheckNodePort", port->namespace,
				 port->name);
	int i;

	if (ports->any)
		http_port_open(&port->servers[0], ports->loop, what, NULL, port->number,
			       answer_port, port);
	for (i = 0; !ports->any && i < FAMILIES; i++)
		if (ports->addresses[i].family)
			http_port_open(&port->servers[i], ports->loop, what, &ports->addresses[i],
				       port->number, answer_port, port);
	free(what);
}

static void close_servers(struct health_port *port)
{
	int i;

	for (i = 0; i < FAMILIES; i++)
		http_port_close(&port->servers[i]);
}

static void free_port(void *arg)
{
	struct health_port *port = arg;

	close_servers(port);
	free(port->namespace);
	free(port->name);
	free(port);
}

static void reopen(const void *node, VISIT visit, void *arg)
{
	struct health_port *port = *(struct health_port *const *)node;

	(void)arg;
	if (visit != postorder && visit != leaf)
		return;
	close_servers(port);
	open_servers(port);
}

static bool is_same(const struct ip a[FAMILIES], const struct ip b[FAMILIES])
{
	return !ip_compare(&a[V4], &b[V4]) && !ip_compare(&a[V6], &b[V6]);
}

/**
 * health_ports_listen - tell where the ports are
 * @ports: those that are there are opened anew if it is elsewhere than before
 * @addresses: of this node, by family
 * @any: on all addresses
 */
void health_ports_listen(struct health_ports *ports, const struct ip addresses[FAMILIES],
			 bool any)
{
	if (ports->any == any && (any || is_same(ports->addresses, addresses)))
		return;
	memcpy(ports->addresses, addresses, sizeof(ports->addresses));
	ports->any = any;
	twalk_r(ports->ports, reopen, NULL);
}

static struct health_port *add_port(struct health_ports *ports, const struct store_service *service)
{
	struct health_port *port = util_alloc(sizeof(*port));

	port->ports = ports;
	port->namespace = util_strdup(service->namespace);
	port->name = util_strdup(service->name);
	port->number = service->object->health_port;
	if (!tsearch(port, &ports->ports, compare))
		util_alloc(SIZE_MAX);
	return port;
}

static struct health_port *find_port(const struct health_ports *ports,
				     const struct store_service *service)
{
	const struct health_port key = { .namespace = service->namespace, .name = service->name };
	struct health_port **found = tfind(&key, &ports->ports, compare);

	return found ? *found : NULL;
}

/**
 * health_ports_set - have the port of a Service as the Service is now
 * @ports: opened, changed, closed
 * @service: the Service, as the kernel serves it
 */
void health_ports_set(struct health_ports *ports, const struct store_service *service)
{
	uint16_t number = service->object ? service->object->health_port : 0;
	struct health_port *port = find_port(ports, service);

	if (port && port->number != number) {
		tdelete(port, &ports->ports, compare);
		free_port(port);
		port = NULL;
	}
	if (!number)
		return;
	if (port) {
		port->local = health_count_local(service);
		return;
	}
	port = add_port(ports, service);
	port->local = health_count_local(service);
	open_servers(port);
}

/**
 * health_ports_free - close all
 * @ports: all of them
 */
void health_ports_free(struct health_ports *ports)
{
	tdestroy(ports->ports, free_port);
	ports->ports = NULL;
}
