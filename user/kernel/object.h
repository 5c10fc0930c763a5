/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The BPF object that the binary carries. Nothing else includes the skeleton.
 */
#ifndef SLUICE_OBJECT_H
#define SLUICE_OBJECT_H
#include "kernel.h"

struct bpf_object;

#define OBJECT_NO_PERMISSION                                                                                 \
	"no permission to load BPF programs: this needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (root has "   \
	"them)"

/* The eight doors, the agent's question and its orders, and what the node's own sockets ask, by program name. */
enum program {
	SL_UP_XDP,
	SL_UP_IN,
	SL_UP_OUT,
	SL_WL_IN,
	SL_WL_OUT,
	SL_ASK,
	SL_RELEASE,
	SL_FLUSH,
	SL_UP_SHARED,
	SL_TUN_IN,
	SL_TUN_OUT,
	SL_CONNECT4,
	SL_CONNECT6,
	SL_SENDMSG4,
	SL_RECVMSG4,
	SL_RECVMSG6,
	SL_GETPEER4,
	SL_GETPEER6,
	SL_PROGRAMS
};
/* Those of sockets: all from here on. A kernel need not know them. */
#define SL_SOCKETS SL_CONNECT4
extern const char *const program_names[SL_PROGRAMS];

/* libbpf and libxdp say nothing, or everything with SLUICE_DEBUG=1 in the environment. */
void object_quiet(void);
/* Opened, not loaded. NULL and a line in t if it cannot be. */
struct bpf_object *object_open(struct trouble *t);

/* The types of keys and values, so that `bpftool map dump` names the fields of plan tables. */
struct types {
	int fd;
	uint32_t key[SL_TABLES];
	uint32_t value[SL_TABLES];
	struct bpf_object *object;
};
int types_load(struct types *types, struct trouble *t);
void types_close(struct types *types);

#endif
