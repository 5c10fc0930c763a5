/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Selectors as people write them.
 */
#ifndef SLUICE_SELECTOR_H
#define SLUICE_SELECTOR_H
#include "../plan/plan.h"

/* "network:net-mgmt@pn-main", "cidr:10.0.0.0/8", "world"; returns `text`. */
const char *selector_text(const struct selector *s, char *text, size_t size);

#endif
