/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a plan table in the kernel holds the image's rows, and no other ones.
 */
#ifndef SLUICE_PROOF_H
#define SLUICE_PROOF_H
#include "kernel.h"

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
