/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hash tables of the benchmark begin from seed zero. The kernel gives each a random one, by which rows share buckets or
 * do not: the same build would take some instructions more or less from one load to the next.
 *
 * libbpf, which makes the tables, calls the kernel by way of syscall(): this one stands in front of libc's. Must not
 * be linked into anything that is shipped: whoever knows a seed can fill one bucket.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static void zero_seed(union bpf_attr *attr)
{
	switch (attr->map_type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		attr->map_flags |= BPF_F_ZERO_SEED;
	}
}

long syscall(long number, ...)
{
	static long (*libc)(long, ...);
	long a[6];
	va_list list;

	if (!libc)
		*(void **)&libc = dlsym(RTLD_NEXT, "syscall");
	if (!libc) {
		errno = ENOSYS;
		return -1;
	}
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_bpf && a[0] == BPF_MAP_CREATE)
		zero_seed((union bpf_attr *)(uintptr_t)a[1]);
	return libc(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
