/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between clusters: round trips of handshakes, the plan's limits on them, and who last did what may not be.
 */
#ifndef SLUICE_WAN_METRICS_H
#define SLUICE_WAN_METRICS_H
#include "feed.h"
#include "page.h"

int wan_metrics_render(const struct feed *feed, struct page *page, struct trouble *t);

#endif
