/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who stands where, see stand.h. Of two that claim one address the first is believed; the checker has named
 * them.
 */
#include "stand.h"

struct stand_key {
	uint32_t vpc; /* index */
	uint32_t addr;
};

static bool add(struct stands *s, uint32_t vpc, uint32_t addr, uint32_t node, bool interface)
{
	struct stand_key key = { .vpc = vpc, .addr = addr };
	size_t before = s->keys.count;
	struct stand *stand;

	if (!intern(&s->keys, &key, sizeof(key)))
		return false;
	if (s->keys.count == before)
		return true;
	stand = list_add(&s->list, 1);
	if (!stand)
		return false;
	stand->node = node;
	stand->interface = interface;
	return true;
}

static bool collect(const struct compile *c, struct stands *stands)
{
	for (uint32_t i = 0; i < c->node_count; i++) {
		const struct ranges *addresses = &c->nodes[i].node->addresses;

		for (size_t k = 0; k < addresses->count; k++) {
			if (!add(stands, c->default_vpc, addresses->item[k].first, i + 1, true))
				return false;
		}
	}
	for (size_t i = 0; i < c->plan->workload_count; i++) {
		const struct workload *w = &c->plan->workloads[i];

		if (!add(stands, c->network_vpc[c->workload_network[i]], w->address, c->workload_node[i],
			 w->interface))
			return false;
	}
	return true;
}

static void *collect_all(void *argument)
{
	struct stands *stands = argument;

	stands->done = collect(stands->c, stands);
	return NULL;
}

void stands_begin(const struct compile *c, struct stands *stands)
{
	*stands = (struct stands){ .list = { .size = sizeof(struct stand) }, .c = c };
	stands->started = !pthread_create(&stands->thread, NULL, collect_all, stands);
	if (!stands->started)
		collect_all(stands);
}

bool stands_wait(struct stands *stands)
{
	if (stands->started)
		pthread_join(stands->thread, NULL);
	stands->started = false;
	return stands->done;
}

const struct stand *stand_at(const struct stands *stands, uint32_t vpc, uint32_t addr)
{
	struct stand_key key = { .vpc = vpc, .addr = addr };
	uint32_t number = intern_find(&stands->keys, &key, sizeof(key));

	return number ? (const struct stand *)stands->list.item + number - 1 : NULL;
}

void stands_free(struct stands *stands)
{
	stands_wait(stands);
	intern_free(&stands->keys);
	list_free(&stands->list);
}
