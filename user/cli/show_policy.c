/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sluice show policy: the rules with their numbers, or who reaches whom by the image that they compile
 * to. Without --plan it speaks of the plan that was applied last. It asks the kernel nothing.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../image/image.h"
#include "../image/matrix.h"
#include "../image/selector.h"
#include "cli.h"
#include "phrase.h"
#include "policy_json.h"
#include "show.h"
#include "../agent/fence.h"
#include "../agent/state.h"

#define CELL 512

struct show {
	const char *path; /* of the plan; NULL: the one that was applied last, in the state in force */
	const char *node;
	bool matrix;
	bool json;
	char node_name[SL_NAME_LEN + 256];
};

static void print_rule(size_t number, const char *action, const char *name, const struct selectors *from,
		       const struct selectors *to, const struct ports *ports)
{
	char from_text[CELL], to_text[CELL], port_list[CELL];

	phrase_selectors(from, from_text, sizeof(from_text));
	phrase_selectors(to, to_text, sizeof(to_text));
	phrase_ports(ports, port_list, sizeof(port_list));
	printf("%4zu  %-5s  %-28s  %s -> %s  %s\n", number, action, name, from_text, to_text, port_list);
}

static void print_rules(const struct plan *plan, const struct cluster *cluster)
{
	struct selector host = { .kind = SELECT_HOST }, any = { .kind = SELECT_ANY };
	const struct selectors hosts = { .item = &host, .count = 1 },
			       everybody = { .item = &any, .count = 1 };
	const struct ports every_port = { 0 };
	size_t number = 0;
	char name[SL_NAME_LEN + 16];

	for (size_t i = 0; i < plan->rule_count; i++) {
		const struct rule *rule = &plan->policy[i];

		print_rule(++number, rule->deny ? "deny" : "allow", rule->name, &rule->from, &rule->to,
			   &rule->ports);
	}
	for (size_t i = 0; i < plan->network_count; i++) {
		const struct network *n = &plan->networks[i];

		if (n->intra == INTRA_DENY)
			continue;
		snprintf(name, sizeof(name), "intra %s", n->name);
		printf("%4zu  allow  %-28s  network:%s -> network:%s  any", ++number, name, n->name, n->name);
		printf(n->intra == INTRA_SAME ? ", same %s only\n" : "\n", n->intra_label);
	}
	number++;
	if (!cluster->host_present)
		print_rule(number, "allow", "host", &everybody, &hosts, &every_port);
	for (size_t i = 0; i < cluster->host_allow_count; i++)
		print_rule(number, "allow", "host", &cluster->host_allow[i].from, &hosts,
			   &cluster->host_allow[i].ports);
	printf("   0  deny   default deny                  everything else\n");
}

static int print_matrix(const struct matrix *m)
{
	char(*text)[CELL] = calloc(m->count * m->count + 1, sizeof(*text));
	size_t *width = calloc(m->count + 1, sizeof(*width)), first = 4;

	if (!text || !width) {
		free(text);
		free(width);
		fprintf(stderr, "sluice: memory ran out while printing the matrix\n");
		return EXIT_REFUSED;
	}
	for (size_t a = 0; a < m->count; a++) {
		first = strlen(m->ends[a].name) > first ? strlen(m->ends[a].name) : first;
		for (size_t b = 0; b < m->count; b++) {
			char *cell = text[a * m->count + b];
			size_t *w = &width[b];

			matrix_text(&m->cells[a * m->count + b], cell, CELL);
			*w = strlen(cell) > *w ? strlen(cell) : *w;
			*w = strlen(m->ends[b].name) > *w ? strlen(m->ends[b].name) : *w;
		}
	}
	printf("%-*s", (int)first, "from");
	for (size_t b = 0; b < m->count; b++)
		printf("  %-*s", b + 1 < m->count ? (int)width[b] : 0, m->ends[b].name);
	for (size_t a = 0; a < m->count; a++) {
		printf("\n%-*s", (int)first, m->ends[a].name);
		for (size_t b = 0; b < m->count; b++)
			printf("  %-*s", b + 1 < m->count ? (int)width[b] : 0, text[a * m->count + b]);
	}
	putchar('\n');
	free(text);
	free(width);
	return EXIT_DONE;
}

static int print(const struct show *s, const struct plan *plan, const struct image *image,
		 const struct cluster *cluster)
{
	struct matrix matrix = { 0 };
	int code;

	if (!s->matrix && s->json)
		return show_json(rules_json(plan, cluster));
	if (!s->matrix) {
		print_rules(plan, cluster);
		return EXIT_DONE;
	}
	if (!matrix_build(image, &matrix)) {
		fprintf(stderr, "sluice: memory ran out while reading the matrix\n");
		return EXIT_REFUSED;
	}
	code = s->json ? show_json(matrix_json(image, &matrix)) : print_matrix(&matrix);
	matrix_free(&matrix);
	return code;
}

static int show(const struct show *s)
{
	struct report r = { 0 };
	struct trouble t;
	struct plan *plan = s->path ? plan_read(s->path, &r) : fence_plan(cli_state(), &r, &t);
	struct image *image = NULL;
	const struct cluster *cluster = NULL;
	int code = EXIT_REFUSED;

	if (!s->path && !plan)
		show_failed(&t);
	if (plan && !report_failed(&r))
		plan_check(plan, &r);
	if (plan && !report_failed(&r))
		image = image_compile(plan, s->node, NULL, &r);
	if (!image) {
		report_print(&r, stderr);
		goto out;
	}
	plan_node(plan, s->node, &cluster);
	code = print(s, plan, image, cluster);
out:
	image_free(image);
	plan_free(plan);
	report_free(&r);
	return code;
}

/* Without --plan: the plan and node of the last apply. */
static int from_state(struct show *s)
{
	struct trouble t = { 0 };
	char path[PATH_MAX];
	int error = state_path(path, sizeof(path), cli_state(), STATE_PLAN);

	if (error || access(path, R_OK)) {
		fprintf(stderr, "sluice: no plan has been applied here (%s/%s): name one with --plan\n",
			cli_state(), STATE_PLAN);
		return EXIT_REFUSED;
	}
	if (s->node)
		return EXIT_DONE;
	error = state_node(cli_state(), s->node_name, &t);
	if (error) {
		fprintf(stderr, "sluice: %s\n",
			t.text[0] ? t.text : "the applied plan's node is not known: name it with --node");
		return EXIT_REFUSED;
	}
	s->node = s->node_name;
	return EXIT_DONE;
}

int cmd_show_policy(int argc, char **argv)
{
	static const struct option options[] = {
		{ "plan", required_argument, NULL, 'p' },
		{ "node", required_argument, NULL, 'n' },
		{ "matrix", no_argument, NULL, 'm' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	struct show s = { 0 };
	int option;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			s.path = optarg;
			break;
		case 'n':
			s.node = optarg;
			break;
		case 'm':
			s.matrix = true;
			break;
		case 'j':
			s.json = true;
			break;
		default:
			return cli_usage("show", "%s: unknown option, or its value is missing",
					 argv[optind - 1]);
		}
	}
	if (optind < argc)
		return cli_usage("show", "unexpected \"%s\"", argv[optind]);
	if (!s.path && from_state(&s) != EXIT_DONE)
		return EXIT_REFUSED;
	if (!s.node) {
		if (gethostname(s.node_name, sizeof(s.node_name) - 1)) {
			fprintf(stderr,
				"sluice: this node's host name is not known: name the node with --node\n");
			return EXIT_REFUSED;
		}
		s.node = s.node_name;
	}
	return show(&s);
}
