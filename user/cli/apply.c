/* SPDX-License-Identifier: GPL-2.0 */
/*
 * `sluice apply`.
 */
#include "cli.h"
#include "order.h"

const char help_apply[] =
	"Puts a plan in force on a node that is up: all of it in one step, or nothing.\n"
	"\n"
	"usage: sluice apply [--plan FILE|DIR] [--node NAME]\n"
	"\n"
	"  --plan FILE|DIR   the plan, or a directory of *.json that are merged;\n"
	"                    without it the last good plan (plan.json in the state directory)\n"
	"  --node NAME       this node's name in the plan; default: the host name\n"
	"\n"
	"A packet sees all of the old plan or all of the new one. Connections that the new plan allows go "
	"on;\n"
	"those it forbids end. A plan with an error changes nothing. Programs stay as they are: \"sluice "
	"up\"\n"
	"replaces them.\n";

int cmd_apply(int argc, char **argv)
{
	struct order order = { 0 };
	int code = order_read(&order, "apply", false, argc, argv);

	return code ? code : order_force(&order);
}
