// SPDX-License-Identifier: GPL-2.0
/* What the unit tests share: objects from text, and errors to compare with. */
#include "reading.h"

void reading_parse(struct reading *reading, const char *text)
{
	memset(reading, 0, sizeof(*reading));
	document_parse("t.yaml", text, strlen(text), objects_read, &reading->objects,
		       &reading->objects.report);
	objects_complete(&reading->objects);
}

void reading_build(struct reading *reading, const char *text, const char *node)
{
	const struct desired_options options = { .node = node };

	reading_parse(reading, text);
	assert_no_error(reading);
	desired_build(&reading->objects, &options, &reading->state, &reading->objects.report);
}

void reading_free(struct reading *reading)
{
	state_free(&reading->state);
	objects_free(&reading->objects);
}

void assert_no_error(const struct reading *reading)
{
	if (reading->objects.report.errors.count)
		fail_msg("unexpected: %s", reading->objects.report.errors.item[0]);
}

void assert_error(const struct reading *reading, const char *expected)
{
	if (!reading->objects.report.errors.count)
		fail_msg("no error, expected: %s", expected);
	assert_string_equal(reading->objects.report.errors.item[0], expected);
}

void assert_warning(const struct reading *reading, const char *expected)
{
	size_t i;

	for (i = 0; i < reading->objects.report.warnings.count; i++)
		if (!strcmp(reading->objects.report.warnings.item[i], expected))
			return;
	for (i = 0; i < reading->objects.report.warnings.count; i++)
		print_error("# warning: %s\n", reading->objects.report.warnings.item[i]);
	fail_msg("no such warning: %s", expected);
}

void assert_parse_error(const char *text, const char *expected)
{
	struct reading reading;

	reading_parse(&reading, text);
	assert_error(&reading, expected);
	reading_free(&reading);
}

void assert_build_error(const char *text, const char *expected)
{
	struct reading reading;

	reading_build(&reading, text, "n1");
	assert_error(&reading, expected);
	reading_free(&reading);
}

const struct service *find_service(const struct reading *reading, const char *name,
				   uint8_t family)
{
	size_t i;

	for (i = 0; i < reading->state.services.count; i++)
		if (!strcmp(reading->state.services.item[i].name, name) &&
		    reading->state.services.item[i].family == family)
			return &reading->state.services.item[i];
	fail_msg("no service %s", name);
	return NULL;
}

/* "10.0.0.1:80 CLNRT, ...": letters as in cluster, local, on-node, ready, terminating. */
const char *backends_text(const struct service *service)
{
	static const char letters[] = "CLNRT";
	static char text[4096];
	size_t i, used = 0;
	int bit;

	*text = '\0';
	for (i = 0; i < service->backends.count; i++) {
		const struct backend *backend = &service->backends.item[i];
		char address[IP_TEXT_MAX];

		used += snprintf(text + used, sizeof(text) - used, "%s%s ", i ? ", " : "",
				 ip_port_text(&backend->addr, backend->port, address));
		for (bit = 0; letters[bit]; bit++)
			if (backend->flags & 1 << bit)
				text[used++] = letters[bit];
		text[used] = '\0';
	}
	return text;
}

/* "0 10.0.0.1:80, 1 *:30080": type, address and port. */
const char *frontends_text(const struct service *service)
{
	static char text[1024];
	size_t i, used = 0;

	*text = '\0';
	for (i = 0; i < service->frontends.count; i++) {
		const struct frontend *frontend = &service->frontends.item[i];
		char address[IP_TEXT_MAX];

		used += snprintf(text + used, sizeof(text) - used, "%s%u %s", i ? ", " : "",
				 frontend->type,
				 ip_port_text(&frontend->addr, frontend->port, address));
	}
	return text;
}
