/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One thread, one epoll set. A client can hold one of a limited number of connections for a limited time and
 * a limited amount of memory; whatever it does, others wait for seconds at most, and the agent and the
 * dataplane do not notice. Every answer ends its connection, so that the time limit can count from the
 * start: a client that sends a byte now and then would outlive a limit on silence.
 */
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "metrics.h"
#include "serve.h"

#define CONNECTIONS 64
#define CONNECTION_S 15 /* from accept to the last byte */
#define SILENCE_S 5 /* without a byte */
#define CONNECTION_MEMORY 16384 /* request head */
#define FRESH_MS 100 /* one rendering serves everybody who asks within this time */

struct connection {
	int fd; /* -1: free */
	int64_t since_ms;
};

struct server {
	const struct feed *feed;
	struct MHD_Response *page; /* the last rendering */
	int64_t page_ms;
	struct connection connection[CONNECTIONS];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct MHD_Response *text_response(const char *text)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);

	if (response) {
		MHD_add_response_header(response, "Content-Type", "text/plain; charset=utf-8");
		MHD_add_response_header(response, "Connection", "close");
	}
	return response;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int code, const char *text)
{
	struct MHD_Response *response = text_response(text);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET");
	result = MHD_queue_response(connection, code, response);
	MHD_destroy_response(response);
	return result;
}

/* Renders when the last page is no longer fresh. -1 and text in t when the tables cannot be read. */
static int refresh(struct server *server, struct trouble *t)
{
	struct page page = { 0 };
	struct MHD_Response *response;

	if (server->page && now_ms() - server->page_ms < FRESH_MS)
		return 0;
	if (metrics_render(server->feed, &page, t)) {
		page_free(&page);
		return -1;
	}
	if (page.lost || !page.text) {
		page_free(&page);
		return trouble(t, -1, "out of memory for the metrics");
	}
	response = MHD_create_response_from_buffer(page.length, page.text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		page_free(&page);
		return trouble(t, -1, "out of memory for the metrics");
	}
	MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	MHD_add_response_header(response, "Connection", "close");
	if (server->page)
		MHD_destroy_response(server->page); /* lives on while a client still reads it */
	server->page = response;
	server->page_ms = now_ms();
	return 0;
}

static enum MHD_Result request(void *closure, struct MHD_Connection *connection, const char *url,
			       const char *method, const char *version, const char *upload,
			       size_t *upload_size, void **state)
{
	static const char seen;
	struct server *server = closure;
	char why[128];
	bool healthy;

	(void)version;
	(void)upload;
	if (strcmp(method, "GET"))
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	if (!*state) { /* the head is in; a body, if any, is thrown away */
		*state = (void *)(uintptr_t)&seen;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (!strcmp(url, "/healthz")) {
		healthy = metrics_healthy(server->feed, why, sizeof(why));
		return answer(connection, healthy ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, why);
	}
	if (!strcmp(url, "/metrics")) {
		struct trouble t;

		if (refresh(server, &t))
			return answer(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, t.text);
		return MHD_queue_response(connection, MHD_HTTP_OK, server->page);
	}
	return answer(connection, MHD_HTTP_NOT_FOUND, "only /metrics and /healthz\n");
}

static void connection_notice(void *closure, struct MHD_Connection *connection, void **slot,
			      enum MHD_ConnectionNotificationCode code)
{
	struct server *server = closure;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*slot)
			((struct connection *)*slot)->fd = -1;
		return;
	}
	for (size_t i = 0; i < CONNECTIONS; i++) {
		const union MHD_ConnectionInfo *info;

		if (server->connection[i].fd >= 0)
			continue;
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		if (!info)
			return;
		server->connection[i].fd = info->connect_fd;
		server->connection[i].since_ms = now_ms();
		*slot = &server->connection[i];
		return;
	}
}

static void end_old_connections(struct server *server)
{
	int64_t now = now_ms();

	for (size_t i = 0; i < CONNECTIONS; i++)
		if (server->connection[i].fd >= 0 &&
		    now - server->connection[i].since_ms > CONNECTION_S * 1000)
			shutdown(server->connection[i].fd, SHUT_RDWR); /* the library closes it */
}

int serve(const struct feed *feed, int listener, struct trouble *t)
{
	struct server server = { .feed = feed };
	struct MHD_Daemon *daemon;

	for (size_t i = 0; i < CONNECTIONS; i++)
		server.connection[i].fd = -1;
	daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, request, &server, MHD_OPTION_LISTEN_SOCKET,
				  listener, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS,
				  MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)SILENCE_S,
				  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				  MHD_OPTION_NOTIFY_CONNECTION, connection_notice, &server, MHD_OPTION_END);
	if (!daemon)
		return trouble(t, -EIO, "cannot start the HTTP server: %s", strerror(errno));
	while (MHD_run_wait(daemon, 1000) == MHD_YES)
		end_old_connections(&server);
	MHD_stop_daemon(daemon);
	if (server.page)
		MHD_destroy_response(server.page);
	return trouble(t, -EIO, "the HTTP server stopped");
}
