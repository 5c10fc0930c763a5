#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The fabric pn as its plan says it: pn-main with its VLANs, pn-contabo and pn-ovh as overlays, and tunnels between all
# of their gateways. The plan directory applies whole on every node; pn.py tries every pair of workloads of two clusters
# in both directions while the WAN between the clusters is watched.
#
# LAB_SMALL=1: one node of each cluster, for slow machines; LAB_FAST=1 without it leaves the lab out.
# LAB_ONLY="marks pairs…" runs only those scenarios.
set -uo pipefail
FABRIC_PLAN=$(cd "$(dirname "$0")/../plans" && pwd)/pn
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sites.sh"
. "$(dirname "$0")/fabric.sh"
site_tools pn
[ -z "${LAB_FAST:-}" ] || [ -n "${LAB_SMALL:-}" ] ||
	{ skip "pn: an emulated processor; wan tries the same doors there" && exit 0; }
nodes='node1 node2 contabo-1 contabo-2 contabo-3 ovh-1 ovh-2 ovh-3'
[ -z "${LAB_SMALL:-}" ] || nodes='node1 contabo-2 ovh-1'
fabric_site "$nodes" || { not_ok "pn: the files of the plan do not merge" && exit 1; }

underlay() { echo "$pn_underlay"; }
pn_underlay=$(jq -r '.clusters[] | .nodes | to_entries[] |
	"\(.key) \(.value.uplinks | keys[0]) \(.key | sub("[-0-9]+$"; "")) \(.value.addresses[-1])/24"' "$PLAN")
# Everything of another cluster goes to its first gateway, each workload to the one that it stands on.
ends() { echo "$pn_ends"; }
pn_ends=$(jq -r '{ "pn-main": ["192.168.0.0/16", "10.16.0.0/16"],
		"pn-contabo": ["10.17.0.0/16"], "pn-ovh": ["10.18.0.0/16"] } as $whole |
	. as $p | (.clusters | map_values([.nodes | to_entries[] | select(.value.gateway) | .key])) as $gateways |
	($gateways | keys[]) as $own | $gateways[$own][] as $n | ($gateways | keys[] | select(. != $own)) as $c |
	("\($n) \($whole[$c][]) \($gateways[$c][0])"),
	($p.workloads[] | select(.node | IN($gateways[$c][1:][])) | "\($n) \(.address)/32 \(.node)")' "$PLAN")

# Without sluice and without tunnels, the same nodes and pods: what the WAN then sees.
control() {
	local from=w107-1 to
	to=$(lab_field ovh-iam address)
	ip -n "$LAB-node1" address add 192.168.107.1/32 dev lo || return 1
	lab_in $from ping -q -c 1 -W 1 "$to" >/dev/null
	ip -n "$LAB-node1" address del 192.168.107.1/32 dev lo && lab_in $from ip neigh flush all || return 1
	until_true $PATIENT grep -q "$(lab_field $from address) > $to" "$LAB_DIR/wan-node"
}
known='VLAN 109 is managed but no network has it: dropped as vlan_unassigned'
check_silent() { # all that `sluice check` has to say is known
	local said
	said=$("$SLUICE" check --plan "$FABRIC_PLAN" 2>&1 >/dev/null) || { echo "$said" && return 1; }
	[ "$(grep -c . <<<"$said")" = 1 ] && [[ $said == *"$known"* ]] || { echo "$said" && return 1; }
}
whole() { # NODE: up says nothing that is not known, and status shows the plan and the node's own interfaces
	local said
	said=$(lab_sluice "$1" up --plan "$FABRIC_PLAN" --node "$1" 2>&1 >/dev/null) || { echo "$said" && return 1; }
	sites_real || said=$(grep -vF 'wg0 is no WireGuard interface (kind "tun")' <<<"$said")
	said=$(grep -vF "$known" <<<"$said" | grep .) && echo "$said" && return 1
	lab_sluice "$1" status --json >"$LAB_DIR/status-$1" || return 1
	fabric_doors "$1" "$LAB_DIR/status-$1"
}

lab_begin
check "pn the WAN is watched" wan_watch "udp port 51820 and ip[6:2] & 0x3fff = 0 and $(fabric_gateways)"
[ $lab_failed = 1 ] && exit 1
check "pn without sluice and tunnels pn-main's net-ingress is on the WAN, and the watch sees it" control
check_once "pn sluice check says nothing but what is known of VLAN 109" check_silent
check "pn the tunnels between all gateways ($(fabric_carrier))" tunnels_up
for node in $(lab_nodes); do check "pn the plan applies whole on $node" whole "$node"; done
[ $lab_failed = 1 ] && exit 1
[ -z "${LAB_SMALL:-}" ] || skip "pn the other five nodes, and workloads on them: LAB_SMALL leaves them out"
wan_empty
TUNNEL=$(sites_real && echo real)
export TUNNEL
scenarios pn.py marks pairs
if [ -n "${LAB_SMALL:-}" ]; then
	skip "pn an edge without sluice: LAB_SMALL leaves it out"
else
	check "pn sluice goes from contabo-1" lab_sluice contabo-1 down
	scenarios pn.py bare_edge
fi
check "pn in all of that the WAN saw nothing but tunnels between gateways" wan_clean
lab_end
