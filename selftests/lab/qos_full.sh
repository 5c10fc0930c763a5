#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Log shipping on a link that an object transfer and a flood fill: round trips and throughput, with sluice's quality
# of service and without, between two nodes and through the tunnel. LAB_ONLY=trunk or tunnel: that one only, also on
# a slow machine.
set -uo pipefail
PLAN=${PLAN:-$(cd "$(dirname "$0")" && pwd)/wan.json}
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/wan_site.sh"
site_tools qos

[ -z "${LAB_FAST:-}" ] || [ -n "${LAB_ONLY:-}" ] || { skip "${0##*/}: a slow machine has one site for all; wan.sh tries a part of it" && exit 0; }

lab_begin
check "qos full the tunnel ($(sites_real && echo WireGuard || echo "a stand-in: the kernel has no WireGuard"))" tunnels_up
check "qos full sluice up" site_up w1 w2 e1
[ $lab_failed = 1 ] && exit 1
for node in w1 w2 e1; do check "qos full an agent on $node" agent_start "$node"; done
site_qos
scenarios qos_full.py trunk tunnel
lab_end
