#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Between two clusters: one with VLANs, one an overlay, a gateway and another node in each, a tunnel between the
# gateways. What the routes list works and nothing else, and the WAN sees the tunnel only, whatever happens to it.
# wan.py and wan_guard.py try it with real programs and frames while every packet that comes to the router is watched.
#
# LAB_ONLY="routes clear…" runs only those scenarios.
set -uo pipefail
PLAN=${PLAN:-$(cd "$(dirname "$0")" && pwd)/wan.json}
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/wan_site.sh"
site_tools wan

# The tunnel's packets, whole; and what the scenarios send on purpose to see that the guard's neighbours pass.
gateways='host 192.0.2.10 and host 198.51.100.10'
allowed="$gateways and (udp port 51820 and ip[6:2] & 0x3fff = 0 or tcp port 6644 or udp port 6082 or icmp[icmptype] = 3)"

servers() {
	"$PYTHON" "$here/selftests/lab/servers.py" "$LAB" "$PLAN" "$LAB_DIR" >"$LAB_DIR/ready" 2>"$LAB_DIR/errors" &
	echo $! >"$LAB_DIR/servers.pid"
	until_true 120 test -s "$LAB_DIR/ready" || { cat "$LAB_DIR/errors" && return 1; }
}
# Nodes that route their pods without sluice and without a tunnel: the prefixes are on the WAN, so the watch sees them.
control() {
	ip -n "$LAB-w1" address add 192.168.107.1/32 dev lo && ip -n "$LAB-e1" address add 10.17.14.1/32 dev lo || return 1
	lab_in w-in ping -q -c 1 -W 1 10.17.14.11 >/dev/null
	lab_in e-plat ping -q -c 1 -W 1 192.168.107.11 >/dev/null
	ip -n "$LAB-w1" address del 192.168.107.1/32 dev lo && ip -n "$LAB-e1" address del 10.17.14.1/32 dev lo
	lab_in w-in ip neigh flush all && lab_in e-plat ip neigh flush all
	until_true $PATIENT grep -q '192.168.107.11 > 10.17.14.11' "$LAB_DIR/wan-west" &&
		until_true $PATIENT grep -q '10.17.14.11 > 192.168.107.11' "$LAB_DIR/wan-east"
}

lab_begin
check "wan the WAN is watched" wan_watch "$allowed"
[ $lab_failed = 1 ] && exit 1
check "wan without sluice and tunnel the clusters' prefixes are on the WAN, and the watch sees them" control
scenarios wan_guard.py open
check "wan the overlay's own way between its nodes" overlay_link e1 e2
check "wan the tunnel ($(sites_real && echo WireGuard || echo "a stand-in: the kernel has no WireGuard"))" tunnels_up
check "wan servers in every workload" servers
check_once "wan sluice check" "$SLUICE" check --plan "$PLAN"
check "wan sluice up on every node" lab_sluice_up
[ $lab_failed = 1 ] && exit 1
for node in w1 e1; do check "wan an agent on $node" agent_start "$node"; done
wan_empty

scenarios wan.py routes seen clamp bulk too_big
scenarios wan_guard.py clear outside_tunnel inside_tunnel peers
scenarios wan.py told distance
check "wan in all of that the WAN saw nothing but the tunnel between the gateways" wan_clean

# Clients keep trying, by flows that were there and by new ones, while the device is down and then gone.
scenarios wan.py down
for node in w1 e1; do check "wan the tunnel is gone on $node" tunnel_down "$node"; done
scenarios wan.py gone
check "wan without its tunnel nothing of the clusters is on the WAN" wan_clean
check "wan the tunnel is made again" tunnels_up
scenarios wan.py again
[ -n "${LAB_FAST:-}" ] || scenarios wan.py routes
check "wan the WAN saw nothing but the tunnel to the end" wan_clean
# What qos.sh tries elsewhere. Round trips on a full link are left to LAB_ONLY=trunk ./qos_full.sh in a guest that has a
# processor to itself: two guests side by side stand still for longer than what is measured.
if [ -n "${LAB_FAST:-}" ]; then
	kill "$(cat "$LAB_DIR/servers.pid")"
	site_qos
	scenarios qos.py through rates
fi
lab_end
