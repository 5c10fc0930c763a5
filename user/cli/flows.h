/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One flow as `sluice show flows` sees it, and which flows are asked for.
 */
#ifndef SLUICE_FLOWS_H
#define SLUICE_FLOWS_H
#include <stdbool.h>
#include <stdint.h>
#include "../kernel/names.h"
#include "../kernel/kernel.h"

/* An address and port; `there`: the flow has one. */
struct flow_end {
	bool there;
	uint32_t addr_be;
	uint16_t port_be;
};

struct flow_line {
	const struct sl_flow_key *key; /* of the direction that opened */
	struct sl_flow forward;
	struct sl_flow back; /* zero counters if its entry is gone */
	bool established; /* which table */
	bool service; /* it goes to a VIP */
	uint16_t far_vpc; /* of the other direction */
	struct flow_end as; /* what the source is to the destination, if that is not the source itself */
	struct flow_end behind; /* what stands behind the destination */
};

struct flow_filter {
	const char *network; /* NULL: every one; so with all the others */
	const char *vpc;
	const char *service; /* name, VIP, or VIP:PORT */
	const char *eip; /* name or address */
	bool has_address;
	uint32_t address_be;
	uint32_t eip_be; /* what `eip` is, once flow_filter_find() found it */
	long port; /* -1: every one */
	long proto; /* -1: every one */
	int state; /* -1: every one */
	long limit; /* 0: no limit; -1: not said */
	bool json;
};

#define FLOW_FILTER_NONE                                                                                     \
	{                                                                                                    \
		.port = -1, .proto = -1, .state = -1, .limit = -1                                            \
	}

/* From the command line; the exit code, after saying what is wrong. */
int flow_filter_read(struct flow_filter *f, int argc, char **argv);
/* What a name means; false if there is no such EIP. */
bool flow_filter_find(struct flow_filter *f, const struct kernel *k);
/* All that was asked for must be so. */
bool flow_wanted(const struct flow_filter *f, const struct kernel *k, const struct flow_line *line);

const char *flow_state_name(const struct sl_flow *flow);

#endif
