#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Quality of service on the site of wan.json: the DSCP of every packet on the wire, the rates where they arrive. Under fq
# where the kernel has it, else by the token bucket.
#
# LAB_ONLY="marks rates…" runs only those scenarios.
set -uo pipefail
PLAN=${PLAN:-$(cd "$(dirname "$0")" && pwd)/wan.json}
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/wan_site.sh"
site_tools qos

[ -z "${LAB_FAST:-}" ] || { skip "${0##*/}: a slow machine has one site for all; wan.sh tries a part of it" && exit 0; }

lab_begin
check "qos the tunnel ($(sites_real && echo WireGuard || echo "a stand-in: the kernel has no WireGuard"))" tunnels_up
check "qos sluice up" site_up w1 w2 e1
[ $lab_failed = 1 ] && exit 1
for node in w1 w2 e1; do check "qos an agent on $node" agent_start "$node"; done
site_qos
scenarios qos.py marks through rates ceph shares other_shaper
if [ $PACING = fq ]; then
	check "qos sluice has set fq up where the plan asks" grep -q '^qdisc fq ' <(lab_in w1 tc qdisc show dev eth0)
else
	skip "qos pacing under fq: the kernel has no fq; tried in the guests"
fi
scenarios qos.py fastest
lab_end
