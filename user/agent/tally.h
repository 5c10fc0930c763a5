/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gauges and how full the state tables are: written by the agent, read by everybody.
 */
#ifndef SLUICE_TALLY_H
#define SLUICE_TALLY_H
#include <stdint.h>
#include "../kernel/kernel.h"

void tally_gauge(const struct kernel *k, enum sl_gauge_id gauge, uint64_t value);
void tally_fill(const struct kernel *k, enum sl_table_id table, uint64_t entries);
/* Counts the small state tables; every half minute is enough. */
int tally_small(const struct kernel *k, uint32_t cpus, struct trouble *t);
/* Counts those that are written with a plan alone. */
int tally_plan(const struct kernel *k, struct trouble *t);
/* Adds to a statistic that no program counts. */
int tally_stat(const struct kernel *k, enum sl_stat_id stat, uint64_t more, uint32_t cpus, struct trouble *t);

#endif
