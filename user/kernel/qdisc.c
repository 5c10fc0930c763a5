/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A qdisc says its rate in attributes of its own kind. Those of kinds that exist only to hold a rate are not read.
 */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include "qdisc.h"
#include "rtnl.h"

#define UNLIMITED (~0U) /* fq's maxrate */

/* Behind the qdisc's options begin its attributes only after so many bytes. */
static void collect_options(const struct nlattr *options, size_t skip, const struct nlattr **found, int max)
{
	struct rtnl_nest nest = { found, max };
	size_t length = options ? mnl_attr_get_payload_len(options) : 0;

	if (length > skip)
		mnl_attr_parse_payload((const char *)mnl_attr_get_payload(options) + skip, length - skip,
				       rtnl_collect, &nest);
}

static bool netem_limits(const struct nlattr *options)
{
	const struct nlattr *found[TCA_NETEM_MAX + 1] = { NULL };
	struct tc_netem_rate rate;

	collect_options(options, MNL_ALIGN(sizeof(struct tc_netem_qopt)), found, TCA_NETEM_MAX);
	if (found[TCA_NETEM_RATE64])
		return true;
	if (!found[TCA_NETEM_RATE] || mnl_attr_get_payload_len(found[TCA_NETEM_RATE]) < sizeof(rate))
		return false;
	memcpy(&rate, mnl_attr_get_payload(found[TCA_NETEM_RATE]), sizeof(rate));
	return rate.rate;
}

static bool cake_limits(const struct nlattr *options)
{
	const struct nlattr *found[TCA_CAKE_MAX + 1] = { NULL };
	const struct nlattr *rate;

	collect_options(options, 0, found, TCA_CAKE_MAX);
	rate = found[TCA_CAKE_BASE_RATE64];
	return rtnl_number(found[TCA_CAKE_AUTORATE]) ||
	       (rate && !mnl_attr_validate(rate, MNL_TYPE_U64) && mnl_attr_get_u64(rate));
}

static void read_fq(const struct nlattr *options, struct qdisc *qdisc)
{
	const struct nlattr *found[TCA_FQ_MAX + 1] = { NULL };

	collect_options(options, 0, found, TCA_FQ_MAX);
	qdisc->flow_packets = rtnl_number(found[TCA_FQ_FLOW_PLIMIT]);
	qdisc->limits = found[TCA_FQ_FLOW_MAX_RATE] && rtnl_number(found[TCA_FQ_FLOW_MAX_RATE]) != UNLIMITED;
}

static void read_options(const struct nlattr *options, struct qdisc *qdisc)
{
	static const char *const shapers[] = { "tbf", "htb", "hfsc", "cbq" };

	if (!strcmp(qdisc->kind, "fq"))
		read_fq(options, qdisc);
	else if (!strcmp(qdisc->kind, "netem"))
		qdisc->limits = netem_limits(options);
	else if (!strcmp(qdisc->kind, "cake"))
		qdisc->limits = cake_limits(options);
	for (size_t i = 0; i < sizeof(shapers) / sizeof(shapers[0]); i++)
		if (!strcmp(qdisc->kind, shapers[i]))
			qdisc->limits = true;
}

bool qdisc_parse(const struct nlmsghdr *message, struct qdisc *qdisc)
{
	const struct nlattr *attrs[TCA_MAX + 1] = { NULL };
	struct rtnl_nest nest = { attrs, TCA_MAX };
	struct tcmsg tc;

	memset(qdisc, 0, sizeof(*qdisc));
	if (message->nlmsg_type != RTM_NEWQDISC || mnl_nlmsg_get_payload_len(message) < sizeof(tc))
		return false;
	memcpy(&tc, mnl_nlmsg_get_payload(message), sizeof(tc));
	mnl_attr_parse(message, sizeof(tc), rtnl_collect, &nest);
	qdisc->ifindex = (uint32_t)tc.tcm_ifindex;
	qdisc->handle = tc.tcm_handle;
	qdisc->parent = tc.tcm_parent;
	rtnl_text(qdisc->kind, sizeof(qdisc->kind), attrs[TCA_KIND]);
	read_options(attrs[TCA_OPTIONS], qdisc);
	return tc.tcm_parent != TC_H_INGRESS; /* and clsact, which has the same parent */
}

static int add_qdisc(const struct nlmsghdr *message, void *data)
{
	struct qdiscs *qdiscs = data;
	struct qdisc qdisc, *item;

	if (!qdisc_parse(message, &qdisc))
		return MNL_CB_OK;
	/* Room doubles whenever the count is a power of two. */
	if (!(qdiscs->count & (qdiscs->count - 1))) {
		item = reallocarray(qdiscs->item, qdiscs->count ? qdiscs->count * 2 : 1, sizeof(*item));
		if (!item)
			return MNL_CB_ERROR;
		qdiscs->item = item;
	}
	qdiscs->item[qdiscs->count++] = qdisc;
	return MNL_CB_OK;
}

static int by_interface(const void *a, const void *b)
{
	const struct qdisc *x = a, *y = b;

	return x->ifindex != y->ifindex ? (x->ifindex < y->ifindex ? -1 : 1) : 0;
}

int qdiscs_read(struct qdiscs *qdiscs)
{
	char buffer[RTNL_REQUEST];
	struct nlmsghdr *request = rtnl_request(buffer, RTM_GETQDISC, NLM_F_DUMP);
	int error = -EINTR;

	memset(qdiscs, 0, sizeof(*qdiscs));
	mnl_nlmsg_put_extra_header(request, sizeof(struct tcmsg));
	/* A dump that a change broke is begun again. */
	for (int attempt = 0; attempt < 5 && error == -EINTR; attempt++) {
		error = rtnl_ask(request, add_qdisc, qdiscs);
		if (error)
			qdiscs_free(qdiscs);
	}
	if (qdiscs->count)
		qsort(qdiscs->item, qdiscs->count, sizeof(*qdiscs->item), by_interface);
	return error == -EOPNOTSUPP ? 0 : error; /* a kernel without them */
}

void qdiscs_free(struct qdiscs *qdiscs)
{
	free(qdiscs->item);
	memset(qdiscs, 0, sizeof(*qdiscs));
}

/* Where the qdiscs of an interface begin. */
static size_t first_of(const struct qdiscs *qdiscs, uint32_t ifindex)
{
	size_t low = 0, high = qdiscs->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (qdiscs->item[middle].ifindex < ifindex)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void look_fair(struct qdisc_view *view, const struct qdisc *qdisc)
{
	if (strcmp(qdisc->kind, "fq"))
		view->fair = false;
	else if (qdisc->flow_packets < view->flow_packets)
		view->flow_packets = qdisc->flow_packets;
}

struct qdisc_view qdisc_look(const struct qdiscs *qdiscs, uint32_t ifindex)
{
	struct qdisc_view view = { .flow_packets = UINT32_MAX };
	size_t first = first_of(qdiscs, ifindex), end;

	for (end = first; end < qdiscs->count && qdiscs->item[end].ifindex == ifindex; end++) {
		if (qdiscs->item[end].parent == TC_H_ROOT)
			view.root = &qdiscs->item[end];
		if (qdiscs->item[end].limits)
			view.shaper = qdiscs->item[end].kind;
	}
	if (!view.root)
		return view;
	view.fair = true;
	if (strcmp(view.root->kind, "mq")) {
		look_fair(&view, view.root);
		return view;
	}
	for (size_t i = first; i < end; i++) {
		const struct qdisc *qdisc = &qdiscs->item[i];

		/* An mq that nobody put there has the handle 0, and so has the major of its queues. */
		if (qdisc->parent == TC_H_ROOT || TC_H_MAJ(qdisc->parent) != view.root->handle)
			continue;
		if (TC_H_MIN(qdisc->parent) > view.queues)
			view.queues = TC_H_MIN(qdisc->parent);
		if (qdisc->handle && (!view.chosen || !strcmp(view.chosen->kind, "fq")))
			view.chosen = qdisc;
		look_fair(&view, qdisc);
	}
	view.fair = view.fair && view.queues;
	return view;
}
