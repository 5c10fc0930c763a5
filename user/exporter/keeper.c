/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two processes: the keeper, and the server that it starts again when it dies. Both have given every right
 * away before the first byte from the network is read; because the keeper did so while it still could
 * change its user and its bounding set, a server that is started again later is as weak as the first one.
 * The keeper parses nothing; it waits, and takes other tables from the agent.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "caps.h"
#include "exporter.h"
#include "serve.h"

#define PAUSE_FIRST_MS 100
#define PAUSE_LAST_MS 10000
#define LEFT_MS 3000
#define LEFT_PAUSE_MS 20
#define LIVED_LONG_S 60 /* a server that lived this long starts again without a pause */

/* An agent that was killed has left its server to the kernel, which ends that a little later. */
static int bind_soon(int fd, const struct addrinfo *to)
{
	const struct timespec pause = { .tv_nsec = LEFT_PAUSE_MS * 1000000L };

	for (int waited = 0; bind(fd, to->ai_addr, to->ai_addrlen); waited += LEFT_PAUSE_MS) {
		if (errno != EADDRINUSE || waited >= LEFT_MS)
			return -1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int exporter_listen(const char *where, struct trouble *t)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
					.ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(where, ':');
	struct addrinfo *found = NULL;
	char host[64] = "";
	size_t length;
	int one = 1;
	int fd = -1;
	int error;

	length = colon ? (size_t)(colon - where) : 0;
	if (!colon || !length || length >= sizeof(host))
		return trouble(t, -EINVAL, "--listen %s: expected ADDRESS:PORT, as in %s", where,
			       EXPORTER_LISTEN);
	memcpy(host, where, length);
	if (host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = 0;
		memmove(host, host + 1, length - 1);
	}
	if (getaddrinfo(host, colon + 1, &hints, &found) || !found)
		return trouble(t, -EINVAL, "--listen %s: expected ADDRESS:PORT, as in %s", where,
			       EXPORTER_LISTEN);
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	error = fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
				bind_soon(fd, found) || listen(fd, 128)
			? -errno
			: 0;
	freeaddrinfo(found);
	if (error) {
		if (fd >= 0)
			close(fd);
		return trouble(
			t, error,
			"cannot listen on %s for metrics: %s; choose another with --listen, or --no-metrics",
			where, strerror(-error));
	}
	return fd;
}

static int fd_order(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Everything the agent had open, but stderr and what is listed. */
static void close_others(int *keep, size_t count)
{
	unsigned int first = STDERR_FILENO + 1;

	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	qsort(keep, count, sizeof(*keep), fd_order);
	for (size_t i = 0; i < count; i++) {
		if (keep[i] > (int)first)
			syscall(SYS_close_range, first, (unsigned int)keep[i] - 1, 0);
		first = (unsigned int)keep[i] + 1;
	}
	syscall(SYS_close_range, first, ~0U, 0);
}

static void forget_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN); /* reload is the agent's */
	signal(SIGINT, SIG_IGN); /* a terminal sends it to all; the leash ends the exporter */
}

static __attribute__((noreturn)) void run_server(const struct feed *feed, int listener, pid_t keeper)
{
	struct trouble t = { "" };

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != keeper)
		_exit(1);
	serve(feed, listener, &t);
	fprintf(stderr, "sluice: exporter: %s\n", t.text);
	_exit(1);
}

enum wait_end { SERVER_DIED, LEASH_GONE, FEED_CAME };

/* Waits until the server dies, which it does as well when the leash is let go or other tables come by it. */
static enum wait_end wait_server(pid_t server, int leash, struct feed *feed, int *status)
{
	int pidfd = (int)syscall(SYS_pidfd_open, server, 0);
	struct pollfd fds[] = { { .fd = leash, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
	enum wait_end end = SERVER_DIED;

	*status = 0;
	while (pidfd >= 0 && poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	if (fds[0].revents)
		end = feed_receive(feed, leash) ? LEASH_GONE : FEED_CAME;
	if (pidfd < 0 || end != SERVER_DIED)
		kill(server, SIGKILL);
	waitpid(server, status, 0);
	if (pidfd >= 0)
		close(pidfd);
	return end;
}

static __attribute__((noreturn)) void run_keeper(struct feed *feed, int listener, int leash, pid_t agent)
{
	int keep[FEED_TABLES + 2] = { listener, leash };
	size_t kept = 2;
	struct pollfd pause_on = { .fd = leash, .events = POLLIN };
	int pause_ms = PAUSE_FIRST_MS;
	struct trouble t = { "" };

	for (size_t i = 0; i < FEED_TABLES; i++)
		if (feed->fd[i] >= 0)
			keep[kept++] = feed->fd[i];
	close_others(keep, kept);
	forget_signals();
	prctl(PR_SET_NAME, "sluice-exporter", 0, 0, 0);
	if (caps_confine(&t)) {
		fprintf(stderr, "sluice: exporter: %s\n", t.text);
		_exit(1);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* after the change of user, which clears it */
	if (getppid() != agent)
		_exit(0);

	for (;;) {
		time_t started = time(NULL);
		pid_t keeper = getpid();
		pid_t server = fork();
		enum wait_end end = SERVER_DIED;
		int status = 0;

		if (!server)
			run_server(feed, listener, keeper);
		if (server > 0)
			end = wait_server(server, leash, feed, &status);
		if (end == LEASH_GONE)
			_exit(0);
		if (end == FEED_CAME)
			continue;
		if (time(NULL) - started > LIVED_LONG_S)
			pause_ms = PAUSE_FIRST_MS;
		if (server > 0 && WIFSIGNALED(status))
			fprintf(stderr, "sluice: exporter: killed by signal %d, starting again in %d ms\n",
				WTERMSIG(status), pause_ms);
		if (poll(&pause_on, 1, pause_ms) > 0 && feed_receive(feed, leash))
			_exit(0);
		pause_ms = pause_ms * 2 > PAUSE_LAST_MS ? PAUSE_LAST_MS : pause_ms * 2;
	}
}

int exporter_start(struct exporter *exporter, const struct feed *feed, int listener, struct trouble *t)
{
	pid_t agent = getpid();
	int leash[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, leash))
		return trouble(t, -errno, "cannot start the exporter: %s", strerror(errno));
	pid = fork();
	if (!pid) { /* leash[0] is closed with everything else */
		struct feed own = *feed;

		run_keeper(&own, listener, leash[1], agent);
	}
	close(leash[1]);
	if (pid < 0) {
		close(leash[0]);
		return trouble(t, -errno, "cannot start the exporter: %s", strerror(errno));
	}
	exporter->pid = pid;
	exporter->leash = leash[0];
	return 0;
}

int exporter_feed(const struct exporter *exporter, const struct feed *feed, struct trouble *t)
{
	int error = feed_send(feed, exporter->leash);

	return error ? trouble(t, error, "cannot give the exporter the tables of the plan: %s",
			       strerror(-error))
		     : 0;
}

void exporter_stop(struct exporter *exporter)
{
	if (!exporter->pid)
		return;
	close(exporter->leash);
	while (waitpid(exporter->pid, NULL, 0) < 0 && errno == EINTR)
		;
	exporter->pid = 0;
	exporter->leash = -1;
}
