/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generations share the tables that are alike in both: what is shared, that a row which changes, goes or was spoiled by
 * hand makes a table of its own, and that an install that fails, is killed or meets another one leaves one whole plan.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../user/image/digest.h"
#include "../../user/kernel/build_id.h"
#include "../../user/kernel/inner.h"
#include "../../user/kernel/names.h"
#include "../../user/kernel/proof.h"
#include "../../user/kernel/rows.h"
#include "../../user/kernel/shape.h"
#include "bench.h"

#define KILLS 40
#define TURNS 6
#define RANDOM_TURNS 60

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static uint32_t map_id(int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

/* What a slot holds. */
static uint32_t slot_id(const struct bench *b, int table, uint32_t slot)
{
	uint32_t id = 0;

	return bpf_map_lookup_elem(b->kernel.table[table], &slot, &id) ? 0 : id;
}

static void note_ids(const struct bench *b, uint32_t ids[SL_TABLES])
{
	for (int i = 0; i < SL_TABLES; i++)
		ids[i] = shapes[i].plan ? map_id(b->kernel.plan[i]) : 0;
}

/* Every table in force holds the image's rows, in the slot that packets look into as well. */
static bool holds(const struct bench *b, const struct image *image)
{
	for (int i = 0; i < SL_TABLES; i++) {
		struct proof proof;
		struct trouble t;

		if (!shapes[i].plan)
			continue;
		if (proof_read(i, b->kernel.plan[i], &image->table[i], &proof, &t) || !proof_holds(&proof) ||
		    slot_id(b, i, b->kernel.generation & 1) != map_id(b->kernel.plan[i]))
			return false;
	}
	return true;
}

/* `whole` has the rows that `image` may leave for later. */
static void install_of(struct bench *b, const char *what, const struct image *image,
		       const struct image *whole)
{
	uint32_t before = b->kernel.generation;
	struct trouble t = { "" };

	if (kernel_install(&b->kernel, image, &t))
		fail(b, "%s: %s", what, t.text);
	else if (b->kernel.generation != before + 1)
		fail(b, "%s: generation %u after %u", what, b->kernel.generation, before);
	if (!holds(b, whole))
		fail(b, "%s: the tables in force are not the image's", what);
}

static void install(struct bench *b, const char *what, const struct image *image)
{
	install_of(b, what, image, image);
}

/* `changed` (-1: none) is the one table that is another one than `ids` has. */
static void only(struct bench *b, const char *what, const uint32_t ids[SL_TABLES], int changed)
{
	for (int i = 0; i < SL_TABLES; i++)
		if (shapes[i].plan && (map_id(b->kernel.plan[i]) == ids[i]) == (i == changed))
			fail(b, "%s: %s is %s table", what, shapes[i].name,
			     i == changed ? "the same" : "another");
}

/* A second image of the bench's plan, to be changed; its rows are taken from `image` and given back by change_end(). */
struct change {
	struct image image;
	uint8_t *rows;
};

static struct image_table *change_begin(struct change *c, const struct image *image, int table)
{
	struct image_table *at = &c->image.table[table];
	size_t size;

	c->image = *image;
	size = at->count * ((size_t)at->key_size + at->value_size);
	c->rows = malloc(size ? size : 1);
	if (!c->rows)
		abort();
	memcpy(c->rows, at->rows, size);
	at->rows = c->rows;
	return at;
}

static void change_end(struct change *c)
{
	free(c->rows);
	c->rows = NULL;
}

static uint8_t *row_value(const struct image_table *at, size_t row)
{
	return at->rows + row * (at->key_size + at->value_size) + at->key_size;
}

static void shares(struct bench *b)
{
	uint32_t first[SL_TABLES], ids[SL_TABLES];
	const int tables[] = { SL_TABLE_sl_exact, SL_TABLE_sl_pair, SL_TABLE_sl_prefix, SL_TABLE_sl_vlan,
			       SL_TABLE_sl_ring };

	case_begin(b, "install: the same plan again makes no table");
	bench_plan(b, NULL);
	note_ids(b, first);
	for (int i = 0; i < 3; i++) {
		install(b, "again", b->image);
		only(b, "again", first, -1);
	}
	case_end(b);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		int table = tables[i];
		struct image_table *at;
		struct change c;

		case_begin(b, "install: a row of %s that changes, goes and comes", shapes[table].name);
		at = change_begin(&c, b->image, table);
		note_ids(b, ids);
		if (at->count < 3)
			fail(b, "the plan has too few rows for this test");
		row_value(at, 1)[0] ^= 1;
		install(b, "a row that changed", &c.image);
		only(b, "a row that changed", ids, table);
		note_ids(b, ids);
		at->count--;
		install(b, "a row less", &c.image);
		only(b, "a row less", ids, table);
		change_end(&c);
		note_ids(b, ids);
		install(b, "as before", b->image);
		only(b, "as before", ids, table);
		case_end(b);
	}
}

/*
 * Whoever writes by hand into a table that is open, as the agent patches it, finds it put right by the next install, not
 * kept; the others take no writes.
 */
static void spoiled(struct bench *b)
{
	const struct image_table *exact, *ring;
	struct sl_exact_key key, more = { .addr = 0xffffffff, .vpc = 0xfff };
	struct sl_endpoint value = { 0 };
	struct sl_slot slot = { .addr = 0xffffffff };
	struct sl_pair_key pair;
	uint32_t ids[SL_TABLES], index;

	case_begin(b, "install: tables that were written by hand are not shared");
	bench_plan(b, NULL);
	exact = &b->image->table[SL_TABLE_sl_exact];
	ring = &b->image->table[SL_TABLE_sl_ring];
	note_ids(b, ids);
	memcpy(&key, exact->rows, sizeof(key));
	bpf_map_delete_elem(b->kernel.plan[SL_TABLE_sl_exact], &key);
	install(b, "a row was deleted", b->image);
	only(b, "a row was deleted", ids, SL_TABLE_sl_exact);
	note_ids(b, ids);
	bpf_map_update_elem(b->kernel.plan[SL_TABLE_sl_exact], &more, &value, BPF_ANY);
	install(b, "a row was added", b->image);
	only(b, "a row was added", ids, SL_TABLE_sl_exact);
	note_ids(b, ids);
	bpf_map_delete_elem(b->kernel.plan[SL_TABLE_sl_exact], &key);
	bpf_map_update_elem(b->kernel.plan[SL_TABLE_sl_exact], &more, &value, BPF_ANY);
	install(b, "a row stands for another one", b->image);
	only(b, "a row stands for another one", ids, SL_TABLE_sl_exact);
	note_ids(b, ids);
	memcpy(&index, ring->rows, sizeof(index));
	if (!bpf_map_update_elem(b->kernel.plan[SL_TABLE_sl_ring], &index, &slot, BPF_ANY) || errno != EPERM)
		fail(b, "a slot was written");
	memcpy(&pair, b->image->table[SL_TABLE_sl_pair].rows, sizeof(pair));
	if (!bpf_map_delete_elem(b->kernel.plan[SL_TABLE_sl_pair], &pair) || errno != EPERM)
		fail(b, "a pair was deleted");
	install(b, "nothing was written", b->image);
	only(b, "nothing was written", ids, -1);
	case_end(b);
}

/* The bench's image with the rings of another plan, which leaves their rows for later. */
static const char other_rings[] = "{\"sluice\":1,\"clusters\":{\"c\":{\"id\":1,\"pools\":{\"lb\":[\"198.51."
				  "100.0/24\"]},\"nodes\":{\"n\":{"
				  "\"addresses\":[\"192.0.2.1\"],\"uplinks\":{\"eth0\":{}}}}}},\"networks\":{"
				  "\"pods\":{\"id\":1,\"sites\":{\"c\":{"
				  "\"overlay\":true,\"cidrs\":[\"10.1.0.0/"
				  "16\"]}}}},\"services\":{\"s\":{\"address\":\"198.51.100.1\",\"ports\":[{"
				  "\"proto\":\"tcp\",\"port\":80}],\"backends\":[{\"address\":\"10.1.0.1\"},{"
				  "\"address\":\"10.1.0.2\"}]}}}";

static void later(struct bench *b)
{
	const int ring = SL_TABLE_sl_ring;
	struct digest build;
	struct image lean, other, whole;
	struct image *compiled = NULL;
	struct report r = { 0 };
	struct plan *plan;
	uint32_t ids[SL_TABLES];

	case_begin(
		b,
		"install: rings whose rows are left for later are made if they follow from something else");
	if (!build_id(&build))
		fail(b, "this build does not know which one it is: it would make the rings every time");
	bench_plan(b, NULL);
	lean = *b->image;
	lean.table[ring].rows = NULL;
	install_of(b, "known by what they follow from", &lean, b->image);
	note_ids(b, ids);
	for (int i = 0; i < 2; i++) {
		install_of(b, "from the same", &lean, b->image);
		only(b, "from the same", ids, -1);
	}
	plan = plan_read_text("rings.json", other_rings, sizeof(other_rings) - 1, &r);
	if (plan && !report_failed(&r))
		compiled = image_compile_lean(plan, "n", NULL, &r);
	if (!compiled || report_failed(&r)) {
		report_print(&r, stderr);
		fail(b, "the other plan does not compile");
		goto out;
	}
	other = *b->image;
	other.rings = compiled->rings;
	other.table[ring] = compiled->table[ring];
	whole = other;
	if (!image_rows(&other, ring, &whole.table[ring]))
		abort();
	install_of(b, "from something else", &other, &whole);
	only(b, "from something else", ids, ring);
	note_ids(b, ids);
	install_of(b, "from that again", &other, &whole);
	only(b, "from that again", ids, -1);
	install_of(b, "from the first again", &lean, b->image);
	only(b, "from the first again", ids, ring);
	note_ids(b, ids);
	/* One does not know of the other's record. */
	install(b, "with all rows", b->image);
	only(b, "with all rows", ids, ring);
	image_rows_free(&other, ring, &whole.table[ring]);
out:
	image_free(compiled);
	plan_free(plan);
	report_free(&r);
	case_end(b);
}

/* As many rows of sl_exact as it takes for two to write them; `c` gives them back. */
static struct image_table *many_rows(struct change *c, const struct image *image, size_t count)
{
	struct image_table *at = change_begin(c, image, SL_TABLE_sl_exact);

	free(c->rows);
	c->rows = calloc(count, sizeof(struct sl_exact_key) + sizeof(struct sl_endpoint));
	if (!c->rows)
		abort();
	for (size_t i = 0; i < count; i++) {
		const struct sl_exact_key key = { .addr = (__u32)i * 7 + 1, .vpc = 3 };

		memcpy(c->rows + i * (sizeof(key) + sizeof(struct sl_endpoint)), &key, sizeof(key));
		memcpy(c->rows + i * (sizeof(key) + sizeof(struct sl_endpoint)) + sizeof(key), &i, 4);
	}
	at->rows = c->rows;
	at->count = count;
	return at;
}

static uint32_t in_force_id(const struct bench *b)
{
	return map_id(b->kernel.plan[SL_TABLE_sl_exact]);
}

/* What the generation before has left is written over where it differs: never the table in force, and never half. */
static void spare(struct bench *b)
{
	const int exact = SL_TABLE_sl_exact;
	const struct sl_exact_key more = { .addr = 0xffffffff, .vpc = 0xfff };
	const struct sl_endpoint value = { 0 };
	uint32_t ids[3], seed = 20261122;
	struct image_table *at;
	struct change c;
	int fd;

	case_begin(b, "install: a table that differs in a few rows is the one before last, put right");
	bench_plan(b, NULL);
	at = many_rows(&c, b->image, 40000);
	install(b, "many rows", &c.image);
	for (int turn = 0; turn < 40; turn++) {
		ids[turn % 3] = in_force_id(b);
		if (turn > 2 && ids[turn % 3] != ids[(turn - 2) % 3])
			fail(b, "turn %d: another table was made", turn);
		if (turn && ids[turn % 3] == ids[(turn - 1) % 3])
			fail(b, "turn %d: the table in force was changed", turn);
		for (int left = (int)(random_next(&seed) % 4); left >= 0; left--)
			row_value(at, random_next(&seed) % at->count)[random_next(&seed) % 8] ^= 1;
		if (turn % 3 == 0)
			at->count -= 1 + random_next(&seed) % 3;
		if (turn % 7 == 0)
			memset(at->rows + random_next(&seed) % at->count * (at->key_size + at->value_size),
			       0xee, 4); /* a key for another one */
		/* By hand into the spare one, which nobody ought to do. */
		fd = turn % 5 ? -1 : bpf_map_get_fd_by_id(slot_id(b, exact, !(b->kernel.generation & 1)));
		if (fd >= 0) {
			bpf_map_update_elem(fd, &more, &value, BPF_ANY);
			bpf_map_delete_elem(fd, at->rows);
			close(fd);
		}
		install(b, "a turn", &c.image);
	}
	ids[0] = slot_id(b, exact, !(b->kernel.generation & 1));
	for (size_t i = 0; i < at->count / 2; i++)
		row_value(at, i)[0] ^= 1;
	install(b, "half of the rows", &c.image);
	if (in_force_id(b) == ids[0])
		fail(b, "half of the rows were written one by one");
	ids[0] = slot_id(b, exact, !(b->kernel.generation & 1));
	fd = bpf_map_get_fd_by_id(ids[0]);
	if (fd < 0 || bpf_map_freeze(fd))
		fail(b, "the spare table cannot be sealed");
	if (fd >= 0)
		close(fd);
	row_value(at, 1)[0] ^= 1;
	install(b, "a sealed one", &c.image);
	change_end(&c);
	install(b, "a much smaller one", b->image);
	ids[1] = in_force_id(b);
	install(b, "again", b->image);
	if (in_force_id(b) != ids[1])
		fail(b, "the same plan again made a table");
	case_end(b);
}

/* `back` generations ago rule `id` had this name; NULL: none. */
static void named(struct bench *b, const char *what, uint32_t back, uint32_t id, const char *name)
{
	struct name_text found =
		name_of_rule(b->kernel.table[SL_TABLE_sl_name], b->kernel.generation - back, id);
	char number[16];

	snprintf(number, sizeof(number), "%u", id);
	if (strcmp(found.text, name ? name : number))
		fail(b, "%s: rule %u of %u generations ago is called %s", what, id, back, found.text);
}

/* Both generations have their names; a slot's next generation finds those of its last one there. */
static void names(struct bench *b)
{
	struct image image;
	struct image_name *changed;
	size_t at = 0;
	uint32_t id;
	const char *old;

	case_begin(b, "install: rules are called as in their own generation");
	bench_plan(b, NULL);
	image = *b->image;
	install(b, "before", b->image);
	changed = calloc(image.name_count, sizeof(*changed));
	if (!changed)
		abort();
	while (at < image.name_count && image.names[at].key.kind != SL_NAME_RULE)
		at++;
	if (at == image.name_count) {
		fail(b, "the plan has no rule with a name");
		goto out;
	}
	memcpy(changed, image.names, image.name_count * sizeof(*changed));
	id = image.names[at].key.id;
	old = image.names[at].name.name;
	snprintf(changed[at].name.name, sizeof(changed[at].name.name), "another");
	image.names = changed;
	install(b, "another name", &image);
	named(b, "another name", 0, id, "another");
	named(b, "another name", 1, id, old);
	memmove(changed + at, changed + at + 1, (image.name_count - at - 1) * sizeof(*changed));
	image.name_count--;
	install(b, "no such rule", &image);
	named(b, "no such rule", 0, id, NULL);
	named(b, "no such rule", 1, id, "another");
	install(b, "as before", b->image);
	named(b, "as before", 0, id, old);
	named(b, "as before", 1, id, NULL);
out:
	free(changed);
	case_end(b);
}

static struct digest digest_names(struct bench *b)
{
	struct digest keys = { { 0 } }, both[2] = { { { 0 } } };
	struct trouble t = { "" };
	struct rows rows;

	if (rows_read(&rows, b->kernel.table[SL_TABLE_sl_name], sizeof(struct sl_name_key),
		      sizeof(struct sl_name), 1, &t) ||
	    rows_sort(&rows, &t)) {
		fail(b, "the names cannot be read: %s", t.text);
		return keys;
	}
	both[0] = digest_rows(rows.keys, rows.count, rows.key_size, 0);
	both[1] = digest_rows(rows.values, rows.count, 0, rows.value_size);
	rows_free(&rows);
	return digest_rows(both, 1, sizeof(both), 0);
}

/* More names than there is room for, some of which are those of the slot's last generation. */
static void no_room(struct bench *b)
{
	struct image image;
	struct digest before, after;
	struct trouble t = { "" };

	case_begin(b, "install: names that there is no room for leave those of both generations");
	bench_plan(b, NULL);
	install(b, "before", b->image);
	install(b, "before", b->image);
	image = *b->image;
	image.name_count = SL_NAMES + 1;
	image.names = calloc(image.name_count, sizeof(*image.names));
	if (!image.names)
		abort();
	for (uint32_t i = 0; i < image.name_count; i++) {
		/* In the order of keys, as an image has them. */
		image.names[i].key = (struct sl_name_key){ .kind = SL_NAME_RULE, .id = htonl(i << 8) };
		snprintf(image.names[i].name.name, sizeof(image.names[i].name.name), "rule %u", i);
	}
	before = digest_names(b);
	if (!kernel_install(&b->kernel, &image, &t))
		fail(b, "%zu names were put in", image.name_count);
	else if (!strstr(t.text, "no room for the names"))
		fail(b, "%s", t.text);
	after = digest_names(b);
	if (memcmp(&before, &after, sizeof(before)))
		fail(b, "the names are others than before");
	free(image.names);
	install(b, "afterwards", b->image);
	case_end(b);
}

/* The second table that differs cannot be made: neither it nor the first one is seen. */
static void fails(struct bench *b)
{
	uint32_t generation, ids[SL_TABLES], held[SL_TABLES][2];
	struct trouble t = { "" };
	struct image_table *at;
	struct change c;

	case_begin(b, "install: a failure before the flip leaves both generations as they were");
	note_ids(b, ids);
	for (int i = 0; i < SL_TABLES; i++)
		for (uint32_t s = 0; s < 2; s++)
			held[i][s] = shapes[i].plan ? slot_id(b, i, s) : 0;
	generation = b->kernel.generation;
	at = change_begin(&c, b->image, SL_TABLE_sl_exact);
	row_value(at, 0)[0] ^= 1;
	c.image.table[SL_TABLE_sl_vip].value_size += 4;
	if (!kernel_install(&b->kernel, &c.image, &t))
		fail(b, "an image with rows of another size was installed");
	change_end(&c);
	if (b->kernel.generation != generation)
		fail(b, "generation %u after %u", b->kernel.generation, generation);
	for (int i = 0; i < SL_TABLES; i++)
		for (uint32_t s = 0; shapes[i].plan && s < 2; s++)
			if (slot_id(b, i, s) != held[i][s])
				fail(b, "%s is another table in slot %u", shapes[i].name, s);
	only(b, "after the failure", ids, -1);
	if (!holds(b, b->image))
		fail(b, "the tables in force are not the image's");
	install(b, "afterwards", b->image);
	case_end(b);
}

static void digest_path(const struct bench *b, char path[128])
{
	snprintf(path, 128, BENCH_PINS "/plan-%u/sl_digest", b->kernel.generation);
}

/* The record of what the tables in force hold is gone, or is somebody else's: `size` bytes a value. */
static void spoil_record(struct bench *b, size_t size)
{
	uint8_t value[SL_TABLES * sizeof(struct digest)];
	uint32_t zero = 0;
	char path[128];
	int fd;

	digest_path(b, path);
	if (unlink(path))
		fail(b, "%s: %s", path, strerror(errno));
	if (!size)
		return;
	memset(value, 0x5a, sizeof(value));
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sl_digest", sizeof(zero), (uint32_t)size, 1, NULL);
	if (fd < 0 || bpf_map_update_elem(fd, &zero, value, BPF_ANY) || bpf_obj_pin(fd, path))
		fail(b, "cannot put another record there: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void records(struct bench *b)
{
	const size_t sizes[] = { 0, 16, SL_TABLES * sizeof(struct digest) };
	uint8_t value[SL_TABLES * sizeof(struct digest)] = { 0 };
	uint32_t ids[SL_TABLES], zero = 0;
	char path[128];
	int fd;

	case_begin(b, "install: without a record of what sealed tables hold they are made again");
	bench_plan(b, NULL);
	install(b, "before", b->image);
	digest_path(b, path);
	fd = bpf_obj_get(path);
	if (fd < 0 || !bpf_map_update_elem(fd, &zero, value, BPF_ANY) || errno != EPERM)
		fail(b, "the record can be written to");
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		note_ids(b, ids);
		spoil_record(b, sizes[i]);
		install(b, "again", b->image);
		for (int t = 0; t < SL_TABLES; t++)
			if (shapes[t].plan && inner_sealed(t) && map_id(b->kernel.plan[t]) == ids[t])
				fail(b, "%s was kept, but nothing is known about it", shapes[t].name);
		note_ids(b, ids);
		install(b, "with a record", b->image);
		only(b, "with a record", ids, -1);
	}
	case_end(b);
}

/* Plans that differ in some rows of some tables, one after the other; the tables are compared byte by byte each time. */
static void at_random(struct bench *b)
{
	uint32_t seed = 20261121;

	case_begin(b, "install: a series of random changes, each as if it were installed whole");
	bench_plan(b, NULL);
	for (int turn = 0; turn < RANDOM_TURNS; turn++) {
		struct image image = *b->image;
		uint8_t *copies[SL_TABLES] = { NULL };

		for (int left = (int)(random_next(&seed) % 4); left > 0; left--) {
			int table = (int)(random_next(&seed) % SL_TABLES);
			struct image_table *at = &image.table[table];
			size_t stride = (size_t)at->key_size + at->value_size, size = at->count * stride;

			if (!at->count || copies[table])
				continue;
			copies[table] = malloc(size);
			if (!copies[table])
				abort();
			memcpy(copies[table], at->rows, size);
			at->rows = copies[table];
			if (random_next(&seed) % 4 == 0)
				at->count--;
			else
				row_value(at, random_next(&seed) % at->count)[0] ^= 1;
		}
		if (random_next(&seed) % 8 == 0)
			spoil_record(b, random_next(&seed) % 2 ? sizeof(struct digest) : 0);
		if (random_next(&seed) % 8 == 0)
			bpf_map_delete_elem(b->kernel.plan[SL_TABLE_sl_exact],
					    b->image->table[SL_TABLE_sl_exact].rows);
		install(b, "a turn", &image);
		for (int i = 0; i < SL_TABLES; i++)
			free(copies[i]);
	}
	install(b, "afterwards", b->image);
	case_end(b);
}

/* Installs the two in turns, as often as asked; a process of its own, with nothing of the bench's but its pins. */
static pid_t installer(const struct image *a, const struct image *z, int turns)
{
	struct kernel k;
	struct trouble t;
	pid_t pid = fork();

	if (pid)
		return pid;
	for (int i = 0; i < turns || !turns; i++) {
		if (kernel_open(&k, BENCH_PINS, false, &t) || kernel_lock(&k, &t) ||
		    kernel_reopen_plan(&k, &t) || kernel_install(&k, i % 2 ? a : z, &t)) {
			fprintf(stderr, "installer: %s\n", t.text);
			_exit(1);
		}
		kernel_close(&k);
	}
	_exit(0);
}

static uint32_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)((uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

static void killed(struct bench *b)
{
	unsigned int seen[2] = { 0 };
	uint32_t took;
	uint32_t pause = 1;
	struct trouble t = { "" };
	struct image_table *at;
	struct change c;

	case_begin(b, "install: killed at any moment, one of both plans is in force, whole");
	kernel_unlock(&b->kernel); /* which loading has left locked */
	at = change_begin(&c, b->image, SL_TABLE_sl_exact);
	row_value(at, 1)[0] ^= 1;
	took = now_us();
	waitpid(installer(b->image, &c.image, TURNS), NULL, 0);
	took = (now_us() - took) / TURNS;
	for (int i = 0; i < KILLS; i++) {
		pid_t pid = installer(b->image, &c.image, 0);

		pause = pause * 1664525 + 1013904223;
		usleep((pause >> 8) % (4 * took)); /* up to four installs later */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (kernel_lock(&b->kernel, &t) || kernel_reopen_plan(&b->kernel, &t)) {
			fail(b, "after kill %d: %s", i, t.text);
			kernel_unlock(&b->kernel);
			break;
		}
		kernel_unlock(&b->kernel);
		if (holds(b, b->image))
			seen[0]++;
		else if (holds(b, &c.image))
			seen[1]++;
		else
			fail(b, "after kill %d: neither plan is in force", i);
	}
	if (!seen[0] || !seen[1])
		fail(b, "only one of both plans was ever found: %u and %u times", seen[0], seen[1]);
	change_end(&c);
	install(b, "afterwards", b->image);
	case_end(b);
}

static void at_once(struct bench *b)
{
	uint32_t before = b->kernel.generation;
	struct trouble t = { "" };
	pid_t pids[2];
	struct image_table *at;
	struct change c;
	int status;

	case_begin(b, "install: two at once come one after the other");
	at = change_begin(&c, b->image, SL_TABLE_sl_pair);
	row_value(at, 1)[0] ^= 1;
	for (int i = 0; i < 2; i++)
		pids[i] = installer(b->image, &c.image, TURNS);
	for (int i = 0; i < 2; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status)
			fail(b, "installer %d failed", i);
	if (kernel_reopen_plan(&b->kernel, &t))
		fail(b, "afterwards: %s", t.text);
	if (b->kernel.generation != before + 2 * TURNS)
		fail(b, "generation %u after %u", b->kernel.generation, before);
	if (!holds(b, b->image)) /* both end with it */
		fail(b, "the tables in force are not the last plan's");
	change_end(&c);
	install(b, "afterwards", b->image);
	case_end(b);
}

void test_install(struct bench *b)
{
	shares(b);
	later(b);
	spare(b);
	spoiled(b);
	records(b);
	at_random(b);
	names(b);
	no_room(b);
	fails(b);
	killed(b);
	at_once(b);
	bench_plan(b, NULL);
}
