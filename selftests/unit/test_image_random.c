/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random small plans against an evaluator that knows nothing of classes, prefixes or port sets: it asks of
 * each rule, route and QoS rule whether it matches these two addresses, this protocol and this port. Both must agree
 * on the answer, on the rule's number, on the class and on whose the address is, for every address that was asked.
 */
#include "image_fixture.h"

#define NETWORKS 6
#define GROUPS 5
#define WORKLOADS 24
#define RULES 9
#define ROUTES 5
#define CLASSES 3
#define NODES 3

enum { C1, C2 };

struct net {
	const char *name;
	int vpc; /* 0 default, 1 blue */
	uint32_t base[2]; /* per cluster; 0: no site */
	int intra; /* 0 deny, 1 allow, 2 same:t */
};

struct grp {
	uint32_t first, last; /* 0-0: none */
	int network; /* -1: none */
	int label; /* 0: none, else the value asked for */
	int second; /* 0: none, else the second label asked for */
};

struct wl {
	int network;
	uint32_t addr;
	int node;
	int label; /* 0: none */
	int second;
};

struct sel {
	int kind; /* enum selector_kind */
	int index; /* network, group, cluster, VPC */
	int cluster; /* network@cluster; -1 */
	uint32_t addr;
	int len;
};

struct range_of_ports {
	int proto; /* -1: any */
	uint32_t first, last;
};

struct rul {
	struct sel from[2], to[2];
	int froms, tos;
	struct range_of_ports ports[3];
	int port_count;
	bool deny;
	int class; /* of a QoS rule */
};

struct model {
	struct net nets[NETWORKS];
	struct grp groups[GROUPS];
	struct wl workloads[WORKLOADS];
	int workload_count;
	struct rul rules[RULES];
	int rule_count;
	uint32_t node_addr[NODES];
	bool host_present;
	struct rul host[2];
	int host_count;
	struct rul routes[ROUTES];
	int route_count;
	struct rul qos[RULES];
	int qos_count;
	bool rated; /* label "t" has a rate */
};

/* What an address is, found by looking. */
struct who {
	uint32_t addr;
	int vpc;
	int network; /* -1: none */
	int cluster; /* -1: none */
	int host; /* 1 this node, 2 another */
	const struct wl *workload;
};

static uint64_t state;

static uint32_t roll(uint32_t below)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33) % below;
}

static const int node_cluster[NODES] = { C1, C1, C2 };
static const char *const node_names[NODES] = { "n1", "n2", "m1" };
static const char *const cluster_names[] = { "c1", "c2" };
static const char *const vpc_names[] = { "default", "blue" };
static const char *const class_names[CLASSES] = { "q-late", "q-first", "q-middle" };
static const uint32_t class_priority[CLASSES] = { 3, 1, 2 };
/* Of a cluster, outside its networks. */
static const struct {
	const char *key;
	int cluster;
	uint32_t first, count;
	const char *text;
} pods[] = {
	{ "pod_cidrs", C1, 192, 64, "10.0.0.192/26" },
	{ "service_cidrs", C2, 384, 32, "10.0.1.128/27" },
	{ "pod_cidrs", C2, 448, 64, "10.0.1.192/26" },
};
static const int protos[] = { 6, 17, 132, 1, 47 };
static const char *const proto_names[] = { "tcp", "udp", "sctp", "icmp", "proto/47" };

/* --- making --- */

static struct sel random_selector(void)
{
	static const int kinds[] = { SELECT_ANY,   SELECT_NETWORK,    SELECT_NETWORK, SELECT_NETWORK,
				     SELECT_GROUP, SELECT_GROUP,      SELECT_GROUP,   SELECT_CIDR,
				     SELECT_CIDR,  SELECT_CLUSTER,    SELECT_VPC,     SELECT_WORLD,
				     SELECT_HOST,  SELECT_REMOTE_HOST };
	struct sel s = { .kind = kinds[roll(sizeof(kinds) / sizeof(*kinds))], .cluster = -1 };

	if (s.kind == SELECT_NETWORK) {
		s.index = (int)roll(NETWORKS);
		s.cluster = roll(4) ? -1 : (int)roll(2);
	} else if (s.kind == SELECT_GROUP) {
		s.index = (int)roll(GROUPS);
	} else if (s.kind == SELECT_CLUSTER || s.kind == SELECT_VPC) {
		s.index = (int)roll(2);
	} else if (s.kind == SELECT_CIDR) {
		s.len = roll(6) ? 22 + (int)roll(11) : 0;
		s.addr = s.len ? (addr("10.0.0.0") + roll(512)) & (UINT32_MAX << (32 - s.len)) : 0;
	}
	return s;
}

static void random_ports(struct rul *rule)
{
	static const uint32_t edges[] = { 1, 1, 2, 80, 443, 1023, 1024, 32767, 32768, 65534, 65535 };

	rule->port_count = 1 + (int)roll(3);
	for (int i = 0; i < rule->port_count; i++) {
		struct range_of_ports *p = &rule->ports[i];
		int pick = (int)roll(9);
		uint32_t a = edges[roll(11)], b = roll(3) ? a : edges[roll(11)];

		*p = (struct range_of_ports){ .proto = -1 };
		if (pick == 0)
			continue;
		p->proto = protos[pick < 6 ? roll(2) : roll(5)];
		p->first = a < b ? a : b;
		p->last = a < b ? b : a;
		if (roll(5) == 0) {
			p->first = 0;
			p->last = 65535;
		}
	}
}

static void random_line(struct rul *r)
{
	r->froms = 1 + (int)roll(2);
	r->tos = 1 + (int)roll(2);
	for (int k = 0; k < 2; k++) {
		r->from[k] = random_selector();
		r->to[k] = random_selector();
	}
	random_ports(r);
}

/* Between sites of the networks in the VPC default. */
static void random_routes(struct model *m)
{
	m->route_count = (int)roll(ROUTES + 1);
	for (int i = 0; i < m->route_count; i++) {
		struct rul *r = &m->routes[i];
		int cluster = (int)roll(2);

		r->froms = r->tos = 1;
		r->from[0] =
			(struct sel){ .kind = SELECT_NETWORK, .cluster = cluster, .index = (int)roll(3) };
		r->to[0] = (struct sel){ .kind = SELECT_NETWORK, .cluster = !cluster, .index = (int)roll(3) };
		random_ports(r);
	}
}

static void random_model(struct model *m)
{
	static const char *const names[NETWORKS] = { "net-a", "net-b", "net-c", "net-d", "net-e", "net-f" };
	uint32_t ten = addr("10.0.0.0");
	/* The first three in VPC default, then the same space again in blue. */
	static const struct {
		int vpc, c1, c2;
	} places[NETWORKS] = {
		{ 0, 0, 256 }, { 0, 64, -1 }, { 0, 128, 320 }, { 1, 0, -1 }, { 1, 64, 256 }, { 1, 128, -1 },
	};

	memset(m, 0, sizeof(*m));
	for (int i = 0; i < NETWORKS; i++) {
		m->nets[i] = (struct net){ .name = names[i], .vpc = places[i].vpc, .intra = (int)roll(3) };
		m->nets[i].base[C1] = ten + (uint32_t)places[i].c1;
		m->nets[i].base[C2] = places[i].c2 < 0 ? 0 : ten + (uint32_t)places[i].c2;
	}
	for (int i = 0; i < GROUPS; i++) {
		struct grp *g = &m->groups[i];
		uint32_t first = roll(512);

		*g = (struct grp){ .network = -1 };
		if (roll(3)) {
			g->first = ten + first;
			g->last = roll(3) ? g->first + roll(512 - first) : g->first;
		}
		g->network = roll(3) ? -1 : (int)roll(NETWORKS);
		g->label = (int)roll(4);
		g->second = g->label ? (int)roll(3) : 0;
		if (!g->first && g->network < 0 && !g->label)
			g->label = 1;
	}
	m->node_addr[0] = roll(2) ? ten + 10 : addr("172.16.0.1");
	m->node_addr[1] = roll(2) ? ten + 11 : addr("172.16.0.2");
	m->node_addr[2] = roll(2) ? ten + 266 : addr("172.16.0.3");
	for (int i = 0; i < WORKLOADS; i++) {
		struct wl *w = &m->workloads[m->workload_count];
		bool taken = false;

		*w = (struct wl){ .network = (int)roll(NETWORKS),
				  .node = (int)roll(NODES),
				  .label = (int)roll(4),
				  .second = (int)roll(3) };
		if (!m->nets[w->network].base[node_cluster[w->node]])
			continue;
		w->addr = m->nets[w->network].base[node_cluster[w->node]] + 1 + roll(62);
		for (int k = 0; k < m->workload_count; k++)
			taken |= m->workloads[k].addr == w->addr &&
				 m->nets[m->workloads[k].network].vpc == m->nets[w->network].vpc;
		for (int k = 0; k < NODES; k++)
			taken |= m->node_addr[k] == w->addr;
		m->workload_count += !taken;
	}
	m->rule_count = (int)roll(RULES + 1);
	for (int i = 0; i < m->rule_count + 2; i++) {
		struct rul *r = i < m->rule_count ? &m->rules[i] : &m->host[i - m->rule_count];

		random_line(r);
		r->deny = i < m->rule_count && !roll(3);
	}
	m->host_present = roll(2);
	m->host_count = (int)roll(3);
	random_routes(m);
	m->qos_count = roll(2) ? (int)roll(RULES + 1) : 0;
	for (int i = 0; i < m->qos_count; i++) {
		random_line(&m->qos[i]);
		m->qos[i].class = (int)roll(CLASSES);
	}
	m->rated = roll(2);
}

/* --- writing --- */

static void write_selector(FILE *f, const struct model *m, const struct sel *s)
{
	switch (s->kind) {
	case SELECT_ANY:
		fprintf(f, "\"any\"");
		break;
	case SELECT_NETWORK:
		fprintf(f, "\"network:%s%s%s\"", m->nets[s->index].name, s->cluster < 0 ? "" : "@",
			s->cluster < 0 ? "" : cluster_names[s->cluster]);
		break;
	case SELECT_GROUP:
		fprintf(f, "\"group:g%d\"", s->index);
		break;
	case SELECT_CIDR:
		fprintf(f, "\"cidr:%u.%u.%u.%u/%d\"", s->addr >> 24, s->addr >> 16 & 255, s->addr >> 8 & 255,
			s->addr & 255, s->len);
		break;
	case SELECT_CLUSTER:
		fprintf(f, "\"cluster:%s\"", cluster_names[s->index]);
		break;
	case SELECT_VPC:
		fprintf(f, "\"vpc:%s\"", vpc_names[s->index]);
		break;
	case SELECT_WORLD:
		fprintf(f, "\"world\"");
		break;
	case SELECT_HOST:
		fprintf(f, "\"host\"");
		break;
	default:
		fprintf(f, "\"remote-host\"");
	}
}

static void write_selectors(FILE *f, const struct model *m, const char *key, const struct sel *s, int count)
{
	fprintf(f, "\"%s\": [", key);
	for (int i = 0; i < count; i++) {
		fprintf(f, "%s", i ? ", " : "");
		write_selector(f, m, &s[i]);
	}
	fprintf(f, "], ");
}

static const char *proto_name(int proto)
{
	for (int i = 0; i < 5; i++) {
		if (protos[i] == proto)
			return proto_names[i];
	}
	return "any";
}

static bool portless(int proto)
{
	return proto != 6 && proto != 17 && proto != 132;
}

static void write_ports(FILE *f, const struct rul *r)
{
	fprintf(f, "\"ports\": [");
	for (int i = 0; i < r->port_count; i++) {
		const struct range_of_ports *p = &r->ports[i];

		fprintf(f, "%s\"%s", i ? ", " : "", proto_name(p->proto));
		if (portless(p->proto) || (p->first == 0 && p->last == 65535))
			fprintf(f, "\"");
		else if (p->first == p->last)
			fprintf(f, "/%u\"", p->first);
		else
			fprintf(f, "/%u-%u\"", p->first, p->last);
	}
	fprintf(f, "]");
}

static void dotted(FILE *f, uint32_t a)
{
	fprintf(f, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

static void write_labels(FILE *f, int label, int second)
{
	fprintf(f, "\"labels\": {");
	if (label)
		fprintf(f, "\"t\": \"%d\"", label);
	if (second)
		fprintf(f, "%s\"u\": \"%d\"", label ? ", " : "", second);
	fprintf(f, "}");
}

/* Workloads from the last to the first if `backwards`: their order must not matter. */
static char *write_plan(const struct model *m, bool backwards)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fprintf(f, "{\"sluice\": 1, \"fabric\": \"random\", \"clusters\": {");
	for (int c = 0; c < 2; c++) {
		fprintf(f, "%s\"%s\": {\"id\": %d, ", c ? ", " : "", cluster_names[c], c + 1);
		if (c == C1 && m->host_present) {
			fprintf(f, "\"host\": {\"allow\": [");
			for (int i = 0; i < m->host_count; i++) {
				fprintf(f, "%s{", i ? ", " : "");
				write_selectors(f, m, "from", m->host[i].from, m->host[i].froms);
				write_ports(f, &m->host[i]);
				fprintf(f, "}");
			}
			fprintf(f, "]}, ");
		}
		for (int i = 0; i < 3; i++) {
			if (pods[i].cluster == c)
				fprintf(f, "\"%s\": [\"%s\"], ", pods[i].key, pods[i].text);
		}
		fprintf(f, "\"nodes\": {");
		for (int n = 0, first = 1; n < NODES; n++) {
			if (node_cluster[n] != c)
				continue;
			fprintf(f, "%s\"%s\": {\"addresses\": [\"", first ? "" : ", ", node_names[n]);
			dotted(f, m->node_addr[n]);
			fprintf(f, "\"], \"uplinks\": {\"eth0\": {}}}");
			first = 0;
		}
		fprintf(f, "}}");
	}
	fprintf(f, "}, \"vpcs\": {\"default\": {}, \"blue\": {}}, \"networks\": {");
	for (int i = 0; i < NETWORKS; i++) {
		static const char *const intra[] = { "deny", "allow", "same:t" };
		const struct net *n = &m->nets[i];

		fprintf(f, "%s\"%s\": {\"id\": %d, \"vpc\": \"%s\", \"intra\": \"%s\", \"sites\": {",
			i ? ", " : "", n->name, 100 + i, vpc_names[n->vpc], intra[n->intra]);
		for (int c = 0; c < 2; c++) {
			if (!n->base[c])
				continue;
			fprintf(f, "%s\"%s\": {\"vlan\": %d, \"cidrs\": [\"", c ? ", " : "", cluster_names[c],
				100 + i);
			dotted(f, n->base[c]);
			fprintf(f, "/26\"]}");
		}
		fprintf(f, "}}");
	}
	fprintf(f, "}, \"groups\": {");
	for (int i = 0; i < GROUPS; i++) {
		const struct grp *g = &m->groups[i];

		fprintf(f, "%s\"g%d\": {", i ? ", " : "", i);
		if (g->first || g->network >= 0) {
			fprintf(f, "\"members\": [");
			if (g->first) {
				fprintf(f, "\"");
				dotted(f, g->first);
				fprintf(f, "-");
				dotted(f, g->last);
				fprintf(f, "\"%s", g->network >= 0 ? ", " : "");
			}
			if (g->network >= 0)
				fprintf(f, "\"network:%s\"", m->nets[g->network].name);
			fprintf(f, "]%s", g->label ? ", " : "");
		}
		if (g->label)
			write_labels(f, g->label, g->second);
		fprintf(f, "}");
	}
	fprintf(f, "}, \"workloads\": [");
	for (int i = 0; i < m->workload_count; i++) {
		int at = backwards ? m->workload_count - 1 - i : i;
		const struct wl *w = &m->workloads[at];

		fprintf(f, "%s{\"name\": \"w%d\", \"network\": \"%s\", \"address\": \"", i ? ", " : "", at,
			m->nets[w->network].name);
		dotted(f, w->addr);
		fprintf(f, "\", \"node\": \"%s\", \"interface\": \"veth%d\", ", node_names[w->node], at);
		write_labels(f, w->label, w->second);
		fprintf(f, "}");
	}
	fprintf(f, "], \"policy\": [");
	for (int i = 0; i < m->rule_count; i++) {
		fprintf(f, "%s{\"name\": \"rule-%d\", ", i ? ", " : "", i + 1);
		write_selectors(f, m, "from", m->rules[i].from, m->rules[i].froms);
		write_selectors(f, m, "to", m->rules[i].to, m->rules[i].tos);
		write_ports(f, &m->rules[i]);
		fprintf(f, ", \"action\": \"%s\"}", m->rules[i].deny ? "deny" : "allow");
	}
	fprintf(f, "], \"routes\": [");
	for (int i = 0; i < m->route_count; i++) {
		fprintf(f, "%s{\"name\": \"route-%d\", \"from\": ", i ? ", " : "", i + 1);
		write_selector(f, m, m->routes[i].from);
		fprintf(f, ", \"to\": ");
		write_selector(f, m, m->routes[i].to);
		fprintf(f, ", ");
		write_ports(f, &m->routes[i]);
		fprintf(f, "}");
	}
	fprintf(f, "], \"qos\": {\"classes\": {");
	for (int i = 0; i < CLASSES; i++)
		fprintf(f, "%s\"%s\": {\"priority\": %u}", i ? ", " : "", class_names[i], class_priority[i]);
	fprintf(f, "}, \"per_label\": {%s}, \"rules\": [", m->rated ? "\"t\": {\"rate_mbit\": 5}" : "");
	for (int i = 0; i < m->qos_count; i++) {
		fprintf(f, "%s{\"class\": \"%s\", ", i ? ", " : "", class_names[m->qos[i].class]);
		write_selectors(f, m, "from", m->qos[i].from, m->qos[i].froms);
		write_selectors(f, m, "to", m->qos[i].to, m->qos[i].tos);
		write_ports(f, &m->qos[i]);
		fprintf(f, "}");
	}
	fprintf(f, "]}}");
	assert_int_equal(fclose(f), 0);
	return text;
}

/* --- judging, the slow way --- */

static struct who look(const struct model *m, int vpc, uint32_t a)
{
	struct who w = { .addr = a, .vpc = vpc, .network = -1, .cluster = -1 };

	for (int i = 0; i < NETWORKS; i++) {
		for (int c = 0; c < 2; c++) {
			if (m->nets[i].vpc == vpc && m->nets[i].base[c] && a - m->nets[i].base[c] < 64) {
				w.network = i;
				w.cluster = c;
			}
		}
	}
	/* Another cluster's pods are not just anybody. */
	for (int i = 0; vpc == 0 && i < 3; i++) {
		if (pods[i].cluster == C2 && a - addr("10.0.0.0") - pods[i].first < pods[i].count)
			w.cluster = C2;
	}
	for (int n = 0; vpc == 0 && n < NODES; n++) {
		if (m->node_addr[n] != a)
			continue;
		w.host = n ? 2 : 1;
		w.cluster = node_cluster[n];
		return w;
	}
	for (int i = 0; i < m->workload_count; i++) {
		if (m->workloads[i].addr == a && m->nets[m->workloads[i].network].vpc == vpc)
			w.workload = &m->workloads[i];
	}
	return w;
}

static bool in_group(const struct grp *g, const struct who *w)
{
	if (g->first && w->addr >= g->first && w->addr <= g->last)
		return true;
	if (g->network >= 0 && w->network == g->network)
		return true;
	return g->label && w->workload && w->workload->label == g->label &&
	       (!g->second || w->workload->second == g->second);
}

static bool selects(const struct model *m, const struct sel *s, const struct who *w)
{
	switch (s->kind) {
	case SELECT_ANY:
		return true;
	case SELECT_NETWORK:
		return w->network == s->index && (s->cluster < 0 || s->cluster == w->cluster);
	case SELECT_GROUP:
		return in_group(&m->groups[s->index], w);
	case SELECT_CIDR:
		return !s->len || (w->addr ^ s->addr) >> (32 - s->len) == 0;
	case SELECT_CLUSTER:
		return w->cluster == s->index;
	case SELECT_VPC:
		return w->network >= 0 && w->vpc == s->index;
	case SELECT_WORLD:
		return w->network < 0 && !w->host;
	case SELECT_HOST:
		return w->host == 1;
	default:
		return w->host == 2;
	}
}

static bool speaks(const struct rul *r, int proto, uint32_t port)
{
	for (int i = 0; i < r->port_count; i++) {
		const struct range_of_ports *p = &r->ports[i];

		if (p->proto == -1 ||
		    (p->proto == proto && (portless(proto) || (port >= p->first && port <= p->last))))
			return true;
	}
	return false;
}

static bool matches_any(const struct model *m, const struct sel *s, int count, const struct who *w)
{
	for (int i = 0; i < count; i++) {
		if (selects(m, &s[i], w))
			return true;
	}
	return false;
}

static bool matches(const struct model *m, const struct rul *r, const struct who *a, const struct who *b)
{
	return matches_any(m, r->from, r->froms, a) && matches_any(m, r->to, r->tos, b);
}

/* 0: no route leads there, 1: one does, 2: for this port. */
static int slow_route(const struct model *m, const struct who *a, const struct who *b, int proto,
		      uint32_t port)
{
	int leads = 0;

	for (int i = 0; i < m->route_count && leads < 2; i++) {
		if (matches(m, &m->routes[i], a, b))
			leads = speaks(&m->routes[i], proto, port) ? 2 : 1;
	}
	return leads;
}

static uint8_t slow_class(const struct model *m, const struct who *a, const struct who *b, int proto,
			  uint32_t port)
{
	for (int i = 0; i < m->qos_count; i++) {
		if (speaks(&m->qos[i], proto, port) && matches(m, &m->qos[i], a, b))
			return (uint8_t)class_priority[m->qos[i].class]; /* all differ: they are the rows */
	}
	return 0;
}

/* Rules, postures, the host policy; `apart`: of two clusters, to this node. */
static struct image_decision slow_policy(const struct model *m, const struct who *a, const struct who *b,
					 int proto, uint32_t port, bool apart)
{
	struct image_decision no = { .policy = SL_POLICY_DENY }, d = { .said = true };
	uint32_t number = (uint32_t)m->rule_count;

	for (int deny = 1; deny >= 0; deny--) {
		for (int i = 0; i < m->rule_count; i++) {
			const struct rul *r = &m->rules[i];

			if (r->deny != deny || (apart && !deny) || !speaks(r, proto, port) ||
			    !matches(m, r, a, b))
				continue;
			d.policy = deny ? SL_POLICY_DENY : SL_POLICY_ALLOW;
			d.rule = (uint32_t)i + 1;
			return d;
		}
	}
	d.policy = SL_POLICY_ALLOW;
	for (int i = 0; i < NETWORKS; i++) {
		bool same = a->workload && b->workload && a->workload->label &&
			    a->workload->label == b->workload->label;

		if (!m->nets[i].intra)
			continue;
		d.rule = ++number;
		if (b->host == 1 && m->host_present)
			continue; /* only the host policy and the rules open a node that has one */
		if (!apart && a->network == i && b->network == i && (m->nets[i].intra == 1 || same))
			return d;
	}
	d.rule = number + 1;
	if (b->host == 1) {
		if (!m->host_present)
			return d;
		for (int i = 0; i < m->host_count; i++) {
			if (speaks(&m->host[i], proto, port) &&
			    matches_any(m, m->host[i].from, m->host[i].froms, a))
				return d;
		}
	}
	return no;
}

static struct image_decision slow_judge(const struct model *m, const struct who *a, const struct who *b,
					int proto, uint32_t port)
{
	bool apart = a->cluster >= 0 && b->cluster >= 0 && a->cluster != b->cluster;
	int route = apart ? slow_route(m, a, b, proto, port) : 0;
	struct image_decision d = { .policy = SL_POLICY_DENY };

	if (!apart || b->host == 1) {
		d = slow_policy(m, a, b, proto, port, apart);
	} else if (route == 2) {
		d = slow_policy(m, a, b, proto, port, false);
		d.said = true; /* that no rule allows it is said as well */
	}
	if (!apart || a->host || b->host || route)
		d.qos = slow_class(m, a, b, proto, port);
	return d;
}

/* --- comparing --- */

static uint32_t random_address(const struct model *m)
{
	switch (roll(8)) {
	case 0:
		return m->node_addr[roll(NODES)];
	case 1:
		return roll(2) ? addr("192.0.2.1") : roll(2) ? 0 : UINT32_MAX;
	case 2:
	case 3:
	case 4:
		if (m->workload_count)
			return m->workloads[roll((uint32_t)m->workload_count)].addr;
		/* fall through */
	default:
		return addr("10.0.0.0") + roll(512);
	}
}

/* What reach reads back from the rows is what the rows say of this port. */
static void compare_reach(const struct image *image, uint32_t src, uint32_t dst, int proto, uint32_t port,
			  bool allowed)
{
	struct port one = { .proto = (uint8_t)proto, .first = (uint16_t)port, .last = (uint16_t)port }, found;
	struct reach reach;

	assert_true(reach_read(image, src, dst, &reach));
	assert_int_equal(reach_find(&reach, &one, true, &found), allowed);
	assert_int_equal(reach_find(&reach, &one, false, &found), !allowed);
	reach_free(&reach);
}

static void compare(const struct model *m, const struct image *image)
{
	static const uint32_t ports[] = { 0,	 1,	2,     3,     79,    80,    81,
					  442,	 443,	444,   1022,  1023,  1024,  1025,
					  32766, 32767, 32768, 32769, 65533, 65534, 65535 };
	static const int tried[] = { 6, 17, 132, 1, 47, 255, 0 };

	for (int i = 0; i < 400; i++) {
		int vpc = (int)roll(2), proto = tried[roll(7)];
		struct who a = look(m, vpc, random_address(m)), b = look(m, vpc, random_address(m));
		uint32_t port = portless(proto) ? 0 : ports[roll(21)];
		uint16_t id = vpc_id(image, vpc_names[vpc]);
		const struct sl_endpoint *ea = image_classify(image, id, a.addr);
		const struct sl_endpoint *eb = image_classify(image, id, b.addr);
		struct image_decision want = slow_judge(m, &a, &b, proto, port), got;

		assert_non_null(ea);
		assert_non_null(eb);
		assert_int_equal(ea->network, a.network >= 0 ? 100 + a.network
					      : a.host == 1  ? SL_NET_HOST
							     : SL_NET_WORLD);
		assert_int_equal(ea->cluster, a.cluster + 1);
		assert_int_equal(ea->flags & SL_ENDPOINT_ABROAD, a.cluster == C2 ? SL_ENDPOINT_ABROAD : 0);
		assert_int_equal(ea->tenant != 0, m->rated && a.workload && a.workload->label && !a.host);
		got = image_judge(image, ea->class, eb->class, (uint8_t)proto, (uint16_t)port);
		if (got.policy != want.policy || got.rule != want.rule || got.qos != want.qos ||
		    got.said != want.said) {
			char *text = write_plan(m, false);

			fprintf(stderr,
				"%s\nVPC %s %08x (%s) -> %08x (%s) proto %d port %u: image says %u by %u "
				"class %u said %d, expected %u by %u class %u said %d\n",
				text, vpc_names[vpc], a.addr, image->classes[ea->class - 1].label, b.addr,
				image->classes[eb->class - 1].label, proto, port, got.policy, got.rule,
				got.qos, got.said, want.policy, want.rule, want.qos, want.said);
			free(text);
			fail();
		}
		compare_reach(image, ea->class, eb->class, proto, port, got.policy == SL_POLICY_ALLOW);
	}
}

static void random_plans_agree_with_the_slow_judge(void **unused)
{
	static struct model m;

	(void)unused;
	state = 20261121;
	for (int round = 0; round < 400; round++) {
		struct compiled a, b;
		char *text;

		random_model(&m);
		text = write_plan(&m, false);
		a = compile_text(text, "n1");
		assert_sorted(a.image);
		compare(&m, a.image);
		free(text);
		text = write_plan(&m, true);
		b = compile_text(text, "n1");
		assert_same_image(a.image, b.image);
		free(text);
		compiled_free(&a);
		compiled_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_plans_agree_with_the_slow_judge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
