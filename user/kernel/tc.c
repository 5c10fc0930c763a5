/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tcx comes before every clsact filter, and we ask for the first place: a program before ours that
 * answers "pass" would end the search, and the packet would go by unjudged. For clsact the filter has a
 * handle of our own, so that another user of the same priority keeps his.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include "pinned.h"
#include "pins.h"
#include "rtnl.h"
#include "tc.h"

/* Numbers of the kernel's ABI that this libbpf and its headers do not name yet. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS 47
#define MPROG_BEFORE (1U << 3) /* without a relative: before everyone */

#define HANDLE 0x736c /* "sl" */
#define PRIORITY 1

static const char *const door_names[] = { [SIDE_IN] = "tcx-in", [SIDE_OUT] = "tcx-out" };
static const char *const side_names[] = { [SIDE_IN] = "ingress", [SIDE_OUT] = "egress" };

static enum bpf_tc_attach_point point(enum side side)
{
	return side == SIDE_IN ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

/* The program in our place of the qdisc; 0: none. */
static uint32_t filter_program(uint32_t ifindex, enum side side)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point(side));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY);

	return bpf_tc_query(&hook, &opts) ? 0 : opts.prog_id;
}

static bool named_ours(uint32_t program)
{
	return !strncmp(program_text(program).text, "sl_", 3);
}

static int clsact_attach(const struct link *link, enum side side, int program, struct sl_door *door,
			 struct trouble *t)
{
	LIBBPF_OPTS(bpf_tc_hook, qdisc, .ifindex = (int)link->fact.ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)link->fact.ifindex, .attach_point = point(side));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY, .prog_fd = program,
		    .flags = BPF_TC_F_REPLACE);
	uint32_t there;
	int error = bpf_tc_hook_create(&qdisc);

	if (!error)
		door->flags |= SL_DOOR_QDISC;
	else if (error != -EEXIST)
		return trouble(t, error, "cannot make a clsact qdisc on %s: %s", link->fact.name,
			       strerror(-error));
	there = filter_program(link->fact.ifindex, side);
	if (there && there == program_id(program))
		return 0;
	if (there && !named_ours(there) && !door->tc)
		return trouble(t, -EBUSY,
			       "%s of %s has another program in sluice's place (priority %d, handle "
			       "%#x): %s; take it off first",
			       side_names[side], link->fact.name, PRIORITY, HANDLE, program_text(there).text);
	error = bpf_tc_attach(&hook, &opts);
	if (error)
		return trouble(t, error,
			       "cannot attach to %s of %s: %s (is there an ingress qdisc that is not "
			       "clsact? \"tc qdisc show dev %s\")",
			       side_names[side], link->fact.name, strerror(-error), link->fact.name);
	return 0;
}

int tc_attach(const char *pins, const struct link *link, enum side side, int program, struct sl_door *door,
	      struct trouble *t)
{
	struct path path = pin_path_link(pins, door_names[side], link->fact.ifindex);
	int attach_type = side == SIDE_IN ? ATTACH_TCX_INGRESS : ATTACH_TCX_EGRESS;
	int error = pinned_update(path.text, link->fact.ifindex, program, t);

	if (error < 0)
		return error;
	if (error) {
		door->tc = SL_TC_TCX;
		return 0;
	}
	t->text[0] = 0;
	error = pinned_create(path.text, link->fact.ifindex, program, attach_type, MPROG_BEFORE, t);
	if (!error) {
		door->tc = SL_TC_TCX;
		return 0;
	}
	if (error != -EINVAL || t->text[0]) /* EINVAL: a kernel before 6.6 */
		return t->text[0] ? error
				  : trouble(t, error, "cannot attach to %s of %s: %s", side_names[side],
					    link->fact.name, strerror(-error));
	error = clsact_attach(link, side, program, door, t);
	if (!error)
		door->tc = SL_TC_CLSACT;
	return error;
}

static int count_filter(const struct nlmsghdr *message, void *data)
{
	if (message->nlmsg_type == RTM_NEWTFILTER)
		*(unsigned int *)data += 1;
	return MNL_CB_OK;
}

/* Are there filters on our qdisc that somebody else put there? When in doubt, yes. */
static bool others_use(uint32_t ifindex, enum side side)
{
	char buffer[RTNL_REQUEST];
	struct nlmsghdr *request = rtnl_request(buffer, RTM_GETTFILTER, NLM_F_DUMP);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(request, sizeof(*tc));
	unsigned int found = 0;
	int error;

	tc->tcm_ifindex = (int)ifindex;
	tc->tcm_parent = TC_H_MAKE(TC_H_CLSACT, side == SIDE_IN ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
	error = rtnl_ask(request, count_filter, &found);
	/* No such qdisc or interface any more: nobody uses it. */
	if (error == -EINVAL || error == -ENOENT || error == -ENODEV)
		return false;
	return error || found;
}

static int clsact_detach(uint32_t ifindex, const struct sl_door *door, struct notes *notes, struct trouble *t)
{
	LIBBPF_OPTS(bpf_tc_hook, qdisc, .ifindex = (int)ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	bool ours = door->flags & SL_DOOR_QDISC;
	int error;

	for (enum side side = SIDE_IN; side <= SIDE_OUT; side++) {
		LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point(side));
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY);

		uint32_t there = filter_program(ifindex, side);

		if (!there)
			continue;
		/* Without our word for it in sl_door, only the name tells that it is ours; then so is the
		 * qdisc, if nobody else is on it. */
		if (door->tc != SL_TC_CLSACT) {
			if (!named_ours(there))
				continue;
			ours = true;
		}
		error = bpf_tc_detach(&hook, &opts);
		if (error && error != -ENOENT && error != -ENODEV)
			return trouble(t, error, "cannot take the filter off %s of %s: %s", side_names[side],
				       door->name, strerror(-error));
	}
	if (!ours)
		return 0;
	if (others_use(ifindex, SIDE_IN) || others_use(ifindex, SIDE_OUT)) {
		note(notes, "the clsact qdisc of %s stays: others have filters on it", door->name);
		return 0;
	}
	error = bpf_tc_hook_destroy(&qdisc);
	if (error && error != -ENOENT && error != -ENODEV && error != -EINVAL)
		return trouble(t, error, "cannot remove the clsact qdisc of %s: %s", door->name,
			       strerror(-error));
	return 0;
}

int tc_detach(const char *pins, uint32_t ifindex, const struct sl_door *door, struct notes *notes,
	      struct trouble *t)
{
	pinned_remove(pin_path_link(pins, door_names[SIDE_IN], ifindex).text);
	pinned_remove(pin_path_link(pins, door_names[SIDE_OUT], ifindex).text);
	return door->tc == SL_TC_TCX ? 0 : clsact_detach(ifindex, door, notes, t);
}
