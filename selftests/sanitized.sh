#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The whole binary under ASan and UBSan through the labs that start, kill and end it most. A process may die
# where no test looks at its exit code: what a sanitizer has to say goes to files, and there must be none.
set -uo pipefail
cd "$(dirname "$0")/.."
make -s -j"$(nproc)" B=build/asan SAN="-fsanitize=address,undefined -fno-sanitize-recover=all" || exit 1
said=$(mktemp -d)
chmod 1777 "$said" # the exporter is nobody
trap 'rm -rf "$said"' EXIT
trap 'exit 1' INT TERM HUP
export LAB_FAST=1 SLUICE=$PWD/build/asan/sluice
export ASAN_OPTIONS=log_path=$said/asan:detect_leaks=1 UBSAN_OPTIONS=log_path=$said/ubsan:print_stacktrace=1
failed=0
for lab in lifecycle agent; do
	selftests/lab/$lab.sh | sed -uE 's/^(ok|not ok|skip) /&sanitized /' || failed=1
done
if [ -n "$(ls -A "$said")" ]; then
	cat "$said"/*
	echo "not ok sanitized: the above" && failed=1
else
	echo "ok sanitized: no report"
fi
exit $failed
