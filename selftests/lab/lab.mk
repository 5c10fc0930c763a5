# SPDX-License-Identifier: GPL-2.0
# make lab-tools    what the lab tests need compiled: the SYN sender, many datagrams, the access ports of the switch

LAB_TOOLS := $(B)/lab/flood $(B)/lab/datagrams $(B)/lab/access.bpf.o
.PHONY: lab-tools
lab-tools: $(LAB_TOOLS)
$(B)/lab/%: selftests/lab/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_) $(CFLAGS) $< -o $@
$(B)/lab/%.bpf.o: selftests/lab/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPFFLAGS) -c $< -o $@
