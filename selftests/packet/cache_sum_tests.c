/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checksums of what lines translate: they are changed without the kernel's help where they are complete, so that every
 * corner of them is asked for, and those that look as if they were not.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/utsname.h>
#include "cache.h"
#include "live.h"

#define WORD 8 /* of the payload, behind either header */

static uint16_t *check_of(struct frame *f)
{
	return frame_ip(f)->proto == SL_PROTO_TCP ? &frame_tcp(f)->check : &frame_udp(f)->check;
}

static uint8_t *word_of(struct frame *f)
{
	return f->bytes + f->l4 +
	       (frame_ip(f)->proto == SL_PROTO_TCP ? sizeof(struct sl_tcp) : sizeof(struct sl_udp)) + WORD;
}

/* A payload with which the frame's checksum is `sum`; false: none has it. */
static bool choose(struct frame *f, uint16_t sum)
{
	for (uint32_t value = 0; value < 65536; value++) {
		memcpy(word_of(f), &(uint16_t){ (uint16_t)value }, 2);
		frame_sum(f);
		if (*check_of(f) == sum)
			return true;
	}
	return false;
}

/* What comes out of `s` by the line, if what comes out of another payload is `like`. */
static void comes_out(struct bench *b, const char *what, struct send s, struct frame like, bool summed)
{
	struct got got;

	memcpy(word_of(&like), word_of(&s.frame), 2);
	frame_sum(&like);
	if (!*check_of(&s.frame) && frame_ip(&s.frame)->proto == SL_PROTO_UDP)
		*check_of(&like) = 0;
	else
		that(b, frame_sum_right(&like), "a right checksum");
	for (int times = 0; times < 1 + summed; times++) {
		s.summed = times;
		if (!cache_decides(b, &s, &got))
			fail(b, "%s: no line decides", what);
		same_frame(b, &like, &got.frame);
	}
}

/* Does the kernel look after the sums that network cards take? */
static bool kernel_sums(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	return !uname(&name) && sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 16));
}

/* As the kernel brings it to a door. In a frame that is run for a test it would miscount a tag that is taken off. */
static struct send untagged(struct send s)
{
	struct sl_tag *tag = (struct sl_tag *)(s.frame.bytes + sizeof(struct sl_eth));

	if (frame_eth(&s.frame)->type != htons(SL_ETH_VLAN))
		return s;
	s = beside(s, SL_ETH_VLAN, ntohs(tag->tci));
	frame_untag(&s.frame);
	return s;
}

static void sums_of_way(struct bench *b, uint32_t which)
{
	static const uint16_t corners[] = { 0x0000, 0x0001, 0x00ff, 0x0100, 0x7fff,
					    0x8000, 0xff00, 0xfffe, 0xffff };
	struct send s = untagged(cache_packet(which));
	struct frame like, picked;
	bool summed = kernel_sums();
	struct got got;

	cache_open_for(b, which & ~1U, LINE_LONG);
	bench_void_lines(b);
	that(b, !cache_decides(b, &s, &got), "the first goes the long way");
	like = got.frame;
	/* Where the one is tagged and the other is not. */
	like.l3 = (uint16_t)(like.l3 + like.len - s.frame.len);
	like.l4 = (uint16_t)(like.l4 + like.len - s.frame.len);
	comes_out(b, "as it is", s, like, summed);
	for (size_t i = 0; i < sizeof(corners) / sizeof(corners[0]); i++) {
		if (choose(&s.frame, htons(corners[i])))
			comes_out(b, "as it comes in", s, like, summed);
		picked = like;
		if (!choose(&picked, htons(corners[i])))
			continue;
		memcpy(word_of(&s.frame), word_of(&picked), 2);
		frame_sum(&s.frame);
		comes_out(b, "as it comes out", s, like, summed);
	}
	picked = unsummed(s.frame);
	that(b, choose(&s.frame, *check_of(&picked)), "a checksum that is the pseudo-header's sum");
	comes_out(b, "complete, though it does not look so", s, like, summed);
	for (int i = 0; i < 50; i++) {
		memcpy(word_of(&s.frame), &(uint16_t){ (uint16_t)(i * 1307) }, 2);
		frame_sum(&s.frame);
		comes_out(b, "any", s, like, summed);
	}
	if (frame_ip(&s.frame)->proto == SL_PROTO_UDP) {
		*check_of(&s.frame) = 0;
		comes_out(b, "none", s, like, false);
	}
}

void cache_sums(struct bench *b)
{
	static const struct {
		const char *name;
		uint32_t way;
	} ways[] = {
		{ "UDP to a service", 8 },	   { "and its answer", 9 },
		{ "TCP to a service", 10 },	   { "and its answer", 11 },
		{ "UDP out by an EIP", 12 },	   { "and back", 13 },
		{ "TCP out by an EIP", 14 },	   { "and back", 15 },
		{ "TCP in by a floating IP", 16 }, { "and back", 17 },
		{ "by the stack's routes", 18 },   { "and back", 19 },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		case_begin(b, "cache: checksums, %s", ways[i].name);
		sums_of_way(b, ways[i].way);
		case_end(b);
	}
}
