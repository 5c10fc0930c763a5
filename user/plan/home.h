/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cluster that a service is of, from what the plan says of its backends and its VIP. Of a checked plan all of it
 * says the same.
 */
#ifndef SLUICE_HOME_H
#define SLUICE_HOME_H
#include "plan.h"

/* NULL: the plan does not say. */
const struct cluster *service_home(const struct plan *plan, const struct service *service);

#endif
