/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table is read in the kernel's own order, so nothing is remembered between steps but a place. Rows
 * that are deleted on the way do not move that place. A flow is removed as a whole, both directions, and
 * only after both were read again just before: a packet that arrives between reading and deleting finds
 * its flow gone in a window of microseconds, after a silence of the whole timeout.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "expiry.h"
#include "sweep.h"

#define PASS_S 30
#define PASS_FULL_S 5
/* Even an empty table costs a walk over its buckets, so passes over few rows keep a distance as well. */
#define FEW_ROWS 10000U
#define PASS_FEW_S 5
#define BATCH_MOST (1U << 20)

int sweep_open(struct sweep *sweep, int fd, struct trouble *t)
{
	struct bpf_map_info info = { 0 };
	uint32_t length = sizeof(info);
	int error;

	memset(sweep, 0, sizeof(*sweep));
	sweep->fd = fd;
	sweep->batch = SWEEP_BATCH;
	error = bpf_obj_get_info_by_fd(fd, &info, &length);
	if (error)
		return trouble(t, error, "cannot read the size of a flow table: %s", strerror(-error));
	sweep->size = info.max_entries;
	sweep->keys = calloc(sweep->batch, sizeof(*sweep->keys));
	sweep->flows = calloc(sweep->batch, sizeof(*sweep->flows));
	if (!sweep->keys || !sweep->flows) {
		sweep_close(sweep);
		return trouble(t, -ENOMEM, "out of memory for ageing flows");
	}
	return 0;
}

static int sweep_enlarge(struct sweep *sweep, struct trouble *t)
{
	struct sl_flow_key *keys = calloc(sweep->batch * 4UL, sizeof(*keys));
	struct sl_flow *flows = calloc(sweep->batch * 4UL, sizeof(*flows));

	if (!keys || !flows) {
		free(keys);
		free(flows);
		return trouble(t, -ENOMEM, "out of memory for ageing flows");
	}
	free(sweep->keys);
	free(sweep->flows);
	sweep->keys = keys;
	sweep->flows = flows;
	sweep->batch *= 4;
	return 0;
}

/* The other direction, if it still belongs to this one: of two flows that met in one half it is one's only. */
static bool flow_peer(const struct sweep *sweep, const struct sl_flow_key *key, const struct sl_flow *flow,
		      struct sl_flow *peer)
{
	return !bpf_map_lookup_elem(sweep->fd, &flow->peer, peer) && !memcmp(&peer->peer, key, sizeof(*key));
}

/* Is the flow of this entry over? Reads the other direction; without one the entry stands for both. */
static bool flow_over(const struct sweep *sweep, const struct timeouts *timeouts,
		      const struct sl_flow_key *key, const struct sl_flow *flow, uint32_t now)
{
	bool answered = flow->flags & SL_FLOW_ANSWERED;
	struct sl_flow peer;

	/* Most rows end here, without a look-up: a half that is recent by its own flags keeps both. */
	if (!expiry_inward(key->proto, flow) && !expiry_over(timeouts, key->proto, flow, answered, now))
		return false;
	if (!flow_peer(sweep, key, flow, &peer))
		return expiry_over(timeouts, key->proto, flow, answered, now);
	return expiry_pair_over(timeouts, key->proto, flow, &peer, now);
}

static unsigned int sweep_row(struct sweep *sweep, const struct timeouts *timeouts, uint32_t row,
			      uint32_t now)
{
	const struct sl_flow_key *key = &sweep->keys[row];
	struct sl_flow again, peer;
	unsigned int gone = 0;

	if (!flow_over(sweep, timeouts, key, &sweep->flows[row], now))
		return 0;
	if (bpf_map_lookup_elem(sweep->fd, key, &again) || !flow_over(sweep, timeouts, key, &again, now))
		return 0;
	if (flow_peer(sweep, key, &again, &peer)) {
		if (sweep->ends)
			sweep->ends(sweep->closure, &again.peer, &peer);
		gone += !bpf_map_delete_elem(sweep->fd, &again.peer);
	}
	if (sweep->ends)
		sweep->ends(sweep->closure, key, &again);
	gone += !bpf_map_delete_elem(sweep->fd, key);
	if (gone)
		sweep->aged++;
	return gone;
}

static uint32_t pass_s(const struct sweep *sweep)
{
	if (sweep->entries > (uint64_t)sweep->size * 4 / 5)
		return PASS_FULL_S;
	return sweep->entries < FEW_ROWS ? PASS_FEW_S : PASS_S;
}

int sweep_step(struct sweep *sweep, const struct timeouts *timeouts, uint32_t now, uint64_t rows,
	       struct trouble *t)
{
	if (!sweep->begun) {
		if (sweep->passes && expiry_idle(now, sweep->started) < expiry_ticks(pass_s(sweep)))
			return 0;
		sweep->started = now;
	}
	for (uint64_t done = 0; done < rows;) {
		uint32_t got = sweep->batch;
		uint8_t next[sizeof(sweep->place)] = { 0 };
		int error = bpf_map_lookup_batch(sweep->fd, sweep->begun ? sweep->place : NULL, next,
						 sweep->keys, sweep->flows, &got, NULL);

		if (error == -ENOSPC && sweep->batch < BATCH_MOST) {
			error = sweep_enlarge(sweep, t);
			if (error)
				return error;
			continue;
		}
		if (error && error != -ENOENT)
			return trouble(t, error, "cannot age flows: %s", strerror(-error));
		for (uint32_t row = 0; row < got; row++) {
			unsigned int gone = sweep_row(sweep, timeouts, row, now);

			sweep->counted++;
			sweep->counted -= sweep->counted < gone ? sweep->counted : gone;
			if (!gone && sweep->stays)
				sweep->stays(sweep->closure, &sweep->keys[row], &sweep->flows[row]);
		}
		memcpy(sweep->place, next, sizeof(next));
		sweep->begun = true;
		done += got ? got : 1;
		if (error == -ENOENT) {
			sweep->entries = sweep->counted;
			sweep->counted = 0;
			sweep->begun = false;
			sweep->passes++;
			break;
		}
	}
	return 0;
}

uint64_t sweep_pace(const struct sweep *sweep, unsigned int steps_per_s)
{
	uint64_t entries = sweep->entries > sweep->counted ? sweep->entries : sweep->counted;
	uint64_t seconds = entries > (uint64_t)sweep->size * 4 / 5 ? PASS_FULL_S : PASS_S;
	uint64_t rows = entries / (seconds * steps_per_s) + 1;

	return rows < SWEEP_STEP_LEAST ? SWEEP_STEP_LEAST : rows;
}

void sweep_close(struct sweep *sweep)
{
	free(sweep->keys);
	free(sweep->flows);
	sweep->keys = NULL;
	sweep->flows = NULL;
}
