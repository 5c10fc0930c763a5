/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sl_name: what people call the numbers in the other tables, so that every reader, also one without
 * the plan, can print names. Written by the loader before the flip.
 */
#ifndef SL_MAPS_NAME_H
#define SL_MAPS_NAME_H
#include <linux/types.h>
#include "../include/limits.h"

#define SL_NAME_NETWORK 1 /* id: network id; slot 0 */
#define SL_NAME_RULE 2 /* id: rule number; slot: generation & 1, as numbers change with the plan */
#define SL_NAME_NODE 3 /* id 0: this node; slot 0 */
#define SL_NAME_UPLINK 4 /* id: ifindex; the interface's name; slot 0 */
#define SL_NAME_VPC 5 /* id: VPC id; slot 0 */
#define SL_NAME_EIP 6 /* id: the address as it stands in the tables (network byte order); slot 0 */
#define SL_NAME_SNAT 7 /* id: rule of sl_snat; slot: generation & 1 */
#define SL_NAME_CLUSTER 8 /* id: the plan's id; slot 0 */
#define SL_NAME_CLASS 9 /* id: sl_class.name; slot 0 */
#define SL_NAME_LABEL 10 /* id: sl_rate.name; "KEY=VALUE"; slot 0 */
#define SL_NAME_STATE 11 /* id 0: the state of the plan; slot: generation & 1 */

struct sl_name_key {
	__u16 kind;
	__u16 slot;
	__u32 id;
};

struct sl_name {
	char name[SL_NAME_LEN]; /* NUL-terminated */
};

#endif
