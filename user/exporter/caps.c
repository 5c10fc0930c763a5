/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Raw system calls: two of them do not make up for one more library in a process with rights.
 *
 * The bounding set can be emptied, and the user changed, only by a process that still has CAP_SETPCAP and
 * CAP_SETUID. An agent started by systemd with its three capabilities has neither: there the set is already
 * what the unit says, and the exporter stays user 0 without any capability, no_new_privs, and no files.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "caps.h"

#define NOBODY 65534

static const char *caps_name(unsigned int cap)
{
	switch (cap) {
	case CAP_BPF:
		return "CAP_BPF";
	case CAP_NET_ADMIN:
		return "CAP_NET_ADMIN";
	case CAP_PERFMON:
		return "CAP_PERFMON";
	default:
		return "a capability";
	}
}

/* Needs CAP_SETPCAP; a refusal is no fault, see above. */
static void caps_bound(uint64_t keep)
{
	for (unsigned int cap = 0; cap < 64; cap++)
		if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno == EINVAL)
			break; /* past the last capability that this kernel knows */
}

int caps_keep(uint64_t keep, uint64_t need, struct trouble *t)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	uint64_t have;

	if (syscall(SYS_capget, &header, data))
		return trouble(t, -errno, "cannot read this process's capabilities: %s", strerror(errno));
	have = data[0].permitted | (uint64_t)data[1].permitted << 32;
	for (unsigned int cap = 0; cap < 64; cap++)
		if (need >> cap & ~have >> cap & 1)
			return trouble(t, -EPERM,
				       "%s is missing: run as root, or give it in the systemd unit",
				       caps_name(cap));

	caps_bound(keep);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return trouble(t, -errno, "cannot set no_new_privs: %s", strerror(errno));

	keep &= have;
	for (int i = 0; i < 2; i++) {
		data[i].permitted = data[i].effective = (uint32_t)(keep >> 32 * i);
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data))
		return trouble(t, -errno, "cannot give capabilities away: %s", strerror(errno));
	return 0;
}

/* Every access to files that the running kernel can forbid, by the version of its Landlock. */
static void caps_no_files(void)
{
	struct landlock_ruleset_attr attr = { 0 };
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	long ruleset;

	if (version < 1)
		return;
	/* 13 rights in the first version, then LANDLOCK_ACCESS_FS_REFER and _TRUNCATE. */
	attr.handled_access_fs = (1ULL << (version >= 3 ? 15 : version == 2 ? 14 : 13)) - 1;
	ruleset = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		return;
	syscall(SYS_landlock_restrict_self, (int)ruleset, 0);
	close((int)ruleset);
}

int caps_confine(struct trouble *t)
{
	int error;

	caps_bound(CAPS_NONE); /* before the change of user, which takes CAP_SETPCAP away */
	/* Asked for, not insisted on: without CAP_SETGID and CAP_SETUID the user stays what it is. */
	if (!syscall(SYS_setgroups, 0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
	    setresuid(NOBODY, NOBODY, NOBODY))
		return trouble(t, -errno, "cannot become nobody: %s", strerror(errno));
	error = caps_keep(CAPS_NONE, CAPS_NONE, t);
	if (!error)
		caps_no_files();
	return error;
}
