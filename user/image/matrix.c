/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Builds the matrix, see matrix.h, in one pass over sl_pair: pairs without a row are denied, so a cell with
 * fewer rows than pairs of classes differs inside.
 */
#include <stdlib.h>
#include <string.h>
#include "compile.h"
#include "matrix.h"

static int by_end(const void *a, const void *b)
{
	static const uint8_t order[] = { [SL_ENDPOINT_NETWORK] = 0,
					 [SL_ENDPOINT_WORLD] = 1,
					 [SL_ENDPOINT_HOST] = 2,
					 [SL_ENDPOINT_NODE] = 3 };
	const struct matrix_end *x = a, *y = b;

	if (x->kind != y->kind)
		return order[x->kind] - order[y->kind];
	return strcmp(x->name, y->name);
}

/* Hosts stand apart from the network their address lies in. */
static struct matrix_end end_of(const struct image *image, const struct image_class *class)
{
	struct matrix_end end = { .name = "world", .network = SL_NET_WORLD, .kind = class->kind };

	if (class->kind == SL_ENDPOINT_NETWORK) {
		end.network = class->network;
		end.name = image_network_name(image, class->network);
	} else if (class->kind != SL_ENDPOINT_WORLD) {
		end.network = SL_NET_HOST;
		end.name = class->kind == SL_ENDPOINT_HOST ? "host" : "remote-host";
	}
	return end;
}

/* The end each class belongs to, plus 1; 0: another cluster's. */
static bool find_ends(const struct image *image, struct matrix *matrix, uint32_t *end_of_class)
{
	struct list ends = { .size = sizeof(struct matrix_end) };
	struct matrix_end *item;
	size_t kept = 0;

	for (size_t i = 0; i < image->class_count; i++) {
		const struct image_class *class = &image->classes[i];
		struct matrix_end *end;

		if (class->cluster && strcmp(class->cluster, image->cluster))
			continue;
		end_of_class[i] = 1;
		end = list_add(&ends, 1);
		if (!end) {
			list_free(&ends);
			return false;
		}
		*end = end_of(image, class);
	}
	item = ends.item;
	if (ends.count)
		qsort(item, ends.count, sizeof(*item), by_end);
	for (size_t i = 0; i < ends.count; i++) {
		if (!i || by_end(&item[kept - 1], &item[i]))
			item[kept++] = item[i];
	}
	matrix->ends = item;
	matrix->count = kept;
	for (size_t i = 0; i < image->class_count; i++) {
		struct matrix_end end = end_of(image, &image->classes[i]);

		if (end_of_class[i])
			end_of_class[i] = (uint32_t)((struct matrix_end *)bsearch(&end, item, kept,
										  sizeof(*item), by_end) -
						     item) +
					  1;
	}
	return true;
}

/* Adds what `more` allows to `to`. */
static bool join(struct reach *to, const struct reach *more)
{
	struct reach joined = { .others = to->others || more->others };
	struct list ports = { .size = sizeof(struct port) };

	for (unsigned int proto = 0; proto < 256; proto++) {
		struct port wanted = { .proto = (uint8_t)proto, .last = UINT16_MAX }, a, b, *p;
		bool in_a, in_b;

		joined.named[proto] = to->named[proto] || more->named[proto];
		if (!joined.named[proto])
			continue;
		for (uint32_t at = 0; at <= UINT16_MAX; at = p->last + 1U) {
			wanted.first = (uint16_t)at;
			in_a = reach_find(to, &wanted, true, &a);
			in_b = reach_find(more, &wanted, true, &b);
			if (!in_a && !in_b)
				break;
			if (!in_a || (in_b && b.first < a.first))
				a = b;
			p = ports.count ? (struct port *)ports.item + ports.count - 1 : NULL;
			if (!p || p->proto != proto || p->last + 1U != a.first) {
				p = list_add(&ports, 1);
				if (!p) {
					list_free(&ports);
					return false;
				}
				*p = (struct port){ .proto = (uint8_t)proto, .first = a.first };
			}
			p->last = a.last;
		}
	}
	joined.item = ports.item;
	joined.count = ports.count;
	reach_settle(&joined);
	reach_free(to);
	*to = joined;
	return true;
}

static bool add_row(const struct image *image, struct matrix_cell *cell, const struct sl_pair_key *key,
		    const struct sl_pair *pair)
{
	struct reach reach;
	bool done = true;

	if (!cell->rows++) {
		cell->policy = pair->policy;
		cell->set = pair->set;
		return reach_read(image, key->src, key->dst, &cell->reach);
	}
	if (cell->policy == pair->policy && cell->set == pair->set)
		return true;
	cell->policy = pair->policy;
	cell->set = pair->set;
	if (!reach_read(image, key->src, key->dst, &reach))
		return false;
	if (!reach_equal(&cell->reach, &reach)) {
		cell->part = true;
		done = join(&cell->reach, &reach);
	}
	reach_free(&reach);
	return done;
}

/* Pairs of classes that could meet, for each cell. */
static bool note_parts(const struct image *image, struct matrix *matrix, const uint32_t *end_of_class)
{
	uint64_t *pairs = calloc(matrix->count * matrix->count + 1, sizeof(*pairs));
	uint64_t *from = calloc(matrix->count + 1, sizeof(*from));
	size_t last;

	if (!pairs || !from) {
		free(pairs);
		free(from);
		return false;
	}
	/* Classes of one VPC are adjacent. */
	for (size_t first = 0; first < image->class_count; first = last) {
		memset(from, 0, (matrix->count + 1) * sizeof(*from));
		for (last = first; last < image->class_count; last++) {
			if (image->classes[last].vpc != image->classes[first].vpc)
				break;
			if (end_of_class[last])
				from[end_of_class[last] - 1]++;
		}
		for (size_t a = 0; a < matrix->count; a++) {
			for (size_t b = 0; from[a] && b < matrix->count; b++)
				pairs[a * matrix->count + b] += from[a] * from[b];
		}
	}
	for (size_t i = 0; i < matrix->count * matrix->count; i++) {
		if (matrix->cells[i].rows < pairs[i] && !reach_none(&matrix->cells[i].reach))
			matrix->cells[i].part = true;
	}
	free(pairs);
	free(from);
	return true;
}

bool matrix_build(const struct image *image, struct matrix *matrix)
{
	const struct image_table *table = &image->table[SL_TABLE_sl_pair];
	size_t row_size = table->key_size + table->value_size;
	uint32_t *end_of_class = calloc(image->class_count + 1, sizeof(*end_of_class));
	bool done = false;

	memset(matrix, 0, sizeof(*matrix));
	if (!end_of_class || !find_ends(image, matrix, end_of_class))
		goto out;
	matrix->cells = calloc(matrix->count * matrix->count + 1, sizeof(*matrix->cells));
	if (!matrix->cells)
		goto out;
	for (size_t i = 0; i < table->count; i++) {
		const struct sl_pair_key *key = (const void *)(table->rows + i * row_size);
		uint32_t from = end_of_class[key->src - 1], to = end_of_class[key->dst - 1];

		if (!from || !to)
			continue;
		if (!add_row(image, &matrix->cells[(from - 1) * matrix->count + to - 1], key,
			     (const void *)(table->rows + i * row_size + table->key_size)))
			goto out;
	}
	done = note_parts(image, matrix, end_of_class);
out:
	free(end_of_class);
	if (!done)
		matrix_free(matrix);
	return done;
}

void matrix_free(struct matrix *matrix)
{
	for (size_t i = 0; matrix->cells && i < matrix->count * matrix->count; i++)
		reach_free(&matrix->cells[i].reach);
	free(matrix->cells);
	free(matrix->ends);
	memset(matrix, 0, sizeof(*matrix));
}

const struct matrix_cell *matrix_cell(const struct matrix *matrix, const char *from, const char *to)
{
	size_t a, b;

	for (a = 0; a < matrix->count && strcmp(matrix->ends[a].name, from); a++)
		;
	for (b = 0; b < matrix->count && strcmp(matrix->ends[b].name, to); b++)
		;
	return a < matrix->count && b < matrix->count ? &matrix->cells[a * matrix->count + b] : NULL;
}

void matrix_text(const struct matrix_cell *cell, char *text, size_t size)
{
	size_t used = cell->part ? (size_t)snprintf(text, size, "part:") : 0;

	reach_text(&cell->reach, text + used, size - used);
}
