#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The exporter: what it says is what the tables say, a real Prometheus takes it, and nobody who talks to it
# can write a table or keep others waiting.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
PLAN=$PWD/agent.json
# shellcheck source=selftests/lab/lib.sh
. ./lib.sh

me=metrics
url=http://127.0.0.1:9477
prometheus=http://127.0.0.1:9490

get() { lab_in n1 curl -s -m 20 "$@"; }
metric() { get $url/metrics | awk -v m="$1" 'index($0, m) == 1 { print $NF }'; }
server() { # the younger of the two: the keeper parses nothing
	local p last=
	for p in $(ip netns pids "$LAB-n1" | sort -n); do
		[ "$(cat "/proc/$p/comm" 2>/dev/null)" = sluice-exporter ] && last=$p
	done
	[ -n "$last" ] && echo "$last"
}
code() { get -o /dev/null -w '%{http_code}' "$@"; }

starts() {
	{ lab_on n1 "$SLUICE" run --plan "$PLAN" --node n1; } >"$LAB_DIR/agent.log" 2>&1 &
	until_true $PATIENT get -f $url/healthz || { cat "$LAB_DIR/agent.log" && return 1; }
}
port_taken() { # said, with what to do; another state directory, so that the lock is free
	local out
	out=$(SLUICE_PINS=$lab_bpffs/sluice-$LAB-x SLUICE_STATE=$LAB_DIR/x lab_in n1 "$SLUICE" run 2>&1) && return 1
	echo "$out"
	grep -q -- --listen <<<"$out"
}
port_left() { # by a server that goes in a moment, as that of an agent that was killed: waited for
	local out
	lab_in n1 $PYTHON -c 'import socket, time
s = socket.create_server(("127.0.0.1", 9478)); print("held", flush=True); time.sleep(1)' >"$LAB_DIR/held" 2>&1 &
	until_true $PATIENT grep -q held "$LAB_DIR/held" || return 1
	out=$(SLUICE_PINS=$lab_bpffs/sluice-$LAB-x SLUICE_STATE=$LAB_DIR/x lab_in n1 "$SLUICE" run --listen 127.0.0.1:9478 2>&1)
	echo "$out"
	grep -q 'no plan' <<<"$out"
}
lint() {
	local out
	out=$(get $url/metrics | promtool check metrics 2>&1) || { echo "$out" && return 1; }
	[ -z "$out" ] || { echo "promtool says: $out" && return 1; }
}
all_there() {
	local name page missing=0
	page=$(get $url/metrics)
	for name in packets_total bytes_total drops_total drop_bytes_total flows_created_total flows_aged_total \
		flows unanswered_flows neighbours plan_generation plan_info plan_applied_timestamp_seconds \
		plan_apply_seconds table_entries table_size interface_info build_info service_connections_total \
		service_packets_total service_bytes_total service_handshakes_total service_drops_total service_backends \
		service_backend_active service_backend_waiting service_backend_share_ratio qos_packets_total \
		qos_delay_seconds qos_rate_bytes_per_second uplink_pacing_info handshake_rtt_seconds slo_max_seconds \
		last_offender_info; do
		grep -q "^# TYPE sluice_$name " <<<"$page" || { echo "no sluice_$name" && missing=1; }
	done
	for name in sl_flow sl_unanswered sl_serving sl_qos sl_qos_delay; do
		grep -q "^sluice_table_size{table=\"$name\"} [1-9]" <<<"$page" || { echo "nothing of how full $name is" && missing=1; }
	done
	return $missing
}
counted() { [ $(($(metric "$pair") - ${before:-0})) -ge "$1" ] && [ $(($(denied) - drops)) -ge "$1" ]; } # by counts()
denied() { get $url/metrics | awk '/^sluice_drops_total.*reason="policy"/ { n += $NF } END { print n + 0 }'; }
counts() { # five pings between networks are five packets of that pair; five denied packets are drops
	local pair='sluice_packets_total{src_network="net-a",dst_network="net-b",outcome="passed"}'
	local before drops
	before=$(metric "$pair") && drops=$(denied)
	lab_in a1 ping -q -c 5 -i 0.2 -W $PATIENT 192.168.104.11 || return 1
	lab_in a1 $PYTHON -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(5): s.sendto(b"x", ("192.168.104.11", 9999))'
	until_true $PATIENT counted 5
	echo "passed ${before:-0} then $(metric "$pair"); denied $drops then $(denied)"
	[ $(($(metric "$pair") - ${before:-0})) = 5 ] && [ $(($(denied) - drops)) = 5 ]
}
same_as_tables() { # the CLI reads the tables itself
	[ "$(metric sluice_plan_generation)" = "$(lab_sluice n1 status --json | jq .generation)" ]
}
strict() {
	echo "$(code $url/metrics) $(code -X POST -d x $url/metrics) $(code -X DELETE $url/healthz) $(code $url/etc/passwd)"
	[ "$(code $url/metrics)" = 200 ] && [ "$(code -X POST -d x $url/metrics)" = 405 ] &&
		[ "$(code -X DELETE $url/healthz)" = 405 ] && [ "$(code $url/etc/passwd)" = 404 ]
}
unreachable() { # from a workload, by the node's own address, which answers pings
	lab_in a1 ping -q -c 2 -i 0.2 -W 5 "$(lab_node_addresses n1)" >/dev/null || { echo "the node does not answer" && return 1; }
	! lab_in a1 curl -s -m 3 "http://$(lab_node_addresses n1):9477/metrics"
}
cannot_write() { # every descriptor of the exporter's server, tried for writing by root: the kernel refuses
	$PYTHON - "$(server)" <<-'EOF'
		import ctypes, errno, os, struct, sys
		pid = int(sys.argv[1]); libc = ctypes.CDLL(None, use_errno=True); maps = 0
		pidfd = os.pidfd_open(pid)
		for name in os.listdir(f"/proc/{pid}/fd"):
		    if "bpf" not in os.readlink(f"/proc/{pid}/fd/{name}"): continue
		    fd = libc.syscall(438, pidfd, int(name), 0)  # pidfd_getfd
		    assert fd >= 0, os.strerror(ctypes.get_errno())
		    key = ctypes.create_string_buffer(256); value = ctypes.create_string_buffer(65536)
		    attr = struct.pack("=IIQQQ", fd, 0, ctypes.addressof(key), ctypes.addressof(value), 0)
		    done = libc.syscall(321, 2, attr, len(attr))  # bpf(BPF_MAP_UPDATE_ELEM)
		    assert done < 0 and ctypes.get_errno() == errno.EPERM, f"descriptor {name}: {done} {ctypes.get_errno()}"
		    maps += 1
		print(maps, "tables, none to write")
		sys.exit(maps != 22)
	EOF
}
follows_plans() { # rates stand in tables of the plan: the server that is given those of the next one is as weak as ever
	local agent keeper rate
	agent=$(lab_sluice n1 status --json | jq .agent_pid)
	keeper=$(pgrep -x -P "$agent" sluice-exporter)
	for rate in 40 70; do
		jq ".qos = { classes: { bulk: { priority: 5, rate_mbit: $rate } }, rules: [] }" "$PLAN" >"$LAB_DIR/rate.json"
		lab_sluice n1 apply --plan "$LAB_DIR/rate.json" --node n1 || return 1
		until_true $PATIENT rate_is $((rate * 125000)) || { echo "no rate of $rate" && return 1; }
	done
	[ "$(pgrep -x -P "$agent" sluice-exporter)" = "$keeper" ] || { echo "another keeper" && return 1; }
	[ "$(awk '/^Uid:/ { print $2 }' "/proc/$(server)/status")" = 65534 ] || { echo "the server is not nobody" && return 1; }
	cannot_write && lab_sluice n1 apply --plan "$PLAN" --node n1
}
rate_is() { [ "$(metric 'sluice_qos_rate_bytes_per_second{kind="class",name="bulk"}')" = "$1" ]; }
fault_f10() { # 300 clients that say nothing, and some that say one byte a second
	local begin=$SECONDS
	lab_in n1 $PYTHON -c '
import socket, time
held = []
for i in range(300):
    s = socket.socket(); s.setblocking(False)
    try: s.connect(("127.0.0.1", 9477))
    except BlockingIOError: pass
    held.append(s)
for second in range(25):
    for s in held[:40]:
        try: s.send(b"G")
        except OSError: pass
    time.sleep(1)' &
	local slow=$!
	sleep 1
	until_true 30 get -f -m 25 $url/metrics || { kill $slow && return 1; }
	echo "answered after $((SECONDS - begin)) s"
	kill $slow 2>/dev/null
	wait $slow 2>/dev/null
	lab_sluice n1 status >/dev/null
}
another() { get -f $url/metrics && [ "$(server)" != "$1" ]; }
kept_again() { # AGENT PID
	local now
	now=$(pgrep -x -P "$1" sluice-exporter) && [ "$now" != "$2" ] && get -f $url/metrics
}
restarted() {
	local before
	before=$(server)
	kill -9 "$before" && until_true $PATIENT another "$before" && [ "$(server)" != "$before" ]
}
keeper_restarted() {
	local agent before
	agent=$(lab_sluice n1 status --json | jq .agent_pid)
	before=$(pgrep -x -P "$agent" sluice-exporter)
	kill -9 "$before" && until_true $PATIENT kept_again "$agent" "$before"
}
query() { get "$prometheus/api/v1/query" --data-urlencode "query=$1" -G | jq -r '.data.result[0].value[1]'; }
scraped() { [ "$(query sluice_plan_generation)" = "$(metric sluice_plan_generation)" ] && [ "$(query up)" = 1 ]; }
real_server() {
	cat >"$LAB_DIR/prometheus.yml" <<-EOF
		global: { scrape_interval: 1s }
		rule_files: ["$here/scripts/deploy/prometheus-rules.yml"]
		scrape_configs: [{ job_name: sluice, static_configs: [{ targets: ["127.0.0.1:9477"] }] }]
	EOF
	{ lab_in n1 prometheus --config.file="$LAB_DIR/prometheus.yml" --storage.tsdb.path="$LAB_DIR/tsdb" \
		--web.listen-address=127.0.0.1:9490; } >"$LAB_DIR/prometheus.log" 2>&1 &
	until_true 120 scraped || { tail -n 3 "$LAB_DIR/prometheus.log" && return 1; }
	# Its own rules load and none of them fires on a healthy node.
	get "$prometheus/api/v1/rules" | jq -e '[.data.groups[].rules[] | select(.health == "err")] | length == 0'
}

lab_begin
check "$me the exporter answers once the plan is in" starts
check "$me a port in use is said with what to do" port_taken
check "$me a port that is only just left is waited for" port_left
check "$me every family is there" all_there
check "$me counters are right" counts
if command -v promtool >/dev/null; then
	check_once "$me promtool check metrics is silent" lint
	check_once "$me promtool accepts the alert rules" promtool check rules "$here/scripts/deploy/prometheus-rules.yml"
else
	skip "$me promtool: not installed"
fi
check "$me the generation is the kernel's" same_as_tables
check "$me GET only, two pages only" strict
check "$me the exporter cannot write a table" cannot_write
check "$me the exporter follows plans" follows_plans
check "$me no workload reaches the metrics" unreachable
check_once "$me fault_f10 slow clients are cut off" fault_f10
check "$me a server that dies is started again" restarted
check "$me a keeper that dies is started again" keeper_restarted
if command -v prometheus >/dev/null; then
	check_once "$me a real Prometheus scrapes it" real_server
else
	skip "$me prometheus: not installed"
fi
lab_end
