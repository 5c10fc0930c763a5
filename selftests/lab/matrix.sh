#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every ordered pair of workloads on two nodes, ping, TCP and UDP, for real, against what the plan promises
# by a second evaluator and by sluice's own matrix. Options go to matrix.py: --sample 1, --table, --hosts.
# --attacks first: attacks.py in the same lab, which is dear to build. Both twice: native XDP meets the VLAN
# tag in the frame, and not at all (it is beside the frame, TC judges).
set -uo pipefail
. "$(dirname "$0")/lib.sh"
command -v jq >/dev/null || { skip "matrix: jq is missing" && exit 0; }
lab_begin
check "matrix sluice check" "$SLUICE" check --plan "$PLAN"
check "matrix sluice up on every node" lab_sluice_up
[ $lab_failed = 1 ] && exit 1
if [ "${1:-}" = --attacks ]; then
	shift
	for tags in frame metadata; do lab_tags $tags && lab_attacks; done
fi
own=$LAB_DIR/matrix.json
node=$(lab_nodes | head -n 1)
if lab_sluice "$node" show policy --matrix --json >"$own" 2>"$LAB_DIR/err"; then
	set -- --sluice "$own" "$@"
else
	not_ok "matrix show policy --matrix --json: $(cat "$LAB_DIR/err")"
fi
part=1
for tags in frame metadata; do
	lab_tags $tags
	# A slow machine tries each forbidden attempt with one of the two; what is promised with both.
	[ -z "${LAB_FAST:-}" ] || { set -- "$@" --part $part/2 && part=2; }
	if "$PYTHON" "$here/selftests/lab/matrix.py" "$LAB" "$PLAN" --hosts "$@"; then
		ok "matrix (tag in the $tags) observed = promised"
	else
		not_ok "matrix (tag in the $tags) observed = promised: see the differences above"
	fi
done
lab_end
