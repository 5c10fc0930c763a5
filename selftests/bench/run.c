/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Test runs of the wrapper. Many packets in one: taken is the time that this thread ran, so that who else wants the
 * processor does not count. Where a packet cannot be made what it was, runs of one packet, by the kernel's own clock.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "course.h"

static double thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static bool put_in(struct course *c, const struct leg *leg, int program)
{
	int fd = bpf_map__fd(leg->door == SL_UP_XDP ? c->wrap->maps.door_xdp : c->wrap->maps.door_tc);

	return !bpf_map_update_elem(fd, &(uint32_t){ 0 }, &program, BPF_ANY) ||
	       fail(&c->bench, "the wrapper does not take the program: %s", strerror(errno));
}

static int run(struct course *c, const struct leg *leg, uint32_t packets, struct bpf_test_run_opts *opts)
{
	struct xdp_md xdp = { .ingress_ifindex = leg->ifindex, .data_end = c->frame.len };
	struct __sk_buff skb = { .ifindex = leg->ifindex };

	opts->data_in = c->frame.bytes;
	opts->data_size_in = c->frame.len;
	opts->repeat = (int)packets;
	if (leg->door == SL_UP_XDP) {
		opts->ctx_in = &xdp;
		opts->ctx_size_in = sizeof(xdp);
		return bpf_prog_test_run_opts(bpf_program__fd(c->wrap->progs.wrap_xdp), opts);
	}
	opts->ctx_in = &skb;
	opts->ctx_size_in = sizeof(skb);
	return bpf_prog_test_run_opts(bpf_program__fd(c->wrap->progs.wrap_tc), opts);
}

bool run_many(struct course *c, const struct leg *leg, int program, uint32_t packets, int *retval, double *ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	double begin;
	int error;

	if (!put_in(c, leg, program))
		return false;
	begin = thread_ns();
	error = run(c, leg, packets, &opts);
	*ns = (thread_ns() - begin) / packets;
	c->kernel_ns = opts.duration;
	*retval = (int)opts.retval;
	return !error || fail(&c->bench, "test run: %s", strerror(-error));
}

bool run_single(struct course *c, const struct leg *leg, int program, uint32_t packets, int *retval,
		double *ns)
{
	uint64_t sum = 0;

	if (!put_in(c, leg, program))
		return false;
	for (uint32_t i = 0; i < packets; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts);
		int error = run(c, leg, 1, &opts);

		if (error)
			return fail(&c->bench, "test run: %s", strerror(-error));
		if (i && *retval != (int)opts.retval)
			return fail(&c->bench, "one packet ends in %d, another in %d", *retval,
				    (int)opts.retval);
		*retval = (int)opts.retval;
		sum += opts.duration;
	}
	*ns = c->kernel_ns = (double)sum / packets;
	return true;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct sample sample_of(double *ns, uint32_t count)
{
	qsort(ns, count, sizeof(*ns), compare);
	return (struct sample){ count & 1 ? ns[count / 2] : (ns[count / 2 - 1] + ns[count / 2]) / 2, ns[0],
				ns[count - 1], count };
}
