/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every door of an image on the interfaces that are present. All doors in come before all doors out: a
 * door out drops what no door in has judged. An interface that fails does not keep the others from being
 * guarded; the first failure is reported.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "door.h"
#include "extra.h"
#include "fail.h"
#include "pins.h"
#include "rows.h"
#include "sockets.h"
#include "tc.h"
#include "trunk.h"
#include "xdp.h"

/* An interface that gets doors. */
struct target {
	struct link link; /* in full for an uplink and the tunnel */
	const struct image_uplink *uplink; /* NULL: another kind of interface */
	uint8_t kind; /* SL_IFACE_* */
	struct sl_door door;
	int error;
};

struct targets {
	struct target *item;
	size_t count;
	size_t absent; /* workload interfaces that are not there */
};

/* Its programs, by kind of interface. */
static const struct {
	enum program in;
	enum program out;
} doors[] = {
	[SL_IFACE_UPLINK] = { SL_UP_IN, SL_UP_OUT },
	[SL_IFACE_WORKLOAD] = { SL_WL_IN, SL_WL_OUT },
	[SL_IFACE_TUNNEL] = { SL_TUN_IN, SL_TUN_OUT },
};

static void add_target(const struct kernel *k, struct targets *targets, const struct target *target)
{
	struct target *added = &targets->item[targets->count++];

	*added = *target;
	if (k)
		door_read(k->table[SL_TABLE_sl_door], &added->link.fact, &added->door);
}

static void find_uplink(const struct kernel *k, const struct image_uplink *uplink,
			const struct link_facts *links, struct targets *targets, struct notes *notes)
{
	const struct link_fact *fact = links_find(links, uplink->name);
	struct target target = { .uplink = uplink, .kind = SL_IFACE_UPLINK };

	if (fact && !link_read(fact->ifindex, &target.link))
		add_target(k, targets, &target);
	else
		note(notes, "uplink %s is not there: its doors are attached when it comes", uplink->name);
}

static void find_tunnel(const struct kernel *k, const char *name, const struct link_facts *links,
			struct targets *targets, struct notes *notes)
{
	const struct link_fact *fact = links_find(links, name);
	struct target target = { .kind = SL_IFACE_TUNNEL };

	if (!fact || link_read(fact->ifindex, &target.link)) {
		note(notes, "tunnel %s is not there: its doors are attached when it comes", name);
		return;
	}
	if (strcmp(target.link.kind, "wireguard"))
		note(notes,
		     "tunnel %s is no WireGuard interface%s%s%s: sluice cannot know whether what goes "
		     "through it is "
		     "encrypted",
		     name, *target.link.kind ? " (kind \"" : "", target.link.kind,
		     *target.link.kind ? "\")" : "");
	add_target(k, targets, &target);
}

/* Uplinks come first. */
static int find_targets(const struct kernel *k, const struct image *image, const struct link_facts *links,
			struct targets *targets, struct notes *notes, struct trouble *t)
{
	size_t most = image->uplink_count + image->port_count + 1;

	memset(targets, 0, sizeof(*targets));
	targets->item = calloc(most, sizeof(*targets->item));
	if (!targets->item)
		return trouble(t, -ENOMEM, "out of memory for %zu interfaces", most);
	for (size_t i = 0; i < image->uplink_count; i++)
		find_uplink(k, &image->uplinks[i], links, targets, notes);
	if (*image->tunnel)
		find_tunnel(k, image->tunnel, links, targets, notes);
	for (size_t i = 0; i < image->port_count; i++) {
		const struct link_fact *fact = links_find(links, image->ports[i].name);
		struct target target = { .kind = SL_IFACE_WORKLOAD };

		targets->absent += !fact;
		if (!fact)
			continue;
		target.link.fact = *fact;
		add_target(k, targets, &target);
	}
	return 0;
}

int kernel_attach_check(const struct kernel *k, const char *pins, const struct image *image,
			const struct link_facts *links, struct trouble *t)
{
	struct notes ignored = { 0 };
	struct targets targets;
	int error = find_targets(k, image, links, &targets, &ignored, t);

	for (size_t i = 0; !error && i < targets.count; i++) {
		const struct target *target = &targets.item[i];

		if (!target->uplink)
			break; /* uplinks come first */
		error = trunk_check(&target->link, t);
		if (!error)
			error = xdp_check(pins, &target->link, target->uplink->xdp, &target->door, t);
	}
	free(targets.item);
	notes_free(&ignored);
	return error;
}

/* The NIC's settings. The row says that a change is ours before it is made. */
static int prepare_nic(const struct kernel *k, struct target *target, struct notes *notes, struct trouble *t)
{
	const char *name = target->link.fact.name;
	int table = k->table[SL_TABLE_sl_door];
	uint32_t ifindex = target->link.fact.ifindex;
	uint8_t before = target->door.flags;
	int error;

	if (trunk_hides_tags(&target->link) && strcmp(target->link.kind, "veth")) {
		target->door.flags |= SL_DOOR_RXVLAN;
		error = door_write(table, ifindex, &target->door, t);
		if (!error)
			error = trunk_show_tags(name, true, t);
		if (error) {
			target->door.flags = before;
			return error;
		}
		note(notes,
		     "receive VLAN offload of %s is turned off, so that XDP sees the tags; \"down\" turns "
		     "it on again",
		     name);
	}
	before = target->door.flags;
	if (target->uplink->promisc) {
		target->door.flags |= SL_DOOR_PROMISC;
		error = door_write(table, ifindex, &target->door, t);
		if (!error)
			error = trunk_promisc(name, true, t);
		if (error) /* it was set already, not by us unless the row said so; or it cannot be */
			target->door.flags = before;
		if (error < 0)
			return error;
	} else if (before & SL_DOOR_PROMISC) {
		error = trunk_promisc(name, false, t);
		if (error < 0)
			return error;
		target->door.flags &= (uint8_t)~SL_DOOR_PROMISC;
	}
	return 0;
}

static int attach_in(const struct kernel *k, struct target *target, const int *programs, struct notes *notes,
		     struct trouble *t)
{
	uint32_t ifindex = target->link.fact.ifindex;
	int error = 0;

	if (target->uplink)
		error = trunk_check(&target->link, t);
	if (!error && target->door.kind && target->door.kind != target->kind) {
		error = door_take_off(k->pins, ifindex, &target->door, notes, t);
		target->door.flags = target->door.xdp = target->door.tc = 0;
	}
	target->door.kind = target->kind;
	if (target->kind == SL_IFACE_WORKLOAD)
		target->door.xdp = target->link.fact.takes_xdp ? SL_XDP_DIRECT : SL_XDP_NONE;
	if (!error)
		error = door_write(k->table[SL_TABLE_sl_door], ifindex, &target->door, t);
	if (!error)
		error = tc_attach(k->pins, &target->link, SIDE_IN, programs[doors[target->kind].in],
				  &target->door, t);
	if (!error && target->uplink)
		error = prepare_nic(k, target, notes, t);
	if (!error && target->uplink)
		error = xdp_attach(k, &target->link, target->uplink->xdp,
				   programs[target->uplink->xdp == XDP_SHARED ? SL_UP_SHARED : SL_UP_XDP],
				   &target->door, notes, t);
	return error;
}

static int attach_out(const struct kernel *k, struct target *target, const int *programs, struct trouble *t)
{
	return tc_attach(k->pins, &target->link, SIDE_OUT, programs[doors[target->kind].out], &target->door,
			 t);
}

/* What was reached is remembered also after a failure, to be taken off. 0 when the interface went away
 * meanwhile: the next time it is no target, and its row goes. */
static int attach_side(const struct kernel *k, struct target *target, int out, const int *programs,
		       struct notes *notes, struct trouble *t)
{
	uint32_t ifindex = target->link.fact.ifindex;
	struct trouble unwritten = { "" };
	struct link still;
	int error;

	target->error = out ? attach_out(k, target, programs, t) : attach_in(k, target, programs, notes, t);
	error = door_write(k->table[SL_TABLE_sl_door], ifindex, &target->door, &unwritten);
	if (error && !target->error) {
		target->error = error;
		*t = unwritten;
	}
	if (target->error && link_read(ifindex, &still) == -ENODEV)
		return 0;
	return target->error;
}

static bool is_target(const struct targets *targets, uint32_t ifindex)
{
	for (size_t i = 0; i < targets->count; i++)
		if (targets->item[i].link.fact.ifindex == ifindex)
			return true;
	return false;
}

/* Doors of interfaces that left the plan or the node. */
static int take_off_others(const struct kernel *k, const struct targets *targets, struct notes *notes,
			   struct trouble *t)
{
	int table = k->table[SL_TABLE_sl_door];
	struct rows rows;
	int first = rows_read(&rows, table, sizeof(struct sl_door_key), sizeof(struct sl_door), 1, t);

	if (first)
		return first;
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_door_key *key = rows_key(&rows, i);
		struct trouble now;
		int error;

		if (is_target(targets, key->ifindex))
			continue;
		error = door_take_off(k->pins, key->ifindex, rows_value(&rows, i), notes, &now);
		if (!error)
			bpf_map_delete_elem(table, key);
		else if (!first) {
			first = error;
			*t = now;
		}
	}
	rows_free(&rows);
	return first;
}

static bool wants_shared(const struct image *image)
{
	for (size_t i = 0; i < image->uplink_count; i++)
		if (image->uplinks[i].xdp == XDP_SHARED)
			return true;
	return false;
}

static int open_programs(const struct kernel *k, const struct image *image, int *programs, struct trouble *t)
{
	int error = 0;

	for (int i = 0; i < SL_PROGRAMS; i++) {
		struct path path = pin_path(k->pins, "progs", program_names[i]);

		if (extra_is((enum program)i))
			continue;
		programs[i] = bpf_obj_get(path.text);
		if (programs[i] < 0 && i >= SL_SOCKETS)
			continue; /* sockets_attach() says what that means */
		if (programs[i] < 0)
			return trouble(t, -errno,
				       "cannot open %s (%s): \"sluice up\" completes what is missing",
				       path.text, strerror(errno));
	}
	if (wants_shared(image))
		error = extra_open(k, SL_UP_SHARED, 1, programs, t);
	if (!error && *image->tunnel)
		error = extra_open(k, SL_TUN_IN, 2, programs, t);
	return error;
}

int kernel_attach(struct kernel *k, const struct image *image, const struct link_facts *links,
		  struct notes *notes, struct trouble *t)
{
	bool locked = k->lock >= 0;
	int programs[SL_PROGRAMS];
	struct targets targets = { 0 };
	struct trouble now;
	int error, first = 0;

	for (int i = 0; i < SL_PROGRAMS; i++)
		programs[i] = -1;
	error = kernel_lock(k, t);
	if (error)
		return error;
	error = open_programs(k, image, programs, t);
	if (!error)
		error = fail_write(k, image, links, t);
	if (!error)
		error = find_targets(k, image, links, &targets, notes, t);
	if (error)
		goto out;
	if (targets.absent)
		note(notes, "%zu workload interface%s not there: doors are attached when they come",
		     targets.absent, targets.absent == 1 ? " is" : "s are");

	for (int out = 0; out < 2; out++)
		for (size_t i = 0; i < targets.count; i++) {
			struct target *target = &targets.item[i];

			if (target->error)
				continue;
			error = attach_side(k, target, out, programs, notes, &now);
			if (error && !first) {
				first = error;
				*t = now;
			} else if (error) {
				note(notes, "%s", now.text);
			}
		}
	error = take_off_others(k, &targets, notes, &now);
	if (error && !first) {
		first = error;
		*t = now;
	}
	error = first;
	sockets_attach(k, image, programs, notes);
out:
	free(targets.item);
	for (int i = 0; i < SL_PROGRAMS; i++)
		if (programs[i] >= 0)
			close(programs[i]);
	if (!locked)
		kernel_unlock(k);
	return error;
}
