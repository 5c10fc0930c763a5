#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The agent: what it may do, what it follows, what survives it.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
PLAN=$PWD/agent.json
# shellcheck source=selftests/lab/lib.sh
. ./lib.sh

me=agent
caps_of_agent=000000c000001000 # CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON
no_caps=0000000000000000
log=$LAB_DIR/agent.log

agent_pid() { lab_sluice n1 status --json 2>/dev/null | jq -r '.agent_pid // 0'; }
exporters() { for p in $(ip netns pids "$LAB-n1"); do [ "$(cat "/proc/$p/comm" 2>/dev/null)" = sluice-exporter ] && echo "$p"; done; }
field() { awk -v f="$2:" '$1 == f { print $2 }' "/proc/$1/status"; }
status() { lab_sluice n1 status --json | jq -r "$1"; }
agent_start() { # [COMMAND BEFORE...] -- [OPTION...]
	local before=()
	while [ "$1" != -- ]; do before+=("$1") && shift; done
	shift
	: >"$log"
	{ lab_on n1 ${before[@]+"${before[@]}"} "$SLUICE" run "$@"; } >>"$log" 2>&1 &
	disown # the shell need not tell that it was killed
	until_true 90 grep -q "agent on node" "$log" || { cat "$log" && return 1; }
}
agent_gone() { [ "$(agent_pid)" = 0 ]; }
agent_end() { # SIGNAL
	local pid
	pid=$(agent_pid)
	[ "$pid" -gt 1 ] && kill "-$1" "$pid" && until_true $PATIENT agent_gone
}
pings() { lab_in a1 ping -q -c 2 -i 0.2 -W 5 "${1:-192.168.103.12}"; }

workload_make() { # NAME IFACE ADDRESS MAC: as lab_up does
	ip -n "$LAB-n1" link add "$2" type veth peer name eth0 netns "$LAB-$1" &&
		ip -n "$LAB-n1" link set "$2" up &&
		ip -n "$LAB-$1" link set eth0 address "$4" &&
		ip -n "$LAB-$1" address add "$3/24" dev eth0 &&
		ip -n "$LAB-$1" link set eth0 up &&
		ip -n "$LAB-$1" route add default via "${3%.*}.1"
}
guarded() { # IFACE: its number in the kernel is the one that has doors
	local now
	now=$(ip -n "$LAB-n1" -j link show "$1" | jq '.[0].ifindex') || return 1 # /sys is another namespace's
	[ "$(status ".doors[] | select(.interface == \"$1\") | .ifindex")" = "$now" ]
}

starts_up() { agent_start -- --plan "$PLAN" --node n1 && lab_sluice n1 status; }
second_refused() {
	local out code
	out=$(lab_sluice n1 run --no-metrics 2>&1)
	code=$?
	echo "exit code $code: $out"
	[ $code = 1 ] && grep -q "process $(agent_pid) " <<<"$out"
}
agent_weak() {
	local p
	p=$(agent_pid)
	grep -E '^(Cap|NoNew)' "/proc/$p/status"
	[ "$(field "$p" CapEff)" = $caps_of_agent ] && [ "$(field "$p" CapPrm)" = $caps_of_agent ] &&
		[ "$(field "$p" CapBnd)" = $caps_of_agent ] && [ "$(field "$p" NoNewPrivs)" = 1 ]
}
exporter_weak() {
	local p n=0
	for p in $(exporters); do
		n=$((n + 1))
		grep -E '^(Cap|NoNew|Uid)' "/proc/$p/status"
		[ "$(field "$p" CapEff)" = $no_caps ] && [ "$(field "$p" CapPrm)" = $no_caps ] &&
			[ "$(field "$p" CapBnd)" = $no_caps ] && [ "$(field "$p" NoNewPrivs)" = 1 ] &&
			[ "$(field "$p" Uid)" = 65534 ] || return 1
	done
	[ $n = 2 ]
}
returns() { # IFACE deleted and made again: guarded within a second
	ip -n "$LAB-n1" link del wl-a2 && workload_make a2 wl-a2 192.168.103.12 02:00:00:00:03:0c &&
		at_once guarded wl-a2 && at_once pings
}
uplink_returns() {
	ip -n "$LAB-n1" link del up0 && lab_port n1 up0 port1 && at_once guarded up0 &&
		[ "$(status '.doors[] | select(.interface == "up0") | .xdp')" != none ]
}
# What XDP has brought to a workload no capture on the uplink sees.
seen_at_uplink() { # how many of the data packets of a download from b2 by a1
	rm -f "$LAB_DIR/tcpdump.err" # what the one before said is no word of this one
	# At once, or what its last buffer holds is lost when it ends.
	nsenter --net="/run/netns/$LAB-n1" tcpdump --immediate-mode -i up0 -Q in -nn -s 64 -U -w "$LAB_DIR/up0.pcap" \
		'vlan and greater 1000' 2>"$LAB_DIR/tcpdump.err" &
	local tcpdump=$!
	until_true $PATIENT grep -q listening "$LAB_DIR/tcpdump.err" &&
		lab_in a1 curl -sf --max-time $((20 + PATIENT)) http://192.168.104.12/blob -o "$LAB_DIR/got" && sleep 0.5
	local got=$?
	# Whoever reads what this says would wait for as long as it runs.
	kill $tcpdump && wait $tcpdump
	[ $got = 0 ] || return 1
	cmp "$LAB_DIR/got" "$LAB_DIR/web/blob" >&2 || return 1
	tcpdump -r "$LAB_DIR/up0.pcap" -nn 2>/dev/null | wc -l
}
serves() {
	mkdir -p "$LAB_DIR/web" && head -c 4000000 /dev/urandom >"$LAB_DIR/web/blob"
	lab_in b2 $PYTHON -m http.server -d "$LAB_DIR/web" 80 >/dev/null 2>&1 &
	disown
}
netdev_family() { # Linux 6.3
	local release
	release=$(uname -r)
	[ "${release%%.*}" -gt 6 ] || { [ "${release%%.*}" = 6 ] && [ "$(cut -d. -f2 <<<"$release")" -ge 3 ]; }
}
direct() { [ "$(status '.doors[] | select(.interface == "wl-a1") | .xdp')" = "$1" ]; }
by_xdp() { # a workload with NAPI gets what comes by XDP, and no longer without it
	local seen
	until_true $PATIENT lab_in b2 sh -c 'ss -Hltn "sport = :80" | grep -q .' || return 1
	lab_in a1 ethtool -K eth0 gro on || return 1
	at_once direct direct || { echo "nobody has heard of it" && return 1; }
	# A veth leaves checksums to whoever needs them, which XDP could not tell; a wire does not.
	seen=$(seen_at_uplink) || { echo "the download without checksums fails" && return 1; }
	echo "without checksums $seen packets of 2,800 went by TC"
	[ "$seen" -gt 1500 ] && lab_in switch ethtool -K port1 tx off >/dev/null || return 1
	seen=$(seen_at_uplink) || { echo "the download fails" && return 1; }
	echo "$seen packets of 2,800 went by TC"
	[ "$seen" -lt 1000 ] && lab_in a1 ethtool -K eth0 gro off || return 1
	at_once direct none || { echo "nobody has heard of its end" && return 1; }
	seen=$(seen_at_uplink) || { echo "the download afterwards fails" && return 1; }
	echo "afterwards $seen packets of 2,800 went by TC"
	[ "$seen" -gt 1500 ] && lab_in switch ethtool -K port1 tx on >/dev/null
}
strangers() { # interfaces the plan does not know change nothing; a hundred at once neither
	local before i
	before=$(status .generation)
	for i in {1..100}; do echo "link add dummy$i type veth peer name dummyp$i"; done | lab_in n1 ip -batch - || return 1
	sleep 1
	for i in {1..100}; do echo "link del dummy$i"; done | lab_in n1 ip -batch - || return 1
	sleep 1
	echo "generation $before, then $(status .generation)"
	[ "$(status .generation)" = "$before" ] && [ "$(agent_pid)" != 0 ]
}
neighbour_known() { # nobody has sent a packet to n2: the agent has asked
	lab_in n1 bpftool -j map dump pinned "$lab_bpffs/sluice-$LAB-n1/maps/sl_neigh" |
		jq -e '[.[] | .formatted // . | select(.key.vlan == 104 and .value.state == 1)] | length == 1'
}
sum() { lab_sluice n1 show networks --json | jq '[.[] | .sent.packets] | add'; }
killed() { # with -9, under traffic, and started again: nothing is lost, counters go on
	local before lost round
	lab_in a1 ping -q -c 100 -i 0.05 -W $PATIENT 192.168.103.12 >"$LAB_DIR/ping.out" 2>&1 &
	local ping=$!
	for round in 1 2 3; do
		sleep 0.6
		before=$(sum)
		agent_end KILL || { echo "the agent does not die" && return 1; }
		agent_start -- || return 1
		[ "$(sum)" -ge "$before" ] || { echo "counters went back from $before" && return 1; }
	done
	wait $ping
	lost=$(grep -oE '[0-9.]+% packet loss' "$LAB_DIR/ping.out")
	echo "$lost"
	[ "$lost" = '0% packet loss' ]
}
aged_since() { [ "$(status .stats.flows_aged)" -gt "$1" ]; }
udp_flows() { lab_sluice n1 show flows --proto udp --port "$1" --json | jq -e "length $2"; }
ages() { # a UDP question nobody answers goes after udp_new_s; an ICMP flow stays its minute
	local before
	pings || return 1
	before=$(status .stats.flows_aged)
	lab_in a1 $PYTHON -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 5353)); s.sendto(b"x", ("192.168.103.12", 7777))'
	until_true $PATIENT udp_flows 7777 '== 1' || { echo "no flow" && return 1; }
	until_true $((20 + PATIENT)) udp_flows 7777 '== 0' || { echo "the flow stays" && return 1; }
	until_true $PATIENT aged_since "$before"
	echo "aged before $before, now $(status .stats.flows_aged)"
	aged_since "$before" &&
		lab_sluice n1 show flows --proto icmp --json | jq -e 'length > 0'
}
deaf() { # a2 drops what comes to 7777 without an ICMP error, which would be an answer
	lab_in a2 $PYTHON -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 7777)); time.sleep(120)' &
	until_true $PATIENT lab_in a2 sh -c 'ss -Hlun "sport = :7777" | grep -q .'
}
follows_apply() { # somebody else applies: what the agent patches later is that plan, not its own old one
	jq '.networks["net-c"] = { id: 105, sites: { c1: { vlan: 105, cidrs: ["192.168.105.0/24"] } } }' \
		"$PLAN" >"$LAB_DIR/more.json"
	lab_sluice n1 apply --plan "$LAB_DIR/more.json" --node n1 || return 1
	until_true $PATIENT swept_after $(($(date +%s) + 1)) || { echo "no sweep" && return 1; }
	returns || { echo "not guarded again" && return 1; }
	lab_sluice n1 show networks --json | jq -e '[.[] | select(.network == "net-c")] | length == 1'
}
holds_plan() { # the one that is kept, and no other: whoever renames over it need not wait for the disk to be freed
	[ "$(find "/proc/$(agent_pid)/fd" -lname "$LAB_DIR/n1/plan.json*" -printf '%l\n')" = "$LAB_DIR/n1/plan.json" ]
}
follows_load() { # somebody else loads the programs anew, with another cache: its lines are counted, too
	local progs=$lab_bpffs/sluice-$LAB-n1/progs maps=$lab_bpffs/sluice-$LAB-n1/maps before
	counts_by "$progs/sl_flush" || { echo "the agent has another sl_flush before" && return 1; }
	before=$(id_of map "$maps/sl_line")
	rm "$maps/sl_cache" && lab_sluice n1 up --plan "$LAB_DIR/more.json" --node n1 || return 1
	[ "$(id_of map "$maps/sl_line")" != "$before" ] || { echo "lines of before" && return 1; }
	until_true $PATIENT counts_by "$progs/sl_flush" || { echo "it counts lines of before" && return 1; }
	pings
}
id_of() { bpftool -j "$1" show pinned "$2" | jq .id; }
counts_by() { # the agent holds this program
	grep -qsxP "prog_id:\t$(id_of prog "$1")" "/proc/$(agent_pid)"/fdinfo/*
}
follows_up() { # taken down and brought up behind the agent's back
	lab_sluice n1 down || return 1
	sleep 1.5
	lab_sluice n1 up --plan "$PLAN" --node n1 || return 1
	until_true $PATIENT swept && returns && lab_in n1 curl -sf http://127.0.0.1:9477/healthz
}
# As many flows as no cache of this size has lines for: the agent lets some do without, says so, and takes it back.
stand_aside() { status '.cache.sixteenths_aside'; }
some_aside() { [ "$(stand_aside)" -gt 0 ]; }
none_aside() { [ "$(stand_aside)" = 0 ]; }
says_aside() { # as many as status does; it may just have changed
	lab_in n1 curl -sf http://127.0.0.1:9477/metrics | grep -qx "sluice_cache_sixteenths_aside $(stand_aside)"
}
stands_aside() { # while they come, and no longer
	until_true $PATIENT some_aside || {
		status '"\(.stats.lines_missed) missed, \(.stats.line_packets) decided: nobody stands aside"'
		return 1
	}
	lab_sluice n1 status | grep -E '^cache .* of 16 flows do without' || { echo "it is not told" && return 1; }
	until_true $PATIENT says_aside || { echo "it is not in the metrics" && return 1; }
	kill "$1"
	until_true $PATIENT none_aside || { echo "they do not come back" && return 1; }
}
multitude() {
	local many=$here/selftests/lab/multitude.py server asking asked answers good=0
	jq '.limits.cache_lines = 128' "$PLAN" >"$LAB_DIR/small.json"
	lab_sluice n1 up --plan "$LAB_DIR/small.json" --node n1 || return 1
	none_aside || { echo "some stand aside before" && return 1; }
	nsenter --net="/run/netns/$LAB-a2" "$PYTHON" "$many" serve 7778 >"$LAB_DIR/multitude.out" 2>&1 &
	server=$!
	until_true $PATIENT lab_in a2 sh -c 'ss -Hlun "sport = :7778" | grep -q .'
	nsenter --net="/run/netns/$LAB-a1" "$PYTHON" "$many" ask 192.168.103.12 7778 800 600 \
		>"$LAB_DIR/multitude.out" 2>&1 &
	asking=$!
	stands_aside $asking || good=1
	kill $asking 2>/dev/null
	lab_in a1 "$PYTHON" "$many" ask 192.168.103.12 7778 800 3 >"$LAB_DIR/asked"
	kill $server
	wait $asking $server 2>/dev/null
	read -r asked answers <"$LAB_DIR/asked"
	echo "$asked asked, $answers answered"
	[ $good = 0 ] && [ "$asked" -gt 800 ] && [ "$asked" = "$answers" ]
}
swept_after() { [ "$(status .agent_swept_at)" -ge "$1" ]; }
swept() { [ $(($(date +%s) - $(status .agent_swept_at))) -le 2 ]; }
reloads() {
	local before
	before=$(status .generation)
	kill -HUP "$(agent_pid)" && until_true $PATIENT newer "$before"
}
newer() { [ "$(status .generation)" -gt "$1" ]; }
terminates() { agent_end TERM && pings && lab_sluice n1 status; }
three_caps() { # as systemd starts it
	agent_start setpriv --bounding-set=-all,+net_admin,+perfmon,+bpf --inh-caps=-all \
		--no-new-privs -- && lab_in n1 curl -sf http://127.0.0.1:9477/healthz && returns && agent_end TERM
}
notifies() { # READY=1 and WATCHDOG=1 arrive on the socket, STOPPING=1 at the end
	$PYTHON - "$LAB_DIR/notify" >"$LAB_DIR/notified" <<-'EOF' &
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); s.settimeout(300)
		while True:
		    text = s.recv(4096).decode(); print(text, flush=True)
		    if "STOPPING=1" in text: break
	EOF
	until_true $PATIENT test -S "$LAB_DIR/notify"
	agent_start env "NOTIFY_SOCKET=$LAB_DIR/notify" WATCHDOG_USEC=2000000 -- --no-metrics || return 1
	until_true $PATIENT grep -q WATCHDOG=1 "$LAB_DIR/notified"
	agent_end TERM
	until_true $PATIENT grep -q STOPPING=1 "$LAB_DIR/notified"
	cat "$LAB_DIR/notified"
	grep -q READY=1 "$LAB_DIR/notified" && grep -q WATCHDOG=1 "$LAB_DIR/notified" &&
		grep -q STOPPING=1 "$LAB_DIR/notified"
}
bad_plan() { # refused, and what was applied last goes on
	echo '{ "sluice": 1, "nonsense": true }' >"$LAB_DIR/bad.json"
	agent_start -- --plan "$LAB_DIR/bad.json" --node n1 || return 1
	pings && agent_end TERM
}

lab_begin
lab_sluice n2 up --plan "$PLAN" --node n2 >/dev/null || not_ok "$me: n2 does not come up"
check "$me run --plan brings the node up" starts_up
check "$me fault_f12 a second agent is refused and told who holds the lock" second_refused
check "$me SIGHUP puts the plan in again" reloads
check "$me keeps three capabilities" agent_weak
check "$me its exporter is nobody and has none" exporter_weak
check "$me asks for the other node before the first packet" until_true $PATIENT neighbour_known
check "$me traffic between workloads of the node" pings
check "$me traffic to the other node" until_true $PATIENT pings 192.168.104.12
if netdev_family; then
	serves
	check "$me workloads that take frames from XDP get them so, while they do" by_xdp
else
	skip "$me XDP to workloads: kernel $(uname -r) does not say who takes its frames"
fi
check "$me fault_f6 an interface that returns is guarded within a second" returns
check "$me fault_f6 an uplink that returns is guarded within a second" uplink_returns
check "$me interfaces outside the plan change nothing" strangers
check "$me fault_f1 killed three times under traffic: nothing lost, counters go on" killed
deaf
check "$me ages what nobody answers and keeps the rest" ages
check "$me follows a plan that another process applies" follows_apply
check "$me holds that plan and not the one before" until_true $PATIENT holds_plan
check "$me follows programs that another process loads" follows_load
check "$me more flows than lines pay for: some do without, as long as they come" multitude
check "$me follows down and up" follows_up
check "$me SIGTERM: the agent goes, the dataplane stays" terminates
check "$me starts with three capabilities only" three_caps
check_once "$me tells systemd" notifies
check_once "$me fault_f3 a bad plan leaves the last good one in force" bad_plan
lab_end
