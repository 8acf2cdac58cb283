// SPDX-License-Identifier: GPL-2.0
/* What would happen to a packet, and why, for people and for programs. */
#include <stdio.h>
#include <string.h>

#include "part.h"
#include "print.h"

static const char *const verdicts[] = {
	"none", "flow", "forward", "reject", "drop", "masquerade", "answer",
	"reset", NULL,
};
static const char *const lists[] = { "none", "cluster", "local", NULL };
static const char *const clients[] = { "unknown", "host", "pod", "outside", NULL };

/* ---- words ---- */

static const char *verdict_words(uint32_t verdict)
{
	switch (verdict) {
	case DVPNET_VERDICT_NONE:
		return "not for a Service, routed as it is";
	case DVPNET_VERDICT_FLOW:
		return "belongs to a flow";
	case DVPNET_VERDICT_FORWARD:
		return "begins a flow";
	case DVPNET_VERDICT_REJECT:
		return "refused with an ICMP error";
	case DVPNET_VERDICT_DROP:
		return "dropped silently";
	case DVPNET_VERDICT_MASQUERADE:
		return "not for a Service, leaves the cluster with an address of this node";
	case DVPNET_VERDICT_ANSWER:
		return "answered by this node in the name of the address";
	case DVPNET_VERDICT_RESET:
		return "reset, the client is told";
	default:
		return "unknown";
	}
}

static const char *client_words(enum explanation_client client)
{
	switch (client) {
	case EXPLANATION_HOST:
		return "this node itself";
	case EXPLANATION_POD:
		return "a pod of this node";
	case EXPLANATION_OUTSIDE:
		return "outside of this node";
	default:
		return "not known";
	}
}

static bool is_cluster_ip(const struct explanation *explanation)
{
	return explanation->frontend_type == DVPNET_FRONTEND_TYPE_CLUSTER_IP;
}

static bool is_policy_local(const struct explanation *explanation)
{
	return explanation->object.flags &
	       (is_cluster_ip(explanation) ? DVPNET_SERVICE_FLAGS_INTERNAL_LOCAL :
					     DVPNET_SERVICE_FLAGS_EXTERNAL_LOCAL);
}

static const char *policy_name(const struct explanation *explanation)
{
	return is_cluster_ip(explanation) ? "internalTrafficPolicy" : "externalTrafficPolicy";
}

static const char *policy_text(const struct explanation *explanation)
{
	return is_policy_local(explanation) ? "Local" : "Cluster";
}

/* Policy Local holds for those from outside alone. */
static bool is_short_circuit(const struct explanation *explanation)
{
	return is_policy_local(explanation) && explanation->list == DVPNET_LIST_CLUSTER;
}

/* Why the backend sees the client's address, or why it does not. */
static const char *source_words(const struct explanation *explanation)
{
	if (!explanation->masquerade) {
		if (is_cluster_ip(explanation))
			return "a pod keeps its address towards a ClusterIP";
		return "externalTrafficPolicy Local keeps the client's address";
	}
	if (!ip_compare(&explanation->src, &explanation->backend))
		return "the client is the backend, its answers to itself have to come back here";
	if (explanation->client == EXPLANATION_HOST)
		return "this node's own connections get the address that fits the way";
	if (is_cluster_ip(explanation) && explanation->client == EXPLANATION_OUTSIDE)
		return "a client from outside of this node gets its answers through this node";
	if (!is_cluster_ip(explanation) && !is_policy_local(explanation))
		return "externalTrafficPolicy Cluster: answers have to come back here";
	return "the backend is no pod and has no way back to the client but through this node";
}

/* ---- JSON ---- */

static void add_service(json_t *json, const struct explanation *explanation)
{
	part_text(json, "service", explanation->service);
	part_text(json, "frontend_type",
		  part_name(part_frontend_types, explanation->frontend_type));
	if (explanation->object.name) {
		part_text(json, "policy_name", policy_name(explanation));
		part_text(json, "policy", policy_text(explanation));
		part_bool(json, "short_circuit", is_short_circuit(explanation));
		json_object_set_new(json, "sources", print_sources_json(&explanation->object));
	}
	part_text(json, "list", part_name(lists, explanation->list));
	part_number(json, "list_len", explanation->list_len);
	if (explanation->list == DVPNET_LIST_NONE)
		return;
	part_text(json, "list_why", part_name(part_list_whys, explanation->list_why));
	part_text(json, "list_words", print_list_why(explanation->list, explanation->list_why,
						     explanation->list_len));
	part_text(json, "algorithm", part_name(part_algorithms, explanation->algorithm));
	part_number(json, "affinity", explanation->affinity);
}

/**
 * print_explanation_json - what would happen to a packet, for programs
 * @explanation: the packet
 *
 * Return: a new object.
 */
json_t *print_explanation_json(const struct explanation *explanation)
{
	json_t *json = json_object();

	part_text(json, "protocol", proto_text(explanation->proto));
	part_ip(json, "src", &explanation->src);
	part_port(json, "sport", explanation->sport);
	part_ip(json, "dst", &explanation->dst);
	part_port(json, "dport", explanation->dport);
	part_text(json, "client", part_name(clients, explanation->client));
	part_text(json, "verdict", part_name(verdicts, explanation->verdict));
	part_text(json, "reason", explanation->reason);
	part_bool(json, "awaited", explanation->awaited);
	if (explanation->service)
		add_service(json, explanation);
	part_ip(json, "backend", &explanation->backend);
	part_port(json, "backend_port", explanation->backend_port);
	part_bool(json, "masquerade", explanation->masquerade);
	if (explanation->verdict == DVPNET_VERDICT_FORWARD && explanation->object.name)
		part_text(json, "masquerade_why", source_words(explanation));
	part_ip(json, "source", &explanation->source);
	part_port(json, "source_port", explanation->source_port);
	part_ip(json, "target", &explanation->target);
	part_port(json, "target_port", explanation->target_port);
	if (explanation->node) {
		part_text(json, "node", explanation->node);
		part_bool(json, "local", explanation->local);
		part_ip(json, "underlay", &explanation->underlay);
	}
	if (explanation->mode != NODE_MODE_NONE)
		part_text(json, "mode", config_mode_text(explanation->mode));
	if (explanation->mtu)
		part_number(json, "mtu", explanation->mtu);
	return json;
}

/* ---- lines ---- */

static void print_head(const struct explanation *explanation)
{
	char from[IP_TEXT_MAX], to[IP_TEXT_MAX];

	printf("%s %s to %s: %s", proto_text(explanation->proto),
	       ip_port_text(&explanation->src, explanation->sport, from),
	       ip_port_text(&explanation->dst, explanation->dport, to),
	       verdict_words(explanation->verdict));
	/* The reason of a choice stands with the choice. */
	if (explanation->reason && explanation->verdict != DVPNET_VERDICT_FORWARD)
		printf(" (%s)", explanation->reason);
	putchar('\n');
	if (explanation->awaited)
		puts("    if it opens a connection; all else is dropped until the client's flows have come"
		     " from another node");
}

static void print_service_of(const struct explanation *explanation)
{
	printf("    service %s, frontend %s", explanation->service,
	       part_name(part_frontend_types, explanation->frontend_type));
	if (explanation->object.name)
		printf(", %s %s", policy_name(explanation), policy_text(explanation));
	putchar('\n');
	if (!explanation->target.family)
		printf("    client is %s\n", client_words(explanation->client));
}

static void print_list_of(const struct explanation *explanation)
{
	printf("    %s list of %u: %s\n", part_name(lists, explanation->list),
	       explanation->list_len,
	       print_list_why(explanation->list, explanation->list_why, explanation->list_len));
	if (is_short_circuit(explanation))
		printf("        not the local list: what comes from this node is not external\n");
}

static void print_backend_of(const struct explanation *explanation)
{
	char text[IP_TEXT_MAX];

	printf("    backend %s", ip_port_text(&explanation->backend, explanation->backend_port,
					      text));
	if (explanation->verdict == DVPNET_VERDICT_FORWARD && explanation->reason)
		printf(": %s", explanation->reason);
	if (explanation->affinity)
		printf(", and may for %us more", explanation->affinity);
	putchar('\n');
}

static void print_source_of(const struct explanation *explanation)
{
	char text[IP_TEXT_MAX];

	printf("    source %s", ip_port_text(&explanation->source, explanation->source_port, text));
	printf(", %s", explanation->masquerade ? "an address of this node" : "the client's own");
	if (explanation->verdict == DVPNET_VERDICT_FORWARD && explanation->object.name)
		printf(": %s", source_words(explanation));
	putchar('\n');
}

/* Who gets a reply, and from whom it seems to be. */
static void print_target_of(const struct explanation *explanation)
{
	char text[IP_TEXT_MAX];

	printf("    a reply: source %s,",
	       ip_port_text(&explanation->source, explanation->source_port, text));
	printf(" to the client %s\n",
	       ip_port_text(&explanation->target, explanation->target_port, text));
}

static void print_node_of(const struct explanation *explanation)
{
	printf("    node %s", explanation->node);
	if (explanation->local) {
		puts(", this one");
		return;
	}
	part_print_ip("at", &explanation->underlay);
	if (explanation->mode != NODE_MODE_NONE)
		printf(", carried by %s", config_mode_text(explanation->mode));
	else
		printf(", no way there now");
	if (explanation->mtu)
		printf(", mtu %u", explanation->mtu);
	putchar('\n');
}

/**
 * print_explanation - what would happen to a packet, for people
 * @explanation: the packet
 */
void print_explanation(const struct explanation *explanation)
{
	print_head(explanation);
	if (explanation->service)
		print_service_of(explanation);
	if (explanation->list != DVPNET_LIST_NONE)
		print_list_of(explanation);
	else if (explanation->verdict == DVPNET_VERDICT_DROP)
		print_sources(&explanation->object);
	if (explanation->backend.family)
		print_backend_of(explanation);
	if (explanation->target.family)
		print_target_of(explanation);
	else if (explanation->source.family)
		print_source_of(explanation);
	if (explanation->node)
		print_node_of(explanation);
}
