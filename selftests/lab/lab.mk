# SPDX-License-Identifier: GPL-2.0
# make lab-tools    what the lab tests need compiled: senders and meters, a tunnel where the kernel has none, access ports

LAB_TOOLS := $(addprefix $(B)/lab/,flood datagrams stream tunnel access.bpf.o)
.PHONY: lab-tools
lab-tools: $(LAB_TOOLS)
$(B)/lab/%: selftests/lab/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_) $(CFLAGS) $< -o $@
$(B)/lab/%.bpf.o: selftests/lab/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPFFLAGS) -c $< -o $@
