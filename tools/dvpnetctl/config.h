/* SPDX-License-Identifier: GPL-2.0 */
/* The settings of a node: a table of what there is, and their values. */
#ifndef DVPNETCTL_CONFIG_H
#define DVPNETCTL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/dvpnet.h>

/**
 * struct config - values of some settings
 * @present: bit for each DVPNET_A_CONFIG_* that has a value
 * @value: values by DVPNET_A_CONFIG_*, host byte order
 * @secret: value of DVPNET_A_CONFIG_SECRET
 */
struct config {
	uint64_t present;
	uint32_t value[DVPNET_A_CONFIG_MAX + 1];
	uint8_t secret[DVPNET_SECRET_LEN];
};

/**
 * struct config_key - one setting
 * @attr: DVPNET_A_CONFIG_*
 * @size: bytes of the attribute: 1, 2 or 4
 * @read_only: the kernel reports it, nobody sets it
 * @name: as people write it
 * @unit: what a number counts, or NULL
 */
struct config_key {
	uint16_t attr;
	uint8_t size;
	bool read_only;
	const char *name;
	const char *unit;
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

const struct config_key *config_key_find(const char *name);
bool config_has(const struct config *config, uint16_t attr);
void config_set(struct config *config, uint16_t attr, uint32_t value);
void config_clear(struct config *config, uint16_t attr);
bool config_differs(const struct config *want, const struct config *have, uint16_t attr);
const char *config_mode_text(uint32_t mode);
bool config_mode_parse(const char *text, uint32_t *mode);

#endif
