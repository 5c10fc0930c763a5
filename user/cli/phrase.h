/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lists of a plan in one line: who and which ports. What does not fit is cut.
 */
#ifndef SLUICE_PHRASE_H
#define SLUICE_PHRASE_H
#include "../plan/plan.h"

void phrase_selectors(const struct selectors *list, char *text, size_t size);
/* None: "any". */
void phrase_ports(const struct ports *list, char *text, size_t size);

#endif
