/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an install and a patch have in common once the rows are in force.
 */
#ifndef SLUICE_INSTALL_H
#define SLUICE_INSTALL_H
#include "kernel.h"

/* Tells sl_fill how full the plan tables are, and sl_gauge the image's hash. */
void install_tell(const struct kernel *k, const struct image *image);

#endif
