#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Outside addresses on the kube-dc site: projects with the same addresses leave by EIPs, FIPs and the nodes' own, are
# reached by them, and are kept apart; ports and tables run out. nat.py, nat_icmp.py and nat_ports.py try it with real
# programs while the wire is watched for a source that should not be there.
#
# LAB_ONLY="floating many…" runs only those scenarios, LAB_TIMES=1 tells how long each took, LAB_WAIT=1 has time.
set -uo pipefail
PLAN=${PLAN:-$(cd "$(dirname "$0")/../plans" && pwd)/kube-dc-nat-lab.json}
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/egress.sh"
for tool in jq tcpdump ping; do
	command -v $tool >/dev/null || { skip "nat: $tool is missing" && exit 0; }
done
lab_tools >/dev/null || { not_ok "nat: $(lab_tools | tail -n 1)" && exit 1; }
took() { [ -z "${LAB_TIMES:-}" ] || echo "--- $1: at $SECONDS s"; }
lab_begin
check "nat the site around the nodes" egress_up
check "nat servers in every workload and outside" egress_servers
check "nat the wire is watched" watch_wire
[ $lab_failed = 1 ] && exit 1
check "nat without sluice a private source is on the wire, and the watch sees it" wire_control
wire_empty
took site

check "nat sluice check" "$SLUICE" check --plan "$PLAN"
check "nat sluice up on every node" lab_sluice_up
[ $lab_failed = 1 ] && exit 1
for node in $(lab_nodes); do check "nat an agent on $node" agent_start "$node"; done
scenarios() { # FILE
	"$PYTHON" "$here/selftests/lab/$1" "$LAB" "$PLAN" "$SLUICE" "$lab_bpffs/sluice-$LAB" "$LAB_DIR" || lab_failed=1
	took "$1"
}
# First the ports that need time to come back; it looks at them again in the end.
scenarios nat_ports.py
scenarios nat.py
scenarios nat_icmp.py
# Once more where XDP meets no tag.
lab_tags metadata
LAB_NOTE=" (tag beside the frame)" LAB_ONLY="${LAB_ONLY:-projects $([ -n "${LAB_FAST:-}" ] || echo floating)}" scenarios nat.py
lab_tags frame
LAB_LATE=1 scenarios nat_ports.py

check "nat in all of that no node sent a private source to the wire" wire_clean
lab_end
