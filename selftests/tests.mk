# SPDX-License-Identifier: GPL-2.0
# make unit       unit tests of the plan, the checker and the compiler, under ASan and UBSan
# make contract   the tables' structs are the same bytes for user space and for BPF programs: no hidden padding

# Unit tests link the pure parts only (plan, image); cmocka runs them under ASan and UBSan.
PURE_SRC := $(wildcard user/plan/*.c user/image/*.c)
UNIT_SRC := $(wildcard selftests/unit/*.c)
UNIT_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
.PHONY: unit
unit: $(UNIT_SRC:selftests/unit/%.c=$(B)/unit/%)
	@for t in $^; do echo "== $$t"; $$t || exit 1; done
$(B)/unit/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_) -O1 -g $(UNIT_SAN) -MMD -MP -c $< -o $@
$(B)/unit/%: $(B)/unit/obj/selftests/unit/%.o $(PURE_SRC:%.c=$(B)/unit/obj/%.o)
	$(CC) $(UNIT_SAN) $^ -o $@ -ljansson -lcmocka -lmnl
-include $(shell find $(B)/unit -name '*.d' 2>/dev/null)

# Padding that a compiler puts in is where the two sides of a table could disagree, and leaks into keys.
.PHONY: contract
contract:
	$(CC) -std=c11 -Wall -Wextra -Wpadded -Werror -fsyntax-only -x c maps/tables.h
	$(CLANG) $(BPFFLAGS) -Wpadded -fsyntax-only -x c maps/tables.h
	@echo "ok contract: no padding in any table, for $(CC) and for clang -target bpf"

# Further kinds of tests bring their own targets: fuzz, packet.
-include $(wildcard selftests/*/*.mk)
