# SPDX-License-Identifier: GPL-2.0
# A site of a plan as network namespaces; sourced by scripts/lab, scripts/demo and the tests beside it.
#
#   nodes      one namespace each, with the uplinks of the plan (veth) and the host ends of its workloads
#   switch     a bridge that knows nothing of VLANs: it carries every frame as it is, as a trunk does
#   wire       one more host on the switch, for tagged frames by hand and for captures
#   workloads  one namespace each: `eth0` with the plan's address and MAC
#
# Every namespace is called $LAB-NAME, so that several labs can stand side by side, and everything goes
# with lab_down. It must never touch an interface, a namespace or a pin that it has not made itself.
#
# Set before sourcing, all optional: LAB (name), SLUICE (the binary), TAGS=frame|metadata: where native XDP
# on the nodes' uplinks meets the VLAN tag, LAB_CACHE=0: the programs go without their line cache. `ip netns exec` would
# hide bpffs: commands run by nsenter.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB=${LAB:-slab$$}
SLUICE=${SLUICE:-$here/build/sluice}
if [ "${LAB_CACHE:-1}" = 0 ] && [ -z "${LAB_SLUICE:-}" ]; then
	export LAB_SLUICE=$SLUICE
	SLUICE=$here/selftests/lab/without_cache
fi
TAGS=${TAGS:-frame}
LAB_DIR=${LAB_DIR:-/tmp/$LAB}
PLAN=${PLAN:-$here/selftests/plans/pn-main-lab.json}
PYTHON=/usr/bin/python3
lab_bpffs=/sys/fs/bpf
lab_failed=0

# --- results: one line each, counted by scripts/test; with LAB_TIMES=1 also how long each took since the one before
ok() { echo "ok $*" && lap; }
not_ok() { echo "not ok $*" && lab_failed=1 && lap; }
skip() { echo "skip $*" && lap; }
lab_last=${EPOCHREALTIME/[.,]/}
lap() {
	[ -z "${LAB_TIMES:-}" ] || echo "--- $(((${EPOCHREALTIME/[.,]/} - lab_last) / 1000)) ms"
	lab_last=${EPOCHREALTIME/[.,]/}
}
# check NAME COMMAND...: ok if the command succeeds, else its output after "not ok"
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then ok "$name"; else not_ok "$name: $(tail -n 3 <<<"$out" | tr '\n' ' ')"; fi
}
# check_once NAME COMMAND...: what no kernel has a part in; a guest need not repeat it
check_once() {
	if [ -n "${SLUICE_VM:-}" ]; then skip "$1: no kernel has a part in it, tried outside the guests"; else check "$@"; fi
}
# What should come may take so long where others use the machine as well; it is only waited for if it does not.
PATIENT=$((20 + 10 * ${PROBE_SLOW:-1}))
# until_true SECONDS COMMAND...: tries ten times a second
until_true() {
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/[.,]/}" -lt $end ] || return 1
		sleep 0.1
	done
}

# at_once COMMAND...: within a second, and seven looks at least: who steals time takes it from the looking as well
at_once() {
	local end=$((${EPOCHREALTIME/[.,]/} + 1000000)) look
	for ((look = 1; ; look++)); do
		! "$@" >/dev/null 2>&1 || return 0
		[ $look -lt 7 ] || [ "${EPOCHREALTIME/[.,]/}" -lt $end ] || return 1
		sleep 0.1
	done
}

# An iperf3 under changes. A second without a byte is a loss only where TCP had to send again, and what it sent again had
# not come before: a machine that has no time for it stands still as well, but loses nothing.
sent_again() { # FROM PORT: how many segments its connections sent again, less those that the other side then had twice
	lab_in "$1" ss -Htin "dport = :$2" | awk '{ for (i = 1; i <= NF; i++) {
		k = split($i, a, /[:\/]/); if (k == 3 && a[1] == "retrans") n += a[3]; if (k == 2 && a[1] == "dsack_dups") n -= a[2] } }
		END { if (NR) print n + 0 }'
}
stood_still() { # JSON WHAT-SENT_AGAIN-SAID: seconds
	jq --argjson lost "${2:-1}" '[.intervals[].sum] | [range(length) as $i | select($lost > 0 and .[$i].bits_per_second == 0 and
		([.[$i:$i + 2][].retransmits] | add) > 0)] | length' "$1" 2>/dev/null
}

# --- what the plan says, as lines
lab_cluster() { jq -r '.clusters | keys[0]' "$PLAN"; }
lab_nodes() { jq -r '.clusters | .[keys[0]].nodes | keys[]' "$PLAN"; }
lab_uplinks() { jq -r --arg n "$1" '.clusters | .[keys[0]].nodes[$n].uplinks | keys[]' "$PLAN"; }
lab_node_addresses() { jq -r --arg n "$1" '.clusters | .[keys[0]].nodes[$n].addresses[]' "$PLAN"; }
# name node interface address prefix-length gateway mac; workloads whose interface the plan names
lab_workloads() {
	jq -r '. as $p | (.clusters | keys[0]) as $c | .workloads[] | select(.interface) |
		.name as $n | ($p.networks[.network].sites[$c]) as $s |
		[.name, .node, .interface, .address, ($s.cidrs[0] | split("/")[1]), $s.gateway // "-", .mac // "-"] |
		@tsv' "$PLAN"
}
# names of those that have a route of the node: equal addresses in other VPCs could not
lab_routed() { jq -r '.networks as $n | .workloads[] | select($n[.network].vpc // "default" | . == "default") | .name' "$PLAN"; }
lab_field() { jq -r --arg w "$1" --arg f "$2" '.workloads[] | select(.name == $w) | .[$f]' "$PLAN"; }

# --- running things inside
lab_in() { local ns=$1 && shift && nsenter --net="/run/netns/$LAB-$ns" "$@"; }
lab_on() { # NODE COMMAND...: with this node's own pins and state
	local node=$1
	shift
	SLUICE_PINS=$lab_bpffs/sluice-$LAB-$node SLUICE_STATE=$LAB_DIR/$node lab_in "$node" "$@"
}
lab_sluice() { local node=$1 && shift && lab_on "$node" "$SLUICE" "$@"; }
lab_sluice_up() { # [PLAN]
	local node plan=${1:-$PLAN}
	for node in $(lab_nodes); do
		lab_sluice "$node" up --plan "$plan" --node "$node" || return 1
	done
}
lab_sluice_apply() { # [PLAN]
	local node plan=${1:-$PLAN}
	for node in $(lab_nodes); do
		lab_sluice "$node" apply --plan "$plan" --node "$node" || return 1
	done
}

# lab_rows TABLE...: every row of these pinned tables, "NAME ROW" a line; sorted, the order of rows means nothing.
lab_rows() {
	{ printf 'map dump pinned %s\n' "$@" | bpftool -j batch file - || echo "bpftool fails: $RANDOM$RANDOM"; } |
		LC_ALL=C sed -E 's/(\]\},|^\[)\{"command":[^]]*\/([a-z_0-9]*)"\],"output":\[/\n=\2\n/g; s/\},\{"key"/}\n{"key"/g; s/\]\}\]$//' |
		awk '/^=/ { name = substr($0, 2) } { print name, $0 }' | sort
}

# Many lines to one `ip` wherever it can be: a process is dear where the processor is emulated.
lab_netns() { # NAME...
	printf "netns add $LAB-%s\n" "$@" | ip -batch - || return 1
	# Quiet: a namespace that speaks IPv6 on its own would count drops that no test has asked for. Routing
	# by the source is for the tests that look at it. No connection inherits the window of one before it, which
	# a test may have starved. And lo is up.
	"$PYTHON" - "${@/#/$LAB-}" <<-'EOF'
		import ctypes, fcntl, os, socket, struct, sys
		libc = ctypes.CDLL(None, use_errno=True)
		for name in sys.argv[1:]:
		    fd = os.open(f"/run/netns/{name}", os.O_RDONLY)
		    if libc.setns(fd, 0x40000000):  # CLONE_NEWNET
		        sys.exit(f"lab: {name}: {os.strerror(ctypes.get_errno())}")
		    os.close(fd)
		    for file, value in (("ipv6/conf/all/disable_ipv6", "1"), ("ipv6/conf/default/disable_ipv6", "1"),
		                        ("ipv4/conf/all/rp_filter", "0"), ("ipv4/conf/default/rp_filter", "0"),
		                        ("ipv4/tcp_no_metrics_save", "1")):
		        try:
		            with open("/proc/sys/net/" + file, "w") as f:
		                f.write(value)
		        except FileNotFoundError:
		            pass  # a kernel without it is quiet
		    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		        fcntl.ioctl(s, 0x8914, struct.pack("16sH22x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
	EOF
}

# A port of the switch and the interface IFACE of namespace NAME at its other end.
lab_port() { # NAME IFACE PORT
	ip -n "$LAB-switch" link add "$3" type veth peer name "$2" netns "$LAB-$1"
	ip -n "$LAB-switch" link set "$3" master br0 up
	ip -n "$LAB-$1" link set "$2" up
	lab_offload "$3"
}
# A veth keeps the tag beside the frame; without these the sender writes it into the frame, as a wire does.
lab_offload() { # PORT
	local offload=off
	[ "$TAGS" = frame ] || offload=on
	lab_in switch ethtool -K "$1" txvlan $offload tx-vlan-stag-hw-insert $offload
}
# The host behind this port of the switch knows nothing of VLANs and stands in one (access.bpf.c, by `make lab-tools`).
lab_access() { # PORT VLAN
	local object="$here/build/lab/access.bpf.o"
	lab_in switch tc qdisc add dev "$1" clsact &&
		lab_in switch tc filter add dev "$1" ingress bpf da obj "$object" sec "tc/push$2" &&
		lab_in switch tc filter add dev "$1" egress bpf da obj "$object" sec "tc/pop$2"
}
lab_tools() { # the guests find them built
	[ -n "${SLUICE_VM:-}" ] || make -s -C "$here" lab-tools || return 1
	[ -x "$here/build/lab/flood" ] && [ -x "$here/build/lab/stream" ] && [ -x "$here/build/lab/tunnel" ] &&
		[ -r "$here/build/lab/access.bpf.o" ] && [ -x "$here/build/lab/datagrams" ] ||
		{ echo "run: make lab-tools" && return 1; }
}
sysctls() { # NAME KEY=VALUE...: below /proc/sys/net
	local name=$1
	shift
	lab_in "$name" sh -c 'for s in "$@"; do echo "${s#*=}" >"/proc/sys/net/${s%%=*}"; done' sh "$@"
}
# From now on the nodes' uplinks meet tags there.
lab_tags() { # frame|metadata
	local port
	TAGS=$1
	export TAGS
	for port in $(ip -n "$LAB-switch" -j link show master br0 | jq -r '.[].ifname'); do
		lab_offload "$port" || { not_ok "lab: the tags do not go to the $TAGS at $port" && return 1; }
	done
}

lab_up() {
	local node uplink name iface addr len gateway mac n=0 i nodes workloads routed names=()
	[ -r "$PLAN" ] || { echo "lab: no plan $PLAN" >&2 && return 1; }
	mountpoint -q $lab_bpffs || mount -t bpf bpf $lab_bpffs
	mkdir -p "$LAB_DIR"
	nodes=$(lab_nodes) workloads=$(lab_workloads) routed=$(lab_routed)
	while read -r name _; do names+=("$name"); done <<<"$workloads"
	lab_netns switch wire $nodes "${names[@]}"
	ip -n "$LAB-switch" link add br0 up type bridge mcast_snooping 0
	lab_port wire eth0 wire
	for node in $nodes; do
		for uplink in $(lab_uplinks "$node"); do
			n=$((n + 1))
			lab_port "$node" "$uplink" "port$n"
		done
		{
			# The host's own address, for what the node says and hears itself.
			for i in $(lab_node_addresses "$node"); do echo "address add $i/32 dev lo"; done
			# The node's own way to its workloads, as a CNI sets it.
			while read -r name i iface addr len gateway mac; do
				[ "$i" = "$node" ] || continue
				[ "$mac" = - ] && mac='' || mac="address $mac"
				echo "link add $iface up type veth peer name eth0 $mac netns $LAB-$name"
				[[ $'\n'$routed$'\n' != *$'\n'$name$'\n'* ]] || echo "route add $addr/32 dev $iface"
			done <<<"$workloads"
		} | ip -n "$LAB-$node" -batch - || return 1
	done
	while read -r name node iface addr len gateway mac; do
		{
			echo "address add $addr/$len dev eth0"
			echo "link set eth0 up"
			[ "$gateway" = - ] || echo "route add default via $gateway"
		} | ip -n "$LAB-$name" -batch - || return 1
	done <<<"$workloads"
	lab_wire_ready
}

# The last port takes a moment to forward.
lab_wire_ready() {
	until_true $PATIENT ports_up && return 0
	echo "lab: the switch's ports do not come up" >&2 && return 1
}

ports_up() { [ -z "$(ip -n "$LAB-switch" -o link show master br0 | grep -v 'state UP')" ]; }

# --- taking it down, and proof that nothing stays
lab_down() {
	local node namespaces pids
	for node in $(lab_nodes 2>/dev/null); do
		[ -e "/run/netns/$LAB-$node" ] && [ -d "$lab_bpffs/sluice-$LAB-$node" ] &&
			lab_sluice "$node" down >/dev/null 2>&1
		rm -rf "$lab_bpffs/sluice-$LAB-$node"
	done
	namespaces=$(ip netns list | awk -v p="$LAB-" 'index($1, p) == 1 { print $1 }')
	if [ -n "$namespaces" ]; then
		# Whatever runs in a namespace of this lab was started by it.
		pids=$( (
			cd /run/netns && stat -L -c '%i' $namespaces | sed 's/$/ ours/'
			stat -L -c '%i %n' /proc/[0-9]*/ns/net 2>/dev/null
		) | awk '$2 == "ours" { ours[$1] } $2 != "ours" && $1 in ours { split($2, part, "/"); print part[3] }')
		[ -z "$pids" ] || kill -9 $pids 2>/dev/null
		sed 's/^/netns delete /' <<<"$namespaces" | ip -batch -
	fi
	pids=$(lab_servers) && kill -9 $pids 2>/dev/null
	rm -rf "$LAB_DIR"
	return 0
}
lab_servers() { pgrep -f "/(servers|flips)\.py $LAB "; } # they stand in no namespace of the lab, only their sockets do
# lab_after_sluice_down NODE: what `sluice down` must not leave on the node's interfaces
lab_after_sluice_down() {
	local left
	left=$(lab_in "$1" tc qdisc show | grep -E 'clsact|ingress'
		lab_in "$1" ip -d link show | grep -oE 'prog/xdp.*'
		ls -d "$lab_bpffs/sluice-$LAB-$1" 2>/dev/null)
	[ -z "$left" ] || { echo "left on $1: $left" && return 1; }
}
lab_leftovers() { # after lab_down
	local left='' end=$((SECONDS + PATIENT))
	while [ $SECONDS -lt $end ]; do # the kernel frees namespaces and programs a little later
		left=$(ip netns list | grep "^$LAB-"
			lab_servers
			ls -d "$lab_bpffs/sluice-$LAB-"* "$LAB_DIR" 2>/dev/null)
		[ -z "$left" ] && return 0
		sleep 0.2
	done
	echo "left behind: $left" && return 1
}

# Raw frames that must not get through, tried by attacks.py on a lab with sluice running.
lab_attacks() {
	"$PYTHON" "$here/selftests/lab/attacks.py" "$LAB" "$PLAN" "$SLUICE" "$lab_bpffs/sluice-$LAB" |
		sed "s/^\(ok\|not ok\) attack /\1 attack (tag in the $TAGS) /"
	[ "${PIPESTATUS[0]}" = 0 ] || lab_failed=1
}

lab_cache_off() { # NODE: or sluice is not there any more
	[ ! -d "$lab_bpffs/sluice-$LAB-$1" ] || lab_sluice "$1" status --json | jq -e '.cache.lines_per_cpu == 0'
}

# Every test: lab_begin, then what it has to say, then lab_end.
lab_begin() {
	trap 'lab_down' EXIT
	trap 'exit 1' INT TERM HUP
	lab_up || { not_ok "${0##*/} lab: it does not come up" && exit 1; }
}
lab_end() {
	local node
	for node in $(lab_nodes); do
		[ "${LAB_CACHE:-1}" = 1 ] || check "${0##*/} $node has gone without its cache" lab_cache_off "$node"
		lab_sluice "$node" down >/dev/null 2>&1 || not_ok "${0##*/} down $node: it fails"
		check "${0##*/} nothing of sluice stays on $node" lab_after_sluice_down "$node"
	done
	lab_down
	check "${0##*/} no namespace, pin or file is left" lab_leftovers
	exit $lab_failed
}
