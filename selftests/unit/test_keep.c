/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The last good plan, written aside before it is in force: it gets its name when it is, and leaves nothing when it is
 * not.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* Need no kernel, and are linked nowhere else in the unit tests. */
#include "../../user/kernel/trouble.c"
#include "../../user/agent/aside.c"
#include "../../user/agent/state.c"
#include "../../user/agent/keep.c"

static char dir[] = "/tmp/sluice-keep-XXXXXX";

static bool holds(const char *name, const char *text)
{
	char path[PATH_MAX], *found;
	size_t length = strlen(text);
	FILE *f;
	bool same;

	assert_false(state_path(path, sizeof(path), dir, name));
	f = fopen(path, "r");
	if (!f)
		return false;
	found = malloc(length + 1);
	assert_non_null(found);
	same = fread(found, 1, length + 1, f) == length && !memcmp(found, text, length);
	fclose(f);
	free(found);
	return same;
}

static void begin(struct keep *k, const char *text)
{
	keep_begin(k, dir);
	keep_write(k, text, strlen(text));
	keep_force(k);
}

static int files(void)
{
	DIR *d = opendir(dir);
	int count = 0;

	assert_non_null(d);
	while (readdir(d))
		count++;
	closedir(d);
	return count - 2;
}

static void kept_after_the_flip_only(void **state)
{
	struct keep k;
	struct trouble t;

	(void)state;
	begin(&k, "one");
	wait_for(&k);
	assert_false(holds(STATE_PLAN, "one"));
	assert_int_equal(keep_end(&k, "node1", &t), 0);
	assert_true(holds(STATE_PLAN, "one"));
	assert_true(holds(STATE_NODE, "node1\n"));
	assert_int_equal(files(), 2);
	keep_drop(&k);
	assert_true(holds(STATE_PLAN, "one"));
}

static void dropped_leaves_nothing(void **state)
{
	struct keep k;

	(void)state;
	begin(&k, "another");
	keep_drop(&k);
	assert_true(holds(STATE_PLAN, "one"));
	assert_int_equal(files(), 2);
	keep_drop(&k);
}

/* As at a boot with a full disk. */
static void equal_is_not_written(void **state)
{
	char path[PATH_MAX];
	struct stat before, after;
	struct trouble t;
	struct keep k;

	(void)state;
	assert_false(state_path(path, sizeof(path), dir, STATE_PLAN));
	assert_int_equal(stat(path, &before), 0);
	begin(&k, "one");
	wait_for(&k);
	assert_int_equal(files(), 2);
	assert_int_equal(keep_end(&k, "node1", &t), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static char *digits(size_t length)
{
	char *text = malloc(length + 1);

	assert_non_null(text);
	for (size_t i = 0; i < length; i++)
		text[i] = (char)('0' + i % 7);
	text[length] = 0;
	return text;
}

/* What is kept of a text that comes in pieces does not depend on where they end, nor on where it differs. */
static void differs_anywhere(void **state)
{
	static const size_t pieces[] = { 1 << 20, 65536, 50000 },
			    lengths[] = { 200000, 199999, 200001, 65536, 0 },
			    at[] = { 0, 1, 65535, 65536, 65537, 131072, 199998, SIZE_MAX };
	struct trouble t;
	struct keep k;

	(void)state;
	for (size_t p = 0; p < 3; p++) {
		for (size_t i = 0; i < 5 * 8; i++) {
			char *first = digits(200000), *text = digits(lengths[i / 8]);

			begin(&k, first);
			assert_int_equal(keep_end(&k, "node1", &t), 0);
			if (at[i % 8] < lengths[i / 8])
				text[at[i % 8]] = 'x';
			keep_begin(&k, dir);
			for (size_t done = 0; done < lengths[i / 8]; done += pieces[p])
				keep_write(&k, text + done,
					   lengths[i / 8] - done < pieces[p] ? lengths[i / 8] - done
									     : pieces[p]);
			keep_force(&k);
			wait_for(&k);
			assert_true(holds(STATE_PLAN, first));
			assert_int_equal(k.aside.written, strcmp(first, text) != 0);
			assert_int_equal(keep_end(&k, "node1", &t), 0);
			assert_true(holds(STATE_PLAN, text));
			assert_int_equal(files(), 2);
			free(first);
			free(text);
		}
	}
	begin(&k, "one");
	assert_int_equal(keep_end(&k, "node1", &t), 0);
}

/* A plan that is refused while it is read. */
static void dropped_half_way(void **state)
{
	struct keep k;

	(void)state;
	keep_begin(&k, dir);
	keep_drop(&k);
	keep_begin(&k, dir);
	keep_write(&k, "o", 1);
	assert_int_equal(files(), 2);
	keep_drop(&k);
	keep_begin(&k, dir);
	keep_write(&k, "oh", 2);
	assert_int_equal(files(), 3);
	keep_drop(&k);
	assert_true(holds(STATE_PLAN, "one"));
	assert_int_equal(files(), 2);
}

/* What is in the way is said when the plan is in force, and the plan before stays. */
static void cannot_be_written(void **state)
{
	char path[PATH_MAX];
	struct trouble t = { "" };
	struct keep k;

	(void)state;
	assert_false(state_path(path, sizeof(path), dir, STATE_PLAN ".new"));
	assert_int_equal(mkdir(path, 0700), 0);
	begin(&k, "another");
	assert_int_equal(keep_end(&k, "node1", &t), -EISDIR);
	assert_non_null(strstr(t.text, "cannot write "));
	keep_drop(&k);
	assert_true(holds(STATE_PLAN, "one"));
	assert_int_equal(rmdir(path), 0);
}

static void nothing_begun(void **state)
{
	struct keep k = { 0 };

	(void)state;
	keep_drop(&k);
	assert_int_equal(files(), 2);
}

static int make_folder(void **state)
{
	(void)state;
	return !mkdtemp(dir);
}

static int remove_folder(void **state)
{
	struct trouble t;

	(void)state;
	return state_forget(dir, &t) || rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_after_the_flip_only),
		cmocka_unit_test(dropped_leaves_nothing),
		cmocka_unit_test(equal_is_not_written),
		cmocka_unit_test(differs_anywhere),
		cmocka_unit_test(dropped_half_way),
		cmocka_unit_test(cannot_be_written),
		cmocka_unit_test(nothing_begun),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
