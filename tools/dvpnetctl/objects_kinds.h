/* SPDX-License-Identifier: GPL-2.0 */
/* One reader for each kind of objects; what they read goes into struct objects. */
#ifndef DVPNETCTL_OBJECTS_KINDS_H
#define DVPNETCTL_OBJECTS_KINDS_H

#include "objects.h"

void objects_read_node(struct objects *objects, const struct field *root);
void objects_read_service(struct objects *objects, const struct field *root);
void objects_read_slice(struct objects *objects, const struct field *root);
void objects_read_module_config(struct objects *objects, const struct field *root);
void objects_read_namespace(struct objects *objects, const struct field *root);
void objects_read_service_cidr(struct objects *objects, const struct field *root);
void objects_read_secret(struct objects *objects, const struct field *root);
void objects_read_cluster(struct objects *objects, const struct field *root);
void objects_read_cni_secret(struct objects *objects, const struct field *root);
void objects_read_config_map(struct objects *objects, const struct field *root);
void objects_data_error(const struct field *field, const char *what);
const char *objects_priority(const struct field *root);
void objects_read_machine(struct objects *objects, const struct field *root);
void objects_read_pod(struct objects *objects, const struct field *root);
uint8_t objects_port_proto(const struct field *up);
char *objects_port_name(const struct field *up);

void objects_free_node(struct node_object *node);
void objects_free_service(struct service_object *service);
void objects_free_slice(struct slice_object *slice);
void objects_free_machine(struct machine_object *machine);
void objects_free_pod(struct pod_object *pod);

#endif
