# SPDX-License-Identifier: GPL-2.0
# make packet       packets through the real programs by BPF_PROG_TEST_RUN (root), without their cache and with it
# make fuzz-packet  FUZZ_PACKETS=20000 mutated packets through every door, from FUZZ_SEED=1 and a seed of now (root)

FUZZ_PACKETS ?= 20000
FUZZ_SEED ?= 1

# Those of the RFCs run on the same bench, and the agent's upkeep of mappings with them.
PACKET_SRC := $(wildcard selftests/packet/*.c selftests/rfc/*.c)
PACKET_SRC := $(filter-out %.bpf.c,$(PACKET_SRC))
PACKET_OBJ := $(PACKET_SRC:%.c=$(B)/%.o)
PACKET_USER := $(filter $(B)/user/plan/% $(B)/user/image/% $(B)/user/kernel/%,$(USER_OBJ)) \
	$(addprefix $(B)/user/agent/,bound.o eip_use.o index.o mapping.o release.o sweep.o tally.o)
.PHONY: packet fuzz-packet
packet: $(B)/packet/packet
	$(B)/packet/packet selftests/packet
	PACKET_CACHE=1 $(B)/packet/packet selftests/packet
fuzz-packet: $(B)/packet/packet
	PACKET_CACHE=1 $(B)/packet/packet selftests/packet fuzz $(FUZZ_PACKETS) $(FUZZ_SEED)
	$(B)/packet/packet selftests/packet fuzz $(FUZZ_PACKETS) $$(date +%s)
PACKET_SKEL := $(patsubst selftests/packet/%.bpf.c,$(B)/packet/%.skel.h,$(wildcard selftests/packet/*.bpf.c))
$(B)/packet/%.bpf.o: selftests/packet/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPFFLAGS) -c $< -o $@
$(B)/packet/%.skel.h: $(B)/packet/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $*_bpf > $@
$(PACKET_OBJ): $(PACKET_SKEL) $(B)/sluice.skel.h
$(B)/selftests/%.o: selftests/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_) $(CFLAGS) -MMD -MP -c $< -o $@
$(B)/packet/packet: $(PACKET_OBJ) $(PACKET_USER)
	$(CC) $(SAN) $(LDFLAGS) $^ -o $@ $(LDLIBS_)
-include $(PACKET_OBJ:.o=.d)
