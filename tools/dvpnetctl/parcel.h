/* SPDX-License-Identifier: GPL-2.0 */
/* Flows of a machine on their way from node to node: a ConfigMap. */
#ifndef DVPNETCTL_PARCEL_H
#define DVPNETCTL_PARCEL_H

#include <jansson.h>

#include "kernel.h"

/** Where parcels are on the API server. */
#define PARCEL_PATH "/api/v1/namespaces/dvpnet/configmaps"

/** Label that tells for which node a parcel is. */
#define PARCEL_LABEL "dvpnet.io/flows-for"

/** Longest value of a label, and the final NUL. */
#define PARCEL_LABEL_SIZE 64

/**
 * struct parcel - flows of a machine, or a part of them
 * @name: name of the object
 * @addr: address of the machine
 * @more: more of them follow
 * @created: when it was sent, seconds since 1970
 * @flows: the flows
 */
struct parcel {
	char *name;
	struct ip addr;
	bool more;
	double created;
	struct flow_list flows;
};

/** struct parcel_texts - parcels to be sent, in their order, as JSON */
struct parcel_texts {
	LIST(char *) list;
};

const char *parcel_label(const char *node, char label[PARCEL_LABEL_SIZE]);
void parcel_write(const json_t *flows, const struct ip *addr, const char *node, size_t size,
		  struct parcel_texts *texts);
bool parcel_read(const json_t *object, const char *node, struct parcel *parcel,
		 struct report *report);
void parcel_free(struct parcel *parcel);
void parcel_texts_free(struct parcel_texts *texts);

#endif
