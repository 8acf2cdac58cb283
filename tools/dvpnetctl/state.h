/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel knows, or ought to know: nodes, prefixes, services, settings. */
#ifndef DVPNETCTL_STATE_H
#define DVPNETCTL_STATE_H

#include "config.h"
#include "ip.h"
#include "origin.h"
#include "report.h"

#define NODE_MAC_SIZE 6

/** No mode of its own, or none known. */
#define NODE_MODE_NONE UINT32_MAX

/** Indices of what a node or a service has once a family. */
enum { V4, V6, FAMILIES };

/**
 * struct node - a node of the cluster
 * @name: Kubernetes name
 * @underlay: addresses on the underlay, by family
 * @tunnel: own addresses inside the pod network, by family; local node only
 * @mac: inner Ethernet address of its tunnel end
 * @mode: &enum dvpnet_mode that overrides the settings, or %NODE_MODE_NONE
 * @local: this network namespace is that node
 * @active_mode: what a packet to it would use now, or %NODE_MODE_NONE; from the kernel
 * @mtu: longest inner packet on the way to it, 0 = not known; from the kernel
 * @place: where it was read; not from the kernel
 */
struct node {
	char *name;
	struct ip underlay[FAMILIES];
	struct ip tunnel[FAMILIES];
	uint8_t mac[NODE_MAC_SIZE];
	uint32_t mode;
	bool local;
	uint32_t active_mode;
	uint32_t mtu;
	struct place place;
};

/**
 * struct prefix - addresses behind a node
 * @addr: first address
 * @len: significant bits
 * @node: name of the node
 * @is_machine: it is the address of a virtual machine; not from the kernel
 * @hold: milliseconds for which its flows are awaited from another node, 0 = not
 * @place: where it was read; not from the kernel
 */
struct prefix {
	struct ip addr;
	uint8_t len;
	char *node;
	bool is_machine;
	uint32_t hold;
	struct place place;
};

/**
 * struct range - a range of addresses
 * @addr: first address
 * @len: significant bits
 * @kind: &enum dvpnet_range_kind, where it is one of the whole cluster
 * @place: where it was read; not from the kernel
 */
struct range {
	struct ip addr;
	uint8_t len;
	uint32_t kind;
	struct place place;
};

/** struct ranges - of the whole cluster */
struct ranges {
	LIST(struct range) list;
};

/**
 * struct frontend - where clients connect to a service
 * @type: &enum dvpnet_frontend_type
 * @addr: address; none for a NodePort
 * @port: host byte order
 */
struct frontend {
	uint32_t type;
	struct ip addr;
	uint16_t port;
};

/**
 * struct backend - an endpoint of a service
 * @addr: address
 * @port: host byte order
 * @flags: &enum dvpnet_backend_flags
 * @weight: share of new connections, 1 to 100
 * @flows: flows that this node holds to it; from the kernel
 */
struct backend {
	struct ip addr;
	uint16_t port;
	uint32_t flags;
	uint32_t weight;
	uint32_t flows;
};

/**
 * struct service - one port of a Kubernetes Service in one family
 * @name: NAMESPACE/NAME:PORT
 * @family: AF_INET or AF_INET6; with the name the key
 * @proto: IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP
 * @flags: &enum dvpnet_service_flags
 * @affinity: seconds for which a client stays with its backend, 0 = not at all
 * @algorithm: &enum dvpnet_algorithm
 * @cluster_why: &enum dvpnet_list_why of the list for cluster traffic policy
 * @local_why: of the list for local traffic policy
 * @sources: where clients may come from, none = everywhere; sorted by range_compare()
 * @frontends: sorted by frontend_compare()
 * @backends: sorted by backend_compare()
 * @refused: the kernel did not take it
 * @place: where it was read; not from the kernel
 */
struct service {
	char *name;
	uint8_t family;
	uint8_t proto;
	uint32_t flags;
	uint32_t affinity;
	uint32_t algorithm;
	uint32_t cluster_why;
	uint32_t local_why;
	LIST(struct range) sources;
	LIST(struct frontend) frontends;
	LIST(struct backend) backends;
	bool refused;
	struct place place;
};

/**
 * struct state - all of it; lists are sorted by key after state_sort()
 * @config: the settings
 * @origin: where they come from; not from the kernel
 * @ranges: of the whole cluster, sorted by range_compare()
 * @machine_ranges: those of virtual machines, in no order; not from the kernel
 * @nodes: sorted by name
 * @prefixes: sorted by address and length
 * @services: sorted by name and family
 */
struct state {
	struct config config;
	struct origin origin;
	struct ranges ranges;
	LIST(struct range) machine_ranges;
	LIST(struct node) nodes;
	LIST(struct prefix) prefixes;
	LIST(struct service) services;
};

int node_compare(const void *a, const void *b);
int prefix_compare(const void *a, const void *b);
int range_compare(const void *a, const void *b);
bool range_overlaps(const struct range *a, const struct range *b);
int frontend_compare(const void *a, const void *b);
int backend_compare(const void *a, const void *b);
int service_compare(const void *a, const void *b);
bool node_equal(const struct node *a, const struct node *b);
bool ranges_equal(const struct ranges *a, const struct ranges *b);
bool service_equal(const struct service *a, const struct service *b);
int node_common_family(const struct node *a, const struct node *b);
void node_free(struct node *node);
void service_free(struct service *service);
const struct node *state_self(const struct state *state);
void state_sort(struct state *state);
void state_free(struct state *state);
int family_index(uint8_t family);
const char *proto_text(uint8_t proto);
bool proto_parse(const char *text, uint8_t *proto);

#endif
