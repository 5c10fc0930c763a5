# SPDX-License-Identifier: GPL-2.0
# A plan of several clusters as it is shipped, on a site of its own nodes; sourced after sites.sh by the labs of whole
# fabrics. The plan that sluice gets is $FABRIC_PLAN, a file or a directory, untouched; $PLAN is what the site is built
# from: the same as one file, without the nodes that are left out, with pods that the plan does not name.
# Nothing here may know of sluice, but of what it says.

fabric_site() { # NODES [WORKLOADS]: the nodes that there are, and more pods as JSON
	local files=("$FABRIC_PLAN")
	[ ! -d "$FABRIC_PLAN" ] || files=("$FABRIC_PLAN"/*.json)
	mkdir -p "$LAB_DIR"
	PLAN=$LAB_DIR/site.json fabric_nodes=$1
	jq -s --arg nodes "$1" --argjson more "${2:-[]}" '
		def join($a; $b): if ($a | type) == "object" and ($b | type) == "object"
			then reduce ($b | keys[]) as $k ($a; .[$k] = if has($k) then join(.[$k]; $b[$k]) else $b[$k] end)
			elif ($a | type) == "array" and ($b | type) == "array" then $a + $b else $b end;
		($nodes | split(" ")) as $here | reduce .[] as $file ({}; join(.; $file)) |
		.clusters[].nodes |= with_entries(select(.key | IN($here[]))) |
		.workloads |= map(select(.node | IN($here[]))) | .workloads += $more' "${files[@]}" >"$PLAN"
}
lab_nodes() { echo "${fabric_nodes// /$'\n'}"; } # asked for often
# A gateway to another, as a filter of tcpdump.
fabric_gateways() {
	local all
	all=$(jq -r '[.clusters[].nodes[] | select(.gateway) | .addresses[-1]] | join(" or ")' "$PLAN")
	echo "src host ($all) and dst host ($all)"
}
fabric_carrier() { if sites_real; then echo WireGuard; else echo "a stand-in: the kernel has no WireGuard"; fi; }
# Every interface that the plan gives the node has its doors.
fabric_doors() { # NODE STATUS
	local wanted missing
	wanted=$(jq -r --arg n "$1" '.clusters[] | select(.nodes[$n]) | (.nodes[$n].uplinks | keys[]),
		(if .nodes[$n].gateway then .tunnel.interface // empty else empty end)' "$PLAN"
		jq -r --arg n "$1" '.workloads[] | select(.node == $n and .interface) | .interface' "$PLAN")
	missing=$(grep -vxF "$(jq -r '.doors[].interface' "$2" | sort -u)" <<<"$wanted")
	[ -z "$missing" ] || { echo "no door on $(tr '\n' ' ' <<<"$missing")" && return 1; }
}
