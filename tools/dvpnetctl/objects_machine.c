// SPDX-License-Identifier: GPL-2.0
/* Kubernetes objects: VirtualMachine, and the Pods that share an address with another. */
#include <stdlib.h>
#include <string.h>

#include "objects_kinds.h"

/* An empty text is what there is before there is something. */
static char *read_text(const struct field *up, const char *key)
{
	const char *text = field_member_string(up, key);

	return util_strdup(text && *text ? text : NULL);
}

static bool read_ip(const struct field *field, struct ip *ip)
{
	const char *text = field_string(field);

	return text && *text && field_ip(field, ip);
}

static void read_target(const struct field *status, struct machine_object *machine)
{
	struct field state = field_member(status, "migrationState");
	struct field target = field_member(&state, "target");

	machine->target = read_text(&target, "node");
}

/**
 * objects_read_machine - read a VirtualMachine
 * @objects: to add it to
 * @root: the object
 */
void objects_read_machine(struct objects *objects, const struct field *root)
{
	struct field status = field_member(root, "status");
	struct field address = field_member(&status, "ipAddress");
	struct machine_object machine = { 0 };

	if (!meta_read(root, true, &objects->metas, &machine.meta))
		return;
	read_ip(&address, &machine.addr);
	machine.node = read_text(&status, "nodeName");
	read_target(&status, &machine);
	*list_add(&objects->machines) = machine;
}

/**
 * objects_free_machine - free what a VirtualMachine owns
 * @machine: the VirtualMachine
 */
void objects_free_machine(struct machine_object *machine)
{
	meta_free(&machine->meta);
	free(machine->node);
	free(machine->target);
}

static void read_pod_addresses(const struct field *root, struct pod_object *pod)
{
	struct field status = field_member(root, "status");
	struct field list = field_member(&status, "podIPs");
	size_t i, count = field_length(&list);
	struct ip ip;

	for (i = 0; i < count; i++) {
		struct field element = field_element(&list, i);
		struct field address = field_member(&element, "ip");

		if (read_ip(&address, &ip))
			*list_add(&pod->addrs) = ip;
	}
	if (!count) {
		struct field address = field_member(&status, "podIP");

		if (read_ip(&address, &ip))
			*list_add(&pod->addrs) = ip;
	}
}

/* What is no number says nothing. */
static uint32_t read_priority(const char *text)
{
	unsigned long number;
	char *end;

	number = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && number < POD_PRIORITY_NONE ?
	       number : POD_PRIORITY_NONE;
}

/* Its containers have ended for good: the address is not its any more. */
static bool is_finished(const struct field *root)
{
	struct field status = field_member(root, "status");
	const char *phase = field_member_string(&status, "phase");

	return phase && (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed"));
}

/**
 * objects_read_pod - read a Pod, if it shares its address and is on a node
 * @objects: to add it to
 * @root: the object
 */
void objects_read_pod(struct objects *objects, const struct field *root)
{
	const char *priority = meta_label(root, OBJECTS_POD_PRIORITY);
	struct field metadata, spec;
	struct pod_object pod = { 0 };

	if (!priority || is_finished(root) ||
	    !meta_read(root, true, &objects->metas, &pod.meta))
		return;
	metadata = field_member(root, "metadata");
	spec = field_member(root, "spec");
	pod.priority = read_priority(priority);
	pod.created = read_text(&metadata, "creationTimestamp");
	pod.is_terminating = field_member_string(&metadata, "deletionTimestamp");
	pod.node = read_text(&spec, "nodeName");
	read_pod_addresses(root, &pod);
	if (pod.node && pod.addrs.count)
		*list_add(&objects->pods) = pod;
	else
		objects_free_pod(&pod);
}

/**
 * objects_free_pod - free what a Pod owns
 * @pod: the Pod
 */
void objects_free_pod(struct pod_object *pod)
{
	meta_free(&pod->meta);
	free(pod->node);
	free(pod->created);
	list_free(&pod->addrs);
}
