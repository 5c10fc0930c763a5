/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One run of the program carries out up to SL_RELEASE_ITEMS orders, and returns how many.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "release.h"

int release_open(const char *pins, struct trouble *t)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/progs/sl_release", pins);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return trouble(t, fd, "cannot open %s: %s", path, strerror(-fd));
	return fd;
}

void release_begin(struct release *r, uint16_t what)
{
	memset(r, 0, sizeof(*r));
	r->head.what = what;
}

int release_flush(struct release *r, int program, uint64_t *done, struct trouble *t)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = r,
		    .data_size_in = (__u32)(sizeof(r->head) + r->head.count * sizeof(r->item[0])),
		    .repeat = 1);
	int error;

	if (!r->head.count)
		return 0;
	error = bpf_prog_test_run_opts(program, &run);
	r->head.count = 0;
	if (error)
		return trouble(t, error, "cannot run sl_release: %s", strerror(-error));
	*done += run.retval;
	return 0;
}

static int add(struct release *r, int program, const void *item, uint64_t *done, struct trouble *t)
{
	memcpy(&r->item[r->head.count++], item, sizeof(r->item[0]));
	return r->head.count < SL_RELEASE_ITEMS ? 0 : release_flush(r, program, done, t);
}

int release_port(struct release *r, int program, const struct sl_outside_key *key, uint32_t seen,
		 uint64_t *done, struct trouble *t)
{
	const struct sl_release_item item = { .key = *key, .seen = seen };

	return add(r, program, &item, done, t);
}

int release_flows(struct release *r, int program, const struct sl_holder_key *key, uint32_t flows,
		  uint64_t *done, struct trouble *t)
{
	const struct sl_release_flows item = { .key = *key, .flows = flows };

	return add(r, program, &item, done, t);
}
