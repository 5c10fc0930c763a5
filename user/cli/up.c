/* SPDX-License-Identifier: GPL-2.0 */
/*
 * `sluice up`.
 */
#include "cli.h"
#include "order.h"

const char help_up[] =
	"Loads sluice into the kernel, puts the plan in force and attaches to this node's interfaces.\n"
	"\n"
	"usage: sluice up [--plan FILE|DIR] [--node NAME] [--fallback]\n"
	"\n"
	"  --plan FILE|DIR   the plan, or a directory of *.json that are merged;\n"
	"                    without it the last good plan (plan.json in the state directory)\n"
	"  --node NAME       this node's name in the plan; default: the host name\n"
	"  --fallback        if the plan is refused, use the last good one and say so (for booting)\n"
	"\n"
	"Twice is the same as once. On a node that is up, the programs are replaced by this version's, "
	"flows\n"
	"and counters are kept, the plan is applied; no packet is lost. A plan with an error changes "
	"nothing.\n"
	"When the very first plan cannot be installed, the doors are attached all the same and each network\n"
	"fails as its \"fail\" says. The dataplane needs no process: it stays until \"sluice down\".\n";

int cmd_up(int argc, char **argv)
{
	struct order order = { .load = true };
	int code = order_read(&order, "up", true, argc, argv);

	return code ? code : order_force(&order);
}
