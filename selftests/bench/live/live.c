/* SPDX-License-Identifier: GPL-2.0 */
/*
 * live [-n COUNT] [-r RUNS] [-f FLOWS] [-v VLAN] [-d ADDRESS] [-p PORT] [-S ADDRESS] [-D ADDRESS] [-P PORT] WAY
 * NETNS:IF NETNS:IF NETNS:IF NETNS:IF: sends COUNT UDP frames of 64 bytes, with a tag if -v, to ADDRESS and PORT out of
 * the first interface, whose peer is the second; the third is the way on, whose peer is the fourth. Frames have to arrive
 * without a tag, from -S, at -D and -P. One line of JSON: ns a frame, until 99 of 100 have arrived; fails if they do not.
 *
 * WAY says what stands in between: drop (counted and dropped where they come in), back (sent back by XDP), on (sent on
 * by XDP), stack (whatever becomes of what comes in), or xdp (the same, but only frames that XDP has sent on count).
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "../../../include/csum.h"
#include "../../../include/wire.h"
#include "live.h"
#include "bench/live.skel.h" /* knows the types above by name only */

#define RUNS_MOST 101
#define PATIENCE_MS 100

enum end { FROM, IN, OUT, SINK, ENDS };

struct end_of {
	char netns[64];
	char name[IF_NAMESIZE];
	unsigned int ifindex;
	unsigned char mac[6];
};

struct live {
	struct live_bpf *bpf;
	struct end_of end[ENDS];
	bool busy[ENDS]; /* a program of ours is attached */
	bool busy_tc; /* at the last end */
	uint32_t count, runs, flows;
	struct in_addr to, as_to, as_from;
	uint16_t port, as_port, vlan;
};

static bool failed(const char *what, const char *which)
{
	fprintf(stderr, "live: %s %s: %s\n", what, which, strerror(errno));
	return false;
}

static bool enter(const struct end_of *e)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", e->netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET)) {
		if (fd >= 0)
			close(fd);
		return failed("cannot enter", path);
	}
	close(fd);
	return true;
}

static bool find(struct end_of *e, const char *text)
{
	struct ifreq r = { 0 };
	int fd;

	if (sscanf(text, "%63[^:]:%15s", e->netns, e->name) != 2) {
		fprintf(stderr, "live: %s: expected NETNS:INTERFACE\n", text);
		return false;
	}
	if (!enter(e))
		return false;
	e->ifindex = if_nametoindex(e->name);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(r.ifr_name, e->name, sizeof(e->name));
	if (!e->ifindex || fd < 0 || ioctl(fd, SIOCGIFHWADDR, &r)) {
		if (fd >= 0)
			close(fd);
		return failed("cannot find", text);
	}
	close(fd);
	memcpy(e->mac, r.ifr_hwaddr.sa_data, sizeof(e->mac));
	return true;
}

static bool put(struct live *l, enum end at, const struct bpf_program *program)
{
	const struct end_of *e = &l->end[at];

	l->busy[at] = enter(e) && !bpf_xdp_attach((int)e->ifindex, bpf_program__fd(program),
						  XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
	return l->busy[at] || failed("cannot attach to", e->name);
}

static void take_off(struct live *l)
{
	LIBBPF_OPTS(bpf_tc_hook, hook,
		    .attach_point = (enum bpf_tc_attach_point)(BPF_TC_INGRESS | BPF_TC_EGRESS));

	for (int i = 0; i < ENDS; i++)
		if (l->busy[i] && enter(&l->end[i]) &&
		    bpf_xdp_detach((int)l->end[i].ifindex, XDP_FLAGS_DRV_MODE, NULL))
			failed("cannot detach from", l->end[i].name);
	hook.ifindex = (int)l->end[SINK].ifindex;
	if (l->busy_tc && enter(&l->end[SINK]) && bpf_tc_hook_destroy(&hook))
		failed("cannot detach from", l->end[SINK].name);
}

static bool put_tc(struct live *l, enum end at, const struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)l->end[at].ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1, .flags = BPF_TC_F_REPLACE,
		    .prog_fd = bpf_program__fd(program));
	int error;

	if (!enter(&l->end[at]))
		return false;
	error = bpf_tc_hook_create(&hook);
	if (!error || error == -EEXIST)
		error = bpf_tc_attach(&hook, &opts);
	l->busy_tc = !error;
	return !error || failed("cannot attach to", l->end[at].name);
}

static bool arrange(struct live *l, const char *way)
{
	uint32_t key = 0;

	if (!strcmp(way, "drop"))
		return put(l, IN, l->bpf->progs.sink);
	if (!strcmp(way, "back"))
		return put(l, FROM, l->bpf->progs.sink) && put(l, IN, l->bpf->progs.back);
	if (!strcmp(way, "on"))
		return put(l, SINK, l->bpf->progs.sink) && put(l, IN, l->bpf->progs.on) &&
		       (!bpf_map_update_elem(bpf_map__fd(l->bpf->maps.onward), &key, &l->end[OUT].ifindex,
					     BPF_ANY) ||
			failed("cannot send on to", l->end[OUT].name));
	if (!strcmp(way, "stack"))
		return put_tc(l, SINK, l->bpf->progs.sink_tc);
	if (!strcmp(way, "xdp"))
		return put(l, SINK, l->bpf->progs.sink);
	fprintf(stderr, "live: %s: expected drop, back, on, stack or xdp\n", way);
	return false;
}

static void make_frame(struct live *l)
{
	struct live_way *w = &l->bpf->data_way->way;
	uint16_t l3 = l->vlan ? 18 : 14, l4 = l3 + sizeof(struct sl_ipv4);
	struct sl_ipv4 *ip = (void *)(w->frame + l3);
	uint16_t words[sizeof(*ip) / 2],
		udp[4] = { 0, htons(l->port), htons((uint16_t)(LIVE_FRAME - l4)), 0 };
	uint16_t tag[2] = { htons(SL_ETH_VLAN), htons(l->vlan) };
	uint32_t sum = 0;

	memcpy(w->frame, l->end[IN].mac, 6);
	memcpy(w->frame + 6, l->end[FROM].mac, 6);
	if (l->vlan)
		memcpy(w->frame + 12, tag, sizeof(tag));
	w->frame[l3 - 2] = 8;
	w->sport_at = l4;
	*ip = (struct sl_ipv4){ .ver_ihl = 0x45,
				.len = htons((uint16_t)(LIVE_FRAME - l3)),
				.ttl = 64,
				.proto = IPPROTO_UDP,
				.saddr = htonl(0x0a630002), /* 10.99.0.2 */
				.daddr = l->to.s_addr };
	memcpy(words, ip, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / 2; i++)
		sum += words[i];
	ip->check = (uint16_t)~sl_csum_fold(sum);
	memcpy(ip + 1, udp, sizeof(udp));
	w->flows = l->flows - 1;
	w->saddr = l->as_from.s_addr;
	w->daddr = l->as_to.s_addr;
	w->dport = htons(l->as_port);
}

static bool run(struct live *l, uint32_t count, bool warm, double *ns, uint32_t *arrived)
{
	volatile struct live_way *w = &l->bpf->data_way->way;
	struct xdp_md xdp = { .ingress_ifindex = l->end[FROM].ifindex, .data_end = LIVE_FRAME };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = l->bpf->data_way->way.frame,
		    .data_size_in = LIVE_FRAME, .ctx_in = &xdp, .ctx_size_in = sizeof(xdp),
		    .repeat = (int)count, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
	const struct timespec rest = { .tv_nsec = 1000000 };

	w->next = w->arrived = 0;
	w->count = count - count / 100; /* a few may be lost */
	w->begun = w->ended = 0;
	if (!enter(&l->end[FROM]))
		return false;
	if (bpf_prog_test_run_opts(bpf_program__fd(l->bpf->progs.generate), &opts))
		return failed("cannot send from", l->end[FROM].name);
	/* Whoever takes the last frames in needs this processor. */
	for (int i = 0; i < PATIENCE_MS && w->arrived < count; i++)
		nanosleep(&rest, NULL);
	*arrived = w->arrived;
	*ns = (double)(w->ended - w->begun) / w->count;
	if (w->ended || warm)
		return true;
	fprintf(stderr, "live: of %u frames %u have arrived\n", count, *arrived);
	return false;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool all(struct live *l, const char *way)
{
	double ns[RUNS_MOST];
	uint64_t sum = 0;
	uint32_t arrived;

	make_frame(l);
	if (!arrange(l, way) || !run(l, l->flows > 1024 ? l->flows : 1024, true, &ns[0], &arrived))
		return false;
	for (uint32_t i = 0; i < l->runs; i++) {
		if (!run(l, l->count, false, &ns[i], &arrived))
			return false;
		sum += arrived;
	}
	qsort(ns, l->runs, sizeof(*ns), compare);
	printf("{\"live\":\"%s\",\"flows\":%u,\"runs\":%u,\"sent\":%llu,\"arrived\":%llu,\"ns\":{\"median\":%"
	       ".1f,"
	       "\"min\":%.1f,\"max\":%.1f}}\n",
	       way, l->flows, l->runs, (unsigned long long)l->count * l->runs, (unsigned long long)sum,
	       ns[l->runs / 2], ns[0], ns[l->runs - 1]);
	return true;
}

int main(int argc, char **argv)
{
	struct live l = { .count = 1000000, .runs = 5, .flows = 1, .port = 80 };
	bool good = true;
	int option;

	inet_aton("10.98.0.2", &l.to);
	while ((option = getopt(argc, argv, "n:r:f:v:d:p:S:D:P:")) != -1) {
		if (option == 'n')
			l.count = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'r')
			l.runs = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'f')
			l.flows = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'v')
			l.vlan = (uint16_t)strtoul(optarg, NULL, 10);
		else if (option == 'p')
			l.port = (uint16_t)strtoul(optarg, NULL, 10);
		else if (option == 'P')
			l.as_port = (uint16_t)strtoul(optarg, NULL, 10);
		else if (!inet_aton(optarg, option == 'd' ? &l.to : option == 'S' ? &l.as_from : &l.as_to))
			return 2;
	}
	if (argc - optind != 1 + ENDS || !l.count || !l.runs || l.runs > RUNS_MOST || !l.flows ||
	    l.flows & (l.flows - 1) || l.flows > 32768) {
		fprintf(stderr, "usage: live [-n COUNT] [-r RUNS] [-f FLOWS, a power of two up to 32768] "
				"[-v VLAN] [-d ADDRESS] [-p PORT] WAY NETNS:IF NETNS:IF NETNS:IF NETNS:IF\n");
		return 2;
	}
	for (int i = 0; good && i < ENDS; i++)
		good = find(&l.end[i], argv[optind + 1 + i]);
	l.bpf = good ? live_bpf__open_and_load() : NULL;
	if (good && !l.bpf)
		failed("cannot load", "the programs");
	good = l.bpf && all(&l, argv[optind]);
	take_off(&l);
	live_bpf__destroy(l.bpf);
	return !good;
}
