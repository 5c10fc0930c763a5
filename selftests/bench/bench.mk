# SPDX-License-Identifier: GPL-2.0
# make bench        ns a packet of every path beside an empty program and one hash lookup (root); BENCH="--quick"
# make bench-check  every path of the benchmark a few times, for its verdicts, not for figures (root)
# make bench-gate   instructions a packet on 6.1 and 6.12 in QEMU, against selftests/bench/baseline-*.json (root)

BENCH ?=
BENCH_SRC := $(filter-out %.bpf.c,$(wildcard selftests/bench/*.c))
BENCH_OBJ := $(BENCH_SRC:%.c=$(B)/%.o)
# The bench of the packet tests, without the tests.
BENCH_PACKET := $(addprefix $(B)/selftests/packet/,bench.o check.o by_line.o rows.o scene.o frame.o vip.o served.o outside.o queued.o)
BENCH_USER := $(filter $(B)/user/plan/% $(B)/user/image/% $(B)/user/kernel/%,$(USER_OBJ))
.PHONY: bench bench-check bench-gate
bench: $(B)/bench/bench
	scripts/bench $(BENCH)
bench-check: $(B)/bench/bench
	selftests/bench/plan.py --qos -o $(B)/bench/plans/check
	$(B)/bench/bench -p $(B)/bench/plans/check -f 1,300 -n 1 -k 1024 -o /dev/null
bench-gate: $(B)/bench/bench
	scripts/bench --gate
$(B)/bench/wrap.bpf.o: selftests/bench/wrap.bpf.c selftests/bench/wrap.h $(HDRS)
	@mkdir -p $(@D)
	$(CLANG) $(BPFFLAGS) -c $< -o $@
$(B)/bench/wrap.skel.h: $(B)/bench/wrap.bpf.o
	$(BPFTOOL) gen skeleton $< name wrap_bpf > $@
$(BENCH_OBJ): $(B)/bench/wrap.skel.h $(B)/sluice.skel.h
$(B)/bench/bench: $(BENCH_OBJ) $(BENCH_PACKET) $(BENCH_USER)
	$(CC) $(SAN) $(LDFLAGS) $^ -o $@ $(LDLIBS_)
-include $(BENCH_OBJ:.o=.d)

# Live frames, for what there is beside sluice: the ceilings of XDP, the kernel's own forwarding and NAT.
LIVE_OBJ := $(B)/selftests/bench/live/live.o
$(B)/bench/live.bpf.o: selftests/bench/live/live.bpf.c selftests/bench/live/live.h
	@mkdir -p $(@D)
	$(CLANG) $(BPFFLAGS) -c $< -o $@
$(B)/bench/live.skel.h: $(B)/bench/live.bpf.o
	$(BPFTOOL) gen skeleton $< name live_bpf > $@
$(LIVE_OBJ): $(B)/bench/live.skel.h
$(B)/bench/live: $(LIVE_OBJ)
	$(CC) $(SAN) $(LDFLAGS) $^ -o $@ $(LDLIBS_)
-include $(LIVE_OBJ:.o=.d)
