/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a clause speaks of a pair of types that its two sides hold. Within a cluster all do but routes. Between
 * clusters hardly any: what is said there must be opened, by a route or by a VIP, or be about a node.
 */
#include "compile.h"

bool types_apart(const struct type *from, const struct type *to)
{
	return from->cluster && to->cluster && from->cluster != to->cluster;
}

/* Of nodes no route is asked; a rule that denies is heard wherever another may allow. */
static bool meet_abroad(const struct clause *clause, const struct type *from, const struct type *to,
			uint8_t opened)
{
	bool node = from->kind == TYPE_HOST || from->kind == TYPE_REMOTE_HOST || to->kind == TYPE_HOST ||
		    to->kind == TYPE_REMOTE_HOST;

	if (clause->kind == CLAUSE_QOS)
		return opened || node;
	if (to->kind == TYPE_HOST)
		return clause->kind == CLAUSE_HOST || clause->deny;
	if (opened & OPENED_BY_ROUTE)
		return true;
	return (opened & OPENED_BY_VIP) && (clause->deny || clause->vip);
}

/*
 * Clusters meet where a route leads, at a VIP that is a node's own, and where the host policy, or a rule that denies
 * more of it, says so. A host policy that is written is a limit: that the node's address stands in a network whose
 * members may talk does not widen it.
 */
bool clause_meets(const struct compile *c, struct clause *clause, const struct type *from,
		  const struct type *to, uint8_t opened)
{
	if (clause->kind == CLAUSE_INTRA && to->kind == TYPE_HOST && c->cluster->host_present)
		return false;
	if (types_apart(from, to) ? !meet_abroad(clause, from, to, opened) : clause->kind == CLAUSE_ROUTE) {
		clause->other_cluster |= types_apart(from, to);
		return false;
	}
	clause->met = true;
	return true;
}
