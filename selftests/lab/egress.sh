# SPDX-License-Identifier: GPL-2.0
# The kube-dc site around a lab as it is seen from inside: what lies beyond the nodes; sourced by nat.sh.
#
#   router  the gateway of all: 168.119.17.49 on VLAN 4011, 100.65.0.1 on VLAN 4013, 88.99.29.193 untagged
#   out     203.0.113.10-13 behind it: servers that tell whom they saw
#   client  88.99.218.47 behind it
#   cloud   100.65.0.50, a host on VLAN 4013 itself
#
# servers.py answers in every workload, in out and in cloud. watch_wire keeps every packet that a node sends to the
# wire with a source that is neither the node's nor of an external network: there must be none as long as sluice is
# up. Nothing here may know of sluice.

FABRIC=$LAB_DIR/servers
uplink=enp0s31f6
strangers='src net 168.119.17.48/28 or src net 100.65.0.0/16 or src net 88.99.29.192/26'

egress_up() {
	local node address name iface length gateway mac
	lab_netns router out client cloud || return 1
	lab_port router public r-public && lab_port router cloud r-cloud && lab_port router plain r-plain &&
		lab_port cloud eth0 cloud || return 1
	lab_access r-public 4011 && lab_access r-cloud 4013 && lab_access cloud 4013 || return 1
	ip -n "$LAB-router" link add out up type veth peer name eth0 netns "$LAB-out" || return 1
	ip -n "$LAB-router" link add client up type veth peer name eth0 netns "$LAB-client" || return 1
	printf '%s\n' 'address add 168.119.17.49/28 dev public' 'address add 100.65.0.1/16 dev cloud' \
		'address add 88.99.29.193/26 dev plain' 'address add 203.0.113.1/24 dev out' \
		'address add 88.99.218.1/24 dev client' 'route add blackhole default' | ip -n "$LAB-router" -batch - || return 1
	sysctls router ipv4/ip_forward=1 ipv4/icmp_ratelimit=0 || return 1
	printf '%s\n' 'link set eth0 up' 'address add 203.0.113.10/24 dev eth0' 'address add 203.0.113.11/24 dev eth0' \
		'address add 203.0.113.12/24 dev eth0' 'address add 203.0.113.13/24 dev eth0' \
		'route add default via 203.0.113.1' | ip -n "$LAB-out" -batch - || return 1
	printf '%s\n' 'link set eth0 up' 'address add 88.99.218.47/24 dev eth0' \
		'route add default via 88.99.218.1' | ip -n "$LAB-client" -batch - || return 1
	printf '%s\n' 'address add 100.65.0.50/16 dev eth0' 'route add default via 100.65.0.1' |
		ip -n "$LAB-cloud" -batch - || return 1
	for name in out cloud; do
		sysctls $name core/somaxconn=65535 ipv4/tcp_max_syn_backlog=16384 ipv4/icmp_ratelimit=0 || return 1
	done
	for node in $(lab_nodes); do
		address=$(lab_node_addresses "$node")
		printf '%s\n' "address del $address/32 dev lo" "address add $address/26 dev $uplink" \
			'route add default via 88.99.29.193' | ip -n "$LAB-$node" -batch - || return 1
		sysctls "$node" ipv4/ip_forward=1 || return 1
	done
	# Pods know nobody but their gateway, as where an overlay answers for their neighbours on other nodes.
	lab_workloads | while read -r name node iface address length gateway mac; do
		printf '%s\n' "address del $address/$length dev eth0" "address add $address/32 dev eth0" \
			"route add $gateway dev eth0" "route add default via $gateway dev eth0" |
			ip -n "$LAB-$name" -batch - || exit 1
	done || return 1
	lab_wire_ready
}

# Everybody who answers: the workloads, and the two outside.
egress_servers() {
	mkdir -p "$FABRIC"
	jq '{ workloads: (.workloads + [{ name: "out" }, { name: "cloud" }]) }' "$PLAN" >"$FABRIC/who.json" || return 1
	"$PYTHON" "$here/selftests/lab/servers.py" "$LAB" "$FABRIC/who.json" "$FABRIC" >"$FABRIC/ready" 2>"$FABRIC/errors" &
	until_true 120 test -s "$FABRIC/ready" || { cat "$FABRIC/errors" && return 1; }
}

# --- what no node may send
watch_wire() {
	local node port n=0
	for node in $(lab_nodes); do
		n=$((n + 1)) port=port$n
		nsenter --net="/run/netns/$LAB-switch" tcpdump -i $port -Q in -nn -l --immediate-mode \
			"ip and not ($strangers) or vlan and ip and not ($strangers)" >"$LAB_DIR/wire-$node" 2>"$LAB_DIR/wire-$node.log" &
		echo $! >"$LAB_DIR/wire-$node.pid"
		disown
		until_true $PATIENT grep -q 'listening on' "$LAB_DIR/wire-$node.log" || { cat "$LAB_DIR/wire-$node.log" && return 1; }
	done
}
wire_clean() {
	local node left
	for node in $(lab_nodes); do
		kill -0 "$(cat "$LAB_DIR/wire-$node.pid")" || { echo "the watch of $node has ended" && return 1; }
		left=$(wc -l <"$LAB_DIR/wire-$node")
		[ "$left" = 0 ] || { echo "$node sent $left: $(head -n 2 "$LAB_DIR/wire-$node" | tr '\n' ';')" && return 1; }
	done
}
wire_empty() { local node; for node in $(lab_nodes); do : >"$LAB_DIR/wire-$node"; done; }
# A node without sluice as the workload's router: the private source is on the wire, so the watch can see one.
wire_control() {
	local node=worker-1
	ip -n "$LAB-$node" address add 10.110.0.1/32 dev lo || return 1
	lab_in plain-1 ping -q -c 2 -i 0.2 -W 1 203.0.113.10 >/dev/null
	ip -n "$LAB-$node" address del 10.110.0.1/32 dev lo || return 1
	ip -n "$LAB-plain-1" neigh flush all
	until_true $PATIENT grep -q '10\.110\.0\.11 > 203\.0\.113\.10' "$LAB_DIR/wire-$node"
}

# --- agents, so that one can be killed and started again
agent_start() { # NODE
	SLUICE_PINS=$lab_bpffs/sluice-$LAB-$1 SLUICE_STATE=$LAB_DIR/$1 nsenter --net="/run/netns/$LAB-$1" \
		"$SLUICE" run --no-metrics >"$LAB_DIR/agent-$1" 2>&1 &
	echo $! >"$LAB_DIR/agent-$1.pid"
	disown
	until_true $PATIENT grep -q "agent on node" "$LAB_DIR/agent-$1" || { tail -n 1 "$LAB_DIR/agent-$1" && return 1; }
}
