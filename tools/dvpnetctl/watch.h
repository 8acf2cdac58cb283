/* SPDX-License-Identifier: GPL-2.0 */
/* All objects of a resource, listed once and then followed. */
#ifndef DVPNETCTL_WATCH_H
#define DVPNETCTL_WATCH_H

#include <jansson.h>

#include "api.h"
#include "backoff.h"
#include "lines.h"

/**
 * struct resource - what is followed
 * @name: its name in messages
 * @path: its path on the server
 * @query: which of its objects, "" for all; else a query that ends in '&'
 * @kind: kind of its objects
 * @page: how many objects a list has at once
 * @optional: a server that does not know it has none
 * @dispensable: who may not read it does as if there were none, with a warning
 */
struct resource {
	const char *name;
	const char *path;
	const char *query;
	const char *kind;
	unsigned int page;
	bool optional;
	bool dispensable;
};

/**
 * struct watch_ops - who learns of the objects
 * @begin: a list begins: what is not told until its end is no more
 * @object: an object is there, or has changed, or was deleted
 * @end: the list is complete
 */
struct watch_ops {
	void (*begin)(const struct resource *resource, void *arg);
	void (*object)(const struct resource *resource, json_t *object, bool deleted, void *arg);
	void (*end)(const struct resource *resource, void *arg);
};

/**
 * enum watch_step - what is asked next, or was asked
 * @WATCH_LIST: all objects
 * @WATCH_FOLLOW: what changes
 */
enum watch_step { WATCH_LIST, WATCH_FOLLOW };

/**
 * struct watch - a resource being followed
 * @api: the server
 * @resource: the resource
 * @ops: who learns of it
 * @arg: for @ops
 * @step: what is asked
 * @request: its request, or NULL while it waits
 * @timer: when it stops waiting
 * @backoff: failures in a row
 * @text: what came of an answer
 * @version: resourceVersion that it has seen
 * @page: "continue" of the list that is being read, or NULL
 * @problem: what is wrong, or NULL
 * @bad: the answer under way cannot be used, for @problem
 * @expired: the server has forgotten @version
 * @events: how many came in the current request
 * @synced: a list was complete once
 * @missing: the server does not know the resource, or does not let us read it
 * @forbidden: how often it was refused before the first list
 */
struct watch {
	struct api *api;
	const struct resource *resource;
	const struct watch_ops *ops;
	void *arg;
	enum watch_step step;
	struct api_request *request;
	sd_event_source *timer;
	struct backoff backoff;
	struct lines text;
	char *version;
	char *page;
	char *problem;
	bool bad;
	bool expired;
	size_t events;
	bool synced;
	bool missing;
	unsigned int forbidden;
};

bool watch_start(struct watch *watch, struct api *api, const struct resource *resource,
		 const struct watch_ops *ops, void *arg);
void watch_stop(struct watch *watch);
void watch_hurry(struct watch *watch);

#endif
