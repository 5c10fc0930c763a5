/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From the command line of `up` and `apply` to an order. It carries nothing out.
 */
#include <getopt.h>
#include <stddef.h>
#include "cli.h"
#include "order.h"

int order_read(struct order *order, const char *command, bool may_fall_back, int argc, char **argv)
{
	static const struct option options[] = { { "plan", required_argument, NULL, 'p' },
						 { "node", required_argument, NULL, 'n' },
						 { "fallback", no_argument, NULL, 'f' },
						 { 0 } };
	int option;

	order->pins = cli_pins();
	order->state = cli_state();
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":p:n:", options, NULL)) != -1) {
		if (option == 'p')
			order->plan = optarg;
		else if (option == 'n')
			order->node = optarg;
		else if (option == 'f' && may_fall_back)
			order->fallback = true;
		else if (option == ':')
			return cli_usage(command, "\"%s\" needs a value", argv[optind - 1]);
		else
			return cli_usage(command, "%s does not know \"%s\"", command, argv[optind - 1]);
	}
	if (optind < argc)
		return cli_usage(command, "%s takes no argument \"%s\"", command, argv[optind]);
	return 0;
}
