#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# live.sh [-n COUNT] [-r RUNS] [-f FLOWS]
#
# What there is beside sluice, with UDP frames of 64 bytes through two pairs of veths on one processor: the ceilings, XDP
# that sends back or on and does nothing else; the kernel's own forwarding, and its NAT by nft and by IPVS. One line of
# JSON each: ns a frame from one end to the other, the generator's share with it; "drop" is that share. In a guest
# whose clock counts instructions (scripts/vm -i) these are instructions.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

count=100000 runs=5 flows=1
while getopts n:r:f: option; do
	case $option in
	n) count=$OPTARG ;;
	r) runs=$OPTARG ;;
	f) flows=$OPTARG ;;
	*) exit 2 ;;
	esac
done
a=bl-a-$$ s=bl-s-$$ k=bl-k-$$
pins=/sys/fs/bpf/sluice-bl-$$ state=$(mktemp -d)
finish() {
	for ns in $a $s $k; do ip netns del "$ns" 2>/dev/null; done
	rm -rf "$pins" "$state"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
inside() { ip netns exec "$@"; }

for ns in $a $s $k; do
	ip netns add "$ns" && ip -n "$ns" link set lo up || exit 1
	inside "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
done
ip link add a0 netns $a type veth peer name s0 netns $s && ip link add s1 netns $s type veth peer name k0 netns $k &&
	ip -n $a addr add 10.99.0.2/24 dev a0 && ip -n $s addr add 10.99.0.1/24 dev s0 &&
	ip -n $s addr add 10.98.0.1/24 dev s1 && ip -n $k addr add 10.98.0.2/24 dev k0 || exit 1
for at in "$a a0" "$s s0" "$s s1" "$k k0"; do
	read -r ns interface <<<"$at"
	# What XDP sends has no room for a checksum that is still to be made.
	inside "$ns" ethtool -K "$interface" tx off >/dev/null && ip -n "$ns" link set "$interface" up || exit 1
done
# Frames that XDP sends are taken by a peer with NAPI only, which a veth has with GRO.
inside $s ethtool -K s0 gro on || exit 1
inside $s sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.s0.rp_filter=0
mac() { inside "$1" cat "/sys/class/net/$2/address"; }
ip -n $s neigh replace 10.98.0.2 lladdr "$(mac $k k0)" dev s1 nud permanent

ip -n $a route add default via 10.99.0.1 && ip -n $k route add default via 10.98.0.1 || exit 1

failed=0
# live NAME WAY [OPTION]...: frames through WAY
live() {
	local name=$1 way=$2 line
	shift 2
	line=$(taskset -c 0 build/bench/live -n "$count" -r "$runs" -f "$flows" "$@" "$way" $a:a0 $s:s0 $s:s1 $k:k0) ||
		{ echo "not ok $name" && failed=1 && return; }
	echo "${line/\"live\":\"$way\"/\"live\":\"$name\"}"
}
# connected NAME ADDRESS PORT SERVER-PORT [OPTION]...: the same once all flows have been answered
connected() {
	local name=$1 address=$2 port=$3 target=$4
	shift 4
	selftests/bench/live/exchange.py $a $k "$address" "$port" "$target" "$flows" ||
		{ echo "not ok $name" && failed=1 && return; }
	live "$name" stack -d "$address" -p "$port" -D 10.98.0.2 -P "$target" "$@"
}
# tagged NAME WAY ADDRESS PORT SERVER-PORT VLAN: the same in a VLAN
tagged() {
	selftests/bench/live/exchange.py $a $k "$3" "$4" "$5" "$flows" "$6" a0 "$(mac $s s0)" ||
		{ echo "not ok $1" && failed=1 && return; }
	live "$1" "$2" -d "$3" -p "$4" -D 10.98.0.2 -P "$5" -v "$6"
}
rules() { inside $s nft -f - 2>/dev/null; }

live drop drop
live XDP_TX back
live XDP_REDIRECT on
connected "kernel forwarding" 10.98.0.2 80 80
if rules <<<"table ip n { chain p { type nat hook prerouting priority dstnat; udp dport 80 dnat to 10.98.0.2:8080; }; }"; then
	connected "nft DNAT" 10.99.0.1 80 8080
	rules <<<"delete table ip n"
	rules <<<"table ip n { chain p { type nat hook postrouting priority srcnat; oifname s1 snat to 10.98.0.1; }; }"
	connected "nft SNAT" 10.98.0.2 81 81 -S 10.98.0.1
	rules <<<"delete table ip n"
else
	echo "skip nft: this kernel has no NAT of nft"
fi
if command -v ipvsadm >/dev/null && inside $s ipvsadm -A -u 10.99.0.1:82 -s rr 2>/dev/null; then
	inside $s ipvsadm -a -u 10.99.0.1:82 -r 10.98.0.2:82 -m
	connected "IPVS NAT" 10.99.0.1 82 82
	inside $s ipvsadm -C
else
	echo "skip IPVS: no ipvsadm, or not in this kernel"
fi

# --- sluice in their place
cat >"$state/plan.json" <<PLAN
{ "sluice": 1, "fabric": "live",
  "clusters": { "main": { "id": 1, "site": "live", "managed_vlans": [101], "pools": { "lb": ["203.0.113.0/24"] },
    "nodes": { "node1": { "addresses": ["10.99.0.1"], "uplinks": { "s0": {} } } } } },
  "vpcs": { "default": {} },
  "networks": { "pods": { "id": 100, "intra": "allow",
      "sites": { "main": { "overlay": true, "cidrs": ["10.98.0.0/24"] } } },
    "ext": { "id": 101, "external": true, "routable": false,
      "sites": { "main": { "vlan": 101, "cidrs": ["198.18.0.0/24"], "gateway": "198.18.0.1" } } } },
  "workloads": [ { "name": "k", "network": "pods", "address": "10.98.0.2", "node": "node1", "interface": "s1",
    "mac": "$(mac $k k0)" } ],
  "services": { "web": { "address": "203.0.113.10", "nodes": ["node1"],
    "ports": [ { "proto": "udp", "port": 80, "target": 8080 } ], "backends": [ { "address": "10.98.0.2" } ] } },
  "policy": [] }
PLAN
export SLUICE_PINS=$pins SLUICE_STATE=$state/state
# Not by "ip netns exec", which hides the pins.
in_s() { nsenter --net=/run/netns/$s "$@"; }
if in_s build/sluice up --plan "$state/plan.json" --node node1 >"$state/said" 2>&1; then
	connected "sluice DNAT" 203.0.113.10 80 8080
	tagged "sluice DNAT, VLAN" stack 203.0.113.10 80 8080 101
	in_s build/sluice down >/dev/null 2>&1
	# With NAPI at the far end of the workload's veth XDP brings it there itself.
	inside $k ethtool -K k0 gro on && in_s build/sluice up --plan "$state/plan.json" --node node1 >"$state/said" 2>&1 &&
		tagged "sluice DNAT, VLAN, XDP" xdp 203.0.113.10 80 8080 101
	in_s build/sluice down >/dev/null 2>&1
else
	echo "not ok sluice up: $(tail -n 3 "$state/said" | tr '\n' ' ')" && failed=1
fi
exit $failed
