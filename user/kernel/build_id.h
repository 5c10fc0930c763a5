/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which build this is: what the linker noted of its contents, so that other code is another build whatever its version
 * is called.
 */
#ifndef SLUICE_BUILD_ID_H
#define SLUICE_BUILD_ID_H
#include <stdbool.h>
#include "../image/digest.h"

/* False: the linker noted nothing. */
bool build_id(struct digest *digest);

#endif
