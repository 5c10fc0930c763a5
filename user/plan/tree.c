/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trees: see tree.h. Here they are asked and changed; tree_read.c reads them.
 */
#include <stdlib.h>
#include <string.h>
#include "hash.h"
#include "tree_read.h"

#define MOST (UINT32_MAX / 4)

/* The slot of the key, or the free one where it belongs. */
static uint32_t *find_slot(const struct tree *object, const char *key)
{
	const struct tree_body *body = object->body;
	uint32_t at = (uint32_t)hash_text(0, key) & (body->slots - 1);

	while (body->index[at] && strcmp(tree_member(object, body->index[at] - 1)->key, key) != 0)
		at = (at + 1) & (body->slots - 1);
	return &body->index[at];
}

static struct tree_member *find(const struct tree *object, const char *key)
{
	if (object->body->slots) {
		uint32_t *slot = find_slot(object, key);

		return *slot ? tree_member(object, *slot - 1) : NULL;
	}
	for (uint32_t i = 0; i < object->count; i++)
		if (!strcmp(tree_member(object, i)->key, key))
			return tree_member(object, i);
	return NULL;
}

/* An index with room for twice the members there are. *twice: a key stands there twice. */
static bool make_index(struct tree *object, struct arena *arena, bool *twice)
{
	struct tree_body *body = object->body;
	uint32_t slots = 4 * TREE_FEW;

	while (slots < object->count * 4)
		slots *= 2;
	body->index = arena_alloc(arena, slots, sizeof(*body->index));
	if (!body->index)
		return false;
	body->slots = slots;
	for (uint32_t i = 0; i < object->count; i++) {
		uint32_t *slot = find_slot(object, tree_member(object, i)->key);

		*twice |= *slot != 0;
		*slot = i + 1;
	}
	return true;
}

/* Comments are gone before anybody looks, so that two files may comment the same thing differently. */
static bool leave_out_comments(struct tree *object, struct arena *arena)
{
	struct tree_member *member = tree_member(object, 0);
	uint32_t kept = 0, count = object->count;
	bool twice = false;

	for (uint32_t i = 0; i < count; i++)
		if (*member[i].key != '#')
			member[kept++] = member[i];
	object->count = kept;
	return kept == count || !object->body->slots || make_index(object, arena, &twice);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct tree_member *)a)->key, ((const struct tree_member *)b)->key);
}

/* Most objects have a handful of members. */
void tree_sort(const struct tree *object, struct tree_member *sorted)
{
	const struct tree_member *member = tree_member(object, 0);

	if (object->count > TREE_FEW) {
		memcpy(sorted, member, object->count * sizeof(*sorted));
		qsort(sorted, object->count, sizeof(*sorted), by_key);
		return;
	}
	for (uint32_t i = 0; i < object->count; i++) {
		uint32_t at = i;

		for (; at && strcmp(sorted[at - 1].key, member[i].key) > 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = member[i];
	}
}

static bool stands_before(const struct tree_member *member, uint32_t i, bool kept)
{
	const char *key = member[i].key;

	for (uint32_t k = 0; k < i; k++)
		if (member[k].key == key || (!kept && !strcmp(member[k].key, key)))
			return true;
	return false;
}

bool tree_settle(struct tree *object, struct arena *arena, bool kept, bool *unique)
{
	bool twice = false;

	if (object->count > TREE_FEW) {
		if (!make_index(object, arena, &twice))
			return false;
	} else {
		for (uint32_t i = 1; !twice && i < object->count; i++)
			twice = stands_before(tree_member(object, 0), i, kept);
	}
	*unique = !twice;
	return leave_out_comments(object, arena);
}

struct tree *tree_get(const struct tree *object, const char *key)
{
	const struct tree_member *member = tree_is_object(object) ? find(object, key) : NULL;

	return member ? member->value : NULL;
}

static bool equal_items(const struct tree *a, const struct tree *b)
{
	for (uint32_t i = 0; i < a->count; i++)
		if (!tree_equal(tree_item(a, i), tree_item(b, i)))
			return false;
	return true;
}

static bool equal_members(const struct tree *a, const struct tree *b)
{
	for (uint32_t i = 0; i < a->count; i++)
		if (!tree_equal(tree_member(a, i)->value, tree_get(b, tree_member(a, i)->key)))
			return false;
	return true;
}

bool tree_equal(const struct tree *a, const struct tree *b)
{
	if (!a || !b || a->kind != b->kind)
		return false;
	switch (a->kind) {
	case TREE_INTEGER:
		return a->integer == b->integer;
	case TREE_REAL:
		return a->real == b->real;
	case TREE_STRING:
		return !strcmp(a->text, b->text);
	case TREE_LIST:
		return a->count == b->count && equal_items(a, b);
	case TREE_OBJECT:
		return a->count == b->count && equal_members(a, b);
	case TREE_NULL:
	case TREE_FALSE:
	case TREE_TRUE:
		break;
	}
	return true;
}

struct tree *tree_new(enum tree_kind kind, struct arena *arena)
{
	struct tree *holder = arena_alloc(arena, 1, sizeof(*holder));

	if (!holder)
		return NULL;
	holder->kind = kind;
	holder->body = arena_alloc(arena, 1, sizeof(*holder->body));
	return holder->body ? holder : NULL;
}

static size_t width(const struct tree *holder)
{
	return holder->kind == TREE_OBJECT ? sizeof(struct tree_member) : sizeof(struct tree *);
}

static bool make_room(struct tree *holder, size_t more, struct arena *arena)
{
	const struct tree_body *body = holder->body;
	size_t need = holder->count + more, room = body->room ? body->room : 4;
	struct tree_body *grown;

	if (need <= body->room)
		return true;
	if (need > MOST)
		return false;
	while (room < need)
		room *= 2;
	grown = arena_alloc(arena, 1, sizeof(*grown) + room * width(holder));
	if (!grown)
		return false;
	memcpy(grown, body, sizeof(*body) + holder->count * width(holder));
	grown->room = (uint32_t)room;
	holder->body = grown;
	return true;
}

struct tree *tree_copy(const struct tree *holder, struct arena *arena)
{
	struct tree *copy = tree_new(holder->kind, arena);
	bool twice = false;

	if (!copy || !make_room(copy, holder->count, arena))
		return NULL;
	if (holder->count)
		memcpy(copy->body->data, holder->body->data, holder->count * width(holder));
	copy->count = holder->count;
	if (holder->body->slots && !make_index(copy, arena, &twice))
		return NULL;
	return copy;
}

bool tree_set(struct tree *object, const char *key, struct tree *value, struct arena *arena)
{
	struct tree_member *member = find(object, key);
	bool twice = false;

	if (member) {
		member->value = value;
		return true;
	}
	key = arena_copy(arena, key, strlen(key));
	if (!key || !make_room(object, 1, arena))
		return false;
	*tree_member(object, object->count++) = (struct tree_member){ key, value };
	if (object->body->slots > object->count * 2)
		*find_slot(object, key) = object->count;
	else if (object->count > TREE_FEW)
		return make_index(object, arena, &twice);
	return true;
}

bool tree_remove(struct tree *object, const char *key)
{
	struct tree_member *member = find(object, key);

	if (!member)
		return false;
	object->count--;
	memmove(member, member + 1, (size_t)(tree_member(object, object->count) - member) * sizeof(*member));
	object->body->slots = 0; /* from now on one after the other; few members are ever taken away */
	return true;
}

bool tree_extend(struct tree *list, const struct tree *from, struct arena *arena)
{
	size_t more = tree_items(from);

	if (!make_room(list, more, arena))
		return false;
	if (more)
		memcpy((struct tree **)list->body->data + list->count, from->body->data,
		       more * sizeof(struct tree *));
	list->count += (uint32_t)more;
	return true;
}
