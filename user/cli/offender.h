/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who last sent between clusters what may not go there, for `show drops` and `show wan`: networks, clusters, protocol and
 * ports, never an address.
 */
#ifndef SLUICE_OFFENDER_H
#define SLUICE_OFFENDER_H
#include <jansson.h>
#include "../kernel/kernel.h"

/* NULL: there has been none for that reason. */
json_t *offender_json(const struct kernel *k, uint32_t reason);
/* A table of them after an empty line, or nothing if there has been none. Exit code. */
int offender_print(const struct kernel *k);

#endif
