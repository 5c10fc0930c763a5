# SPDX-License-Identifier: GPL-2.0
# make bench-apply  time and memory of `apply`, and of the agent, by size of the plan (root); APPLY="--sizes 1k"

APPLY ?=
.PHONY: bench-apply
bench-apply: $(B)/sluice
	selftests/bench/apply.py --sluice $(B)/sluice --json $(B)/apply.json $(APPLY)
