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
TAGS=frame
lab_begin
check "vlandev sluice up on every node" lab_sluice_up
[ $lab_failed = 1 ] && exit 1
cluster=$(lab_cluster)

# name vlan cidr of every network here
networks() {
	jq -r --arg c "$cluster" '.networks | to_entries[] | select(.value.sites[$c].vlan) |
		[.key, .value.sites[$c].vlan, .value.sites[$c].cidrs[0]] | @tsv' "$PLAN"
}
# A host that the plan does not know, with a VLAN device on a trunk of its own.
hosts=$LAB_DIR/hosts
trunk_host() { # NAME VLAN ADDRESS/LENGTH NETWORK
	lab_netns "$1" && lab_port "$1" eth0 "$1" &&
		printf '%s\n' "link add link eth0 name eth0.$2 type vlan id $2" "address add $3 dev eth0.$2" \
			"link set eth0.$2 up" | ip -n "$LAB-$1" -batch - &&
		echo "$1 ${3%/*} $4" >>"$hosts" || not_ok "vlandev host $1: it cannot be made"
}
first_vlan=''
while IFS=$'\t' read -r name vlan cidr; do
	trunk_host "vlan$vlan" "$vlan" "${cidr%.*}.250/${cidr#*/}" "$name"
	first_vlan=${first_vlan:-$vlan} base=${cidr%.*} length=${cidr#*/}
done < <(networks)
# Two that claim an address of the last network: one on a VLAN that no network has, one on another network's.
free=$(jq -r --arg c "$cluster" '[.networks[].sites[$c].vlan] as $used | [range(100; 110)] - $used | .[0] // empty' "$PLAN")
if [ -n "$free" ]; then trunk_host unassigned "$free" "$base.251/$length" -; else
	skip "vlandev a VLAN that no network has: every managed one of the plan is taken"
fi
trunk_host elsewhere "$first_vlan" "$base.252/$length" -

# The nodes' own addresses on VLAN devices of their own, as most sites have them.
while read -r node uplink address; do
	IFS=$'\t' read -r name vlan cidr < <(networks | awk -F'\t' -v a="${address%.*}." 'index($3, a) == 1')
	[ -n "$name" ] || { skip "vlandev $node: its address is in no network" && continue; }
	printf '%s\n' "address del $address/32 dev lo" "link add link $uplink name $uplink.$vlan type vlan id $vlan" \
		"address add $address/${cidr#*/} dev $uplink.$vlan" "link set $uplink.$vlan up" |
		ip -n "$LAB-$node" -batch - && echo "$node $address $name" >>"$hosts" ||
		not_ok "vlandev $node: no VLAN device on $uplink"
done < <(jq -r --arg c "$cluster" '.clusters[$c].nodes | to_entries[] |
	[.key, (.value.uplinks | keys[0]), .value.addresses[0]] | @tsv' "$PLAN")

lab_wire_ready || lab_failed=1
handed_over() { # packets that XDP has judged, on every node
	local node
	for node in $(lab_nodes); do lab_sluice "$node" status --json | jq .stats.handed_over; done | awk '{ n += $1 } END { print n }'
}
for tags in frame metadata; do
	lab_tags $tags
	before=$(handed_over)
	"$PYTHON" "$here/selftests/lab/vlandev.py" "$LAB" "$PLAN" <"$hosts" || lab_failed=1
	grown=$(($(handed_over) - before))
	case $tags in
	frame) check "vlandev native XDP met the tags in the frame ($grown packets)" test $grown -gt 0 ;;
	metadata) check "vlandev XDP met no tag beside the frame" test $grown = 0 ;;
	esac
done
lab_end
