/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs write rows of sl_outside at any time. So nothing here changes one but by sl_release, which looks again; but
 * for `seen` of a mapping whose flow was aged: a packet that comes in between makes a flow, and that holds the mapping.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../kernel/rows.h"
#include "expiry.h"
#include "mapping.h"
#include "sweep.h"
#include "tally.h"

#define BATCH 512U
#define BATCH_MOST (1U << 20)
#define PASS_S 30 /* longest */
#define CONTACTS_S 30 /* far less than a port rests */
/* Even few rows cost a walk over all the buckets; of many the rows cost more than what is gained by knowing sooner. */
#define FEW_ROWS 10000U
#define PASS_FEW_S 5

/* RFC 5382 REQ-5, RFC 4787 REQ-5, RFC 5508 REQ-2: of a mapping, from the last packet out. */
static uint32_t timeout_s(const struct timeouts *timeouts, uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return timeouts->tcp_transitory_s;
	case IPPROTO_ICMP:
		return timeouts->icmp_s;
	default:
		return timeouts->udp_s;
	}
}

enum mapping_due mapping_due(const struct timeouts *timeouts, uint8_t proto, const struct sl_outside *row,
			     bool held, uint32_t now)
{
	uint32_t idle = expiry_idle(now, row->seen);

	if (held)
		return MAPPING_STAYS;
	if (row->state == SL_OUTSIDE_BOUND)
		return idle > expiry_ticks(timeout_s(timeouts, proto)) ? MAPPING_RESTS : MAPPING_STAYS;
	return idle > expiry_ticks(timeouts->port_rest_s) ? MAPPING_FREED : MAPPING_STAYS;
}

int mapping_open(struct mapping *m, const struct kernel *k, uint32_t cpus, struct bound *bound,
		 struct trouble *t)
{
	int error;

	memset(m, 0, sizeof(*m));
	m->k = k;
	m->cpus = cpus;
	m->bound = bound;
	m->batch = BATCH;
	release_begin(&m->rest, SL_RELEASE_REST);
	release_begin(&m->free, SL_RELEASE_FREE);
	release_begin(&m->flows, SL_RELEASE_FLOWS);
	m->program = release_open(k->pins, t);
	if (m->program < 0)
		return m->program;
	m->keys = calloc(m->batch, sizeof(*m->keys));
	m->rows = calloc(m->batch, sizeof(*m->rows));
	error = m->keys && m->rows ? mapping_plan(m, t) : trouble(t, -ENOMEM, "out of memory for mappings");
	if (error)
		mapping_close(m);
	return error;
}

int mapping_plan(struct mapping *m, struct trouble *t)
{
	m->due = true;
	return eip_use_plan(&m->use, m->k, m->cpus, t);
}

void mapping_used(const struct kernel *k, const struct sl_outside_key *key, uint32_t seen)
{
	struct sl_outside row;

	if (bpf_map_lookup_elem(k->table[SL_TABLE_sl_outside], key, &row) || row.state != SL_OUTSIDE_BOUND ||
	    (int32_t)(seen - row.seen) <= 0)
		return;
	row.seen = seen;
	bpf_map_update_elem(k->table[SL_TABLE_sl_outside], key, &row, BPF_EXIST);
}

static int look_at(struct mapping *m, const struct timeouts *timeouts, const struct sl_outside_key *key,
		   const struct sl_outside *row, uint32_t now, struct trouble *t)
{
	const uint32_t *seen = bound_seen(m->bound, key);
	bool held = seen || (row->state == SL_OUTSIDE_BOUND && !bound_sure(m->bound));
	enum mapping_due due = mapping_due(timeouts, key->proto, row, held, now);
	bool rests = due == MAPPING_RESTS || row->state == SL_OUTSIDE_RESTS;

	if (due == MAPPING_FREED)
		return release_port(&m->free, m->program, key, row->seen, &m->done, t);
	m->counted++;
	m->counted_resting += rests;
	eip_use_count(&m->use, key, rests);
	if (due == MAPPING_RESTS)
		return release_port(&m->rest, m->program, key, row->seen, &m->done, t);
	/* Before the tick wraps round and makes an old one look new. */
	if (seen && now - row->seen > UINT32_MAX / 4)
		mapping_used(m->k, key, *seen);
	return 0;
}

static int enlarge(struct mapping *m, struct trouble *t)
{
	struct sl_outside_key *keys = calloc(m->batch * 4UL, sizeof(*keys));
	struct sl_outside *rows = calloc(m->batch * 4UL, sizeof(*rows));

	if (!keys || !rows) {
		free(keys);
		free(rows);
		return trouble(t, -ENOMEM, "out of memory for mappings");
	}
	free(m->keys);
	free(m->rows);
	m->keys = keys;
	m->rows = rows;
	m->batch *= 4;
	return 0;
}

/*
 * Whom a mapping has sent to says nothing about the next one with its port: no port is handed out again with the contacts
 * of its last holder, as it rests longer than this is put off.
 */
static void meet_contact(void *closure, const void *key_, const void *contact_)
{
	const struct sl_contact_key *key = key_;
	const struct sl_contact *contact = contact_;
	const struct mapping *m = closure;
	struct sl_outside_key port = { .eip = key->eip, .port = key->port, .proto = key->proto };
	struct sl_outside row;

	if (!bpf_map_lookup_elem(m->k->table[SL_TABLE_sl_outside], &port, &row) &&
	    row.state == SL_OUTSIDE_BOUND && (int32_t)(contact->seen - row.created) >= 0)
		return;
	bpf_map_delete_elem(m->k->table[SL_TABLE_sl_contact], key);
}

static int forget_contacts(struct mapping *m, struct trouble *t)
{
	if (!m->resting || expiry_idle(m->started, m->contacts) < expiry_ticks(CONTACTS_S))
		return 0;
	m->contacts = m->started;
	return rows_walk(m->k->table[SL_TABLE_sl_contact], sizeof(struct sl_contact_key),
			 sizeof(struct sl_contact), meet_contact, m, t);
}

static int end_pass(struct mapping *m, struct trouble *t)
{
	int error;

	m->entries = m->counted;
	m->resting = m->counted_resting;
	m->counted = m->counted_resting = 0;
	m->begun = false;
	m->passes++;
	error = eip_use_write(&m->use, m->k, t);
	return error ? error : forget_contacts(m, t);
}

/* About `most` rows, or up to the end of the table. */
static int walk_outside(struct mapping *m, const struct timeouts *timeouts, uint32_t now, uint64_t most,
			struct trouble *t)
{
	int error = 0;

	for (uint64_t done = 0; !error && done < most;) {
		uint8_t next[sizeof(m->place)] = { 0 };
		uint32_t got = m->batch;
		int end = bpf_map_lookup_batch(m->k->table[SL_TABLE_sl_outside], m->begun ? m->place : NULL,
					       next, m->keys, m->rows, &got, NULL);

		if (end == -ENOSPC && m->batch < BATCH_MOST) {
			error = enlarge(m, t);
			continue;
		}
		if (end && end != -ENOENT)
			return trouble(t, end, "cannot age mappings: %s", strerror(-end));
		/* What fails for one row is tried again in the next pass; each row is counted once. */
		for (uint32_t i = 0; i < got; i++) {
			int failed = look_at(m, timeouts, &m->keys[i], &m->rows[i], now, t);

			error = error ? error : failed;
		}
		memcpy(m->place, next, sizeof(next));
		m->begun = true;
		done += got ? got : 1;
		if (end == -ENOENT) {
			int failed = end_pass(m, t);

			return error ? error : failed;
		}
	}
	return error;
}

/* As flows are swept: more often where few are, or where the table is nearly full. */
static uint32_t pass_s(const struct mapping *m)
{
	if (m->entries < FEW_ROWS || m->entries > (uint64_t)kernel_room(m->k, SL_TABLE_sl_outside) * 4 / 5)
		return PASS_FEW_S;
	return PASS_S;
}

/* Is it time for a pass? In a table that was empty none finds anything before a mapping is made. */
static int begin_pass(struct mapping *m, uint32_t now, bool *begins, struct trouble *t)
{
	uint32_t idle = expiry_idle(now, m->started);
	uint64_t made = 0;
	int error = 0;

	*begins = m->due || idle >= expiry_ticks(pass_s(m));
	if (*begins)
		error = rows_stat(m->k->table[SL_TABLE_sl_stat], SL_STAT_BINDINGS, m->cpus, &made, t);
	if (error || !*begins)
		return error;
	*begins = m->due || m->entries || made != m->made || idle >= expiry_ticks(PASS_S);
	if (*begins) {
		m->due = false;
		m->started = now;
		m->made = made; /* counted once they stand in the table, which is read after this */
	}
	return 0;
}

int mapping_step(struct mapping *m, const struct timeouts *timeouts, uint32_t now, unsigned int steps_per_s,
		 struct trouble *t)
{
	uint64_t known = m->entries > m->counted ? m->entries : m->counted;
	uint64_t most = known / ((uint64_t)PASS_S * steps_per_s) + 1;
	bool goes_on = true;
	int error = m->begun ? 0 : begin_pass(m, now, &goes_on, t);

	if (error || !goes_on)
		return error;
	if (!m->passes)
		m->contacts = now;
	error = walk_outside(m, timeouts, now, most < SWEEP_STEP_LEAST ? SWEEP_STEP_LEAST : most, t);
	if (!error)
		error = release_flush(&m->rest, m->program, &m->done, t);
	if (!error)
		error = release_flush(&m->free, m->program, &m->done, t);
	return error;
}

/* Who has nothing any more is forgotten once half the table is full: `refused` counts on meanwhile. */
static bool holds_nothing(const struct sl_holder *holder)
{
	for (int i = 0; i < SL_HOLDERS; i++)
		if (holder->ports[i])
			return false;
	return !holder->flows;
}

int mapping_flows(struct mapping *m, struct trouble *t)
{
	int fd = m->k->table[SL_TABLE_sl_holder];
	struct rows rows;
	bool crowded;
	int error = rows_read(&rows, fd, sizeof(struct sl_holder_key), sizeof(struct sl_holder), 1, t);

	if (error)
		return error;
	crowded = rows.count > kernel_room(m->k, SL_TABLE_sl_holder) / 2;
	for (size_t i = 0; !error && i < rows.count; i++) {
		const struct sl_holder_key *key = rows_key(&rows, i);
		const struct sl_holder *holder = rows_value(&rows, i);
		uint32_t flows = bound_flows(m->bound, key);

		if (crowded && holds_nothing(holder) && !flows)
			bpf_map_delete_elem(fd, key);
		else if (flows != holder->flows)
			error = release_flows(&m->flows, m->program, key, flows, &m->done, t);
	}
	rows_free(&rows);
	return error ? error : release_flush(&m->flows, m->program, &m->done, t);
}

void mapping_gauges(const struct mapping *m)
{
	if (!m->passes)
		return;
	tally_gauge(m->k, SL_GAUGE_BINDINGS, m->entries - m->resting);
	tally_gauge(m->k, SL_GAUGE_RESTING, m->resting);
	tally_fill(m->k, SL_TABLE_sl_outside, m->entries);
	tally_fill(m->k, SL_TABLE_sl_binding, m->entries - m->resting);
}

void mapping_close(struct mapping *m)
{
	eip_use_close(&m->use);
	free(m->keys);
	free(m->rows);
	m->keys = NULL;
	m->rows = NULL;
	if (m->program >= 0)
		close(m->program);
	m->program = -1;
}
