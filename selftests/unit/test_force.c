/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Orders to go to a state that come to nothing: what the record, the journal and the reason say then. The kernel
 * is pretended, the state directory is a real one.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* What fails next. */
static int bad_folders; /* so many times a directory cannot be forced to disk */
static int good_compiles; /* before one is refused */
static bool bad_install, paced, is_up;

static int fake_fsync(int fd)
{
	struct stat st;

	if (bad_folders && !fstat(fd, &st) && S_ISDIR(st.st_mode)) {
		bad_folders--;
		errno = EIO;
		return -1;
	}
	return 0;
}

/* Need no kernel but the calls below, and are linked nowhere else in the unit tests. cmocka has a fail() as well. */
#define fsync fake_fsync
#include "../../user/kernel/trouble.c"
#include "../../user/agent/aside.c"
#include "../../user/agent/state.c"
#include "../../user/agent/keep.c"
#include "../../user/agent/journal.c"
#include "../../user/agent/fence.c"
#include "../../user/agent/change.c"
#define image_compile_lean fake_compile
static struct image *fake_compile(const struct plan *plan, const char *node, const struct link_facts *links,
				  struct report *r);
#include "../../user/agent/force.c"
#undef image_compile_lean
#include <cmocka.h>

#define PLAN "selftests/lab/state.json"

static char dir[] = "/tmp/sluice-force-XXXXXX";

static struct image *fake_compile(const struct plan *plan, const char *node, const struct link_facts *links,
				  struct report *r)
{
	if (good_compiles-- > 0)
		return image_compile_lean(plan, node, links, r);
	report_error(r, NULL, "refused by the test");
	return NULL;
}

bool kernel_present(const char *pins)
{
	(void)pins;
	return is_up;
}

int kernel_open(struct kernel *k, const char *pins, bool read_only, struct trouble *t)
{
	(void)pins;
	(void)read_only;
	(void)t;
	k->generation = 41;
	return 0;
}

int kernel_load(struct kernel *k, const char *pins, const struct limits *limits, struct trouble *t)
{
	(void)pins;
	(void)limits;
	(void)t;
	k->generation = is_up ? 41 : 0;
	return 0;
}

int kernel_install(struct kernel *k, const struct image *image, struct trouble *t)
{
	(void)image;
	if (bad_install)
		return trouble(t, -EIO, "refused by the test");
	k->generation++;
	return 0;
}

int kernel_pace(const struct image *image, struct notes *notes, bool *changed, struct trouble *t)
{
	(void)image;
	(void)notes;
	(void)t;
	*changed = paced;
	return 0;
}

int links_read(struct link_facts *links, struct trouble *t)
{
	(void)t;
	*links = (struct link_facts){ 0 };
	return 0;
}

void links_free(struct link_facts *links)
{
	(void)links;
}

int kernel_lock(struct kernel *k, struct trouble *t)
{
	(void)k;
	(void)t;
	return 0;
}

int kernel_reopen_plan(struct kernel *k, struct trouble *t)
{
	(void)k;
	(void)t;
	return 0;
}

void kernel_close(struct kernel *k)
{
	(void)k;
}

void kernel_expect(struct kernel *k)
{
	(void)k;
}

uint32_t kernel_room(const struct kernel *k, enum sl_table_id table)
{
	(void)k;
	(void)table;
	return 0;
}

int kernel_attach_check(const struct kernel *k, const char *pins, const struct image *image,
			const struct link_facts *links, struct trouble *t)
{
	(void)k;
	(void)pins;
	(void)image;
	(void)links;
	(void)t;
	return 0;
}

int kernel_attach(struct kernel *k, const struct image *image, const struct link_facts *links,
		  struct notes *notes, struct trouble *t)
{
	(void)k;
	(void)image;
	(void)links;
	(void)notes;
	(void)t;
	return 0;
}

uint32_t cache_rows(uint32_t lines, uint32_t cpus)
{
	return lines * cpus;
}

int libbpf_num_possible_cpus(void)
{
	return 1;
}

uint32_t kernel_tick(void)
{
	return 0;
}

int claims_plan(struct claims *c, const struct image *image, struct trouble *t)
{
	(void)c;
	(void)image;
	(void)t;
	return 0;
}

void claims_known(struct claims *c, const struct kernel *k)
{
	(void)c;
	(void)k;
}

void claims_say(struct claims *c, int program, size_t most)
{
	(void)c;
	(void)program;
	(void)most;
}

void claims_free(struct claims *c)
{
	(void)c;
}

int neighbours_open(struct neighbours *n, int fd, const char *pins, struct trouble *t)
{
	(void)n;
	(void)fd;
	(void)pins;
	(void)t;
	return 0;
}

int neighbours_plan(struct neighbours *n, const struct plan *plan, const struct image *image, uint32_t now,
		    struct trouble *t)
{
	(void)n;
	(void)plan;
	(void)image;
	(void)now;
	(void)t;
	return 0;
}

int neighbours_tick(struct neighbours *n, uint32_t now, struct trouble *t)
{
	(void)n;
	(void)now;
	(void)t;
	return 0;
}

void neighbours_close(struct neighbours *n)
{
	(void)n;
}

void tally_gauge(const struct kernel *k, enum sl_gauge_id gauge, uint64_t value)
{
	(void)k;
	(void)gauge;
	(void)value;
}

/* --- orders, and what is on disk */
static int order_to(const char *state, uint64_t fence)
{
	const struct order order = {
		.pins = "", .state = dir, .plan = PLAN, .node = "n1", .to = state, .fence = fence
	};

	return order_force(&order);
}

static int apply(void)
{
	return order_to(NULL, 0);
}

static bool there(const char *name)
{
	char path[PATH_MAX];

	assert_int_equal(state_path(path, sizeof(path), dir, name), 0);
	return !access(path, F_OK);
}

static void assert_state(const char *state, bool used, uint64_t number)
{
	struct fence found;
	struct trouble t = { "" };

	if (fence_read(dir, &found, &t))
		fail_msg("%s", t.text);
	assert_string_equal(found.state, state);
	assert_int_equal(found.used, used);
	assert_int_equal(found.number, number);
	assert_true(found.whole);
	assert_false(there(STATE_PLAN ".new")); /* whatever became of the order */
}

/* The last line of the journal; "null": no fence was used until then. */
static void assert_journal(const char *outcome, const char *state, const char *fence)
{
	struct trouble t;
	json_t *list = journal_read(dir, 1, &t), *entry = json_array_get(list, 0);
	const char *number = json_string_value(json_object_get(entry, "last_fence"));

	assert_non_null(entry);
	assert_string_equal(json_string_value(json_object_get(entry, "outcome")), outcome);
	assert_string_equal(json_string_value(json_object_get(entry, "state")), state);
	assert_string_equal(number ? number : "null", fence);
	json_decref(list);
}

static void assert_reason(const char *words)
{
	struct trouble t;
	json_t *list = journal_read(dir, 1, &t);
	const char *reason = json_string_value(json_object_get(json_array_get(list, 0), "reason"));

	assert_non_null(reason);
	if (!strstr(reason, words))
		fail_msg("no \"%s\" in \"%s\"", words, reason);
	json_decref(list);
}

static void forget(const char *name)
{
	struct trouble t;

	assert_int_equal(state_remove(dir, name, &t), 0);
}

/* A node that is up, on which no state was ever ordered. */
static int fresh(void **state)
{
	static const char *const files[] = { FENCE_FILE, JOURNAL_FILE, STATE_PLAN, STATE_NODE };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		forget(files[i]);
	bad_folders = 0;
	good_compiles = 100;
	bad_install = false;
	paced = false;
	is_up = true;
	return 0;
}

/* --- what no order has used is not missing */
static void first_order_refused(void **unused)
{
	(void)unused;
	assert_int_equal(order_to("nonsense", 5), 1);
	assert_journal("refused", "normal", "null");
	assert_false(there(FENCE_FILE));
	assert_state("normal", false, 0);
	assert_int_equal(apply(), 0);
	assert_int_equal(order_to("recovery", 5), 0);
	assert_state("recovery", true, 5);
}

static void first_order_fails(void **unused)
{
	(void)unused;
	bad_install = true;
	assert_int_equal(order_to("recovery", 5), 1);
	assert_journal("refused", "normal", "null");
	assert_reason("generation 41 stays in force");
	assert_false(there(FENCE_FILE));
	bad_install = false;
	assert_int_equal(apply(), 0);
	assert_state("normal", false, 0);
}

static void first_order_down(void **unused)
{
	(void)unused;
	is_up = false;
	assert_int_equal(order_to("nonsense", 5), 1);
	assert_state("normal", false, 0);
	assert_int_equal(order_to("recovery", 5), 0);
	assert_state("recovery", true, 5);
}

/* --- and what one has used is */
static void lost(const char *state, uint64_t number)
{
	struct trouble t;
	struct fence found;

	forget(FENCE_FILE);
	assert_int_equal(fence_read(dir, &found, &t), -ENODATA);
	assert_string_equal(found.state, state);
	assert_true(found.used);
	assert_int_equal(found.number, number);
	assert_int_equal(apply(), 1);
	assert_int_equal(order_to("failover", number), 1);
	assert_int_equal(order_to("failover", number + 1), 0);
	assert_state("failover", true, number + 1);
}

static void record_lost(void **unused)
{
	(void)unused;
	assert_int_equal(order_to("recovery", 5), 0);
	lost("recovery", 5);
}

static void record_lost_of_zero(void **unused)
{
	(void)unused;
	assert_int_equal(order_to("recovery", 0), 0);
	assert_journal("done", "recovery", "0");
	assert_state("recovery", true, 0);
	lost("recovery", 0);
}

static void record_lost_after_refusal(void **unused)
{
	(void)unused;
	assert_int_equal(order_to("normal", 0), 0);
	assert_int_equal(order_to("nonsense", 5), 1);
	assert_journal("refused", "normal", "0");
	forget(FENCE_FILE);
	assert_int_equal(order_to("nonsense", 6), 1); /* what the journal knows goes on from line to line */
	assert_journal("refused", "normal", "0");
	lost("normal", 0);
}

/* A line without a word of the last fence is damaged: it does not say that none was used. */
static void journal_without_fence(void **unused)
{
	struct trouble t;
	struct fence found;
	int journal = journal_open(dir, &t);

	(void)unused;
	assert_int_equal(journal_add(journal, json_pack("{s:s}", "state", "normal"), &t), 0);
	assert_int_equal(fence_read(dir, &found, &t), -EINVAL);
	assert_int_equal(
		journal_add(journal, json_pack("{s:s, s:i}", "state", "normal", "last_fence", 5), &t), 0);
	assert_int_equal(fence_read(dir, &found, &t), -EINVAL);
	close(journal);
}

/* --- the record is renamed, but cannot be forced to disk */
static void first_record_not_forced(void **unused)
{
	(void)unused;
	bad_folders = 1;
	assert_int_equal(order_to("recovery", 5), 1);
	assert_reason("to disk");
	assert_journal("refused", "normal", "null");
	assert_false(there(FENCE_FILE));
	assert_int_equal(apply(), 0);
	assert_state("normal", false, 0);
}

static void record_not_forced(void **unused)
{
	(void)unused;
	assert_int_equal(order_to("failover", 4), 0);
	bad_folders = 1;
	assert_int_equal(order_to("recovery", 5), 1);
	assert_journal("refused", "failover", "4");
	assert_state("failover", true, 4);
	assert_int_equal(order_to("recovery", 5), 0);
	assert_state("recovery", true, 5);
}

static void undo_not_forced(void **unused)
{
	(void)unused;
	assert_int_equal(order_to("failover", 4), 0);
	bad_folders = 2;
	assert_int_equal(order_to("recovery", 5), 1);
	assert_journal("refused", "failover", "4");
	assert_state("failover", true, 4);
}

static void first_undo_not_forced(void **unused)
{
	(void)unused;
	bad_folders = 2;
	assert_int_equal(order_to("recovery", 5), 1);
	assert_int_equal(bad_folders, 0);
	assert_journal("refused", "normal", "null");
	assert_state("normal", false, 0);
}

/* What cannot be put back is used up, and the journal says the same as the record. */
static void undo_fails(void **unused)
{
	struct change c;
	const struct change_result result = { .node = "n1", .reason = "test" };
	const struct order order = { .state = dir, .to = "recovery", .fence = 5 };
	char blocked[PATH_MAX];
	struct trouble t;

	(void)unused;
	assert_int_equal(order_to("failover", 4), 0);
	assert_int_equal(change_begin(&c, &order, &t), 0);
	assert_int_equal(change_record(&c, &t), 0);
	assert_int_equal(state_path(blocked, sizeof(blocked), dir, FENCE_FILE ".new"), 0);
	assert_int_equal(mkdir(blocked, 0700), 0);
	change_undo(&c);
	assert_int_equal(rmdir(blocked), 0);
	assert_int_equal(change_end(&c, &result, &t), 0);
	assert_journal("refused", "recovery", "5");
	assert_int_equal(order_to("failover", 5), 1);
	assert_int_equal(apply(), 0);
	assert_state("recovery", true, 5);
}

/* --- a plan that is refused once the qdiscs are as it asks */
static void refused_by_pace(void **unused)
{
	(void)unused;
	paced = true;
	good_compiles = 1;
	assert_int_equal(order_to("recovery", 5), 1);
	assert_reason("the plan is refused, generation 41 stays in force");
	assert_state("normal", false, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(first_order_refused, fresh),
		cmocka_unit_test_setup(first_order_fails, fresh),
		cmocka_unit_test_setup(first_order_down, fresh),
		cmocka_unit_test_setup(record_lost, fresh),
		cmocka_unit_test_setup(record_lost_of_zero, fresh),
		cmocka_unit_test_setup(record_lost_after_refusal, fresh),
		cmocka_unit_test_setup(journal_without_fence, fresh),
		cmocka_unit_test_setup(first_record_not_forced, fresh),
		cmocka_unit_test_setup(record_not_forced, fresh),
		cmocka_unit_test_setup(undo_not_forced, fresh),
		cmocka_unit_test_setup(first_undo_not_forced, fresh),
		cmocka_unit_test_setup(undo_fails, fresh),
		cmocka_unit_test_setup(refused_by_pace, fresh),
	};
	int failed;

	if (!mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fresh(NULL);
	return rmdir(dir) || failed;
}
