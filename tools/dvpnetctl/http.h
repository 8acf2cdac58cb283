/* SPDX-License-Identifier: GPL-2.0 */
/* Answers to HTTP requests, in an event loop. */
#ifndef DVPNETCTL_HTTP_H
#define DVPNETCTL_HTTP_H

#include <systemd/sd-event.h>

#include "backoff.h"
#include "ip.h"
#include "util.h"

/**
 * struct http_header - a header of an answer
 * @name: its name
 * @value: its value
 */
struct http_header {
	const char *name;
	char value[64];
};

/**
 * struct http_answer - an answer
 * @status: HTTP status
 * @headers: headers, besides those that HTTP itself wants
 * @body: the body, allocated; who gives the answer away gives it away
 * @size: its bytes
 */
struct http_answer {
	unsigned int status;
	LIST(struct http_header) headers;
	char *body;
	size_t size;
};

/**
 * typedef http_fn - answers a request, whatever its method
 * @path: what is asked for, without query
 * @answer: filled; all zero before
 * @arg: as given to http_port_open()
 */
typedef void http_fn(const char *path, struct http_answer *answer, void *arg);

/**
 * struct http_port - a port where requests are answered
 * @what: what it is for, in messages; allocated
 * @loop: event loop that all of it runs in
 * @addr: where it listens; no family = on all addresses, of both families
 * @port: its number, host byte order
 * @fn: answers
 * @arg: for @fn
 * @daemon: libmicrohttpd's, or NULL while the port cannot be opened
 * @events: watches its descriptor
 * @timer: when it wants to be called though nothing came, or is tried again
 * @backoff: failures in a row
 * @problem: why it cannot be opened, or NULL
 */
struct http_port {
	char *what;
	sd_event *loop;
	struct ip addr;
	uint16_t port;
	http_fn *fn;
	void *arg;
	void *daemon;
	sd_event_source *events;
	sd_event_source *timer;
	struct backoff backoff;
	char *problem;
};

void http_port_open(struct http_port *port, sd_event *loop, const char *what,
		    const struct ip *addr, uint16_t number, http_fn *fn, void *arg);
void http_port_close(struct http_port *port);
void http_header(struct http_answer *answer, const char *name, const char *format, ...)
	PRINTF(3, 4);
void http_text(struct http_answer *answer, unsigned int status, const char *format, ...)
	PRINTF(3, 4);
void http_answer_free(struct http_answer *answer);

#endif
