#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What scripts/test runs inside each guest: the packet tests and the lab on that kernel. Everything was built
# outside; the guest compiles nothing.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
echo "kernel $(uname -r)"
failed=0
if make -n packet >/dev/null 2>&1; then
	CMOCKA_MESSAGE_OUTPUT=TAP make --no-print-directory packet || failed=1
else
	echo "skip packet: no packet tests"
fi
selftests/lab/all.sh || failed=1
selftests/lab/leftovers.sh || failed=1
exit $failed
