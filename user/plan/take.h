/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Takers of single values and of lists of them, for the field tables of the sections. Each fills what its
 * comment names; `field` carries bounds and words.
 */
#ifndef SLUICE_TAKE_H
#define SLUICE_TAKE_H
#include <stddef.h>
#include "cursor.h"

taker take_u32; /* uint32_t within low..high */
taker take_u16; /* uint16_t within low..high */
taker take_bool; /* bool */
taker take_switch; /* bool: false for words[0], true for words[1] */
taker take_choice; /* an enum: the index in words */
taker take_word; /* char *: one of words */
taker take_name; /* char *, which other records may name too */
taker take_own_name; /* char *, of this record alone */
taker take_title; /* char * */
taker take_interface; /* char * */
taker take_address; /* uint32_t */
taker take_names; /* struct strings */
taker take_prefixes; /* struct prefixes; a list or one */
taker take_ranges; /* struct ranges: addresses, prefixes, ranges; a list or one */
taker take_addresses; /* struct ranges: single addresses only; a list or one */
taker take_ports; /* struct ports */
taker take_port_range; /* struct range */
taker take_proto; /* uint8_t */
taker take_dscp; /* uint8_t */
taker take_mark; /* uint32_t */
taker take_labels; /* struct labels */
taker take_selector; /* struct selector */
taker take_selectors; /* struct selectors; a list, not empty */

#endif
