/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Internet checksums changed without reading the packet again (RFC 1624, equation 3, which is right at
 * 0x0000 and 0xffff). Pure arithmetic, the same for BPF and host.
 */
#ifndef SL_CSUM_H
#define SL_CSUM_H
#include <linux/types.h>

/* `check` after one 16-bit word of what it covers went from `from` to `to`; all as they stand on the wire. */
static inline __u16 sl_csum_replace16(__u16 check, __u16 from, __u16 to)
{
	__u32 sum = (__u16)~check + (__u16)~from + (__u32)to;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

/* The same for a 32-bit field such as an address. */
static inline __u16 sl_csum_replace32(__u16 check, __u32 from, __u32 to)
{
	check = sl_csum_replace16(check, from & 0xffff, to & 0xffff);
	return sl_csum_replace16(check, from >> 16, to >> 16);
}

/* A sum of 16-bit words, folded; of two words of 32 bits, too, whose carry was added once. */
static inline __u16 sl_csum_fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)(sum + (sum >> 16));
}

/*
 * The word to put beside `word` and `other`, so that a checksum taken over the three and written over `word`
 * leaves `word` as it was.
 */
static inline __u16 sl_csum_keep16(__u16 word, __u16 other)
{
	__u32 sum = 2 * (__u32)(__u16)~word + (__u16)~other;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

#endif
