# SPDX-License-Identifier: GPL-2.0
# Several clusters of a plan and the WAN between them as network namespaces; sourced after lib.sh by the labs of what
# goes between clusters and of quality of service.
#
#   switch  a bridge br-SEGMENT for each segment: the trunk of one cluster, which carries every frame as it is
#   wan     the router between all segments, .1 on each: everything that leaves a cluster untagged comes by here,
#           and what it gets is watched. 203.0.113.200-203 stand on it as the world.
#   nodes   with their underlay address on the segment and a default route to `wan`
#   wg0     on every gateway: WireGuard where the kernel has it, else tunnel.c, which looks the same from outside
#
# The lab says: underlay(), lines "NODE UPLINK SEGMENT ADDRESS/LENGTH", the first of a node has the default route;
# ends(), lines "NODE PREFIX NODE": whose packets to PREFIX go through the tunnel to which gateway. Nothing here may
# know of sluice.

SITES_MTU=${SITES_MTU:-1420}
WORLD="203.0.113.200 203.0.113.201 203.0.113.202 203.0.113.203"

# --- all clusters instead of the first one
lab_nodes() { jq -r '.clusters[].nodes | keys[]' "$PLAN"; }
lab_workloads() { # name node interface address length gateway mac; an interface of our own where the plan names none
	jq -r '. as $p | .workloads[] | . as $w | select(.address) |
		($p.clusters | to_entries[] | select(.value.nodes[$w.node]) | .key) as $c | ($p.networks[.network].sites[$c]) as $s |
		[.name, .node, .interface // "v-" + .name[0:13], .address, ($s.cidrs[0] | split("/")[1]), $s.gateway // "-",
		 .mac // "-", if $s.vlan then "vlan" else "overlay" end] | @tsv' "$PLAN"
}
lab_routed() { jq -r '.workloads[].name' "$PLAN"; }
underlay_of() { underlay | awk -v n="$1" '$1 == n { sub("/.*", "", $4); print $4; exit }'; }

sites_port() { # NAME IFACE SEGMENT
	local port=p-$1-$2
	port=${port:0:15}
	ip -n "$LAB-switch" link add "$port" type veth peer name "$2" netns "$LAB-$1" &&
		ip -n "$LAB-switch" link set "$port" master "br-$3" up && ip -n "$LAB-$1" link set "$2" up && lab_offload "$port"
}
sites_segments() { underlay | awk '{ sub(/\.[0-9]+\//, ".1/", $4); print $3, $4 }' | sort -u; }

lab_up() {
	local segment address node uplink first workloads names=() name
	mountpoint -q $lab_bpffs || mount -t bpf bpf $lab_bpffs
	mkdir -p "$LAB_DIR"
	workloads=$(lab_workloads)
	while read -r name _; do names+=("$name"); done <<<"$workloads"
	# shellcheck disable=SC2046
	lab_netns switch wan $(lab_nodes) "${names[@]}" || return 1
	while read -r segment address; do
		ip -n "$LAB-switch" link add "br-$segment" up type bridge mcast_snooping 0 || return 1
		sites_port wan "$segment" "$segment" && ip -n "$LAB-wan" address add "$address" dev "$segment" || return 1
	done < <(sites_segments)
	for address in $WORLD; do echo "address add $address/32 dev lo"; done | ip -n "$LAB-wan" -batch - || return 1
	sysctls wan ipv4/ip_forward=1 ipv4/icmp_ratelimit=0 || return 1
	first=''
	while read -r node uplink segment address; do
		sites_port "$node" "$uplink" "$segment" && ip -n "$LAB-$node" address add "$address" dev "$uplink" || return 1
		[ "$node" = "$first" ] || ip -n "$LAB-$node" route add default via "${address%.*}.1" || return 1
		first=$node
	done < <(underlay)
	for node in $(lab_nodes); do
		sysctls "$node" ipv4/ip_forward=1 ipv4/icmp_ratelimit=0 || return 1
		sites_workloads "$node" "$workloads" || return 1
	done
	sites_ready
}

# Pods of an overlay, and those whose interface the plan does not name, know nobody but their gateway.
sites_workloads() { # NODE WORKLOADS
	local name node iface addr len gateway mac kind extra
	while read -r name node iface addr len gateway mac kind; do
		[ "$node" = "$1" ] || continue
		extra=''
		[ "$mac" = - ] || extra="address $mac"
		# shellcheck disable=SC2086
		printf '%s\n' "link add $iface up type veth peer name eth0 $extra netns $LAB-$name" "route add $addr/32 dev $iface" |
			ip -n "$LAB-$1" -batch - || return 1
		if [ "$kind" = vlan ]; then
			printf '%s\n' "address add $addr/$len dev eth0" "link set eth0 up" "route add default via $gateway" |
				ip -n "$LAB-$name" -batch - || return 1
			continue
		fi
		if [ "$gateway" = - ]; then # the CNI's own, at the node's end
			gateway=169.254.1.1
			ip -n "$LAB-$1" address add 169.254.1.1/32 dev "$iface" || return 1
		fi
		printf '%s\n' "address add $addr/32 dev eth0" "link set eth0 up" "route add $gateway dev eth0" \
			"route add default via $gateway dev eth0" | ip -n "$LAB-$name" -batch - || return 1
	done <<<"$2"
}
sites_ready() {
	until_true $PATIENT sites_up || { echo "lab: the switch's ports do not come up" && return 1; }
}
sites_up() { [ -z "$(ip -n "$LAB-switch" -o link show type veth | grep -v 'state UP')" ]; }

sites_has() { # QDISC...: does the kernel have it?
	local status
	ip -n "$LAB-wan" link add qdisc-try type veth peer name qdisc-peer && lab_in wan tc qdisc add dev qdisc-try root "$@" 2>/dev/null
	status=$?
	ip -n "$LAB-wan" link del qdisc-try
	return $status
}

# --- the tunnel: each gateway's end at 10.99.0.N, N its place among the nodes
sites_real() { # does the kernel have WireGuard?
	[ -n "${sites_wg:-}" ] || {
		sites_wg=no
		if ip -n "$LAB-wan" link add wg-try type wireguard 2>/dev/null; then
			ip -n "$LAB-wan" link del wg-try
			command -v wg >/dev/null && sites_wg=yes
		fi
	}
	[ "$sites_wg" = yes ]
}
sites_number() { lab_nodes | grep -nx "$1" | cut -d: -f1; }
sites_key() { [ -s "$LAB_DIR/$1.key" ] || (umask 077 && wg genkey >"$LAB_DIR/$1.key"); }
tunnel_up() { # NODE
	local node=$1 prefix peer allowed
	if sites_real; then
		sites_key "$node"
		ip -n "$LAB-$node" link add wg0 mtu "$SITES_MTU" type wireguard || return 1
		lab_in "$node" wg set wg0 listen-port 51820 private-key "$LAB_DIR/$node.key" || return 1
		for peer in $(ends | awk -v n="$node" '$1 == n { print $3 }' | sort -u); do
			sites_key "$peer"
			allowed=$(ends | awk -v n="$node" -v p="$peer" '$1 == n && $3 == p { print $2 }' | paste -sd,)
			lab_in "$node" wg set wg0 peer "$(wg pubkey <"$LAB_DIR/$peer.key")" endpoint "$(underlay_of "$peer"):51820" \
				allowed-ips "$allowed,10.99.0.$(sites_number "$peer")/32" || return 1
		done
	else
		# shellcheck disable=SC2046
		nsenter --net="/run/netns/$LAB-$node" "$here/build/lab/tunnel" wg0 51820 $(ends | while read -r n prefix peer; do
			[ "$n" != "$node" ] || echo "$prefix=$(underlay_of "$peer") 10.99.0.$(sites_number "$peer")/32=$(underlay_of "$peer")"
		done) >"$LAB_DIR/tunnel-$node.log" 2>&1 &
		echo $! >"$LAB_DIR/tunnel-$node.pid"
		disown
		until_true $PATIENT ip -n "$LAB-$node" link show wg0 || { cat "$LAB_DIR/tunnel-$node.log" && return 1; }
	fi
	{
		echo "link set wg0 mtu $SITES_MTU up"
		echo "address add 10.99.0.$(sites_number "$node")/24 dev wg0"
		ends | awk -v n="$node" '$1 == n { print "route add " $2 " dev wg0" }'
	} | ip -n "$LAB-$node" -batch -
}
tunnel_down() { # NODE: the device is gone, its routes with it
	if sites_real; then
		ip -n "$LAB-$1" link del wg0
	else
		kill "$(cat "$LAB_DIR/tunnel-$1.pid")" && until_true $PATIENT tunnel_gone "$1"
	fi
}
tunnel_gone() { ! ip -n "$LAB-$1" link show wg0 2>/dev/null; }
tunnels_up() { local node; for node in $(ends | cut -d' ' -f1 | sort -u); do tunnel_up "$node" || return 1; done; }

# --- the overlay's own way between two nodes of a cluster, as a CNI makes it: VXLAN
overlay_link() { # NODE NODE: routes to each other's pods, and the second one's way to other clusters through the first
	local i=1 node other prefix name where addr kind
	for node in "$1" "$2"; do
		[ "$node" = "$1" ] && other=$2 || other=$1
		{
			echo "link add vx0 mtu $((SITES_MTU < 1450 ? SITES_MTU : 1450)) up type vxlan id 7 dstport 4789 local $(underlay_of "$node") remote $(underlay_of "$other")"
			echo "address add 172.31.0.$i/30 dev vx0"
			lab_workloads | while read -r name where _ addr _ _ _ kind; do
				[ "$where" != "$other" ] || echo "route add $addr/32 via 172.31.0.$((3 - i)) dev vx0"
			done
			[ $i = 1 ] || ends | awk -v n="$1" '$1 == n { print "route add " $2 " via 172.31.0.1 dev vx0" }'
		} | ip -n "$LAB-$node" -batch - || return 1
		i=$((i + 1))
	done
}

# --- what comes to the router and no node may have sent
wan_watch() { # FILTER OF WHAT IS ALLOWED
	local segment
	while read -r segment _; do
		lab_in wan tcpdump -i "$segment" -Q in -nn -l --immediate-mode "ip and not ($1) and not vlan" \
			>>"$LAB_DIR/wan-$segment" 2>"$LAB_DIR/wan-$segment.log" &
		echo $! >"$LAB_DIR/wan-$segment.pid"
		disown
	done < <(sites_segments)
	while read -r segment _; do
		until_true $PATIENT grep -q 'listening on' "$LAB_DIR/wan-$segment.log" || { cat "$LAB_DIR/wan-$segment.log" && return 1; }
	done < <(sites_segments)
}
wan_clean() {
	local segment left
	while read -r segment _; do
		kill -0 "$(cat "$LAB_DIR/wan-$segment.pid")" || { echo "the watch of $segment has ended" && return 1; }
		left=$(wc -l <"$LAB_DIR/wan-$segment")
		[ "$left" = 0 ] || { echo "$left on $segment: $(head -n 2 "$LAB_DIR/wan-$segment" | tr '\n' ';')" && return 1; }
	done < <(sites_segments)
}
wan_empty() { local segment; while read -r segment _; do : >"$LAB_DIR/wan-$segment"; done < <(sites_segments); }

# --- agents
agent_start() { # NODE
	lab_on "$1" "$SLUICE" run >"$LAB_DIR/agent-$1" 2>&1 &
	disown
	until_true $PATIENT grep -q "agent on node" "$LAB_DIR/agent-$1" || { tail -n 1 "$LAB_DIR/agent-$1" && return 1; }
}
# What a lab of several clusters begins with, and how its scenarios run.
site_tools() { # LAB
	local tool
	for tool in jq tcpdump ping; do
		command -v $tool >/dev/null || { skip "$1: $tool is missing" && exit 0; }
	done
	lab_tools >/dev/null || { not_ok "$1: $(lab_tools | tail -n 1)" && exit 1; }
}
scenarios() { # FILE NAME...: those of them that LAB_ONLY does not leave out
	local wanted=() name file=$1
	shift
	for name in "$@"; do [[ " ${LAB_ONLY:-$*} " != *" $name "* ]] || wanted+=("$name"); done
	[ ${#wanted[@]} = 0 ] || LAB_ONLY="${wanted[*]}" "$PYTHON" "$here/selftests/lab/$file" "$LAB" "$PLAN" "$SLUICE" \
		"$lab_bpffs/sluice-$LAB" "$LAB_DIR" || lab_failed=1
}
