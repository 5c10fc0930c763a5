/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Taking sluice off a node, whatever version brought it. Doors first, pins last: a `down` that is
 * interrupted can be run again.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "door.h"
#include "object.h"
#include "pinned.h"
#include "pins.h"
#include "rows.h"

struct doors {
	int first; /* first error */
	const char *pins;
	struct notes *notes;
	struct trouble *t;
};

static void take_off(struct doors *doors, uint32_t ifindex, const struct sl_door *door)
{
	struct trouble now;
	int error = door_take_off(doors->pins, ifindex, door, doors->notes, &now);

	if (error && !doors->first) {
		doors->first = error;
		*doors->t = now;
	}
}

/* sl_door knows which. Other layouts may have it as we do; then the NICs' settings are put back as well. */
static bool known_doors(struct doors *doors)
{
	int fd = bpf_obj_get(pin_path(doors->pins, "maps", "sl_door").text);
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	struct trouble ignored;
	struct rows rows;
	bool known;

	if (fd < 0)
		return false;
	known = !bpf_obj_get_info_by_fd(fd, &info, &size) && info.key_size == sizeof(struct sl_door_key) &&
		info.value_size == sizeof(struct sl_door);
	known = known &&
		!rows_read(&rows, fd, sizeof(struct sl_door_key), sizeof(struct sl_door), 1, &ignored);
	close(fd);
	if (!known)
		return false;
	for (size_t i = 0; i < rows.count; i++) {
		const struct sl_door_key *key = rows_key(&rows, i);

		take_off(doors, key->ifindex, rows_value(&rows, i));
	}
	rows_free(&rows);
	return true;
}

/* Else our filters are looked for on every interface. */
static void any_doors(struct doors *doors)
{
	struct link_facts links;
	struct trouble now;
	int error = links_read(&links, &now);

	if (error) {
		doors->first = error;
		*doors->t = now;
		return;
	}
	for (size_t i = 0; i < links.count; i++) {
		struct sl_door door = { .xdp = SL_XDP_SHARED }; /* perhaps */

		memcpy(door.name, links.item[i].name, sizeof(door.name));
		take_off(doors, links.item[i].ifindex, &door);
	}
	links_free(&links);
}

/* Links of interfaces that went away, or that no row spoke of. */
static void leftover_links(const char *pins)
{
	struct path folder = pin_path(pins, "links", "");
	DIR *dir = opendir(folder.text);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (*entry->d_name != '.')
			pinned_remove(pin_path(folder.text, entry->d_name, "").text);
	closedir(dir);
}

int kernel_unload(const char *pins, struct notes *notes, bool *found, struct trouble *t)
{
	struct doors doors = { .pins = pins, .notes = notes, .t = t };
	struct trouble now;
	bool changed;
	int lock, error;

	object_quiet();
	lock = pins_lock(pins, t);
	/* Without pins there is no door either, but a qdisc of ours stays whatever becomes of them. */
	if (lock == -ENOENT)
		return kernel_pace(NULL, notes, found, t);
	*found = true;
	if (lock < 0)
		return lock;
	if (!known_doors(&doors))
		any_doors(&doors);
	error = kernel_pace(NULL, notes, &changed, &now);
	if (error && !doors.first) {
		doors.first = error;
		*t = now;
	}
	if (!doors.first) {
		leftover_links(pins);
		doors.first = pins_remove(pins, t);
	}
	close(lock);
	return doors.first;
}
