// SPDX-License-Identifier: GPL-2.0
/*
 * Where the API server is and who we are to it, as kubectl reads it.
 *
 * Of a kubeconfig file that is the current context: a cluster and a user. What
 * stands in the file itself (-data) wins over what stands in files beside it,
 * whose names are relative to it. Nothing secret is ever part of a message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "field.h"
#include "kubeconfig.h"
#include "source_files.h"

/**
 * struct reader - a kubeconfig file being read
 * @config: filled
 * @path: the file
 * @report: errors
 * @documents: how many the file has had
 */
struct reader {
	struct kubeconfig *config;
	const char *path;
	struct report *report;
	unsigned int documents;
};

/* ---- secrets ---- */

/* Frees a secret and leaves nothing of it behind. */
static void forget(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

static char *trim_end(char *text)
{
	size_t size = text ? strlen(text) : 0;

	while (size && strchr(" \t\r\n", text[size - 1]))
		text[--size] = '\0';
	return text;
}

/* The text of a file; NULL and errno if it cannot be read or has none. */
static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	ssize_t size;

	if (!file)
		return NULL;
	errno = 0;
	size = getdelim(&text, &room, '\0', file);
	if (size <= 0) {
		if (!errno)
			errno = ENODATA;
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

/* ---- fields ---- */

static void complain(const struct field *field, const char *format, ...) PRINTF(2, 3);

/* Like field_error(), but the value is not shown: it may be secret. */
static void complain(const struct field *field, const char *format, ...)
{
	const struct subject *subject = field->subject;
	struct place place = field_place(field);
	va_list args;
	char *what;

	va_start(args, format);
	what = util_vprintf(format, args);
	va_end(args);
	report_error(subject->report, &place, "%s %s: %s: %s", subject->kind, subject->name,
		     field->key, what);
	free(what);
}

/* Like field_string(). */
static const char *secret_string(const struct field *field)
{
	if (field->json && !json_is_string(field->json))
		complain(field, "must be a text; put it in quotes if it looks like a number");
	return json_string_value(field->json);
}

static char *path_beside(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');

	if (*path == '/' || !slash)
		return util_strdup(path);
	return util_printf("%.*s/%s", (int)(slash - file), file, path);
}

/* What KEY-data has, else what the file named by KEY has, else NULL. */
static char *read_pem(const struct reader *reader, const struct field *up, const char *key)
{
	char *data_key = util_printf("%s-data", key);
	struct field file = field_member(up, key), data = field_member(up, data_key);
	const char *encoded = secret_string(&data), *name = field_string(&file);
	char *text = NULL, *path;

	if (encoded && *encoded) {
		text = base64_decode(encoded);
		if (!text || !strstr(text, "-----BEGIN")) {
			complain(&data, "must be a PEM file in base64");
			forget(&text);
		}
	} else if (name && *name) {
		path = path_beside(reader->path, name);
		text = read_text(path);
		if (!text)
			complain(&file, "%s: %s", path, strerror(errno));
		free(path);
	}
	free(data_key);
	return text;
}

static char *copy_of(const struct field *up, const char *key)
{
	const char *text = field_member_string(up, key);

	return text && *text ? util_strdup(text) : NULL;
}

/* ---- the parts of a kubeconfig ---- */

static void read_cluster(const struct reader *reader, const struct field *cluster)
{
	struct field insecure = field_member(cluster, "insecure-skip-tls-verify");
	struct field server = field_member(cluster, "server");
	struct kubeconfig *config = reader->config;
	size_t size;

	config->server = copy_of(cluster, "server");
	if (!config->server || (strncmp(config->server, "https://", 8) &&
				strncmp(config->server, "http://", 7)))
		field_error(&server, "must be the URL of an API server, like https://10.0.0.1:6443");
	if (config->server && strchr(config->server, '@'))
		complain(&server, "must have no user or password in it");
	for (size = config->server ? strlen(config->server) : 0;
	     size && config->server[size - 1] == '/'; size--)
		config->server[size - 1] = '\0';
	config->tls_server_name = copy_of(cluster, "tls-server-name");
	config->proxy_url = copy_of(cluster, "proxy-url");
	config->insecure = field_bool(&insecure, false);
	config->ca = read_pem(reader, cluster, "certificate-authority");
	if (config->ca && config->insecure)
		complain(&insecure, "must not be set beside certificate-authority");
}

/* Ways of logging in that need a program or a person. */
static void refuse_logins(const struct field *user)
{
	static const struct {
		const char *key;
		const char *what;
	} logins[] = {
		{ "exec", "login by a program" },
		{ "auth-provider", "login by a provider's plugin" },
		{ "username", "login by name and password" },
		{ "as", "impersonation" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(logins); i++) {
		struct field field = field_member(user, logins[i].key);

		if (field.json)
			complain(&field, "%s is not supported: an agent needs a client "
				 "certificate, a token or a tokenFile", logins[i].what);
	}
}

static void read_user(const struct reader *reader, const struct field *user)
{
	struct kubeconfig *config = reader->config;
	struct field certificate = field_member(user, "client-certificate");
	struct field token = field_member(user, "token");
	size_t errors = reader->report->errors.count;
	const char *text, *file;

	refuse_logins(user);
	config->client_cert = read_pem(reader, user, "client-certificate");
	config->client_key = read_pem(reader, user, "client-key");
	if (!config->client_cert != !config->client_key && reader->report->errors.count == errors)
		complain(&certificate, "certificate and key must be there both, or none");
	text = secret_string(&token);
	if (text && *text)
		config->token = trim_end(util_strdup(text));
	file = field_member_string(user, "tokenFile");
	if (file && *file) {
		config->token_file = path_beside(reader->path, file);
		kubeconfig_reload_token(config, reader->report);
	}
}

/* The member @part of the element with that name of the list @list. */
static struct field find_named(const struct field *list, const char *name, const char *part,
			       struct field *element)
{
	size_t i, count = field_length(list);
	struct field nothing = { .subject = list->subject };

	for (i = 0; i < count; i++) {
		*element = field_element(list, i);
		if (!util_strcmp_null(field_member_string(element, "name"), name))
			return field_member(element, part);
	}
	return nothing;
}

static void take_config(const struct source *source, const json_t *json, void *arg)
{
	struct reader *reader = arg;
	struct subject subject = {
		.source = source, .report = reader->report, .kind = "kubeconfig",
	};
	struct field root = field_root(&subject, json), element, part;
	struct field current = field_member(&root, "current-context");
	struct field contexts = field_member(&root, "contexts");
	struct field clusters = field_member(&root, "clusters");
	struct field users = field_member(&root, "users");
	const char *context = field_string(&current), *cluster, *user;
	struct place place = field_place(&current);

	if (reader->documents++)
		return;
	subject.name = context ? context : "without current-context";
	part = context ? find_named(&contexts, context, "context", &element) : current;
	if (!context || !part.json) {
		report_error(reader->report, &place,
			     "kubeconfig: current-context: must name one of the contexts, %s%s%s",
			     context ? "there is no \"" : "is missing", context ? context : "",
			     context ? "\"" : "");
		return;
	}
	cluster = field_member_string(&part, "cluster");
	user = field_member_string(&part, "user");
	place = field_place(&part);
	part = find_named(&clusters, cluster, "cluster", &element);
	if (part.json)
		read_cluster(reader, &part);
	else
		report_error(reader->report, &place, "kubeconfig %s: there is no cluster \"%s\"",
			     context, cluster ? cluster : "");
	if (!user)
		return;
	part = find_named(&users, user, "user", &element);
	if (part.json)
		read_user(reader, &part);
	else
		report_error(reader->report, &place, "kubeconfig %s: there is no user \"%s\"",
			     context, user);
}

/**
 * kubeconfig_read - read a kubeconfig file
 * @config: filled; to be freed also after an error
 * @path: the file
 * @report: errors
 *
 * Return: false if there is an error in @report.
 */
bool kubeconfig_read(struct kubeconfig *config, const char *path, struct report *report)
{
	struct reader reader = { .config = config, .path = path, .report = report };
	struct source_files files = { 0 };
	size_t errors = report->errors.count;

	memset(config, 0, sizeof(*config));
	source_files_read(&files, path, take_config, &reader, report);
	source_files_free(&files);
	return report->errors.count == errors;
}

/**
 * kubeconfig_in_cluster - what a pod finds around itself
 * @config: filled; to be freed also after an error
 * @account_dir: %KUBECONFIG_ACCOUNT_DIR, but for tests
 * @report: errors
 *
 * Return: false if there is an error in @report.
 */
bool kubeconfig_in_cluster(struct kubeconfig *config, const char *account_dir,
			   struct report *report)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	bool is_v6;
	char *path;

	memset(config, 0, sizeof(*config));
	if (!host || !port) {
		report_error(report, NULL,
			     "no --kubeconfig, and not in a pod of a cluster either: "
			     "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
		return false;
	}
	is_v6 = strchr(host, ':');
	config->server = util_printf("https://%s%s%s:%s", is_v6 ? "[" : "", host,
				     is_v6 ? "]" : "", port);
	path = util_printf("%s/ca.crt", account_dir);
	config->ca = read_text(path);
	if (!config->ca)
		report_error(report, NULL, "%s: %s", path, strerror(errno));
	free(path);
	config->token_file = util_printf("%s/token", account_dir);
	return kubeconfig_reload_token(config, report) && config->ca;
}

/**
 * kubeconfig_reload_token - read the token again, which others renew
 * @config: its token_file is read, if it has one
 * @report: errors
 *
 * Return: false if it could not be read; the token that was there stays.
 */
bool kubeconfig_reload_token(struct kubeconfig *config, struct report *report)
{
	char *token;

	if (!config->token_file)
		return true;
	token = trim_end(read_text(config->token_file));
	if (!token || !*token) {
		report_error(report, NULL, "%s: %s", config->token_file,
			     token ? "is empty: expected a token" : strerror(errno));
		free(token);
		return false;
	}
	forget(&config->token);
	config->token = token;
	return true;
}

/**
 * kubeconfig_free - forget all, secrets thoroughly
 * @config: as from kubeconfig_read()
 */
void kubeconfig_free(struct kubeconfig *config)
{
	free(config->server);
	free(config->tls_server_name);
	free(config->proxy_url);
	free(config->ca);
	free(config->client_cert);
	forget(&config->client_key);
	forget(&config->token);
	free(config->token_file);
	memset(config, 0, sizeof(*config));
}
