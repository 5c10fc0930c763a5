/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The reader of JSON takes what jansson takes, refuses what jansson refuses and makes the same of it: for texts of each
 * kind, for all example plans, and for these with bytes changed, left out and put in at random.
 */
#include <glob.h>
#include <jansson.h>
#include "plan_fixture.h"
#include "../../user/plan/canonical.h"
#include "../../user/plan/tree.h"

static bool same(const struct tree *v, json_t *j);

/* Members in the order they were written in, but for comments. */
static bool same_members(const struct tree *v, json_t *j)
{
	size_t at = 0;

	for (void *iter = json_object_iter(j); iter; iter = json_object_iter_next(j, iter)) {
		const char *key = json_object_iter_key(iter);

		if (*key == '#')
			continue;
		if (at == v->count || strcmp(tree_member(v, at)->key, key) != 0 ||
		    tree_get(v, key) != tree_member(v, at)->value ||
		    !same(tree_member(v, at)->value, json_object_iter_value(iter)))
			return false;
		at++;
	}
	return at == v->count && !tree_get(v, "no such key");
}

static bool same(const struct tree *v, json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return tree_is_object(v) && same_members(v, j);
	case JSON_ARRAY:
		if (!tree_is_list(v) || v->count != json_array_size(j))
			return false;
		for (size_t i = 0; i < v->count; i++)
			if (!same(tree_item(v, i), json_array_get(j, i)))
				return false;
		return true;
	case JSON_STRING:
		return tree_text(v) && !strcmp(v->text, json_string_value(j));
	case JSON_INTEGER:
		return tree_is(v, TREE_INTEGER) && v->integer == json_integer_value(j);
	case JSON_REAL:
		return tree_is(v, TREE_REAL) && v->real == json_real_value(j);
	case JSON_TRUE:
		return tree_is(v, TREE_TRUE);
	case JSON_FALSE:
		return tree_is(v, TREE_FALSE);
	case JSON_NULL:
		break;
	}
	return tree_is(v, TREE_NULL);
}

/* Is it JSON? Both must say the same. */
static bool both(const char *text, size_t length)
{
	struct arena *arena = arena_new();
	json_t *j = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	char *copy = malloc(length + 1);
	struct tree *v;
	bool taken = j;

	assert_non_null(copy);
	memcpy(copy, text, length);
	copy[length] = 0;
	v = tree_read(copy, length, arena);
	if (!v != !j || (v && !same(v, j)))
		fail_msg("jansson %s, tree_read %s: %.*s", j ? "takes" : "refuses",
			 !v ? "refuses" : "takes or makes something else", (int)length, text);
	if (!v)
		assert_memory_equal(copy, text, length); /* jansson can still say what is wrong */
	json_decref(j);
	arena_free(arena);
	free(copy);
	return taken;
}

static void takes(const char *text)
{
	if (!both(text, strlen(text)))
		fail_msg("refused: %s", text);
}

static void refuses(const char *text)
{
	if (both(text, strlen(text)))
		fail_msg("taken: %s", text);
}

static void each_kind_of_value(void **state)
{
	(void)state;
	takes("{}");
	takes(" [ ] \r\n\t");
	takes("[1,-1,0,-0,9223372036854775807,-9223372036854775808]");
	takes("[0.5,-1e3,1E+2,1e-400,2.50]");
	takes("[true,false,null,\"\",\"a\"]");
	takes("{\"a\":{\"b\":[{\"c\":[]}]},\"\":1}");
	refuses("");
	refuses("7");
	refuses("\"a\"");
	refuses("[1]x");
	refuses("[1,]");
	refuses("[,1]");
	refuses("[1 2]");
	refuses("{\"a\" 1}");
	refuses("{\"a\":1,}");
	refuses("{a:1}");
	refuses("{\"a\":1");
	refuses("[tru]");
	refuses("[truex]");
	refuses("[nulll]");
	refuses("[01]");
	refuses("[-]");
	refuses("[+1]");
	refuses("[.5]");
	refuses("[1.]");
	refuses("[1e]");
	refuses("[1e999]");
	refuses("[9223372036854775808]");
	refuses("[\xef\xbb\xbf 1]");
	refuses("\xef\xbb\xbf[]");
}

static void strings(void **state)
{
	(void)state;
	takes("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]");
	takes("[\"\\u0041\\u00e9\\u20ac\\uD83D\\uDE00 and more\"]");
	takes("[\"a\\u0041b\\u0042\",\"plain\",\"\\n\"]");
	takes("{\"k\\u0065y\":\"v\"}");
	takes("[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\"]");
	refuses("[\"\\u0000\"]");
	refuses("[\"\\ud800\"]");
	refuses("[\"\\ud800\\u0041\"]");
	refuses("[\"\\udc00\"]");
	refuses("[\"\\u12g4\"]");
	refuses("[\"\\x\"]");
	refuses("[\"\\");
	refuses("[\"a");
	refuses("[\"a\\n");
	refuses("[\"\\u12");
	refuses("[\"a\tb\"]");
	refuses("[\"\xff\"]");
	refuses("[\"\x80\"]");
	refuses("[\"\xc0\xaf\"]"); /* not the shortest form */
	refuses("[\"\xe0\x9f\xbf\"]");
	refuses("[\"\xf0\x8f\xbf\xbf\"]");
	refuses("[\"\xed\xa0\x80\"]"); /* a surrogate */
	refuses("[\"\xf4\x90\x80\x80\"]"); /* beyond Unicode */
	refuses("[\"\xc3\"]");
	refuses("[\"plain\",\"\xc3");
}

/* Few members are compared one by one, many have an index. */
static void keys_stand_once(void **state)
{
	char *text;

	(void)state;
	refuses("{\"a\":1,\"b\":2,\"a\":3}");
	refuses("{\"a\":{\"#\":1,\"#\":2}}"); /* comments too */
	takes("{\"a\":{\"a\":1},\"#b\":{\"a\":2},\"#\":[]}");
	for (int again = 0; again < 2; again++) {
		size_t used = 1;

		text = malloc(64000);
		assert_non_null(text);
		*text = '{';
		for (int i = 0; i < 3000; i++)
			used += (size_t)sprintf(text + used, "%s\"%sk%d\":%d", i ? "," : "", i % 7 ? "" : "#",
						again && i == 2999 ? 17 : i, i);
		strcpy(text + used, "}");
		assert_int_equal(both(text, used + 1), !again);
		free(text);
	}
}

static void depth_has_an_end(void **state)
{
	char text[2 * 2049 + 1];

	(void)state;
	for (int depth = 2048; depth <= 2049; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		text[2 * depth] = 0;
		assert_int_equal(both(text, 2 * (size_t)depth), depth == 2048);
	}
}

/* `pattern`, as often as it fits into a text that is read by two threads. */
static char *repeat(const char *before, const char *pattern, const char *after)
{
	const size_t least = (size_t)3 << 19, length = strlen(pattern), times = least / length;
	char *text = malloc(strlen(before) + times * length + strlen(after) + 1), *at = text;

	assert_non_null(text);
	at = stpcpy(at, before);
	for (size_t i = 0; i < times; i++)
		at = stpcpy(at, pattern);
	stpcpy(at, after);
	return text;
}

/* The second thread begins at the first "},{" behind the middle, whatever that is a part of. */
static void long_texts(void **state)
{
	static const struct {
		const char *before, *pattern, *after;
		bool taken;
	} texts[] = {
		{ "[", "{\"a\":1,\"b\":[\"x\"]} , {\"b\":{\"a\":\"\\u0041\"}},", "{}]", true },
		{ "{\"a\":{\"b\":[", "{\"a\":1},", "{}],\"c\":[{},{}]},\"d\":[]}", true },
		{ "{\"a\":[", "{\"a\":1},", "{}],\"a\":[]}", false },
		{ "[[", "{\"a\":[{\"b\":1},{\"c\":2}]},", "{}],[{\"a\":[{},{}]}]]", true },
		{ "[[", "{\"a\":[{\"b\":1},{\"c\":2}]},\n", "{}]", false },
		{ "[\"", "{},{},", "\"]", true },
		{ "[\"", "{\\\"},{\\\"},", "\",[{}]]", true },
		{ "[{\"a\":01},", "{},", "{}]", false },
		{ "[", "{\"a\":1},", "{\"a\":1}]]", false },
		{ "[", "{\"a\":1},", "{\"a\":\"\xff\"}]", false },
		{ "{}", ",{}", "", false },
		{ "[1", ",{}", "]", true },
		{ "{\"a\":1", ",{}", "}", false },
		{ "[", "{\"a\":1,\"a\":2},", "{}]", false },
		{ "[", "1,2,", "3]", true },
		/* What stands behind the list are members, of the document or not, or only look as if they were. */
		{ "{\"a\":[", "{\"a\":\"x\"},", "{}],\"b\":{\"a\":\"\\u0041\"},\"c\":[\"x\"]}", true },
		{ "{\"b\":1,\"a\":[", "{},", "{}] , \"#\":1,\"#\":2}", false },
		{ "{\"b\":1,\"a\":[", "{},", "{}] , \"#\":1,\"c\":2,\"#d\":2}", true },
		{ "{\"b\":1,\"a\":[", "{},", "{}],\"c\":2,\"b\":2}", false },
		{ "{\"b\":1,\"a\":[", "{},", "{}],\"c\":2,\"c\":2}", false },
		{ "{\"b\":1,\"a\":[", "{},", "{}],\"c\":2,}", false },
		{ "{\"b\":1,\"a\":[", "{},", "{}],\"c\":\"x\",\"d\"}", false },
		{ "{\"b\":1,\"a\":[", "{},", "{}],\"c\":2", false },
		{ "{\"b\":1,\"a\":[", "{},", "{}],\"c\":2]", false },
		{ "{\"b\":1,\"a\":[", "{},", "{}],\"c\":2}}", false },
		{ "{\"b\":1,\"a\":[", "{},", "{}],[]}", false },
		{ "{\"b\":1,\"a\":[", "{},", "{}],\"c\"]}", false },
		{ "{\"x\":{\"a\":[", "{},", "{}],\"b\":\"x\",\"c\":[\"y\"]},\"b\":\"z\"}", true },
		{ "{\"x\":{\"a\":[", "{},", "{}],\"b\":\"x\",\"c\":[\"y\"]},\"b\":\"z\",}", false },
		{ "{\"x\":[[", "{},", "{}],\"b\",[\"y\"]],\"b\":\"z\"}", true },
		{ "[[", "{},", "{}],\"b\",[\"y\"]]", true },
		{ "[[", "{},", "{}],\"b\":[\"y\"]]", false },
		{ "[[", "{},", "{}],\"b\":[\"y\"]", false },
		{ "[[", "{},", "{}],\"b\":[\"y\"]}", false },
		{ "{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"a\":[", "{},",
		  "{}],\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}", true },
		{ "{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"a\":[", "{},",
		  "{}],\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"9\":1}", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *text = repeat(texts[i].before, texts[i].pattern, texts[i].after);

		assert_int_equal(both(text, strlen(text)), texts[i].taken);
		free(text);
	}
}

/* Some are open before the comma, the others are opened behind it by the second thread. */
static void long_text_nested_deep(void **state)
{
	enum { BEFORE = 1000, DEEPEST = 2048 };
	char before[BEFORE + 1], after[2 * DEEPEST + BEFORE];

	(void)state;
	memset(before, '[', BEFORE);
	before[BEFORE] = 0;
	for (size_t depth = DEEPEST - BEFORE; depth <= DEEPEST - BEFORE + 1; depth++) {
		char *text;

		memset(after, '[', depth);
		memset(after + depth, ']', depth + BEFORE);
		after[2 * depth + BEFORE] = 0;
		text = repeat(before, "{\"a\":1},", after);
		assert_int_equal(both(text, strlen(text)), depth == DEEPEST - BEFORE);
		free(text);
	}
}

static struct tree *read_copy(const char *text, struct arena *arena)
{
	char *copy = arena_copy(arena, text, strlen(text));
	struct tree *v = tree_read(copy, strlen(text), arena);

	assert_non_null(v);
	return v;
}

/* What is copied shares its members, and may go another way. */
static void change(void **state)
{
	struct arena *arena = arena_new();
	struct tree *v = read_copy("{\"a\":1,\"b\":[1,2],\"c\":{\"d\":null}}", arena),
		    *copy = tree_copy(v, arena);
	char key[16];

	(void)state;
	assert_ptr_equal(tree_get(copy, "b"), tree_get(v, "b"));
	assert_true(tree_equal(v, copy));
	assert_true(tree_remove(copy, "a"));
	assert_false(tree_remove(copy, "a"));
	assert_false(tree_equal(v, copy));
	assert_true(tree_set(copy, "b", tree_get(v, "c"), arena));
	assert_true(tree_set(copy, "z", tree_get(v, "a"), arena));
	assert_string_equal(canonical_text(copy, arena), "{\"b\":{\"d\":null},\"c\":{\"d\":null},\"z\":1}");
	assert_string_equal(canonical_text(v, arena), "{\"a\":1,\"b\":[1,2],\"c\":{\"d\":null}}");
	assert_true(tree_extend(tree_get(v, "b"), tree_get(v, "b"), arena));
	assert_string_equal(canonical_text(tree_get(v, "b"), arena), "[1,2,1,2]");
	/* The index comes, grows and goes along with a copy. */
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_true(tree_set(v, key, tree_get(v, i % 2 ? "a" : "c"), arena));
	}
	copy = tree_copy(v, arena);
	assert_true(tree_equal(v, copy));
	assert_true(tree_remove(copy, "k500"));
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_ptr_equal(tree_get(v, key), tree_get(v, i % 2 ? "a" : "c"));
		assert_ptr_equal(tree_get(copy, key), i == 500 ? NULL : tree_get(v, i % 2 ? "a" : "c"));
	}
	assert_int_equal(tree_members(v), 1003);
	arena_free(arena);
}

/* More than is handed on at once, in strings of all lengths, a few of them longer by themselves. */
static void canonical_text_of_any_length(void **state)
{
	struct arena *arena = arena_new();
	char *text = NULL;
	size_t length = 0;
	FILE *f = open_memstream(&text, &length);

	(void)state;
	assert_non_null(f);
	fputs("[0", f);
	for (int i = 0; i < 3000; i++)
		fprintf(f, ",{\"a\":\"%0*d\",\"b\":[null,-1,\"\\\"\"]}",
			i % 1000 == 999 ? 70000 : 1 + i % 300, i);
	fputs("]", f);
	fclose(f);
	assert_string_equal(canonical_text(read_copy(text, arena), arena), text);
	free(text);
	arena_free(arena);
}

static void equality(void **state)
{
	static const char *const texts[] = {
		"[1]",	"[1.0]", "[\"1\"]", "[true]",	   "[false]", "[null]",	     "[2]",	   "[1,1]",
		"[[]]", "[{}]",	 "[[1]]",   "[{\"a\":1}]", "[\"\"]",  "[{\"a\":2}]", "[{\"b\":1}]"
	};
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
			assert_int_equal(tree_equal(read_copy(texts[i], arena), read_copy(texts[k], arena)),
					 i == k);
	assert_true(tree_equal(read_copy("{\"a\":1,\"b\":2}", arena), read_copy("{\"b\":2,\"a\":1}", arena)));
	assert_false(tree_equal(NULL, read_copy("[]", arena)));
	arena_free(arena);
}

static uint32_t turn(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Small changes of what is JSON mostly give what is nearly JSON. */
static void examples_and_what_is_near_them(void **state)
{
	static const char bytes[] = "{}[],:\"\\ue1-.0Etfn#/ \n\x01\x80\xc3\xed\xf4";
	uint32_t seed = 1;
	size_t taken = 0, tried = 0;
	glob_t files;

	(void)state;
	assert_int_equal(glob("selftests/plans/*.json", 0, NULL, &files), 0);
	assert_int_equal(glob("selftests/plans/bad/*.json", GLOB_APPEND, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		char text[65536];
		FILE *f = fopen(files.gl_pathv[i], "r");
		size_t length;

		assert_non_null(f);
		length = fread(text, 1, sizeof(text) - 64, f);
		fclose(f);
		if (memchr(text, 0, length))
			continue;
		both(text, length);
		for (int n = 0; n < 60; n++) {
			char other[65536];
			size_t at = turn(&seed) % (length + 1), cut = turn(&seed) % 3, put = turn(&seed) % 3;

			cut = cut > length - at ? length - at : cut;
			memcpy(other, text, at);
			for (size_t k = 0; k < put; k++)
				other[at + k] = bytes[turn(&seed) % (sizeof(bytes) - 1)];
			memcpy(other + at + put, text + at + cut, length - at - cut);
			taken += both(other, length - cut + put);
			tried++;
		}
	}
	globfree(&files);
	/* Both happen often, or this would be a test of one answer. */
	assert_true(tried > 2000 && taken > tried / 20 && taken < tried * 19 / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_value),
		cmocka_unit_test(strings),
		cmocka_unit_test(keys_stand_once),
		cmocka_unit_test(depth_has_an_end),
		cmocka_unit_test(long_texts),
		cmocka_unit_test(long_text_nested_deep),
		cmocka_unit_test(change),
		cmocka_unit_test(canonical_text_of_any_length),
		cmocka_unit_test(equality),
		cmocka_unit_test(examples_and_what_is_near_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
