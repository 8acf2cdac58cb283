/* SPDX-License-Identifier: GPL-2.0 */
/* The Kubernetes objects that matter, as typed values. */
#ifndef DVPNETCTL_OBJECTS_H
#define DVPNETCTL_OBJECTS_H

#include "meta.h"
#include "settings.h"
#include "state.h"

/**
 * struct node_object - a Node
 * @meta: metadata
 * @internal: first InternalIP of each family
 * @cidrs: spec.podCIDRs
 * @zone: label topology.kubernetes.io/zone, or NULL
 * @nodeport_any: annotation node.deckhouse.io/nodeport-bind-internal-ip is "false"
 * @leaving: it is being deleted, or the cluster autoscaler is about to
 * @mode: annotation dvpnet.io/mode, or %NODE_MODE_NONE
 * @has_mac: annotation dvpnet.io/tunnel-mac is there
 * @mac: its value
 */
struct node_object {
	struct meta meta;
	struct ip internal[FAMILIES];
	LIST(struct range) cidrs;
	char *zone;
	bool nodeport_any;
	bool leaving;
	uint32_t mode;
	bool has_mac;
	uint8_t mac[NODE_MAC_SIZE];
};

/**
 * struct service_port - an element of a Service's spec.ports
 * @name: its name, "" if it has none
 * @proto: IPPROTO_*
 * @port: host byte order
 * @node_port: host byte order, 0 = none
 * @place: where it stands
 */
struct service_port {
	char *name;
	uint8_t proto;
	uint16_t port;
	uint16_t node_port;
	struct place place;
};

/**
 * struct service_address - an address where a Service is reached from outside
 * @addr: the address
 * @place: where it stands
 */
struct service_address {
	struct ip addr;
	struct place place;
};

/**
 * struct service_object - a Service with virtual addresses
 * @meta: metadata
 * @created: metadata.creationTimestamp, "" if it has none
 * @cluster_ip: by family; none where it has none
 * @balancers: addresses of status.loadBalancer that nodes serve
 * @externals: spec.externalIPs
 * @sources: spec.loadBalancerSourceRanges, without bits behind their length
 * @has_node_ports: its type is NodePort or LoadBalancer
 * @internal_local: internalTrafficPolicy is Local
 * @external_local: externalTrafficPolicy is Local
 * @health_port: spec.healthCheckNodePort where load balancers ask for it, 0 = none
 * @affinity: seconds for which a client stays with its backend, 0 = not at all
 * @algorithm: &enum dvpnet_algorithm that the annotation asks for
 * @ports: spec.ports
 */
struct service_object {
	struct meta meta;
	char *created;
	struct ip cluster_ip[FAMILIES];
	LIST(struct service_address) balancers;
	LIST(struct service_address) externals;
	LIST(struct range) sources;
	bool has_node_ports;
	bool internal_local;
	bool external_local;
	uint16_t health_port;
	uint32_t affinity;
	uint32_t algorithm;
	LIST(struct service_port) ports;
};

/**
 * struct slice_port - an element of an EndpointSlice's ports
 * @name: its name, "" if it has none
 * @proto: IPPROTO_*
 * @port: host byte order
 */
struct slice_port {
	char *name;
	uint8_t proto;
	uint16_t port;
};

/**
 * struct endpoint - an element of an EndpointSlice's endpoints
 * @addr: its first address
 * @ready: condition ready
 * @serving: condition serving
 * @terminating: condition terminating
 * @node: name of the node that it is on, or NULL
 * @for_zones: hints
 * @for_nodes: hints
 */
struct endpoint {
	struct ip addr;
	bool ready;
	bool serving;
	bool terminating;
	char *node;
	LIST(char *) for_zones;
	LIST(char *) for_nodes;
};

/**
 * struct slice_object - an EndpointSlice
 * @meta: metadata
 * @service: name of the Service that it is of
 * @family: AF_INET or AF_INET6
 * @weight: annotation dvpnet.io/weight, 1 without; 0 = no new connections
 * @ports: ports
 * @endpoints: endpoints
 */
struct slice_object {
	struct meta meta;
	char *service;
	uint8_t family;
	uint32_t weight;
	LIST(struct slice_port) ports;
	LIST(struct endpoint) endpoints;
};

/**
 * struct config_object - ModuleConfig cni-cilium
 * @meta: metadata; the name is NULL where there is no such object
 * @enabled: spec.enabled
 * @settings: spec.settings
 * @config: what settings and annotations say
 */
struct config_object {
	struct meta meta;
	bool enabled;
	struct settings settings;
	struct config config;
};

/**
 * struct objects - what was read
 * @nodes: sorted by name after objects_complete()
 * @services: sorted by namespace and name after objects_complete()
 * @slices: sorted by namespace, Service and name after objects_complete()
 * @metas: all objects, of whatever is read, to find those that come twice
 * @ranges: of Services, pods and virtual machines of the whole cluster
 * @config: ModuleConfig cni-cilium
 * @files: names of texts within objects; places point to them
 * @namespace_uid: of Namespace kube-system
 * @service_uid: of Service default/kubernetes
 * @report: errors and warnings
 */
struct objects {
	LIST(struct node_object) nodes;
	LIST(struct service_object) services;
	LIST(struct slice_object) slices;
	struct metas metas;
	LIST(struct range) ranges;
	struct config_object config;
	LIST(char *) files;
	struct cluster_uid namespace_uid;
	struct cluster_uid service_uid;
	struct report report;
};

document_fn objects_read;
void objects_complete(struct objects *objects);
void objects_free(struct objects *objects);

#endif
