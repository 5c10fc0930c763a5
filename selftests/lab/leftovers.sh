#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# leftovers.sh [list]
#
# After all labs: no namespace, pin, temporary folder or process of any of them is there. What LAB_BEFORE names, a
# list that was made before them, is of an earlier run that was killed, and no fault of this one.
set -uo pipefail
list() {
	ip netns list 2>/dev/null | grep -oE '^slab[0-9]+-[^ ]+'
	ls -d /sys/fs/bpf/sluice-slab* /tmp/slab[0-9]* 2>/dev/null
	for ns in /run/netns/slab*-*; do [ -e "$ns" ] && ip netns pids "${ns##*/}"; done
}
if [ "${1:-}" = list ]; then
	list
	exit 0
fi
# An empty pattern would be one for every line.
left=$(list | grep -vxF "${LAB_BEFORE:-none}")
[ -z "$left" ] && echo "ok leftovers: nothing of any lab is left" ||
	{ echo "not ok leftovers: $(tr '\n' ' ' <<<"$left")" && exit 1; }
