#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two clusters on one segment, as the plan talos says it: three nodes each, a mesh gateway behind a VIP on either side,
# a NAS beside them, no tunnel. Every node has routes to the pods of all others, so that nothing but sluice keeps the
# clusters apart; talos.py tries what the plan opens and what it does not.
#
# LAB_ONLY="mesh backup…" runs only those scenarios.
set -uo pipefail
FABRIC_PLAN=$(cd "$(dirname "$0")/../plans" && pwd)/talos.json
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sites.sh"
. "$(dirname "$0")/fabric.sh"
site_tools talos
[ -z "${LAB_FAST:-}" ] || { skip "talos: an emulated processor; pn and wan try the same doors there" && exit 0; }
fabric_site 'infra-1 infra-2 infra-3 apps-1 apps-2 apps-3' '[
	{ "name": "infra-web", "network": "infra-pods", "address": "10.244.2.10", "node": "infra-2" },
	{ "name": "apps-web", "network": "apps-pods", "address": "10.246.2.10", "node": "apps-2" }]' ||
	{ not_ok "talos: no site from the plan" && exit 1; }

talos_underlay=$(jq -r '.clusters[].nodes | to_entries[] | "\(.key) eth0 lan \(.value.addresses[0])/24"' "$PLAN")
underlay() { echo "$talos_underlay"; }
ends() { :; }
NAS=$(jq -r '.groups.nas.members[0]' "$PLAN")

nas_up() {
	lab_netns nas && sites_port nas eth0 lan && sites_ready &&
		printf '%s\n' "address add $NAS/24 dev eth0" 'route add default via 10.25.11.1' | ip -n "$LAB-nas" -batch -
}
# Each cluster's pods on its other node are reached by its overlay, the other cluster's by the segment.
pod_routes() {
	local node where addr
	overlay_link infra-1 infra-2 && overlay_link apps-1 apps-2 || return 1
	for node in $(lab_nodes); do
		lab_workloads | while read -r _ where _ addr _; do
			[ "${node%-*}" = "${where%-*}" ] || echo "route add $addr/32 via $(underlay_of "$where")"
		done | ip -n "$LAB-$node" -batch - || return 1
	done
}
whole() { # NODE: up has nothing to say, and every interface has its doors
	local said
	said=$(lab_sluice "$1" up --plan "$FABRIC_PLAN" --node "$1" 2>&1 >/dev/null) && [ -z "$said" ] ||
		{ echo "$said" && return 1; }
	lab_sluice "$1" status --json >"$LAB_DIR/status-$1" && fabric_doors "$1" "$LAB_DIR/status-$1"
}
check_silent() { # `sluice check` has nothing to say
	local said
	said=$("$SLUICE" check --plan "$FABRIC_PLAN" 2>&1 >/dev/null) && [ -z "$said" ] || { echo "$said" && return 1; }
}

lab_begin
check "talos the NAS on the segment" nas_up
check "talos routes to every pod on every node" pod_routes
[ $lab_failed = 1 ] && exit 1
scenarios talos.py control
check "talos sluice check says nothing" check_silent
for node in $(lab_nodes); do check "talos the plan applies whole on $node" whole "$node"; done
[ $lab_failed = 1 ] && exit 1
for node in $(lab_nodes); do check "talos an agent on $node" agent_start "$node"; done
scenarios talos.py apart mesh sources backup
check "talos sluice goes from infra-2" lab_sluice infra-2 down
scenarios talos.py bare_node
lab_end
