#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# `apply` under traffic: 100 flips between two plans during an iperf3 and 1,000 short connections lose nothing
# that both plans allow and pass nothing that both forbid; and a plan with an error changes nothing.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
command -v jq >/dev/null || { skip "flips: jq is missing" && exit 0; }
command -v iperf3 >/dev/null || { skip "flips: iperf3 is missing" && exit 0; }
flips=100 connections=1000 rate=50M
[ -z "${LAB_FAST:-}" ] || { flips=10 connections=200 rate=5M; }
lab_begin
check "flips sluice up on every node" lab_sluice_up
[ $lab_failed = 1 ] && exit 1

# The other plan gives every workload another class and one pair of networks another rule.
other=$LAB_DIR/other.json
jq '.groups["flip-odd"] = { members: [.workloads | to_entries[] | select(.key % 2 == 1) | .value.address] }
	| .policy = [{ name: "flip", from: ["group:flip-odd"], to: ["group:flip-odd"], ports: ["tcp/9"],
		action: "deny" }] + .policy | del(.assert)' "$PLAN" >"$other"
check "flips the other plan is sound" "$SLUICE" check --plan "$other"

# --- under traffic
read -r from to port < <("$PYTHON" - "$here" "$PLAN" <<'PICK'
import sys
sys.path.insert(0, sys.argv[1] + "/selftests/lab")
from expect import Plan
plan = Plan(sys.argv[2])
hosts = [h for h in plan.hosts.values() if not h.is_node]
print(*next((a.name, b.name, p) for a in hosts for b in hosts for k, p in plan.ports()
            if k == "tcp" and a.node != b.node and plan.allows(a, b, 6, p)))
PICK
)
address=$(lab_field "$to" address)
lab_in "$to" iperf3 -s -1 -p "$port" >"$LAB_DIR/server" 2>&1 &
until_true $PATIENT lab_in "$to" sh -c "ss -Hltn 'sport = :$port' | grep -q ."
touch "$LAB_DIR/flipping"
# Not by lab_in: $! must be iperf3 itself, to be ended when the flips are through.
nsenter --net="/run/netns/$LAB-$from" iperf3 -c "$address" -p "$port" -b $rate -t 250 -J \
	>"$LAB_DIR/client.json" 2>"$LAB_DIR/client.err" &
client=$!
sleep 1
# The probe listens everywhere but where iperf3 does.
IPERF="$to:$port" "$PYTHON" "$here/selftests/lab/flips.py" "$LAB" "$PLAN" "$other" "$LAB_DIR/done" $connections &
probe=$!
sleep 1
failed=0 begin=$SECONDS
for ((i = 0; i < flips; i++)); do
	plan=$other
	[ $((i % 2)) = 1 ] && plan=$PLAN
	lab_sluice_apply "$plan" >"$LAB_DIR/apply" 2>&1 || failed=$((failed + 1))
done
took=$((SECONDS - begin))
touch "$LAB_DIR/done"
wait $probe || lab_failed=1
if [ $failed = 0 ]; then ok "flips $flips applies on every node"; else
	not_ok "flips $flips applies: $failed failed: $(tail -n 1 "$LAB_DIR/apply")"
fi
kill -0 $client 2>/dev/null && ok "flips iperf3 ran through all of them" ||
	not_ok "flips iperf3 died: $(tail -n 2 "$LAB_DIR/client.err" "$LAB_DIR/client.json" | tr '\n' ' ')"
met=$(sent_again "$from" "$port")
kill -TERM $client 2>/dev/null
wait $client
lost=$(stood_still "$LAB_DIR/client.json" "$met")
[ "${lost:-1}" = 0 ] && ok "flips iperf3 never stood still for a lost segment" ||
	not_ok "flips iperf3 stood still and sent again: ${lost:-?} seconds"
echo "$flips flips on every node in $took s"

# --- a plan with an error changes nothing
digest() { # every table of plan and setting on every node, and which generation is active
	local node
	for node in $(lab_nodes); do
		lab_rows "$lab_bpffs/sluice-$LAB-$node"/plan-*/sl_* "$lab_bpffs/sluice-$LAB-$node"/maps/sl_{active,name,fail} |
			sed "s/^/$node /"
	done
}
digest >"$LAB_DIR/before"
for table in sl_setting sl_vlan sl_exact sl_pair; do # a comparison of nothing would always be equal
	for node in $(lab_nodes); do
		grep -q "^$node $table {\"key\"" "$LAB_DIR/before" || not_ok "flips table $table of $node cannot be dumped"
	done
done
refused() { # NAME FILE
	local node
	for node in $(lab_nodes); do
		if lab_sluice "$node" apply --plan "$2" --node "$node" >"$LAB_DIR/apply" 2>&1; then
			not_ok "flips a plan with $1 was accepted" && return
		fi
		[ -s "$LAB_DIR/apply" ] || { not_ok "flips a plan with $1 was refused without a word" && return; }
	done
	[ -z "${LAB_FAST:-}" ] || [ "$1" = "no file at all" ] || { ok "flips a plan with $1: refused" && return; }
	digest >"$LAB_DIR/after"
	cmp -s "$LAB_DIR/before" "$LAB_DIR/after" && ok "flips a plan with $1: refused, maps byte-equal" ||
		not_ok "flips a plan with $1: maps changed: $(diff "$LAB_DIR/before" "$LAB_DIR/after" | head -c 300)"
}
bad=$LAB_DIR/bad.json
jq '.networks |= with_entries(.value.sites |= with_entries(.value.cidrs = ["10.9.8.7/24"]))' "$PLAN" >"$bad"
refused "host bits set" "$bad"
jq '.polcy = []' "$PLAN" >"$bad"
refused "an unknown key" "$bad"
head -c 1000 "$PLAN" >"$bad"
refused "its end missing" "$bad"
jq '.workloads[0].network as $n | .assert += [{ name: "nothing", from: "network:\($n)", reaches: "network:\($n)", ports: ["any"] },
	{ name: "never", from: "any", never: "any" }]' "$PLAN" >"$bad"
refused "an assert it breaks" "$bad"
jq '.clusters |= with_entries(.value.nodes = {})' "$PLAN" >"$bad"
refused "no such node" "$bad"
printf 'not json' >"$bad"
refused "no JSON in it" "$bad"
refused "no file at all" "$LAB_DIR/absent.json"
lab_end
