/* SPDX-License-Identifier: GPL-2.0 */
/* Output for people and, as JSON, for programs. */
#ifndef DVPNETCTL_PRINT_H
#define DVPNETCTL_PRINT_H

#include <jansson.h>
#include <stdbool.h>

#include "kernel.h"

extern bool print_json;
extern bool print_all;

json_t *print_node_json(const struct node *node);
json_t *print_prefix_json(const struct prefix *prefix);
json_t *print_service_json(const struct service *service);
json_t *print_sources_json(const struct service *service);
json_t *print_service_name_json(const struct service *service);
json_t *print_flow_json(const struct flow *flow);
json_t *print_config_json(const struct config *config);
json_t *print_ranges_json(const struct ranges *ranges);
json_t *print_settings_json(const struct state *state);
json_t *print_counter_json(const struct counter *counter);
json_t *print_explanation_json(const struct explanation *explanation);
void print_node(const struct node *node);
void print_prefix(const struct prefix *prefix);
void print_service(const struct service *service);
void print_sources(const struct service *service);
const char *print_list_why(uint32_t list, uint32_t why, size_t count);
void print_service_name(const struct service *service);
void print_flow(const struct flow *flow);
void print_config(const struct config *config);
void print_settings(const struct state *state);
void print_counter(const struct counter *counter);
void print_explanation(const struct explanation *explanation);
void print_document(json_t *json);
void print_json_line(json_t *json);

#endif
