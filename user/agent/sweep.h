/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ageing: walks the flow tables a few batches at a time and removes what is over.
 */
#ifndef SLUICE_SWEEP_H
#define SLUICE_SWEEP_H
#include <stdbool.h>
#include <stdint.h>
#include "../kernel/rows.h"

#define SWEEP_BATCH 512U
/* Rows in a step: of fewer at a time each costs up to half as much again, as no cache remembers the step before. */
#define SWEEP_STEP_LEAST 32768U

/* One table's walk; keeps its place between calls. */
struct sweep {
	int fd;
	uint32_t size; /* rows the table has room for */
	uint8_t place[64]; /* opaque, from the kernel */
	bool begun; /* in the middle of a pass */
	uint32_t started; /* tick: the last pass */
	uint64_t counted; /* rows met in this pass */
	uint64_t entries; /* rows left at the end of the last pass */
	uint64_t passes;
	uint64_t aged; /* flows removed since the agent started */
	uint32_t batch; /* grows when one bucket holds more */
	rows_visit *stays; /* told of each row that is kept; NULL: nobody */
	rows_visit *ends; /* told of each row that is about to be removed; NULL: nobody */
	void *closure;
	struct sl_flow_key *keys;
	struct sl_flow *flows;
};

int sweep_open(struct sweep *sweep, int fd, struct trouble *t);
/* Looks at about `rows` rows and ends at the end of a pass. `now` is a tick. */
int sweep_step(struct sweep *sweep, const struct timeouts *timeouts, uint32_t now, uint64_t rows,
	       struct trouble *t);
/*
 * Rows to look at per step so that a pass takes half a minute at most, and five seconds when the table is
 * more than four fifths full.
 */
uint64_t sweep_pace(const struct sweep *sweep, unsigned int steps_per_s);
void sweep_close(struct sweep *sweep);

#endif
