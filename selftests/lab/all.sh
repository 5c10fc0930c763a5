#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every lab test; each prints its own results. LAB_LANES=2: two at a time, but for those that measure speed or count what
# the whole machine has, which come last and alone.
# Outside guests the matrix, the attacks and NAT also without the line cache (LAB_CACHE=0).
# LAB_FAST=1 for slow machines: fewer members of each network, flips and kills, one look at all tables for many.
# LAB_WITHOUT="NAME..." leaves these to another run.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
sample=0 limit=400 most=500
[ -z "${LAB_FAST:-}" ] || sample=1
[ -z "${SLUICE_VM:-}" ] || { limit=1800 && most=1800; }
[ -n "${SLUICE_VM:-}" ] || make -s -C ../.. lab-tools || exit 1
said=$(mktemp -d)
# What waits for a processor waits in one queue for all namespaces: who floods one lab would have those beside it lose
# packets by the thousand.
backlog=/proc/sys/net/core/netdev_max_backlog
short=$(cat $backlog)
lengthen() { echo "$1" 2>/dev/null >$backlog || true; }
trap 'rm -rf "$said" && lengthen "$short"' EXIT
stop() { # labs in lanes would go on, and stand in the way of what comes next
	local job
	for job in $(jobs -p); do pkill -TERM -P "$job"; done
	wait
	exit 1
}
trap stop INT TERM HUP

one() { # SECONDS SCRIPT...
	local seconds=$1 begin=$SECONDS name status
	shift
	name=$(basename "$1" .sh)
	echo "--- $name"
	timeout --foreground -k 10 "$seconds" "$@"
	status=$?
	[ $status = 124 ] && echo "not ok $name: out of time ($seconds s)"
	[ $status = 0 ] || touch "$said/failed"
	echo "--- $name: $((SECONDS - begin)) s"
}
# aside SECONDS SCRIPT...: beside another one; what it says comes when it is through
aside() {
	local file
	file=$said/$(basename "$2" .sh)${LAB_CACHE:-}
	one "$@" >"$file" 2>&1
	flock "$said/lock" cat "$file"
}

# The same promises without the line cache; the packet tests compare the two packet by packet.
without_cache() { # one|aside
	export LAB_CACHE=0
	"$1" 500 ./matrix.sh --attacks --sample 0
	"$1" $limit ./nat.sh
}

alone=(./lifecycle.sh ./qos.sh ./qos_full.sh ./talos.sh)
# In a guest a neighbour takes turns of a tenth of a second, which these would take for losses, or measure.
[ -z "${SLUICE_VM:-}" ] || alone=(./flips.sh ./state.sh ./wan.sh "${alone[@]}")
labs=()
for script in ./*.sh; do
	name=$(basename "$script" .sh)
	case " ./lib.sh ./ingress.sh ./ingress_demo.sh ./egress.sh ./egress_demo.sh ./qos_demo.sh ./all.sh ./matrix.sh ./attacks.sh ./leftovers.sh ${alone[*]} " in
	*" $script "*) continue ;;
	esac
	case " ${LAB_WITHOUT:-} " in
	*" $name "*) echo "skip $name: left to another run" ;;
	*) [ ! -x "$script" ] || labs+=("$script") ;;
	esac
done
if [ "${LAB_LANES:-1}" -gt 1 ]; then
	lengthen 50000
	aside $most ./matrix.sh --attacks --sample $sample &
	[ -n "${SLUICE_VM:-}" ] || without_cache aside &
	for script in "${labs[@]}"; do
		[ "$(jobs -rp | wc -l)" -lt "$LAB_LANES" ] || wait -n
		aside $limit "$script" &
	done
	wait
	lengthen "$short"
else
	one $most ./matrix.sh --attacks --sample $sample
	[ -n "${SLUICE_VM:-}" ] || (without_cache one)
	for script in "${labs[@]}"; do one $limit "$script"; done
fi
for script in "${alone[@]}"; do
	name=$(basename "$script" .sh)
	case " ${LAB_WITHOUT:-} " in
	*" $name "*) echo "skip $name: left to another run" ;;
	*) one $limit "$script" ;;
	esac
done
[ ! -e "$said/failed" ]
