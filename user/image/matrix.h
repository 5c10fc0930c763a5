/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The matrix: what each network of this node's cluster may open to each other one, the world and the hosts
 * included, read from the rows of an image.
 */
#ifndef SLUICE_MATRIX_H
#define SLUICE_MATRIX_H
#include "reach.h"

struct matrix_end {
	const char *name; /* of the network, or "world", "host", "remote-host" */
	uint16_t network; /* SL_NET_WORLD and SL_NET_HOST for those */
	uint8_t kind; /* SL_ENDPOINT_NETWORK, _WORLD, _HOST or _NODE */
};

struct matrix_cell {
	struct reach reach; /* of all pairs of classes together */
	bool part; /* not every pair of classes may do all of it */
	uint64_t rows; /* pairs of classes that a rule speaks of */
	uint32_t set; /* of the row read last */
	uint8_t policy; /* likewise */
};

struct matrix {
	struct matrix_end *ends; /* networks by name, then world, host, remote-host */
	size_t count;
	struct matrix_cell *cells; /* cells[source * count + destination] */
};

/* False when memory is out. Valid as long as the image. */
bool matrix_build(const struct image *image, struct matrix *matrix);
void matrix_free(struct matrix *matrix);
const struct matrix_cell *matrix_cell(const struct matrix *matrix, const char *from, const char *to);
/* "all", "-", "tcp/443,icmp", "part:tcp/443" */
void matrix_text(const struct matrix_cell *cell, char *text, size_t size);

#endif
