#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every lab test, one after the other; each prints its own results.
# LAB_FAST=1 for slow machines: fewer members of each network, flips and kills, one look at all tables for many.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
failed=0
sample=0
[ -z "${LAB_FAST:-}" ] || sample=1
one() { # SECONDS SCRIPT...
	local limit=$1 begin=$SECONDS name status
	shift
	name=$(basename "$1" .sh)
	echo "--- $name"
	timeout --foreground -k 10 "$limit" "$@"
	status=$?
	[ $status = 124 ] && echo "not ok $name: out of time ($limit s)"
	[ $status = 0 ] || failed=1
	echo "--- $name: $((SECONDS - begin)) s"
}
one 500 ./matrix.sh --attacks --sample $sample
for script in ./*.sh; do
	case $script in
	./lib.sh | ./ingress.sh | ./ingress_demo.sh | ./egress.sh | ./egress_demo.sh | ./all.sh | ./matrix.sh | ./attacks.sh | ./leftovers.sh) ;;
	*) [ -x "$script" ] && one 400 "$script" ;;
	esac
done
exit $failed
