/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows are written only where they differ. A counter is removed only if its service was gone when it was read,
 * so that a service that comes back meanwhile keeps what it has counted.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../kernel/names.h"
#include "serving.h"

void serving_unanswered(void *roster, const void *key, const void *flow)
{
	roster_count(roster, key, flow, false);
}

void serving_answered(void *roster, const void *key, const void *flow)
{
	roster_count(roster, key, flow, true);
}

static int copy_roster(struct roster *to, const struct roster *from)
{
	to->row = calloc(from->count + 1, sizeof(*to->row));
	if (!to->row)
		return -ENOMEM;
	memcpy(to->row, from->row, from->count * sizeof(*to->row));
	to->count = from->count;
	memcpy(to->alias, from->alias, sizeof(to->alias));
	to->alias_count = from->alias_count;
	return 0;
}

static int update(struct serving *s, size_t row, const struct sl_serving *now, struct trouble *t)
{
	if (!bpf_map_update_elem(s->k->table[SL_TABLE_sl_serving], &s->met[0].row[row].key, now, BPF_ANY)) {
		s->written[row] = *now;
		return 0;
	}
	if (errno != E2BIG)
		return trouble(t, -errno, "cannot write a row of sl_serving: %s", strerror(errno));
	/* Those without a row are not shown; nothing that packets need depends on it. */
	if (!s->full)
		fprintf(stderr,
			"sluice: the plan has %zu services and backends, the flows of %u are counted: "
			"sl_serving is full\n",
			s->met[0].count, kernel_room(s->k, SL_TABLE_sl_serving));
	s->full = true;
	return 0;
}

/* Rows as the plan has them; what an agent before this one has counted stays. */
static int write_plan(struct serving *s, struct trouble *t)
{
	struct name_text name = { "" };
	int error = 0;

	for (size_t i = 0; !error && i < s->met[0].count; i++) {
		const struct roster_row *row = &s->met[0].row[i];
		struct sl_serving now;

		if (!row->key.backend)
			name = name_of_service(s->k->table[SL_TABLE_sl_name], s->k->generation,
					       row->service.rule);
		if (bpf_map_lookup_elem(s->k->table[SL_TABLE_sl_serving], &row->key, &now))
			memset(&now, 0, sizeof(now));
		s->written[i] = now;
		now.slots = row->slots;
		now.flags = row->flags;
		memset(now.name, 0, sizeof(now.name));
		snprintf(now.name, sizeof(now.name), "%s", name.text);
		if (memcmp(&s->written[i], &now, sizeof(now)))
			error = update(s, i, &now, t);
	}
	return error;
}

static int forget_rows(struct serving *s, struct trouble *t)
{
	int fd = s->k->table[SL_TABLE_sl_serving];
	struct rows rows;
	int error = rows_read(&rows, fd, sizeof(struct sl_served_key), sizeof(struct sl_serving), 1, t);

	if (error)
		return error;
	for (size_t i = 0; i < rows.count; i++)
		if (!roster_find(&s->met[0], rows_key(&rows, i)))
			bpf_map_delete_elem(fd, rows_key(&rows, i));
	rows_free(&rows);
	return 0;
}

int serving_open(struct serving *s, const struct kernel *k, uint32_t cpus, struct trouble *t)
{
	size_t count;
	int error;

	memset(s, 0, sizeof(*s));
	s->k = k;
	s->cpus = cpus;
	s->owing = true; /* an agent before this one may have left other counts */
	error = roster_read(&s->met[0], k, t);
	if (error)
		return error;
	count = s->met[0].count + 1;
	s->written = calloc(count, sizeof(*s->written));
	for (int i = 0; i < SERVING_PASSES; i++)
		s->found[i] = calloc(count, sizeof(*s->found[i]));
	if (!s->written || !s->found[0] || !s->found[1] || copy_roster(&s->met[1], &s->met[0]))
		error = trouble(t, -ENOMEM, "out of memory for %zu services and backends", count);
	if (!error)
		error = forget_rows(s, t); /* first: they make room */
	if (!error)
		error = write_plan(s, t);
	if (error)
		serving_close(s);
	return error;
}

void serving_close(struct serving *s)
{
	for (int i = 0; i < SERVING_PASSES; i++) {
		roster_free(&s->met[i]);
		free(s->found[i]);
		s->found[i] = NULL;
	}
	free(s->written);
	s->written = NULL;
}

static bool plan_is_ours(const struct serving *s)
{
	struct sl_active active;
	uint32_t zero = 0;

	return !bpf_map_lookup_elem(s->k->table[SL_TABLE_sl_active], &zero, &active) &&
	       active.generation == s->k->generation;
}

static bool service_gone(const struct serving *s, const struct sl_service_key *service)
{
	struct sl_served_key key = { .service = *service };

	return !roster_find(&s->met[0], &key);
}

/* What backends did that the plan no longer has is kept until half the table is full. */
static void forget_served(struct serving *s, const struct rows *served)
{
	bool crowded = served->count > kernel_room(s->k, SL_TABLE_sl_served) / 2;

	for (size_t i = 0; i < served->count; i++) {
		const struct sl_served_key *key = rows_key(served, i);

		if (service_gone(s, &key->service) || (crowded && !roster_find(&s->met[0], key)))
			bpf_map_delete_elem(s->k->table[SL_TABLE_sl_served], key);
	}
}

static int forget_unserved(struct serving *s, struct trouble *t)
{
	int fd = s->k->table[SL_TABLE_sl_unserved];
	struct rows rows;
	int error = rows_read(&rows, fd, sizeof(struct sl_unserved_key), sizeof(struct sl_count), s->cpus, t);

	if (error)
		return error;
	for (size_t i = 0; plan_is_ours(s) && i < rows.count; i++) {
		const struct sl_unserved_key *key = rows_key(&rows, i);

		if (service_gone(s, &key->service))
			bpf_map_delete_elem(fd, key);
	}
	rows_free(&rows);
	return 0;
}

/* Opened, and neither answered, refused nor waiting; what is lost to the moment of looking comes the next time. */
static void count_timed_out(struct serving *s, const struct rows *served)
{
	for (size_t i = 0; i < served->count; i++) {
		const struct roster_row *row = roster_find(&s->met[0], rows_key(served, i));
		struct serving_found *found;
		struct sl_served sum;
		uint64_t timed_out;

		if (!row || row->key.service.proto != IPPROTO_TCP)
			continue;
		found = &s->found[SERVING_UNANSWERED][row - s->met[0].row];
		sum = served_sum(served, i);
		timed_out = served_timed_out(&sum, found->waiting);
		s->owing |= timed_out != found->timed_out;
		found->timed_out = timed_out;
	}
}

static int look_at_served(struct serving *s, struct trouble *t)
{
	struct rows served;
	int error = rows_read(&served, s->k->table[SL_TABLE_sl_served], sizeof(struct sl_served_key),
			      sizeof(struct sl_served), s->cpus, t);

	if (error)
		return error;
	count_timed_out(s, &served);
	if (plan_is_ours(s))
		forget_served(s, &served);
	rows_free(&served);
	return forget_unserved(s, t);
}

void serving_forget(struct serving *s, enum serving_pass pass)
{
	struct roster *met = &s->met[pass];

	for (size_t i = 0; met->counted && i < met->count; i++)
		met->row[i].flows = met->row[i].waiting = 0;
	met->counted = false;
}

/* What the pass has met is what was found. Of the many services of a node most passes meet no flow. */
static void take_met(struct serving *s, enum serving_pass pass)
{
	const struct roster *met = &s->met[pass];

	for (size_t i = 0; (met->counted || s->any[pass]) && i < met->count; i++) {
		s->found[pass][i].flows = met->row[i].flows;
		s->found[pass][i].waiting = met->row[i].waiting;
	}
	s->owing |= met->counted || s->any[pass];
	s->any[pass] = met->counted;
	serving_forget(s, pass);
}

static int write_row(struct serving *s, size_t row, struct trouble *t)
{
	const struct serving_found *found[] = { &s->found[0][row], &s->found[1][row] };
	const struct sl_serving *written = &s->written[row];
	uint64_t flows = found[0]->flows + found[1]->flows, waiting = found[0]->waiting + found[1]->waiting;
	uint64_t timed_out = s->found[SERVING_UNANSWERED][row].timed_out;
	struct sl_serving now;

	if (flows == written->flows && waiting == written->waiting && timed_out <= written->timed_out)
		return 0;
	now = *written;
	now.flows = flows;
	now.waiting = waiting;
	now.timed_out = timed_out > now.timed_out ? timed_out : now.timed_out;
	return update(s, row, &now, t);
}

int serving_write(struct serving *s, enum serving_pass pass, struct trouble *t)
{
	int error = 0;

	take_met(s, pass);
	if (pass == SERVING_UNANSWERED)
		error = look_at_served(s, t);
	for (size_t i = 0; !error && s->owing && i < s->met[0].count; i++)
		error = write_row(s, i, t);
	s->owing = s->owing && error;
	return error;
}
