/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel gives a program the address of the only row of an array, if the instruction that loads the array asks for
 * it; what the compiler writes asks for the table. Between the two libbpf lets its caller change the instructions.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include "direct.h"

static const char *const direct[] = { "sl_active", "sl_leave", "sl_cache" };

static bool is_direct(int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return false;
	for (size_t i = 0; i < sizeof(direct) / sizeof(direct[0]); i++)
		if (!strcmp(info.name, direct[i]))
			return true;
	return false;
}

static int address_rows(struct bpf_program *program, struct bpf_prog_load_opts *opts, long cookie)
{
	size_t count = bpf_program__insn_cnt(program);
	struct bpf_insn *insns = malloc(count * sizeof(*insns));
	int error;

	(void)cookie;
	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(program), count * sizeof(*insns));
	for (size_t i = 0; i + 1 < count; i++) {
		if (insns[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (insns[i].src_reg == BPF_PSEUDO_MAP_FD && is_direct(insns[i].imm)) {
			insns[i].src_reg = BPF_PSEUDO_MAP_VALUE;
			insns[i + 1].imm = 0; /* where in the row */
		}
		i++; /* such an instruction is two */
	}
	error = bpf_program__set_insns(program, insns, count);
	free(insns);
	/* As libbpf itself would have done for their section. */
	if (bpf_program__type(program) == BPF_PROG_TYPE_XDP)
		opts->prog_flags |= BPF_F_XDP_HAS_FRAGS;
	return error;
}

int direct_register(struct trouble *t)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = address_rows);
	static bool done;
	int error;

	if (done)
		return 0;
	error = libbpf_register_prog_handler("tc", BPF_PROG_TYPE_SCHED_CLS, 0, &opts);
	if (error >= 0)
		error = libbpf_register_prog_handler("xdp.frags", BPF_PROG_TYPE_XDP, BPF_XDP, &opts);
	if (error < 0)
		return trouble(t, error, "libbpf does not take a part in loading: %s", strerror(-error));
	done = true;
	return 0;
}
