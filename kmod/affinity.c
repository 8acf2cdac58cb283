// SPDX-License-Identifier: GPL-2.0
/*
 * Session affinity: which client stays with which backend.
 *
 * Kernel state like flows, so it outlives whoever configures services. It is
 * only written when a connection begins. Without an entry the choice depends on
 * the client's address alone; so all nodes agree on it, and a client that was
 * forgotten, or came when the table was full, mostly finds its backend again.
 * A client whose time is over is to be spread anew, though: its entry stays for
 * as long again, and counts how often that was, which has a say in the choice.
 *
 * Entries name service and backend by their ids: whether these still exist, and
 * how long an entry is good, is asked when it is used. Ids of services are not
 * used again, so a new service of an old name begins without entries.
 */
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "affinity.h"
#include "netns.h"
#include "service.h"

/* Entries that are too old are not used; this only bounds how long they take memory. */
#define AFFINITY_GC_INTERVAL	(10 * HZ)

/**
 * struct affinity_key - who comes to what
 * @addr: the client, before any translation
 * @service: &dvp_service.id
 */
struct affinity_key {
	struct in6_addr addr;
	u32 service;
};

/**
 * struct affinity_client - a client that has a backend of its own
 * @hash: in &dvp_affinity_table.clients
 * @key: its key there
 * @used: jiffies, truncated, when its last connection began
 * @round: how often it came back too late
 * @backend: &dvp_backend.id
 * @rcu: for freeing
 */
struct affinity_client {
	struct rhash_head hash;
	struct affinity_key key;
	u32 used;
	u32 round;
	u64 backend;
	struct rcu_head rcu;
};

static const struct rhashtable_params affinity_params = {
	.head_offset = offsetof(struct affinity_client, hash),
	.key_offset = offsetof(struct affinity_client, key),
	.key_len = sizeof(struct affinity_key),
	.automatic_shrinking = true,
};

/* Jiffies that an entry has left, of @timeout seconds; 0 at its end. */
static u32 affinity_left(const struct affinity_client *client, u32 timeout)
{
	u32 age = (u32)jiffies - READ_ONCE(client->used);

	return age < timeout * HZ ? timeout * HZ - age : 0;
}

/**
 * dvp_affinity_find - what is known of a client?
 * @dn: where
 * @client: its address
 * @service: &dvp_service.id
 * @timeout: seconds for which the service keeps its clients
 *
 * Context: RCU read side.
 * Return: that; all zero if it was never here.
 */
struct dvp_affinity_hold dvp_affinity_find(struct dvp_net *dn, const struct in6_addr *client,
					   u32 service, u32 timeout)
{
	const struct affinity_key key = { *client, service };
	const struct affinity_client *found;
	u32 left;

	found = rhashtable_lookup(&dn->affinity.clients, &key, affinity_params);
	if (!found)
		return (struct dvp_affinity_hold){};
	left = affinity_left(found, timeout);
	return (struct dvp_affinity_hold){
		.backend = READ_ONCE(found->backend),
		.left = DIV_ROUND_UP(left, HZ),
		.round = READ_ONCE(found->round) + !left,
	};
}

/**
 * dvp_affinity_renew - a client's connection has begun
 * @dn: where
 * @client: its address
 * @service: &dvp_service.id
 * @backend: &dvp_backend.id, where the connection goes
 * @round: &dvp_affinity_hold.round, by which that was chosen
 *
 * Context: RCU read side, softirq or process.
 */
void dvp_affinity_renew(struct dvp_net *dn, const struct in6_addr *client, u32 service,
			u64 backend, u32 round)
{
	const struct affinity_key key = { *client, service };
	struct dvp_affinity_table *table = &dn->affinity;
	struct affinity_client *found;

	found = rhashtable_lookup(&table->clients, &key, affinity_params);
	if (found) {
		WRITE_ONCE(found->backend, backend);
		WRITE_ONCE(found->round, round);
		WRITE_ONCE(found->used, (u32)jiffies);
		return;
	}
	if (atomic_read(&table->count) >= rcu_dereference(dn->config)->max_flows) {
		dvp_stats_inc(dn, DVP_STAT_AFFINITY_TABLE_FULL);
		return;
	}
	found = kzalloc(sizeof(*found), GFP_ATOMIC);
	if (!found)
		return;
	found->key = key;
	found->backend = backend;
	found->round = round;
	found->used = (u32)jiffies;
	atomic_inc(&table->count);
	/* Another CPU that was faster has chosen by the same address. */
	if (rhashtable_lookup_insert_fast(&table->clients, &found->hash, affinity_params)) {
		atomic_dec(&table->count);
		kfree(found);
	}
}

/* Those whose time is over are not kept where there is no room for them. */
static bool affinity_is_of_use(struct dvp_net *dn, const struct affinity_client *client)
{
	const struct dvp_service *service = xa_load(&dn->services, client->key.service);
	bool has_room = atomic_read(&dn->affinity.count) <
			rcu_dereference(dn->config)->max_flows / 2;
	u32 timeout;

	if (!service)
		return false;
	timeout = rcu_dereference(service->spec)->rules.affinity;
	return affinity_left(client, has_room ? 2 * timeout : timeout);
}

static void affinity_collect(struct dvp_net *dn, struct affinity_client *client)
{
	if (affinity_is_of_use(dn, client))
		return;
	if (rhashtable_remove_fast(&dn->affinity.clients, &client->hash, affinity_params))
		return;
	atomic_dec(&dn->affinity.count);
	kfree_rcu(client, rcu);
}

static void affinity_gc(struct work_struct *work)
{
	struct dvp_net *dn = container_of(work, struct dvp_net, affinity.gc.work);
	struct affinity_client *client;
	struct rhashtable_iter iter;
	unsigned int batch = 0;

	rhashtable_walk_enter(&dn->affinity.clients, &iter);
	rhashtable_walk_start(&iter);
	while ((client = rhashtable_walk_next(&iter))) {
		/* -EAGAIN tells of a resize: some may be seen twice. */
		if (!IS_ERR(client))
			affinity_collect(dn, client);
		if (++batch % 256)
			continue;
		rhashtable_walk_stop(&iter);
		cond_resched();
		rhashtable_walk_start(&iter);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	queue_delayed_work(system_power_efficient_wq, &dn->affinity.gc, AFFINITY_GC_INTERVAL);
}

int dvp_affinity_init(struct dvp_net *dn)
{
	struct dvp_affinity_table *table = &dn->affinity;
	int err;

	err = rhashtable_init(&table->clients, &affinity_params);
	if (err)
		return err;
	atomic_set(&table->count, 0);
	INIT_DELAYED_WORK(&table->gc, affinity_gc);
	queue_delayed_work(system_power_efficient_wq, &table->gc, AFFINITY_GC_INTERVAL);
	return 0;
}

static void affinity_free(void *client, void *arg)
{
	kfree(client);
}

/**
 * dvp_affinity_exit - forget all clients
 * @dn: whose; no packet path may run any more
 */
void dvp_affinity_exit(struct dvp_net *dn)
{
	cancel_delayed_work_sync(&dn->affinity.gc);
	rhashtable_free_and_destroy(&dn->affinity.clients, affinity_free, NULL);
}
