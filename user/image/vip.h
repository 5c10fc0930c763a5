/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outside addresses, each once whatever uses it: services however many, SNAT, a floating IP. Who has it, who
 * speaks for it, what is done with its pings. Only the outside stage includes it.
 */
#ifndef SLUICE_VIP_H
#define SLUICE_VIP_H
#include "compile.h"

struct vip {
	uint32_t addr;
	const struct eip *eip; /* that has the address, or NULL */
	const struct strings *nodes; /* that the plan says own it, the first does; or NULL */
	uint32_t bearer; /* place in c->nodes + 1 of the node whose own address it is; 0: none */
	uint32_t owner; /* place in c->nodes + 1 of the node that answers ARP for it; 0: nobody */
	uint32_t alias; /* by which the bearer's own clients reach it; 0: none */
	uint32_t cluster; /* index + 1 of the cluster whose address it is; 0: not known */
	uint16_t network; /* external network that carries it on this site; SL_NET_WORLD: none */
	enum outside_echo echo; /* as written */
	bool serves; /* some service has it */
	bool passes; /* it is a floating IP: pings are its workload's */
	bool here; /* some service of it has rows on this node, or an EIP has */
	bool in_eips; /* sl_eip has it */
};

struct vips {
	struct intern addresses;
	struct list list; /* struct vip, by number in addresses - 1 */
	uint32_t *of_service; /* that number, of each service */
};

/* Every VIP of the plan. False: memory is out, or an error is reported. */
bool vips_collect(struct compile *c, struct vips *vips);
struct vip *vip_of_service(const struct vips *vips, size_t service);
/* NULL: it is no outside address. */
struct vip *vip_at(const struct vips *vips, uint32_t addr);
bool vip_owned(const struct compile *c, const struct vip *vip);
/* Rows for those that are `here`. */
bool vips_rows(struct compile *c, const struct vips *vips);
void vips_free(struct vips *vips);

#endif
