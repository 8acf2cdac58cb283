/* SPDX-License-Identifier: GPL-2.0 */
/* The Kubernetes objects that matter, as typed values. */
#ifndef DVPNETCTL_OBJECTS_H
#define DVPNETCTL_OBJECTS_H

#include "meta.h"
#include "owners.h"
#include "settings.h"
#include "state.h"

/**
 * struct node_object - a Node
 * @meta: metadata
 * @created: metadata.creationTimestamp, "" if it has none
 * @internal: first InternalIP of each family
 * @cidrs: spec.podCIDRs
 * @zone: label topology.kubernetes.io/zone, or NULL
 * @nodeport_any: annotation node.deckhouse.io/nodeport-bind-internal-ip is "false"
 * @leaving: it is being deleted, or the cluster autoscaler is about to
 * @mode: annotation dvpnet.io/mode, or %NODE_MODE_NONE
 * @is_master: it is of group master
 * @nesting: in so many machines is the node, by label node.deckhouse.io/dvp-nesting-level
 * @has_mac: annotation dvpnet.io/tunnel-mac is there
 * @mac: its value
 */
struct node_object {
	struct meta meta;
	char *created;
	struct ip internal[FAMILIES];
	LIST(struct range) cidrs;
	char *zone;
	bool nodeport_any;
	bool leaving;
	uint32_t mode;
	bool is_master;
	unsigned int nesting;
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
 * @priority: annotation %OBJECTS_PRIORITY, or NULL
 * @config: what annotations say
 */
struct config_object {
	struct meta meta;
	bool enabled;
	struct settings settings;
	char *priority;
	struct config config;
};

/** Annotation that tells whether Secret or ModuleConfig decides. */
#define OBJECTS_PRIORITY "network.deckhouse.io/cni-configuration-source-priority"

/** Machines within machines, at most. */
#define OBJECTS_NESTING_MAX 100

/** Name of that Secret. */
#define OBJECTS_CNI_SECRET "d8-cni-configuration"

/**
 * struct cni_secret - Secret kube-system/d8-cni-configuration of Cilium
 * @is_known: there is one
 * @place: where it begins
 * @priority: annotation %OBJECTS_PRIORITY, or NULL
 * @mode: VXLAN, Direct, DirectWithNodeRoutes, or NULL
 * @masquerade: BPF, Netfilter, or NULL
 */
struct cni_secret {
	bool is_known;
	struct place place;
	char *priority;
	const char *mode;
	const char *masquerade;
};

/**
 * struct cilium_map - ConfigMap d8-cni-cilium/cilium-config
 * @is_known: there is one
 * @port: tunnel-port, 0 = none
 */
struct cilium_map {
	bool is_known;
	uint16_t port;
};

/** Label of Pods that share an address; the lowest number has it. */
#define OBJECTS_POD_PRIORITY "network.deckhouse.io/pod-common-ip-priority"

/** Priority of a Pod without that label. */
#define POD_PRIORITY_NONE UINT32_MAX

/**
 * struct machine_object - a VirtualMachine
 * @meta: metadata
 * @addr: status.ipAddress, or one of no family
 * @node: status.nodeName, or NULL
 * @target: status.migrationState.target.node, or NULL
 */
struct machine_object {
	struct meta meta;
	struct ip addr;
	char *node;
	char *target;
};

/**
 * struct pod_object - a Pod that shares its address with another
 * @meta: metadata
 * @addrs: status.podIPs
 * @node: spec.nodeName
 * @priority: label %OBJECTS_POD_PRIORITY
 * @created: metadata.creationTimestamp, or NULL
 * @is_terminating: it is being deleted
 */
struct pod_object {
	struct meta meta;
	LIST(struct ip) addrs;
	char *node;
	uint32_t priority;
	char *created;
	bool is_terminating;
};

/**
 * struct objects - what was read
 * @nodes: sorted by name after objects_complete()
 * @services: sorted by namespace and name after objects_complete()
 * @slices: sorted by namespace, Service and name after objects_complete()
 * @machines: sorted by address after objects_complete()
 * @pods: those that share addresses
 * @owners: who has the addresses of machines and pods, sorted, after objects_complete()
 * @is_settled: @owners are found
 * @is_part: there are just the objects that some Services need
 * @metas: all objects, of whatever is read, to find those that come twice
 * @ranges: of Services, pods and virtual machines of the whole cluster
 * @machine_ranges: those of virtual machines alone
 * @config: ModuleConfig cni-cilium
 * @secret: of Cilium's configuration
 * @cilium: Cilium's configuration as it is in use
 * @is_static: clusterType of the ClusterConfiguration is Static
 * @has_virtualization: there is a ModuleConfig virtualization, and it is enabled
 * @files: names of texts within objects; places point to them
 * @namespace_uid: of Namespace kube-system
 * @service_uid: of Service default/kubernetes
 * @report: errors and warnings
 */
struct objects {
	LIST(struct node_object) nodes;
	LIST(struct service_object) services;
	LIST(struct slice_object) slices;
	LIST(struct machine_object) machines;
	LIST(struct pod_object) pods;
	LIST(struct owner) owners;
	bool is_settled;
	bool is_part;
	struct metas metas;
	LIST(struct range) ranges;
	LIST(struct range) machine_ranges;
	struct config_object config;
	struct cni_secret secret;
	struct cilium_map cilium;
	bool is_static;
	bool has_virtualization;
	LIST(char *) files;
	struct cluster_uid namespace_uid;
	struct cluster_uid service_uid;
	struct report report;
};

document_fn objects_read;
void objects_complete(struct objects *objects);
void objects_free(struct objects *objects);

#endif
