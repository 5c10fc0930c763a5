#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# For people: whom the backends of a service believe to serve, by kube-proxy's way and by sluice. Run by scripts/demo.
set -uo pipefail
PLAN=${PLAN:-$(cd "$(dirname "$0")/../plans" && pwd)/kube-dc-lab.json}
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ingress.sh"
each=20 wrong=0
die() { echo "demo: $*" >&2 && exit 1; }
trap 'lab_down' EXIT
trap 'exit 1' INT TERM HUP
lab_tools || die "the lab's tools do not build"
lab_up || die "the lab does not come up"
ingress_up && servers_up || die "the site around the nodes does not come up"
said() { # WHO
	local answered=$(web_requests $each)
	until_true 3 logged
	printf '  %-12s %s of %s answered; clients in the backends'\'' logs: %s\n' "$1" "$answered" $((5 * each)) \
		"$(web_seen | awk '{ printf "%s%s (%d)", sep, $1, $2; sep = ", " }')"
}
logged() { [ "$(web_seen | awk '{ n += $2 } END { print n + 0 }')" -ge $((5 * each)) ]; }

echo "$VIP on worker-2: nginx on 80, 443 and 6443, another on 7443 and 8080, each with a backend on both nodes;"
echo "the client is $CLIENT, behind a router. $((5 * each)) requests:"
if lab_in worker-1 nft add table ip try 2>/dev/null && kube_proxy_up 2>/dev/null; then
	said "kube-proxy's"
	web_logs_empty
	kube_proxy_only_rules
else
	echo "  (this kernel has no nft to show kube-proxy's way with)"
fi
for node in $(lab_nodes); do lab_sluice "$node" up --plan "$PLAN" --node "$node" >/dev/null 2>&1 || die "sluice up failed on $node"; done
said sluice
[ "$(web_seen)" = "$CLIENT $((5 * each))" ] || wrong=1
echo "worker-2\$ sluice show services nginx"
lab_sluice worker-2 show services nginx | sed 's/^/  /'
for node in $(lab_nodes); do
	lab_sluice "$node" down >/dev/null || die "sluice down failed on $node"
	lab_after_sluice_down "$node" || die "something stayed on $node"
done
exit $wrong
