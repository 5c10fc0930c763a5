/* SPDX-License-Identifier: GPL-2.0 */
/*
 * $.states: the names of the plan's states. The patches themselves are patch.c's; here is what a patch must not touch:
 * what the document is, and the states, or a state could change what another one means.
 */
#include <string.h>
#include "section.h"

bool plan_state_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return length && !name[length] && length <= STATE_LONGEST;
}

static void one_state(const struct at *at, void *out)
{
	static const char *const fixed[] = { "states", "sluice", "fabric" };

	if (!plan_state_name(at->key))
		wrong(at, "expected a state\'s name of a-z, 0-9 and -, at most %d of them", STATE_LONGEST);
	*(char **)out = keep(at, at->key);
	if (!tree_is_object(at->value)) {
		wrong(at, "found %s, expected an object: what is other in this state", type_of(at));
		return;
	}
	for (size_t m = 0; m < tree_members(at->value); m++) {
		const struct tree_member *written = tree_member(at->value, m);
		struct at member = member_of(at, written->key, written->value);

		for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
			size_t length = strlen(fixed[i]);

			if (!strncmp(member.key, fixed[i], length) &&
			    (!member.key[length] || !strcmp(member.key + length, "+")))
				wrong(&member, "is the same in every state, expected it outside of them");
		}
	}
}

void take_states(const struct at *at, const struct field *field, void *out)
{
	struct plan *plan = out;

	(void)field;
	plan->states.item = take_map(at, sizeof(*plan->states.item), one_state, &plan->states.count);
}

/* "normal" is a state of every plan. */
void default_states(struct plan *plan, const struct at *root)
{
	size_t count = plan->states.count, at = 0;
	char **item = plan->states.item, **more;

	while (at < count && strcmp(item[at], STATE_NORMAL) < 0)
		at++;
	if (at < count && !strcmp(item[at], STATE_NORMAL))
		return;
	more = arena_alloc(plan->arena, count + 1, sizeof(*more));
	if (!more)
		return;
	if (at)
		memcpy(more, item, at * sizeof(*more));
	more[at] = keep(root, STATE_NORMAL);
	if (at < count)
		memcpy(more + at + 1, item + at, (count - at) * sizeof(*more));
	plan->states = (struct strings){ more, count + 1 };
}
