# SPDX-License-Identifier: GPL-2.0
# make fuzz-plan  any bytes as a plan, FUZZ_SECONDS=60 long; what it finds is written to build/fuzz/

FUZZ_SECONDS ?= 60
FUZZ_SAN := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

$(B)/fuzz/fuzz_plan: selftests/fuzz/fuzz_plan.c $(wildcard user/plan/*.c user/plan/*.h) include/limits.h
	@mkdir -p $(@D)
	$(CLANG) $(CFLAGS_) -O1 -g $(FUZZ_SAN) $(filter %.c,$^) -o $@ -ljansson

# Seeds: every example plan, good and bad. The corpus is kept between runs in the build folder.
.PHONY: fuzz-plan
fuzz-plan: $(B)/fuzz/fuzz_plan
	@mkdir -p $(B)/fuzz/corpus $(B)/fuzz/seeds
	@find selftests/plans -name '*.json' -exec sh -c 'for f; do cp "$$f" "$(B)/fuzz/seeds/$$(echo "$$f" | tr / -)"; done' sh {} +
	$(B)/fuzz/fuzz_plan -dict=selftests/fuzz/plan.dict -max_len=16384 -timeout=10 -rss_limit_mb=2048 \
		-max_total_time=$(FUZZ_SECONDS) -verbosity=0 -print_final_stats=1 -artifact_prefix=$(B)/fuzz/ $(B)/fuzz/corpus $(B)/fuzz/seeds
