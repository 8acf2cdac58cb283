/* SPDX-License-Identifier: GPL-2.0 */
/* Which node has an address that is on several, or that is no node's by its prefix. */
#ifndef DVPNETCTL_OWNERS_H
#define DVPNETCTL_OWNERS_H

#include "ip.h"

struct objects;

/**
 * struct owner - an address of a virtual machine, and where it is
 * @addr: the address
 * @node: name of the node that has it; borrowed
 * @meta: the object that says so, a Pod or a VirtualMachine; borrowed
 */
struct owner {
	struct ip addr;
	const char *node;
	const struct meta *meta;
};

void owners_settle(struct objects *objects);
const struct owner *owners_find(const struct objects *objects, const struct ip *addr);

#endif
