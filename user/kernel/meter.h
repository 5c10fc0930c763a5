/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of the per-CPU tables of quality of service and of round trips, each summed over the CPUs.
 */
#ifndef SLUICE_METER_H
#define SLUICE_METER_H
#include "rows.h"

struct sl_qos meter_qos(const struct rows *rows, size_t row);
struct sl_qos_delay meter_delay(const struct rows *rows, size_t row);
struct sl_rtt meter_rtt(const struct rows *rows, size_t row);
void meter_add_rtt(struct sl_rtt *sum, const struct sl_rtt *more);

/* How an uplink's packets are held to rates: "fq", "bucket", or "off": they are only marked. */
const char *meter_pacing(const struct sl_setting *setting, const struct sl_iface *iface);

#endif
