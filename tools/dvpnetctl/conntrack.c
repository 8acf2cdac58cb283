// SPDX-License-Identifier: GPL-2.0
/*
 * How long conntrack remembers half-closed connections.
 *
 * dvpnet's own do not depend on it, but those of others' NAT on the node do: a pod's
 * hostPort (portmap), the table of masqueradeMode Netfilter. By itself conntrack forgets
 * them after a minute without a packet; kube-proxy makes that an hour, and where it was,
 * that is relied on. The value found is noted, to be put back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack.h"
#include "note.h"
#include "util.h"

#define CLOSE_WAIT_PATH "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait"
#define CLOSE_WAIT 3600U
#define NOTE "close-wait"

/* Return: 0; -ENOENT where there is no conntrack. */
static int read_value(unsigned int *value)
{
	FILE *file = fopen(CLOSE_WAIT_PATH, "re");
	int err = 0;

	if (!file)
		return -errno;
	if (fscanf(file, "%u", value) != 1)
		err = -EINVAL;
	fclose(file);
	return err;
}

static int write_value(unsigned int value)
{
	FILE *file = fopen(CLOSE_WAIT_PATH, "we");
	int err = 0;

	if (!file)
		return -errno;
	fprintf(file, "%u\n", value);
	/* It is written here. */
	if (fclose(file))
		err = -errno;
	return err;
}

static int raise_value(size_t *changes)
{
	unsigned int value;
	char *text;
	int err = read_value(&value);

	if (err || value >= CLOSE_WAIT)
		return err;
	text = util_printf("%u\n", value);
	err = note_write(NOTE, text);
	free(text);
	if (!err)
		err = write_value(CLOSE_WAIT);
	if (!err)
		++*changes;
	return err;
}

/**
 * conntrack_sync - let half-closed connections last an hour
 * @changes: raised if they did not
 * @report: a warning if that cannot be: dvpnet works without
 *
 * Return: 0.
 */
int conntrack_sync(size_t *changes, struct report *report)
{
	int err = raise_value(changes);

	if (err && err != -ENOENT)
		report_warning(report, NULL,
			       CLOSE_WAIT_PATH ": %s: half-closed connections to a pod's hostPort may end early",
			       strerror(-err));
	return 0;
}

/**
 * conntrack_remove - put back what conntrack_sync() has changed
 * @changes: raised if there was something
 * @report: errors
 *
 * What somebody else has made of it since then stays.
 *
 * Return: 0 or a negative errno.
 */
int conntrack_remove(size_t *changes, struct report *report)
{
	char *text = note_read(NOTE);
	unsigned int before, value;
	int err = 0;

	if (!text)
		return 0;
	if (sscanf(text, "%u", &before) == 1 && !read_value(&value) && value == CLOSE_WAIT)
		err = write_value(before);
	free(text);
	if (err) {
		report_error(report, NULL, CLOSE_WAIT_PATH ": %s", strerror(-err));
		return err;
	}
	note_remove(NOTE);
	++*changes;
	return 0;
}
