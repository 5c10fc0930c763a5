/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice show qos: classes, rates, who paces each uplink, what went, waited and was lost. Who else shapes is asked of the
 * kernel on the spot.
 */
#include <bpf/bpf.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../kernel/link.h"
#include "../kernel/meter.h"
#include "cli.h"
#include "qos.h"
#include "show.h"

struct name_text qos_class_name(const struct qos_view *v, uint32_t name)
{
	if (!name)
		return (struct name_text){ "-" };
	return name_find(v->k.table[SL_TABLE_sl_name], SL_NAME_CLASS, 0, name);
}

const char *qos_rate_kind(const struct sl_rate_key *key)
{
	switch (key->kind) {
	case SL_RATE_CLASS:
		return "class";
	case SL_RATE_CLUSTER:
		return "cluster";
	case SL_RATE_LABEL:
		return "label";
	case SL_RATE_LINK:
		return "uplink";
	default:
		return "unknown";
	}
}

struct name_text qos_rate_name(const struct qos_view *v, const struct sl_rate_key *key,
			       const struct sl_rate *rate)
{
	int names = v->k.table[SL_TABLE_sl_name];

	switch (key->kind) {
	case SL_RATE_CLASS:
		return qos_class_name(v, key->id < SL_CLASSES ? v->class[key->id].name : 0);
	case SL_RATE_CLUSTER:
		return name_find(names, SL_NAME_CLUSTER, 0, key->id);
	case SL_RATE_LABEL:
		return name_find(names, SL_NAME_LABEL, 0, rate->name);
	default:
		return name_find(names, SL_NAME_UPLINK, 0, key->id);
	}
}

uint32_t qos_mbit(const struct qos_view *v, uint32_t kind, uint32_t id)
{
	struct sl_rate_key key = { .kind = kind, .id = id };
	struct sl_rate rate;

	return bpf_map_lookup_elem(v->k.plan[SL_TABLE_sl_rate], &key, &rate) ? 0 : rate.mbit;
}

int qos_carried(const struct kernel *k, uint32_t cpus, bool *carried, struct trouble *t)
{
	uint64_t found, lost;
	int error = rows_stat(k->table[SL_TABLE_sl_stat], SL_STAT_CLASS_CARRIED, cpus, &found, t);

	if (!error)
		error = rows_stat(k->table[SL_TABLE_sl_stat], SL_STAT_CLASS_LOST, cpus, &lost, t);
	if (!error)
		*carried = found >= lost;
	return error;
}

static void add_uplink(const struct kernel *k, const struct sl_setting *setting,
		       const struct link_facts *links, const struct sl_door_key *key,
		       const struct sl_door *door, struct qos_uplink *uplink)
{
	struct sl_rate_key rate_key = { .kind = SL_RATE_LINK, .id = key->ifindex };
	const struct link_fact *link;
	struct sl_iface iface = { 0 };
	struct sl_rate rate;

	snprintf(uplink->name.text, sizeof(uplink->name.text), "%.*s", (int)sizeof(door->name), door->name);
	if (bpf_map_lookup_elem(k->plan[SL_TABLE_sl_iface], key, &iface))
		iface.flags = SL_IFACE_SHAPED;
	uplink->pacing = meter_pacing(setting, &iface);
	if (!bpf_map_lookup_elem(k->plan[SL_TABLE_sl_rate], &rate_key, &rate))
		uplink->mbit = rate.mbit;
	link = links_find(links, uplink->name.text);
	if (!link)
		return;
	memcpy(uplink->qdisc, link->qdisc, sizeof(uplink->qdisc));
	memcpy(uplink->shaper, link->shaper, sizeof(uplink->shaper));
}

int qos_uplinks(const struct kernel *k, const struct sl_setting *setting, struct qos_uplink **uplink,
		size_t *count, struct trouble *t)
{
	struct link_facts links = { 0 };
	struct rows doors = { 0 };
	int error = links_read(&links, t);

	*count = 0;
	*uplink = NULL;
	if (!error)
		error = rows_read(&doors, k->table[SL_TABLE_sl_door], sizeof(struct sl_door_key),
				  sizeof(struct sl_door), 1, t);
	if (!error)
		error = rows_sort(&doors, t);
	if (error)
		goto out;
	*uplink = calloc(doors.count + 1, sizeof(**uplink));
	if (!*uplink) {
		error = trouble(t, -1, "out of memory for %zu interfaces", doors.count);
		goto out;
	}
	for (size_t i = 0; i < doors.count; i++) {
		const struct sl_door *door = rows_value(&doors, i);

		if (door->kind == SL_IFACE_UPLINK)
			add_uplink(k, setting, &links, rows_key(&doors, i), door, &(*uplink)[(*count)++]);
	}
out:
	rows_free(&doors);
	links_free(&links);
	return error;
}

static int look(struct qos_view *v, struct trouble *t)
{
	uint32_t zero = 0;
	int error;

	if (!v->k.generation)
		return trouble(t, -1, "no plan is in: \"sluice up --plan FILE\" puts one in");
	if (bpf_map_lookup_elem(v->k.plan[SL_TABLE_sl_setting], &zero, &v->setting))
		return trouble(t, -1, "cannot read sl_setting");
	for (uint32_t i = 0; i < SL_CLASSES; i++)
		if (bpf_map_lookup_elem(v->k.plan[SL_TABLE_sl_class], &i, &v->class[i]))
			memset(&v->class[i], 0, sizeof(v->class[i])); /* the plan has fewer */
	error = rows_read(&v->rates, v->k.plan[SL_TABLE_sl_rate], sizeof(struct sl_rate_key),
			  sizeof(struct sl_rate), 1, t);
	if (!error)
		error = rows_sort(&v->rates, t);
	if (!error)
		error = rows_read(&v->traffic, v->k.table[SL_TABLE_sl_qos], sizeof(struct sl_qos_key),
				  sizeof(struct sl_qos), v->cpus, t);
	if (!error)
		error = rows_sort(&v->traffic, t);
	if (!error)
		error = rows_read(&v->delays, v->k.table[SL_TABLE_sl_qos_delay], sizeof(struct sl_qos_key),
				  sizeof(struct sl_qos_delay), v->cpus, t);
	if (!error)
		error = rows_sort(&v->delays, t);
	if (!error)
		error = qos_carried(&v->k, v->cpus, &v->carried, t);
	return error ? error : qos_uplinks(&v->k, &v->setting, &v->uplink, &v->uplink_count, t);
}

int cmd_show_qos(int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	struct qos_view v = { 0 };
	struct trouble t = { "" };
	bool json = false;
	int option;
	int code;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option != 'j')
			return cli_usage("show", "qos: unknown option %s", argv[optind - 1]);
		json = true;
	}
	if (optind < argc)
		return cli_usage("show", "qos: unexpected \"%s\"", argv[optind]);
	code = show_open(&v.k, &v.cpus);
	if (code)
		return code;
	if (look(&v, &t))
		code = show_failed(&t);
	else
		code = json ? show_json(qos_json(&v)) : qos_print(&v);
	free(v.uplink);
	rows_free(&v.rates);
	rows_free(&v.traffic);
	rows_free(&v.delays);
	kernel_close(&v.k);
	return code;
}
