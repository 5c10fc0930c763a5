#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Raw frames from the wire and from a workload that must not get through: each has its own drop reason,
# and the victim goes on working. Once with the tag in the frame, once with the tag beside it.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
command -v jq >/dev/null || { skip "attacks: jq is missing" && exit 0; }
lab_begin
check "attacks sluice up on every node" lab_sluice_up
[ $lab_failed = 1 ] && exit 1
lab_attacks
lab_end
