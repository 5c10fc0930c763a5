#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What up, apply and down leave behind: in the kernel, on the interfaces, on disk; also when they are killed
# half-way, refused, run at the same time, or find that somebody else was there first. No traffic here: see
# flips.sh for that. One node in a namespace of its own, two workload interfaces, one uplink.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
command -v jq >/dev/null || { skip "lifecycle: jq is missing" && exit 0; }
[ -x "$SLUICE" ] || { not_ok "lifecycle: no $SLUICE" && exit 1; }
applies=100 kills=25
[ -z "${LAB_FAST:-}" ] || { applies=10 && kills=4; }

pins=$lab_bpffs/sluice-$LAB-n1 state=$LAB_DIR/n1 netns=$LAB-n1
node() { SLUICE_PINS=$pins SLUICE_STATE=$state nsenter --net="/run/netns/$netns" "$@"; }
sluice() { node "$SLUICE" "$@"; }
# `ip link set … xdp` makes these, for itself, and leaves them.
iproute2_made=no
[ -e $lab_bpffs/tc ] || iproute2_made=yes
clean() {
	sluice down >/dev/null 2>&1
	[ $iproute2_made = no ] || { rm -f $lab_bpffs/ip $lab_bpffs/xdp && rmdir $lab_bpffs/tc/globals $lab_bpffs/tc; } 2>/dev/null
	mountpoint -q "$LAB_DIR/full" && umount "$LAB_DIR/full"
	ip netns delete "$netns" 2>/dev/null
	rm -rf "$LAB_DIR"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

mountpoint -q $lab_bpffs || mount -t bpf bpf $lab_bpffs
mkdir -p "$LAB_DIR"
ip netns add "$netns"
nsenter --net="/run/netns/$netns" sh -c 'for f in all default; do
	echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; done' 2>/dev/null
for i in u0 wa wb; do
	node ip link add $i type veth peer name peer-$i
	node ip link set $i up
	node ip link set peer-$i up
done

plan() { # FILE ACTION [JQ]: two networks, and whether one may talk to the other
	jq "${3:-.}" >"$LAB_DIR/$1" <<-JSON
		{ "sluice": 1, "fabric": "t",
		  "clusters": { "c": { "id": 1, "managed_vlans": ["100-109"],
		    "nodes": { "n1": { "addresses": ["192.0.2.1"], "uplinks": { "u0": {} } } } } },
		  "networks": {
		    "net-a": { "id": 100, "intra": "allow", "fail": "open",
		      "sites": { "c": { "vlan": 100, "cidrs": ["10.9.0.0/24"] } } },
		    "net-b": { "id": 101, "intra": "deny",
		      "sites": { "c": { "vlan": 101, "cidrs": ["10.9.1.0/24"] } } } },
		  "workloads": [
		    { "name": "a", "network": "net-a", "address": "10.9.0.2", "node": "n1", "interface": "wa" },
		    { "name": "b", "network": "net-b", "address": "10.9.1.2", "node": "n1", "interface": "wb" } ],
		  "policy": [ { "name": "a-to-b", "from": ["network:net-a"], "to": ["network:net-b"],
		    "ports": ["tcp/80"], "action": "$2" } ],
		  "limits": { "flows": 4096, "unanswered_flows": 1024 } }
	JSON
}
plan a.json allow
plan b.json deny
plan bad.json allow '.policy[0].to = ["network:nobody"]'
plan no-b.json allow 'del(.workloads[1])'
plan shared.json allow '.clusters.c.nodes.n1.uplinks.u0.xdp = "shared"'
plan tagged.json allow '.clusters.c.nodes.n1.uplinks = { "u0.7": {} }'
up() { sluice up --plan "$LAB_DIR/$1" --node n1; }
apply() { sluice apply --plan "$LAB_DIR/$1" --node n1; }

rows() { bpftool -j map dump pinned "$1" | jq -cS '.[] | if .formatted then .formatted else . end' | sort; }
generation() { rows "$pins/maps/sl_active" | jq .value.generation; }
folders() { find "$pins" -maxdepth 1 -name 'plan-*' | wc -l; }
plan_digest() { lab_rows "$pins/plan-$(generation)"/* | sha256sum; }
doors() { rows "$pins/maps/sl_door"; }
pinned() { (cd "$pins" && find . | sed 's/plan-[0-9]*/plan-N/' | sort); }
refused() { # TEXT COMMAND...: exit code 1 and a line with TEXT
	local text=$1 out code
	shift
	out=$("$@" 2>&1)
	code=$?
	[ $code = 1 ] || { echo "exit code $code instead of 1: $out" && return 1; }
	grep -qF -- "$text" <<<"$out" || { echo "no \"$text\" in: $out" && return 1; }
}
is() { [ "$1" = "$2" ] || { echo "$1 instead of $2" && return 1; }; }
# The numbers of everything this node has in the kernel: others may run sluice beside us.
numbers() {
	{
		printf 'prog show pinned %s\n' "$pins"/progs/*
		printf 'map show pinned %s\n' "$pins"/maps/* "$pins"/plan-*/*
	} | bpftool -j batch file - | jq -r '.[] | "\(.command[0]) \(.output.id)"'
	bpftool -j -f link show | jq -r --arg p "$pins/" '.[] | select(any(.pinned[]?; startswith($p))) | "link \(.id)"'
}

# --- nothing there
check "lifecycle down with nothing there" sluice down
check "lifecycle apply without up is refused" refused '"sluice up"' apply a.json
check "lifecycle an unknown option is wrong usage" is "$(sluice up --nonsense >/dev/null 2>&1; echo $?)" 2
check "lifecycle up with a bad plan is refused" refused nobody up bad.json
check "lifecycle a refused first up leaves no pin" is "$(find "$pins" 2>/dev/null | wc -l)" 0

# --- up
check "lifecycle up" up a.json
check "lifecycle up is generation 1" is "$(generation)" 1
check "lifecycle every interface has its doors" is "$(doors | jq -r .value.name | sort | xargs)" "u0 wa wb"
check "lifecycle XDP on the uplink is native" is "$(doors | jq 'select(.value.name == "u0") | .value.xdp')" 1
check "lifecycle fail policy: open for net-a" is \
	"$(rows "$pins/maps/sl_fail" | jq 'select(.key.ifindex != 0) | .value.open')" 1
check "lifecycle bpftool names the fields of plan tables" is \
	"$(rows "$pins/plan-1/sl_setting" | jq -r '.value | has("judged_mark")')" true
pinned_once=$(pinned) doors_once=$(doors) digest_a=$(plan_digest)
check "lifecycle up again" up a.json
check "lifecycle up twice pins the same" is "$(pinned)" "$pinned_once"
check "lifecycle up twice has the same doors" is "$(doors)" "$doors_once"
check "lifecycle up twice gives the same rows" is "$(plan_digest)" "$digest_a"

# As a version before this one left it: a table that it did not know, lines of another shape, and a flow.
older() {
	local flow="key hex 0a 01 00 05 0a 01 00 06 00 07 00 08 00 00 11 00" value
	value=$(printf '00 %.0s' $(seq "$(bpftool -j map show pinned "$pins/maps/sl_flow" | jq .bytes_value)"))
	rm "$pins/maps/sl_promoted" "$pins/maps/sl_line"
	bpftool map create "$pins/maps/sl_line" type array key 4 value 128 entries 64 name sl_line flags 0x400 &&
		bpftool map update pinned "$pins/maps/sl_flow" $flow value hex $value
}
shape() { bpftool -j map show pinned "$pins/maps/$1" | jq -c "[.bytes_key, .bytes_value]"; }
lines=$(shape sl_line) flows=$(bpftool -j map show pinned "$pins/maps/sl_flow" | jq .id)
check "lifecycle tables of a version before this one" older
check "lifecycle up upgrades them" up a.json
check "lifecycle up upgrades: lines are made anew" is "$(shape sl_line)" "$lines"
check "lifecycle up upgrades: what was missing is there" is "$(pinned)" "$pinned_once"
check "lifecycle up upgrades: flows stay" is "$(bpftool -j map show pinned "$pins/maps/sl_flow" | jq .id) $(rows "$pins/maps/sl_flow" | grep -c .)" "$flows 1"
check "lifecycle up upgrades: the same doors" is "$(doors)" "$doors_once"
check "lifecycle the plan is kept" jq -e '.fabric == "t"' "$state/plan.json"
check "lifecycle the node is kept" is "$(cat "$state/node")" n1

# --- apply
check "lifecycle apply" apply b.json
digest_b=$(plan_digest)
check "lifecycle another plan gives other rows" test "$digest_a" != "$digest_b"
maps_before=$(bpftool map show | grep -c sl_) first=$(generation)
flip() {
	local i
	for ((i = 1; i <= applies; i++)); do
		if ((i % 2)); then apply a.json; else apply b.json; fi || return 1
	done
}
check "lifecycle $applies applies" flip
check "lifecycle every apply is one generation" is "$(generation)" $((first + applies))
check "lifecycle one generation's rows are pinned" is "$(folders)" 1
# Half of what would stand there if they did: other labs may run beside this one.
check "lifecycle tables do not pile up" test "$(bpftool map show | grep -c sl_)" -le $((maps_before + 5 * applies))
check "lifecycle the rows are those of the plan" is "$(plan_digest)" "$digest_b"

# --- a plan with an error changes nothing
# Of every table but those that count packets, which come when they like.
state_of_all() {
	local m tables=()
	for m in "$pins"/maps/* "$pins"/plan-*/*; do
		case $m in */sl_traffic | */sl_drop | */sl_stat | */sl_flow | */sl_unanswered) ;; *) tables+=("$m") ;; esac
	done
	{ echo "${tables[@]}" && lab_rows "${tables[@]}"; } | sha256sum
}
before=$(state_of_all)
check "lifecycle a bad plan is refused" refused nobody apply bad.json
check "lifecycle a node the plan does not have is refused" refused '"stranger"' \
	sluice apply --plan "$LAB_DIR/a.json" --node stranger
check "lifecycle a refused plan leaves every table byte-equal" is "$(state_of_all)" "$before"
last_good() { # OPTION...: up with these puts in what was in force
	sluice up "$@" && is "$(plan_digest)" "$digest_b"
}
check_once "lifecycle up --fallback uses the last good plan" last_good --fallback --plan "$LAB_DIR/bad.json"
check_once "lifecycle up without a plan uses the last good one" last_good

# --- killed half-way: the old plan or the new one, never a mixture
kill_one() { # COMMAND PLAN MILLISECONDS
	local now
	set -m # a process group of its own, so that all of it dies at once, also what is being started
	"$1" "$2" >/dev/null 2>&1 &
	set +m
	sleep "$(printf '0.%03d' "$3")"
	kill -9 -- -$! 2>/dev/null
	wait $! 2>/dev/null
	now=$(plan_digest)
	[ "$now" = "$digest_a" ] || [ "$now" = "$digest_b" ] || { echo "a mixture after $3 ms" && return 1; }
}
kill_many() {
	local i
	for ((i = 0; i < kills; i++)); do
		kill_one "$1" "$( ((i % 2)) && echo a.json || echo b.json)" $((RANDOM % ${2:-200})) || return 1
	done
}
check "lifecycle fault_f2 $kills applies killed: old plan or new" kill_many apply
check "lifecycle fault_f2 $kills ups killed: old plan or new" kill_many up 300
check "lifecycle fault_f2 the next apply puts the plan in" apply a.json
check "lifecycle fault_f2 its rows are whole" is "$(plan_digest)" "$digest_a"
check "lifecycle fault_f2 nothing of the killed ones is pinned" is "$(pinned)" "$pinned_once"
check "lifecycle up after that" up a.json
check "lifecycle fault_f2 nothing of the killed ups is pinned" is "$(pinned)" "$pinned_once"

# --- at the same time
together() {
	local i pids=() pid
	for i in a b a b; do apply $i.json & pids+=($!); done
	for pid in "${pids[@]}"; do wait "$pid" || return 1; done
}
first=$(generation)
check "lifecycle four applies at once" together
check "lifecycle they went one after the other" is "$(generation)" $((first + 4))
now=$(plan_digest)
check "lifecycle the rows are of one of them" test "$now" = "$digest_a" -o "$now" = "$digest_b"

# --- interfaces
check "lifecycle a workload leaves the plan" apply no-b.json
check "lifecycle its doors are taken off" is "$(doors | jq -r .value.name | sort | xargs)" "u0 wa"
check "lifecycle it comes back" apply a.json
node ip link delete wb
check "lifecycle an interface is gone: apply goes on" apply a.json
check "lifecycle its doors are forgotten" is "$(doors | jq -r .value.name | sort | xargs)" "u0 wa"
node ip link add wb type veth peer name peer-wb
check "lifecycle it is there again" apply a.json
check "lifecycle and has doors again" is "$(doors | jq -r .value.name | sort | xargs)" "u0 wa wb"
if node ip link add link u0 name u0.7 type vlan id 7 2>/dev/null; then
	check "lifecycle a VLAN device as uplink is refused, its parent named" refused "name its parent u0" \
		apply tagged.json
	node ip link delete u0.7
else
	skip "lifecycle a VLAN device as uplink: this kernel has no VLAN devices"
fi
if node ip link add d0 type dummy 2>/dev/null && node ip link add bond7 type bond 2>/dev/null; then
	node ip link set d0 master bond7
	plan bond.json allow '.clusters.c.nodes.n1.uplinks = { "d0": {} }'
	check "lifecycle a port of a bond as uplink is refused, the bond named" refused "name bond7" apply bond.json
	node ip link delete bond7
else
	skip "lifecycle a port of a bond as uplink: this kernel has no bonds"
fi
node ip link delete d0 2>/dev/null
if node ip link add d1 type dummy 2>/dev/null; then
	plan generic.json allow '.clusters.c.nodes.n1.uplinks = { "d1": {} }'
	check "lifecycle a driver without native XDP gets generic" apply generic.json
	check "lifecycle and sl_door says so" is "$(doors | jq 'select(.value.name == "d1") | .value.xdp')" 2
	check "lifecycle back to the other uplink" apply a.json
	node ip link delete d1
else
	skip "lifecycle a driver without native XDP: this kernel has no dummy devices"
fi
if out=$(apply shared.json 2>&1); then
	check "lifecycle shared: sl_door says so" is "$(doors | jq 'select(.value.name == "u0") | .value.xdp')" 3
	check "lifecycle shared: up again" up shared.json
	check "lifecycle back to a link of its own" apply a.json
	check "lifecycle and sl_door says so too" is "$(doors | jq 'select(.value.name == "u0") | .value.xdp')" 1
elif grep -q freplace <<<"$out"; then
	ok "lifecycle shared is refused with the reason where the kernel cannot"
else
	not_ok "lifecycle shared: $out"
fi

# --- others
layout=$(cd "$pins" && echo layout-*)
mv "$pins/$layout" "$pins/layout-999"
before=$(plan_digest)
check "lifecycle tables of another layout: up is refused" refused '"sluice down"' up a.json
check "lifecycle tables of another layout: apply is refused" refused '"sluice down"' apply a.json
check "lifecycle tables of another layout stay in force" is "$(plan_digest)" "$before"
mv "$pins/layout-999" "$pins/$layout"
check "lifecycle another plan on the new interface" apply b.json
digest_b=$(plan_digest)
check "lifecycle and back" apply a.json
mkdir "$LAB_DIR/full"
mount -t tmpfs -o size=4k none "$LAB_DIR/full"
head -c 4096 /dev/zero >"$LAB_DIR/full/ballast"
first=$(generation)
full() { SLUICE_PINS=$pins SLUICE_STATE=$LAB_DIR/full nsenter --net="/run/netns/$netns" "$SLUICE" "$@"; }
check "lifecycle fault_f8 disk full: it is said" refused "No space left" \
	full apply --plan "$LAB_DIR/b.json" --node n1
check "lifecycle fault_f8 disk full: the plan is in force" is "$(generation) $(plan_digest)" "$((first + 1)) $digest_b"
check "lifecycle fault_f8 disk full: no half file" is "$(ls "$LAB_DIR/full")" ballast
umount "$LAB_DIR/full"

# --- down
still_there() {
	local kind
	for kind in prog map link; do
		bpftool -j $kind show | jq -r --arg k $kind '.[] | "\($k) \(.id)"'
	done | grep -Fxf <(echo "$had")
}
all_gone() { [ -z "$(still_there)" ]; }
gone() { until_true $PATIENT all_gone || { echo "left: $(still_there)" && return 1; }; } # programs are freed a little later
had=$(numbers)
check "lifecycle what is there is seen" test "$(wc -l <<<"$had")" -gt 30
check "lifecycle down" sluice down
check "lifecycle down leaves no program, table or link" gone
check "lifecycle down leaves no pin" is "$(find "$pins" 2>/dev/null | wc -l)" 0
check "lifecycle down leaves no qdisc" is "$(node tc qdisc show | grep -c clsact)" 0
check "lifecycle down leaves no XDP and no promiscuous mode" is \
	"$(node ip -d link show | grep -cE 'prog/xdp|PROMISC')" 0
check "lifecycle down again" sluice down

# --- qdiscs: somebody's stay as they are, sluice's own goes with it, also if all else of it has gone
plan fq.json allow '.clusters.c.nodes.n1.uplinks = { "u0": { "pacing": "fq" }, "u1": { "pacing": "fq" } }'
node ip link add u1 numtxqueues 2 numrxqueues 2 type veth peer name peer-u1 numtxqueues 2 numrxqueues 2
node ip link set u1 up
node ip link set peer-u1 up
qdiscs() { node tc qdisc show dev "$1" | grep -vE ' clsact | ingress ' | sed -E 's/ refcnt [0-9]+//' | sort; }
says() { # TEXT COMMAND...: succeeds, with a line that has TEXT
	local text=$1 out
	shift
	out=$("$@" 2>&1) || { echo "$out" && return 1; }
	grep -qF -- "$text" <<<"$out" || { echo "no \"$text\" in: $out" && return 1; }
}
fq=no
! node tc qdisc add dev peer-u0 root fq 2>/dev/null || { fq=yes && node tc qdisc del dev peer-u0 root; }
untouched_u0=$(qdiscs u0) untouched_u1=$(qdiscs u1)
if [ $fq = yes ]; then
	check "lifecycle qdisc the kernel's own makes room for fq" up fq.json
	check "lifecycle qdisc fq is there" is "$(qdiscs u0 | cut -d' ' -f2-4)" "fq 7360: root"
	# As after a reboot of all but the qdiscs.
	rm -rf "$pins"
	check "lifecycle qdisc down without a pin" sluice down
	check "lifecycle qdisc down puts the kernel's own back" \
		is "$(qdiscs u0)/$(qdiscs u1)" "$untouched_u0/$untouched_u1"
fi
if node tc qdisc add dev u1 root handle 7360: mq; then
	check "lifecycle qdisc down without a pin takes off an mq of sluice" sluice down
	check "lifecycle qdisc and the kernel's own is there again" is "$(qdiscs u1)" "$untouched_u1"
else
	skip "lifecycle qdisc mq: the kernel has none"
fi
check "lifecycle qdisc down again has nothing to do" says "nothing to do" sluice down
node tc qdisc add dev u0 root handle 7361: pfifo limit 77
node tc qdisc add dev u1 root handle 1: mq
node tc qdisc add dev u1 parent 1:1 handle 2: pfifo limit 77
had_u0=$(qdiscs u0) had_u1=$(qdiscs u1)
check "lifecycle qdisc somebody's root is named" \
	says "u0 sends by pfifo (7361:) that somebody has set up" up fq.json
check "lifecycle qdisc somebody's mq is named" \
	says "u1 sends by mq (1:) that somebody has set up" apply fq.json
check "lifecycle qdisc somebody's stay" is "$(qdiscs u0)/$(qdiscs u1)" "$had_u0/$had_u1"
check "lifecycle qdisc apply without fq" apply a.json
check "lifecycle qdisc down" sluice down
check "lifecycle qdisc somebody's stay with a handle of sluice's, too" \
	is "$(qdiscs u0)/$(qdiscs u1)" "$had_u0/$had_u1"
node tc qdisc del dev u0 root
node ip link del u1

# --- somebody else's program on the NIC
cat >"$LAB_DIR/foreign.c" <<-C
	__attribute__((section("xdp"), used)) int somebody(void *frame) { return 2; }
	char _license[] __attribute__((section("license"), used)) = "GPL";
C
if clang -target bpf -O2 -c "$LAB_DIR/foreign.c" -o "$LAB_DIR/foreign.o" 2>/dev/null &&
	node ip link set u0 xdp object "$LAB_DIR/foreign.o" section xdp 2>/dev/null; then
	check "lifecycle fault_f11 a foreign XDP program is named" refused "somebody (id " up a.json
	check "lifecycle fault_f11 and not replaced" is "$(node ip -d link show u0 | grep -c 'name somebody')" 1
	check "lifecycle fault_f11 and nothing is left" is "$(find "$pins" 2>/dev/null | wc -l)" 0
	node ip link set u0 xdp off
else
	skip "lifecycle a foreign XDP program: no compiler for it"
fi
check "lifecycle up once more" up a.json
check "lifecycle fault_f11 somebody's \"xdp off\" is refused by the kernel" \
	is "$(node ip link set u0 xdp off 2>/dev/null; node ip -d link show u0 | grep -c 'name sl_up_xdp')" 1
check "lifecycle down --forget" sluice down --forget
check "lifecycle no plan is kept" is "$(ls "$state")" ""
clean
check "lifecycle nothing is left" lab_leftovers
exit $lab_failed
