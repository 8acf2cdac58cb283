// SPDX-License-Identifier: GPL-2.0
/* Named counters. */
#include <linux/netdevice.h>

#include "netns.h"
#include "stats.h"

static const struct {
	const char *name;
	const char *help;
} stats_text[DVP_STAT_COUNT] = {
#define X(id, name, help) [DVP_STAT_##id] = { name, help },
	DVP_STATS(X)
#undef X
};

/**
 * dvp_stats_inc - count one event
 * @dn: whose counter
 * @stat: which
 *
 * Context: any but hard interrupt.
 */
void dvp_stats_inc(struct dvp_net *dn, enum dvp_stat stat)
{
	struct dvp_stats *stats;

	local_bh_disable();
	stats = this_cpu_ptr(dn->stats);
	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->value[stat]);
	u64_stats_update_end(&stats->syncp);
	local_bh_enable();
}

/**
 * dvp_stats_read - sum of a counter over all CPUs
 * @dn: whose counter
 * @stat: which
 */
u64 dvp_stats_read(const struct dvp_net *dn, enum dvp_stat stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct dvp_stats *stats = per_cpu_ptr(dn->stats, cpu);
		unsigned int start;
		u64 value;

		do {
			start = u64_stats_fetch_begin(&stats->syncp);
			value = u64_stats_read(&stats->value[stat]);
		} while (u64_stats_fetch_retry(&stats->syncp, start));
		sum += value;
	}
	return sum;
}

/**
 * dvp_stats_name - name of a counter, as operators know it
 * @stat: which
 */
const char *dvp_stats_name(enum dvp_stat stat)
{
	return stats_text[stat].name;
}

/**
 * dvp_stats_help - what a counter counts, in words
 * @stat: which
 */
const char *dvp_stats_help(enum dvp_stat stat)
{
	return stats_text[stat].help;
}

int dvp_stats_init(struct dvp_net *dn)
{
	dn->stats = netdev_alloc_pcpu_stats(struct dvp_stats);
	return dn->stats ? 0 : -ENOMEM;
}

void dvp_stats_exit(struct dvp_net *dn)
{
	free_percpu(dn->stats);
}
