// SPDX-License-Identifier: GPL-2.0
/*
 * Which node has an address that is on several, or that is no node's by its prefix.
 *
 * A virtual machine keeps its address when it moves, and while it does, pods on two
 * nodes have it. Each claims it with the number in its label, and the lowest one has it:
 * 1 is the source, 2 a target that waits, 0 a target that has taken over. The machine's
 * own status tells where it runs, but not at the same moment. So it counts as the claim
 * of a pod without label, which is the lowest of all; but while it names another node as
 * target, the machine is at the source still, labelled 1 or about to be. In whatever
 * order label and status come to us, the address is thus never at a target that waits.
 *
 * A pod that is being deleted serves to its end, if the machine's status says that it
 * runs there; otherwise it is what is left of a migration, completed or aborted.
 */
#include <stdlib.h>
#include <string.h>

#include "objects.h"
#include "owners.h"

/* Of a pod whose machine is moving away. */
#define PRIORITY_SOURCE 1

/**
 * struct shared_claim - somebody says that an address is on a node
 * @owner: the address, the node, and who says so
 * @priority: the lowest has it
 * @created: when a pod came to be, "" for a machine; among equals the youngest has it
 */
struct shared_claim {
	struct owner owner;
	uint32_t priority;
	const char *created;
};

/** struct shared_claims - all of them */
struct shared_claims {
	LIST(struct shared_claim) list;
};

static int compare_claims(const void *a, const void *b)
{
	const struct shared_claim *x = a, *y = b;
	int order = ip_compare(&x->owner.addr, &y->owner.addr);

	if (!order && x->priority != y->priority)
		order = x->priority < y->priority ? -1 : 1;
	/* Times of an API server are of one length: they sort as texts. */
	if (!order)
		order = strcmp(y->created, x->created);
	/* All nodes have to come to the same. */
	if (!order)
		order = strcmp(x->owner.meta->namespace, y->owner.meta->namespace);
	return order ? order : strcmp(x->owner.meta->name, y->owner.meta->name);
}

static int compare_machines(const void *a, const void *b)
{
	const struct machine_object *x = a, *y = b;
	int order = ip_compare(&x->addr, &y->addr);

	if (!order)
		order = strcmp(x->meta.namespace, y->meta.namespace);
	return order ? order : strcmp(x->meta.name, y->meta.name);
}

static void claim(struct shared_claims *claims, const struct ip *addr, const char *node,
		  uint32_t priority, const char *created, const struct meta *meta)
{
	*list_add(&claims->list) = (struct shared_claim){
		.owner = { *addr, node, meta }, .priority = priority,
		.created = created ? created : "",
	};
}

/* Does a machine with this address run elsewhere, by its own status? */
static bool is_elsewhere(const struct objects *objects, const struct ip *addr, const char *node)
{
	bool elsewhere = false;
	size_t i;

	for (i = 0; i < objects->machines.count; i++) {
		const struct machine_object *machine = &objects->machines.item[i];

		if (!machine->node || ip_compare(&machine->addr, addr))
			continue;
		if (!strcmp(machine->node, node))
			return false;
		elsewhere = true;
	}
	return elsewhere;
}

static void claim_for_pod(const struct objects *objects, const struct pod_object *pod,
			  struct shared_claims *claims)
{
	size_t i;

	for (i = 0; i < pod->addrs.count; i++)
		if (!pod->is_terminating ||
		    !is_elsewhere(objects, &pod->addrs.item[i], pod->node))
			claim(claims, &pod->addrs.item[i], pod->node, pod->priority, pod->created,
			      &pod->meta);
}

static void claim_for_machine(const struct machine_object *machine,
			      struct shared_claims *claims)
{
	bool is_source = machine->target && util_strcmp_null(machine->target, machine->node);

	if (machine->addr.family && machine->node)
		claim(claims, &machine->addr, machine->node,
		      is_source ? PRIORITY_SOURCE : POD_PRIORITY_NONE, NULL, &machine->meta);
}

static void report_doubles(struct objects *objects)
{
	char text[IP_TEXT_MAX];
	size_t i;

	for (i = 1; i < objects->machines.count; i++) {
		const struct machine_object *a = &objects->machines.item[i - 1];
		const struct machine_object *b = &objects->machines.item[i];

		if (a->addr.family && a->node && b->node && !ip_compare(&a->addr, &b->addr))
			report_warning(&objects->report, &b->meta.place,
				       "VirtualMachine %s/%s: status.ipAddress: %s is that of "
				       "VirtualMachine %s/%s too, only one of them can be reached",
				       b->meta.namespace, b->meta.name, ip_text(&b->addr, text),
				       a->meta.namespace, a->meta.name);
	}
}

/**
 * owners_settle - find out who has which address
 * @objects: its machines and pods are complete; they must not change any more
 */
void owners_settle(struct objects *objects)
{
	struct shared_claims claims = { 0 };
	size_t i;

	list_sort(&objects->machines, compare_machines);
	report_doubles(objects);
	for (i = 0; i < objects->machines.count; i++)
		claim_for_machine(&objects->machines.item[i], &claims);
	for (i = 0; i < objects->pods.count; i++)
		claim_for_pod(objects, &objects->pods.item[i], &claims);
	list_sort(&claims.list, compare_claims);
	list_free(&objects->owners);
	for (i = 0; i < claims.list.count; i++)
		if (!i || ip_compare(&claims.list.item[i].owner.addr,
				     &claims.list.item[i - 1].owner.addr))
			*list_add(&objects->owners) = claims.list.item[i].owner;
	list_free(&claims.list);
}

static int compare_owner(const void *key, const void *element)
{
	const struct owner *owner = element;

	return ip_compare(key, &owner->addr);
}

/**
 * owners_find - who has an address?
 * @objects: after owners_settle()
 * @addr: the address
 *
 * Return: the owner, or NULL of an address that no machine has and no pods share.
 */
const struct owner *owners_find(const struct objects *objects, const struct ip *addr)
{
	return objects->owners.count ?
	       bsearch(addr, objects->owners.item, objects->owners.count,
		       sizeof(*objects->owners.item), compare_owner) : NULL;
}
