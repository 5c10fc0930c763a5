/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables as Prometheus text. Labels are what the plan names: networks, interfaces, VIPs and backends; and
 * reasons and tables. Never a client's address: the number of series is bounded by the plan.
 */
#ifndef SLUICE_METRICS_H
#define SLUICE_METRICS_H
#include "feed.h"
#include "page.h"

int metrics_render(const struct feed *feed, struct page *page, struct trouble *t);
/* Is a plan in, and has the agent aged the tables lately? `why` gets one line either way. */
bool metrics_healthy(const struct feed *feed, char *why, size_t room);

#endif
