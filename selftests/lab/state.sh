#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# `sluice state`: which orders are accepted, what survives a reboot, a crash and damage, and that a change of state
# under traffic loses nothing that both states allow.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
PLAN=$PWD/state.json
# shellcheck source=selftests/lab/lib.sh
. ./lib.sh
for tool in jq iperf3 tcpdump; do command -v $tool >/dev/null || { skip "state: $tool is missing" && exit 0; }; done
changes=30 kills=25 rate=50M
[ -z "${LAB_FAST:-}" ] || { changes=4 kills=4 rate=5M; }

me=state
dir=$LAB_DIR/n1
pins=$lab_bpffs/sluice-$LAB-n1
db=192.168.106.11
log=$LAB_DIR/agent.log
clean() {
	mountpoint -q "$LAB_DIR/full" && umount "$LAB_DIR/full"
	lab_down
}

sluice() { lab_sluice n1 "$@"; }
order() { local name=$1 fence=$2 && shift 2 && sluice state "$name" --fence "$fence" "$@"; }
is() { [ "$1" = "$2" ] || { echo "$1 instead of $2" && return 1; }; }
said() { sluice state --json | jq -r ".$1"; }
in_state() { is "$(said state) $(said running) $(said fence)" "$1 $1 $2"; }
status() { sluice status --json | jq -r "$1"; }
entry() { tail -n "${2:-1}" "$dir/states.jsonl" | head -n 1 | jq -r "$1"; }
connects() { lab_in client timeout "${2:-$PATIENT}" bash -c "exec 3<>/dev/tcp/$db/$1" 2>/dev/null; }
frozen() { ! connects 5432 0.5 && connects 80; }
open() { connects 5432 && connects 80; }
# Everything that decides about packets, and which generation it is.
rows() {
	[ ! -d "$pins/maps" ] || lab_rows "$pins"/plan-*/* "$pins"/maps/sl_{active,name,fail} | sha256sum
}
kept() { # [but the journal]
	(cd "$dir" && find . -type f ! -name agent.lock ! -name "${1:-}" -exec sha256sum {} + | sort)
}
refused() { # TEXT COMMAND...: exit code 1, a line with TEXT, and nothing in the kernel or on disk is another one
	local text=$1 out code before journal=''
	shift
	[ "$1" != journal ] || { journal='states.jsonl*' && shift; }
	before="$(rows) $(kept "$journal")"
	out=$("$@" 2>&1)
	code=$?
	[ $code = 1 ] || { echo "exit code $code instead of 1: $out" && return 1; }
	grep -qF -- "$text" <<<"$out" || { echo "no \"$text\" in: $out" && return 1; }
	is "$(rows) $(kept "$journal")" "$before" >"$LAB_DIR/changed" || { echo "something changed" && return 1; }
}
wrong() { # COMMAND...: wrong usage
	local code
	"$@" >/dev/null 2>&1
	code=$?
	is $code 2
}
apply() { sluice apply --plan "${1:-$PLAN}" --node n1; }

agent_pid() { status '.agent_pid // 0'; }
agent_start() { # [OPTION...]
	: >"$log"
	{ lab_on n1 "$SLUICE" run --no-metrics "$@"; } >>"$log" 2>&1 &
	disown
	until_true $PATIENT grep -q "agent on node" "$log" || { cat "$log" && return 1; }
}
agent_end() { kill "-${1:-TERM}" "$(agent_pid)" && until_true $PATIENT is_gone; }
is_gone() { [ "$(agent_pid)" = 0 ]; }

lab_begin
trap clean EXIT
lab_in db "$PYTHON" -c '
import socket, threading
def serve(port):
    s = socket.create_server(("", port), backlog=512)
    while True: s.accept()[0].close()
for p in (80, 5432): threading.Thread(target=serve, args=(p,)).start()' &
disown
until_true $PATIENT lab_in db sh -c 'ss -Hltn "sport = :5432" | grep -q .'

# --- before the first order
check "$me up" lab_sluice_up
[ $lab_failed = 0 ] || exit 1
check "$me it is normal, and no fence was used" is "$(said state) $(said running) $(said fence)" "normal normal null"
check "$me status says so" is "$(status '"\(.state) \(.fence) \(.fence_unknown)"')" "normal null null"
check "$me clients may write" open
check_once "$me no fence: wrong usage" wrong sluice state recovery
check_once "$me a fence that is no number: wrong usage" wrong order recovery 7x
check_once "$me a negative fence: wrong usage" wrong order recovery -7
check_once "$me a fence of 2^64: wrong usage" wrong order recovery 18446744073709551616
check_once "$me a fence without a state: wrong usage" wrong sluice state --fence 7

# --- an order that is refused before any was carried out: no fence was used, and none is missing
never() { is "$(said state) $(said running) $(said fence)" "normal normal null" && [ ! -e "$dir/fence.json" ]; }
check_once "$me the first order is refused" refused 'no state "nonsense"' journal order nonsense 5
check "$me the first order is refused: no fence was used" never
check_once "$me the first order is refused: the journal says so" is \
	"$(entry '"\(.outcome) \(.state) \(.last_fence)"')" "refused normal null"
check_once "$me the first order is refused: apply goes on" apply
check_once "$me the first order is refused: up --fallback goes on" sluice up --plan "$PLAN" --node n1 --fallback
check_once "$me the first order is refused: an agent goes on" agent_start
[ -n "${SLUICE_VM:-}" ] || agent_end

# --- orders
check "$me recovery" order recovery 7
check "$me it is in force, and shown" in_state recovery 7
check "$me writes are frozen, reads are not" frozen
check_once "$me status says so in one line" grep -q "^state  *recovery, fence 7, since 20.* by " <(sluice status)
check_once "$me status --json says so as well" is "$(status '"\(.state) \(.fence) \(.fence_whole)"')" "recovery 7 true"
check_once "$me the journal: from, to, fence, outcome" is \
	"$(entry '"\(.from) \(.to) \(.fence) \(.outcome) \(.state) \(.last_fence) \(.node)"')" \
	"normal recovery 7 done recovery 7 n1"
check_once "$me the journal: the plan and generation of status" is \
	"$(entry '"\(.plan) \(.generation)"')" "$(status '"\(.plan_hash) \(.generation)"')"
check_once "$me the journal: when and who" is \
	"$(entry '(.time | fromdate) > 1700000000 and (.who | length > 0) and .uid == 0')" true
check_once "$me an equal fence is refused" refused "fence 7 is refused: it is not greater than 7" order normal 7
check "$me a stale fence is refused" refused "fence 6 is refused: it is not greater than 7" order normal 6
check_once "$me a stale fence is refused whatever the state" refused "not greater than 7" order nonsense 5
check_once "$me an unknown state is refused, the nearest named" \
	refused 'no state "failovr", expected "failover"? There are broken, failover, normal, recovery' journal \
	order failovr 8
check_once "$me a state that breaks the plan is refused" refused "primary" journal order broken 8
check_once "$me the journal: refused, the state as before" is \
	"$(entry '"\(.to) \(.outcome) \(.state) \(.last_fence)"')" "broken refused recovery 7"
check_once "$me no name of a state is refused" refused 'no name of a state' order 'Über/../x' 8
check "$me the fence of a refused order is not used up" order failover 8
check "$me failover opens writes again" open
check "$me the same state again, with another fence" order failover 9
check "$me it is in force again" in_state failover 9
check_once "$me check finds what is wrong in a state" refused 'in state "broken": ' "$SLUICE" check --plan "$PLAN"

# A few descriptors more each time: it fails a little later, at last in the middle of installing, and then goes through.
scarce() {
	local n late=0 before after
	before="$(rows) $(kept 'states.jsonl*')"
	for ((n = 60; n < 300; n += 4)); do
		lab_on n1 prlimit --nofile=$n "$SLUICE" state recovery --fence 10 >"$LAB_DIR/scarce" 2>&1 && break
		[ "$(said fence)" != 10 ] || break # it is in force, what came after that did not work
		! grep -q "stays in force" "$LAB_DIR/scarce" || late=$((late + 1))
		after="$(rows) $(kept 'states.jsonl*')"
		[ "$after" = "$before" ] || { cat "$LAB_DIR/scarce" && echo "changed with $n descriptors" && return 1; }
	done
	echo "$late failures while installing, then $n descriptors were enough: $(tail -n 1 "$LAB_DIR/scarce")"
	[ $late -gt 0 ] && in_state recovery 10
}
if command -v prlimit >/dev/null; then
	check_once "$me orders that fail while installing: as before, the fence is not used up" scarce
else
	skip "$me orders that fail while installing: prlimit is missing"
fi

# --- other commands keep the state
check "$me recovery again" order recovery 11
check "$me apply keeps it" apply
check "$me apply keeps it: frozen" frozen
check "$me up keeps it" lab_sluice_up
check "$me up keeps it: frozen" frozen
check_once "$me show policy without --plan is that of the state" grep -q writes-are-frozen <(sluice show policy)
jq 'del(.states.recovery)' "$PLAN" >"$LAB_DIR/without.json"
check_once "$me a plan without the state is refused, the way out named" \
	refused "sluice state normal --fence N --plan $LAB_DIR/without.json" apply "$LAB_DIR/without.json"
falls_back() { sluice up --plan "$LAB_DIR/without.json" --node n1 --fallback && frozen; }
check_once "$me up --fallback with it stays in the state" falls_back
check "$me the way out" order normal 12 --plan "$LAB_DIR/without.json"
check "$me the way out: open" open
check "$me the state that left the plan is unknown now" refused 'no state "recovery"' journal order recovery 13
check "$me a plan and a state in one order" order recovery 13 --plan "$PLAN"
check "$me a plan and a state in one order: frozen" frozen

# --- the agent
check "$me an agent takes the state over" agent_start
agent_rows() { # what it writes when an interface changes is still the plan in its state
	ip -n "$LAB-n1" link set wl-client address 02:00:00:00:0f:0f && sleep 1 && frozen
}
check "$me the agent keeps it when interfaces change" agent_rows
check "$me orders under an agent" order failover 14
check "$me orders under an agent: open" open
followed() { sleep 1.5 && ip -n "$LAB-n1" link set wl-client address 02:00:00:00:0f:10 && sleep 1 && open; }
check "$me the agent follows" followed
reloaded() { order recovery 15 && agent_end && agent_start --plan "$PLAN" --node n1 && kill -HUP "$(agent_pid)" && sleep 1.5 && frozen; }
check "$me SIGHUP keeps the state" reloaded
check "$me the gauge is the fence" is \
	"$(bpftool -j map lookup pinned "$pins/maps/sl_gauge" key 9 0 0 0 | jq '.formatted.value // .value')" 15

# --- under traffic: an agent runs, two states alternate, and what both allow loses nothing
lab_in db iperf3 -s -1 >"$LAB_DIR/server" 2>&1 &
until_true $PATIENT lab_in db sh -c 'ss -Hltn "sport = :5201" | grep -q .'
nsenter --net="/run/netns/$LAB-client" iperf3 -c $db -b $rate -t 250 -J \
	>"$LAB_DIR/client.json" 2>"$LAB_DIR/client.err" &
iperf=$! watches=()
nsenter --net="/run/netns/$LAB-client" ping -i 0.01 $db >"$LAB_DIR/ping" 2>&1 &
ping=$!
# A machine that stands still sends a SYN again without having lost one: both ends tell what left and what came.
for place in client db; do
	nsenter --net="/run/netns/$LAB-$place" tcpdump -i eth0 -nn -t -q -l --immediate-mode \
		'tcp[tcpflags] & tcp-syn != 0 and tcp portrange 20000-29999' >"$LAB_DIR/syn-$place" 2>"$LAB_DIR/syn-$place.log" &
	watches+=($!)
	until_true $PATIENT grep -q 'listening on' "$LAB_DIR/syn-$place.log" || not_ok "$me the watch of $place does not start"
done
nsenter --net="/run/netns/$LAB-client" "$PYTHON" - "$db" "$LAB_DIR/done" >"$LAB_DIR/opened" 2>"$LAB_DIR/opened.err" <<'PROBE' &
import os, socket, sys, time
opened = 0
while not os.path.exists(sys.argv[2]):
    with socket.create_connection((sys.argv[1], 80), timeout=60, source_address=("", 20000 + opened % 10000)):
        opened += 1
    time.sleep(0.01)
print(opened)
PROBE
probe=$!
sleep 1
alternate() {
	local i state
	for ((i = 0; i < changes; i++)); do
		state=$( ((i % 2)) && echo recovery || echo failover)
		order $state $((100 + i)) || return 1
		if [ $state = recovery ]; then frozen; else open; fi || { echo "$state is not in force" && return 1; }
	done
}
check "$me $changes changes under traffic, each in force at once" alternate
touch "$LAB_DIR/done"
same_syns() { cmp <(sort "$LAB_DIR/syn-client") <(sort "$LAB_DIR/syn-db"); }
none_lost() { # of those that began them
	[ -s "$LAB_DIR/syn-client" ] || { echo "the watch saw nothing" && return 1; }
	until_true $PATIENT same_syns || { diff <(sort "$LAB_DIR/syn-client") <(sort "$LAB_DIR/syn-db") | tail -n 1 && return 1; }
}
wait $probe && lost=$(none_lost) && ok "$me under traffic: new connections that both states allow all come through" ||
	not_ok "$me under traffic: a new connection that both states allow failed: $(tail -n 1 "$LAB_DIR/opened.err")${lost:-}"
kill -TERM "${watches[@]}"
check "$me under traffic: there were some" test "0$(cat "$LAB_DIR/opened")" -gt $changes
kill -0 $iperf 2>/dev/null && ok "$me under traffic: iperf3 ran through all of them" ||
	not_ok "$me under traffic: iperf3 died: $(tail -n 2 "$LAB_DIR/client.err")"
kill -INT $ping && wait $ping
answered() { # but for one or two that were under way when it ended
	awk -F '[ =]' '{ for (i = 1; i < NF; i++) if ($i == "icmp_seq") { last = $(i + 1); n += !seen[last]++; max = last > max ? last : max } }
		/ packets transmitted/ { sent = $1 }
		END { print sent " sent, " n " of the first " max " answered"; exit !(n && n == max && sent - max < 3) }' "$LAB_DIR/ping"
}
check "$me under traffic: not one echo is lost" answered
met=$(sent_again client 5201)
kill -TERM $iperf 2>/dev/null
wait $iperf
lost=$(stood_still "$LAB_DIR/client.json" "$met")
check "$me under traffic: iperf3 never stood still for a lost segment" is "${lost:-none}" 0

# --- two at the same time
together() { # four with one fence: one is accepted
	local i pids=() pid won=0
	for i in 1 2 3 4; do order "$( ((i % 2)) && echo recovery || echo failover)" 1000 >/dev/null 2>&1 & pids+=($!); done
	for pid in "${pids[@]}"; do wait "$pid" && won=$((won + 1)); done
	is $won 1
}
check "$me four orders with one fence at once: one is accepted" together
applied() { # whatever order they come in, what is in force is the state on disk
	local i
	for i in 1 2 3; do
		apply >/dev/null 2>&1 &
		order "$( ((i % 2)) && echo recovery || echo failover)" $((1000 + i)) >/dev/null || return 1
		wait $!
		is "$(said running)" "$(said state)" || return 1
	done
}
check "$me apply and state at once: what runs is what is recorded" applied

# --- killed half-way
kill_many() {
	local i fence=2000 last state flips pid
	for ((i = 0; i < kills; i++)); do
		state=$( ((i % 2)) && echo recovery || echo failover)
		fence=$((fence + 1)) last=$(said fence) flips=$(status .generation)
		set -m
		order $state $fence >/dev/null 2>&1 &
		set +m
		pid=$!
		sleep "$(printf '0.%03d' $((RANDOM % 120)))"
		kill -9 -- -$pid 2>/dev/null
		wait $pid 2>/dev/null
		case $(said fence) in $last | $fence) ;; *) echo "fence $(said fence) after $last and $fence" && return 1 ;; esac
		# Another generation came in, by the order or by the agent that saw it: then its fence is used.
		[ "$(status .generation)" = "$flips" ] || is "$(said fence)" $fence || return 1
		[ "$(said fence)" != $fence ] || ! order normal $fence >/dev/null 2>&1 || { echo "$fence twice" && return 1; }
		case $(said running) in recovery) frozen ;; *) open ;; esac || { echo "$(said running) is a mixture" && return 1; }
	done
}
agent_end
check "$me $kills orders killed: one state or the other, no fence twice" kill_many
check "$me after that: apply goes on to what was ordered" apply
check "$me after that: whole" is "$(said whole) $(said running)" "true $(said state)"
begun() { # between the record and the flip, as a kill at that moment leaves it
	order failover "$1" && jq --arg f $(($1 + 1)) '.state = "recovery" | .before = "failover" | .fence = $f |
		.whole = false' "$dir/fence.json" >"$LAB_DIR/begun" && cp "$LAB_DIR/begun" "$dir/fence.json"
}
check "$me an order that was recorded only" begun 3000
check "$me its fence is used up" refused "not greater than 3001" order normal 3001
check "$me what runs is the state before" is "$(said running)" failover
check "$me it says so" grep -q 'running  *failover: "sluice apply" goes on to recovery' <(sluice state)
check "$me an agent that starts completes it" agent_start
check "$me an agent that starts completes it: frozen" frozen
check "$me an agent that starts completes it: whole" is "$(said whole) $(said running)" "true recovery"
agent_end
check "$me recorded, and the plan that was kept does not have the state" begun 3002
jq 'del(.states.recovery)' "$dir/plan.json" >"$LAB_DIR/kept" && cp "$LAB_DIR/kept" "$dir/plan.json"
gives_up() { sluice apply && open && is "$(said state) $(said fence) $(said whole)" "failover 3003 true"; }
check "$me apply gives it up, its fence stays used" gives_up

# --- a reboot: nothing pinned, the state directory as it was
check "$me recovery before the reboot" order recovery 4002 --plan "$PLAN"
check "$me reboot: down" sluice down
rm -rf "$pins"
check "$me reboot: a stale fence is refused while it is down" \
	refused "fence 4002 is refused: it is not greater than 4002" order normal 4002
check "$me reboot: up" sluice up
check "$me reboot: the state is in force" in_state recovery 4002
check "$me reboot: frozen" frozen
check "$me reboot: a stale fence is refused" refused "not greater than 4002" order normal 4002
check "$me down again" sluice down
check "$me an order to a node that is down is kept" order failover 4003
check "$me up in that state" sluice up
check "$me up in that state: open" open
forgotten() { sluice down --forget && sluice up --plan "$PLAN" --node n1 && in_state failover 4003; }
check "$me down --forget forgets no fence" forgotten
check "$me after --forget a stale fence is refused" refused "not greater than 4003" order normal 4003
check "$me recovery for what follows" order recovery 4004

if [ -n "${SLUICE_VM:-}" ]; then
	skip "$me damaged records, full disks, the journal: no kernel has a part in it, tried outside the guests"
	lab_end
fi

# --- a damaged record: nothing is put in force, nothing changes
cp "$dir/fence.json" "$LAB_DIR/fence.json"
damaged() { # NAME TEXT
	check "$me $1: apply is refused" refused "$2" apply
	check "$me $1: an order is refused" refused "$2" order normal 5000
	[ "$1" = "the record is garbage" ] || return 0
	check_once "$me $1: up is refused" refused "$2" sluice up --plan "$PLAN" --node n1
	check_once "$me $1: state says it" refused "$2" sluice state
	check_once "$me $1: an agent does not start" refused "$2" sluice run --no-metrics
	check "$me $1: frozen as before" frozen
}
for how in 'garbage:head -c 200 /dev/urandom' 'truncated:head -c 40 '"$LAB_DIR/fence.json" 'empty:true' \
	'another number:jq .fence="12x"' 'another name:jq .state="a/b"' 'a key less:jq del(.whole)' 'no object:echo [1]'; do
	name=${how%%:*} command=${how#*:}
	case $command in
	jq*) jq "${command#jq }" "$LAB_DIR/fence.json" >"$dir/fence.json" ;;
	*) $command >"$dir/fence.json" ;;
	esac
	damaged "the record is $name" "fence.json is damaged"
	[ -z "${LAB_FAST:-}" ] || break
done
rm "$dir/fence.json" && mkdir "$dir/fence.json"
damaged "the record is a directory" "cannot read $dir/fence.json"
rmdir "$dir/fence.json"
check "$me the record is missing: apply is refused" \
	refused 'is missing, but the journal beside it says: state "recovery" with fence 4004' apply
check "$me the record is missing: status says so" is \
	"$(status '"\(.fence) \(.fence_unknown | contains("is missing"))"')" "null true"
check "$me the record is missing: a stale order is refused" refused "not greater than 4004" order normal 4004
check "$me the record is missing: the journal is damaged as well" refused "names no state" \
	sh -c 'f=$1 && shift && cp "$f" "$f.good" && echo "{}" >>"$f" && { "$@"; c=$?; mv "$f.good" "$f"; exit $c; }' sh \
	"$dir/states.jsonl" env SLUICE_PINS="$pins" SLUICE_STATE="$dir" nsenter --net="/run/netns/$LAB-n1" \
	"$SLUICE" state normal --fence 5000
check "$me the record is missing: an order with a greater fence" order failover 4005
check "$me the record is there again" in_state failover 4005

# --- where nothing can be written
mkdir "$LAB_DIR/full" && mount -t tmpfs -o size=64k none "$LAB_DIR/full" && cp "$dir"/* "$LAB_DIR/full"
full() { SLUICE_PINS=$pins SLUICE_STATE=$LAB_DIR/full lab_in n1 "$SLUICE" "$@"; }
full_kept() { (cd "$LAB_DIR/full" && sha256sum fence.json plan.json node); }
head -c 100000 /dev/zero >"$LAB_DIR/full/ballast" 2>/dev/null
before=$(full_kept)
check "$me disk full: an order is refused" refused "No space left" full state recovery --fence 4006
check "$me disk full: what is kept is as before" is "$(full_kept)" "$before"
rm "$LAB_DIR/full/ballast"
mount -o remount,ro "$LAB_DIR/full"
check "$me disk read-only: an order is refused" refused "Read-only file system" full state recovery --fence 4006
check "$me disk read-only: apply goes through" full apply
check "$me disk read-only: apply goes through: the state stays" open
umount "$LAB_DIR/full"
mkdir "$dir/fence.json.new"
check "$me the record cannot be written: an order is refused" refused "cannot write" journal order recovery 4006
rmdir "$dir/fence.json.new"
mv "$dir/states.jsonl" "$LAB_DIR/journal" && mkdir "$dir/states.jsonl"
check "$me the journal cannot be written: an order is refused" refused "journal" order recovery 4006
rmdir "$dir/states.jsonl" && mv "$LAB_DIR/journal" "$dir/states.jsonl"

# --- the journal
yes '{"time":"x"}' | head -c 300000 >>"$dir/states.jsonl"
check "$me the journal has grown: an order" order recovery 4006
check "$me the journal has grown: it begins anew" is "$(wc -l <"$dir/states.jsonl") $(entry .fence)" "1 4006"
check "$me the journal has grown: the old one is kept" test -s "$dir/states.jsonl.1"
printf '{"time":"cut' >>"$dir/states.jsonl"
check "$me a line was cut by a crash: an order" order failover 4007
check "$me a line was cut by a crash: the next one is whole" is "$(entry .fence)" 4007
check "$me it shows the last orders" is "$(said 'journal | map(.fence // "") | .[-2:] | join(" ")')" "4006 4007"

# --- as great as they get
check "$me the greatest fence of all" order normal 18446744073709551615
check "$me the greatest fence: shown whole" in_state normal 18446744073709551615
check "$me the greatest fence: every other one is refused" refused "not greater than 18446744073709551615" \
	order recovery 18446744073709551614
lab_end
