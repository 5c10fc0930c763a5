# SPDX-License-Identifier: GPL-2.0
# make            build/sluice, one binary that carries its BPF programs
# make test       every test this machine can run (scripts/test installs what is missing first)
# make install    DESTDIR= PREFIX=/usr/local
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
.PHONY: all bpf test demo install clean check-style help

all: $(B)/sluice

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
	$(CC) $(SAN) $(LDFLAGS) $^ -o $@ $(LDLIBS_)
-include $(USER_OBJ:.o=.d)

include selftests/tests.mk

test:
	scripts/test
demo:
	scripts/demo

install: $(B)/sluice
	install -D -m 755 $(B)/sluice $(DESTDIR)$(PREFIX)/sbin/sluice
	install -D -m 644 user/man/sluice.8 $(DESTDIR)$(PREFIX)/share/man/man8/sluice.8
	install -D -m 644 user/man/sluice-plan.5 $(DESTDIR)$(PREFIX)/share/man/man5/sluice-plan.5
	install -D -m 644 scripts/deploy/sluice.service $(DESTDIR)$(PREFIX)/lib/systemd/system/sluice.service

clean:
	rm -rf $(B)

check-style:
	scripts/style

help:
	@sed -n 's/^# make/make/p' Makefile selftests/tests.mk
