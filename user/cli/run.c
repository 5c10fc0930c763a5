/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice run: the agent in the foreground, for systemd or a container.
 */
#include <getopt.h>
#include <stdio.h>
#include "../agent/agent.h"
#include "../exporter/exporter.h"
#include "cli.h"

const char help_run[] =
	"Runs the agent: ages flows, follows interfaces, serves metrics.\n"
	"\n"
	"usage: sluice run [--plan FILE|DIR] [--node NAME] [--listen ADDRESS:PORT | --no-metrics]\n"
	"\n"
	"  --plan FILE|DIR  put this plan in first, as \"sluice up\" does, and again on SIGHUP;\n"
	"                   without it: take over what is in force, or the plan applied last\n"
	"  --node NAME      which node of the plan this is (default: as for \"up\")\n"
	"  --listen A:P     where to serve /metrics and /healthz (default " EXPORTER_LISTEN ")\n"
	"  --no-metrics     serve none\n"
	"\n"
	"SIGTERM ends the agent; the dataplane stays. Needs CAP_BPF, CAP_NET_ADMIN and\n"
	"CAP_PERFMON, and gives everything else away.\n";

int cmd_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "plan", required_argument, NULL, 'p' },
		{ "node", required_argument, NULL, 'n' },
		{ "listen", required_argument, NULL, 'l' },
		{ "no-metrics", no_argument, NULL, 'm' },
		{ 0 },
	};
	struct agent_options agent = { .pins = cli_pins(), .state = cli_state(), .listen = EXPORTER_LISTEN };
	struct trouble t;
	int option;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			agent.plan = optarg;
			break;
		case 'n':
			agent.node = optarg;
			break;
		case 'l':
			agent.listen = optarg;
			break;
		case 'm':
			agent.listen = NULL;
			break;
		default:
			return cli_usage("run", "%s: unknown option, or its value is missing",
					 argv[optind - 1]);
		}
	}
	if (optind < argc)
		return cli_usage("run", "unexpected \"%s\"", argv[optind]);
	if (agent_run(&agent, &t)) {
		fprintf(stderr, "sluice: %s\n", t.text);
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}
