/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The packets of a leg: one frame with all that its flows have in common, and a record for each of the rest.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <stddef.h>
#include <string.h>
#include "../../include/csum.h"
#include "../packet/vip.h"
#include "course.h"

static void lengthen(struct frame *f, uint32_t len)
{
	memset(f->bytes + f->len, 0, len - f->len);
	f->len = len;
}

static struct frame make(const struct leg *leg, const struct tuple *t, uint8_t tcp_flags)
{
	struct spec spec = {
		.dmac = leg->dmac, .saddr = t->saddr, .daddr = t->daddr, TCP(t->sport, t->dport, tcp_flags)
	};
	struct frame f = scene_frame(&spec);

	/* In TC the tag stands beside the frame, where the kernel has put it before any program sees it. */
	if (leg->vlan && leg->door == SL_UP_XDP)
		frame_tag(&f, SL_ETH_VLAN, leg->vlan);
	if (leg->wrapped) {
		f = wrap(&f, scene_mac(NODE1), mac_node2, NODE2, NODE1, A1);
		lengthen(&f, WRAP_LONG);
	} else {
		lengthen(&f, WRAP_FRAME);
	}
	return f;
}

static void record(const struct tuple *t, const struct wrap_turn *base, struct wrap_turn *r)
{
	*r = (struct wrap_turn){ htonl(t->saddr), htonl(t->daddr), htons(t->sport),
				 htons(t->dport), base->ip_check,  base->l4_check };
	r->ip_check = sl_csum_replace32(r->ip_check, base->saddr, r->saddr);
	r->ip_check = sl_csum_replace32(r->ip_check, base->daddr, r->daddr);
	r->l4_check = sl_csum_replace32(r->l4_check, base->saddr, r->saddr);
	r->l4_check = sl_csum_replace32(r->l4_check, base->daddr, r->daddr);
	r->l4_check = sl_csum_replace16(r->l4_check, base->sport, r->sport);
	r->l4_check = sl_csum_replace16(r->l4_check, base->dport, r->dport);
}

bool turns_set(struct course *c, const struct way *way, const struct leg *leg, bool back, uint8_t tcp_flags,
	       uint32_t first, uint32_t flows)
{
	struct wrap_way *w = &c->wrap->data_way->way;
	struct wrap_turn base;
	struct sl_ipv4 *ip;
	struct sl_tcp *tcp;
	struct tuple t;

	if (flows > c->most)
		return fail(&c->bench, "%u flows are more than there is room for", flows);
	way->tuple(first, back, &t);
	c->frame = make(leg, &t, tcp_flags);
	memcpy(w->frame, c->frame.bytes, WRAP_LONG);
	w->len = c->frame.len;
	w->l3 = leg->wrapped ? 14U + SL_TUNNEL_BYTES : c->frame.l3;
	w->check = offsetof(struct sl_tcp, check);
	w->mark = leg->mark;
	w->tci = leg->door == SL_UP_XDP ? 0 : leg->vlan;
	w->vpc = vpc_of(&c->bench, "default");
	w->proto = SL_PROTO_TCP;
	w->type = leg->door == SL_UP_IN && leg->dmac ? PACKET_HOST : PACKET_OTHERHOST;
	w->next = 0;
	w->mask = c->order_len - 1;

	ip = (void *)(c->frame.bytes + w->l3);
	tcp = (void *)(ip + 1);
	base = (struct wrap_turn){ ip->saddr, ip->daddr, tcp->src, tcp->dst, ip->check, tcp->check };
	for (uint32_t i = 0; i < flows; i++) {
		way->tuple(first + i, back, &t);
		record(&t, &base, &c->flows[i]);
	}
	for (uint32_t i = 0; i < c->order_len; i++)
		c->turns[i] = c->flows[c->order[i]];
	return true;
}
