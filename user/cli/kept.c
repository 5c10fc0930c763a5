/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looked up one by one: a table for people has few lines.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "../agent/fence.h"
#include "cli.h"
#include "kept.h"

struct plan *kept_plan(void)
{
	struct report report = { 0 };
	struct trouble unused;
	struct plan *plan = fence_plan(cli_state(), &report, &unused);

	report_free(&report);
	return plan;
}

static const char *node_at(const struct plan *plan, uint32_t addr_be)
{
	for (size_t c = 0; plan && c < plan->cluster_count; c++)
		for (size_t n = 0; n < plan->clusters[c].node_count; n++) {
			const struct node *node = &plan->clusters[c].nodes[n];

			if (node->addresses.count && htonl(node->addresses.item[0].first) == addr_be)
				return node->name;
		}
	return NULL;
}

struct name_text kept_node(const struct plan *plan, const struct kernel *k, uint16_t index)
{
	struct sl_node_key key = { .node = index };
	struct name_text out = { "-" };
	struct sl_node node;
	const char *name;

	if (index == SL_NODE_SELF)
		return name_find(k->table[SL_TABLE_sl_name], SL_NAME_NODE, 0, 0);
	if (bpf_map_lookup_elem(k->plan[SL_TABLE_sl_node], &key, &node))
		return out;
	name = node_at(plan, node.addr);
	if (name)
		snprintf(out.text, sizeof(out.text), "%s", name);
	else
		inet_ntop(AF_INET, &node.addr, out.text, sizeof(out.text));
	return out;
}

const char *kept_workload(const struct plan *plan, const char *vpc, uint32_t addr_be)
{
	for (size_t i = 0; plan && i < plan->workload_count; i++) {
		const struct workload *workload = &plan->workloads[i];
		const struct network *network = plan_network(plan, workload->network);

		if (htonl(workload->address) == addr_be && network && !strcmp(network->vpc, vpc))
			return workload->name;
	}
	return NULL;
}
