/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The text of a scrape: names from the plan cannot break out of their label.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
/* Pure, and linked nowhere else in the unit tests. */
#include "../../user/exporter/page.c"

static void expect_label(const char *value, const char *expected)
{
	struct page page = { 0 };

	page_label(&page, "l", value);
	assert_false(page.lost);
	assert_string_equal(page.text, expected);
	assert_int_equal(page.length, strlen(expected));
	page_free(&page);
}

static void labels_are_escaped(void **state)
{
	(void)state;
	expect_label("net-a", "l=\"net-a\"");
	expect_label("", "l=\"\"");
	expect_label("a\"b", "l=\"a\\\"b\"");
	expect_label("a\\b", "l=\"a\\\\b\"");
	expect_label("a\nb", "l=\"a\\nb\"");
	expect_label("a\"} 1\nevil{x=\"", "l=\"a\\\"} 1\\nevil{x=\\\"\"");
	expect_label("100 %s %n", "l=\"100 %s %n\"");
}

static void labels_are_utf8(void **state)
{
	(void)state;
	expect_label("Zürich", "l=\"Zürich\"");
	expect_label("\xe2\x82\xac", "l=\"\xe2\x82\xac\"");
	expect_label("\xf0\x9f\x9a\xb0", "l=\"\xf0\x9f\x9a\xb0\"");
	expect_label("\xff", "l=\"?\"");
	expect_label("\xc3", "l=\"?\""); /* cut short at the end of the text */
	expect_label("\xe2\x82", "l=\"??\"");
	expect_label("\x01\x7f\t", "l=\"???\"");
}

static void families(void **state)
{
	struct page page = { 0 };

	(void)state;
	page_family(&page, "sluice_x_total", "counter", "a\\b\nc");
	assert_string_equal(page.text, "# HELP sluice_x_total a\\\\b\\nc\n# TYPE sluice_x_total counter\n");
	page_free(&page);
}

static void grows(void **state)
{
	struct page page = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++)
		page_print(&page, "%08d\n", i);
	assert_false(page.lost);
	assert_int_equal(page.length, 900000);
	assert_string_equal(page.text + page.length - 9, "00099999\n");
	page_free(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(labels_are_utf8),
		cmocka_unit_test(families),
		cmocka_unit_test(grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
