/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Streams whose rate and round trips are measured where they arrive.
 *
 *     stream serve PORT...                               TCP and UDP, until SIGTERM, then a line for each stream:
 *                                                        "tcp|udp PORT PEER IP-BYTES PACKETS SECONDS"
 *     stream send tcp|udp ADDRESS PORT SECONDS MBIT [SIZE]   MBIT of payload, 0: as TCP lets it
 *     stream ask ADDRESS PORT SECONDS MBIT SIZE          records of SIZE at that rate, each acknowledged by the server:
 *                                                        "RECORDS ANSWERED MBIT P50 P99 MAX" (µs from its due time)
 *
 * Bytes are those of IP packets: payload, and the headers of every segment that came. It must never decide whether a
 * rate is right.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_STREAMS 256
#define BUFFER (1 << 18)
#define SECOND 1000000000ULL
#define TCP_HEADERS 52 /* IPv4, TCP, timestamps */
#define UDP_HEADERS 28
#define NEVER 0xffff

enum kind { LISTENER, DATAGRAMS, CONNECTION };

struct stream {
	enum kind kind;
	int fd;
	uint16_t port;
	uint32_t peer;
	uint64_t bytes;
	uint64_t packets;
	uint64_t first;
	uint64_t last;
	uint32_t record; /* of a connection that asks: its size; else 0 */
	uint64_t within; /* bytes of the current record that are here */
	bool begun;
};

static struct stream streams[MAX_STREAMS];
static int count;
static volatile sig_atomic_t over;
static char buffer[BUFFER];

static void stop(int signal)
{
	(void)signal;
	over = 1;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void until(uint64_t when)
{
	struct timespec t = { .tv_sec = (time_t)(when / SECOND), .tv_nsec = (long)(when % SECOND) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static int fail(const char *what)
{
	fprintf(stderr, "stream: %s: %s\n", what, strerror(errno));
	return 1;
}

static struct stream *add(enum kind kind, int fd, uint16_t port, uint32_t peer)
{
	struct stream *s;

	if (count == MAX_STREAMS)
		return NULL;
	s = &streams[count++];
	*s = (struct stream){ .kind = kind, .fd = fd, .port = port, .peer = peer };
	return s;
}

/* --- serve */
static void taken(struct stream *s, uint64_t bytes, uint64_t packets)
{
	s->last = now();
	if (!s->first)
		s->first = s->last;
	s->bytes += bytes;
	s->packets += packets;
}

static void datagrams(struct stream *listener)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	ssize_t got;

	while ((got = recvfrom(listener->fd, buffer, sizeof(buffer), MSG_DONTWAIT, (struct sockaddr *)&from,
			       &size)) >= 0) {
		struct stream *s = NULL;

		for (int i = 0; i < count && !s; i++)
			if (streams[i].kind == DATAGRAMS && streams[i].fd < 0 &&
			    streams[i].port == listener->port && streams[i].peer == from.sin_addr.s_addr)
				s = &streams[i];
		if (!s)
			s = add(DATAGRAMS, -1, listener->port, from.sin_addr.s_addr);
		if (s)
			taken(s, (uint64_t)got + UDP_HEADERS, 1);
	}
}

/* Every whole record is answered by one byte. */
static void answer(struct stream *s, uint64_t got)
{
	static const char byte[1024] = { 'a' };
	uint64_t whole;

	s->within += got;
	whole = s->within / s->record;
	s->within %= s->record;
	while (whole) {
		size_t part = whole < sizeof(byte) ? (size_t)whole : sizeof(byte);

		if (send(s->fd, byte, part, MSG_NOSIGNAL) < 0)
			return;
		whole -= part;
	}
}

static void connection(struct stream *s)
{
	ssize_t got = recv(s->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		close(s->fd);
		s->fd = -1;
		return;
	}
	getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	s->packets = info.tcpi_data_segs_in;
	taken(s, (uint64_t)got, 0);
	if (!s->begun && got >= 4) {
		memcpy(&s->record, buffer, sizeof(s->record));
		s->begun = true;
	}
	if (s->record)
		answer(s, (uint64_t)got);
}

static int serve(int ports, char **port)
{
	int poll_fd = epoll_create1(0), yes = 1, room = 4 << 20;
	struct epoll_event event = { .events = EPOLLIN };

	for (int i = 0; i < ports * 2; i++) {
		uint16_t number = (uint16_t)atoi(port[i / 2]);
		struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(number) };
		int fd = socket(AF_INET, i % 2 ? SOCK_DGRAM : SOCK_STREAM, 0);

		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		setsockopt(fd, SOL_SOCKET, i % 2 ? SO_RCVBUFFORCE : SO_REUSEADDR, i % 2 ? &room : &yes,
			   sizeof(int));
		if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) ||
		    (i % 2 == 0 && listen(fd, 64)))
			return fail("port");
		event.data.ptr = add(i % 2 ? DATAGRAMS : LISTENER, fd, number, 0);
		if (!event.data.ptr || epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event))
			return fail("epoll");
	}
	puts("ready");
	fflush(stdout);
	while (!over) {
		if (epoll_wait(poll_fd, &event, 1, -1) < 1)
			continue;
		struct stream *s = event.data.ptr;
		if (s->kind == LISTENER) {
			struct sockaddr_in from;
			socklen_t size = sizeof(from);
			int fd = accept(s->fd, (struct sockaddr *)&from, &size);
			struct epoll_event more = { .events = EPOLLIN };

			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
			more.data.ptr = fd < 0 ? NULL : add(CONNECTION, fd, s->port, from.sin_addr.s_addr);
			if (more.data.ptr)
				epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &more);
		} else if (s->kind == DATAGRAMS) {
			datagrams(s);
		} else {
			connection(s);
		}
	}
	for (int i = 0; i < count; i++) {
		struct stream *s = &streams[i];
		struct in_addr peer = { .s_addr = s->peer };
		uint64_t bytes = s->bytes + (s->kind == CONNECTION ? s->packets * TCP_HEADERS : 0);

		if (s->first)
			printf("%s %u %s %llu %llu %.6f\n", s->kind == CONNECTION ? "tcp" : "udp", s->port,
			       inet_ntoa(peer), (unsigned long long)bytes, (unsigned long long)s->packets,
			       (double)(s->last - s->first) / (double)SECOND);
	}
	return 0;
}

/* --- send and ask */
static int connected(const char *proto, const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, strcmp(proto, "tcp") ? SOCK_DGRAM : SOCK_STREAM, 0);

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)); /* a datagram socket has none */
	/*
	 * Debian's, whatever this machine has: BBR asks for less than a bucket gives, once it believes to have found one.
	 */
	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", strlen("cubic"));
	if (fd < 0 || !inet_aton(address, &to.sin_addr) || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return -1;
	return fd;
}

static int send_for(char **arg, int args)
{
	bool tcp = !strcmp(arg[0], "tcp");
	int fd = connected(arg[0], arg[1], arg[2]);
	double seconds = atof(arg[3]), mbit = atof(arg[4]);
	size_t size = args > 5 ? (size_t)atoi(arg[5]) : tcp ? 65536 : 1400;
	uint64_t begin = now(), end = begin + (uint64_t)(seconds * (double)SECOND), sent = 0, refused = 0;
	struct linger reset = { .l_onoff = 1 };

	if (fd < 0)
		return fail("connect");
	if (size > sizeof(buffer))
		size = sizeof(buffer);
	while (!over && now() < end) {
		ssize_t done;

		/* A round of one millisecond at least, then rest. */
		if (mbit > 0)
			until(begin + (uint64_t)((double)sent * 8000.0 / mbit) / 1000000 * 1000000);
		if (tcp) {
			struct pollfd room = { .fd = fd, .events = POLLOUT };

			if (poll(&room, 1, 100) < 1)
				continue;
		}
		done = send(fd, buffer, size, tcp ? MSG_DONTWAIT | MSG_NOSIGNAL : 0);
		if (done > 0)
			sent += (uint64_t)done;
		else if (tcp && errno != EAGAIN)
			return fail("send");
		else if (!tcp) {
			sent += size; /* dropped on the way out: as if it had gone */
			refused++;
		}
	}
	printf("%llu %llu\n", (unsigned long long)sent, (unsigned long long)refused);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	return 0;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int ask(char **arg)
{
	int fd = connected("tcp", arg[0], arg[1]);
	double seconds = atof(arg[2]), mbit = atof(arg[3]);
	uint32_t size = (uint32_t)atoi(arg[4]);
	uint64_t gap = (uint64_t)(size * 8000.0 / mbit), wanted = (uint64_t)(seconds * (double)SECOND) / gap;
	uint64_t begin, asked = 0, answered = 0, left = 0, last = 0;
	uint64_t *took = calloc(wanted + 1, sizeof(*took));

	if (fd < 0 || !took || !wanted || size > sizeof(buffer))
		return fail("connect");
	memcpy(buffer, &size, sizeof(size)); /* in every record; the server reads the first */
	begin = now();
	/* What is not answered a second after the last was due is lost. */
	while (answered < wanted && now() < begin + wanted * gap + SECOND) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		uint64_t due = begin + asked * gap, at = now();
		struct timespec wait = { .tv_nsec = 100000000 };
		ssize_t got;

		if (left || (asked < wanted && at >= due))
			ready.events |= POLLOUT;
		else if (asked < wanted && due - at < (uint64_t)wait.tv_nsec)
			wait.tv_nsec = (long)(due - at);
		if (ppoll(&ready, 1, &wait, NULL) < 0)
			return fail("poll");
		if (ready.revents & POLLIN) {
			got = recv(fd, buffer + size, sizeof(buffer) - size, MSG_DONTWAIT);
			if (got <= 0)
				return fail("the server is gone");
			last = now();
			for (ssize_t i = 0; i < got && answered < wanted; i++, answered++)
				took[answered] = last - (begin + answered * gap);
		}
		if (ready.revents & POLLOUT) {
			if (!left)
				left = size;
			got = send(fd, buffer + (size - left), left, MSG_DONTWAIT | MSG_NOSIGNAL);
			if (got > 0)
				left -= (uint64_t)got;
			if (!left)
				asked++;
		}
	}
	qsort(took, answered, sizeof(*took), by_size);
	for (uint64_t i = answered; i < wanted; i++)
		took[i] = (uint64_t)NEVER * SECOND;
	printf("%llu %llu %.3f %llu %llu %llu\n", (unsigned long long)wanted, (unsigned long long)answered,
	       last ? (double)answered * size * 8000.0 / (double)(last - begin) : 0,
	       (unsigned long long)(took[wanted / 2] / 1000),
	       (unsigned long long)(took[wanted * 99 / 100] / 1000),
	       (unsigned long long)(took[wanted - 1] / 1000));
	free(took);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (argc > 2 && !strcmp(argv[1], "serve"))
		return serve(argc - 2, argv + 2);
	if (argc > 6 && !strcmp(argv[1], "send"))
		return send_for(argv + 2, argc - 2);
	if (argc == 7 && !strcmp(argv[1], "ask"))
		return ask(argv + 2);
	fprintf(stderr, "usage: stream serve|send|ask ...\n");
	return 2;
}
