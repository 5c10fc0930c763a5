/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A row says what is ours before it is changed, so that `down` after a crash puts back too much at worst,
 * never too little.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include "door.h"
#include "tc.h"
#include "trunk.h"
#include "xdp.h"

void door_read(int table, const struct link_fact *link, struct sl_door *door)
{
	struct sl_door_key key = { .ifindex = link->ifindex };

	/* Another name is the same interface renamed: an index is given again only after all others. */
	if (bpf_map_lookup_elem(table, &key, door))
		memset(door, 0, sizeof(*door));
	memcpy(door->name, link->name, sizeof(door->name));
}

int door_write(int table, uint32_t ifindex, const struct sl_door *door, struct trouble *t)
{
	struct sl_door_key key = { .ifindex = ifindex };

	if (bpf_map_update_elem(table, &key, door, BPF_ANY))
		return trouble(t, -errno, "cannot write sl_door for %s: %s", door->name, strerror(errno));
	return 0;
}

int door_take_off(const char *pins, uint32_t ifindex, const struct sl_door *door, struct notes *notes,
		  struct trouble *t)
{
	struct link link;
	bool gone = link_read(ifindex, &link) || !*link.fact.name;
	int error = xdp_detach(pins, ifindex, door, t);
	int next = tc_detach(pins, ifindex, door, notes, t);

	if (!error)
		error = next;
	if (gone)
		return 0;
	if (door->flags & SL_DOOR_PROMISC) {
		next = trunk_promisc(link.fact.name, false, t);
		if (!error && next < 0)
			error = next;
	}
	if (door->flags & SL_DOOR_RXVLAN) {
		next = trunk_show_tags(link.fact.name, false, t);
		if (!error)
			error = next;
	}
	return error;
}
