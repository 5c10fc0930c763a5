/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Quality of service for programs. What has no class, label or cluster has an empty name.
 */
#include "../kernel/meter.h"
#include "../kernel/spread.h"
#include "qos.h"

static struct name_text name_or_empty(const struct qos_view *v, uint16_t kind, uint32_t id)
{
	return id ? name_find(v->k.table[SL_TABLE_sl_name], kind, 0, id) : (struct name_text){ "" };
}

static json_t *uplinks(const struct qos_view *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->uplink_count; i++) {
		const struct qos_uplink *uplink = &v->uplink[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:I, s:s, s:s, s:s}", "name", uplink->name.text,
						"mbit", (json_int_t)uplink->mbit, "pacing", uplink->pacing,
						"qdisc", uplink->qdisc, "shaper", uplink->shaper));
	}
	return list;
}

static json_t *classes(const struct qos_view *v)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < SL_CLASSES; i++) {
		const struct sl_class *class = &v->class[i];

		if (!i || class->name)
			json_array_append_new(list,
					      json_pack("{s:s, s:i, s:i, s:i, s:I}", "name",
							name_or_empty(v, SL_NAME_CLASS, class->name).text,
							"level", class->level, "dscp", class->dscp,
							"priority", class->priority, "mbit",
							(json_int_t)qos_mbit(v, SL_RATE_CLASS, i)));
	}
	return list;
}

static json_t *rates(const struct qos_view *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->rates.count; i++) {
		const struct sl_rate_key *key = rows_key(&v->rates, i);
		const struct sl_rate *rate = rows_value(&v->rates, i);

		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:I, s:I}", "kind", qos_rate_kind(key), "name",
						qos_rate_name(v, key, rate).text, "mbit",
						(json_int_t)rate->mbit, "burst_ns", (json_int_t)rate->burst));
	}
	return list;
}

static json_t *traffic(const struct qos_view *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->traffic.count; i++) {
		const struct sl_qos_key *key = rows_key(&v->traffic, i);
		struct sl_qos sum = meter_qos(&v->traffic, i);

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "cluster",
					name_or_empty(v, SL_NAME_CLUSTER, key->cluster).text, "class",
					name_or_empty(v, SL_NAME_CLASS, key->class).text, "label",
					name_or_empty(v, SL_NAME_LABEL, key->label).text, "packets",
					(json_int_t)sum.packets, "bytes", (json_int_t)sum.bytes, "delayed",
					(json_int_t)sum.delayed, "dropped_packets", (json_int_t)sum.dropped,
					"dropped_bytes", (json_int_t)sum.dropped_bytes));
	}
	return list;
}

static json_t *delays(const struct qos_view *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->delays.count; i++) {
		const struct sl_qos_key *key = rows_key(&v->delays, i);
		struct sl_qos_delay sum = meter_delay(&v->delays, i);
		struct spread spread = spread_of_delay(&sum);

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:f}", "cluster",
					name_or_empty(v, SL_NAME_CLUSTER, key->cluster).text, "class",
					name_or_empty(v, SL_NAME_CLASS, key->class).text, "label",
					name_or_empty(v, SL_NAME_LABEL, key->label).text, "packets",
					(json_int_t)spread_count(&spread), "sum_us", (json_int_t)sum.sum_us,
					"p50_us", spread_us(&spread, 0.5), "p95_us", spread_us(&spread, 0.95),
					"p99_us", spread_us(&spread, 0.99)));
	}
	return list;
}

json_t *qos_json(const struct qos_view *v)
{
	return json_pack("{s:b, s:b, s:i, s:o, s:o, s:o, s:o, s:o}", "qos",
			 (v->setting.flags & SL_SETTING_QOS) != 0, "class_carried", v->carried, "horizon_ms",
			 v->setting.horizon_ms, "uplinks", uplinks(v), "classes", classes(v), "rates",
			 rates(v), "traffic", traffic(v), "delays", delays(v));
}
