// SPDX-License-Identifier: GPL-2.0
/* Metadata of Kubernetes objects. */
#include <stdlib.h>
#include <string.h>

#include "meta.h"

/**
 * meta_free - free what metadata own
 * @meta: the metadata
 */
void meta_free(struct meta *meta)
{
	free(meta->namespace);
	free(meta->name);
}

/**
 * metas_free - free all metadata, an empty list remains
 * @metas: the list
 */
void metas_free(struct metas *metas)
{
	size_t i;

	for (i = 0; i < metas->list.count; i++)
		meta_free(&metas->list.item[i]);
	list_free(&metas->list);
}

static struct meta meta_copy(const struct meta *meta)
{
	return (struct meta){
		meta->kind, util_strdup(meta->namespace), util_strdup(meta->name), meta->place,
	};
}

/**
 * meta_read - what messages and duplicates are told by
 * @root: the object; its subject gets the name
 * @namespaced: objects of its kind are in namespaces
 * @all: a copy is added
 * @meta: filled
 *
 * Return: false without a name, which is noted.
 */
bool meta_read(const struct field *root, bool namespaced, struct metas *all, struct meta *meta)
{
	struct subject *subject = root->subject;
	struct field metadata = field_member(root, "metadata");
	struct field name = field_member(&metadata, "name");
	const char *namespace = namespaced ? field_member_string(&metadata, "namespace") : NULL;

	if (namespaced)
		subject->namespace = namespace ? namespace : "default";
	subject->name = field_string(&name);
	if (!subject->name || !*subject->name || strlen(subject->name) > 253 ||
	    (namespaced && strlen(subject->namespace) > 63)) {
		if (!name.json || subject->name)
			field_error(&name, "must be the name of the object");
		return false;
	}
	meta->kind = subject->kind;
	meta->namespace = util_strdup(namespaced ? subject->namespace : "");
	meta->name = util_strdup(subject->name);
	meta->place = field_place(root);
	*list_add(&all->list) = meta_copy(meta);
	return true;
}

/**
 * meta_label - value of a label
 * @root: the object
 * @key: the label
 *
 * Return: the value, or NULL.
 */
const char *meta_label(const struct field *root, const char *key)
{
	struct field metadata = field_member(root, "metadata");
	struct field labels = field_member(&metadata, "labels");
	struct field label = field_member(&labels, key);

	return field_string(&label);
}

static bool has_label(const struct field *root, const char *key)
{
	struct field metadata = field_member(root, "metadata");
	struct field labels = field_member(&metadata, "labels");

	return json_object_get(labels.json, key);
}

/**
 * meta_is_invisible - is a Service or EndpointSlice another proxy's, or none's?
 * @root: the object
 *
 * Any value of the labels counts, even an empty one.
 */
bool meta_is_invisible(const struct field *root)
{
	return has_label(root, "service.kubernetes.io/service-proxy-name") ||
	       has_label(root, "service.kubernetes.io/headless");
}

/**
 * meta_compare_created - order objects by age, the oldest first
 * @a: metadata.creationTimestamp, "" where it is not known: later than all others
 * @b: another one
 */
int meta_compare_created(const char *a, const char *b)
{
	return *a && *b ? strcmp(a, b) : !*a - !*b;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? at - digits : -1;
}

/**
 * meta_read_uid - UID of an object
 * @root: the object
 * @uid: filled, if it has one
 */
void meta_read_uid(const struct field *root, struct cluster_uid *uid)
{
	struct field metadata = field_member(root, "metadata");
	struct field field = field_member(&metadata, "uid");
	const char *text = field_string(&field);
	size_t digits = 0;

	if (!text)
		return;
	for (; *text && digits < 2 * META_UID_SIZE; text++) {
		int digit = hex_digit(*text);

		if (*text == '-')
			continue;
		if (digit < 0)
			break;
		uid->bytes[digits / 2] |= digits % 2 ? digit : digit << 4;
		digits++;
	}
	uid->known = !*text && digits == 2 * META_UID_SIZE;
	if (!uid->known)
		field_error(&field, "must be a UUID");
}
