/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stand-in for WireGuard where the kernel has none: a TUN device whose packets go to the peer of their destination
 * by UDP, scrambled, in WireGuard's form (type 4, 16 bytes in front, padding to 16, 16 behind), and come back only
 * from the peer whose prefix their source is in.
 *
 *     tunnel NAME PORT PREFIX=ADDRESS...
 *
 * It lives as long as the device. It encrypts nothing and must never be used outside of a test.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER 16
#define TAG 16
#define MAX_PEERS 64
#define MAX_PACKET 9216

struct peer {
	uint32_t prefix;
	uint32_t mask;
	struct sockaddr_in to;
};

struct ends {
	int tun;
	int udp;
	struct peer peers[MAX_PEERS];
	int count;
	uint64_t sent;
};

static int fail(const char *what)
{
	fprintf(stderr, "tunnel: %s: %s\n", what, strerror(errno));
	return 1;
}

/* The longest prefix decides, as among WireGuard's allowed IPs. */
static struct peer *peer_of(struct ends *e, uint32_t address)
{
	struct peer *best = NULL;

	for (int i = 0; i < e->count; i++)
		if ((address & e->peers[i].mask) == e->peers[i].prefix &&
		    (!best || e->peers[i].mask > best->mask))
			best = &e->peers[i];
	return best;
}

static void scramble(uint8_t *data, size_t length, uint64_t counter)
{
	uint64_t key = counter * 0x9e3779b97f4a7c15ULL + 0xd1b54a32d192ed03ULL;

	for (size_t i = 0; i < length; i++)
		data[i] ^= (uint8_t)(key >> (i % 8 * 8));
}

static uint32_t word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return ntohl(value);
}

static void out(struct ends *e)
{
	static uint8_t frame[HEADER + MAX_PACKET + 16 + TAG];
	ssize_t got = read(e->tun, frame + HEADER, MAX_PACKET);
	size_t padded;
	struct peer *p;

	if (got < 20 || frame[HEADER] >> 4 != 4)
		return;
	p = peer_of(e, word(frame + HEADER + 16));
	if (!p)
		return;
	padded = ((size_t)got + 15) & ~(size_t)15;
	memset(frame, 0, HEADER);
	frame[0] = 4;
	memcpy(frame + 8, &e->sent, sizeof(e->sent));
	memset(frame + HEADER + got, 0, padded - (size_t)got + TAG);
	scramble(frame + HEADER, padded + TAG, e->sent++);
	/* What the wire does not take is lost, as on any wire. */
	(void)!sendto(e->udp, frame, HEADER + padded + TAG, 0, (struct sockaddr *)&p->to, sizeof(p->to));
}

static void in(struct ends *e)
{
	static uint8_t frame[HEADER + MAX_PACKET + 16 + TAG];
	struct sockaddr_in from = { 0 };
	socklen_t size = sizeof(from);
	ssize_t got = recvfrom(e->udp, frame, sizeof(frame), 0, (struct sockaddr *)&from, &size);
	uint64_t counter;
	size_t length;
	struct peer *p;

	if (got < HEADER + 32 + TAG || frame[0] != 4)
		return;
	memcpy(&counter, frame + 8, sizeof(counter));
	scramble(frame + HEADER, (size_t)got - HEADER, counter);
	if (frame[HEADER] >> 4 != 4)
		return;
	length = word(frame + HEADER) & 0xffff;
	p = peer_of(e, word(frame + HEADER + 12));
	if (length < 20 || length > (size_t)got - HEADER - TAG || !p ||
	    p->to.sin_addr.s_addr != from.sin_addr.s_addr)
		return;
	(void)!write(e->tun, frame + HEADER, length);
}

static bool read_peer(struct ends *e, const char *text)
{
	char prefix[64], address[64];
	struct in_addr net, to;
	int length;
	struct peer *p = &e->peers[e->count];

	if (e->count == MAX_PEERS || sscanf(text, "%63[0-9.]/%d=%63[0-9.]", prefix, &length, address) != 3 ||
	    length < 0 || length > 32 || !inet_aton(prefix, &net) || !inet_aton(address, &to))
		return false;
	p->mask = length ? ~0U << (32 - length) : 0;
	p->prefix = ntohl(net.s_addr) & p->mask;
	p->to = (struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_addr = to,
				      .sin_port = e->peers[0].to.sin_port };
	e->count++;
	return true;
}

int main(int argc, char **argv)
{
	static struct ends e;
	struct ifreq ask = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	struct sockaddr_in here = { .sin_family = AF_INET };
	int room = 4 << 20;

	if (argc < 4) {
		fprintf(stderr, "usage: tunnel NAME PORT PREFIX=ADDRESS...\n");
		return 2;
	}
	here.sin_port = htons((uint16_t)atoi(argv[2]));
	e.peers[0].to.sin_port = here.sin_port;
	for (int i = 3; i < argc; i++)
		if (!read_peer(&e, argv[i])) {
			fprintf(stderr, "tunnel: %s is no PREFIX=ADDRESS\n", argv[i]);
			return 2;
		}
	e.tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (e.tun < 0)
		return fail("/dev/net/tun");
	snprintf(ask.ifr_name, sizeof(ask.ifr_name), "%s", argv[1]);
	if (ioctl(e.tun, TUNSETIFF, &ask))
		return fail(argv[1]);
	e.udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (e.udp < 0 || bind(e.udp, (struct sockaddr *)&here, sizeof(here)))
		return fail("UDP socket");
	setsockopt(e.udp, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	for (;;) {
		struct pollfd ready[2] = { { .fd = e.tun, .events = POLLIN },
					   { .fd = e.udp, .events = POLLIN } };

		if (poll(ready, 2, -1) < 0)
			return fail("poll");
		if (ready[0].revents & POLLERR)
			return 0; /* the device is gone */
		if (ready[0].revents & POLLIN)
			out(&e);
		if (ready[1].revents)
			in(&e);
	}
}
