/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bounds are those that the programs count by.
 */
#include "spread.h"

static const uint64_t rtt_bounds[SL_RTT_BUCKETS - 1] = {
#define BOUND(us) us,
	SL_RTT_LIST(BOUND)
#undef BOUND
};

#define DELAY(i) (uint64_t) SL_DELAY_FIRST_US << (i)
static const uint64_t delay_bounds[] = { DELAY(0),  DELAY(1),  DELAY(2),  DELAY(3),  DELAY(4),
					 DELAY(5),  DELAY(6),  DELAY(7),  DELAY(8),  DELAY(9),
					 DELAY(10), DELAY(11), DELAY(12), DELAY(13), DELAY(14) };
_Static_assert(sizeof(delay_bounds) / sizeof(delay_bounds[0]) == SL_DELAY_BUCKETS - 1, "delay_bounds");

struct spread spread_of_delay(const struct sl_qos_delay *delay)
{
	return (struct spread){ delay_bounds, (const uint64_t *)delay->bucket, SL_DELAY_BUCKETS,
				delay->sum_us };
}

struct spread spread_of_rtt(const struct sl_rtt *rtt)
{
	return (struct spread){ rtt_bounds, (const uint64_t *)rtt->bucket, SL_RTT_BUCKETS, rtt->sum_us };
}

uint64_t spread_count(const struct spread *spread)
{
	uint64_t count = 0;

	for (size_t i = 0; i < spread->buckets; i++)
		count += spread->bucket[i];
	return count;
}

double spread_us(const struct spread *spread, double part)
{
	double wanted = part * (double)spread_count(spread), below = 0;
	size_t last = spread->buckets - 1;

	for (size_t i = 0; i < last; i++) {
		double from = i ? (double)spread->bound_us[i - 1] : 0;
		double here = (double)spread->bucket[i];

		if (here > 0 && below + here >= wanted)
			return from + ((double)spread->bound_us[i] - from) * (wanted - below) / here;
		below += here;
	}
	return spread->bucket[last] ? (double)spread->bound_us[last - 1] : 0;
}
