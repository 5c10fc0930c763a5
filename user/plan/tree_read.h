/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What reading a tree needs of what makes one up.
 */
#ifndef SLUICE_TREE_READ_H
#define SLUICE_TREE_READ_H
#include "tree.h"

/*
 * A fresh object loses its comments and gets the index that a large one has. `kept`: equal keys have one address.
 * *unique: no key was there twice, comments included. False: no memory.
 */
bool tree_settle(struct tree *object, struct arena *arena, bool kept, bool *unique);

#endif
