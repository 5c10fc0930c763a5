/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compile: (plan, node, links) → image. The stages in their order, and nothing else. It asks the kernel
 * nothing and keeps nothing between two runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "pair.h"
#include "rings.h"
#include "stand.h"

/* Eight bytes at a time, in the machine's order: the rows it hashes are in that order too. */
static uint64_t hash_more(uint64_t hash, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	while (length) {
		size_t take = length < sizeof(uint64_t) ? length : sizeof(uint64_t);
		uint64_t word = 0;

		memcpy(&word, at, take);
		hash = (hash ^ word) * 0x100000001b3ULL;
		hash ^= hash >> 32;
		at += take;
		length -= take;
	}
	return hash;
}

/* Of all tables but the pairs, whose rows may still be on their way. */
static void digest_tables(const struct image *image, struct digest *digests)
{
	for (int t = 0; t < SL_TABLES; t++) {
		const struct image_table *table = &image->table[t];

		/* The rings' rows may not be there yet; what they follow from says as much. */
		if (t == SL_TABLE_sl_ring)
			digests[t] = rings_digest(image->rings);
		else if (t != SL_TABLE_sl_pair || !table->count)
			digests[t] =
				digest_rows(table->rows, table->count, table->key_size, table->value_size);
	}
}

static uint64_t hash_image(const struct image *image, const struct digest *digests)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	hash = hash_more(hash, image->node, sizeof(image->node));
	hash = hash_more(hash, image->cluster, sizeof(image->cluster));
	hash = hash_more(hash, digests, SL_TABLES * sizeof(*digests));
	return hash_more(hash, image->names, image->name_count * sizeof(*image->names));
}

static void report_unknown_node(struct compile *c)
{
	char known[200] = "none";
	size_t used = 0, shown = 0, count = 0;

	for (size_t i = 0; i < c->plan->cluster_count; i++) {
		const struct cluster *cluster = &c->plan->clusters[i];

		for (size_t k = 0; k < cluster->node_count; k++, count++) {
			size_t length = strlen(cluster->nodes[k].name);

			if (shown == 8 || used + length + 3 > sizeof(known))
				continue;
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "",
						 cluster->nodes[k].name);
			shown++;
		}
	}
	report_error(c->r, NULL, "node \"%s\" stands in no cluster of the plan; known: %s%s", c->node_name,
		     known, shown < count ? ", ..." : "");
}

static bool begin(struct compile *c)
{
	struct image *image;
	struct heap *heap = calloc(1, sizeof(*heap));

	if (!heap)
		return false;
	image = heap_take(heap, sizeof(*image));
	if (!image) {
		free(heap);
		return false;
	}
	image->arena = heap;
	c->heap = heap;
	c->image = image;
	snprintf(image->node, sizeof(image->node), "%s", c->node->name);
	snprintf(image->cluster, sizeof(image->cluster), "%s", c->cluster->name);
	if (c->node->gateway && c->cluster->tunnel.present)
		snprintf(image->tunnel, sizeof(image->tunnel), "%s", c->cluster->tunnel.interface);
	image->timeouts = c->plan->timeouts;
	image->limits = c->plan->limits;
	return true;
}

static bool run(struct compile *c)
{
	struct digest digests[SL_TABLES];
	struct rings_work rings = { 0 };
	struct stands stands;
	bool done;

	if (!begin(c) || !resolve(c) || !selectors_collect(c) || !tenants_build(c) || !space_build(c) ||
	    !selectors_index(c) || !classes_describe(c))
		return false;
	/* These do not need each other: all their errors at once. */
	stands_begin(c, &stands);
	done = policy_build(c);
	done &= outside_build(c, &stands);
	stands_free(&stands);
	done &= fabric_build(c);
	done &= interfaces_build(c);
	done &= abroad_build(c);
	done &= qos_build(c);
	done &= slo_build(c);
	done = done && rings_begin(c, &rings) && names_build(c) && rows_finish(c);
	if (done)
		digest_tables(c->image, digests);
	pairs_wait(c, &digests[SL_TABLE_sl_pair]);
	done = done && asserts_prove(c);
	rings_wait(&rings);
	if (!done)
		return false;
	c->image->hash = hash_image(c->image, digests);
	for (int t = 0; t < SL_TABLES; t++) {
		const struct image_table *table = &c->image->table[t];

		if (t != SL_TABLE_sl_ring)
			c->image->digest[t] = (struct image_digest){ digests[t], table->rows, table->count };
	}
	return true;
}

static void clean(struct compile *c)
{
	intern_free(&c->vpc_names);
	intern_free(&c->network_names);
	intern_free(&c->cluster_names);
	intern_free(&c->group_names);
	intern_free(&c->link_names);
	intern_free(&c->node_names);
	intern_free(&c->labels);
	intern_free(&c->set_lists);
	intern_free(&c->types);
	intern_free(&c->label_values);
	intern_free(&c->classes);
	intern_free(&c->port_sets);
	for (int t = 0; t < SL_TABLES; t++)
		list_free(&c->rows[t]);
	list_free(&c->rings);
	list_free(&c->ring_turns);
	heap_free(&c->scratch);
}

static struct image *compile(const struct plan *plan, const char *node, const struct link_facts *links,
			     bool lean, struct report *r)
{
	struct compile c = { .plan = plan, .node_name = node, .links = links, .lean = lean, .r = r };
	size_t errors = r->errors;
	bool done;

	c.node = plan_node(plan, node, &c.cluster);
	if (!c.node) {
		report_unknown_node(&c);
		return NULL;
	}
	done = run(&c);
	if (!done && r->errors == errors)
		report_error(r, NULL, "memory ran out while compiling the plan for node \"%s\"", node);
	if (r->errors != errors || r->lost) {
		image_free(c.image);
		c.image = NULL;
	}
	clean(&c);
	return c.image;
}

struct image *image_compile(const struct plan *plan, const char *node, const struct link_facts *links,
			    struct report *r)
{
	return compile(plan, node, links, false, r);
}

struct image *image_compile_lean(const struct plan *plan, const char *node, const struct link_facts *links,
				 struct report *r)
{
	return compile(plan, node, links, true, r);
}

void image_free(struct image *image)
{
	struct heap *heap;

	if (!image)
		return;
	heap = image->arena; /* the image itself lies in it */
	heap_free(heap);
	free(heap);
}
