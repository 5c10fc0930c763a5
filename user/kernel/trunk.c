/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bites on trunks. Interface flags and offloads by ioctl, as the kernel's own tools set them.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "trunk.h"

#define RXVLAN "rx-vlan-hw-parse" /* what the kernel calls it; `ethtool -K` says rxvlan */

static int request(const char *name, unsigned long code, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	strncpy(ifr->ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, code, ifr))
		error = -errno;
	close(fd);
	return error;
}

static int ethtool(const char *name, void *command)
{
	struct ifreq ifr = { .ifr_data = command };

	return request(name, SIOCETHTOOL, &ifr);
}

/* The number of the feature bit, or a negative errno. */
static int feature_bit(const char *name)
{
	/* The answer, one length, stands behind the struct. */
	struct ethtool_sset_info *set = calloc(1, sizeof(*set) + sizeof(__u32));
	struct ethtool_gstrings *strings = NULL;
	__u32 length = 0;
	int found;

	if (!set)
		return -ENOMEM;
	set->cmd = ETHTOOL_GSSET_INFO;
	set->sset_mask = 1ULL << ETH_SS_FEATURES;
	found = ethtool(name, set);
	if (!found)
		length = set->data[0];
	free(set);
	if (found)
		return found;
	strings = calloc(1, sizeof(*strings) + (size_t)length * ETH_GSTRING_LEN);
	if (!strings)
		return -ENOMEM;
	strings->cmd = ETHTOOL_GSTRINGS;
	strings->string_set = ETH_SS_FEATURES;
	strings->len = length;
	found = ethtool(name, strings);
	if (!found) {
		found = -ENOENT;
		for (__u32 i = 0; i < strings->len && i < length; i++)
			if (!strncmp((char *)strings->data + i * ETH_GSTRING_LEN, RXVLAN, ETH_GSTRING_LEN))
				found = (int)i;
	}
	free(strings);
	return found;
}

enum offload { OFFLOAD_OFF, OFFLOAD_ON, OFFLOAD_FIXED };

static enum offload rxvlan(const char *name)
{
	int bit = feature_bit(name);
	size_t words = (size_t)bit / 32 + 1;
	enum offload state = OFFLOAD_OFF;
	struct ethtool_gfeatures *features;
	__u32 mask;

	if (bit < 0)
		return OFFLOAD_OFF; /* a device without such a thing */
	features = calloc(1, sizeof(*features) + words * sizeof(features->features[0]));
	if (!features)
		return OFFLOAD_OFF;
	features->cmd = ETHTOOL_GFEATURES;
	features->size = (__u32)words;
	mask = 1U << (bit % 32);
	if (!ethtool(name, features) && features->features[words - 1].active & mask)
		state = features->features[words - 1].available & mask &&
					!(features->features[words - 1].never_changed & mask)
				? OFFLOAD_ON
				: OFFLOAD_FIXED;
	free(features);
	return state;
}

int trunk_check(const struct link *link, struct trouble *t)
{
	const char *name = link->fact.name;
	char other[IF_NAMESIZE] = "?";

	if (link->master && (!strcmp(link->member_of, "bond") || !strcmp(link->member_of, "team"))) {
		if (!if_indextoname(link->master, other))
			strcpy(other, "?");
		return trouble(t, -EINVAL, "uplink %s is a port of the %s %s: name %s as the uplink instead",
			       name, link->member_of, other, other);
	}
	if (!strcmp(link->kind, "vlan")) {
		if (!if_indextoname(link->lower, other))
			strcpy(other, "?");
		return trouble(t, -EINVAL,
			       "uplink %s is a VLAN device, whose frames have lost their tag: "
			       "name its parent %s as the uplink instead",
			       name, other);
	}
	if (strcmp(link->kind, "veth") && rxvlan(name) == OFFLOAD_FIXED)
		return trouble(t, -EINVAL,
			       "uplink %s takes VLAN tags out of frames before XDP sees them and "
			       "its driver does not let sluice change that: try \"ethtool -K %s rxvlan off\"",
			       name, name);
	return 0;
}

bool trunk_hides_tags(const struct link *link)
{
	return rxvlan(link->fact.name) != OFFLOAD_OFF;
}

int trunk_show_tags(const char *name, bool show, struct trouble *t)
{
	struct ethtool_value flags = { .cmd = ETHTOOL_GFLAGS };
	int error = ethtool(name, &flags);

	if (!error) {
		flags.cmd = ETHTOOL_SFLAGS;
		flags.data = show ? flags.data & ~(__u32)ETH_FLAG_RXVLAN : flags.data | ETH_FLAG_RXVLAN;
		error = ethtool(name, &flags);
	}
	if (error)
		return trouble(t, error,
			       "cannot turn receive VLAN offload of %s %s (%s): run \"ethtool -K %s "
			       "rxvlan %s\"",
			       name, show ? "off" : "on", strerror(-error), name, show ? "off" : "on");
	return 0;
}

int trunk_promisc(const char *name, bool on, struct trouble *t)
{
	struct ifreq ifr = { 0 };
	int error = request(name, SIOCGIFFLAGS, &ifr);

	if (!error && !!(ifr.ifr_flags & IFF_PROMISC) == on)
		return 1;
	if (!error) {
		ifr.ifr_flags ^= IFF_PROMISC;
		error = request(name, SIOCSIFFLAGS, &ifr);
	}
	if (error)
		return trouble(t, error, "cannot turn promiscuous mode of %s %s: %s", name, on ? "on" : "off",
			       strerror(-error));
	return 0;
}
