/* SPDX-License-Identifier: GPL-2.0 */
/* Requests to the API server, many at once, in an event loop. */
#ifndef DVPNETCTL_API_H
#define DVPNETCTL_API_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "kubeconfig.h"

/** api_result.status of what did not even get an answer, and of who is not known there. */
#define API_NO_ANSWER 0
#define API_UNAUTHORIZED 401

/**
 * struct api - the way to an API server
 * @loop: the event loop that all of it runs in
 * @multi: libcurl's
 * @timer: when libcurl wants to be called, though nothing came
 * @path: kubeconfig file, or NULL for a pod's service account
 * @config: what it says
 * @token_read: when its token was read, in microseconds of CLOCK_MONOTONIC
 * @requests: those under way
 * @problem: why it does not answer or does not let us in, a line for each reason; or NULL
 */
struct api {
	sd_event *loop;
	void *multi;
	sd_event_source *timer;
	const char *path;
	struct kubeconfig config;
	uint64_t token_read;
	struct api_request *requests;
	char *problem;
};

/**
 * struct api_call - what is asked
 * @method: HTTP's
 * @path: what it is about, from the slash behind the server; with its query
 * @body: JSON that goes along, or NULL
 * @timeout: seconds that it may take; 0 = any, as long as something comes
 */
struct api_call {
	const char *method;
	const char *path;
	const char *body;
	unsigned int timeout;
};

/**
 * struct api_result - how a request ended
 * @status: HTTP status of the answer; or %API_NO_ANSWER
 * @good: it was done, and the answer is complete
 * @cut: the answer was good, but ended early
 * @shared: what is wrong concerns all requests, and is in the log already
 * @retry_after: seconds that the server asks to wait, 0 = it does not
 * @text: what is wrong, for people
 */
struct api_result {
	long status;
	bool good;
	bool cut;
	bool shared;
	unsigned int retry_after;
	const char *text;
};

/**
 * typedef api_data_fn - takes a piece of a good answer
 * @data: the piece
 * @size: its bytes
 * @arg: as given to api_send()
 *
 * Return: false if the rest is not wanted.
 */
typedef bool api_data_fn(const char *data, size_t size, void *arg);

/**
 * typedef api_done_fn - learns how a request ended; may begin another
 * @result: how
 * @arg: as given to api_send()
 */
typedef void api_done_fn(const struct api_result *result, void *arg);

bool api_open(struct api *api, sd_event *loop, const char *kubeconfig, struct report *report);
void api_close(struct api *api);
bool api_reload(struct api *api, struct report *report);
struct api_request *api_send(struct api *api, const struct api_call *call, api_data_fn *data,
			     api_done_fn *done, void *arg);
void api_cancel(struct api_request *request);

#endif
