#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Hosts on the trunk with VLAN *devices*, and the nodes' own: what a kernel's VLAN code makes of frames must
# fare as raw tagged frames do. Needs a kernel that has VLAN devices.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
command -v jq >/dev/null || { skip "vlandev: jq is missing" && exit 0; }
unshare -n sh -c 'ip link add d0 type dummy 2>/dev/null || ip link add d0 type veth
	ip link add link d0 name d0.5 type vlan id 5' 2>/dev/null ||
	{ skip "vlandev: kernel $(uname -r) has no VLAN devices" && exit 0; }
lab_begin
check "vlandev sluice up on every node" lab_sluice_up
[ $lab_failed = 1 ] && exit 1
cluster=$(lab_cluster)

# For every network: a host on the trunk, not in the plan, at the address .250 of the network.
networks() { jq -r --arg c "$cluster" '.networks | to_entries[] | select(.value.sites[$c].vlan) |
	[.key, .value.sites[$c].vlan, .value.sites[$c].cidrs[0], .value.intra // "deny"] | @tsv' "$PLAN"; }
reach() { # NETNS ADDRESS
	lab_in "$1" ping -c 4 -i 0.3 -W 1 "$2" >/dev/null 2>&1
}
while IFS=$'\t' read -r name vlan cidr intra; do
	host=vlan$vlan
	lab_netns "$host"
	# A VLAN device of the wire host, moved into a namespace of its own.
	ip -n "$LAB-wire" link add link eth0 name "v$vlan" type vlan id "$vlan"
	ip -n "$LAB-wire" link set "v$vlan" netns "$LAB-$host"
	base=${cidr%.*}
	ip -n "$LAB-$host" address add "$base.250/${cidr#*/}" dev "v$vlan"
	ip -n "$LAB-$host" link set "v$vlan" up
	while read -r workload; do
		address=$(lab_field "$workload" address)
		case $intra in
		allow)
			check "vlandev a host on VLAN $vlan reaches $workload ($name)" reach "$host" "$address"
			check "vlandev $workload ($name) reaches a host on VLAN $vlan" reach "$workload" "$base.250"
			;;
		*)
			reach "$host" "$address" && not_ok "vlandev a host on VLAN $vlan reached $workload ($name)" ||
				ok "vlandev a host on VLAN $vlan does not reach $workload ($name, intra: $intra)"
			;;
		esac
	done < <(jq -r --arg n "$name" '[.workloads[] | select(.network == $n) | .name][0:2][]' "$PLAN")
done < <(networks | if [ -n "${LAB_FAST:-}" ]; then head -n 4; else cat; fi)

# A VLAN that no network has: neither way.
free=$(jq -r --arg c "$cluster" '[.networks[].sites[$c].vlan] as $used | [range(100; 110)] - $used | .[0] // empty' "$PLAN")
if [ -n "$free" ]; then
	victim=$(lab_workloads | head -n 1 | cut -f 1)
	address=$(lab_field "$victim" address)
	lab_netns unassigned
	ip -n "$LAB-wire" link add link eth0 name "v$free" type vlan id "$free"
	ip -n "$LAB-wire" link set "v$free" netns "$LAB-unassigned"
	ip -n "$LAB-unassigned" address add "${address%.*}.251/24" dev "v$free"
	ip -n "$LAB-unassigned" link set "v$free" up
	reach unassigned "$address" && not_ok "vlandev VLAN $free, which no network has, reached $victim" ||
		ok "vlandev VLAN $free, which no network has, reaches nobody"
fi

# The nodes' own addresses on VLAN devices of their own, as most sites have them.
read -r name vlan cidr < <(for node in $(lab_nodes); do lab_node_addresses "$node"; done | head -n 1 | while read -r a; do
	networks | awk -F'\t' -v a="$a" '{ split(a, x, "."); split($3, y, "."); if (x[1] x[2] x[3] == y[1] y[2] y[3]) print $1, $2, $3 }'
done)
if [ -n "${vlan:-}" ]; then
	for node in $(lab_nodes); do
		uplink=$(lab_uplinks "$node" | head -n 1)
		address=$(lab_node_addresses "$node" | head -n 1)
		ip -n "$LAB-$node" address del "$address/32" dev lo
		ip -n "$LAB-$node" link add link "$uplink" name "$uplink.$vlan" type vlan id "$vlan"
		ip -n "$LAB-$node" address add "$address/${cidr#*/}" dev "$uplink.$vlan"
		ip -n "$LAB-$node" link set "$uplink.$vlan" up
	done
	if ip netns list | grep -q "^$LAB-vlan$vlan "; then
		for node in $(lab_nodes); do
			check "vlandev a host on VLAN $vlan reaches $node on its VLAN device" \
				reach "vlan$vlan" "$(lab_node_addresses "$node" | head -n 1)"
		done
	fi
fi
lab_end
