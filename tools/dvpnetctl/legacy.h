/* SPDX-License-Identifier: GPL-2.0 */
/* iptables as it was before nftables: which chains there are. */
#ifndef DVPNETCTL_LEGACY_H
#define DVPNETCTL_LEGACY_H

#include <stdbool.h>
#include <stdint.h>

bool legacy_has_chain(uint8_t family, const char *table, const char *chain);

#endif
