/* SPDX-License-Identifier: GPL-2.0 */
/*
 * outside: services, EIPs, SNAT and floating IPs, in their order, and the rings that they share.
 */
#include <arpa/inet.h>
#include <string.h>
#include "maglev.h"
#include "outside.h"

bool outside_vpc(struct compile *c, const char *name, const struct place *place, uint32_t *vpc)
{
	*vpc = vpc_number(c, name);
	if (*vpc == UINT32_MAX)
		report_error(c->r, place, "VPC \"%s\" is not in the plan", name);
	return *vpc != UINT32_MAX;
}

bool ring_add(struct compile *c, struct list *turns, uint32_t size, uint32_t *first)
{
	struct list slots = { .size = sizeof(uint32_t) };
	uint32_t *slot = list_add(&slots, size);
	bool done = false;

	if (!slot)
		return false;
	if (size == 1)
		*slot = ((const struct maglev_backend *)turns->item)->address;
	else
		maglev_fill(turns->item, turns->count, slot, size);
	*first = c->ring_slots;
	for (uint32_t i = 0; i < size; i++) {
		struct sl_slot row = { .addr = htonl(slot[i]) };
		uint32_t key = c->ring_slots++;

		if (!row_add(c, SL_TABLE_sl_ring, &key, &row))
			goto out;
	}
	done = true;
out:
	list_free(&slots);
	return done;
}

bool outside_build(struct compile *c)
{
	struct stands stands = { 0 };
	struct vips vips = { 0 };
	struct eips eips = { 0 };
	bool done = eips_collect(c, &eips) && vips_collect(c, &vips) && stands_collect(c, &stands) &&
		    services_build(c, &vips, &stands) && snat_build(c, &eips) &&
		    eips_rows(c, &eips, &vips, &stands) && vips_rows(c, &vips);

	vips_free(&vips);
	stands_free(&stands);
	return done;
}
