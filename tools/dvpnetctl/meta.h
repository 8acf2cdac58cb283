/* SPDX-License-Identifier: GPL-2.0 */
/* Metadata of Kubernetes objects. */
#ifndef DVPNETCTL_META_H
#define DVPNETCTL_META_H

#include "field.h"

/** Bytes of a UUID. */
#define META_UID_SIZE 16

/**
 * struct meta - metadata of an object
 * @kind: its kind
 * @namespace: its namespace; "" for objects that are in none
 * @name: its name
 * @place: where it begins
 */
struct meta {
	const char *kind;
	char *namespace;
	char *name;
	struct place place;
};

/** struct metas - metadata of objects of any kind */
struct metas {
	LIST(struct meta) list;
};

/**
 * struct cluster_uid - a UID that is the same all over a cluster
 * @known: there is one
 * @bytes: its bytes
 */
struct cluster_uid {
	bool known;
	uint8_t bytes[META_UID_SIZE];
};

bool meta_read(const struct field *root, bool namespaced, struct metas *all, struct meta *meta);
const char *meta_label(const struct field *root, const char *key);
bool meta_is_invisible(const struct field *root);
int meta_compare_created(const char *a, const char *b);
void meta_read_uid(const struct field *root, struct cluster_uid *uid);
void meta_free(struct meta *meta);
void metas_free(struct metas *metas);

#endif
