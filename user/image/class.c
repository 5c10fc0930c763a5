/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Types and classes: the numbers policy is about, and what people read for them. Numbers follow the order
 * of the addresses, so they do not depend on the order in which a plan lists its workloads.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "compile.h"

const struct type *type_at(const struct compile *c, uint32_t number)
{
	size_t length;

	return intern_bytes(&c->types, number, &length);
}

const uint32_t *set_list(const struct compile *c, uint32_t number, size_t *count)
{
	const uint32_t *sets;

	*count = 0;
	if (!number)
		return NULL;
	sets = intern_bytes(&c->set_lists, number, count);
	*count /= sizeof(*sets);
	return sets;
}

uint32_t class_number(struct compile *c, const struct type *type, uint32_t label)
{
	struct class_key key = { .type = intern(&c->types, type, sizeof(*type)), .label = label };

	return key.type ? intern(&c->classes, &key, sizeof(key)) : 0;
}

/* Classes of each type, those with equal labels side by side. */
static bool index_classes(struct compile *c)
{
	size_t types = c->types.count, length;
	struct class_key key;
	uint32_t *start = heap_take(&c->scratch, (types + 3) * sizeof(uint32_t));

	c->classes_of_type.item = heap_take(&c->scratch, c->classes.count * sizeof(uint32_t));
	if (!start || !c->classes_of_type.item)
		return false;
	for (uint32_t k = 1; k <= c->classes.count; k++) {
		memcpy(&key, intern_bytes(&c->classes, k, &length), sizeof(key));
		start[key.type + 2]++;
	}
	for (size_t i = 2; i < types + 3; i++)
		start[i] += start[i - 1];
	for (uint32_t k = 1; k <= c->classes.count; k++) {
		memcpy(&key, intern_bytes(&c->classes, k, &length), sizeof(key));
		c->classes_of_type.item[start[key.type + 1]++] = k;
	}
	c->classes_of_type.start = start;
	return true;
}

static const char *set_name(const struct set_fact *set, char *text, size_t size)
{
	struct in_addr addr = { .s_addr = htonl(set->cidr.addr) };
	char dotted[INET_ADDRSTRLEN];

	if (set->group)
		return set->group->name;
	if (set->service) {
		snprintf(text, size, "%s:%s", set->vip ? "vip" : "service", set->service->name);
		return text;
	}
	snprintf(text, size, "%s/%u", inet_ntop(AF_INET, &addr, dotted, sizeof(dotted)), set->cidr.len);
	return text;
}

/* "+ceph-osd+10.0.0.0/8" */
static char *describe_sets(struct compile *c, uint32_t number)
{
	size_t count, size = 1, used = 0;
	const uint32_t *sets = set_list(c, number, &count);
	char one[SL_NAME_LEN + 16], *text;

	for (size_t i = 0; i < count; i++)
		size += strlen(set_name(&c->sets[sets[i]], one, sizeof(one))) + 1;
	text = heap_take(&c->scratch, size);
	for (size_t i = 0; text && i < count; i++)
		used += (size_t)snprintf(text + used, size - used, "+%s",
					 set_name(&c->sets[sets[i]], one, sizeof(one)));
	return text;
}

static char *describe(struct compile *c, const struct type *t, const char *sets, uint32_t label)
{
	static const char *const kinds[] = {
		[TYPE_WORLD] = "world", [TYPE_HOST] = "host", [TYPE_REMOTE_HOST] = "remote-host"
	};
	const struct network *n = t->network ? &c->plan->networks[t->network - 1] : NULL;
	const char *cluster = t->cluster ? c->plan->clusters[t->cluster - 1].name : NULL;
	bool elsewhere = t->cluster && t->cluster != c->cluster_index + 1;
	const char *value = NULL;
	size_t length = 0;

	if (label)
		value = intern_bytes(&c->label_values, label, &length);
	if (t->kind == TYPE_WORLD && cluster)
		return heap_format(c->heap, "cluster %s%s", cluster, sets);
	if (t->kind == TYPE_WORLD)
		return heap_format(c->heap, "world (vpc %s)%s", c->vpcs[t->vpc].name, sets);
	if (t->kind == TYPE_NETWORK && label)
		return heap_format(c->heap, "%s%s%s%s (%s=%.*s)", n->name, elsewhere ? "@" : "",
				   elsewhere ? cluster : "", sets, n->intra_label, (int)length, value);
	if (t->kind == TYPE_NETWORK)
		return heap_format(c->heap, "%s%s%s%s", n->name, elsewhere ? "@" : "",
				   elsewhere ? cluster : "", sets);
	return heap_format(c->heap, "%s%s%s%s%s%s", kinds[t->kind], elsewhere ? "@" : "",
			   elsewhere ? cluster : "", n ? " in " : "", n ? n->name : "", sets);
}

bool classes_describe(struct compile *c)
{
	struct image *image = c->image;
	char **sets = heap_take(&c->scratch, (c->set_lists.count + 1) * sizeof(*sets));
	char **clusters = heap_take(&c->scratch, (c->plan->cluster_count + 1) * sizeof(*clusters));

	image->class_count = c->classes.count;
	image->classes = heap_take(c->heap, image->class_count * sizeof(*image->classes));
	if (!sets || !clusters || !image->classes || !index_classes(c))
		return false;
	for (uint32_t k = 1; k <= c->classes.count; k++) {
		struct image_class *class = &image->classes[k - 1];
		struct class_key key;
		struct type t;
		size_t length;

		memcpy(&key, intern_bytes(&c->classes, k, &length), sizeof(key));
		t = *type_at(c, key.type);
		if (!sets[t.sets] && !(sets[t.sets] = describe_sets(c, t.sets)))
			return false;
		class->class = k;
		class->network = t.network	       ? (uint16_t)c->plan->networks[t.network - 1].id
				 : t.kind == TYPE_HOST ? SL_NET_HOST
						       : SL_NET_WORLD;
		class->vpc = c->vpcs[t.vpc].id;
		if (t.cluster && !clusters[t.cluster] &&
		    !(clusters[t.cluster] =
			      heap_format(c->heap, "%s", c->plan->clusters[t.cluster - 1].name)))
			return false;
		class->cluster = clusters[t.cluster];
		class->kind = t.kind == TYPE_HOST	   ? SL_ENDPOINT_HOST
			      : t.kind == TYPE_REMOTE_HOST ? SL_ENDPOINT_NODE
			      : t.kind == TYPE_NETWORK	   ? SL_ENDPOINT_NETWORK
							   : SL_ENDPOINT_WORLD;
		class->label = describe(c, &t, sets[t.sets], key.label);
		if (!class->label)
			return false;
	}
	return true;
}
