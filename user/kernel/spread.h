/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Histograms: of how long packets wait for their turn (sl_qos_delay) and of how long handshakes take (sl_rtt). Bounds of
 * their buckets, and percentiles. Knows nothing of tables.
 */
#ifndef SLUICE_SPREAD_H
#define SLUICE_SPREAD_H
#include <stddef.h>
#include <stdint.h>
#include "../../maps/tables.h"

struct spread {
	const uint64_t *bound_us; /* upper bounds of all buckets but the last, which has none */
	const uint64_t *bucket;
	size_t buckets;
	uint64_t sum_us;
};

struct spread spread_of_delay(const struct sl_qos_delay *delay);
struct spread spread_of_rtt(const struct sl_rtt *rtt);

uint64_t spread_count(const struct spread *spread);
/*
 * At which µs `part` (0 to 1) of all have been: straight between the bounds of the bucket, as Prometheus reckons. What is
 * above the last bound is said to be there. 0 if nothing was counted.
 */
double spread_us(const struct spread *spread, double part);

#endif
