/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Native first; generic is said aloud, as it is slower. While one mode gives way to the other, TC ingress
 * judges what XDP did not, so nothing slips by.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include "pinned.h"
#include "pins.h"
#include "xdp.h"

static struct path own_path(const char *pins, uint32_t ifindex)
{
	return pin_path_link(pins, "xdp", ifindex);
}

/* A program on the NIC that we have not put there; 0: none. */
static uint32_t foreign_program(const char *pins, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	uint32_t ids[3], own;

	if (bpf_xdp_query((int)ifindex, 0, &query))
		return 0;
	ids[0] = query.drv_prog_id;
	ids[1] = query.skb_prog_id;
	ids[2] = query.hw_prog_id;
	own = pinned_program(own_path(pins, ifindex).text, ifindex);
	for (int i = 0; i < 3; i++)
		if (ids[i] && ids[i] != own)
			return ids[i];
	return 0;
}

int xdp_check(const char *pins, const struct link *link, enum xdp_mode wish, const struct sl_door *door,
	      struct trouble *t)
{
	const char *name = link->fact.name;
	uint32_t foreign = foreign_program(pins, link->fact.ifindex);
	bool dispatcher = foreign && shared_dispatcher(foreign);

	if (wish == XDP_SHARED) {
		int error = shared_possible(t);

		if (error)
			return error;
		if (foreign && !dispatcher)
			return trouble(t, -EBUSY,
				       "%s runs another XDP program, %s, which is not in libxdp's "
				       "dispatcher: sluice does not replace it; load it with xdp-loader, or "
				       "take it off (ip link set dev %s xdp off)",
				       name, program_text(foreign).text, name);
		return 0;
	}
	/* A dispatcher that holds our own program from an earlier "shared" gives way in xdp_attach(). */
	if (foreign && !(dispatcher && door->xdp == SL_XDP_SHARED))
		return trouble(t, -EBUSY,
			       "%s runs another XDP program, %s: sluice does not replace it; take it "
			       "off (ip link set dev %s xdp off) or say \"xdp\": \"shared\" for this uplink",
			       name, program_text(foreign).text, name);
	return 0;
}

static int own_attach(const char *pins, const struct link *link, int program, uint32_t mode,
		      struct trouble *t)
{
	t->text[0] = 0;
	return pinned_create(own_path(pins, link->fact.ifindex).text, link->fact.ifindex, program, BPF_XDP,
			     mode, t);
}

static int generic_attach(const char *pins, const struct link *link, int program, struct sl_door *door,
			  struct trouble *t)
{
	int error = own_attach(pins, link, program, XDP_FLAGS_SKB_MODE, t);

	if (!error)
		door->xdp = SL_XDP_GENERIC;
	else if (!t->text[0])
		trouble(t, error, "cannot attach XDP to %s: %s", link->fact.name, strerror(-error));
	return error;
}

int xdp_attach(const struct kernel *k, const struct link *link, enum xdp_mode wish, int program,
	       struct sl_door *door, struct notes *notes, struct trouble *t)
{
	const char *name = link->fact.name;
	uint32_t ifindex = link->fact.ifindex;
	struct path path = own_path(k->pins, ifindex);
	bool asked = door->flags & SL_DOOR_GENERIC;
	int error;

	if (wish == XDP_SHARED || (wish == XDP_GENERIC && door->xdp == SL_XDP_NATIVE) ||
	    (wish == XDP_OWN && asked))
		pinned_remove(path.text);
	if (wish != XDP_SHARED && door->xdp == SL_XDP_SHARED) {
		error = shared_detach(ifindex, t);
		if (error)
			return error;
		door->xdp = SL_XDP_NONE;
	}
	error = xdp_check(k->pins, link, wish, door, t);
	if (error)
		return error;
	door->flags &= (uint8_t)~SL_DOOR_GENERIC;
	if (wish == XDP_SHARED) {
		error = shared_attach(k, link, program, notes, t);
		if (!error)
			door->xdp = SL_XDP_SHARED;
		return error;
	}
	if (wish == XDP_GENERIC)
		door->flags |= SL_DOOR_GENERIC;

	error = pinned_update(path.text, ifindex, program, t);
	if (error < 0)
		return error;
	if (error) {
		if (door->xdp == SL_XDP_GENERIC && wish == XDP_OWN)
			note(notes, "%s runs generic XDP, which is slower: its driver has refused native XDP",
			     name);
		return 0;
	}
	if (wish == XDP_GENERIC)
		return generic_attach(k->pins, link, program, door, t);
	error = own_attach(k->pins, link, program, XDP_FLAGS_DRV_MODE, t);
	if (!error) {
		door->xdp = SL_XDP_NATIVE;
		return 0;
	}
	if (t->text[0])
		return error;
	if (error == -EOPNOTSUPP)
		note(notes, "%s runs generic XDP, which is slower: its driver has no native XDP", name);
	else
		note(notes,
		     "%s runs generic XDP, which is slower: its driver refuses native XDP at MTU %u (%s)",
		     name, link->fact.mtu, strerror(-error));
	return generic_attach(k->pins, link, program, door, t);
}

int xdp_detach(const char *pins, uint32_t ifindex, const struct sl_door *door, struct trouble *t)
{
	pinned_remove(own_path(pins, ifindex).text);
	return door->xdp == SL_XDP_SHARED ? shared_detach(ifindex, t) : 0;
}
