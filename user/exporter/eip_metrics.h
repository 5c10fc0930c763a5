/* SPDX-License-Identifier: GPL-2.0 */
/*
 * EIPs and their ports as Prometheus text. Labels are what the plan names: the EIP, its address, a protocol; never who
 * is behind it.
 */
#ifndef SLUICE_EIP_METRICS_H
#define SLUICE_EIP_METRICS_H
#include "feed.h"
#include "page.h"

int eip_metrics_render(const struct feed *feed, struct page *page, struct trouble *t);

#endif
