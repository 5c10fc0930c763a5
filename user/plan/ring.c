/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How large the ring of a service is. The checker, the compiler and whoever shows shares must say the same,
 * so it is said here once. The size follows from the number of backends alone, drained ones included, and
 * in steps: a ring of another size spreads all new connections anew, so one backend more or less must
 * seldom change it.
 */
#include "plan.h"

#define SLOTS_PER_BACKEND 100
#define FEWEST_BACKENDS 4 /* first step */
#define STEP 4

bool ring_prime(uint32_t number)
{
	if (number < 4)
		return number > 1;
	if (!(number % 2))
		return false;
	for (uint32_t i = 3; i <= number / i; i += 2)
		if (!(number % i))
			return false;
	return true;
}

uint32_t ring_slots(size_t count)
{
	uint64_t backends = FEWEST_BACKENDS;
	uint32_t size;

	while (backends < count && backends * SLOTS_PER_BACKEND < MOST_RING_SIZE)
		backends *= STEP;
	if (backends * SLOTS_PER_BACKEND >= MOST_RING_SIZE)
		return MOST_RING_SIZE;
	size = (uint32_t)backends * SLOTS_PER_BACKEND;
	while (!ring_prime(size))
		size++;
	return size;
}

uint32_t ring_size(const struct service *service)
{
	return service->ring_size ? service->ring_size : ring_slots(service->backend_count);
}
