/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fq on the uplinks whose plan asks for it, which then sends each packet at the time that the programs write
 * on it; and what was there before in its place again. An uplink that cannot have it, or that somebody has
 * chosen a qdisc for, goes on with what it has.
 */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include "link.h"
#include "pace.h"
#include "rtnl.h"

#define KIND "fq"

static struct nlmsghdr *about(char buffer[RTNL_REQUEST], uint16_t type, uint16_t flags, uint32_t ifindex,
			      uint32_t parent, uint32_t handle)
{
	struct nlmsghdr *request = rtnl_request(buffer, type, NLM_F_ACK | flags);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(request, sizeof(*tc));

	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)ifindex;
	tc->tcm_parent = parent;
	tc->tcm_handle = handle;
	return request;
}

static int put_kind(uint32_t ifindex, uint32_t handle, const char *kind)
{
	char buffer[RTNL_REQUEST];
	struct nlmsghdr *request =
		about(buffer, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, ifindex, TC_H_ROOT, handle);

	mnl_attr_put_strz(request, TCA_KIND, kind);
	return rtnl_ask(request, NULL, NULL);
}

static int put_fq(uint32_t ifindex, uint32_t parent, uint32_t handle)
{
	char buffer[RTNL_REQUEST];
	struct nlmsghdr *request =
		about(buffer, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, ifindex, parent, handle);
	struct nlattr *options;

	mnl_attr_put_strz(request, TCA_KIND, KIND);
	options = mnl_attr_nest_start(request, TCA_OPTIONS);
	mnl_attr_put_u32(request, TCA_FQ_PLIMIT, PACE_PACKETS);
	mnl_attr_put_u32(request, TCA_FQ_FLOW_PLIMIT, PACE_FLOW_PACKETS);
	mnl_attr_nest_end(request, options);
	return rtnl_ask(request, NULL, NULL);
}

/* 0, or -ENOENT if the kernel does not know fq: it is asked for one that it has to refuse. */
static int probe_fq(uint32_t ifindex, uint32_t handle)
{
	char buffer[RTNL_REQUEST];
	struct nlmsghdr *request =
		about(buffer, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, ifindex, TC_H_ROOT, handle);
	struct nlattr *options;
	int error;

	mnl_attr_put_strz(request, TCA_KIND, KIND);
	options = mnl_attr_nest_start(request, TCA_OPTIONS);
	mnl_attr_put_u32(request, TCA_FQ_BUCKETS_LOG, UINT32_MAX);
	mnl_attr_nest_end(request, options);
	error = rtnl_ask(request, NULL, NULL);
	return error == -EINVAL ? 0 : error;
}

static int put_queues(uint32_t ifindex, const struct qdisc_view *view)
{
	uint32_t handle = pace_handle(view);
	int error = 0;

	/* mq gives way to one with a handle, which must not be for nothing. */
	if (!pace_ours(view))
		error = probe_fq(ifindex, handle);
	if (!error && !pace_ours(view))
		error = put_kind(ifindex, handle, "mq");

	for (uint32_t queue = 1; !error && queue <= view->queues; queue++)
		error = put_fq(ifindex, handle | queue, 0);
	return error;
}

static void tell_failure(const char *name, int error, struct notes *notes)
{
	if (error == -ENOENT)
		note(notes, "this kernel has no qdisc fq (CONFIG_NET_SCH_FQ): %s is paced by buckets", name);
	else
		note(notes, "%s cannot have the qdisc fq (%s): it is paced by buckets", name,
		     strerror(-error));
}

static void tell_others(const char *name, const struct qdisc_view *view, struct notes *notes)
{
	const struct qdisc *others = pace_others(view);

	if (view->fair)
		note(notes,
		     "%s sends by %s (%x:) that somebody has set up: it stays, with room for only %u packets "
		     "of one flow; \"tc qdisc del dev %s root\", then \"sluice apply\", gives it room for %u",
		     name, others->kind, others->handle >> 16, view->flow_packets, name, PACE_FLOW_PACKETS);
	else
		note(notes,
		     "%s sends by %s (%x:) that somebody has set up: it stays, and buckets pace; "
		     "\"tc qdisc del dev %s root\", then \"sluice apply\", puts fq there",
		     name, others->kind, others->handle >> 16, name);
}

static void begin(const char *name, uint32_t ifindex, const struct qdisc_view *view, struct notes *notes,
		  bool *changed)
{
	enum pace step = pace_step(view);
	int error;

	switch (step) {
	case PACE_KEEP:
	case PACE_SHAPED: /* the compiler says so */
		return;
	case PACE_LATER:
		note(notes,
		     "%s is down: it gets the qdisc fq when it goes up, with an agent or \"sluice apply\"",
		     name);
		return;
	case PACE_OTHERS:
		tell_others(name, view, notes);
		return;
	case PACE_QUEUES:
		error = put_queues(ifindex, view);
		break;
	default:
		error = put_fq(ifindex, TC_H_ROOT, pace_handle(view));
		break;
	}
	*changed |= !error;
	if (error)
		tell_failure(name, error, notes);
	else if (step == PACE_QUEUES)
		note(notes, "%s sends by fq on each of its %u queues; \"down\" puts back what was there",
		     name, view->queues);
	else
		note(notes, "%s sends by fq in place of %s; \"down\" puts that back", name, view->root->kind);
}

static int end(const struct qdisc_view *view, struct notes *notes, bool *changed, struct trouble *t)
{
	char buffer[RTNL_REQUEST], name[IF_NAMESIZE] = "?";
	const struct qdisc *others = pace_others(view);
	uint32_t ifindex = view->root->ifindex, handle = view->root->handle;
	int error;

	if_indextoname(ifindex, name);
	if (others) {
		note(notes,
		     "%s keeps sluice's mq (%x:): somebody has set up %s (%x:) on a queue of it; "
		     "\"tc qdisc del dev %s root\" takes off both",
		     name, handle >> 16, others->kind, others->handle >> 16, name);
		return 0;
	}
	*changed = true;
	error = rtnl_ask(about(buffer, RTM_DELQDISC, 0, ifindex, TC_H_ROOT, handle), NULL, NULL);
	if (!error && pace_before(handle))
		error = put_kind(ifindex, 0, pace_before(handle));
	if (!error || error == -ENODEV)
		return 0;
	return trouble(t, error, "cannot take the qdisc fq off %s (%s): run \"tc qdisc del dev %s root\"",
		       name, strerror(-error), name);
}

static bool wanted(const struct image *image, uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	if (!image || !if_indextoname(ifindex, name))
		return false;
	for (size_t i = 0; i < image->uplink_count; i++)
		if (image->uplinks[i].pacing == PACING_FQ && !strcmp(image->uplinks[i].name, name))
			return true;
	return false;
}

int kernel_pace(const struct image *image, struct notes *notes, bool *changed, struct trouble *t)
{
	struct qdiscs qdiscs;
	struct qdisc_view view;
	int error = qdiscs_read(&qdiscs);

	*changed = false;
	if (error)
		return trouble(t, error, "cannot read the qdiscs of this node: %s", strerror(-error));
	for (size_t i = 0; image && i < image->uplink_count; i++) {
		uint32_t ifindex = if_nametoindex(image->uplinks[i].name);

		view = qdisc_look(&qdiscs, ifindex);
		if (ifindex && image->uplinks[i].pacing == PACING_FQ)
			begin(image->uplinks[i].name, ifindex, &view, notes, changed);
	}
	for (size_t i = 0; i < qdiscs.count; i++) {
		int failed;

		view = qdisc_look(&qdiscs, qdiscs.item[i].ifindex);
		if (view.root != &qdiscs.item[i] || !pace_ours(&view) ||
		    wanted(image, qdiscs.item[i].ifindex))
			continue;
		failed = end(&view, notes, changed, t);
		if (!error)
			error = failed;
	}
	qdiscs_free(&qdiscs);
	return error;
}
