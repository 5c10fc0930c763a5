/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opens the exporter's tables. The only place that decides what the process which listens to the network
 * may see: flows, neighbours, clients, and who may talk to whom are not among them.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../kernel/shape.h"
#include "feed.h"

static const enum sl_table_id tables[FEED_TABLES] = {
#define FEED_TABLE(table) SL_TABLE_sl_##table,
	FEED_LIST(FEED_TABLE)
#undef FEED_TABLE
};

int feed_open(struct feed *feed, const char *pins, struct trouble *t)
{
	int cpus = libbpf_num_possible_cpus();
	struct kernel k;
	int error;

	for (size_t i = 0; i < FEED_TABLES; i++)
		feed->fd[i] = -1;
	if (cpus < 1)
		return trouble(t, -ENODEV, "cannot count the CPUs: is /sys mounted?");
	feed->cpus = (uint32_t)cpus;
	error = kernel_open(&k, pins, true, t);
	if (error)
		return error;
	for (size_t i = 0; !error && i < FEED_TABLES; i++) {
		int fd = shapes[tables[i]].plan ? k.plan[tables[i]] : k.table[tables[i]];

		if (fd < 0)
			continue;
		feed->fd[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (feed->fd[i] < 0)
			error = trouble(t, -errno, "cannot give the exporter its tables: %s",
					strerror(errno));
	}
	kernel_close(&k);
	if (error)
		feed_close(feed);
	return error;
}

void feed_close(struct feed *feed)
{
	for (size_t i = 0; i < FEED_TABLES; i++) {
		if (feed->fd[i] >= 0)
			close(feed->fd[i]);
		feed->fd[i] = -1;
	}
}

/* What stands beside the descriptors: which tables they are. */
struct parcel {
	uint8_t there[FEED_TABLES];
	_Alignas(struct cmsghdr) char fds[CMSG_SPACE(FEED_TABLES * sizeof(int))];
	struct iovec text;
	struct msghdr message;
};

static void pack(struct parcel *parcel)
{
	memset(parcel, 0, sizeof(*parcel));
	parcel->text = (struct iovec){ parcel->there, sizeof(parcel->there) };
	parcel->message = (struct msghdr){ .msg_iov = &parcel->text,
					   .msg_iovlen = 1,
					   .msg_control = parcel->fds,
					   .msg_controllen = sizeof(parcel->fds) };
}

int feed_send(const struct feed *feed, int socket)
{
	struct parcel parcel;
	struct cmsghdr *head;
	size_t count = 0;
	int *fds;

	pack(&parcel);
	head = CMSG_FIRSTHDR(&parcel.message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	fds = (int *)CMSG_DATA(head);
	for (size_t i = 0; i < FEED_TABLES; i++) {
		parcel.there[i] = feed->fd[i] >= 0;
		if (parcel.there[i])
			fds[count++] = feed->fd[i];
	}
	head->cmsg_len = CMSG_LEN(count * sizeof(*fds));
	parcel.message.msg_controllen = CMSG_SPACE(count * sizeof(*fds));
	return sendmsg(socket, &parcel.message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int feed_receive(struct feed *feed, int socket)
{
	struct parcel parcel;
	struct cmsghdr *head;
	size_t count = 0;
	ssize_t got;

	pack(&parcel);
	got = recvmsg(socket, &parcel.message, MSG_CMSG_CLOEXEC);
	head = got > 0 ? CMSG_FIRSTHDR(&parcel.message) : NULL;
	if (!head || head->cmsg_type != SCM_RIGHTS)
		return -ECONNRESET;
	feed_close(feed);
	for (size_t i = 0; i < FEED_TABLES; i++) {
		bool there = parcel.there[i] && CMSG_LEN((count + 1) * sizeof(int)) <= head->cmsg_len;

		if (there)
			memcpy(&feed->fd[i], CMSG_DATA(head) + count++ * sizeof(int), sizeof(int));
	}
	return 0;
}
