/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Giving rights away. Each function only ever takes rights from this process, never adds one.
 */
#ifndef SLUICE_CAPS_H
#define SLUICE_CAPS_H
#include <stdint.h>
#include "../kernel/kernel.h"

/* What the agent needs and no more: CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON. */
#define CAPS_AGENT ((1ULL << 39) | (1ULL << 12) | (1ULL << 38))
#define CAPS_NONE 0ULL

/*
 * Keeps the capabilities of the mask `keep` (of those it has), empties the others from the permitted,
 * effective, inheritable and ambient sets and, where the process may, from the bounding set; forbids to gain
 * any by exec. -EPERM names what of `need` is missing.
 */
int caps_keep(uint64_t keep, uint64_t need, struct trouble *t);

/*
 * What the exporter does before it reads a byte from the network: becomes nobody where it may, keeps no
 * capability, and where the kernel has Landlock loses the file system as well.
 */
int caps_confine(struct trouble *t);

#endif
