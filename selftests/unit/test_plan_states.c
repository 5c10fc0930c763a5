/* SPDX-License-Identifier: GPL-2.0 */
/*
 * States of a plan: merge patches as RFC 7386 has them, lists that grow, and that a finding names the line which
 * somebody wrote, in the plan or in the state.
 */
#include "plan_fixture.h"
#include "../../user/plan/canonical.h"
#include "../../user/plan/document.h"

/* {"t": TARGET} in a state that patches it with {"t": PATCH}. */
static void patches(const char *target, const char *patch, const char *result, const char *lines)
{
	struct arena *arena = arena_new();
	struct report r = { 0 };
	const struct tree *patched;
	struct document d;
	char *text, *got, *before;

	assert_true(asprintf(&text, "{%s%s\"states\":{\"s\":%s}}", target, *target ? "," : "", patch) > 0);
	document_read_text(&d, "p", text, strlen(text), arena, &r);
	assert_non_null(d.root);
	before = canonical_text(d.root, arena);
	patched = document_in_state(&d, "s", arena, &r);
	assert_non_null(patched);
	assert_lines(&r, lines);
	assert_string_equal(before, canonical_text(d.root, arena)); /* other states start from it */
	got = canonical_text(patched, arena);
	/* The states themselves stand in it too, last but for keys behind "states". */
	assert_non_null(strstr(got, "\"states\":"));
	*strstr(got, "\"states\":") = 0;
	assert_string_equal(got, result);
	free(text);
	document_free(&d);
	arena_free(arena);
	report_free(&r);
}

#define NOT_THERE(path) "warning: p: $.states.s" path ": null takes away what is not there\n"

/* What the appendix of the RFC shows, one by one: here as members of the document. */
static void as_the_rfc_says(void **state)
{
	(void)state;
	patches("\"a\":\"b\"", "{\"a\":\"c\"}", "{\"a\":\"c\",", ""); /* another value */
	patches("\"a\":\"b\"", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\",", ""); /* one more */
	patches("\"a\":\"b\"", "{\"a\":null}", "{", ""); /* one less */
	patches("\"a\":\"b\",\"b\":\"c\"", "{\"a\":null}", "{\"b\":\"c\",", "");
	patches("\"a\":[\"b\"]", "{\"a\":\"c\"}", "{\"a\":\"c\",", ""); /* a list gives way */
	patches("\"a\":\"c\"", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"],", ""); /* to a list */
	patches("\"a\":{\"b\":\"c\"}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"},",
		NOT_THERE(".a.c")); /* inside */
	patches("\"a\":[{\"b\":\"c\"}]", "{\"a\":[1]}", "{\"a\":[1],", ""); /* lists are never merged */
	patches("\"a\":[\"a\",\"b\"]", "{\"a\":[\"c\",\"d\"]}", "{\"a\":[\"c\",\"d\"],", "");
	patches("\"a\":{\"a\":\"b\"}", "{\"a\":[\"c\"]}", "{\"a\":[\"c\"],", ""); /* an object gives way */
	patches("\"a\":{\"a\":\"foo\"}", "{\"a\":null}", "{", "");
	patches("\"a\":{\"a\":\"foo\"}", "{\"a\":\"bar\"}", "{\"a\":\"bar\",", "");
	patches("\"e\":null", "{\"a\":1}", "{\"a\":1,\"e\":null,", ""); /* null that was there stays */
	patches("\"a\":[1,2]", "{\"a\":{\"a\":\"b\",\"c\":null}}", "{\"a\":{\"a\":\"b\"},",
		NOT_THERE(".a.c"));
	patches("", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}},", NOT_THERE(".a.bb.ccc"));
	patches("\"a\":[null]", "{\"b\":[null,{\"c\":null}]}", "{\"a\":[null],\"b\":[null,{\"c\":null}],",
		"");
	patches("\"a\":1", "{}", "{\"a\":1,", "");
}

static void lists_grow(void **state)
{
	(void)state;
	patches("\"a\":[1]", "{\"a+\":[2,3]}", "{\"a\":[1,2,3],", "");
	patches("", "{\"a+\":[2]}", "{\"a\":[2],", "");
	patches("\"a\":[1]", "{\"a+\":[]}", "{\"a\":[1],", "");
	/* KEY first, whichever is written first. */
	patches("\"a\":[1]", "{\"a+\":[3],\"a\":[2]}", "{\"a\":[2,3],", "");
	patches("\"a\":[1]", "{\"a\":null,\"a+\":[3]}", "{\"a\":[3],", "");
	patches("\"o\":{\"a\":[1]}", "{\"o\":{\"a+\":[{\"b\":null}]}}", "{\"o\":{\"a\":[1,{\"b\":null}]},",
		"");
	/* Of what is new as well, but not inside a list. */
	patches("", "{\"o\":{\"a+\":[1]}}", "{\"o\":{\"a\":[1]},", "");
	patches("", "{\"o\":[{\"a+\":[1]}]}", "{\"o\":[{\"a+\":[1]}],", "");
	patches("\"+\":1", "{\"+\":2}", "{\"+\":2,", "");
	patches("\"a\":[1]", "{\"a+\":2}", "{\"a\":[1],",
		"p: $.states.s[\"a+\"]: found a number, expected a list to append to \"a\"\n");
	patches("\"o\":{\"a\":{}}", "{\"o\":{\"a+\":[2]}}", "{\"o\":{\"a\":{}},",
		"p: $.states.s.o[\"a+\"]: \"a\" is no list in the plan, expected one to append to\n");
}

static void deep_ones(void **state)
{
	char target[4096] = "\"a\":", patch[4096] = "{\"a\":", result[4096] = "{\"a\":";
	const int depth = 400;

	(void)state;
	for (int i = 1; i < depth; i++) {
		strcat(target, "{\"a\":");
		strcat(patch, "{\"a\":");
		strcat(result, "{\"a\":");
	}
	strcat(target, "{\"x\":1}");
	strcat(patch, "{\"y\":2}}");
	strcat(result, "{\"x\":1,\"y\":2}");
	for (int i = 1; i < depth; i++) {
		strcat(target, "}");
		strcat(patch, "}");
		strcat(result, "}");
	}
	strcat(result, ",");
	patches(target, patch, result, "");
}

/* --- plans */
#define RULE(name, action)                                                                                   \
	"{\"name\":\"" name                                                                                  \
	"\",\"from\":[\"any\"],\"to\":[\"any\"],\"ports\":[\"any\"],\"action\":\"" action "\"}"
#define STATES(of_recovery)                                                                                  \
	PLAN_WITH("\"policy\":[" RULE(                                                                       \
		"a", "allow") "],\"timeouts\":{\"udp_s\":200},\"states\":{"                                  \
			      "\"failover\":{\"timeouts\":{\"udp_s\":400}},\"recovery\":" of_recovery "}")

static struct reading in_state(struct states *states, const char *name)
{
	struct reading r = { 0 };

	r.plan = states_plan(states, name, &r.report);
	if (r.plan && !report_failed(&r.report))
		plan_check(r.plan, &r.report);
	return r;
}

static struct states *states_of(const char *text)
{
	struct report r = { 0 };
	struct states *states = states_read_text("p", text, strlen(text), &r);

	assert_non_null(states);
	assert_lines(&r, "");
	return states;
}

static void one_plan_in_each(void **state)
{
	struct states *states = states_of(STATES("{\"policy+\":[" RULE("b", "deny") "]}"));
	struct reading normal = in_state(states, "normal"), failover = in_state(states, "failover"),
		       recovery = in_state(states, "recovery"), again = in_state(states, "normal");

	(void)state;
	assert_lines(&recovery.report, "");
	assert_int_equal(normal.plan->states.count, 3);
	assert_string_equal(normal.plan->states.item[0], "failover");
	assert_string_equal(normal.plan->states.item[1], "normal");
	assert_string_equal(normal.plan->states.item[2], "recovery");
	assert_string_equal(normal.plan->state, "normal");
	assert_string_equal(failover.plan->state, "failover");
	assert_int_equal(normal.plan->timeouts.udp_s, 200);
	assert_int_equal(failover.plan->timeouts.udp_s, 400);
	assert_int_equal(recovery.plan->timeouts.udp_s, 200);
	assert_int_equal(normal.plan->rule_count, 1);
	assert_int_equal(recovery.plan->rule_count, 2);
	assert_true(recovery.plan->policy[1].deny);
	assert_string_equal(recovery.plan->policy[1].place.path, "$.states.recovery[\"policy+\"][0]");
	assert_string_equal(recovery.plan->policy[0].place.path, "$.policy[0]");
	assert_int_equal(again.plan->rule_count, 1);
	reading_free(&normal);
	reading_free(&failover);
	reading_free(&recovery);
	reading_free(&again);
	states_free(states);
}

/* What is kept is the plan itself, whatever state it was read in. */
static void one_text_of_all(void **state)
{
	char *normal, *other;
	struct folder f;

	(void)state;
	folder_new(&f);
	folder_write(&f, "plan.json", PLAN_WITH("\"states\":{\"s\":{\"timeouts\":{\"udp_s\":400}}}"));
	normal = copy_of(f.names[0], STATE_NORMAL);
	other = copy_of(f.names[0], "s");
	assert_non_null(strstr(normal, "udp_s"));
	assert_string_equal(other, normal);
	free(normal);
	free(other);
	folder_remove(&f);
}

static void normal_is_always_there(void **state)
{
	const char *written = PLAN_WITH("\"states\":{\"normal\":{\"timeouts\":{\"udp_s\":500}}}");
	struct reading r = read_text(PLAN_WITH("\"timeouts\":{}"), strlen(PLAN_WITH("\"timeouts\":{}")));

	(void)state;
	assert_int_equal(r.plan->states.count, 1);
	assert_string_equal(r.plan->states.item[0], "normal");
	assert_string_equal(r.plan->state, "normal");
	reading_free(&r);
	r = read_text(written, strlen(written));
	assert_lines(&r.report, "");
	assert_int_equal(r.plan->states.count, 1);
	assert_int_equal(r.plan->timeouts.udp_s, 500);
	reading_free(&r);
}

/* Findings of one state of a plan whose recovery is this. */
static void recovery_says(const char *of_recovery, const char *lines)
{
	char *text;
	struct states *states;
	struct reading r;

	assert_true(asprintf(&text,
			     "{" LEAST ",\"policy\":[" RULE(
				     "a", "allow") "],\"timeouts\":{\"udp_s\":200},"
						   "\"states\":{\"failover\":{},\"recovery\":%s}}",
			     of_recovery) > 0);
	states = states_of(text);
	r = in_state(states, "recovery");
	assert_lines(&r.report, lines);
	reading_free(&r);
	states_free(states);
	free(text);
}

static void findings_name_what_was_written(void **state)
{
	(void)state;
	recovery_says("{\"timeouts\":{\"udp_s\":1}}",
		      "p: $.states.recovery.timeouts.udp_s: 1 is out of range, expected 120 to 604800\n");
	recovery_says("{\"polcy\":[]}", "p: $.states.recovery.polcy: unknown key, expected \"policy\"?\n");
	recovery_says(
		"{\"policy+\":[{\"name\":\"b\",\"from\":[\"network:x\"],\"to\":[\"any\"],\"ports\":[\"any\"],"
		"\"action\":\"deny\"}]}",
		"p: $.states.recovery[\"policy+\"][0].from[0]: there is no network x, expected the name of "
		"one "
		"in the plan\n");
	recovery_says("{\"policy\":[7]}",
		      "p: $.states.recovery.policy[0]: found a number, expected an object\n");
	recovery_says("{\"clusters\":{\"c\":{\"id\":0}}}",
		      "p: $.states.recovery.clusters.c.id: 0 is out of range, expected 1 to 65535\n");
	/* What a patch takes away is missed where it stood. */
	recovery_says("{\"clusters\":{\"c\":{\"id\":null}}}",
		      "p: $.clusters.c: the key \"id\" is missing, expected it here\n");
	recovery_says("{\"timeouts\":{\"udp\":null}}",
		      "warning: p: $.states.recovery.timeouts.udp: null takes away what is not there\n");
}

static void what_a_state_may_not(void **state)
{
	(void)state;
	expect(PLAN_WITH("\"states\":{\"a\":{\"sluice\":1},\"b\":{\"fabric\":\"x\"},\"c\":{\"states\":{}},"
			 "\"d\":{\"states+\":[]}}"),
	       "p: $.states.a.sluice: is the same in every state, expected it outside of them\n"
	       "p: $.states.b.fabric: is the same in every state, expected it outside of them\n"
	       "p: $.states.c.states: is the same in every state, expected it outside of them\n"
	       "p: $.states.d[\"states+\"]: is the same in every state, expected it outside of them\n");
	expect(PLAN_WITH("\"states\":{\"Recovery\":{},\"\":{},\"a_b\":{},"
			 "\"12345678901234567890123456789012\":{},"
			 "\"123456789012345678901234567890123\":{}}"),
	       "p: $.states[\"\"]: expected a state's name of a-z, 0-9 and -, at most 32 of them\n"
	       "p: $.states.123456789012345678901234567890123: expected a state's name of a-z, 0-9 and -, at "
	       "most "
	       "32 of them\n"
	       "p: $.states.Recovery: expected a state's name of a-z, 0-9 and -, at most 32 of them\n"
	       "p: $.states.a_b: expected a state's name of a-z, 0-9 and -, at most 32 of them\n");
	expect(PLAN_WITH("\"states\":{\"a\":[],\"b\":null}"),
	       "p: $.states.a: found a list, expected an object: what is other in this state\n"
	       "p: $.states.b: found null, expected an object: what is other in this state\n");
	expect(PLAN_WITH("\"states\":[]"), "p: $.states: found a list, expected an object of name: value\n");
}

static void unknown_states(void **state)
{
	struct states *states = states_of(STATES("{}"));
	struct reading r = in_state(states, "recvery");

	(void)state;
	assert_lines(&r.report,
		     "p: $.states: there is no state \"recvery\", expected \"recovery\"? There are "
		     "failover, normal, recovery\n");
	assert_non_null(r.plan);
	assert_null(r.plan->state);
	reading_free(&r);
	r = in_state(states, "zzzzzzzz");
	assert_lines(&r.report,
		     "p: $.states: there is no state \"zzzzzzzz\", expected one of failover, normal, "
		     "recovery\n");
	reading_free(&r);
	states_free(states);
}

/* A plan of several files: a state may be written in one, what it patches in another. */
static void states_in_files(void **state)
{
	struct report report = { 0 };
	struct folder f;
	char *back = getcwd(NULL, 0);
	struct states *states;
	struct reading r;

	(void)state;
	folder_new(&f);
	folder_write(&f, "10.json", PLAN_WITH("\"policy\":[" RULE("a", "allow") "]"));
	folder_write(&f, "20.json",
		     "{\"policy\":[" RULE("b", "allow") "],\"timeouts\":{\"udp_s\":200},\"states\":{\"s\":{"
							"\"policy+\":[" RULE("c", "deny") "]}}}");
	folder_write(
		&f, "30.json",
		"{\"states\":{\"s\":{\"timeouts\":{\"udp_s\":3},\"policy+\":[" RULE("d", "deny") ",7]}}}");
	assert_int_equal(chdir(f.path), 0);
	states = states_read(".", &report);
	assert_lines(&report, "");
	r = in_state(states, "s");
	assert_lines(&r.report,
		     "./30.json: $.states.s[\"policy+\"][1]: found a number, expected an object\n"
		     "./30.json: $.states.s.timeouts.udp_s: 3 is out of range, expected 120 to 604800\n");
	assert_int_equal(r.plan->rule_count, 5);
	assert_string_equal(r.plan->policy[0].place.file, "./10.json");
	assert_string_equal(r.plan->policy[1].place.file, "./20.json");
	assert_string_equal(r.plan->policy[1].place.path, "$.policy[0]");
	assert_string_equal(r.plan->policy[2].place.file, "./20.json");
	assert_string_equal(r.plan->policy[2].place.path, "$.states.s[\"policy+\"][0]");
	assert_string_equal(r.plan->policy[3].place.file, "./30.json");
	assert_string_equal(r.plan->policy[3].place.path, "$.states.s[\"policy+\"][0]");
	reading_free(&r);
	states_free(states);
	/* In a state, or where there is none, in another one: as a node does that stopped half-way. */
	r.plan = plan_read_in("10.json", "s", NULL, NULL, &report);
	assert_null(r.plan->state);
	plan_free(r.plan);
	report_free(&report);
	r.plan = plan_read_in("10.json", "s", "normal", NULL, &report);
	assert_lines(&report, "");
	assert_string_equal(r.plan->state, "normal");
	plan_free(r.plan);
	assert_int_equal(chdir(back), 0);
	free(back);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_rfc_says),
		cmocka_unit_test(lists_grow),
		cmocka_unit_test(deep_ones),
		cmocka_unit_test(one_plan_in_each),
		cmocka_unit_test(one_text_of_all),
		cmocka_unit_test(normal_is_always_there),
		cmocka_unit_test(findings_name_what_was_written),
		cmocka_unit_test(what_a_state_may_not),
		cmocka_unit_test(unknown_states),
		cmocka_unit_test(states_in_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
