/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One thread, one epoll set: a tick four times a second, a short one-shot that gathers bursts of interface
 * messages, signals, netlink. Nothing in the loop waits for anything outside this process. A failure is
 * said once, then tried again; the dataplane does not depend on it.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "../exporter/caps.h"
#include "../kernel/cache.h"
#include "ageing.h"
#include "agent.h"
#include "child.h"
#include "claim.h"
#include "follow.h"
#include "lock.h"
#include "neighbour.h"
#include "notify.h"
#include "tally.h"
#include "watch.h"

#define STEPS_PER_S 4
#define STEP_NS (1000000000L / STEPS_PER_S)
#define SETTLE_NS 50000000L /* a burst of interface messages is waited out this long, once */
#define RETRY_NS 500000000L
#define SMALL_TABLES_S 30
#define CLAIMS_PER_S 256

struct agent {
	const struct agent_options *options;
	struct follow follow;
	struct watch watch;
	struct neighbours neighbours;
	struct ageing ageing;
	int flush; /* sl_flush */
	struct cache_seen seen;
	bool missed; /* and that was said */
	bool tables; /* the three above are open */
	uint32_t tables_of; /* the dataplane whose they are */
	struct claims claims;
	struct child child;
	uint32_t cpus;
	uint64_t steps;
	uint64_t watchdog_ms;
	bool links_again;
	bool settling;
	bool stopping;
	int epoll;
	int tick;
	int settle;
	int signals;
	char said[sizeof(((struct trouble *)0)->text)]; /* the last failure, so as not to repeat it */
};

static void complain(struct agent *a, const char *text)
{
	if (!strcmp(a->said, text))
		return;
	snprintf(a->said, sizeof(a->said), "%s", text);
	fprintf(stderr, "sluice: %s\n", text);
}

static void close_tables(struct agent *a)
{
	if (!a->tables)
		return;
	ageing_close(&a->ageing);
	neighbours_close(&a->neighbours);
	close(a->flush);
	a->tables = false;
}

/* Do lines pay at present? */
static int balance_lines(struct agent *a, struct trouble *t)
{
	uint32_t sixteenths = 0;
	int error = cache_balance(a->flush, &a->seen, &sixteenths, t);

	tally_gauge(&a->follow.kernel, SL_GAUGE_ASIDE, sixteenths);
	return error;
}

/* What lines of the cache hold that have expired, or all of them, before nobody comes to count them any more. */
static int count_lines(struct agent *a, uint32_t what, struct trouble *t)
{
	uint32_t missed;
	int error = cache_seen(&a->seen, a->follow.kernel.table[SL_TABLE_sl_stat], a->cpus, t);

	if (!error)
		error = cache_flush(a->flush, what, a->cpus, what == SL_FLUSH_OLD ? &a->seen : NULL, &missed,
				    t);
	if (!error && missed && !a->missed) {
		fprintf(stderr, "sluice: the agent may not run on every processor: what passes there is "
				"counted late\n");
		a->missed = true;
	}
	return error;
}

static int open_tables(struct agent *a, struct trouble *t)
{
	const struct kernel *k = &a->follow.kernel;
	int error;

	if (a->tables || !a->follow.open)
		return 0;
	error = neighbours_open(&a->neighbours, k->table[SL_TABLE_sl_neigh], a->options->pins, t);
	if (error)
		return error;
	error = ageing_open(&a->ageing, k, a->cpus, t);
	if (!error) {
		a->flush = cache_open(a->options->pins, t);
		error = a->flush < 0 ? a->flush : 0;
		if (error)
			ageing_close(&a->ageing);
	}
	if (error)
		neighbours_close(&a->neighbours);
	a->tables = !error;
	a->tables_of = a->follow.id;
	return error;
}

/* Whoever has loaded the programs anew may have made the cache anew as well: the one of before counts lines of before. */
static int renew_flush(struct agent *a, struct trouble *t)
{
	int fd = cache_open(a->options->pins, t);

	if (fd < 0)
		return fd;
	close(a->flush);
	a->flush = fd;
	return 0;
}

/* Of another dataplane all is closed by now; of the same one only the plan is another. */
static int renew_tables(struct agent *a, struct trouble *t)
{
	int error;

	if (!a->tables || !a->follow.open || a->tables_of != a->follow.id) {
		close_tables(a);
		return open_tables(a, t);
	}
	error = ageing_plan(&a->ageing, t);
	if (error) {
		neighbours_close(&a->neighbours);
		close(a->flush);
		a->tables = false;
		return error;
	}
	return renew_flush(a, t);
}

/* What the wire has to hear: questions for next hops, and which VIPs are here. Whoever speaks has seen to all else. */
static int speak(struct agent *a, struct trouble *t)
{
	struct follow *f = &a->follow;
	int error = follow_recall(f, t);

	if (!error)
		error = neighbours_plan(&a->neighbours, f->plan, f->image, kernel_tick(), t);
	if (!error)
		error = claims_plan(&a->claims, f->image, t);
	follow_rest(f);
	return error;
}

/* Which reads tables of the plan, too. */
static int feed_exporter(struct agent *a, struct trouble *t)
{
	child_follow(&a->child, a->follow.open ? a->follow.id : 0);
	if (!a->follow.open)
		return 0;
	return child_start(&a->child, a->options->pins, follow_tables(&a->follow), t);
}

/* After whatever changed the plan, the interfaces or the dataplane itself. */
static int renewed(struct agent *a, struct trouble *t)
{
	const struct follow *f = &a->follow;
	int error = renew_tables(a, t);

	if (!error || !f->open)
		error = feed_exporter(a, t);
	if (!f->open)
		claims_free(&a->claims); /* whoever brings the dataplane up again says them anew */
	if (error || !f->open)
		return error;
	error = speak(a, t);
	if (!error)
		error = tally_small(&f->kernel, a->cpus, t);
	if (!error)
		error = tally_plan(&f->kernel, t);
	notify_send("STATUS=node %s, generation %u, %zu interfaces", f->node, f->kernel.generation,
		    f->links.count);
	return error;
}

static int arm(int timer, long first_ns, long every_ns, struct trouble *t)
{
	struct itimerspec when = {
		.it_value = { .tv_sec = first_ns / 1000000000L, .tv_nsec = first_ns % 1000000000L },
		.it_interval = { .tv_sec = every_ns / 1000000000L, .tv_nsec = every_ns % 1000000000L }
	};

	if (timerfd_settime(timer, 0, &when, NULL))
		return trouble(t, -errno, "cannot set a timer: %s", strerror(errno));
	return 0;
}

static void drain(int fd)
{
	uint64_t times;

	if (read(fd, &times, sizeof(times)) < 0) {
		/* Not due any more: no matter. */
	}
}

/* Once, and not again with every message: a burst that never ends must not put it off. */
static int settle(struct agent *a, long ns, struct trouble *t)
{
	if (a->settling)
		return 0;
	a->settling = true;
	return arm(a->settle, ns, 0, t);
}

static int on_netlink(struct agent *a, struct trouble *t)
{
	bool changed, gone;
	int error = watch_read(&a->watch, &changed, &gone, t);

	if (error)
		return error;
	a->links_again |= gone;
	return changed ? settle(a, SETTLE_NS, t) : 0;
}

static int on_settled(struct agent *a, struct trouble *t)
{
	bool changed;
	int error;

	drain(a->settle);
	a->settling = false;
	error = follow_links(&a->follow, a->links_again, &changed, t);
	if (error) {
		/* Interfaces that come and go while we attach: the next look finds what is there then. */
		complain(a, t->text);
		a->links_again = true;
		return settle(a, RETRY_NS, t);
	}
	a->links_again = false;
	a->said[0] = 0;
	if (!changed || !a->tables) {
		follow_rest(&a->follow);
		return 0;
	}
	error = feed_exporter(a, t);
	if (!error)
		error = speak(a, t);
	if (!error)
		error = tally_plan(&a->follow.kernel, t);
	notify_send("STATUS=node %s, generation %u, %zu interfaces", a->follow.node,
		    a->follow.kernel.generation, a->follow.links.count);
	return error;
}

static void write_gauges(struct agent *a)
{
	const struct kernel *k = &a->follow.kernel;

	ageing_gauges(&a->ageing);
	tally_gauge(k, SL_GAUGE_NEIGHBOURS, a->neighbours.rows);
	tally_fill(k, SL_TABLE_sl_neigh, a->neighbours.rows);
	tally_gauge(k, SL_GAUGE_AGENT_SEEN, (uint64_t)time(NULL));
}

static int every_second(struct agent *a, struct trouble *t)
{
	bool changed = false;
	int error = follow_others(&a->follow, &changed, t);

	if (changed || (a->follow.open && !a->tables)) {
		struct trouble later;
		int failed = renewed(a, &later);

		if (!error && failed) {
			*t = later;
			error = failed;
		}
	}
	if (!error && a->tables) {
		error = neighbours_tick(&a->neighbours, kernel_tick(), t);
		if (!error)
			error = count_lines(a, SL_FLUSH_OLD, t);
		if (!error)
			error = balance_lines(a, t);
		claims_say(&a->claims, a->neighbours.program, CLAIMS_PER_S);
		write_gauges(a);
	}
	if (!error && a->tables && a->steps / STEPS_PER_S % SMALL_TABLES_S == 0)
		error = tally_small(&a->follow.kernel, a->cpus, t);
	if (!error && a->tables && child_due(&a->child))
		error = feed_exporter(a, t);
	return error;
}

static int on_tick(struct agent *a, struct trouble *t)
{
	int error = 0;

	drain(a->tick);
	if (a->tables)
		error = ageing_step(&a->ageing, &a->follow.timeouts, STEPS_PER_S, t);
	if (!error && a->steps++ % STEPS_PER_S == 0)
		error = every_second(a, t);
	if (a->watchdog_ms && a->steps * 1000 / STEPS_PER_S % a->watchdog_ms < 1000 / STEPS_PER_S)
		notify_send("WATCHDOG=1");
	if (!error)
		a->said[0] = 0;
	return error;
}

static int reload(struct agent *a, struct trouble *t)
{
	uint64_t now_us = 0;
	struct timespec now;
	int error;

	if (!a->options->plan)
		return trouble(t, -EINVAL,
			       "SIGHUP: the agent was started without --plan; use \"sluice apply\"");
	clock_gettime(CLOCK_MONOTONIC, &now);
	now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	notify_send("RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now_us);
	error = follow_apply(&a->follow, a->options->plan, t);
	if (!error)
		error = every_second(a, t);
	notify_send("READY=1");
	return error;
}

static int on_signal(struct agent *a, struct trouble *t)
{
	struct signalfd_siginfo info;

	while (read(a->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			child_reap(&a->child);
			break;
		case SIGHUP:
			if (reload(a, t)) {
				a->said[0] = 0;
				complain(a, t->text);
			}
			break;
		default:
			a->stopping = true;
		}
	}
	return 0;
}

static int listen_to(struct agent *a, int fd, struct trouble *t)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0 || epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &event))
		return trouble(t, -errno, "cannot set up the event loop: %s", strerror(errno));
	return 0;
}

/* Signals are blocked before anything is started, so that none is lost. */
static int open_loop(struct agent *a, struct trouble *t)
{
	sigset_t signals;
	int error;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	a->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	a->epoll = epoll_create1(EPOLL_CLOEXEC);
	a->tick = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	a->settle = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	error = watch_open(&a->watch, t);
	if (!error)
		error = listen_to(a, a->signals, t);
	if (!error)
		error = listen_to(a, a->tick, t);
	if (!error)
		error = listen_to(a, a->settle, t);
	for (size_t i = 0; !error && i < 2; i++)
		if (a->watch.fd[i] >= 0)
			error = listen_to(a, a->watch.fd[i], t);
	return error;
}

static int loop(struct agent *a, struct trouble *t)
{
	struct epoll_event event[8];
	int error = arm(a->tick, 1, STEP_NS, t);

	while (!error && !a->stopping) {
		int count = epoll_wait(a->epoll, event, 8, -1);

		if (count < 0 && errno != EINTR)
			return trouble(t, -errno, "the event loop broke: %s", strerror(errno));
		for (int i = 0; i < count; i++) {
			int fd = event[i].data.fd;
			int failed = fd == a->signals  ? on_signal(a, t)
				     : fd == a->settle ? on_settled(a, t)
				     : fd == a->tick   ? on_tick(a, t)
						       : on_netlink(a, t);

			if (failed)
				complain(a, t->text);
		}
	}
	return error;
}

static void close_loop(struct agent *a)
{
	int fds[] = { a->signals, a->epoll, a->tick, a->settle };

	watch_close(&a->watch);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int begin(struct agent *a, struct trouble *t)
{
	int error = open_loop(a, t);

	if (!error && a->options->listen) {
		a->child.listener = exporter_listen(a->options->listen, t);
		error = a->child.listener < 0 ? a->child.listener : 0;
	}
	if (!error)
		error = follow_begin(&a->follow, a->options->plan, t);
	if (!error)
		error = renewed(a, t);
	/* The exporter runs and has become nobody; from here on nothing needs more than these three. */
	if (!error)
		error = caps_keep(CAPS_AGENT, CAPS_AGENT, t);
	return error;
}

int agent_run(const struct agent_options *options, struct trouble *t)
{
	struct agent a = { .options = options,
			   .follow = { .pins = options->pins,
				       .state = options->state,
				       .asked_node = options->node,
				       .held = -1 },
			   .child = { .listener = -1 },
			   .watchdog_ms = notify_watchdog_ms(),
			   .epoll = -1,
			   .tick = -1,
			   .settle = -1,
			   .signals = -1 };
	int cpus = libbpf_num_possible_cpus();
	int lock = lock_take(options->state, t);
	int error = lock < 0 ? lock : 0;

	if (error)
		return error;
	a.cpus = cpus < 1 ? 1 : (uint32_t)cpus;
	error = begin(&a, t);
	if (!error) {
		notify_send("READY=1");
		fprintf(stderr, "sluice: agent on node %s, generation %u\n", a.follow.node,
			a.follow.kernel.generation);
		error = loop(&a, t);
		notify_send("STOPPING=1");
	}
	child_end(&a.child);
	if (a.tables) {
		struct trouble late;

		count_lines(&a, SL_FLUSH_ALL,
			    &late); /* who reads them by hand from here on reads all of it */
		cache_rejoin(a.flush, &late);
	}
	close_tables(&a);
	cache_seen_free(&a.seen);
	claims_free(&a.claims);
	follow_end(&a.follow);
	close_loop(&a);
	close(lock);
	return error;
}
