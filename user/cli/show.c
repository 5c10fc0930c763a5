/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice show: looks into the running dataplane, read-only, whether an agent runs or not.
 */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include "cli.h"
#include "show.h"

const char help_show[] =
	"Shows networks, services, EIPs, flows, drops, the WAN, QoS or the policy that is in force.\n"
	"\n"
	"usage: sluice show networks [--json]\n"
	"       sluice show services [--json] [NAME]\n"
	"       sluice show eips [--top N] [--json]\n"
	"       sluice show wan [--json]\n"
	"       sluice show qos [--json]\n"
	"       sluice show drops [--watch] [--json]\n"
	"       sluice show flows [--network NAME] [--vpc NAME] [--address ADDRESS] [--port PORT]\n"
	"                         [--eip NAME|ADDRESS] [--service NAME|VIP]\n"
	"                         [--proto tcp|udp|icmp|sctp|NUMBER] [--state NAME]\n"
	"                         [--limit N] [--json]\n"
	"       sluice show policy [--plan FILE|DIR] [--node NAME] [--matrix] [--json]\n"
	"\n"
	"  --json           for programs\n"
	"  NAME             services: this one only\n"
	"  --watch          drops: print again every second what was added\n"
	"  --network NAME   flows: to or from this network\n"
	"  --top N          eips: so many workloads that hold most ports (default 5)\n"
	"  --vpc NAME       flows: opened in this VPC, or to a backend or workload of it\n"
	"  --address A      flows: to or from this address, also one behind a translation\n"
	"  --port N         flows: to or from this port, also one behind a translation\n"
	"  --eip NAME|A     flows: that leave by this EIP, or come to it\n"
	"  --service NAME|A flows: of this service, or of those on this VIP\n"
	"  --state NAME     flows: opening, established, closing, closed\n"
	"  --limit N        flows: print so many at most, 0 for all (default 200; all with --json)\n"
	"  --matrix         policy: which network reaches which, proved on the compiled plan\n"
	"  --plan P         policy: of this plan (default: the one in force on this node)\n"
	"  --node NAME      policy: as this node enforces it\n";

int cmd_show(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} views[] = {
		{ "networks", cmd_show_networks }, { "services", cmd_show_services },
		{ "eips", cmd_show_eips },	   { "drops", cmd_show_drops },
		{ "wan", cmd_show_wan },	   { "qos", cmd_show_qos },
		{ "flows", cmd_show_flows },	   { "policy", cmd_show_policy },
	};

	if (argc < 2)
		return cli_usage("show",
				 "show what? networks, services, eips, wan, qos, drops, flows or policy");
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (!strcmp(argv[1], views[i].name))
			return views[i].run(argc - 1, argv + 1);
	return cli_usage(
		"show",
		"cannot show \"%s\": expected networks, services, eips, wan, qos, drops, flows or policy",
		argv[1]);
}

int show_failed(const struct trouble *t)
{
	fprintf(stderr, "sluice: %s\n", t->text);
	return EXIT_REFUSED;
}

int show_open(struct kernel *k, uint32_t *cpus)
{
	struct trouble t;
	int possible = libbpf_num_possible_cpus();

	if (possible < 1) {
		trouble(&t, possible, "cannot count the CPUs: is /sys mounted?");
		return show_failed(&t);
	}
	*cpus = (uint32_t)possible;
	return kernel_open(k, cli_pins(), true, &t) ? show_failed(&t) : EXIT_DONE;
}

int show_json(json_t *object)
{
	int failed = !object || json_dumpf(object, stdout, JSON_INDENT(2)) || putchar('\n') == EOF ||
		     fflush(stdout);

	json_decref(object);
	if (!failed)
		return EXIT_DONE;
	fprintf(stderr, "sluice: cannot write the output: memory or the output failed\n");
	return EXIT_REFUSED;
}
