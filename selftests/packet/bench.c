/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Setting the bench: load, plan, run. The loader and the compiler are the ones that users run.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../../user/kernel/cache.h"
#include "../../user/kernel/extra.h"
#include "../../user/kernel/shape.h"
#include "../../user/image/heap.h"
#include "packet/tag_beside.skel.h"
#include "bench.h"

static bool open_beside(struct bench *b, char *why, size_t room)
{
	b->beside = tag_beside_bpf__open_and_load();
	if (!b->beside)
		snprintf(why, room, "cannot load tag_beside: %s", strerror(errno));
	return b->beside;
}

bool bench_open(struct bench *b, const char *folder, char *why, size_t room)
{
	struct limits limits = { .flows = FLOWS_MAX,
				 .unanswered_flows = UNANSWERED_MAX,
				 .bindings = BINDINGS_MAX,
				 .cache_lines = b->cached ? CACHE_LINES : 0 };
	struct trouble t = { "" };

	if (b->limits.flows)
		limits = b->limits;
	b->folder = folder;
	b->kernel.lock = -1;
	for (int i = 0; i < SL_PROGRAMS; i++)
		b->program[i] = -1;
	b->cpus = (uint32_t)libbpf_num_possible_cpus();
	if (b->cpus > CPUS_MAX) {
		snprintf(why, room, "%u CPUs are more than the %u that the bench adds up", b->cpus, CPUS_MAX);
		return false;
	}
	if (!scene_make(why, room))
		return false;
	if (kernel_load(&b->kernel, BENCH_PINS, &limits, &t)) {
		snprintf(why, room, "%s", t.text);
		return false;
	}
	for (int i = 0; i < SL_PROGRAMS; i++) {
		char path[128];

		if (extra_is((enum program)i)) /* loaded where it is asked for */
			continue;
		snprintf(path, sizeof(path), BENCH_PINS "/progs/%s", program_names[i]);
		b->program[i] = bpf_obj_get(path);
		if (b->program[i] < 0) {
			snprintf(why, room, "%s: %s", path, strerror(errno));
			return false;
		}
	}
	if (b->cached) {
		b->flush = cache_open(BENCH_PINS, &t);
		if (b->flush < 0) {
			snprintf(why, room, "%s", t.text);
			return false;
		}
	}
	/* The judgement of the one for libxdp's dispatcher is sl_up_xdp's. */
	if (extra_open(&b->kernel, SL_TUN_IN, 2, b->program, &t)) {
		snprintf(why, room, "%s", t.text);
		return false;
	}
	return open_beside(b, why, room) && bench_plan(b, NULL);
}

void bench_close(struct bench *b)
{
	image_free(b->image);
	tag_beside_bpf__destroy(b->beside);
	for (int i = 0; i < SL_PROGRAMS; i++)
		if (b->program[i] >= 0)
			close(b->program[i]);
	kernel_close(&b->kernel); /* the pins go with the namespace that they stand in */
}

static bool plan_change(json_t *plan, const char *change, struct trouble *t)
{
	json_error_t error;
	json_t *more = change ? json_loads(change, 0, &error) : NULL;
	bool good = !change || (more && !json_object_update_recursive(plan, more));

	if (!good)
		trouble(t, -EINVAL, "the change to the plan: %s", error.text);
	json_decref(more);
	return good;
}

/* The plan's text with `base` and `change` worked into it. */
static char *plan_text(const char *folder, const char *base, const char *change, struct trouble *t)
{
	char path[256], *text = NULL;
	json_error_t error;
	json_t *plan;

	snprintf(path, sizeof(path), "%s/plan.json", folder);
	plan = json_load_file(path, 0, &error);
	if (!plan) {
		trouble(t, -EINVAL, "%s:%d: %s", path, error.line, error.text);
		return NULL;
	}
	if (plan_change(plan, base, t) && plan_change(plan, change, t))
		text = json_dumps(plan, 0);
	json_decref(plan);
	return text;
}

void *bench_find(const struct image *image, enum sl_table_id table, const void *key)
{
	const struct image_table *at = &image->table[table];
	size_t key_size = shapes[table].key_size, stride = key_size + shapes[table].value_size;

	for (size_t row = 0; row < at->count; row++)
		if (!memcmp(at->rows + row * stride, key, key_size))
			return at->rows + row * stride + key_size;
	return NULL;
}

void bench_row(struct bench *b, struct image *image, enum sl_table_id table, const void *key,
	       const void *value)
{
	struct image_table *at = &image->table[table];
	size_t key_size = shapes[table].key_size, stride = key_size + shapes[table].value_size;
	uint8_t *rows, *row = bench_find(image, table, key);

	if (!row) {
		rows = heap_take(image->arena, (at->count + 1) * stride);
		if (!rows) {
			fail(b, "no memory for a row of %s", shapes[table].name);
			return;
		}
		if (at->count)
			memcpy(rows, at->rows, at->count * stride);
		row = rows + at->count * stride + key_size;
		memcpy(row - key_size, key, key_size);
		at->key_size = (uint32_t)key_size;
		at->value_size = shapes[table].value_size;
		at->rows = rows;
		at->count++;
	}
	memcpy(row, value, shapes[table].value_size);
}

bool bench_plan(struct bench *b, const char *change)
{
	struct link_fact facts[SCENE_LINKS];
	struct link_facts links = { .item = facts, .count = SCENE_LINKS };
	struct image *image = NULL;
	struct report r = { 0 };
	struct trouble t = { "" };
	struct plan *plan = NULL;
	char *text = plan_text(b->folder, b->base, change, &t);
	bool done = false;

	scene_links(facts);
	if (text)
		plan = plan_read_text("plan.json", text, strlen(text), &r);
	if (plan && !report_failed(&r))
		plan_check(plan, &r);
	if (plan && !report_failed(&r))
		image = image_compile(plan, "node1", &links, &r);
	if (!image || report_failed(&r)) {
		report_print(&r, stderr);
		fail(b, "the bench's plan does not compile: %s", t.text);
		goto out;
	}
	if (b->rows)
		b->rows(b, image);
	if (kernel_install(&b->kernel, image, &t)) {
		fail(b, "the bench's plan does not install: %s", t.text);
		goto out;
	}
	image_free(b->image);
	b->image = image;
	image = NULL;
	done = true;
out:
	image_free(image);
	plan_free(plan);
	report_free(&r);
	free(text);
	return done;
}

void bench_generation(struct bench *b, uint32_t generation)
{
	struct sl_active active = { .generation = generation };

	if (bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_active], &(uint32_t){ 0 }, &active, BPF_ANY))
		fail(b, "cannot write sl_active: %s", strerror(errno));
}

static void empty(struct bench *b, enum sl_table_id table)
{
	int fd = b->kernel.table[table];
	uint8_t key[64];

	while (!bpf_map_get_next_key(fd, NULL, key))
		if (bpf_map_delete_elem(fd, key)) {
			fail(b, "cannot empty %s: %s", shapes[table].name, strerror(errno));
			return;
		}
}

void bench_count_lines(struct bench *b)
{
	struct trouble t;
	uint32_t missed;

	if (b->cached && (cache_flush(b->flush, SL_FLUSH_ALL, b->cpus, NULL, &missed, &t) || missed))
		fail(b, "cannot count what lines hold: %s", t.text);
}

bool bench_of_cache(uint32_t stat)
{
	return stat == SL_STAT_LINES_FILLED || stat == SL_STAT_LINE_PACKETS || stat == SL_STAT_LINES_MISSED;
}

void bench_void_lines(struct bench *b)
{
	struct trouble t;

	if (b->cached && cache_start(&b->kernel, true, &t))
		fail(b, "cannot void the cache: %s", t.text);
}

void bench_leave_nothing(struct bench *b)
{
	static const struct sl_leave nothing;

	if (bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_leave], &(uint32_t){ 0 }, &nothing, BPF_ANY))
		fail(b, "cannot write sl_leave: %s", strerror(errno));
}

void bench_clear_counts(struct bench *b)
{
	const uint64_t zero[CPUS_MAX] = { 0 };

	empty(b, SL_TABLE_sl_traffic);
	empty(b, SL_TABLE_sl_drop);
	empty(b, SL_TABLE_sl_served);
	empty(b, SL_TABLE_sl_unserved);
	empty(b, SL_TABLE_sl_eip_count);
	empty(b, SL_TABLE_sl_qos);
	empty(b, SL_TABLE_sl_qos_delay);
	empty(b, SL_TABLE_sl_rtt);
	for (uint32_t i = 0; i < OFFENCES; i++)
		if (bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_offender], &offences[i],
					&(struct sl_offender){ .at = 0 }, BPF_ANY))
			fail(b, "cannot clear sl_offender: %s", strerror(errno));
	for (uint32_t i = 0; i < SL_STATS; i++)
		if (bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_stat], &i, zero, BPF_ANY))
			fail(b, "cannot clear sl_stat: %s", strerror(errno));
}

void bench_clear(struct bench *b)
{
	empty(b, SL_TABLE_sl_flow);
	empty(b, SL_TABLE_sl_unanswered);
	empty(b, SL_TABLE_sl_frag);
	empty(b, SL_TABLE_sl_neigh);
	empty(b, SL_TABLE_sl_affinity);
	empty(b, SL_TABLE_sl_bucket);
	empty(b, SL_TABLE_sl_binding);
	empty(b, SL_TABLE_sl_outside);
	empty(b, SL_TABLE_sl_port_word);
	empty(b, SL_TABLE_sl_contact);
	empty(b, SL_TABLE_sl_holder);
	empty(b, SL_TABLE_sl_shaper);
	empty(b, SL_TABLE_sl_link);
	bench_void_lines(b);
	bench_clear_counts(b);
}

#ifndef BPF_F_TEST_SKB_CHECKSUM_COMPLETE
#define BPF_F_TEST_SKB_CHECKSUM_COMPLETE (1U << 2)
#endif

static int run_xdp(struct bench *b, const struct send *s, struct got *got, uint8_t *out, uint32_t *len)
{
	struct xdp_md in = { .ingress_ifindex = s->ifindex, .data_end = s->frame.len }, back = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = s->frame.bytes, .data_size_in = s->frame.len,
		    .data_out = out, .data_size_out = *len, .ctx_in = &in, .ctx_size_in = sizeof(in),
		    .ctx_out = &back, .ctx_size_out = sizeof(back), .repeat = 1);
	int error = bpf_prog_test_run_opts(b->program[s->door], &opts);

	got->retval = opts.retval;
	got->mark = 0;
	got->tstamp = 0;
	got->meta_len = back.data - back.data_meta;
	*len = opts.data_size_out;
	return error;
}

static int run_tc(struct bench *b, const struct send *s, struct got *got, uint8_t *out, uint32_t *len)
{
	struct __sk_buff in = { .ifindex = s->ifindex,
				.mark = s->mark,
				.gso_segs = s->gso_segs,
				.gso_size = s->gso_size,
				.priority = s->priority,
				.ingress_ifindex = s->came_by };
	struct __sk_buff back = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = s->frame.bytes, .data_size_in = s->frame.len,
		    .data_out = out, .data_size_out = *len, .ctx_in = &in, .ctx_size_in = sizeof(in),
		    .ctx_out = &back, .ctx_size_out = sizeof(back), .repeat = 1,
		    .flags = s->summed ? BPF_F_TEST_SKB_CHECKSUM_COMPLETE : 0);
	int program = b->program[s->door], error;

	if (s->beside.type || s->hash || s->sign) {
		in.cb[0] = s->beside.type;
		in.cb[1] = s->beside.tci;
		in.cb[2] = s->hash;
		in.cb[3] = s->sign;
		if (bpf_map_update_elem(bpf_map__fd(b->beside->maps.door), &(uint32_t){ 0 }, &program,
					BPF_ANY))
			return -errno;
		program = bpf_program__fd(b->beside->progs.tag_beside);
	}
	error = bpf_prog_test_run_opts(program, &opts);
	got->retval = opts.retval;
	got->mark = back.mark;
	got->priority = back.priority;
	got->tstamp = back.tstamp;
	got->meta_len = 0;
	*len = opts.data_size_out;
	return error;
}

bool bench_run(struct bench *b, const struct send *s, struct got *got)
{
	uint8_t out[FRAME_ROOM + 256];
	uint32_t len = sizeof(out);
	bool xdp = s->door == SL_UP_XDP || s->door == SL_UP_SHARED;
	int error = xdp ? run_xdp(b, s, got, out, &len) : run_tc(b, s, got, out, &len);

	if (error)
		return fail(b, "the kernel does not run %s on %u bytes: %s", program_names[s->door],
			    s->frame.len, strerror(-error));
	if (got->meta_len > sizeof(got->meta) || len - got->meta_len > FRAME_ROOM)
		return fail(b, "%u bytes with %u of metadata came out", len, got->meta_len);
	memcpy(got->meta, out, got->meta_len);
	got->frame = s->frame;
	got->frame.len = len - got->meta_len;
	memcpy(got->frame.bytes, out + got->meta_len, got->frame.len);
	return true;
}

struct sl_flow_key flow_key(uint16_t vpc, uint8_t proto, uint32_t saddr, uint16_t sport, uint32_t daddr,
			    uint16_t dport)
{
	return (struct sl_flow_key){ .saddr = htonl(saddr),
				     .daddr = htonl(daddr),
				     .sport = htons(sport),
				     .dport = htons(dport),
				     .vpc = vpc,
				     .proto = proto };
}

int flow_find(struct bench *b, const struct sl_flow_key *key, struct sl_flow *flow)
{
	memset(flow, 0, sizeof(*flow));
	if (!bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_flow], key, flow))
		return 1;
	return bpf_map_lookup_elem(b->kernel.table[SL_TABLE_sl_unanswered], key, flow) ? -1 : 0;
}

uint32_t tick(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint32_t)(((uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec) >> SL_TICK_SHIFT);
}

uint16_t vpc_of(const struct bench *b, const char *name)
{
	for (size_t i = 0; i < b->image->name_count; i++)
		if (b->image->names[i].key.kind == SL_NAME_VPC && !strcmp(b->image->names[i].name.name, name))
			return (uint16_t)b->image->names[i].key.id;
	return 0;
}
