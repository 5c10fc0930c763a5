/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outside addresses, see vip.h. Which node answers ARP for an address must come out the same on all of them, from the
 * plan alone: two speakers, or none, are an outage.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "vip.h"

static uint64_t fnv1a64(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3ULL;
	return hash;
}

/*
 * The node whose hash with the address is the highest (rendezvous): a node that comes or goes moves only
 * its own addresses. Gateways before others.
 */
static uint32_t elect(const struct compile *c, uint32_t addr, uint32_t cluster)
{
	char text[INET_ADDRSTRLEN + 1];
	struct in_addr in = { .s_addr = htonl(addr) };
	bool gateway = false;
	uint64_t begin, best = 0;
	uint32_t elected = 0;

	if (!inet_ntop(AF_INET, &in, text, INET_ADDRSTRLEN))
		return 0;
	begin = fnv1a64(fnv1a64(0xcbf29ce484222325ULL, text), "/");
	for (uint32_t i = 0; i < c->node_count; i++) {
		const struct node_fact *fact = &c->nodes[i];
		uint64_t hash;

		if (fact->cluster != cluster || (gateway && !fact->node->gateway))
			continue;
		hash = fnv1a64(begin, fact->node->name);
		if (elected && gateway == fact->node->gateway && hash <= best)
			continue;
		gateway = fact->node->gateway;
		best = hash;
		elected = i + 1;
	}
	return elected;
}

/* The cluster in whose pool the address lies, plus 1. */
static uint32_t pool_cluster(const struct compile *c, uint32_t addr)
{
	for (uint32_t i = 0; i < c->plan->cluster_count; i++) {
		const struct cluster *cluster = &c->plan->clusters[i];

		for (size_t k = 0; k < cluster->pool_count; k++) {
			const struct ranges *ranges = &cluster->pools[k].ranges;

			for (size_t j = 0; j < ranges->count; j++) {
				if (addr >= ranges->item[j].first && addr <= ranges->item[j].last)
					return i + 1;
			}
		}
	}
	return 0;
}

/* What the external networks say of a VIP: which carries it here, and whose an EIP is. */
static void place_outside(const struct compile *c, struct vip *vip)
{
	for (uint32_t i = 0; i < c->plan->network_count; i++) {
		const struct network *n = &c->plan->networks[i];

		if (!n->external || (vip->eip && strcmp(vip->eip->network, n->name)))
			continue;
		for (size_t k = 0; k < n->site_count; k++) {
			const struct site *site = &n->sites[k];

			if (!site_holds(site, vip->addr))
				continue;
			if (site->vlan && site == site_here(c, i))
				vip->network = (uint16_t)n->id;
			if (vip->eip)
				vip->cluster = intern_find_name(&c->cluster_names, site->cluster);
		}
	}
}

static void settle_owner(const struct compile *c, struct vip *vip)
{
	bool elected;

	place_outside(c, vip);
	if (vip->bearer)
		vip->cluster = c->nodes[vip->bearer - 1].cluster + 1;
	else if (!vip->eip)
		vip->cluster = pool_cluster(c, vip->addr);
	elected = vip->cluster && !vip->bearer;
	if (vip->nodes)
		vip->owner = intern_find_name(&c->node_names, vip->nodes->item[0]);
	else if (elected)
		vip->owner = elect(c, vip->addr, vip->cluster - 1);
	else
		vip->owner = vip->bearer;
	if (vip->owner && !vip->cluster)
		vip->cluster = c->nodes[vip->owner - 1].cluster + 1;
}

static bool index_eips(const struct compile *c, struct intern *eips)
{
	for (size_t i = 0; i < c->plan->eip_count; i++) {
		if (!intern(eips, &c->plan->eips[i].address, sizeof(uint32_t)))
			return false;
	}
	return true;
}

static struct vip *vip_add(struct vips *vips, uint32_t addr, uint32_t *number)
{
	size_t before = vips->addresses.count;
	struct vip *vip;

	*number = intern(&vips->addresses, &addr, sizeof(addr));
	if (!*number)
		return NULL;
	if (vips->addresses.count == before)
		return (struct vip *)vips->list.item + *number - 1;
	vip = list_add(&vips->list, 1);
	if (!vip)
		return NULL;
	vip->addr = addr;
	vip->echo = ECHO_UNSAID;
	vip->network = SL_NET_WORLD;
	return vip;
}

static bool collect_service(struct compile *c, struct vips *vips, size_t i, const struct intern *eips)
{
	const struct service *service = &c->plan->services[i];
	const struct eip *eip = service->eip ? plan_eip(c->plan, service->eip) : NULL;
	uint32_t number, addr;
	struct vip *vip;

	if (service->eip && !eip) {
		report_error(c->r, &service->place, "EIP \"%s\" is not in the plan", service->eip);
		return false;
	}
	addr = eip ? eip->address : service->address;
	vip = vip_add(vips, addr, &vips->of_service[i]);
	if (!vip)
		return false;
	vip->serves = true;
	number = intern_find(eips, &addr, sizeof(addr));
	if (number)
		vip->eip = &c->plan->eips[number - 1];
	if (vip->eip && vip->eip->nodes.count)
		vip->nodes = &vip->eip->nodes;
	else if (!vip->eip && !vip->nodes && service->nodes.count)
		vip->nodes = &service->nodes;
	if (vip->echo == ECHO_UNSAID)
		vip->echo = service->echo;
	return true;
}

/* The VIP with the least address from `from` on that is a node's own. */
static struct vip *next_borne(const struct vips *vips, uint64_t from)
{
	struct vip *vip = vips->list.item, *least = NULL;

	for (size_t i = 0; i < vips->list.count; i++) {
		if (vip[i].bearer && vip[i].serves && vip[i].addr >= from &&
		    (!least || vip[i].addr < least->addr))
			least = &vip[i];
	}
	return least;
}

/*
 * By a hash of the address, so that VIPs that come and go hardly ever move another's alias: flows under way have it
 * in their sockets. The same on every node.
 */
static void give_aliases(struct compile *c, const struct vips *vips)
{
	bool taken[SL_ALIASES] = { false };
	struct vip *vip = next_borne(vips, 0);

	for (size_t given = 0; vip; vip = next_borne(vips, (uint64_t)vip->addr + 1), given++) {
		char text[INET_ADDRSTRLEN];
		struct in_addr in = { .s_addr = htonl(vip->addr) };
		uint32_t at;

		if (given == SL_ALIASES) {
			report_warning(
				c->r, NULL,
				"services stand on more than %d addresses of nodes: processes of a node "
				"itself reach its own services only on the %d lowest",
				SL_ALIASES, SL_ALIASES);
			return;
		}
		if (!inet_ntop(AF_INET, &in, text, sizeof(text)))
			return;
		at = fnv1a64(0xcbf29ce484222325ULL, text) % SL_ALIASES;
		while (taken[at])
			at = (at + 1) % SL_ALIASES;
		taken[at] = true;
		vip->alias = SL_ALIAS_FIRST + at;
	}
}

/* EIPs that have rows here, whether or not services use them. */
static bool collect_eips(const struct compile *c, struct vips *vips)
{
	uint32_t number;

	for (size_t i = 0; i < c->plan->eip_count; i++) {
		const struct eip *eip = &c->plan->eips[i];
		struct vip *vip;

		if (!c->eip_here[i])
			continue;
		vip = vip_add(vips, eip->address, &number);
		if (!vip)
			return false;
		vip->eip = vip->eip ? vip->eip : eip;
		if (eip->nodes.count)
			vip->nodes = &eip->nodes;
		if (vip->echo == ECHO_UNSAID)
			vip->echo = eip->echo;
		vip->here = true;
		vip->in_eips = true;
	}
	return true;
}

/* Networks with nat_outgoing make an outside address of the node's first one. */
static bool collect_own(const struct compile *c, struct vips *vips)
{
	struct vip *vip;
	uint32_t number;

	if (!c->host_nat)
		return true;
	vip = vip_add(vips, c->node->addresses.item[0].first, &number);
	if (!vip)
		return false;
	vip->here = true;
	vip->in_eips = true;
	return true;
}

static void mark_fips(const struct compile *c, const struct vips *vips)
{
	for (size_t i = 0; i < c->plan->fip_count; i++) {
		const struct eip *eip = plan_eip(c->plan, c->plan->fips[i].eip);
		struct vip *vip = eip ? vip_at(vips, eip->address) : NULL;

		if (vip)
			vip->passes = true;
	}
}

bool vips_collect(struct compile *c, struct vips *vips)
{
	struct intern eips = { 0 };
	struct vip *vip;
	bool done = false;

	vips->list.size = sizeof(struct vip);
	vips->of_service = heap_take(&c->scratch, c->plan->service_count * sizeof(*vips->of_service));
	if (!vips->of_service || !index_eips(c, &eips))
		goto out;
	for (size_t i = 0; i < c->plan->service_count; i++) {
		if (!collect_service(c, vips, i, &eips))
			goto out;
	}
	if (!collect_eips(c, vips) || !collect_own(c, vips))
		goto out;
	mark_fips(c, vips);
	vip = vips->list.item;
	for (uint32_t i = 0; i < c->node_count; i++) {
		const struct ranges *addresses = &c->nodes[i].node->addresses;

		for (size_t k = 0; k < addresses->count; k++) {
			uint32_t number = intern_find(&vips->addresses, &addresses->item[k].first,
						      sizeof(addresses->item[k].first));

			if (number)
				vip[number - 1].bearer = i + 1;
		}
	}
	for (size_t i = 0; i < vips->list.count; i++)
		settle_owner(c, &vip[i]);
	give_aliases(c, vips);
	done = true;
out:
	intern_free(&eips);
	return done;
}

struct vip *vip_of_service(const struct vips *vips, size_t service)
{
	return (struct vip *)vips->list.item + vips->of_service[service] - 1;
}

struct vip *vip_at(const struct vips *vips, uint32_t addr)
{
	uint32_t number = intern_find(&vips->addresses, &addr, sizeof(addr));

	return number ? (struct vip *)vips->list.item + number - 1 : NULL;
}

bool vip_owned(const struct compile *c, const struct vip *vip)
{
	return vip->owner && c->nodes[vip->owner - 1].node == c->node;
}

/* The way back from a VIP's alias: on every node, as one may hold the backend and another the client. */
static bool alias_row(struct compile *c, const struct vip *vip)
{
	struct sl_vip_key key = { .addr = htonl(vip->alias) };
	struct sl_vip row = { .network = SL_NET_WORLD, .flags = SL_VIP_ALIAS, .other = htonl(vip->addr) };

	return !vip->alias || row_add(c, SL_TABLE_sl_vip, &key, &row);
}

bool vips_rows(struct compile *c, const struct vips *vips)
{
	const struct vip *vip = vips->list.item;

	for (size_t i = 0; i < vips->list.count; i++) {
		struct sl_vip_key key = { .addr = htonl(vip[i].addr) };
		struct sl_vip row = { .network = vip[i].network };
		enum outside_echo echo = vip[i].echo;

		if (!vip[i].here)
			continue;
		if (echo == ECHO_UNSAID)
			echo = vip[i].bearer ? ECHO_PASS : ECHO_ANSWER;
		if (vip[i].passes)
			echo = ECHO_PASS;
		row.flags |= vip[i].in_eips ? SL_VIP_EIP : 0;
		row.flags |= vip_owned(c, &vip[i]) ? SL_VIP_OWNED : 0;
		if (vip[i].bearer && c->nodes[vip[i].bearer - 1].node == c->node) {
			row.flags |= SL_VIP_HOST;
			row.other = htonl(vip[i].alias);
		}
		row.flags |= echo == ECHO_ANSWER ? SL_VIP_ECHO : echo == ECHO_DROP ? SL_VIP_ECHO_DROP : 0;
		if (!row_add(c, SL_TABLE_sl_vip, &key, &row) || !alias_row(c, &vip[i]))
			return false;
		c->vip_count++;
	}
	return true;
}

void vips_free(struct vips *vips)
{
	intern_free(&vips->addresses);
	list_free(&vips->list);
}
