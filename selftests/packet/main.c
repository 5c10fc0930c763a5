/* SPDX-License-Identifier: GPL-2.0 */
/*
 * packet [FOLDER [GROUP [PACKETS [SEED]]]]: runs the packet tests, one line a case, and fails if one failed or
 * if a drop reason has not both been triggered and just missed. PACKETS and SEED are for the group "fuzz".
 * Needs root; touches nothing outside namespaces of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/kernel/names.h"
#include "../rfc/rfc.h"

#define LINES_LEAST 250 /* packets of all tests that the cache has to decide */
#define DROPPED_LEAST 50 /* of them, those that it drops */

static const struct {
	const char *name;
	void (*run)(struct bench *b);
} groups[] = {
	{ "frame", test_frame },
	{ "ipv4", test_ipv4 },
	{ "transport", test_transport },
	{ "fragment", test_fragment },
	{ "icmp", test_icmp },
	{ "source", test_source },
	{ "arp", test_arp },
	{ "group", test_group },
	{ "policy", test_policy },
	{ "deliver", test_deliver },
	{ "untagged", test_untagged },
	{ "flow", test_flow },
	{ "full", test_full },
	{ "no_plan", test_no_plan },
	{ "plan_change", test_plan_change },
	{ "install", test_install },
	{ "load", test_load },
	{ "monitor", test_monitor },
	{ "service", test_service },
	{ "keep", test_keep },
	{ "again", test_again },
	{ "client", test_client },
	{ "rewrite", test_rewrite },
	{ "tunnel", test_tunnel },
	{ "far", test_far },
	{ "quote", test_quote },
	{ "say", test_say },
	{ "snat", test_snat },
	{ "snat_port", test_snat_port },
	{ "snat_in", test_snat_in },
	{ "snat_stack", test_snat_stack },
	{ "nat_keep", test_nat_keep },
	{ "nat_quote", test_nat_quote },
	{ "guest", test_guests },
	{ "fip", test_fip },
	{ "eip_block", test_eip_block },
	{ "hairpin", test_hairpin },
	{ "nat_compiled", test_nat_compiled },
	{ "guard", test_guard },
	{ "guard_random", test_guard_random },
	{ "wan", test_wan },
	{ "wan_size", test_wan_size },
	{ "rtt", test_rtt },
	{ "qos", test_qos },
	{ "dscp", test_dscp },
	{ "pace", test_pace },
	{ "level", test_level },
	{ "link", test_link },
	{ "rfc4787", test_rfc4787 },
	{ "rfc5382", test_rfc5382 },
	{ "rfc5508", test_rfc5508 },
	{ "rfc6888", test_rfc6888 },
	{ "rfc7857", test_rfc7857 },
	{ "rfc3022", test_rfc3022 },
	{ "live", test_live },
	{ "live_service", test_live_service },
	{ "live_wan", test_live_wan },
	{ "leave", test_leave },
	{ "cache", test_cache },
	{ "fuzz", test_fuzz },
	/* Last: the kernel takes a while to have memory for rows again. */
	{ "count", test_count },
};

/* A reason added without its two tests fails here. */
static void test_coverage(struct bench *b)
{
	for (unsigned int reason = 1; reason < SL_REASONS; reason++) {
		case_begin(b, "reason %s has both tests", reason_name(reason));
		if (!b->hits[reason])
			fail(b, "no test triggered it");
		if (!b->misses[reason])
			fail(b, "no test just missed it");
		case_end(b);
	}
#define BROKEN false
#define JUDGED true
#define SL_REASON(symbol, name, weight, text)                                                                \
	if (weight) {                                                                                        \
		case_begin(b, "reason " name " has a test under a monitor");                                 \
		if (!b->excused[SL_DROP_##symbol])                                                           \
			fail(b, "no test let it pass");                                                      \
		case_end(b);                                                                                 \
	}
#include "../../include/reasons.def"
#undef SL_REASON
#undef JUDGED
#undef BROKEN
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : "selftests/packet";
	const char *only = argc > 2 ? argv[2] : NULL;
	struct bench b = { .fuzz_packets = 5000, .fuzz_seed = 1 };
	const char *cached = getenv("PACKET_CACHE");
	char why[600];

	if (argc > 3)
		b.fuzz_packets = (uint32_t)strtoul(argv[3], NULL, 10);
	if (argc > 4)
		b.fuzz_seed = (uint32_t)strtoul(argv[4], NULL, 10);
	b.cached = cached && !strcmp(cached, "1");
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!bench_open(&b, folder, why, sizeof(why))) {
		printf("not ok bench: %s\n", why);
		return 1;
	}
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (!only || !strcmp(only, groups[i].name))
			groups[i].run(&b);
	if (!only)
		test_coverage(&b);
	if (b.cached) {
		printf("packet: %u of %u packets went by lines made of them, %u of these were dropped, %u "
		       "were left "
		       "alone by some\n",
		       b.line_packets, b.lines, b.lines_dropped, b.lines_left);
		if (!only && (b.line_packets < LINES_LEAST || b.lines_left < LINES_LEAST ||
			      b.lines_dropped < DROPPED_LEAST)) {
			printf("not ok cache: hardly any packet met it\n");
			b.failed++;
		}
	}
	printf("packet: %u ok, %u failed, %u skipped\n", b.ok, b.failed, b.skipped);
	bench_close(&b);
	return b.failed || !b.ok;
}
