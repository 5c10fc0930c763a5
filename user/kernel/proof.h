/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a plan table in the kernel holds the image's rows, and no other ones.
 */
#ifndef SLUICE_PROOF_H
#define SLUICE_PROOF_H
#include "kernel.h"
#include "rows.h"

struct proof {
	size_t wanted; /* rows of the image; of an array those that are not zero, which mean "not given" */
	size_t there; /* rows of the table, counted likewise */
	size_t right; /* of these the ones that the image has, byte by byte */
};

static inline bool proof_holds(const struct proof *p)
{
	return p->there == p->wanted && p->right == p->wanted;
}

/* A look at some rows tells that the table is another one, so that it need not be read. False: read it. */
bool proof_fails(int table, int fd, const struct image_table *image);
/* Reads the whole table, whatever it holds. Writes nothing. */
int proof_read(int table, int fd, const struct image_table *image, struct proof *proof, struct trouble *t);

/* How a hash differs from the image's rows. */
struct differing {
	uint8_t *keys; /* that the image does not have */
	size_t gone;
	size_t *rows; /* of the image that the table has not, or with another value */
	size_t wrong;
	bool more; /* than `most` of either; they are not all listed */
};

/* Of all rows that the hash holds. differing_free() afterwards, whatever it returns. */
int proof_differ(int table, const struct rows *rows, const struct image_table *image, size_t most,
		 struct differing *d, struct trouble *t);
void differing_free(struct differing *d);

/* The values of an array made with BPF_F_MMAPABLE, as they lie in the kernel: each in `stride` bytes. */
struct mapped {
	uint8_t *values;
	size_t stride;
	size_t count;
	size_t length;
};
int mapped_open(struct mapped *m, int table, int fd, bool writable, struct trouble *t);
void mapped_close(struct mapped *m);

#endif
