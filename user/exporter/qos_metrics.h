/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Quality of service: what each class sent, waited and lost, and what may go how fast.
 */
#ifndef SLUICE_QOS_METRICS_H
#define SLUICE_QOS_METRICS_H
#include "feed.h"
#include "page.h"

int qos_metrics_render(const struct feed *feed, struct page *page, struct trouble *t);

#endif
