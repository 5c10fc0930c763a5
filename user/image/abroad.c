/* SPDX-License-Identifier: GPL-2.0 */
/*
 * abroad: what an address means on an uplink, whatever its VPC: rows of sl_abroad. Everybody who may stand behind a
 * prefix claims it; prefixes nest or are apart, so one walk over them in order knows what holds around each. What is
 * this cluster's own has a row without flags, so that nothing wider of another cluster's takes it.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include "../plan/value.h"
#include "compile.h"

struct claim {
	struct prefix prefix;
	uint16_t cluster; /* index */
	uint16_t flags; /* SL_ABROAD_* */
	bool own;
};

struct claims {
	struct compile *c;
	struct list list; /* struct claim */
};

static bool claim(struct claims *claims, struct prefix prefix, uint32_t cluster, uint16_t flags)
{
	struct claim *at = list_add(&claims->list, 1);

	if (!at)
		return false;
	at->prefix = prefix;
	at->cluster = (uint16_t)cluster;
	at->own = cluster == claims->c->cluster_index;
	at->flags = at->own ? 0 : flags;
	return true;
}

static bool claim_prefixes(struct claims *claims, const struct prefixes *prefixes, uint32_t cluster)
{
	for (size_t i = 0; i < prefixes->count; i++) {
		if (!claim(claims, prefixes->item[i], cluster, SL_ABROAD_INSIDE))
			return false;
	}
	return true;
}

static bool claim_ranges(struct claims *claims, const struct ranges *ranges, uint32_t cluster, uint16_t flags)
{
	for (size_t i = 0; i < ranges->count; i++) {
		struct cut cut = cut_range(&ranges->item[i]);
		struct prefix piece;

		while (cut_next(&cut, &piece)) {
			if (!claim(claims, piece, cluster, flags))
				return false;
		}
	}
	return true;
}

static bool claim_cluster(struct claims *claims, uint32_t i)
{
	const struct cluster *cluster = &claims->c->plan->clusters[i];

	/* Nobody's yet: at home not even its own. */
	if (i != claims->c->cluster_index && !claim_prefixes(claims, &cluster->reserved_cidrs, i))
		return false;
	for (size_t k = 0; k < cluster->node_count; k++) {
		if (!claim_ranges(claims, &cluster->nodes[k].addresses, i, SL_ABROAD_NODE))
			return false;
	}
	for (size_t k = 0; k < cluster->pool_count; k++) {
		if (!claim_ranges(claims, &cluster->pools[k].ranges, i, SL_ABROAD_NODE))
			return false;
	}
	return claim_prefixes(claims, &cluster->pod_cidrs, i) &&
	       claim_prefixes(claims, &cluster->service_cidrs, i);
}

/* What faces the Internet may be met there. */
static bool claim_networks(struct claims *claims)
{
	const struct compile *c = claims->c;

	for (size_t i = 0; i < c->plan->network_count; i++) {
		const struct network *n = &c->plan->networks[i];

		for (size_t k = 0; k < n->site_count; k++) {
			uint32_t cluster = intern_find_name(&c->cluster_names, n->sites[k].cluster) - 1;

			if (n->external && n->routable && cluster != c->cluster_index)
				continue;
			if (!claim_prefixes(claims, &n->sites[k].cidrs, cluster))
				return false;
		}
	}
	return true;
}

static bool claim_peers(struct claims *claims)
{
	const struct compile *c = claims->c;
	const struct tunnel *tunnel = &c->cluster->tunnel;

	for (size_t i = 0; tunnel->present && i < tunnel->peer_count; i++) {
		uint32_t cluster = intern_find_name(&c->cluster_names, tunnel->peers[i].cluster);

		if (!cluster) {
			report_error(c->r, &tunnel->peers[i].place, "cluster \"%s\" is not in the plan",
				     tunnel->peers[i].cluster);
			return false;
		}
		if (!claim_ranges(claims, &tunnel->peers[i].addresses, cluster - 1,
				  SL_ABROAD_NODE | SL_ABROAD_PEER))
			return false;
	}
	return true;
}

/* Of one prefix this cluster's own claim comes first, then the others in the order of the plan. */
static int by_prefix(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	if (x->prefix.addr != y->prefix.addr)
		return x->prefix.addr < y->prefix.addr ? -1 : 1;
	if (x->prefix.len != y->prefix.len)
		return x->prefix.len - y->prefix.len;
	if (x->own != y->own)
		return y->own - x->own;
	return x->cluster - y->cluster;
}

static void taken_for_own(struct compile *c, const struct claim *foreign, const struct claim *own)
{
	char inner[PREFIX_TEXT], outer[PREFIX_TEXT];

	report_warning(
		c->r, &c->plan->clusters[foreign->cluster].place,
		"%s is also in %s of cluster %s, and there taken for its own: uplinks of %s do not keep it "
		"from passing in clear text, expected prefixes apart",
		prefix_text(foreign->prefix, inner), prefix_text(own->prefix, outer), c->cluster->name,
		c->cluster->name);
}

/* The claims that hold the prefix at hand, the innermost last. */
struct around {
	struct claim open[33];
	int depth;
};

/*
 * What all that is said of one prefix comes to. A node's address inside its cluster's networks is inside as well,
 * unless it is where WireGuard ends.
 */
static bool settle(struct compile *c, struct around *around, const struct claim *claims, size_t count,
		   struct claim *row)
{
	const struct claim *outer;

	while (around->depth && !prefix_covers(around->open[around->depth - 1].prefix, claims->prefix))
		around->depth--;
	outer = around->depth ? &around->open[around->depth - 1] : NULL;
	*row = claims[0];
	for (size_t i = 1; i < count; i++) {
		if (row->own && claims[i].flags & SL_ABROAD_INSIDE)
			taken_for_own(c, &claims[i], row);
		row->flags |= row->own ? 0 : claims[i].flags;
	}
	if (!row->own && row->flags & SL_ABROAD_INSIDE && outer && outer->own) {
		taken_for_own(c, row, outer);
		row->flags &= (uint16_t)~SL_ABROAD_INSIDE;
	}
	if (outer && outer->flags & SL_ABROAD_INSIDE && !row->own)
		row->flags |= SL_ABROAD_INSIDE;
	if (row->flags & SL_ABROAD_PEER)
		row->flags &= (uint16_t)~SL_ABROAD_INSIDE;
	around->open[around->depth++] = *row;
	return row->own || row->flags;
}

static bool add_rows(struct claims *claims)
{
	struct compile *c = claims->c;
	const struct claim *item = claims->list.item;
	struct around around = { .depth = 0 };

	for (size_t i = 0, end; i < claims->list.count; i = end) {
		struct sl_abroad_key key = { .prefixlen = item[i].prefix.len,
					     .addr = htonl(item[i].prefix.addr) };
		struct sl_abroad row = { 0 };
		struct claim settled;

		for (end = i + 1; end < claims->list.count; end++) {
			if (item[end].prefix.addr != item[i].prefix.addr ||
			    item[end].prefix.len != item[i].prefix.len)
				break;
		}
		if (!settle(c, &around, &item[i], end - i, &settled))
			continue;
		row.cluster = (uint16_t)c->plan->clusters[settled.cluster].id;
		row.flags = settled.flags;
		if (!row_add(c, SL_TABLE_sl_abroad, &key, &row))
			return false;
	}
	return true;
}

bool abroad_build(struct compile *c)
{
	struct claims claims = { .c = c, .list = { .size = sizeof(struct claim) } };
	bool done = false;

	if (c->plan->cluster_count < 2)
		return true;
	for (uint32_t i = 0; i < c->plan->cluster_count; i++) {
		if (!claim_cluster(&claims, i))
			goto out;
	}
	if (!claim_networks(&claims) || !claim_peers(&claims))
		goto out;
	if (claims.list.count)
		qsort(claims.list.item, claims.list.count, sizeof(struct claim), by_prefix);
	done = add_rows(&claims);
out:
	list_free(&claims.list);
	return done;
}
