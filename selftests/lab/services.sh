#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kube-dc site: a client outside, a VIP on a node, backends on both. First as kube-proxy does it, so that what is
# lost shows; then by sluice, with kube-proxy's rules still in place. services.py and packets.py try the rest.
#
# LAB_ONLY="spread owner…" runs only those scenarios of the two, LAB_TIMES=1 tells how long each took.
set -uo pipefail
PLAN=${PLAN:-$(cd "$(dirname "$0")/../plans" && pwd)/kube-dc-lab.json}
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ingress.sh"
for tool in jq nginx nft openssl curl; do
	command -v $tool >/dev/null || { skip "services: $tool is missing" && exit 0; }
done
each=2000 each_lost=200
[ -z "${LAB_FAST:-}" ] || { each=20 each_lost=4; }
lab_tools >/dev/null || { not_ok "services: $(lab_tools | tail -n 1)" && exit 1; }
took() { [ -z "${LAB_TIMES:-}" ] || echo "--- $1: at $SECONDS s"; }
lab_begin
took site
check "services the site around the nodes" ingress_up
check "services nginx and servers in every pod" servers_up
[ $lab_failed = 1 ] && exit 1
took servers

# every request answered, and what the access logs say of it
told() { # WHO COUNT
	local answered seen
	answered=$(web_requests "$2")
	until_true $PATIENT web_logged $((5 * $2))
	seen=$(web_seen)
	echo "$1: $answered of $((5 * $2)) requests answered; clients in the access logs: $(tr '\n' ';' <<<"$seen")" \
		"by backend: $(web_backends | tr '\n' ';')"
	[ "$answered" = $((5 * $2)) ]
}
web_logged() { [ "$(web_seen | awk '{ n += $2 } END { print n + 0 }')" -ge "$1" ]; }
only_client() { # COUNT
	echo "clients in the access logs: $(web_seen | tr '\n' ';')"
	[ "$(web_seen)" = "$CLIENT $1" ]
}
both_nodes() { # every one of the four backends served some
	web_backends
	[ "$(web_backends | cut -d' ' -f1 | xargs)" = "envoy-1 envoy-2 web-1 web-2" ]
}

# --- kube-proxy's way, sluice down
with_nft=yes
if lab_in worker-1 nft add table ip try 2>/dev/null && kube_proxy_up 2>"$LAB_DIR/nft"; then
	told "kube-proxy's way" $each_lost || not_ok "services kube-proxy's way: not every request is answered: $(web_unanswered)"
	hidden=$(web_seen | grep -cE '^(172\.30\.0\.|88\.99\.29\.250 )')
	check "services kube-proxy's way loses the client's address" test "$hidden" -gt 0 -a "$(web_seen | grep -c "^$CLIENT ")" = 0
	check "services and netfilter's counters count" test "$(netfilter_saw vip)" -gt 0
	web_logs_empty
	check "services kube-proxy's rules stay for what follows" kube_proxy_only_rules
else
	with_nft=no
	skip "services kube-proxy's way: nft does not work on this kernel: $(tail -n 1 "$LAB_DIR/nft" 2>/dev/null)"
fi

took kube-proxy

# --- sluice
check "services sluice check" "$SLUICE" check --plan "$PLAN"
check "services sluice up on every node" lab_sluice_up
[ $lab_failed = 1 ] && exit 1
for node in $(lab_nodes); do
	{ lab_on "$node" "$SLUICE" run --no-metrics; } >"$LAB_DIR/agent-$node" 2>&1 &
	until_true $PATIENT grep -q "agent on node" "$LAB_DIR/agent-$node" || not_ok "services agent on $node: $(tail -n 1 "$LAB_DIR/agent-$node")"
done
if told sluice $each; then ok "services $((5 * each)) requests over five ports"; else not_ok "services $((5 * each)) requests over five ports: $(web_unanswered)"; fi
check "services every access log shows the client for every one" only_client $((5 * each))
check "services the backends of both nodes served them" both_nodes

scenarios() { # FILE
	"$PYTHON" "$here/selftests/lab/$1" "$LAB" "$PLAN" "$SLUICE" "$lab_bpffs/sluice-$LAB" "$LAB_DIR" || lab_failed=1
}
took requests
scenarios services.py
scenarios packets.py
took scenarios
# Once more where XDP meets no tag.
lab_tags metadata
LAB_NOTE=" (tag beside the frame)" LAB_ONLY="${LAB_ONLY:-elsewhere}" scenarios services.py
LAB_NOTE=" (tag beside the frame)" LAB_ONLY="${LAB_ONLY:-echo}" scenarios packets.py

# --- the programs of the node's own sockets
sockets() { # ids of the programs of worker-2's
	local pin
	for pin in "$lab_bpffs/sluice-$LAB-worker-2/links/"*[a-z][46]; do bpftool -j link show pinned "$pin" | jq .prog_id; done
}
at_root() { # ids of the programs at the root of the cgroups
	bpftool -j cgroup show "$(findmnt -nt cgroup2 -o TARGET | head -n 1)" | jq '.[].id'
}
sockets_gone() { # ID...
	local left
	left=$(at_root | grep -Fxf <(printf '%s\n' "$@")) && echo "left: $left" && return 1
	return 0
}
if command -v bpftool >/dev/null; then
	ids=$(sockets)
	check "services seven programs stand at the root of the cgroups: $(xargs <<<"$ids")" test "$(wc -w <<<"$ids")" = 7
	asked=$(at_root)
	for id in $ids; do check "services program $id is asked by sockets" grep -qx "$id" <<<"$asked"; done
	check "services no programs of sockets on a node without such a VIP" \
		test ! -e "$lab_bpffs/sluice-$LAB-worker-1/links/connect4"
	check "services down on worker-2" lab_sluice worker-2 down
	check "services down leaves no program of sockets" sockets_gone $ids
else
	skip "services programs of sockets: bpftool is missing"
fi

# --- what kube-proxy's rules saw of all that
if [ $with_nft = yes ]; then
	lab_in client ping -q -c 2 -i 0.2 $VIP >/dev/null # the node's own answer
	check "services netfilter is alive: $(netfilter_saw arrived) packets of others" test "$(netfilter_saw arrived)" -gt 0
	check "services conntrack never saw a VIP's packet" test "$(netfilter_saw vip)" = 0
	check "services conntrack never saw a backend's answer" test "$(netfilter_saw answers)" = 0
	check "services no packet came with a mark of kube-proxy's or Cilium's" test "$(netfilter_saw marked)" = 0
fi
lab_end
