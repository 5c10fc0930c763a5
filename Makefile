# SPDX-License-Identifier: GPL-2.0
# make            build/sluice, one binary that carries its BPF programs
# make test       every test this machine can run (scripts/test installs what is missing first)
# make install    DESTDIR= PREFIX=/usr/local
# make uninstall  what install put there
# make help       the other targets

PREFIX  ?= /usr/local
CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
B       := build
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1)

LIBS    := libbpf libxdp libelf zlib libmnl jansson libmicrohttpd
WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
CFLAGS  ?= -O2 -g
CFLAGS_ := -std=c11 -D_GNU_SOURCE $(WARN) $(shell pkg-config --cflags $(LIBS)) -I$(B) \
	   -DSLUICE_VERSION='"$(VERSION)"' $(SAN)
LDLIBS_ := $(shell pkg-config --libs $(LIBS)) -pthread

TRIPLET := $(shell $(CC) -print-multiarch 2>/dev/null)
BPFFLAGS := -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wshadow -Wno-unused-function \
	   -Wno-address-of-packed-member -I/usr/include/$(TRIPLET)

BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_OBJ := $(BPF_SRC:bpf/%.bpf.c=$(B)/bpf/%.bpf.o)
USER_SRC := $(wildcard user/*.c user/*/*.c)
USER_OBJ := $(USER_SRC:%.c=$(B)/%.o)
HDRS    := $(wildcard include/* maps/* bpf/*.h)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all bpf man test demo install uninstall clean check-style help

all: $(B)/sluice man

# --- BPF: every door is compiled alone, then linked into one object and one skeleton
bpf: $(B)/sluice.bpf.o
$(B)/bpf/%.bpf.o: bpf/%.bpf.c $(HDRS)
	@mkdir -p $(@D)
	$(CLANG) $(BPFFLAGS) -c $< -o $@
$(B)/sluice.bpf.o: $(BPF_OBJ)
	$(BPFTOOL) gen object $@ $^
$(B)/sluice.skel.h: $(B)/sluice.bpf.o
	$(BPFTOOL) gen skeleton $< name sluice_bpf > $@

# --- user space
$(B)/user/%.o: user/%.c $(B)/sluice.skel.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_) $(CFLAGS) -MMD -MP -c $< -o $@
$(B)/sluice: $(USER_OBJ)
	$(CC) $(SAN) $(LDFLAGS) -Wl,--build-id $^ -o $@ $(LDLIBS_)
-include $(USER_OBJ:.o=.d)

include selftests/tests.mk

test:
	scripts/test
demo:
	scripts/demo

# --- manual: the page of metrics gets its lists from the sources
MAN := $(B)/man/sluice.8 $(B)/man/sluice-plan.5 $(B)/man/sluice-metrics.7 $(B)/man/sluice-nat.7
man: $(MAN)
$(B)/man/%: user/man/% scripts/man-tables $(HDRS)
	@mkdir -p $(@D)
	scripts/man-tables $< > $@

# Where each file goes below DESTDIR; `uninstall` removes these and nothing else.
BIN_TO  := $(DESTDIR)$(PREFIX)/sbin/sluice
MAN_TO  := $(foreach page,$(notdir $(MAN)),$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(page)))/$(page))
UNIT_TO := $(DESTDIR)$(PREFIX)/lib/systemd/system/sluice.service
BASH_TO := $(DESTDIR)$(PREFIX)/share/bash-completion/completions/sluice

install: $(B)/sluice $(MAN)
	install -D -m 755 $(B)/sluice $(BIN_TO)
	for to in $(MAN_TO); do install -D -m 644 $(B)/man/$${to##*/} $$to || exit 1; done
	install -D -m 644 scripts/deploy/sluice.service $(UNIT_TO)
	sed -i 's|/usr/local/sbin/sluice|$(PREFIX)/sbin/sluice|' $(UNIT_TO)
	install -D -m 644 scripts/deploy/sluice.bash $(BASH_TO)

# The dataplane stays in force: `sluice down` first takes it off.
uninstall:
	rm -f $(BIN_TO) $(MAN_TO) $(UNIT_TO) $(BASH_TO)

clean:
	rm -rf $(B)

check-style:
	scripts/style

help:
	@sed -n 's/^# make/make/p' Makefile selftests/tests.mk selftests/*/*.mk
