/* SPDX-License-Identifier: GPL-2.0 */
/*
 * policy: may a class open a flow to another class on this protocol and port? One lookup for the pair, a
 * second one where the answer depends on the port. No row means no. The class of the flow is found on the way.
 */
#ifndef SL_BPF_POLICY_H
#define SL_BPF_POLICY_H
#include "packet.h"

/* SL_POLICY_ALLOW, SL_POLICY_DENY, or 0 when no rule speaks of it. The last pair that is asked for gives the class. */
static __always_inline __u32 policy_judge_body(struct packet *p, __u32 src, __u32 dst, __be16 port,
					       __u32 *rule)
{
	struct sl_pair_key pair_key = { .src = src, .dst = dst };
	const struct sl_pair *pair = plan_row(&sl_pair, p->slot, &pair_key);
	const struct sl_ports *ports;

	*rule = 0;
	p->qos = 0;
	if (!pair)
		return 0;
	if (pair->policy != SL_POLICY_PORTS) {
		*rule = pair->rule;
		p->qos = pair->qos;
		return pair->policy;
	}
	struct sl_ports_key ports_key = {
		.prefixlen = 64,
		.set = bpf_htonl(pair->set),
		.proto = p->key.proto,
		.port = port,
	};

	ports = plan_row(&sl_ports, p->slot, &ports_key);
	if (!ports)
		return 0;
	*rule = ports->rule;
	p->qos = ports->qos;
	return ports->policy;
}
STATION(__u32, policy_judge, (struct packet * p, __u32 src, __u32 dst, __be16 port, __u32 *rule), p &&rule,
	(p, src, dst, port, rule))

#endif
