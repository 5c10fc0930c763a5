/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A message that cannot be sent is forgotten: the agent does not depend on being heard.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "notify.h"

void notify_send(const char *format, ...)
{
	const char *where = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char text[512];
	size_t length;
	va_list args;
	int fd;

	if (!where || (where[0] != '/' && where[0] != '@') || strlen(where) >= sizeof(to.sun_path))
		return;
	length = strlen(where);
	memcpy(to.sun_path, where, length);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = 0; /* the abstract name space */

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0) {
		/* Nobody there: see above. */
	}
	close(fd);
}

uint64_t notify_watchdog_ms(void)
{
	const char *us = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (!us || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(us, NULL, 10) / 2000;
}
