#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What scripts/test runs inside each guest: the packet tests and the lab on that kernel. Everything was built
# outside; the guest compiles nothing.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
echo "kernel $(uname -r)"
# Every namespace, map and plan that goes waits for RCU, which is most of what the tests would wait for.
echo 1 >/sys/kernel/rcu_expedited
failed=0
if [ -x build/packet/packet ]; then
	CMOCKA_MESSAGE_OUTPUT=TAP build/packet/packet selftests/packet || failed=1
	PACKET_CACHE=1 build/packet/packet selftests/packet cache || failed=1
	echo "--- packet: $SECONDS s"
else
	echo "not ok packet: build/packet/packet is not there"
	failed=1
fi
# The packet tests, the matrix, the tunnel and all that is about interfaces run under every kernel; the longer ones of
# the other labs under one of the guests each, besides the host's.
case $SLUICE_VM in
6.1) export LAB_WITHOUT="state flips nat" ;;
6.12) export LAB_WITHOUT="agent metrics services" ;;
esac
LAB_BEFORE=$(selftests/lab/leftovers.sh list) # the guest has the host's folders
export LAB_BEFORE
# A third of what most labs take is waiting: two at a time.
LAB_LANES=2 selftests/lab/all.sh || failed=1
selftests/lab/leftovers.sh || failed=1
echo "--- all: $SECONDS s"
exit $failed
