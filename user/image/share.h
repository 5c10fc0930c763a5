/* SPDX-License-Identifier: GPL-2.0 */
/*
 * EIPs among nodes: who sends by which of them, and which blocks of its ports each gets. It follows from the plan
 * alone, so that all nodes of the cluster share in the same way.
 */
#ifndef SLUICE_SHARE_H
#define SLUICE_SHARE_H
#include "source.h"

/* A rule gives ports of an EIP. */
struct use {
	uint32_t eip; /* index */
	uint32_t rule; /* index */
};

/* Whether any of the block's ports is in the rule's range. */
bool block_in_range(const struct snat *snat, uint32_t block);
/* Fills the blocks of every EIP that `uses` (a list of struct use, which it sorts) speaks of. */
bool eips_share(struct compile *c, struct eips *eips, const struct sources *sources, struct list *uses);

#endif
