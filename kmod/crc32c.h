/* SPDX-License-Identifier: GPL-2.0 */
/* How the checksum of SCTP changes with the packet. */
#ifndef _DVPNET_CRC32C_H
#define _DVPNET_CRC32C_H

#include <linux/types.h>

u32 dvp_crc32c_change(u32 diff, unsigned int len);

#endif
