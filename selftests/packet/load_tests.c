/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cache where the loader does not find it as it knows it: of another version, or with one of its two tables gone.
 * Either both tables are taken over or neither, since lines hold by the epochs that they were made under; and what lines
 * hold that are given up is counted before. With pins of its own.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "../../user/kernel/pins.h"
#include "../../user/kernel/rows.h"
#include "cache.h"

#define PINS "/sys/fs/bpf/load"
#define PACKETS 5U
#define BYTES 700U

static const struct limits small = {
	.flows = 64, .unanswered_flows = 64, .bindings = 64, .cache_lines = CACHE_LINES
};

/* Of the tables as they are pinned. */
static uint32_t pinned_id(const char *table)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int fd = bpf_obj_get(pin_path(PINS, "maps", table).text);

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		info.id = 0;
	close(fd);
	return info.id;
}

static struct sl_flow_key key_of_flow(void)
{
	return flow_key(1, SL_PROTO_UDP, A1, 1000, A2, 53);
}

/* A flow, and a line made of it that holds what its last packets were. */
static void fill(struct bench *b, struct kernel *k)
{
	struct sl_flow_key key = key_of_flow();
	struct sl_flow flow = { .created = tick() - SL_TICKS(60), .seen = tick() - SL_TICKS(30) };
	struct sl_line_set set = { .way[0] = {
					   .saddr = key.saddr,
					   .daddr = key.daddr,
					   .sport = key.sport,
					   .dport = key.dport,
					   .proto = key.proto,
					   .vpc = key.vpc,
					   .generation = 1,
					   .packets = PACKETS,
					   .bytes = BYTES,
					   .filled = tick(),
					   .verdict = { .src_network = NET_A, .dst_network = NET_B },
				   } };

	struct sl_cache cache;

	if (bpf_map_lookup_elem(k->table[SL_TABLE_sl_cache], &(uint32_t){ 0 }, &cache))
		fail(b, "sl_cache cannot be read");
	cache.second = UINT32_MAX; /* no line expires */
	if (bpf_map_update_elem(k->table[SL_TABLE_sl_cache], &(uint32_t){ 0 }, &cache, BPF_ANY) ||
	    bpf_map_update_elem(k->table[SL_TABLE_sl_flow], &key, &flow, BPF_ANY) ||
	    bpf_map_update_elem(k->table[SL_TABLE_sl_line], &(uint32_t){ 0 }, &set, BPF_ANY))
		fail(b, "a flow or its line cannot be written");
}

/* Packets and bytes of the networks' row, and of the flow's. */
static bool counted(struct bench *b, struct kernel *k, uint32_t times)
{
	struct sl_traffic_key pair = { .src_network = NET_A, .dst_network = NET_B, .outcome = SL_PASSED };
	struct sl_flow_key key = key_of_flow();
	struct sl_count one[CPUS_MAX], all = { 0 };
	struct sl_flow flow = { 0 };

	if (!bpf_map_lookup_elem(k->table[SL_TABLE_sl_traffic], &pair, one))
		for (uint32_t cpu = 0; cpu < b->cpus; cpu++) {
			all.packets += one[cpu].packets;
			all.bytes += one[cpu].bytes;
		}
	if (bpf_map_lookup_elem(k->table[SL_TABLE_sl_flow], &key, &flow))
		return fail(b, "the flow is gone");
	if (all.packets != times * PACKETS || all.bytes != times * BYTES)
		return fail(b, "the networks have %llu packets", (unsigned long long)all.packets);
	return flow.packets == PACKETS * (times != 0) ||
	       fail(b, "the flow has %llu packets", (unsigned long long)flow.packets);
}

/* As another version would have left it, or somebody's hand. */
static void spoil(struct bench *b, const char *table, bool reshape)
{
	struct path path = pin_path(PINS, "maps", table);
	int fd = -1;

	if (unlink(path.text))
		fail(b, "%s cannot be taken away", path.text);
	if (reshape) {
		fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, table, sizeof(uint32_t), 128, 64, NULL);
		if (fd < 0 || bpf_obj_pin(fd, path.text))
			fail(b, "no other table can be put at %s", path.text);
		close(fd);
	}
}

/* Whose lines the loaded programs know, and by which epochs. */
static void in_force(struct bench *b, struct kernel *k)
{
	struct sl_line_set set, none = { 0 };
	struct sl_cache cache;

	if (bpf_map_lookup_elem(k->table[SL_TABLE_sl_cache], &(uint32_t){ 0 }, &cache) ||
	    bpf_map_lookup_elem(k->table[SL_TABLE_sl_line], &(uint32_t){ 0 }, &set))
		fail(b, "the cache cannot be read");
	that(b,
	     cache.sets && cache.sets == kernel_room(k, SL_TABLE_sl_line) / b->cpus && cache.second &&
		     cache.second < UINT32_MAX,
	     "the cache is on, at the size of its table");
	that(b, !memcmp(&set, &none, sizeof(set)), "no line is there");
}

static const struct {
	const char *name, *table[2];
	bool reshape;
} spoilt[] = {
	{ "lines are of another version", { "sl_line", NULL }, true },
	{ "epochs are of another version", { "sl_cache", NULL }, true },
	{ "lines are gone", { "sl_line", NULL }, false },
	{ "epochs are gone", { "sl_cache", NULL }, false },
	{ "both are gone", { "sl_line", "sl_cache" }, false },
};

static void test_spoilt(struct bench *b, struct kernel *k, size_t which, uint32_t *times)
{
	uint32_t lines = pinned_id("sl_line"), epochs = pinned_id("sl_cache"), flows = pinned_id("sl_flow");
	struct trouble t;

	case_begin(b, "load: the cache is made anew: %s", spoilt[which].name);
	fill(b, k);
	kernel_close(k);
	for (int i = 0; i < 2 && spoilt[which].table[i]; i++)
		spoil(b, spoilt[which].table[i], spoilt[which].reshape);
	if (kernel_load(k, PINS, &small, &t)) {
		fail(b, "%s", t.text);
		case_end(b);
		return;
	}
	that(b, pinned_id("sl_line") != lines && pinned_id("sl_cache") != epochs, "both tables of it");
	that(b, pinned_id("sl_flow") == flows, "and no other");
	in_force(b, k);
	counted(b, k, ++*times);
	case_end(b);
}

/* What has another size is made with that, and nothing is lost by it. */
static void test_resized(struct bench *b, struct kernel *k, uint32_t *times)
{
	uint32_t room = kernel_room(k, SL_TABLE_sl_line), flows = pinned_id("sl_flow");
	struct limits larger = small;
	struct trouble t;

	case_begin(b, "load: the cache is made anew: it is to be larger");
	larger.cache_lines *= 2;
	fill(b, k);
	kernel_close(k);
	if (kernel_load(k, PINS, &larger, &t)) {
		fail(b, "%s", t.text);
		case_end(b);
		return;
	}
	that(b, kernel_room(k, SL_TABLE_sl_line) == 2 * room, "by as much");
	that(b, pinned_id("sl_flow") == flows, "other tables stay");
	in_force(b, k);
	counted(b, k, ++*times);
	case_end(b);
}

static struct bpf_map_info pinned_as(struct bench *b, const char *table)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int fd = bpf_obj_get(pin_path(PINS, "maps", table).text);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		fail(b, "%s is not there", table);
	close(fd);
	return info;
}

/* As a version that knows but so many rows of it has left it, with numbers of their own in them, in the place of the pin. */
static void leave_rows(struct bench *b, const char *table, uint32_t rows)
{
	struct path path = pin_path(PINS, "maps", table);
	struct bpf_map_info info = pinned_as(b, table);
	uint64_t row[CPUS_MAX];
	struct trouble t;
	int fd = bpf_map_create((enum bpf_map_type)info.type, table, info.key_size, info.value_size, rows,
				NULL);

	for (uint32_t i = 0; i < rows; i++) {
		for (uint32_t cpu = 0; cpu < CPUS_MAX; cpu++)
			row[cpu] = 100 * i + cpu + 1;
		if (bpf_map_update_elem(fd, &i, row, BPF_ANY))
			fail(b, "row %u of %s cannot be written", i, table);
	}
	if (fd < 0 || pin_replace(fd, path.text, &t))
		fail(b, "%s cannot be replaced", table);
	close(fd);
}

static void grown(struct bench *b, int fd, const char *table, uint32_t before, uint32_t rows, uint32_t cpus)
{
	uint64_t row[CPUS_MAX];

	that(b, pinned_as(b, table).max_entries == rows, "it has as many rows as are known now");
	for (uint32_t i = 0; i < rows; i++) {
		if (bpf_map_lookup_elem(fd, &i, row))
			fail(b, "row %u of %s cannot be read", i, table);
		for (uint32_t cpu = 0; cpu < cpus; cpu++)
			that(b, row[cpu] == (i < before ? 100 * i + cpu + 1 : 0), "they hold what they held");
	}
}

/* Counters that a later version has more of. */
static void test_grown(struct bench *b, struct kernel *k)
{
	uint32_t flows = pinned_id("sl_flow"), stats;
	uint64_t sum;
	struct trouble t;

	case_begin(b, "load: tables of counters grow, and keep what they count");
	kernel_close(k);
	leave_rows(b, "sl_stat", 5);
	leave_rows(b, "sl_gauge", SL_GAUGES - 1);
	if (kernel_load(k, PINS, &small, &t)) {
		fail(b, "%s", t.text);
		case_end(b);
		return;
	}
	grown(b, k->table[SL_TABLE_sl_stat], "sl_stat", 5, SL_STATS, b->cpus);
	grown(b, k->table[SL_TABLE_sl_gauge], "sl_gauge", SL_GAUGES - 1, SL_GAUGES, 1);
	that(b, pinned_id("sl_flow") == flows, "other tables stay");
	stats = pinned_id("sl_stat");
	kernel_close(k);
	if (kernel_load(k, PINS, &small, &t))
		fail(b, "%s", t.text);
	that(b, pinned_id("sl_stat") == stats, "and so do these from then on");
	that(b, !rows_stat(k->table[SL_TABLE_sl_stat], SL_STATS, b->cpus, &sum, &t) && !sum,
	     "what a table of before has no row for was never counted");
	case_end(b);
}

void test_load(struct bench *b)
{
	uint32_t lines, epochs, times = 0;
	struct trouble t;
	struct kernel k;

	case_begin(b, "load: the cache is taken over as it is, with what lines hold");
	if (kernel_load(&k, PINS, &small, &t)) {
		fail(b, "%s", t.text);
		case_end(b);
		return;
	}
	lines = pinned_id("sl_line");
	epochs = pinned_id("sl_cache");
	fill(b, &k);
	kernel_close(&k);
	if (kernel_load(&k, PINS, &small, &t))
		fail(b, "%s", t.text);
	that(b, pinned_id("sl_line") == lines && pinned_id("sl_cache") == epochs, "they are the same tables");
	counted(b, &k, 0);
	case_end(b);
	for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++)
		test_spoilt(b, &k, i, &times);
	test_resized(b, &k, &times);
	test_grown(b, &k);
	kernel_close(&k);
	if (pins_remove(PINS, &t)) {
		printf("not ok load: %s\n", t.text);
		b->failed++;
	}
}
