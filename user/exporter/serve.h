/* SPDX-License-Identifier: GPL-2.0 */
/*
 * HTTP: GET /metrics and GET /healthz, nothing else.
 */
#ifndef SLUICE_SERVE_H
#define SLUICE_SERVE_H
#include "feed.h"

/* Serves on `listener` until something breaks. */
int serve(const struct feed *feed, int listener, struct trouble *t);

#endif
