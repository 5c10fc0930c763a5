/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a table of the image holds, in 16 bytes: equal rows give equal digests, and other rows another one. It guards
 * against accidents, not against who may write plans: that one needs no collision.
 */
#ifndef SLUICE_DIGEST_H
#define SLUICE_DIGEST_H
#include <stddef.h>
#include <stdint.h>

struct digest {
	uint64_t half[2];
};

/* Never zero in both halves, so that zero may mean "not known". */
struct digest digest_rows(const void *rows, size_t count, size_t key_size, size_t value_size);

#endif
