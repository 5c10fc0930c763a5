/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What goes wrong is not said before the flip: a plan that cannot be kept comes in force all the same.
 */
#include <stdio.h>
#include <string.h>
#include "keep.h"

void keep_begin(struct keep *k, const char *dir)
{
	memset(k, 0, sizeof(*k));
	k->dir = dir;
	k->error = state_make(dir, &k->t);
	if (!k->error)
		k->error = aside_begin(&k->aside, dir, STATE_PLAN, &k->t);
}

void keep_write(void *keep, const char *text, size_t length)
{
	struct keep *k = keep;

	if (!k->error)
		k->error = aside_write(&k->aside, text, length, &k->t);
}

static void *force_down(void *argument)
{
	struct keep *k = argument;

	k->error = aside_end(&k->aside, &k->t);
	return NULL;
}

void keep_force(struct keep *k)
{
	if (k->error)
		return;
	k->started = !pthread_create(&k->thread, NULL, force_down, k);
	if (!k->started)
		force_down(k);
}

static void wait_for(struct keep *k)
{
	if (k->started)
		pthread_join(k->thread, NULL);
	k->started = false;
}

int keep_end(struct keep *k, const char *node, struct trouble *t)
{
	char line[SL_NAME_LEN + 2];
	const char *dir = k->dir;
	int error;

	wait_for(k);
	k->dir = NULL;
	if (k->error) {
		*t = k->t;
		return k->error;
	}
	snprintf(line, sizeof(line), "%s\n", node);
	error = aside_put(&k->aside, dir, t);
	return error ? error : state_replace(dir, STATE_NODE, line, t);
}

void keep_drop(struct keep *k)
{
	if (!k->dir)
		return;
	wait_for(k);
	if (!k->error)
		aside_drop(&k->aside);
	k->dir = NULL;
}
