#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# After all labs: no namespace, pin, temporary folder or process of any of them is there.
set -uo pipefail
left=$(
	ip netns list | grep -E '^slab[0-9]+-'
	ls -d /sys/fs/bpf/sluice-slab* /tmp/slab[0-9]* 2>/dev/null
	for ns in /run/netns/slab*-*; do [ -e "$ns" ] && ip netns pids "${ns##*/}"; done
)
[ -z "$left" ] && echo "ok leftovers: nothing of any lab is left" ||
	{ echo "not ok leftovers: $(tr '\n' ' ' <<<"$left")" && exit 1; }
