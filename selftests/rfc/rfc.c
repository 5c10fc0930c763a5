/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the conformance tests share, see rfc.h.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include "../../user/agent/mapping.h"
#include "../../user/agent/sweep.h"
#include "../../user/kernel/rows.h"
#include "../../user/kernel/shape.h"
#include "rfc.h"

const struct nat one_word = { .first = WORD, .last = WORD + 63 };

#define ROUNDS 4 /* two whole ones make sure, see bound.h */
#define ROUND_S 6

/* --- time */

/* A row that is written moves within the table: what there is has to be known before the first is. */
static bool read_rows(struct bench *b, enum sl_table_id table, struct rows *rows)
{
	struct trouble t = { "" };

	if (!rows_read(rows, b->kernel.table[table], shapes[table].key_size, shapes[table].value_size, 1, &t))
		return true;
	return fail(b, "%s: %s", shapes[table].name, t.text);
}

static void shift_flows(struct bench *b, enum sl_table_id table, uint32_t ticks)
{
	struct rows rows;

	if (!read_rows(b, table, &rows))
		return;
	for (size_t i = 0; i < rows.count; i++) {
		struct sl_flow flow;

		memcpy(&flow, rows_value(&rows, i), sizeof(flow));
		flow.seen -= ticks;
		flow.created -= ticks;
		bpf_map_update_elem(b->kernel.table[table], rows_key(&rows, i), &flow, BPF_EXIST);
	}
	rows_free(&rows);
}

static void shift_mappings(struct bench *b, uint32_t ticks)
{
	struct rows rows;

	if (!read_rows(b, SL_TABLE_sl_outside, &rows))
		return;
	for (size_t i = 0; i < rows.count; i++) {
		struct sl_outside row;

		memcpy(&row, rows_value(&rows, i), sizeof(row));
		row.seen -= ticks;
		row.created -= ticks;
		bpf_map_update_elem(b->kernel.table[SL_TABLE_sl_outside], rows_key(&rows, i), &row,
				    BPF_EXIST);
	}
	rows_free(&rows);
}

/* --- the agent's rounds */

struct round {
	struct bench *b;
	struct bound *bound;
	enum bound_pass pass;
};

static void stays(void *closure, const void *key, const void *flow)
{
	struct round *r = closure;

	bound_meet(r->bound, r->pass, key, flow);
}

static void ends(void *closure, const void *key, const void *flow)
{
	struct round *r = closure;
	struct sl_outside_key port;

	if (bound_port(key, flow, &port))
		mapping_used(&r->b->kernel, &port, ((const struct sl_flow *)flow)->seen);
}

static void sweep_table(struct round *r, struct sweep *sweep, uint32_t now, struct trouble *t)
{
	const struct timeouts *timeouts = &r->b->image->timeouts;
	uint64_t passes = sweep->passes;

	bound_begin(r->bound, r->pass);
	for (int i = 0; i < 1000 && sweep->passes == passes; i++)
		if (sweep_step(sweep, timeouts, now, UINT32_MAX, t))
			fail(r->b, "%s", t->text);
	bound_end(r->bound, r->pass);
}

void rfc_pass(struct bench *b, uint32_t seconds)
{
	struct sweep sweeps[BOUND_PASSES] = { { .fd = -1 }, { .fd = -1 } };
	struct trouble t = { "" };
	struct mapping mapping;
	struct bound bound;
	struct round r = { .b = b, .bound = &bound };
	uint32_t now = tick();

	bench_void_lines(b); /* more than a second */
	shift_flows(b, SL_TABLE_sl_flow, SL_TICKS(seconds));
	shift_flows(b, SL_TABLE_sl_unanswered, SL_TICKS(seconds));
	shift_mappings(b, SL_TICKS(seconds));
	bound_open(&bound);
	if (mapping_open(&mapping, &b->kernel, b->cpus, &bound, &t) ||
	    sweep_open(&sweeps[BOUND_UNANSWERED], b->kernel.table[SL_TABLE_sl_unanswered], &t) ||
	    sweep_open(&sweeps[BOUND_ANSWERED], b->kernel.table[SL_TABLE_sl_flow], &t)) {
		fail(b, "the agent's ageing: %s", t.text);
		return;
	}
	for (int round = 0; round < ROUNDS; round++) {
		now += SL_TICKS(ROUND_S);
		for (int i = 0; i < BOUND_PASSES; i++) {
			r.pass = (enum bound_pass)i;
			sweeps[i].stays = stays;
			sweeps[i].ends = ends;
			sweeps[i].closure = &r;
			sweep_table(&r, &sweeps[i], now, &t);
		}
		for (int i = 0; i < 20; i++)
			if (mapping_step(&mapping, &b->image->timeouts, now, 1, &t))
				fail(b, "the agent's ageing: %s", t.text);
	}
	for (int i = 0; i < BOUND_PASSES; i++)
		sweep_close(&sweeps[i]);
	mapping_close(&mapping);
	bound_close(&bound);
}

/* --- packets */

struct want lets_in(uint16_t dst)
{
	return (struct want){ .fate = SENT, .dst = dst, .stats = NEW_FLOW };
}

struct want sends_back(uint16_t src, uint8_t proto)
{
	return (struct want){ .fate = SENT, .src = src, .stats = proto == TCP_ ? 0 : STAT(FLOWS_PROMOTED) };
}

void leave_free(struct bench *b, uint8_t proto, unsigned int bit)
{
	nat_take(b, EIP_A, WORD, proto, ~(1ULL << bit));
}

void silence(struct bench *b, const char *name, struct frame f, uint8_t reason, bool counted)
{
	struct want w = keeps_out(EIP_A, frame_ip(&f)->proto, counted);

	w.reason = reason;
	check(b, name, next(wire(f)), w);
}

static struct frame worn(struct frame f, const struct frame *seen)
{
	frame_ip(&f)->ttl = 3;
	frame_sum(&f);
	if (seen && frame_ip(&f)->proto == TCP_) /* is left as it was quoted */
		frame_tcp(&f)->check = ((const struct sl_tcp *)(seen->bytes + seen->l4))->check;
	return f;
}

struct frame told(struct frame sent, uint16_t port, uint8_t type, uint8_t code, uint16_t quoted,
		  struct frame *out)
{
	struct frame seen = worn(translate(sent, EIP_A, port, 0, 0), NULL);
	struct frame f = error_about(&seen, HOP, EIP_A, type, code, quoted);

	sent = worn(sent, &seen);
	*out = error_about(&sent, HOP, A1, type, code, quoted);
	*out = hop(*out, scene_mac(A1), mac_router);
	memcpy(f.bytes, scene_mac(NODE1), 6);
	memcpy(f.bytes + 6, mac_ext_router, 6);
	frame_tag(&f, SL_ETH_VLAN, EXT);
	return f;
}

bool hears(struct bench *b, const char *name, struct frame sent, uint16_t port, uint8_t type, uint8_t code,
	   uint16_t quoted)
{
	struct frame out, f = told(sent, port, type, code, quoted, &out);
	struct want w = { .fate = SENT, .src = EXT, .dst = NET_A, .out = &out };

	return check(b, name, next(wire(f)), w);
}
