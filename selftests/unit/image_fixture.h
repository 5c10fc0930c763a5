/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of the compiler share: a plan from text in which ' stands for ", an image from it, and rows.
 */
#ifndef IMAGE_FIXTURE_H
#define IMAGE_FIXTURE_H
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include "../../user/image/image.h"
#include "../../user/image/matrix.h"

struct compiled {
	struct plan *plan;
	struct image *image; /* NULL: refused, see report */
	struct report report;
};

static inline char *quoted(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	for (char *at = copy; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	return copy;
}

static inline struct compiled compile_with(const char *text, const char *node, const struct link_facts *links)
{
	struct compiled c = { 0 };
	char *json = quoted(text);

	c.plan = plan_read_text("test.json", json, strlen(json), &c.report);
	if (!c.plan || report_failed(&c.report))
		report_print(&c.report, stderr);
	assert_non_null(c.plan);
	assert_false(report_failed(&c.report));
	c.image = image_compile(c.plan, node, links, &c.report);
	free(json);
	return c;
}

static inline struct compiled compile_text(const char *text, const char *node)
{
	struct compiled c = compile_with(text, node, NULL);

	if (!c.image)
		report_print(&c.report, stderr);
	assert_non_null(c.image);
	return c;
}

static inline void compiled_free(struct compiled *c)
{
	image_free(c->image);
	plan_free(c->plan);
	report_free(&c->report);
}

static inline bool says(const struct report *r, const char *words)
{
	for (size_t i = 0; i < r->count; i++) {
		if (strstr(r->findings[i].text, words))
			return true;
	}
	fprintf(stderr, "no finding says \"%s\"; there are:\n", words);
	report_print(r, stderr);
	return false;
}

static inline uint32_t addr(const char *dotted)
{
	struct in_addr in;

	assert_int_equal(inet_pton(AF_INET, dotted, &in), 1);
	return ntohl(in.s_addr);
}

static inline uint16_t vpc_id(const struct image *image, const char *name)
{
	for (size_t i = 0; i < image->name_count; i++) {
		if (image->names[i].key.kind == SL_NAME_VPC && !strcmp(image->names[i].name.name, name))
			return (uint16_t)image->names[i].key.id;
	}
	fail_msg("no VPC %s", name);
	return 0;
}

static inline const struct sl_endpoint *endpoint(const struct image *image, const char *vpc,
						 const char *dotted)
{
	const struct sl_endpoint *e = image_classify(image, vpc_id(image, vpc), addr(dotted));

	assert_non_null(e);
	return e;
}

static inline uint32_t class_at(const struct image *image, const char *vpc, const char *dotted)
{
	return endpoint(image, vpc, dotted)->class;
}

static inline struct image_decision judge_in(const struct image *image, const char *vpc, const char *src,
					     const char *dst, uint8_t proto, uint16_t port)
{
	return image_judge(image, class_at(image, vpc, src), class_at(image, vpc, dst), proto, port);
}

static inline bool may(const struct image *image, const char *src, const char *dst, uint8_t proto,
		       uint16_t port)
{
	return judge_in(image, "default", src, dst, proto, port).policy == SL_POLICY_ALLOW;
}

/* The name of the rule that decides, for one line of an assert. */
static inline const char *decided_by(const struct image *image, const char *src, const char *dst,
				     uint8_t proto, uint16_t port)
{
	return image_rule_name(image, judge_in(image, "default", src, dst, proto, port).rule);
}

static inline const void *row_at(const struct image_table *table, size_t i)
{
	assert_true(i < table->count);
	return table->rows + i * (table->key_size + table->value_size);
}

/* The value of the row with this key, NULL if there is none; a plain search, as the tests check the order. */
static inline const void *value_of(const struct image_table *table, const void *key)
{
	for (size_t i = 0; i < table->count; i++) {
		const uint8_t *row = row_at(table, i);

		if (!memcmp(row, key, table->key_size))
			return row + table->key_size;
	}
	return NULL;
}

/* By the bytes of their keys; those of arrays by index. */
static inline void assert_sorted(const struct image *image)
{
	static const bool array[SL_TABLES] = {
#define SL_PLAN(name, type, key, value, most, flags) [SL_TABLE_##name] = (type) == BPF_MAP_TYPE_ARRAY,
#define SL_STATE(name, type, key, value, size, flags)
#include "../../maps/tables.def"
#undef SL_PLAN
#undef SL_STATE
	};

	for (int t = 0; t < SL_TABLES; t++) {
		const struct image_table *table = &image->table[t];

		for (size_t i = 1; i < table->count; i++) {
			uint32_t before, index;

			memcpy(&before, row_at(table, i - 1), sizeof(before));
			memcpy(&index, row_at(table, i), sizeof(index));
			if (array[t])
				assert_true(before < index);
			else
				assert_true(memcmp(row_at(table, i - 1), row_at(table, i), table->key_size) <
					    0);
		}
	}
}

static inline void assert_same_image(const struct image *a, const struct image *b)
{
	for (int t = 0; t < SL_TABLES; t++) {
		size_t bytes = a->table[t].count * (a->table[t].key_size + a->table[t].value_size);

		assert_int_equal(a->table[t].count, b->table[t].count);
		if (bytes)
			assert_memory_equal(a->table[t].rows, b->table[t].rows, bytes);
	}
	assert_int_equal(a->name_count, b->name_count);
	assert_memory_equal(a->names, b->names, a->name_count * sizeof(*a->names));
	assert_true(a->hash == b->hash);
}

#endif
