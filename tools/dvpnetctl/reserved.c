// SPDX-License-Identifier: GPL-2.0
/*
 * NodePorts among the kernel's reserved ports: no local socket gets one by chance.
 *
 * The list is the administrator's too. Which ports we have added to it is noted
 * in a file that lives as long as the list, up to the next boot: only they are
 * taken away again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "note.h"
#include "port_set.h"
#include "reserved.h"

#define LIST_PATH "/proc/sys/net/ipv4/ip_local_reserved_ports"
#define NOTE "reserved-ports"

/* ---- files ---- */

static int read_ports(const char *path, struct port_set *set)
{
	char *text = util_alloc(PORT_SET_TEXT_MAX + 2);
	ssize_t size = 1;
	size_t used = 0;
	int fd, err = 0;

	memset(set, 0, sizeof(*set));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		free(text);
		return -errno;
	}
	while (size > 0 && used <= PORT_SET_TEXT_MAX) {
		size = read(fd, text + used, PORT_SET_TEXT_MAX + 1 - used);
		if (size < 0)
			err = -errno;
		else
			used += size;
	}
	close(fd);
	if (!err && !port_set_parse(text, set))
		err = -EINVAL;
	free(text);
	return err;
}

/* The kernel takes a page at a time; what comes later is added to what came first. */
static int write_list(const struct port_set *set)
{
	char *text = port_set_text(set);
	size_t size = strlen(text), done = 0;
	int fd, err = 0;

	text[size++] = '\n';
	fd = open(LIST_PATH, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		err = -errno;
	while (!err && done < size) {
		ssize_t written = write(fd, text + done, size - done);

		if (written < 0)
			err = -errno;
		else
			done += written;
	}
	if (fd >= 0)
		close(fd);
	free(text);
	return err;
}

/* Without note, and where somebody has made a new list meanwhile, nothing is ours. */
static void read_ours(const char *path, const struct port_set *have, struct port_set *ours)
{
	if (read_ports(path, ours) || !port_set_is_within(ours, have))
		memset(ours, 0, sizeof(*ours));
}

static int note_ours(const struct port_set *ours)
{
	char *text = port_set_text(ours);
	int err = note_write(NOTE, text);

	free(text);
	return err;
}

/* ---- making it so ---- */

static int change(const struct port_set *range, size_t *changes)
{
	struct port_set have, ours, others, want;
	char *path = note_path(NOTE);
	int err;

	err = read_ports(LIST_PATH, &have);
	if (err) {
		free(path);
		return err;
	}
	read_ours(path, &have, &ours);
	others = have;
	port_set_subtract(&others, &ours);
	want = others;
	port_set_unite(&want, range);
	ours = want;
	port_set_subtract(&ours, &others);
	if (!port_set_equal(&want, &have)) {
		err = note_ours(&ours);
		if (!err)
			err = write_list(&want);
		if (!err)
			++*changes;
	}
	if (port_set_equal(&want, &others))
		unlink(path);
	free(path);
	return err;
}

/**
 * reserved_sync - have the NodePorts reserved, besides what else is
 * @want: what ought to be
 * @changes: raised if they were not
 * @report: a warning if that cannot be: dvpnet works without
 *
 * Return: 0.
 */
int reserved_sync(const struct state *want, size_t *changes, struct report *report)
{
	struct port_set range = { 0 };
	int err;

	if (want->config.value[DVPNET_A_CONFIG_NODEPORT_MAX])
		port_set_add(&range, want->config.value[DVPNET_A_CONFIG_NODEPORT_MIN],
			     want->config.value[DVPNET_A_CONFIG_NODEPORT_MAX]);
	err = change(&range, changes);
	if (err)
		report_warning(report, NULL,
			       LIST_PATH ": %s: the NodePort range is not reserved, a process of "
			       "this host may get one of its ports for a connection of its own",
			       strerror(-err));
	return 0;
}

/**
 * reserved_remove - take back what reserved_sync() has added
 * @changes: raised if there was something
 * @report: errors
 *
 * Return: 0 or a negative errno.
 */
int reserved_remove(size_t *changes, struct report *report)
{
	static const struct port_set none;
	int err = change(&none, changes);

	if (err)
		report_error(report, NULL, LIST_PATH ": %s", strerror(-err));
	return err;
}
