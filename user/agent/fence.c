/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fences are written as text: JSON knows no whole numbers above 2^53.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "fence.h"
#include "journal.h"
#include "state.h"

/* More is no file of ours. */
#define FENCE_LARGEST 4096

bool fence_number(const char *text, uint64_t *number)
{
	size_t length = strspn(text, "0123456789");

	if (!length || text[length])
		return false;
	errno = 0;
	*number = strtoull(text, NULL, 10);
	return !errno;
}

static bool plain_name(const char *name)
{
	size_t length = 0;

	for (; name && name[length]; length++)
		if (!isgraph((unsigned char)name[length]))
			return false;
	return length && length < FENCE_WHO;
}

/* Whoever logged in, also behind sudo; a daemon has no login. */
void fence_sign(struct fence_sign *sign)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *user = getpwuid(getuid());
	char login[FENCE_WHO];
	time_t now = time(NULL);
	struct tm tm;

	*sign = (struct fence_sign){ .uid = getuid() };
	if (!getlogin_r(login, sizeof(login)) && plain_name(login))
		snprintf(sign->who, sizeof(sign->who), "%s", login);
	else if (plain_name(sudo))
		snprintf(sign->who, sizeof(sign->who), "%s", sudo);
	else if (user && plain_name(user->pw_name))
		snprintf(sign->who, sizeof(sign->who), "%s", user->pw_name);
	else
		snprintf(sign->who, sizeof(sign->who), "uid %u", (unsigned int)sign->uid);
	if (gmtime_r(&now, &tm))
		strftime(sign->time, sizeof(sign->time), "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Whole file or nothing; a file that is too long is cut, and then no JSON. */
static int read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;
	size_t length = 0;

	if (fd < 0)
		return -errno;
	while (!error && length < size - 1) {
		ssize_t got = read(fd, text + length, size - 1 - length);

		if (!got)
			break;
		if (got > 0)
			length += (size_t)got;
		else if (errno != EINTR)
			error = -errno;
	}
	text[length] = 0;
	close(fd);
	return error;
}

static bool understand(const char *text, struct fence *fence)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *state, *before, *number, *who, *when;
	json_int_t uid;
	int whole;
	bool sound;

	sound = root &&
		!json_unpack(root, "{s:s, s:s, s:s, s:s, s:I, s:s, s:b}", "state", &state, "fence", &number,
			     "before", &before, "who", &who, "uid", &uid, "time", &when, "whole", &whole);
	sound = sound && plan_state_name(state) && plan_state_name(before) && strlen(who) < FENCE_WHO &&
		strlen(when) < FENCE_TIME && fence_number(number, &fence->number);
	if (sound) {
		fence->used = true;
		fence->whole = whole;
		fence->sign.uid = (uid_t)uid;
		snprintf(fence->state, sizeof(fence->state), "%s", state);
		snprintf(fence->before, sizeof(fence->before), "%s", before);
		snprintf(fence->sign.who, sizeof(fence->sign.who), "%s", who);
		snprintf(fence->sign.time, sizeof(fence->sign.time), "%s", when);
	}
	json_decref(root);
	return sound;
}

/* No file. Then the journal must not know of any, or somebody has lost it. */
static int ask_journal(const char *dir, struct fence *fence, struct trouble *t)
{
	int known = journal_last(dir, fence, t);

	if (known <= 0)
		return known;
	return trouble(
		t, -ENODATA,
		"%s/%s is missing, but the journal beside it says: state \"%s\" with fence %" PRIu64
		"; put the file back, or order a state with a greater fence: sluice state %s --fence N",
		dir, FENCE_FILE, fence->state, fence->number, fence->state);
}

int fence_read(const char *dir, struct fence *fence, struct trouble *t)
{
	char path[PATH_MAX], text[FENCE_LARGEST];
	int error = state_path(path, sizeof(path), dir, FENCE_FILE);

	*fence = (struct fence){ .state = STATE_NORMAL, .before = STATE_NORMAL, .whole = true };
	if (error)
		return trouble(t, error, "the name of the state directory is too long");
	error = read_text(path, text, sizeof(text));
	if (error == -ENOENT)
		return ask_journal(dir, fence, t);
	if (error)
		return trouble(t, error, "cannot read %s: %s: which state this node is in is not known", path,
			       strerror(-error));
	if (!understand(text, fence))
		return trouble(
			t, -EINVAL,
			"%s is damaged: which state this node is in is not known; put it back from a "
			"backup, or remove it and order a state with a fence greater than the journal's",
			path);
	return 0;
}

int fence_write(const char *dir, const struct fence *fence, struct trouble *t)
{
	char number[24], *text;
	json_t *object;
	int error;

	snprintf(number, sizeof(number), "%" PRIu64, fence->number);
	object = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:b}", "state", fence->state, "fence", number,
			   "before", fence->before, "who", fence->sign.who, "uid",
			   (json_int_t)fence->sign.uid, "time", fence->sign.time, "whole", (int)fence->whole);
	text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
	error = text ? state_replace(dir, FENCE_FILE, text, t)
		     : trouble(t, -ENOMEM, "memory ran out while writing %s/%s", dir, FENCE_FILE);
	json_decref(object);
	free(text);
	return error;
}

struct plan *fence_plan(const char *dir, struct report *r, struct trouble *t)
{
	struct plan *plan = NULL;
	struct fence fence;
	char path[PATH_MAX];

	if (fence_read(dir, &fence, t))
		return NULL;
	if (!state_path(path, sizeof(path), dir, STATE_PLAN))
		plan = plan_read_in(path, fence.state, fence.whole ? NULL : fence.before, NULL, r);
	if (plan && !report_failed(r))
		return plan;
	plan_free(plan);
	trouble(t, -EINVAL, "cannot read the plan in force, %s/%s", dir, STATE_PLAN);
	return NULL;
}
