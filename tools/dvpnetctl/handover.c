// SPDX-License-Identifier: GPL-2.0
/*
 * Agents hand over the flows of machines that move.
 *
 * The way is the API server, which both know already and which says who may: the agent
 * of the node that a machine has left writes the machine's flows into a ConfigMap with
 * the other node's label, and the agent there takes them over and deletes it. Each of
 * the two learns of the move by itself, so either may be first: flows of a machine that is
 * not here yet wait, and a machine whose flows are not here yet is held, for a while.
 *
 * All of this is for connections to survive; if it fails, some do not, and nothing else
 * is disturbed.
 */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handover.h"
#include "log.h"
#include "moment.h"
#include "print.h"
#include "saved.h"

/* A machine waits for its flows no longer: by then its connections have given up, or begun anew. */
#define HOLD_MS 3000

/* Flows older than that are of no use. */
#define AGE_MAX_US (60 * 1000000ULL)

/* So many parcels may wait for their machine. */
#define WAITING_MAX 64

/* Of flows in one object, which the API server takes up to 1 MiB of. */
#define PART_SIZE (500 << 10)

/* Requests: within the time of a hold, or it is too late anyway. */
#define TIMEOUT_SECONDS 2
#define TRIES 4
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 1000

/**
 * struct handover_letter - requests, one after the other
 * @handover: whose
 * @next: another letter
 * @what: what it is for, in messages
 * @method: HTTP's
 * @path: what they are about
 * @bodies: of each request; none for a request without body
 * @at: the one under way
 * @request: itself, or NULL while it waits
 * @timer: when it is sent, or tried again
 * @backoff: failures in a row
 */
struct handover_letter {
	struct handover *handover;
	struct handover_letter *next;
	char *what;
	const char *method;
	char *path;
	struct parcel_texts bodies;
	size_t at;
	struct api_request *request;
	sd_event_source *timer;
	struct backoff backoff;
};

/* ---- requests ---- */

static void letter_free(struct handover_letter *letter)
{
	struct handover_letter **at;

	for (at = &letter->handover->letters; *at != letter; at = &(*at)->next)
		;
	*at = letter->next;
	if (letter->request)
		api_cancel(letter->request);
	sd_event_source_disable_unref(letter->timer);
	parcel_texts_free(&letter->bodies);
	free(letter->what);
	free(letter->path);
	free(letter);
}

static void letter_done(const struct api_result *result, void *arg);

static void letter_send(struct handover_letter *letter)
{
	const struct api_call call = {
		.method = letter->method, .path = letter->path, .timeout = TIMEOUT_SECONDS,
		.body = letter->bodies.list.count ? letter->bodies.list.item[letter->at] : NULL,
	};

	letter->request = api_send(letter->handover->api, &call, NULL, letter_done, letter);
}

static int on_letter_timer(sd_event_source *source, uint64_t when, void *arg)
{
	(void)source;
	(void)when;
	letter_send(arg);
	return 0;
}

static void letter_retry(struct handover_letter *letter)
{
	uint64_t us = backoff_next(&letter->backoff) * 1000ULL;

	if (sd_event_source_set_time_relative(letter->timer, us) < 0 ||
	    sd_event_source_set_enabled(letter->timer, SD_EVENT_ONESHOT) < 0)
		util_alloc(SIZE_MAX);
}

static void letter_done(const struct api_result *result, void *arg)
{
	struct handover_letter *letter = arg;

	letter->request = NULL;
	/* What is to be deleted may be gone already. */
	if (result->good || (result->status == 404 && !letter->bodies.list.count)) {
		backoff_reset(&letter->backoff);
		if (++letter->at < letter->bodies.list.count)
			letter_send(letter);
		else
			letter_free(letter);
	} else if (letter->backoff.failures + 1 < TRIES) {
		log_debug("%s: %s", letter->what, result->text);
		letter_retry(letter);
	} else {
		log_warning("%s: %s", letter->what, result->text);
		letter_free(letter);
	}
}

/* Sent when the event loop is back: an object that has come is told of amidst its request. */
static struct handover_letter *letter_new(struct handover *handover, const char *method,
					  char *path, char *what)
{
	struct handover_letter *letter = util_alloc(sizeof(*letter));

	*letter = (struct handover_letter){
		.handover = handover, .next = handover->letters, .what = what, .method = method,
		.path = path, .backoff = { .min_ms = RETRY_MIN_MS, .max_ms = RETRY_MAX_MS },
	};
	handover->letters = letter;
	if (sd_event_add_time_relative(handover->api->loop, &letter->timer, CLOCK_MONOTONIC, 0,
				       1000, on_letter_timer, letter) < 0)
		util_alloc(SIZE_MAX);
	return letter;
}

/* ---- machines that leave ---- */

static void on_leave(const struct prefix *prefix, void *arg)
{
	struct handover *handover = arg;

	*list_add(&handover->leaving) = (struct handover_leaving){
		.addr = prefix->addr, .node = util_strdup(prefix->node),
	};
}

/* Also where there are none: then the other side need not wait. */
static void send_flows(struct handover *handover, const struct handover_leaving *leaving,
		       const struct flow_list *list)
{
	struct handover_letter *letter;
	char address[IP_TEXT_MAX];
	json_t *flows;
	size_t stay;

	ip_text(&leaving->addr, address);
	flows = saved_write(list, &leaving->addr, &stay);
	log_info("machine %s goes to node %s; flows: %zu go along, %zu cannot", address,
		 leaving->node, json_array_size(flows), stay);
	letter = letter_new(handover, "POST", util_strdup(PARCEL_PATH),
			    util_printf("flows of %s could not be handed to node %s", address,
					leaving->node));
	parcel_write(flows, &leaving->addr, leaving->node, PART_SIZE, &letter->bodies);
	json_decref(flows);
}

static void forget_leaving(struct handover *handover)
{
	size_t i;

	for (i = 0; i < handover->leaving.count; i++)
		free(handover->leaving.item[i].node);
	handover->leaving.count = 0;
}

/* Of all machines that have left at once: the table may be large. */
static void send_leaving(struct handover *handover)
{
	struct kernel *kernel = &handover->reconcile->sync.kernel;
	struct flow_list list = { 0 };
	size_t i;

	if (kernel_get_flows(kernel, &list))
		log_warning("flows of machines that have left: %s", kernel_error(kernel));
	else
		for (i = 0; i < handover->leaving.count; i++)
			send_flows(handover, &handover->leaving.item[i], &list);
	flow_list_free(&list);
}

/* ---- machines that come ---- */

static void delete_parcel(struct handover *handover, const struct parcel *parcel)
{
	if (handover->reconcile->dry_run || !*parcel->name)
		return;
	letter_new(handover, "DELETE", util_printf(PARCEL_PATH "/%s", parcel->name),
		   util_printf("parcel %s could not be deleted", parcel->name));
}

static void take_over(struct handover *handover, const struct parcel *parcel)
{
	struct kernel *kernel = &handover->reconcile->sync.kernel;
	size_t i, refused = 0, count = parcel->flows.flows.count;
	char address[IP_TEXT_MAX];
	char *why = NULL;

	for (i = 0; i < count; i++) {
		if (!kernel_new_flow(kernel, &parcel->flows.flows.item[i]))
			continue;
		refused++;
		if (!why)
			why = util_strdup(kernel_error(kernel));
	}
	log_print(refused ? LEVEL_WARNING : LEVEL_INFO,
		  "machine %s: flows: %zu taken over, %zu refused%s%s",
		  ip_text(&parcel->addr, address), count - refused, refused, why ? ": " : "",
		  why ? why : "");
	free(why);
}

static void print_flows(const struct parcel *parcel)
{
	size_t i;

	for (i = 0; i < parcel->flows.flows.count; i++)
		print_json_line(json_pack("{s:s, s:o}", "action", "add", "flow",
					  print_flow_json(&parcel->flows.flows.item[i])));
	fflush(stdout);
}

/* The machine is here. */
static void settle_parcel(struct handover *handover, const struct parcel *parcel,
			  const struct prefix *prefix)
{
	struct kernel *kernel = &handover->reconcile->sync.kernel;

	if (handover->reconcile->dry_run) {
		print_flows(parcel);
		return;
	}
	take_over(handover, parcel);
	if (!parcel->more && kernel_release_prefix(kernel, prefix))
		log_debug("%s: not released: %s", parcel->name, kernel_error(kernel));
	delete_parcel(handover, parcel);
}

static void drop_parcel(struct handover *handover, const struct parcel *parcel, const char *why)
{
	log_warning("parcel %s: %s: it is not used", parcel->name, why);
	delete_parcel(handover, parcel);
}

/* False if it has to wait on. */
static bool try_parcel(struct handover *handover, const struct handover_parcel *waiting,
		       uint64_t now)
{
	const struct prefix *prefix =
		reconcile_own_machine(handover->reconcile, &waiting->parcel.addr);

	if (now >= waiting->until)
		drop_parcel(handover, &waiting->parcel,
			    prefix ? "it is too old" : "its machine has not come in time");
	else if (prefix)
		settle_parcel(handover, &waiting->parcel, prefix);
	else
		return false;
	return true;
}

static void set_timer(struct handover *handover, uint64_t now)
{
	uint64_t first = UINT64_MAX;
	size_t i;

	for (i = 0; i < handover->waiting.count; i++)
		if (handover->waiting.item[i].until < first)
			first = handover->waiting.item[i].until;
	if (!handover->waiting.count)
		sd_event_source_set_enabled(handover->timer, SD_EVENT_OFF);
	else if (sd_event_source_set_time_relative(handover->timer, first - now) < 0 ||
		 sd_event_source_set_enabled(handover->timer, SD_EVENT_ONESHOT) < 0)
		util_alloc(SIZE_MAX);
}

static void settle(struct handover *handover)
{
	uint64_t now = moment_us();
	size_t i, kept = 0;

	for (i = 0; i < handover->waiting.count; i++) {
		struct handover_parcel *waiting = &handover->waiting.item[i];

		if (try_parcel(handover, waiting, now))
			parcel_free(&waiting->parcel);
		else
			handover->waiting.item[kept++] = *waiting;
	}
	handover->waiting.count = kept;
	set_timer(handover, now);
}

static int on_timer(sd_event_source *source, uint64_t when, void *arg)
{
	(void)source;
	(void)when;
	settle(arg);
	return 0;
}

/* ---- parcels ---- */

static void forget_parcel(struct handover *handover, const char *name)
{
	size_t i, kept = 0;

	for (i = 0; i < handover->waiting.count; i++) {
		struct handover_parcel *waiting = &handover->waiting.item[i];

		if (strcmp(waiting->parcel.name, name))
			handover->waiting.item[kept++] = *waiting;
		else
			parcel_free(&waiting->parcel);
	}
	handover->waiting.count = kept;
}

/* Clocks differ: what seems to be from the future is new. */
static uint64_t expiry(const struct parcel *parcel)
{
	double age = (moment_now() - parcel->created) * 1e6;

	if (age >= AGE_MAX_US)
		return 0;
	return moment_us() + AGE_MAX_US - (age > 0 ? (uint64_t)age : 0);
}

static void add_parcel(struct handover *handover, const struct parcel *parcel)
{
	forget_parcel(handover, parcel->name);
	if (handover->waiting.count == WAITING_MAX) {
		drop_parcel(handover, &handover->waiting.item[0].parcel, "too many wait");
		forget_parcel(handover, handover->waiting.item[0].parcel.name);
	}
	*list_add(&handover->waiting) = (struct handover_parcel){
		.parcel = *parcel, .until = expiry(parcel),
	};
}

static void on_object(const struct resource *resource, json_t *object, bool deleted, void *arg)
{
	struct handover *handover = arg;
	struct report report = { 0 };
	struct parcel parcel;

	(void)resource;
	if (parcel_read(object, handover->reconcile->options->node, &parcel, &report) && !deleted) {
		add_parcel(handover, &parcel);
		parcel = (struct parcel){ 0 };
		settle(handover);
	} else if (deleted) {
		forget_parcel(handover, parcel.name);
	} else {
		drop_parcel(handover, &parcel, report.errors.item[0]);
	}
	report_free(&report);
	parcel_free(&parcel);
}

static void on_list(const struct resource *resource, void *arg)
{
	(void)resource;
	(void)arg;
}

static const struct watch_ops watch_ops = { on_list, on_object, on_list };

/* ---- beginning and end ---- */

/**
 * handover_start - from now on flows go with their machines
 * @handover: filled
 * @api: the API server
 * @reconcile: what this node has
 *
 * Return: false without memory.
 */
bool handover_start(struct handover *handover, struct api *api, struct reconcile *reconcile)
{
	char label[PARCEL_LABEL_SIZE];
	char *key = curl_easy_escape(NULL, PARCEL_LABEL, 0);

	*handover = (struct handover){
		.api = api, .reconcile = reconcile,
		.query = util_printf("labelSelector=%s%%3D%s&", key,
				     parcel_label(reconcile->options->node, label)),
	};
	curl_free(key);
	handover->resource = (struct resource){
		.name = "flows for this node", .path = PARCEL_PATH, .query = handover->query,
		.kind = "ConfigMap", .page = 10, .optional = true, .dispensable = true,
	};
	reconcile->on_leave = on_leave;
	reconcile->on_leave_arg = handover;
	return sd_event_add_time_relative(api->loop, &handover->timer, CLOCK_MONOTONIC, 0, 1000,
					  on_timer, handover) >= 0 &&
	       sd_event_source_set_enabled(handover->timer, SD_EVENT_OFF) >= 0 &&
	       watch_start(&handover->watch, api, &handover->resource, &watch_ops, handover);
}

/**
 * handover_hold_ms - how long are flows of a machine that comes here to be awaited?
 * @handover: from handover_start(); all zero is fine
 *
 * Return: milliseconds; 0 if nobody can send them.
 */
uint32_t handover_hold_ms(const struct handover *handover)
{
	return handover->watch.synced && !handover->watch.missing ? HOLD_MS : 0;
}

/**
 * handover_follow - the kernel may have been told of machines that came and went
 * @handover: from handover_start(); all zero is fine
 */
void handover_follow(struct handover *handover)
{
	if (handover->leaving.count && !handover->reconcile->dry_run)
		send_leaving(handover);
	forget_leaving(handover);
	if (handover->waiting.count)
		settle(handover);
}

/**
 * handover_hurry - try again now, if it waits for something
 * @handover: from handover_start(); all zero is fine
 */
void handover_hurry(struct handover *handover)
{
	if (handover->api)
		watch_hurry(&handover->watch);
}

/**
 * handover_stop - flows stay from now on
 * @handover: from handover_start(); all zero is fine
 */
void handover_stop(struct handover *handover)
{
	size_t i;

	while (handover->letters)
		letter_free(handover->letters);
	watch_stop(&handover->watch);
	for (i = 0; i < handover->waiting.count; i++)
		parcel_free(&handover->waiting.item[i].parcel);
	list_free(&handover->waiting);
	forget_leaving(handover);
	list_free(&handover->leaving);
	handover->timer = sd_event_source_disable_unref(handover->timer);
	free(handover->query);
	handover->query = NULL;
}
