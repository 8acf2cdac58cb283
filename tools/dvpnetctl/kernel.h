/* SPDX-License-Identifier: GPL-2.0 */
/* The module's side: everything that goes over generic netlink family "dvpnet". */
#ifndef DVPNETCTL_KERNEL_H
#define DVPNETCTL_KERNEL_H

#include "netlink.h"
#include "state.h"

/** Room in a request for all but lists: names are the longest of it. */
#define KERNEL_REQUEST_SIZE 2048

/**
 * struct kernel - a connection to the module, in one network namespace
 * @netlink: the socket; its error says why the last call failed
 * @family: number of the genl family
 * @queueing: changes are queued up to kernel_flush() or kernel_drop()
 */
struct kernel {
	struct netlink netlink;
	int family;
	bool queueing;
};

/**
 * struct flow - a translated connection; as a filter, what is zero matches any
 * @proto: IPPROTO_*
 * @client: who connected
 * @client_port: host byte order, as all ports here
 * @frontend: where to
 * @frontend_port: its port
 * @backend: who answers
 * @backend_port: its port
 * @source: address that the backend sees
 * @source_port: its port
 * @service: name of the service, or NULL
 * @state: &enum dvpnet_flow_state
 * @flags: &enum dvpnet_flow_flags
 * @expires: seconds until it goes when no packet comes
 */
struct flow {
	uint8_t proto;
	struct ip client;
	uint16_t client_port;
	struct ip frontend;
	uint16_t frontend_port;
	struct ip backend;
	uint16_t backend_port;
	struct ip source;
	uint16_t source_port;
	char *service;
	uint32_t state;
	uint32_t flags;
	uint32_t expires;
};

/** Names of &enum dvpnet_flow_state; NULL behind the last. */
extern const char *const flow_states[];

/** Names of &enum dvpnet_flow_flags; NULL behind the last. */
extern const char *const flow_flags[];

/** struct flow_list - flows, in the order of the kernel's table */
struct flow_list {
	LIST(struct flow) flows;
};

/**
 * struct counter - a named counter
 * @name: its name
 * @help: what it counts
 * @value: how many
 */
struct counter {
	char *name;
	char *help;
	uint64_t value;
};

/** struct counter_list - counters, in the order of their definition */
struct counter_list {
	LIST(struct counter) counters;
};

/**
 * enum explanation_client - who sends a packet
 * @EXPLANATION_UNKNOWN: not known
 * @EXPLANATION_HOST: this node itself
 * @EXPLANATION_POD: a pod of this node
 * @EXPLANATION_OUTSIDE: anybody else
 */
enum explanation_client {
	EXPLANATION_UNKNOWN,
	EXPLANATION_HOST,
	EXPLANATION_POD,
	EXPLANATION_OUTSIDE,
};

/**
 * struct explanation - a packet, and what would happen to it
 * @proto: IPPROTO_*
 * @src: source address
 * @sport: source port, host byte order, as all ports here
 * @dst: destination address
 * @dport: destination port
 * @verdict: &enum dvpnet_verdict
 * @reason: why, in words, or NULL
 * @service: name of the service it meets, or NULL
 * @frontend_type: &enum dvpnet_frontend_type, where @service is set
 * @list: &enum dvpnet_list
 * @list_len: number of backends in that list
 * @list_why: &enum dvpnet_list_why of it
 * @algorithm: &enum dvpnet_algorithm
 * @affinity: seconds for which the client keeps its backend, 0 = it has none
 * @awaited: flows of @src are on their way here; what opens no connection is dropped until then
 * @backend: the choice
 * @backend_port: its port
 * @masquerade: the backend sees an address of this node
 * @source: that address
 * @source_port: its port, 0 = not known before the packet comes
 * @target: of a reply within a flow, the client to whom it goes; then without @backend
 * @target_port: its port
 * @node: node behind whose prefix the destination is, or NULL
 * @local: that node is this one
 * @mode: vxlan or classic, or %NODE_MODE_NONE
 * @mtu: longest packet on the way, 0 = not known
 * @underlay: underlay address of that node
 * @client: who sends it; filled by others
 * @object: the service; without name if it is not known; filled by others
 */
struct explanation {
	uint8_t proto;
	struct ip src;
	uint16_t sport;
	struct ip dst;
	uint16_t dport;
	uint32_t verdict;
	char *reason;
	char *service;
	uint32_t frontend_type;
	uint32_t list;
	uint32_t list_len;
	uint32_t list_why;
	uint32_t algorithm;
	uint32_t affinity;
	bool awaited;
	struct ip backend;
	uint16_t backend_port;
	bool masquerade;
	struct ip source;
	uint16_t source_port;
	struct ip target;
	uint16_t target_port;
	char *node;
	bool local;
	uint32_t mode;
	uint32_t mtu;
	struct ip underlay;
	enum explanation_client client;
	struct service object;
};

/**
 * struct event - a change that the kernel tells of
 * @cmd: DVPNET_CMD_*_NTF
 * @state: the one object that changed, as far as the event tells
 */
struct event {
	uint8_t cmd;
	struct state state;
};

/** typedef event_fn - takes an event; a negative errno ends kernel_receive() */
typedef int event_fn(const struct event *event, void *arg);

int kernel_open(struct kernel *kernel);
void kernel_close(struct kernel *kernel);
const char *kernel_error(const struct kernel *kernel);

int kernel_get_settings(struct kernel *kernel, struct state *state);
int kernel_get_config(struct kernel *kernel, struct config *config);
int kernel_get_nodes(struct kernel *kernel, struct state *state);
int kernel_get_prefixes(struct kernel *kernel, struct state *state);
int kernel_get_service(struct kernel *kernel, const char *name, uint8_t family,
		       struct service *service);
int kernel_get_services(struct kernel *kernel, struct state *state);
int kernel_get_state(struct kernel *kernel, struct state *state);
int kernel_get_flows(struct kernel *kernel, struct flow_list *flows);
int kernel_get_counters(struct kernel *kernel, struct counter_list *counters);
int kernel_explain(struct kernel *kernel, struct explanation *explanation);

int kernel_set_config(struct kernel *kernel, const struct config *config);
int kernel_set_ranges(struct kernel *kernel, const struct ranges *ranges);
int kernel_set_node(struct kernel *kernel, const struct node *node);
int kernel_del_node(struct kernel *kernel, const struct node *node);
int kernel_set_prefix(struct kernel *kernel, const struct prefix *prefix);
int kernel_release_prefix(struct kernel *kernel, const struct prefix *prefix);
int kernel_del_prefix(struct kernel *kernel, const struct prefix *prefix);
int kernel_set_service(struct kernel *kernel, const struct service *service);
int kernel_del_service(struct kernel *kernel, const struct service *service);
struct nl_msg *kernel_sized_request(const struct kernel *kernel, uint8_t cmd, int flags,
				    size_t size);
struct nl_msg *kernel_request(const struct kernel *kernel, uint8_t cmd, int flags);
int kernel_dump(struct kernel *kernel, uint8_t cmd, netlink_fn *parse, void *into,
		void (*reset)(void *));
int kernel_change(struct kernel *kernel, struct nl_msg *msg, const void *object);
netlink_fn kernel_parse_config;
netlink_fn kernel_parse_service;
int kernel_parse_range(struct nlattr *nest, struct range *range);
struct nlattr *kernel_put_range(struct nl_msg *msg, int type, const struct range *range);
void kernel_queue(struct kernel *kernel);
int kernel_flush(struct kernel *kernel);
void kernel_drop(struct kernel *kernel);
const void *kernel_failed(const struct kernel *kernel);
int kernel_new_flow(struct kernel *kernel, const struct flow *flow);
int kernel_flush_flows(struct kernel *kernel, const struct flow *filter, uint32_t *count);

int kernel_sync_begin(struct kernel *kernel, enum dvpnet_sync_mode mode, uint32_t *token);
int kernel_sync_commit(struct kernel *kernel, uint32_t token);
int kernel_sync_abort(struct kernel *kernel, uint32_t token);

int kernel_subscribe(struct kernel *kernel);
int kernel_receive(struct kernel *kernel, event_fn *fn, void *arg);

void flow_list_free(struct flow_list *flows);
void counter_list_free(struct counter_list *counters);
void explanation_free(struct explanation *explanation);

#endif
