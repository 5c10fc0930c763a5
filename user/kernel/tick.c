/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The dataplane's clock as its programs read it.
 */
#include <time.h>
#include "../../include/limits.h"
#include "kernel.h"

uint32_t kernel_tick(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)(((uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec) >> SL_TICK_SHIFT);
}
