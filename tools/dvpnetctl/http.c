// SPDX-License-Identifier: GPL-2.0
/*
 * Answers to HTTP requests, in an event loop.
 *
 * libmicrohttpd without threads: it says which descriptor it waits for, and how
 * long; sd-event waits. A port that cannot be opened is no reason to end: it is
 * said once, and tried again.
 *
 * Who asks is a stranger: there are so many connections and no more, of each address
 * fewer, so that one cannot take the others' place; none lasts while nothing comes,
 * and of what they send nothing is kept.
 */
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "log.h"

#define CONNECTIONS_MAX 1024U
#define CONNECTIONS_OF_ONE_MAX 128U
#define CONNECTION_MEMORY ((size_t)16 << 10)
#define IDLE_SECONDS 30U

#define BACKLOG 64

#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 30000

static void try_open(struct http_port *port);

/* ---- answers ---- */

/**
 * http_header - add a header to an answer
 * @answer: the answer
 * @name: its name
 * @format: its value
 */
void http_header(struct http_answer *answer, const char *name, const char *format, ...)
{
	struct http_header *header = list_add(&answer->headers);
	va_list args;

	header->name = name;
	va_start(args, format);
	vsnprintf(header->value, sizeof(header->value), format, args);
	va_end(args);
}

/**
 * http_text - answer in plain words
 * @answer: filled
 * @status: HTTP status
 * @format: the words
 */
void http_text(struct http_answer *answer, unsigned int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	answer->body = util_vprintf(format, args);
	va_end(args);
	answer->size = strlen(answer->body);
	answer->status = status;
	http_header(answer, "Content-Type", "text/plain; charset=utf-8");
}

/**
 * http_answer_free - free what an answer owns
 * @answer: the answer
 */
void http_answer_free(struct http_answer *answer)
{
	list_free(&answer->headers);
	free(answer->body);
	answer->body = NULL;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct http_answer *answer)
{
	struct MHD_Response *response;
	enum MHD_Result result;
	size_t i;

	response = MHD_create_response_from_buffer(answer->size, answer->body,
						   MHD_RESPMEM_MUST_FREE);
	if (!response)
		return MHD_NO;
	answer->body = NULL;
	for (i = 0; i < answer->headers.count; i++)
		MHD_add_response_header(response, answer->headers.item[i].name,
					answer->headers.item[i].value);
	result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

/* Called when the headers are there, for each piece of a body, and at its end. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **seen)
{
	struct http_answer answer = { 0 };
	struct http_port *port = arg;
	enum MHD_Result result;

	(void)method;
	(void)version;
	(void)data;
	if (!*seen || *size) {
		*seen = port;
		*size = 0;
		return MHD_YES;
	}
	port->fn(path, &answer, port->arg);
	result = send_answer(connection, &answer);
	http_answer_free(&answer);
	return result;
}

/* ---- libmicrohttpd and the event loop ---- */

static void set_timer(struct http_port *port, uint64_t ms)
{
	if (sd_event_source_set_time_relative(port->timer, ms * 1000) < 0 ||
	    sd_event_source_set_enabled(port->timer, SD_EVENT_ONESHOT) < 0)
		util_alloc(SIZE_MAX);
}

static void run(struct http_port *port)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(port->daemon);
	if (MHD_get_timeout(port->daemon, &ms) == MHD_YES)
		set_timer(port, ms);
	else
		sd_event_source_set_enabled(port->timer, SD_EVENT_OFF);
}

static int on_events(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source;
	(void)fd;
	(void)events;
	run(arg);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t when, void *arg)
{
	struct http_port *port = arg;

	(void)source;
	(void)when;
	if (port->daemon)
		run(port);
	else
		try_open(port);
	return 0;
}

/* ---- sockets ---- */

static socklen_t socket_address(const struct ip *ip, uint16_t port, struct sockaddr_storage *to)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *sin = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*to));
	to->ss_family = ip->family;
	if (ip->family == AF_INET6) {
		sin6->sin6_port = htons(port);
		memcpy(&sin6->sin6_addr, ip->bytes, sizeof(sin6->sin6_addr));
		return sizeof(*sin6);
	}
	sin->sin_port = htons(port);
	memcpy(&sin->sin_addr, ip->bytes, sizeof(sin->sin_addr));
	return sizeof(*sin);
}

/* Returns the socket or a negative errno. */
static int listen_on(const struct ip *ip, uint16_t port, bool both)
{
	int fd, err, reuse = 1, only = !both;
	struct sockaddr_storage address;
	socklen_t size;

	fd = socket(ip->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	size = socket_address(ip, port, &address);
	/* A connection of the agent before us, not quite ended, must not be in the way. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
	if (ip->family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if (!bind(fd, (struct sockaddr *)&address, size) && !listen(fd, BACKLOG))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int open_socket(const struct http_port *port)
{
	static const struct ip any4 = { .family = AF_INET }, any6 = { .family = AF_INET6 };
	int fd;

	if (port->addr.family)
		return listen_on(&port->addr, port->port, false);
	fd = listen_on(&any6, port->port, true);
	/* A kernel without IPv6. */
	if (fd == -EAFNOSUPPORT)
		fd = listen_on(&any4, port->port, false);
	return fd;
}

/* ---- ports ---- */

static const char *where(const struct http_port *port, char text[IP_TEXT_MAX])
{
	if (port->addr.family)
		ip_port_text(&port->addr, port->port, text);
	else
		snprintf(text, IP_TEXT_MAX, "port %u", port->port);
	return text;
}

static void note_problem(struct http_port *port, int err)
{
	bool is_new = util_strcmp_null(port->problem, strerror(-err));
	char text[IP_TEXT_MAX];

	log_print(is_new ? LEVEL_WARNING : LEVEL_DEBUG,
		  "%s: cannot listen on %s: %s%s; it is tried again, all else goes on", port->what,
		  where(port, text), strerror(-err), err == -EADDRINUSE ?
		  ": another process has it (ss -ltnp tells which)" : "");
	if (!is_new)
		return;
	free(port->problem);
	port->problem = util_strdup(strerror(-err));
}

static void note_success(struct http_port *port)
{
	char text[IP_TEXT_MAX];

	log_print(port->problem ? LEVEL_INFO : LEVEL_DEBUG, "%s: listens on %s", port->what,
		  where(port, text));
	free(port->problem);
	port->problem = NULL;
	backoff_reset(&port->backoff);
}

static int start_daemon(struct http_port *port, int fd)
{
	const union MHD_DaemonInfo *info;

	port->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, port,
					MHD_OPTION_LISTEN_SOCKET, fd,
					MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
					MHD_OPTION_PER_IP_CONNECTION_LIMIT, CONNECTIONS_OF_ONE_MAX,
					MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
					MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
					MHD_OPTION_END);
	if (!port->daemon)
		return -ENOMEM;
	info = MHD_get_daemon_info(port->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EINVAL;
	return sd_event_add_io(port->loop, &port->events, info->epoll_fd, EPOLLIN, on_events, port);
}

static void stop_daemon(struct http_port *port)
{
	port->events = sd_event_source_disable_unref(port->events);
	if (port->daemon)
		MHD_stop_daemon(port->daemon);
	port->daemon = NULL;
}

static void try_open(struct http_port *port)
{
	int fd = open_socket(port), err = fd;

	if (fd >= 0) {
		err = start_daemon(port, fd);
		/* The daemon closes it, where there is one. */
		if (!port->daemon)
			close(fd);
	}
	if (err >= 0) {
		note_success(port);
		return;
	}
	stop_daemon(port);
	note_problem(port, err);
	set_timer(port, backoff_next(&port->backoff));
}

/**
 * http_port_open - answer at a port from now on, or as soon as it can be opened
 * @port: filled
 * @loop: event loop that all of it runs in
 * @what: what it is for, in messages
 * @addr: where it listens; NULL or none = on all addresses, of both families
 * @number: its number
 * @fn: answers
 * @arg: for @fn
 */
void http_port_open(struct http_port *port, sd_event *loop, const char *what,
		    const struct ip *addr, uint16_t number, http_fn *fn, void *arg)
{
	*port = (struct http_port){
		.what = util_strdup(what), .loop = loop, .port = number, .fn = fn, .arg = arg,
		.backoff = { .min_ms = RETRY_MIN_MS, .max_ms = RETRY_MAX_MS },
	};
	if (addr)
		port->addr = *addr;
	if (sd_event_add_time_relative(loop, &port->timer, CLOCK_MONOTONIC, 0, 1000, on_timer,
				       port) < 0 ||
	    sd_event_source_set_enabled(port->timer, SD_EVENT_OFF) < 0)
		util_alloc(SIZE_MAX);
	try_open(port);
}

/**
 * http_port_close - answer there no longer
 * @port: from http_port_open(); all zero is fine
 */
void http_port_close(struct http_port *port)
{
	stop_daemon(port);
	port->timer = sd_event_source_disable_unref(port->timer);
	free(port->what);
	free(port->problem);
	port->what = port->problem = NULL;
}
