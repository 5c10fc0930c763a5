/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every table's key and value, and the version of their layout. Change a struct, raise the version: a
 * program that finds pinned maps of another version does not touch them.
 */
#ifndef SL_MAPS_TABLES_H
#define SL_MAPS_TABLES_H
#include <linux/types.h>
#include "active.h"
#include "cache.h"
#include "count.h"
#include "door.h"
#include "endpoint.h"
#include "fail.h"
#include "fill.h"
#include "flow.h"
#include "frag.h"
#include "gauge.h"
#include "home.h"
#include "iface.h"
#include "leave.h"
#include "member.h"
#include "name.h"
#include "nat.h"
#include "neigh.h"
#include "network.h"
#include "node.h"
#include "policy.h"
#include "qos.h"
#include "rtt.h"
#include "service.h"
#include "setting.h"
#include "verdict.h"
#include "vlan.h"
#include "wan.h"

#define SL_LAYOUT 6

_Static_assert(sizeof(struct sl_setting) == 44, "sl_setting");
_Static_assert(sizeof(struct sl_iface) == 12, "sl_iface");
_Static_assert(sizeof(struct sl_vlan) == 4, "sl_vlan");
_Static_assert(sizeof(struct sl_network) == 16, "sl_network");
_Static_assert(sizeof(struct sl_exact_key) == 8, "sl_exact_key");
_Static_assert(sizeof(struct sl_prefix_key) == 12, "sl_prefix_key");
_Static_assert(sizeof(struct sl_endpoint) == 24, "sl_endpoint");
_Static_assert(sizeof(struct sl_pair) == 16, "sl_pair");
_Static_assert(sizeof(struct sl_ports_key) == 12, "sl_ports_key");
_Static_assert(sizeof(struct sl_verdict) == 48, "sl_verdict");
_Static_assert(sizeof(struct sl_flow_key) == 16, "sl_flow_key");
_Static_assert(sizeof(struct sl_flow) == 104, "sl_flow");
_Static_assert(sizeof(struct sl_line_verdict) == sizeof(struct sl_verdict), "sl_line_verdict");
/* What lines count by: also those that another version has filled. */
#define SL_SAME_PLACE(field)                                                                                 \
	_Static_assert(__builtin_offsetof(struct sl_line_verdict, field) ==                                  \
			       __builtin_offsetof(struct sl_verdict, field),                                 \
		       "sl_line_verdict " #field)
SL_SAME_PLACE(reason);
SL_SAME_PLACE(flags);
SL_SAME_PLACE(in_network);
SL_SAME_PLACE(src_network);
SL_SAME_PLACE(dst_network);
_Static_assert(sizeof(struct sl_line) == 128, "sl_line");
_Static_assert(sizeof(struct sl_leave) == 20496, "sl_leave");
_Static_assert(sizeof(struct sl_flush) == 36, "sl_flush");
_Static_assert(sizeof(struct sl_service_key) == 8, "sl_service_key");
_Static_assert(sizeof(struct sl_service) == 36, "sl_service");
_Static_assert(sizeof(struct sl_vip) == 8, "sl_vip");
_Static_assert(sizeof(struct sl_served_key) == 12, "sl_served_key");
_Static_assert(sizeof(struct sl_serving) == 96, "sl_serving");
_Static_assert(sizeof(struct sl_eip) == 208, "sl_eip");
_Static_assert(sizeof(struct sl_snat) == 24, "sl_snat");
_Static_assert(sizeof(struct sl_guest_key) == 12, "sl_guest_key");
_Static_assert(sizeof(struct sl_binding_key) == 20, "sl_binding_key");
_Static_assert(sizeof(struct sl_outside_key) == 8, "sl_outside_key");
_Static_assert(sizeof(struct sl_outside) == 32, "sl_outside");
_Static_assert(sizeof(struct sl_holder) == 24, "sl_holder");
_Static_assert(sizeof(struct sl_release) == 20 && sizeof(struct sl_release_item) == 12, "sl_release");
_Static_assert(sizeof(struct sl_release_flows) == sizeof(struct sl_release_item), "sl_release_flows");
_Static_assert(sizeof(struct sl_rate) == 24, "sl_rate");
_Static_assert(sizeof(struct sl_offender) == 32, "sl_offender");
_Static_assert(sizeof(struct sl_frag_key) == 16, "sl_frag_key");
_Static_assert(sizeof(struct sl_neigh) == 16, "sl_neigh");
_Static_assert(sizeof(struct sl_name_key) == 8, "sl_name_key");

#endif
