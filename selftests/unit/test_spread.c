/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Percentiles of what was counted in buckets, and the lines that a scrape makes of them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
/* Pure, and linked nowhere else in the unit tests. */
#include "../../user/kernel/spread.c"
#include "../../user/exporter/page.c"

static const uint64_t bounds[] = { 10, 20, 40 };

static struct spread of(const uint64_t *bucket)
{
	return (struct spread){ bounds, bucket, 4, 123456 };
}

static void expect(const uint64_t *bucket, double part, double us)
{
	struct spread spread = of(bucket);

	assert_float_equal(spread_us(&spread, part), us, 0.001);
}

static void nothing_counted(void **state)
{
	const uint64_t bucket[4] = { 0 };
	struct spread spread = of(bucket);

	(void)state;
	assert_int_equal(spread_count(&spread), 0);
	expect(bucket, 0.5, 0);
	expect(bucket, 1, 0);
}

static void straight_within_a_bucket(void **state)
{
	const uint64_t first[4] = { 100, 0, 0, 0 }, second[4] = { 0, 10, 0, 0 };
	const uint64_t even[4] = { 50, 30, 20, 0 };

	(void)state;
	expect(first, 0.5, 5);
	expect(first, 0.95, 9.5);
	expect(first, 1, 10);
	expect(second, 0, 10);
	expect(second, 0.5, 15);
	expect(even, 0.5, 10);
	expect(even, 0.65, 15);
	expect(even, 0.9, 30);
	expect(even, 0.99, 39);
}

static void above_the_last_bound(void **state)
{
	const uint64_t bucket[4] = { 1, 0, 0, 9 };

	(void)state;
	expect(bucket, 0.05, 5);
	expect(bucket, 0.5, 40);
	expect(bucket, 0.99, 40);
}

/* The bounds are those of the tables: the first and the last but one of each. */
static void bounds_of_tables(void **state)
{
	struct sl_qos_delay delay = { .sum_us = 7 };
	struct sl_rtt rtt = { .sum_us = 9 };
	struct spread d = spread_of_delay(&delay), r = spread_of_rtt(&rtt);

	(void)state;
	assert_int_equal(d.buckets, SL_DELAY_BUCKETS);
	assert_int_equal(d.bound_us[0], SL_DELAY_FIRST_US);
	assert_int_equal(d.bound_us[d.buckets - 2], SL_DELAY_FIRST_US << (SL_DELAY_BUCKETS - 2));
	assert_int_equal(d.sum_us, 7);
	assert_int_equal(r.buckets, SL_RTT_BUCKETS);
	assert_int_equal(r.bound_us[0], 500);
	assert_int_equal(r.bound_us[r.buckets - 2], 1000000);
	for (size_t i = 1; i + 1 < r.buckets; i++)
		assert_true(r.bound_us[i - 1] < r.bound_us[i]);
	rtt.bucket[r.buckets - 1] = 1;
	assert_float_equal(spread_us(&r, 0.5), 1000000, 0.001);
}

static void lines_of_a_scrape(void **state)
{
	const uint64_t bucket[4] = { 1, 2, 0, 4 };
	struct page page = { 0 }, labels = { 0 };
	struct spread spread = of(bucket);

	(void)state;
	page_label(&labels, "class", "w\"al");
	page_histogram(&page, "h_seconds", &labels, &spread);
	assert_false(page.lost);
	assert_string_equal(page.text, "h_seconds_bucket{class=\"w\\\"al\",le=\"1e-05\"} 1\n"
				       "h_seconds_bucket{class=\"w\\\"al\",le=\"2e-05\"} 3\n"
				       "h_seconds_bucket{class=\"w\\\"al\",le=\"4e-05\"} 3\n"
				       "h_seconds_bucket{class=\"w\\\"al\",le=\"+Inf\"} 7\n"
				       "h_seconds_sum{class=\"w\\\"al\"} 0.123456\n"
				       "h_seconds_count{class=\"w\\\"al\"} 7\n");
	page_free(&page);
	page_free(&labels);
	page_histogram(&page, "h_seconds", &labels,
		       &spread); /* without labels there was no memory for them */
	assert_true(page.lost);
	page_free(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_counted),	cmocka_unit_test(straight_within_a_bucket),
		cmocka_unit_test(above_the_last_bound), cmocka_unit_test(bounds_of_tables),
		cmocka_unit_test(lines_of_a_scrape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
