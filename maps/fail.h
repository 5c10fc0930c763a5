/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_fail: what the doors do while no plan is in (generation 0). Key (ifindex, 0) for a workload
 * interface: without a row it is closed. (0, VLAN id) for tagged frames on uplinks: without a row the
 * VLAN is none of the plan's and passes, as untagged frames do, so that the node stays reachable.
 */
#ifndef SL_MAPS_FAIL_H
#define SL_MAPS_FAIL_H
#include <linux/types.h>

struct sl_fail_key {
	__u32 ifindex;
	__u32 vlan;
};

struct sl_fail {
	__u32 open; /* 1: passes unjudged, 0: dropped */
};

#endif
