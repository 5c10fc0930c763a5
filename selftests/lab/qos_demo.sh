#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# For people: two clusters and a tunnel, what may cross it, and what classes do to two streams. Run by scripts/demo.
set -uo pipefail
FABRIC_PLAN=$(cd "$(dirname "$0")" && pwd)/wan.json
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sites.sh"
. "$(dirname "$0")/fabric.sh"
wrong=0 ASK=60 LIMIT=20 NEAR=192.168.106.13
die() { echo "demo: $*" >&2 && exit 1; }
trap 'lab_down' EXIT
trap 'exit 1' INT TERM HUP
underlay() { printf '%s\n' 'w1 eth0 west 192.0.2.10/24' 'w2 eth0 west 192.0.2.11/24' 'e1 eth0 east 198.51.100.10/24'; }
ends() { printf '%s\n' 'w1 10.17.0.0/16 e1' 'e1 192.168.0.0/16 w1'; }
plan() { # RATE or null: of the class "object"
	jq --argjson rate "$1" 'del(.clusters.west.nodes.w1.uplinks.eth1) | .clusters.west.nodes.w1.addresses |= .[:1] |
		if $rate then .qos.classes.object.rate_mbit = $rate else . end' "$FABRIC_PLAN" >"$LAB_DIR/plan.json"
}
lab_tools >/dev/null || die "the lab's tools do not build"
fabric_site 'w1 w2 e1' && plan null && lab_up && tunnels_up || die "the lab does not come up"
wan_watch 'udp port 51820 and host 192.0.2.10 and host 198.51.100.10' || die "the WAN cannot be watched"
for node in $(lab_nodes); do
	lab_sluice "$node" up --plan "$LAB_DIR/plan.json" --node "$node" >/dev/null 2>&1 || die "sluice up failed on $node"
done

# --- between clusters
echo "Cluster west (VLANs) and cluster east (an overlay), a tunnel between w1 and e1, $(fabric_carrier);"
echo "routes list net-ingress of west -> net-platform of east with icmp, and not the way back:"
try() { # WHO WHOM yes|no
	local got=no
	lab_in "$1" ping -q -c 2 -i 0.2 -W 1 "$(lab_field "$2" address)" >/dev/null && got=yes
	printf '  %-7s %-15s -> %-7s %-15s ping %s\n' "$1" "$(lab_field "$1" address)" "$2" "$(lab_field "$2" address)" \
		"$([ $got = yes ] && echo answered || echo "not answered")"
	[ $got = "$3" ] || { echo "  NOT AS PLANNED" && wrong=1; }
}
try w-in e-plat yes
try e-plat w-in no
if wan_clean; then
	echo "  and the WAN saw nothing but udp/51820 between the two gateways"
else
	echo "  NOT AS PLANNED" && wrong=1
fi

# --- classes
stream() { lab_in "$1" "$here/build/lab/stream" "${@:2}"; }
measure() { # SECONDS: $wal and $object, Mbit/s where they arrive; what passes between the nodes goes to $LAB_DIR/wire
	local server wire senders=()
	nsenter --net="/run/netns/$LAB-w-near" "$here/build/lab/stream" serve 5432 9000 >"$LAB_DIR/arrived" &
	server=$!
	nsenter --net="/run/netns/$LAB-switch" tcpdump -i p-w1-eth0 -Q in -nn -v -s 96 "vlan 106 and tcp and dst host $NEAR" \
		>"$LAB_DIR/wire" 2>"$LAB_DIR/wire.log" &
	wire=$!
	until_true 5 grep -q ready "$LAB_DIR/arrived" && until_true 5 grep -q 'listening on' "$LAB_DIR/wire.log" ||
		die "the streams are not measured"
	stream w-db send tcp $NEAR 5432 "$1" $ASK >/dev/null & senders+=($!)
	stream w-db2 send tcp $NEAR 9000 "$1" $ASK >/dev/null & senders+=($!)
	wait "${senders[@]}"
	kill $server $wire && wait $server $wire 2>/dev/null
	read -r wal object < <(awk '$1 == "tcp" && $6 > 0 { rate[$2] = $4 * 8 / $6 / 1e6 }
		END { printf "%d %d\n", rate[5432] + 0.5, rate[9000] + 0.5 }' "$LAB_DIR/arrived")
}
told() { # TEXT
	printf '  %-44s wal %3d Mbit/s   object %3d Mbit/s\n' "$1" "$wal" "$object"
}
echo "Two streams from w1 to w2 side by side, log shipping (tcp/5432, class wal) and object sync (tcp/9000, class"
echo "object), $ASK Mbit/s each:"
measure 1
told "no class has a rate"
[ "$object" -gt $((2 * LIMIT)) ] || { echo "  NOT AS PLANNED: nothing limits object" && wrong=1; }
plan $LIMIT || die "the plan cannot be changed"
for node in $(lab_nodes); do
	lab_sluice "$node" apply --plan "$LAB_DIR/plan.json" --node "$node" >/dev/null 2>&1 || die "sluice apply failed on $node"
done
measure 2
told "\"object\": { ..., \"rate_mbit\": $LIMIT }"
[ "$object" -le $((LIMIT + 1)) ] && [ "$object" -ge $((LIMIT * 7 / 10)) ] && [ "$wal" -ge $((ASK * 7 / 10)) ] ||
	{ echo "  NOT AS PLANNED: expected about $LIMIT of object and $ASK of wal" && wrong=1; }
echo "The wire between the nodes meanwhile, VLAN 106, as tcpdump sees it:"
marks=$(awk '/\(tos / { sub(/.*\(tos /, ""); sub(/,.*/, ""); tos = $0; next } / > / { sub(/:$/, "", $3); n[$3 " tos " tos]++ }
	END { for (i in n) print i, n[i] }' "$LAB_DIR/wire" | sed 's/\.\([0-9]*\) tos/ \1 tos/' | sort)
awk '{ printf "  to %s tcp/%s   %s %s   %d packets\n", $1, $2, $3, $4, $5 }' <<<"$marks"
[ "$(cut -d' ' -f2-4 <<<"$marks" | paste -sd,)" = "5432 tos 0x68,9000 tos 0x20" ] ||
	{ echo "  NOT AS PLANNED: expected 0x68 (AF31) of wal and 0x20 (CS1) of object, and no other" && wrong=1; }
said() { # NODE WHAT
	echo "$1\$ sluice show $2"
	lab_sluice "$1" show "$2" >"$LAB_DIR/said" || wrong=1
	sed 's/^/  /' "$LAB_DIR/said"
}
said w1 qos
said e1 wan
for node in $(lab_nodes); do
	lab_sluice "$node" down >/dev/null || die "sluice down failed on $node"
	lab_after_sluice_down "$node" || die "something stayed on $node"
done
lab_down
lab_leftovers || wrong=1
exit $wrong
