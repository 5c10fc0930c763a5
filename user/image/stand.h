/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who stands at an address of a VPC, as far as the plan says: nodes and workloads. For backends, and for the
 * workloads of floating IPs.
 */
#ifndef SLUICE_STAND_H
#define SLUICE_STAND_H
#include <pthread.h>
#include "compile.h"

struct stand {
	uint32_t node; /* place in c->nodes + 1; 0: not known */
	bool interface; /* it is delivered to directly, or it is the node itself */
};

struct stands {
	struct intern keys; /* (VPC, address) */
	struct list list; /* struct stand, by number in keys - 1 */
	const struct compile *c;
	pthread_t thread;
	bool started;
	bool done;
};

/* In a thread of its own, from what resolve() has found. stands_free() afterwards. */
void stands_begin(const struct compile *c, struct stands *stands);
/* False: memory is out. */
bool stands_wait(struct stands *stands);
/* NULL: the plan does not say. `vpc` is an index. */
const struct stand *stand_at(const struct stands *stands, uint32_t vpc, uint32_t addr);
void stands_free(struct stands *stands);

#endif
