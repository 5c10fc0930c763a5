/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Policy for programs, see policy_json.h. Numbers are those of the rows, names those of the plan.
 */
#include <stdio.h>
#include "../../include/limits.h"
#include "../image/selector.h"
#include "policy_json.h"

static json_t *selectors_json(const struct selectors *selectors)
{
	json_t *list = json_array();
	char text[256];

	for (size_t i = 0; i < selectors->count; i++)
		json_array_append_new(list,
				      json_string(selector_text(&selectors->item[i], text, sizeof(text))));
	return list;
}

static json_t *ports_json(const struct ports *ports)
{
	json_t *list = json_array();
	char text[40];

	if (!ports->count)
		json_array_append_new(list, json_string("any"));
	for (size_t i = 0; i < ports->count; i++) {
		port_text(&ports->item[i], text, sizeof(text));
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *rule_json(size_t number, const char *action, const char *name, json_t *from, json_t *to,
			 json_t *ports)
{
	return json_pack("{s:I, s:s, s:s, s:o, s:o, s:o}", "number", (json_int_t)number, "action", action,
			 "name", name, "from", from, "to", to, "ports", ports);
}

static int add_pseudo_rules(json_t *list, const struct plan *plan, const struct cluster *cluster)
{
	size_t number = plan->rule_count;
	const struct ports every_port = { 0 };
	char name[SL_NAME_LEN + 16], self[SL_NAME_LEN + 16];

	for (size_t i = 0; i < plan->network_count; i++) {
		const struct network *n = &plan->networks[i];
		json_t *rule;

		if (n->intra == INTRA_DENY)
			continue;
		snprintf(name, sizeof(name), "intra %s", n->name);
		snprintf(self, sizeof(self), "network:%s", n->name);
		rule = rule_json(++number, "allow", name, json_pack("[s]", self), json_pack("[s]", self),
				 ports_json(&every_port));
		if (n->intra == INTRA_SAME && json_object_set_new(rule, "same", json_string(n->intra_label)))
			return -1;
		if (json_array_append_new(list, rule))
			return -1;
	}
	number++;
	if (!cluster->host_present)
		return json_array_append_new(list,
					     rule_json(number, "allow", "host", json_pack("[s]", "any"),
						       json_pack("[s]", "host"), ports_json(&every_port)));
	for (size_t i = 0; i < cluster->host_allow_count; i++) {
		const struct host_rule *host = &cluster->host_allow[i];

		if (json_array_append_new(list,
					  rule_json(number, "allow", "host", selectors_json(&host->from),
						    json_pack("[s]", "host"), ports_json(&host->ports))))
			return -1;
	}
	return 0;
}

json_t *rules_json(const struct plan *plan, const struct cluster *cluster)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->rule_count; i++) {
		const struct rule *rule = &plan->policy[i];

		if (json_array_append_new(list,
					  rule_json(i + 1, rule->deny ? "deny" : "allow", rule->name,
						    selectors_json(&rule->from), selectors_json(&rule->to),
						    ports_json(&rule->ports))))
			goto fail;
	}
	if (add_pseudo_rules(list, plan, cluster))
		goto fail;
	return json_pack("{s:o}", "rules", list);
fail:
	json_decref(list);
	return NULL;
}

static json_t *stretches_json(const struct reach *reach, bool allowed)
{
	json_t *list = json_array();
	struct port at = { 0 };
	char text[40];

	for (bool more = reach_next(reach, allowed, &at, true); more;
	     more = reach_next(reach, allowed, &at, false)) {
		port_text(&at, text, sizeof(text));
		json_array_append_new(list, json_string(text));
	}
	return list;
}

/* { "allow": ["tcp/443"] }, or { "allow": ["any"], "except": ["tcp/25"] } */
static int set_allowed(json_t *object, const struct reach *reach)
{
	if (!reach->others)
		return json_object_set_new(object, "allow", stretches_json(reach, true));
	if (json_object_set_new(object, "allow", json_pack("[s]", "any")))
		return -1;
	return reach_all(reach) ? 0 : json_object_set_new(object, "except", stretches_json(reach, false));
}

static json_t *pairs_json(const struct image *image)
{
	const struct image_table *table = &image->table[SL_TABLE_sl_pair];
	size_t row_size = table->key_size + table->value_size;
	json_t *list = json_array();

	for (size_t i = 0; i < table->count; i++) {
		const struct sl_pair_key *key = (const void *)(table->rows + i * row_size);
		const struct sl_pair *pair = (const void *)(table->rows + i * row_size + table->key_size);
		const struct image_class *from = &image->classes[key->src - 1],
					 *to = &image->classes[key->dst - 1];
		struct reach reach;
		json_t *object;
		int failed;

		if (!reach_read(image, key->src, key->dst, &reach))
			goto fail;
		object = json_pack("{s:I, s:s, s:I, s:s}", "from_class", (json_int_t)key->src, "from",
				   from->label, "to_class", (json_int_t)key->dst, "to", to->label);
		failed = set_allowed(object, &reach);
		reach_free(&reach);
		if (pair->policy != SL_POLICY_PORTS)
			failed |= json_object_set_new(object, "rule",
						      json_string(image_rule_name(image, pair->rule)));
		if (json_array_append_new(list, object) || failed)
			goto fail;
	}
	return list;
fail:
	json_decref(list);
	return NULL;
}

json_t *matrix_json(const struct image *image, const struct matrix *matrix)
{
	json_t *rows = json_object();
	int failed = 0;

	for (size_t a = 0; a < matrix->count; a++) {
		json_t *row = json_object();

		for (size_t b = 0; b < matrix->count; b++) {
			const struct matrix_cell *cell = &matrix->cells[a * matrix->count + b];
			json_t *object = json_pack("{s:b}", "part", cell->part);

			failed |= set_allowed(object, &cell->reach);
			failed |= json_object_set_new(row, matrix->ends[b].name, object);
		}
		failed |= json_object_set_new(rows, matrix->ends[a].name, row);
	}
	if (failed) {
		json_decref(rows);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:o, s:o}", "node", image->node, "cluster", image->cluster, "matrix",
			 rows, "pairs", pairs_json(image));
}
