/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which VIPs a node speaks for, where, and how often. The frames are the ones that would be sent.
 */
#include <stdbool.h>
#include "image_fixture.h"

static int sent;
static uint32_t refuse; /* this interface is down */
static uint8_t last[64];
static size_t last_length;
static uint32_t last_ifindex;
static uint32_t owned_before;

/* Need no kernel but the calls below, and are linked nowhere else in the unit tests. */
#include "../../user/kernel/trouble.c"
#include "../../user/agent/ask.c"
#include "../../user/agent/claim.c"

int bpf_obj_get(const char *path)
{
	(void)path;
	return -1;
}

int bpf_prog_test_run_opts(int program, struct bpf_test_run_opts *opts)
{
	const struct __sk_buff *context = opts->ctx_in;

	(void)program;
	if (refuse && context->mark == refuse)
		return -ENETDOWN;
	sent++;
	memcpy(last, opts->data_in, opts->data_size_in);
	last_length = opts->data_size_in;
	last_ifindex = context->mark;
	return 0;
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	struct sl_vip *vip = value;

	(void)fd;
	*vip = (struct sl_vip){ .flags = SL_VIP_OWNED };
	return ((const struct sl_vip_key *)key)->addr == owned_before ? 0 : -ENOENT;
}

/* Tables as the compiler would make them. */
struct fake_row_iface {
	struct sl_iface_key key;
	struct sl_iface value;
} __attribute__((packed, aligned(2)));
struct fake_row_network {
	struct sl_network_key key;
	struct sl_network value;
} __attribute__((packed, aligned(2)));
struct fake_row_vip {
	struct sl_vip_key key;
	struct sl_vip value;
} __attribute__((packed, aligned(2)));

static struct fake_row_iface ifaces[3];
static struct fake_row_network networks[1];
static struct fake_row_vip vips[4];
static struct image image;

#define TABLE(rows_)                                                                                         \
	(struct image_table)                                                                                 \
	{                                                                                                    \
		.key_size = sizeof((rows_)[0].key), .value_size = sizeof((rows_)[0].value),                  \
		.count = sizeof(rows_) / sizeof((rows_)[0]), .rows = (uint8_t *)(rows_)                      \
	}

static int scene(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		ifaces[i].key.ifindex = i + 2;
		ifaces[i].value = (struct sl_iface){ .kind = i == 2 ? SL_IFACE_WORKLOAD : SL_IFACE_UPLINK,
						     .mac = { 2, 0, 0, 0, 0, (uint8_t)(i + 2) } };
	}
	networks[0].key.network = 4013;
	networks[0].value = (struct sl_network){ .vlan = 4013, .uplink = 3, .flags = SL_NETWORK_EXTERNAL };
	for (uint32_t i = 0; i < 4; i++)
		vips[i].key.addr = htonl(0x64410066 + i);
	vips[0].value = (struct sl_vip){ .network = 4013, .flags = SL_VIP_OWNED };
	vips[1].value = (struct sl_vip){ .network = SL_NET_WORLD, .flags = SL_VIP_OWNED };
	vips[2].value = (struct sl_vip){ .network = 4013 }; /* another node's */
	vips[3].value = (struct sl_vip){ .network = SL_NET_WORLD, .flags = SL_VIP_OWNED | SL_VIP_HOST };
	image.table[SL_TABLE_sl_iface] = TABLE(ifaces);
	image.table[SL_TABLE_sl_network] = TABLE(networks);
	image.table[SL_TABLE_sl_vip] = TABLE(vips);
	sent = 0;
	refuse = 0;
	owned_before = 0;
	return 0;
}

static struct claims plan(void)
{
	struct claims c = { 0 };
	struct trouble t;

	assert_int_equal(claims_plan(&c, &image, &t), 0);
	return c;
}

static void only_what_is_owned_and_where_it_belongs(void **state)
{
	struct claims c = plan();

	(void)state;
	/* One on its VLAN, one untagged on both uplinks. */
	assert_int_equal(c.count, 3);
	claims_say(&c, 0, 1);
	assert_int_equal(sent, 1);
	assert_int_equal(last_ifindex, 3);
	claims_free(&c);
}

static void the_frame_is_a_question_for_itself(void **state)
{
	static const uint8_t expected[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0,	  0, 0,
					      0,    3,	  0x81, 0,    0x0f, 0xad, 8, 6, /* VLAN 4013 */
					      0,    1,	  8,	0,    6,    4,	  0, 1,	  2, 0,
					      0,    0,	  0,	3,    100,  65,	  0, 102, 0, 0,
					      0,    0,	  0,	0,    100,  65,	  0, 102 };
	struct claims c = plan();

	(void)state;
	claims_say(&c, 0, 1);
	assert_int_equal(last_length, 64);
	assert_memory_equal(last, expected, sizeof(expected));
	claims_free(&c);
}

static void three_times_and_no_more(void **state)
{
	struct claims c = plan();

	(void)state;
	for (int i = 1; i <= 5; i++) {
		claims_say(&c, 0, 100);
		assert_int_equal(sent, i < 3 ? 3 * i : 9);
	}
	assert_int_equal(c.pending, 0);
	claims_free(&c);
}

static void the_same_plan_again_says_nothing_more(void **state)
{
	struct claims c = plan();
	struct trouble t;

	(void)state;
	for (int i = 0; i < 3; i++)
		claims_say(&c, 0, 100);
	assert_int_equal(claims_plan(&c, &image, &t), 0);
	assert_int_equal(c.pending, 0);
	/* Another MAC is news, and so is a VIP that was another node's. */
	ifaces[0].value.mac[5] = 99;
	vips[2].value.flags = SL_VIP_OWNED;
	assert_int_equal(claims_plan(&c, &image, &t), 0);
	assert_int_equal(c.count, 4);
	assert_int_equal(c.pending, 2);
	claims_free(&c);
}

static void what_was_owned_before_is_not_said(void **state)
{
	struct kernel k = { .generation = 1 };
	struct claims c = plan();

	(void)state;
	owned_before = vips[1].key.addr;
	claims_known(&c, &k);
	assert_int_equal(c.pending, 1);
	claims_say(&c, 0, 100);
	assert_int_equal(sent, 1);
	claims_free(&c);
	/* No generation before: everything is new. */
	c = plan();
	k.generation = 0;
	claims_known(&c, &k);
	assert_int_equal(c.pending, 3);
	claims_free(&c);
}

static void an_interface_that_is_down_is_told_later(void **state)
{
	struct claims c = plan();

	(void)state;
	refuse = 3;
	for (int i = 0; i < 4; i++)
		claims_say(&c, 0, 100);
	assert_int_equal(c.pending, 2);
	refuse = 0;
	sent = 0;
	for (int i = 0; i < 4; i++)
		claims_say(&c, 0, 100);
	assert_int_equal(sent, 6);
	assert_int_equal(c.pending, 0);
	claims_free(&c);
}

static void an_absent_uplink_is_not_spoken_on(void **state)
{
	struct claims c;

	(void)state;
	networks[0].value.uplink = 0;
	c = plan();
	assert_int_equal(c.count, 2);
	claims_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_what_is_owned_and_where_it_belongs, scene),
		cmocka_unit_test_setup(the_frame_is_a_question_for_itself, scene),
		cmocka_unit_test_setup(three_times_and_no_more, scene),
		cmocka_unit_test_setup(the_same_plan_again_says_nothing_more, scene),
		cmocka_unit_test_setup(what_was_owned_before_is_not_said, scene),
		cmocka_unit_test_setup(an_interface_that_is_down_is_told_later, scene),
		cmocka_unit_test_setup(an_absent_uplink_is_not_spoken_on, scene),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
