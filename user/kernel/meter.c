/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All counters here are 64 bits wide and only grow, so their sums need no lock.
 */
#include "meter.h"

struct sl_qos meter_qos(const struct rows *rows, size_t row)
{
	const struct sl_qos *one = rows_value(rows, row);
	struct sl_qos sum = { 0 };

	for (uint32_t cpu = 0; cpu < rows->cpus; cpu++) {
		sum.packets += one[cpu].packets;
		sum.bytes += one[cpu].bytes;
		sum.delayed += one[cpu].delayed;
		sum.dropped += one[cpu].dropped;
		sum.dropped_bytes += one[cpu].dropped_bytes;
	}
	return sum;
}

struct sl_qos_delay meter_delay(const struct rows *rows, size_t row)
{
	const struct sl_qos_delay *one = rows_value(rows, row);
	struct sl_qos_delay sum = { 0 };

	for (uint32_t cpu = 0; cpu < rows->cpus; cpu++) {
		sum.sum_us += one[cpu].sum_us;
		for (int i = 0; i < SL_DELAY_BUCKETS; i++)
			sum.bucket[i] += one[cpu].bucket[i];
	}
	return sum;
}

void meter_add_rtt(struct sl_rtt *sum, const struct sl_rtt *more)
{
	sum->sum_us += more->sum_us;
	for (int i = 0; i < SL_RTT_BUCKETS; i++)
		sum->bucket[i] += more->bucket[i];
}

struct sl_rtt meter_rtt(const struct rows *rows, size_t row)
{
	const struct sl_rtt *one = rows_value(rows, row);
	struct sl_rtt sum = { 0 };

	for (uint32_t cpu = 0; cpu < rows->cpus; cpu++)
		meter_add_rtt(&sum, &one[cpu]);
	return sum;
}

const char *meter_pacing(const struct sl_setting *setting, const struct sl_iface *iface)
{
	if (!(setting->flags & SL_SETTING_QOS) || iface->flags & SL_IFACE_SHAPED)
		return "off";
	return iface->flags & SL_IFACE_EDT ? "fq" : "bucket";
}
