#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What scripts/test runs inside each guest: the packet tests and the lab on that kernel. Everything was built
# outside; the guest compiles nothing.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
echo "kernel $(uname -r)"
failed=0
if [ -x build/packet/packet ]; then
	CMOCKA_MESSAGE_OUTPUT=TAP build/packet/packet selftests/packet || failed=1
	echo "--- packet: $SECONDS s"
else
	echo "not ok packet: build/packet/packet is not there"
	failed=1
fi
selftests/lab/all.sh || failed=1
selftests/lab/leftovers.sh || failed=1
echo "--- all: $SECONDS s"
exit $failed
