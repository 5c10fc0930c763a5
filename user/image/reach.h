/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reach: every protocol and port that one class may open to another, read back from the rows of sl_pair
 * and sl_ports. For proofs, for the matrix, and for people.
 */
#ifndef SLUICE_REACH_H
#define SLUICE_REACH_H
#include "image.h"

struct reach {
	struct port *
		item; /* what is allowed of the protocols that have an answer of their own; disjoint, in order */
	size_t count;
	bool named[256]; /* protocols that have one */
	bool others; /* all the other protocols are allowed */
};

/* False when memory is out. The caller frees it. */
bool reach_read(const struct image *image, uint32_t src_class, uint32_t dst_class, struct reach *reach);
void reach_free(struct reach *reach);
/* Brings a reach that was put together by hand into the form that reach_read() gives. */
void reach_settle(struct reach *reach);
bool reach_all(const struct reach *reach);
bool reach_none(const struct reach *reach);
bool reach_equal(const struct reach *a, const struct reach *b);

/*
 * Looks for a protocol and port inside `ports` (a `struct port` of the plan) that is allowed, or one that is
 * not. The whole range found is in `found`; found->any: a protocol that no row names, found->proto is one.
 */
bool reach_find(const struct reach *reach, const struct port *ports, bool allowed, struct port *found);

/*
 * Walks over what is allowed, or what is not, of the named protocols, in order: `at` holds a stretch of
 * ports and is moved to the next one. False at the end.
 */
bool reach_next(const struct reach *reach, bool allowed, struct port *at, bool first);

/* "all", "-", "tcp/443,udp/53,icmp", "all but tcp/25". */
void reach_text(const struct reach *reach, char *text, size_t size);
/* "tcp/6800-7300", "icmp", "any" */
void port_text(const struct port *port, char *text, size_t size);

#endif
