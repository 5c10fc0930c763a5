#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# For people: as whom projects are seen outside, who reaches them, and who does not. Run by scripts/demo.
set -uo pipefail
PLAN=${PLAN:-$(cd "$(dirname "$0")/../plans" && pwd)/kube-dc-nat-lab.json}
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/egress.sh"
wrong=0
die() { echo "demo: $*" >&2 && exit 1; }
trap 'lab_down' EXIT
trap 'exit 1' INT TERM HUP
lab_tools || die "the lab's tools do not build"
lab_up || die "the lab does not come up"
egress_up && egress_servers && watch_wire || die "the site around the nodes does not come up"
for node in $(lab_nodes); do lab_sluice "$node" up --plan "$PLAN" --node "$node" >/dev/null 2>&1 || die "sluice up failed on $node"; done

# WHO ADDRESS PORT WANTED TEXT: the server's line, "NAME CLIENT PORT"; WANTED is its beginning, or "nothing"
try() {
	local said
	said=$(lab_in "$1" timeout 4 nc -w 3 "$2" "$3" </dev/null 2>/dev/null)
	[ -n "$said" ] || said=nothing
	printf '  %-8s %-12s -> %-19s %-40s %s\n' "$1" "$(lab_field "$1" address)" "$2:$3" "$5" \
		"$(awk '$1 == "nothing" { print "no way"; exit } { print $1 " sees " $2 }' <<<"$said")"
	[[ "$said " = "$4 "* ]] || { echo "  NOT AS PLANNED: expected $4" && wrong=1; }
}
echo "Every project leaves by its own EIP; two of them have the same addresses, and the server never sees those:"
try demo-5 203.0.113.10 9000 "out 100.65.0.102" "SNAT, on ext-cloud, VLAN 4013"
try twin-5 203.0.113.10 9000 "out 100.65.0.104" "SNAT, another project's 10.0.10.5"
try dev-1 203.0.113.10 9000 "out 168.119.17.51" "SNAT, on ext-public, VLAN 4011"
try dev-1 100.65.0.50 9000 "cloud 100.65.0.103" "the same, to a host of ext-cloud"
try envoy 203.0.113.10 9000 "out 100.65.0.101" "SNAT, an EIP of both nodes"
try plain-2 203.0.113.10 9000 "out 88.99.29.250" "nat_outgoing: the node's own"
echo "A floating IP stands for one workload, both ways:"
try bohdan 203.0.113.10 9000 "out 168.119.17.57" "out"
printf '  %-8s %-12s -> %-19s %-40s ' client 88.99.218.47 168.119.17.57:9000 "in"
said=$(lab_in client timeout 4 nc -w 3 168.119.17.57 9000 </dev/null 2>/dev/null)
awk '{ print $1 " sees " $2 }' <<<"$said"
[[ $said = "bohdan 88.99.218.47 "* ]] || wrong=1
echo "Inside, outside addresses work as outside; another project's only where it lets one in:"
try bohdan 168.119.17.58 9000 "ivan 168.119.17.57" "from one floating IP to another"
try dev-2 168.119.17.57 9000 "bohdan 168.119.17.51" "from an EIP to a floating IP"
try envoy 100.65.0.112 80 "app 100.65.0.101" "a project's VIP, from_vpcs: default"
try edge 100.65.0.112 80 nothing "the same, from another project"
try envoy 10.0.10.28 9000 nothing "straight into the project"
wire_clean >/dev/null && echo "  and no packet left a node with a private source" || { echo "  A PRIVATE SOURCE WAS ON THE WIRE: $(wire_clean)" && wrong=1; }
echo "worker-1\$ sluice show eips | grep -vE 'crowd|small| (udp|icmp) '"
lab_sluice worker-1 show eips | grep -vE 'crowd|small| (udp|icmp) ' | sed 's/^/  /'
for node in $(lab_nodes); do
	lab_sluice "$node" down >/dev/null || die "sluice down failed on $node"
	lab_after_sluice_down "$node" || die "something stayed on $node"
done
exit $wrong
