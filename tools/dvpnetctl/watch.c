// SPDX-License-Identifier: GPL-2.0
/*
 * All objects of a resource, listed once and then followed.
 *
 * A list comes in pages; then a stream tells what changes, a line each, from the
 * version of the list on. A stream that ends is taken up where it ended, as
 * bookmarks keep the version fresh. Where the server has forgotten the version
 * (410 Gone), or said something that makes no sense, all is listed again. While
 * the server is away nothing is told to anybody: what was known stays.
 */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "log.h"
#include "watch.h"

/* A page of the largest objects, and one event. */
#define LIST_MAX (64U << 20)
#define EVENT_MAX (16U << 20)

/* A stream lasts this long, or up to twice as long, in seconds. */
#define STREAM_MIN 300

/* A stream that has lasted so long works, though it has told nothing; it began before. */
#define STREAM_PROVEN_MS 15000

/* The server ends a stream in time; one that does not is ended. */
#define STREAM_GRACE 30

#define BACKOFF_MIN_MS 400
#define BACKOFF_MAX_MS 30000

/*
 * A server that has just begun refuses what it will allow: what is dispensable is asked for so
 * often.
 */
#define FORBIDDEN_TRIES 4

/* How often a resource that the server does not know is asked for again. */
#define MISSING_MIN_MS 60000

static void ask(struct watch *watch);

/* ---- what is wrong ---- */

/* Once in the log, however long it lasts. */
static void note_problem(struct watch *watch, const char *problem)
{
	bool is_new = util_strcmp_null(watch->problem, problem);

	log_print(is_new ? LEVEL_WARNING : LEVEL_DEBUG, "%s: %s", watch->resource->name, problem);
	if (!is_new)
		return;
	free(watch->problem);
	watch->problem = util_strdup(problem);
}

static void note_working(struct watch *watch)
{
	if (!watch->problem)
		return;
	log_info("%s: works again", watch->resource->name);
	free(watch->problem);
	watch->problem = NULL;
}

static void note_success(struct watch *watch)
{
	backoff_reset(&watch->backoff);
	watch->bad = false;
	note_working(watch);
}

/* The answer makes no sense; the rest of it is not wanted. */
static bool refuse(struct watch *watch, const char *format, ...) PRINTF(2, 3);

static bool refuse(struct watch *watch, const char *format, ...)
{
	va_list args;
	char *problem;

	va_start(args, format);
	problem = util_vprintf(format, args);
	va_end(args);
	note_problem(watch, problem);
	free(problem);
	watch->bad = true;
	return false;
}

/* ---- waiting ---- */

static int on_timer(sd_event_source *source, uint64_t when, void *arg)
{
	struct watch *watch = arg;

	(void)source;
	(void)when;
	if (watch->request)
		note_working(watch);
	else
		ask(watch);
	return 0;
}

static void wait_ms(struct watch *watch, uint32_t ms)
{
	if (sd_event_source_set_time_relative(watch->timer, ms * 1000ULL) < 0 ||
	    sd_event_source_set_enabled(watch->timer, SD_EVENT_ONESHOT) < 0)
		util_alloc(SIZE_MAX);
}

static void try_later(struct watch *watch, unsigned int at_least)
{
	uint32_t ms = backoff_next(&watch->backoff);

	wait_ms(watch, ms < 1000 * at_least ? 1000 * at_least : ms);
}

static void list_anew(struct watch *watch)
{
	watch->step = WATCH_LIST;
	watch->expired = false;
	free(watch->version);
	watch->version = NULL;
	free(watch->page);
	watch->page = NULL;
}

/* ---- lists ---- */

static void set_string(char **to, const char *text)
{
	free(*to);
	*to = text && *text ? util_strdup(text) : NULL;
}

/* The items of a list do not say what they are, as the list does it for all. */
static void tell_items(struct watch *watch, json_t *list)
{
	json_t *items = json_object_get(list, "items"), *item;
	json_t *version = json_object_get(list, "apiVersion");
	size_t i;

	json_array_foreach(items, i, item) {
		json_object_set(item, "apiVersion", version);
		json_object_set_new(item, "kind", json_string(watch->resource->kind));
		watch->ops->object(watch->resource, item, false, watch->arg);
	}
}

static void take_page(struct watch *watch)
{
	json_error_t error;
	json_t *list = json_loadb(watch->text.text ? watch->text.text : "", watch->text.size, 0,
				  &error);
	json_t *metadata = json_object_get(list, "metadata");
	const char *version = json_string_value(json_object_get(metadata, "resourceVersion"));

	lines_clear(&watch->text);
	if (!list) {
		refuse(watch, "list is not JSON: %s", error.text);
	} else if (!version || !json_is_array(json_object_get(list, "items"))) {
		refuse(watch, "list has no items or no metadata.resourceVersion");
	} else {
		if (!watch->page)
			watch->ops->begin(watch->resource, watch->arg);
		tell_items(watch, list);
		set_string(&watch->version, version);
		set_string(&watch->page,
			   json_string_value(json_object_get(metadata, "continue")));
	}
	json_decref(list);
}

static void finish_list(struct watch *watch)
{
	watch->synced = true;
	watch->step = WATCH_FOLLOW;
	watch->ops->end(watch->resource, watch->arg);
	log_debug("%s: listed", watch->resource->name);
}

/* ---- streams ---- */

/* The server says that it cannot go on. */
static bool take_error(struct watch *watch, const json_t *status)
{
	const char *message = json_string_value(json_object_get(status, "message"));
	json_int_t code = json_integer_value(json_object_get(status, "code"));

	watch->expired = code == 410;
	if (watch->expired)
		return false;
	return refuse(watch, "stream ended: %s", message ? message : "no reason given");
}

static bool take_event(struct watch *watch, json_t *event)
{
	const char *type = json_string_value(json_object_get(event, "type"));
	json_t *object = json_object_get(event, "object");
	json_t *metadata = json_object_get(object, "metadata");
	const char *version = json_string_value(json_object_get(metadata, "resourceVersion"));

	if (!type || !json_is_object(object))
		return refuse(watch, "stream has an event without type or object");
	if (!strcmp(type, "ERROR"))
		return take_error(watch, object);
	if (!version)
		return refuse(watch, "stream has an object without metadata.resourceVersion");
	if (!strcmp(type, "ADDED") || !strcmp(type, "MODIFIED"))
		watch->ops->object(watch->resource, object, false, watch->arg);
	else if (!strcmp(type, "DELETED"))
		watch->ops->object(watch->resource, object, true, watch->arg);
	else if (strcmp(type, "BOOKMARK"))
		return refuse(watch, "stream has an event of unknown type");
	set_string(&watch->version, version);
	watch->events++;
	note_success(watch);
	return true;
}

static bool take_line(const char *line, size_t size, void *arg)
{
	struct watch *watch = arg;
	json_error_t error;
	json_t *event = json_loadb(line, size, 0, &error);
	bool more;

	if (!event)
		return refuse(watch, "stream is not JSON: %s", error.text);
	more = take_event(watch, event);
	json_decref(event);
	return more;
}

/* ---- requests ---- */

static bool take_data(const char *data, size_t size, void *arg)
{
	struct watch *watch = arg;
	bool more;

	if (watch->step == WATCH_FOLLOW)
		more = lines_add(&watch->text, data, size, take_line, watch);
	else
		more = lines_append(&watch->text, data, size);
	if (!more && !watch->bad && !watch->expired)
		refuse(watch, "answer is too long: %zu bytes and no end", watch->text.size);
	return more;
}

static void fail(struct watch *watch, const struct api_result *result)
{
	struct report report = { 0 };

	/* Perhaps somebody has mended it by now, or renewed a certificate. */
	if (result->shared) {
		api_reload(watch->api, &report);
		log_report(&report);
		report_free(&report);
	} else {
		note_problem(watch, result->text);
	}
	/* 400 and 504: it cannot go on from this version, whatever the reason. */
	if (result->status == 400 || result->status == 504 || watch->step == WATCH_LIST)
		list_anew(watch);
	try_later(watch, result->retry_after);
}

/* There are none, as far as can be told; it is looked again, but not soon. */
static void take_none(struct watch *watch)
{
	watch->missing = true;
	watch->synced = true;
	watch->ops->begin(watch->resource, watch->arg);
	watch->ops->end(watch->resource, watch->arg);
	list_anew(watch);
	watch->backoff.failures = 0;
	wait_ms(watch, MISSING_MIN_MS + backoff_next(&watch->backoff));
}

/* The server has no such resource: there are none. It may have some day. */
static void take_missing(struct watch *watch)
{
	if (!watch->missing)
		log_info("%s: the API server has none", watch->resource->name);
	take_none(watch);
}

/* Is it time to go on without? Once it was read, never: what was known then is better than nothing. */
static bool gives_up(struct watch *watch, const struct api_result *result)
{
	if (result->status != 403 || !watch->resource->dispensable)
		return false;
	if (watch->synced)
		return watch->missing;
	/* It answers, so what failed before is over. */
	if (!watch->forbidden++)
		backoff_reset(&watch->backoff);
	return watch->forbidden >= FORBIDDEN_TRIES;
}

static void take_forbidden(struct watch *watch, const struct api_result *result)
{
	char *problem = util_printf("%s; all goes on as if there were none", result->text);

	note_problem(watch, problem);
	free(problem);
	take_none(watch);
}

static void finish_page(struct watch *watch, const struct api_result *result)
{
	if (result->text[0] && !watch->bad) {
		fail(watch, result);
		return;
	}
	if (!watch->bad)
		take_page(watch);
	if (watch->bad) {
		list_anew(watch);
		try_later(watch, 0);
		return;
	}
	watch->missing = false;
	if (!watch->page) {
		finish_list(watch);
		note_success(watch);
	}
	ask(watch);
}

/* A stream ends, in time or not. One that ends at once, without event, is odd. */
static void finish_stream(struct watch *watch, const struct api_result *result)
{
	if (watch->bad)
		list_anew(watch);
	else if (result->cut)
		log_debug("%s: stream was cut: %s", watch->resource->name, result->text);
	if (watch->bad || !watch->events)
		try_later(watch, 0);
	else
		wait_ms(watch, 0);
}

static void done(const struct api_result *result, void *arg)
{
	struct watch *watch = arg;

	watch->request = NULL;
	if (watch->step == WATCH_FOLLOW)
		lines_clear(&watch->text);
	if (watch->expired || result->status == 410) {
		log_info("%s: the API server has forgotten version %s, listing all again",
			 watch->resource->name, watch->version ? watch->version : "of the list");
		/* It answers, so what failed before is over. */
		if (watch->step == WATCH_FOLLOW)
			backoff_reset(&watch->backoff);
		list_anew(watch);
		try_later(watch, 0);
	} else if (result->status == 404 && watch->resource->optional) {
		take_missing(watch);
	} else if (gives_up(watch, result)) {
		take_forbidden(watch, result);
	} else if (result->status != 200) {
		fail(watch, result);
	} else if (watch->step == WATCH_LIST) {
		finish_page(watch, result);
	} else {
		finish_stream(watch, result);
	}
}

static uint32_t stream_seconds(void)
{
	uint32_t more = 0;

	if (getrandom(&more, sizeof(more), GRND_NONBLOCK) != sizeof(more))
		more = random();
	return STREAM_MIN + more % STREAM_MIN;
}

static void ask(struct watch *watch)
{
	const struct resource *resource = watch->resource;
	struct api_call call = { .method = "GET" };
	uint32_t seconds = stream_seconds();
	char *path, *page;

	watch->bad = false;
	watch->events = 0;
	lines_clear(&watch->text);
	if (watch->step == WATCH_LIST) {
		page = watch->page ? curl_easy_escape(NULL, watch->page, 0) : NULL;
		path = util_printf("%s?%slimit=%u%s%s", resource->path, resource->query,
				   resource->page, page ? "&continue=" : "", page ? page : "");
		curl_free(page);
	} else {
		path = util_printf("%s?%swatch=1&allowWatchBookmarks=true&timeoutSeconds=%u"
				   "&resourceVersion=%s", resource->path, resource->query, seconds,
				   watch->version);
		call.timeout = seconds + STREAM_GRACE;
		if (watch->problem)
			wait_ms(watch, STREAM_PROVEN_MS);
	}
	call.path = path;
	watch->text.max = watch->step == WATCH_LIST ? LIST_MAX : EVENT_MAX;
	watch->request = api_send(watch->api, &call, take_data, done, watch);
	free(path);
}

/**
 * watch_start - begin to follow a resource
 * @watch: filled
 * @api: the server
 * @resource: the resource
 * @ops: who learns of it
 * @arg: for @ops
 *
 * Return: false without memory.
 */
bool watch_start(struct watch *watch, struct api *api, const struct resource *resource,
		 const struct watch_ops *ops, void *arg)
{
	*watch = (struct watch){
		.api = api, .resource = resource, .ops = ops, .arg = arg,
		.backoff = { .min_ms = BACKOFF_MIN_MS, .max_ms = BACKOFF_MAX_MS },
	};
	return sd_event_add_time_relative(api->loop, &watch->timer, CLOCK_MONOTONIC, 0, 1000,
					  on_timer, watch) >= 0;
}

/**
 * watch_hurry - try again now, if it waits for something
 * @watch: a resource being followed
 */
void watch_hurry(struct watch *watch)
{
	if (watch->request)
		return;
	backoff_reset(&watch->backoff);
	wait_ms(watch, 0);
}

/**
 * watch_stop - follow a resource no longer
 * @watch: from watch_start(); all zero is fine
 */
void watch_stop(struct watch *watch)
{
	if (watch->request)
		api_cancel(watch->request);
	watch->request = NULL;
	watch->timer = sd_event_source_disable_unref(watch->timer);
	lines_free(&watch->text);
	free(watch->version);
	free(watch->page);
	free(watch->problem);
	watch->version = watch->page = watch->problem = NULL;
}
