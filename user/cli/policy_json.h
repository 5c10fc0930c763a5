/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Policy for programs: rules and the matrix as JSON. NULL when memory is out.
 */
#ifndef SLUICE_POLICY_JSON_H
#define SLUICE_POLICY_JSON_H
#include <jansson.h>
#include "../image/matrix.h"

json_t *rules_json(const struct plan *plan, const struct cluster *cluster);
/* The matrix by network, and each pair of classes that a rule speaks of. */
json_t *matrix_json(const struct image *image, const struct matrix *matrix);

#endif
