// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to the API server, many at once, in an event loop.
 *
 * libcurl says which sockets and what time it waits for, sd-event waits. All
 * requests share a connection where the server speaks HTTP/2. Tokens and keys
 * go from memory to libcurl: never into messages, arguments or files.
 */
#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "api.h"
#include "lines.h"
#include "log.h"
#include "moment.h"

#define CONNECT_TIMEOUT 10L

/* A dead peer is noticed after this long, though a watch is silent for minutes. */
#define DEAD_PEER_MS 30000U
#define KEEPALIVE_IDLE 15L
#define KEEPALIVE_INTERVAL 5L

/* A server that trickles: less than this for so many seconds, where an answer is due. */
#define SLOW_BYTES 100L
#define SLOW_SECONDS 30L

/* As Kubernetes' own clients do. */
#define TOKEN_AGE_MAX (60 * 1000000ULL)

/* Of the body of an error. */
#define ERROR_BODY_MAX (64 << 10)

/* Names beside an address, for libcurl's way to connect elsewhere than the URL says. */
#define CONNECT_TO_MAX 600

/**
 * struct api_request - a request under way
 * @api: the server
 * @next: another one
 * @easy: libcurl's
 * @connect_to: where to connect, if not to the URL's host
 * @headers: of a request with a body
 * @data: takes the answer; or NULL, where nobody wants it
 * @done: learns how it ended
 * @arg: for both
 * @stopped: @data did not want the rest
 * @body: body of an answer that is an error
 * @error: libcurl's words
 */
struct api_request {
	struct api *api;
	struct api_request *next;
	CURL *easy;
	struct curl_slist *connect_to;
	struct curl_slist *headers;
	api_data_fn *data;
	api_done_fn *done;
	void *arg;
	bool stopped;
	struct lines body;
	char error[CURL_ERROR_SIZE];
};

/* ---- how it ended ---- */

static bool is_success(long status)
{
	return status >= 200 && status < 300;
}

/* What the server says is wrong: the message of a Status object, or the text's first line. */
static char *server_message(const struct lines *body)
{
	json_t *status = body->size ? json_loadb(body->text, body->size, 0, NULL) : NULL;
	const char *message = json_string_value(json_object_get(status, "message"));
	char *text = NULL;

	if (message) {
		text = util_strdup(message);
	} else if (!status && body->size) {
		text = util_printf("%.*s", body->size < 200 ? (int)body->size : 200, body->text);
		text[strcspn(text, "\r\n")] = '\0';
	}
	json_decref(status);
	return text;
}

static char *describe_status(const struct api_request *request, long status)
{
	const char *hint = status == API_UNAUTHORIZED ?
		"; the token or certificate of the kubeconfig is wrong or has expired" : "";
	char *message = server_message(&request->body), *text;

	text = util_printf("HTTP status %ld%s%s%s", status, message ? ": " : "",
			   message ? message : "", hint);
	free(message);
	return text;
}

static char *describe_failure(const struct api_request *request, CURLcode code)
{
	const struct kubeconfig *config = &request->api->config;
	const char *what = *request->error ? request->error : curl_easy_strerror(code);
	const char *hint = "";
	long os_errno = 0;

	curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &os_errno);
	switch (code) {
	/* libcurl's own words tell the time it took: they would be news each time. */
	case CURLE_COULDNT_CONNECT:
		what = os_errno ? strerror(os_errno) : "cannot connect";
		break;
	case CURLE_OPERATION_TIMEDOUT:
		what = "no answer in time";
		break;
	/* As a proxy before a dead server does, now in this way, now in that. */
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		what = "connection was closed";
		break;
	case CURLE_SSL_CONNECT_ERROR:
		if (strstr(what, "SSL_ERROR_SYSCALL") || strstr(what, "Recv failure") ||
		    strstr(what, "Send failure"))
			what = "connection was closed";
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
		hint = strstr(what, "subject name") ?
			"; is the server's name right, in server or tls-server-name of the kubeconfig?" :
			"; is certificate-authority of the kubeconfig right for this server?";
		break;
	case CURLE_SSL_CERTPROBLEM:
		hint = "; is client-certificate of the kubeconfig right, and its key?";
		break;
	default:
		break;
	}
	return util_printf("%s: %s%s", config->server, what, hint);
}

/* More than there are things that go wrong by turns. */
#define PROBLEMS_MAX 4096

/* Not said yet since it answered last? */
static bool is_news(const struct api *api, const char *problem)
{
	if (!problem || !api->problem)
		return problem != api->problem;
	return !strstr(api->problem, problem) && strlen(api->problem) < PROBLEMS_MAX;
}

/* What concerns all requests is in the log once, however many there are, and by turns with what. */
static void note_problem(struct api *api, const char *problem)
{
	bool is_new = is_news(api, problem);
	char *said = api->problem;

	if (problem)
		log_print(is_new ? LEVEL_WARNING : LEVEL_DEBUG, "API server: %s", problem);
	else if (is_new)
		log_info("API server: answers again");
	if (!is_new)
		return;
	api->problem = problem ? util_printf("%s%s\n", said ? said : "", problem) : NULL;
	free(said);
}

static void unlink_request(struct api_request *request)
{
	struct api_request **at;

	for (at = &request->api->requests; *at != request; at = &(*at)->next)
		;
	*at = request->next;
	curl_multi_remove_handle(request->api->multi, request->easy);
}

static void free_request(struct api_request *request)
{
	curl_easy_cleanup(request->easy);
	curl_slist_free_all(request->connect_to);
	curl_slist_free_all(request->headers);
	lines_free(&request->body);
	free(request);
}

static void finish(struct api_request *request, CURLcode code)
{
	struct api_result result = { 0 };
	curl_off_t retry_after = 0;
	char *text = NULL;

	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &result.status);
	curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &retry_after);
	result.retry_after = retry_after < 0 ? 0 : retry_after > 300 ? 300 : retry_after;
	if (result.status && !is_success(result.status)) {
		text = describe_status(request, result.status);
	} else if (code && !request->stopped) {
		text = describe_failure(request, code);
		result.cut = is_success(result.status);
	}
	result.good = !text;
	result.text = text ? text : "";
	result.shared = result.status == API_NO_ANSWER || result.status == API_UNAUTHORIZED;
	if (result.shared)
		note_problem(request->api, text);
	/* The next request reads it again: it may have been renewed. */
	if (result.status == API_UNAUTHORIZED)
		request->api->token_read = 0;
	unlink_request(request);
	request->done(&result, request->arg);
	free(text);
	free_request(request);
}

static void take_finished(struct api *api)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(api->multi, &left))) {
		struct api_request *request;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
		finish(request, code);
	}
}

/* ---- libcurl and the event loop ---- */

static int on_timer(sd_event_source *source, uint64_t when, void *arg)
{
	struct api *api = arg;
	int running;

	(void)source;
	(void)when;
	curl_multi_socket_action(api->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_finished(api);
	return 0;
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct api *api = arg;
	int running, what = 0;

	(void)source;
	if (events & EPOLLIN)
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		what |= CURL_CSELECT_ERR;
	curl_multi_socket_action(api->multi, fd, what, &running);
	take_finished(api);
	return 0;
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
	struct api *api = arg;

	(void)multi;
	if (ms < 0)
		return sd_event_source_set_enabled(api->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	if (sd_event_source_set_time_relative(api->timer, ms * 1000ULL) < 0)
		return -1;
	return sd_event_source_set_enabled(api->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket)
{
	sd_event_source *source = socket;
	struct api *api = arg;
	uint32_t events = 0;

	(void)easy;
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	if (what == CURL_POLL_REMOVE) {
		sd_event_source_disable_unref(source);
		return 0;
	}
	if (source)
		return sd_event_source_set_io_events(source, events) < 0 ? -1 : 0;
	if (sd_event_add_io(api->loop, &source, fd, events, on_socket, api) < 0)
		return -1;
	curl_multi_assign(api->multi, fd, source);
	return 0;
}

static int set_socket_options(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	unsigned int timeout = DEAD_PEER_MS;

	(void)arg;
	(void)purpose;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	return CURL_SOCKOPT_OK;
}

/* ---- requests ---- */

/* It answers; a stream may have nothing to say for long. */
static size_t take_header(char *data, size_t one, size_t size, void *arg)
{
	struct api_request *request = arg;
	long status = 0;

	(void)data;
	(void)one;
	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	if (is_success(status))
		note_problem(request->api, NULL);
	return size;
}

static size_t take_data(char *data, size_t one, size_t size, void *arg)
{
	struct api_request *request = arg;
	long status = 0;

	(void)one;
	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!is_success(status)) {
		/* An endless error is as good as its beginning. */
		if (!lines_append(&request->body, data, size))
			return 0;
		return size;
	}
	if (!request->data || request->data(data, size, request->arg))
		return size;
	request->stopped = true;
	return 0;
}

static void set_blob(CURL *easy, CURLoption option, char *text)
{
	struct curl_blob blob = {
		.data = text, .len = text ? strlen(text) : 0, .flags = CURL_BLOB_COPY,
	};

	if (text)
		curl_easy_setopt(easy, option, &blob);
}

/*
 * A name for the certificate other than the server's: libcurl takes it from the
 * URL, so the URL has it, and the connection goes to the server all the same.
 */
static char *named_url(struct api_request *request, const char *path)
{
	const struct kubeconfig *config = &request->api->config;
	char *host = NULL, *port = NULL, *prefix = NULL, *url = NULL;
	char connect_to[CONNECT_TO_MAX];
	CURLU *parts = curl_url();

	curl_url_set(parts, CURLUPART_URL, config->server, 0);
	curl_url_get(parts, CURLUPART_HOST, &host, 0);
	curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	curl_url_get(parts, CURLUPART_PATH, &prefix, 0);
	if (host && port && prefix) {
		snprintf(connect_to, sizeof(connect_to), "::%s:%s", host, port);
		request->connect_to = curl_slist_append(NULL, connect_to);
		url = util_printf("https://%s:%s%s%s", config->tls_server_name, port,
				  strcmp(prefix, "/") ? prefix : "", path);
	}
	curl_free(host);
	curl_free(port);
	curl_free(prefix);
	curl_url_cleanup(parts);
	return url ? url : util_printf("%s%s", config->server, path);
}

static void set_identity(struct api_request *request)
{
	const struct kubeconfig *config = &request->api->config;
	CURL *easy = request->easy;

	set_blob(easy, CURLOPT_CAINFO_BLOB, config->ca);
	set_blob(easy, CURLOPT_SSLCERT_BLOB, config->client_cert);
	set_blob(easy, CURLOPT_SSLKEY_BLOB, config->client_key);
	if (config->insecure) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (config->token) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, config->token);
	}
	if (config->proxy_url)
		curl_easy_setopt(easy, CURLOPT_PROXY, config->proxy_url);
}

static void set_body(struct api_request *request, const char *body)
{
	CURL *easy = request->easy;

	request->headers = curl_slist_append(NULL, "Content-Type: application/json");
	/* Not worth asking first whether it may be sent. */
	request->headers = curl_slist_append(request->headers, "Expect:");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
	curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body);
}

static void set_options(struct api_request *request, const struct api_call *call)
{
	CURL *easy = request->easy;
	char *url;

	url = request->api->config.tls_server_name ? named_url(request, call->path) :
	      util_printf("%s%s", request->api->config.server, call->path);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	free(url);
	if (call->body)
		set_body(request, call->body);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
	if (request->connect_to)
		curl_easy_setopt(easy, CURLOPT_CONNECT_TO, request->connect_to);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
	/*
	 * Wait for a connection that is being made, to share it. Without TLS there is no HTTP/2,
	 * and libcurl would only find out when that connection's first answer has ended.
	 */
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT,
			 (long)!strncmp(request->api->config.server, "https:", 6));
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "dvpnetctl/" DVPNET_VERSION);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_data);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, set_socket_options);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL);
	if (call->timeout) {
		curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)call->timeout);
	} else {
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS);
	}
	set_identity(request);
}

static void refresh_token(struct api *api)
{
	struct report report = { 0 };

	if (!api->config.token_file || (api->token_read &&
					moment_us() - api->token_read < TOKEN_AGE_MAX))
		return;
	kubeconfig_reload_token(&api->config, &report);
	log_report(&report);
	report_free(&report);
	api->token_read = moment_us();
}

/**
 * api_send - ask for something, or have something done; not from an api_data_fn
 * @api: whom
 * @call: what; not needed any more when this returns
 * @data: takes the answer; NULL if it does not matter
 * @done: learns how it ended, unless it is cancelled; not called before this returns
 * @arg: for both
 *
 * Return: the request, which is freed after @done or api_cancel().
 */
struct api_request *api_send(struct api *api, const struct api_call *call, api_data_fn *data,
			     api_done_fn *done, void *arg)
{
	struct api_request *request = util_alloc(sizeof(*request));

	refresh_token(api);
	request->api = api;
	request->data = data;
	request->done = done;
	request->arg = arg;
	request->body.max = ERROR_BODY_MAX;
	request->easy = curl_easy_init();
	if (!request->easy)
		util_alloc(SIZE_MAX);
	set_options(request, call);
	request->next = api->requests;
	api->requests = request;
	curl_multi_add_handle(api->multi, request->easy);
	return request;
}

/**
 * api_cancel - end a request; not from one's own api_data_fn
 * @request: the request; freed, its api_done_fn is not called
 */
void api_cancel(struct api_request *request)
{
	unlink_request(request);
	free_request(request);
}

/* ---- the server ---- */

static bool read_config(const struct api *api, struct kubeconfig *config,
			struct report *report)
{
	return api->path ? kubeconfig_read(config, api->path, report) :
			   kubeconfig_in_cluster(config, KUBECONFIG_ACCOUNT_DIR, report);
}

/**
 * api_open - read where the server is; nothing is sent yet
 * @api: filled
 * @loop: the event loop that all of it will run in
 * @kubeconfig: kubeconfig file, or NULL for a pod's service account
 * @report: errors
 *
 * Return: false if there is an error in @report.
 */
bool api_open(struct api *api, sd_event *loop, const char *kubeconfig, struct report *report)
{
	*api = (struct api){ .loop = loop, .path = kubeconfig };
	if (!read_config(api, &api->config, report)) {
		kubeconfig_free(&api->config);
		return false;
	}
	api->token_read = moment_us();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	api->multi = curl_multi_init();
	if (!api->multi || sd_event_add_time_relative(loop, &api->timer, CLOCK_MONOTONIC, 0, 1000,
						      on_timer, api) < 0) {
		report_error(report, NULL, "cannot prepare requests: out of memory");
		return false;
	}
	curl_multi_setopt(api->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(api->multi, CURLMOPT_SOCKETDATA, api);
	curl_multi_setopt(api->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(api->multi, CURLMOPT_TIMERDATA, api);
	return true;
}

/**
 * api_reload - read again where the server is and who we are, for requests to come
 * @api: what it has stays, if what is there now is wrong
 * @report: errors
 *
 * Return: false if there is an error in @report.
 */
bool api_reload(struct api *api, struct report *report)
{
	struct kubeconfig config;

	if (!read_config(api, &config, report)) {
		kubeconfig_free(&config);
		return false;
	}
	kubeconfig_free(&api->config);
	api->config = config;
	api->token_read = moment_us();
	return true;
}

/**
 * api_close - end all requests and forget the server
 * @api: from api_open(); all zero is fine
 */
void api_close(struct api *api)
{
	while (api->requests)
		api_cancel(api->requests);
	if (api->multi)
		curl_multi_cleanup(api->multi);
	sd_event_source_disable_unref(api->timer);
	kubeconfig_free(&api->config);
	free(api->problem);
	api->problem = NULL;
	api->multi = NULL;
	api->timer = NULL;
}
