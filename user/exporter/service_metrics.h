/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Services and their backends as Prometheus text. The exporter has no plan tables: what a service is called and how
 * its ring is shared out stands in sl_serving, which the agent keeps.
 */
#ifndef SLUICE_SERVICE_METRICS_H
#define SLUICE_SERVICE_METRICS_H
#include "feed.h"
#include "page.h"

int service_metrics_render(const struct feed *feed, struct page *page, struct trouble *t);

#endif
