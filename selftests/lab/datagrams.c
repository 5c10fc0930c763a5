/* SPDX-License-Identifier: GPL-2.0 */
/*
 * datagrams serve PORT ADDRESS...
 *   answers every datagram with whom it saw, 6 bytes, and what came, each byte turned over. When it is ended by SIGTERM
 *   it says in a line of JSON how many peers there were, and how many of them spoke for more than one source
 * datagrams ask WHO SOURCES FIRST PORT ADDRESS...
 *   opens SOURCES sockets from port FIRST on and asks each address from each of them; WHO is a number that no other
 *   asker has. Then it says one line of JSON, and does the same again for each line that it is given; at the end of
 *   its input it ends. All sockets stay open.
 *
 * A flow is a socket and an address. Each answer is compared byte by byte; whom the server saw has to be the same for
 * all flows of a socket, in every round. It must never repair what it counts: a question is asked again when no answer
 * came, which `resent` tells.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD 6 /* address and port */
#define MOST 96 /* bytes of a question */
#define SERVERS 16
#define EVENTS 256
#define WINDOW 192 /* questions not answered yet: fewer than any socket's buffer holds */
#define TRIES 12
#define PATIENCE_MS 1500
#define BUFFER (8 << 20)
#define PEERS (1U << 20) /* slots; a quarter of them are used at most */

struct question {
	uint32_t source; /* WHO and the number of the socket */
	uint16_t server;
	uint16_t length;
	uint64_t round;
	uint8_t bytes[MOST];
};
#define QUESTION_HEAD offsetof(struct question, bytes)

struct source {
	int fd;
	uint32_t address; /* as the servers saw it; network byte order */
	uint16_t port;
	uint16_t answered; /* bit of each server, in this round */
};

struct asker {
	uint32_t who; /* in the upper byte of a source's number */
	struct source *sources;
	uint32_t count;
	struct sockaddr_in servers[SERVERS];
	unsigned int server_count;
	int poll;
	uint64_t round;
	uint32_t waiting;
	uint64_t answered, resent, wrong, changed, strange;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const char *what)
{
	fprintf(stderr, "datagrams: %s: %s\n", what, strerror(errno));
	return 1;
}

/* What a question holds: the same for the same flow and round, whoever builds it. */
static size_t build(struct question *q, uint32_t source, uint16_t server, uint64_t round)
{
	uint64_t state = ((uint64_t)source << 24 ^ (uint64_t)server << 8 ^ round) * 0x9e3779b97f4a7c15ULL | 1;

	q->source = source;
	q->server = server;
	q->round = round;
	q->length = (uint16_t)(8 + (state >> 40) % (MOST - 8));
	for (unsigned int i = 0; i < q->length; i++) {
		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		q->bytes[i] = (uint8_t)(state >> 32);
	}
	return QUESTION_HEAD + q->length;
}

static int udp_at(uint32_t address, uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = address };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* --- serve */
struct peer {
	uint32_t address;
	uint16_t port;
	uint16_t known;
	uint32_t source;
};

struct server {
	struct peer *peers;
	uint64_t count, shared;
};

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

/* Two sources behind one address and port are counted once for each time that they take turns. */
static void meet(struct server *s, const struct sockaddr_in *from, uint32_t source)
{
	uint64_t hash = ((uint64_t)from->sin_addr.s_addr << 16 | from->sin_port) * 0x9e3779b97f4a7c15ULL;
	struct peer *p = &s->peers[hash >> 44];

	if (s->count > PEERS / 4)
		return;
	while (p->known && (p->address != from->sin_addr.s_addr || p->port != from->sin_port))
		p = p + 1 < s->peers + PEERS ? p + 1 : s->peers;
	s->shared += p->known && p->source != source;
	s->count += !p->known;
	*p = (struct peer){ from->sin_addr.s_addr, from->sin_port, 1, source };
}

static void answer_all(struct server *s, int fd)
{
	uint8_t data[HEAD + sizeof(struct question)];

	for (;;) {
		struct sockaddr_in peer;
		socklen_t size = sizeof(peer);
		ssize_t got =
			recvfrom(fd, data + HEAD, sizeof(data) - HEAD, 0, (struct sockaddr *)&peer, &size);
		uint32_t source;

		if (got < (ssize_t)sizeof(source))
			return;
		memcpy(&source, data + HEAD, sizeof(source));
		meet(s, &peer, source);
		memcpy(data, &peer.sin_addr.s_addr, 4);
		memcpy(data + 4, &peer.sin_port, 2);
		for (ssize_t i = 0; i < got; i++)
			data[HEAD + i] ^= 0xff;
		sendto(fd, data, HEAD + (size_t)got, 0, (struct sockaddr *)&peer, size);
	}
}

static int serve(int argc, char **argv)
{
	struct server s = { .peers = calloc(PEERS, sizeof(*s.peers)) };
	struct sigaction action = { .sa_handler = end };
	int poll = epoll_create1(EPOLL_CLOEXEC), size = BUFFER;

	if (poll < 0 || !s.peers || sigaction(SIGTERM, &action, NULL))
		return fail("start");
	for (int i = 3; i < argc; i++) {
		struct epoll_event event = { .events = EPOLLIN };
		struct in_addr address;

		if (inet_pton(AF_INET, argv[i], &address) != 1)
			return fail(argv[i]);
		event.data.fd = udp_at(address.s_addr, (uint16_t)atoi(argv[2]));
		if (event.data.fd < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event))
			return fail(argv[i]);
		setsockopt(event.data.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	}
	puts("ready");
	fflush(stdout);
	while (!ended) {
		struct epoll_event events[SERVERS];
		int count = epoll_wait(poll, events, SERVERS, 1000);

		for (int i = 0; i < count; i++)
			answer_all(&s, events[i].data.fd);
	}
	printf("{\"peers\": %llu, \"shared\": %llu}\n", (unsigned long long)s.count,
	       (unsigned long long)s.shared);
	free(s.peers);
	return 0;
}

/* --- ask */
static void send_one(struct asker *a, uint32_t source, unsigned int server)
{
	struct question q;
	size_t size = build(&q, a->who << 24 | source, (uint16_t)server, a->round);

	/* What is not taken or comes back as an error is asked again. */
	sendto(a->sources[source].fd, &q, size, 0, (struct sockaddr *)&a->servers[server],
	       sizeof(a->servers[server]));
}

static void one_answer(struct asker *a, struct source *s, const uint8_t *data, size_t got,
		       const struct sockaddr_in *from)
{
	uint32_t index = (uint32_t)(s - a->sources), address;
	struct question q, expected;
	uint16_t port;

	if (got < HEAD + QUESTION_HEAD || got > HEAD + sizeof(q)) {
		a->strange++;
		return;
	}
	memcpy(&address, data, 4);
	memcpy(&port, data + 4, 2);
	for (size_t i = 0; i < got - HEAD; i++)
		((uint8_t *)&q)[i] = data[HEAD + i] ^ 0xff;
	if (q.round != a->round &&
	    q.source == (a->who << 24 | index)) /* of a question that was asked twice */
		return;
	if (q.server >= a->server_count ||
	    build(&expected, a->who << 24 | index, q.server, a->round) != got - HEAD ||
	    memcmp(&q, &expected, got - HEAD) != 0 ||
	    from->sin_addr.s_addr != a->servers[q.server].sin_addr.s_addr ||
	    from->sin_port != a->servers[q.server].sin_port) {
		a->wrong++;
		return;
	}
	if (s->port && (s->port != port || s->address != address))
		a->changed++;
	s->port = port;
	s->address = address;
	if (s->answered & 1U << q.server)
		return;
	s->answered |= (uint16_t)(1U << q.server);
	a->answered++;
	if (a->waiting)
		a->waiting--;
}

/* Answers that are here, or come within `wait` milliseconds; whether there were any. */
static bool take_answers(struct asker *a, int wait)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(a->poll, events, EVENTS, wait);

	for (int i = 0; i < count; i++) {
		struct source *s = &a->sources[events[i].data.u32];
		uint8_t data[HEAD + sizeof(struct question) + 1];
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		ssize_t got;

		while ((got = recvfrom(s->fd, data, sizeof(data), 0, (struct sockaddr *)&from, &size)) >= 0)
			one_answer(a, s, data, (size_t)got, &from);
	}
	return count > 0;
}

/* Every flow that has no answer yet is asked once. */
static void ask_each(struct asker *a, bool again)
{
	a->waiting = 0;
	for (uint32_t i = 0; i < a->count; i++)
		for (unsigned int server = 0; server < a->server_count; server++) {
			if (a->sources[i].answered & 1U << server)
				continue;
			send_one(a, i, server);
			a->resent += again;
			a->waiting++;
			while (a->waiting >= WINDOW)
				if (!take_answers(a, 100)) /* lost ones must not hold up the others */
					a->waiting = 0;
			take_answers(a, 0);
		}
	while (a->waiting && take_answers(a, PATIENCE_MS))
		;
}

static void tell(const struct asker *a, double seconds)
{
	printf("{\"flows\": %llu, \"answered\": %llu, \"resent\": %llu, \"wrong\": %llu, \"strange\": %llu, "
	       "\"changed\": %llu, \"seconds\": %.1f}\n",
	       (unsigned long long)a->count * a->server_count, (unsigned long long)a->answered,
	       (unsigned long long)a->resent, (unsigned long long)a->wrong, (unsigned long long)a->strange,
	       (unsigned long long)a->changed, seconds);
	fflush(stdout);
}

static int open_sources(struct asker *a, uint16_t first)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return fail("limits");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		return fail("limits");
	for (uint32_t i = 0; i < a->count; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

		a->sources[i].fd = udp_at(INADDR_ANY, (uint16_t)(first + i));
		if (a->sources[i].fd < 0 || epoll_ctl(a->poll, EPOLL_CTL_ADD, a->sources[i].fd, &event))
			return fail("a source");
	}
	return 0;
}

static int ask(int argc, char **argv)
{
	struct asker a = { .who = (uint32_t)atoi(argv[2]), .poll = epoll_create1(EPOLL_CLOEXEC) };
	char line[16];

	a.count = (uint32_t)atoi(argv[3]);
	a.sources = calloc(a.count ? a.count : 1, sizeof(*a.sources));
	if (!a.sources || a.poll < 0)
		return fail("start");
	for (int i = 6; i < argc && a.server_count < SERVERS; i++) {
		struct sockaddr_in *to = &a.servers[a.server_count++];

		to->sin_family = AF_INET;
		to->sin_port = htons((uint16_t)atoi(argv[5]));
		if (inet_pton(AF_INET, argv[i], &to->sin_addr) != 1)
			return fail(argv[i]);
	}
	if (open_sources(&a, (uint16_t)atoi(argv[4])))
		return 1;
	do {
		double begin = now();

		a.round++;
		a.answered = 0;
		for (uint32_t i = 0; i < a.count; i++)
			a.sources[i].answered = 0;
		for (int i = 0; i < TRIES && a.answered < (uint64_t)a.count * a.server_count; i++)
			ask_each(&a, i > 0);
		tell(&a, now() - begin);
	} while (fgets(line, sizeof(line), stdin));
	free(a.sources);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "serve"))
		return serve(argc, argv);
	if (argc > 6 && !strcmp(argv[1], "ask"))
		return ask(argc, argv);
	fprintf(stderr, "usage: datagrams serve PORT ADDRESS... | ask WHO SOURCES FIRST PORT ADDRESS...\n");
	return 2;
}
