// SPDX-License-Identifier: GPL-2.0
/*
 * How the checksum of SCTP changes with the packet.
 *
 * A CRC is the remainder of the message as a polynomial over GF(2), so it is
 * linear: a change of the message changes it by the remainder of that change
 * alone, whatever the rest of the message is, and whether it was right or not.
 * Bits are reflected: the highest one of a word is the coefficient of x^0.
 */
#include <linux/bits.h>

#include "crc32c.h"

/* The generator without its x^32 (RFC 9260, appendix A). */
#define CRC32C_POLYNOMIAL	0x82f63b78
#define CRC32C_BYTE		BIT(31 - 8)	/* x^8 */

static u32 crc32c_multiply(u32 a, u32 b)
{
	u32 product = 0;

	for (; a; a <<= 1) {
		if (a & BIT(31))
			product ^= b;
		b = (b >> 1) ^ (b & 1 ? CRC32C_POLYNOMIAL : 0);
	}
	return product;
}

/**
 * dvp_crc32c_change - by what does the checksum change with a message's first four bytes?
 * @diff: those bytes before, xor those after, read as little endian
 * @len: length of the message
 *
 * Return: what to xor to the checksum.
 */
u32 dvp_crc32c_change(u32 diff, unsigned int len)
{
	u32 power = CRC32C_BYTE;

	/* diff x^(8 len), by squaring. */
	for (; len; len >>= 1) {
		if (len & 1)
			diff = crc32c_multiply(diff, power);
		power = crc32c_multiply(power, power);
	}
	return diff;
}
