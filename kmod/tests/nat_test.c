// SPDX-License-Identifier: GPL-2.0
/*
 * Rewriting: what comes out must be, byte for byte, the packet that is built
 * from the new addresses, with all checksums computed from scratch.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "../crc32c.c"
#include "../nat.c"
#include "packet.h"

#define SEED 20240303

/**
 * struct nat_kind - a kind of packet
 * @name: for messages
 * @proto: IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP or IPPROTO_ICMP
 * @udp_mode: how UDP packets have their checksum
 */
struct nat_kind {
	const char *name;
	u8 proto;
	enum packet_udp udp_mode;
};

static const struct nat_kind kinds[] = {
	{ "TCP", IPPROTO_TCP, PACKET_UDP_SUMMED },
	{ "UDP", IPPROTO_UDP, PACKET_UDP_SUMMED },
	{ "UDP without checksum", IPPROTO_UDP, PACKET_UDP_ZERO },
	{ "SCTP", IPPROTO_SCTP },
	/* Of the packet's own family, see kind_proto(). */
	{ "echo", IPPROTO_ICMP },
};

static u8 kind_proto(const struct nat_kind *kind, bool is_v4)
{
	return kind->proto == IPPROTO_ICMP && !is_v4 ? IPPROTO_ICMPV6 : kind->proto;
}

static const u8 sums[] = {
	CHECKSUM_NONE, CHECKSUM_UNNECESSARY, CHECKSUM_COMPLETE, CHECKSUM_PARTIAL,
};

/**
 * struct nat_fixture - a packet before, as wanted, and after
 * @rnd: where everything random comes from
 * @from: addresses before
 * @to: addresses after
 * @outer_from: addresses of the ICMP error before
 * @outer_to: addresses of the ICMP error after
 * @payload: behind the transport header
 * @quoted: quoted packet
 * @before: packet before
 * @wanted: packet built as it should come out
 * @after: packet as it came out
 * @len: length of the packet
 */
struct nat_fixture {
	struct rnd_state rnd;
	struct dvp_tuple from;
	struct dvp_tuple to;
	struct dvp_tuple outer_from;
	struct dvp_tuple outer_to;
	u8 payload[PACKET_MAX / 2];
	u8 quoted[PACKET_MAX];
	u8 before[PACKET_MAX];
	u8 wanted[PACKET_MAX];
	u8 after[PACKET_MAX];
	unsigned int len;
};

static int nat_test_init(struct kunit *test)
{
	struct nat_fixture *fixture;

	fixture = kunit_kzalloc(test, sizeof(*fixture), GFP_KERNEL);
	if (!fixture)
		return -ENOMEM;
	test->priv = fixture;
	prandom_seed_state(&fixture->rnd, SEED);
	kunit_info(test, "seed %u\n", SEED);
	return 0;
}

/* Give the packet the checksum state of @ip_summed, as a driver or socket would. */
static void set_summed(struct sk_buff *skb, u8 ip_summed, unsigned int l4,
		       unsigned int check_offset)
{
	skb->ip_summed = ip_summed;
	if (ip_summed == CHECKSUM_COMPLETE) {
		skb->csum = skb_checksum(skb, 0, skb->len, 0);
	} else if (ip_summed == CHECKSUM_PARTIAL) {
		skb->csum_start = skb_headroom(skb) + l4;
		skb->csum_offset = check_offset;
	}
}

static unsigned int check_offset(u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return offsetof(struct tcphdr, check);
	case IPPROTO_SCTP:
		return offsetof(struct sctphdr, checksum);
	case IPPROTO_ICMP:
		return offsetof(struct icmphdr, checksum);
	default:
		return offsetof(struct udphdr, check);
	}
}

static void expect_wanted(struct kunit *test, struct sk_buff *skb,
			  const char *name, unsigned int linear)
{
	struct nat_fixture *fixture = test->priv;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, skb->len, fixture->len);
	KUNIT_ASSERT_EQ(test, 0, skb_copy_bits(skb, 0, fixture->after, skb->len));
	for (i = 0; i < fixture->len; i++)
		if (fixture->after[i] != fixture->wanted[i])
			break;
	KUNIT_ASSERT_EQ_MSG(test, i, fixture->len,
			    "%s: byte %u is %02x, wanted %02x (%u bytes, %u linear, ip_summed %u)",
			    name, i, fixture->after[i], fixture->wanted[i],
			    fixture->len, linear, skb->ip_summed);
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		KUNIT_EXPECT_TRUE(test, csum_fold(skb->csum) ==
				  csum_fold(skb_checksum(skb, 0, skb->len, 0)));
	KUNIT_EXPECT_EQ(test, skb->hash, 0);
}

static enum dvp_tuple_result parse(struct sk_buff *skb,
				   struct dvp_packet *packet)
{
	return skb->protocol == htons(ETH_P_IP) ?
		dvp_tuple_parse4(skb, DVP_STAGE_IN, packet) :
		dvp_tuple_parse6(skb, DVP_STAGE_IN, packet);
}

/* Rewrite @before and compare; a clone of it must stay as it was. */
static void rewrite(struct kunit *test, const struct nat_kind *kind,
		    u8 ip_summed, unsigned int linear)
{
	struct nat_fixture *fixture = test->priv;
	bool has_sum = kind->proto != IPPROTO_SCTP && kind->udp_mode != PACKET_UDP_ZERO;
	struct sk_buff *skb, *clone;
	struct dvp_packet packet;

	skb = packet_skb(fixture->before, fixture->len, linear);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, DVP_TUPLE_OK, parse(skb, &packet));
	set_summed(skb, ip_summed, packet.l4, check_offset(kind->proto));
	skb_set_hash(skb, 1, PKT_HASH_TYPE_L4);
	clone = skb_clone(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, clone);

	KUNIT_EXPECT_EQ(test, 0, dvp_nat_rewrite(skb, &packet, &fixture->to));
	expect_wanted(test, skb, kind->name, linear);
	if (has_sum || ip_summed != CHECKSUM_COMPLETE)
		KUNIT_EXPECT_EQ(test, (u8)skb->ip_summed, ip_summed);

	KUNIT_ASSERT_EQ(test, 0, skb_copy_bits(clone, 0, fixture->after,
					       fixture->len));
	KUNIT_EXPECT_EQ(test, 0, memcmp(fixture->after, fixture->before,
					fixture->len));
	kfree_skb(clone);
	kfree_skb(skb);
}

/* What a socket leaves in the checksum field for the device to complete. */
static void make_partial(u8 *data, const struct dvp_tuple *tuple,
			 unsigned int len)
{
	unsigned int l4 = dvp_tuple_is_v4(tuple) ? sizeof(struct iphdr) :
						   sizeof(struct ipv6hdr);
	__sum16 pseudo = packet_pseudo(&tuple->src, &tuple->dst, tuple->proto,
				       len - l4);

	if (tuple->proto == IPPROTO_SCTP)
		((struct sctphdr *)(data + l4))->checksum = 0;
	else if (tuple->proto == IPPROTO_TCP)
		((struct tcphdr *)(data + l4))->check = pseudo;
	else if (tuple->proto == IPPROTO_ICMP)
		((struct icmphdr *)(data + l4))->checksum = 0;
	else if (tuple->proto == IPPROTO_ICMPV6)
		((struct icmphdr *)(data + l4))->checksum = pseudo;
	else
		((struct udphdr *)(data + l4))->check = pseudo;
}

static void rewrite_kinds(struct kunit *test, unsigned int payload)
{
	struct nat_fixture *fixture = test->priv;
	const struct nat_kind *kind;
	int is_v4, sum;

	for (is_v4 = 0; is_v4 < 2; is_v4++) {
		for (kind = kinds; kind < kinds + ARRAY_SIZE(kinds); kind++) {
			for (sum = 0; sum < ARRAY_SIZE(sums); sum++) {
				packet_tuple(&fixture->rnd, is_v4, kind_proto(kind, is_v4),
					     &fixture->from);
				packet_tuple(&fixture->rnd, is_v4, kind_proto(kind, is_v4),
					     &fixture->to);
				/* Often only a part changes. */
				if (prandom_u32_state(&fixture->rnd) % 2)
					fixture->to.src = fixture->from.src;
				if (prandom_u32_state(&fixture->rnd) % 2)
					fixture->to.sport = fixture->from.sport;
				prandom_bytes_state(&fixture->rnd,
						    fixture->payload, payload);
				fixture->len =
					packet_build(fixture->before,
						     &fixture->from,
						     fixture->payload, payload,
						     kind->udp_mode);
				packet_build(fixture->wanted, &fixture->to,
					     fixture->payload, payload,
					     kind->udp_mode);
				if (sums[sum] == CHECKSUM_PARTIAL &&
				    kind->udp_mode != PACKET_UDP_ZERO) {
					make_partial(fixture->before,
						     &fixture->from,
						     fixture->len);
					make_partial(fixture->wanted,
						     &fixture->to,
						     fixture->len);
				}
				rewrite(test, kind, sums[sum], fixture->len);
				rewrite(test, kind, sums[sum], 40);
				rewrite(test, kind, sums[sum], 51);
			}
		}
	}
}

static void nat_rewrite_matches_built(struct kunit *test)
{
	static const unsigned int payloads[] = { 0, 1, 2, 7, 64, 333, 1000 };
	int i, round;

	for (round = 0; round < 20; round++)
		for (i = 0; i < ARRAY_SIZE(payloads); i++)
			rewrite_kinds(test, payloads[i]);
}

/* A UDP checksum that comes out as 0 is sent as 0xffff (RFC 768). */
static void nat_udp_checksum_of_zero(struct kunit *test)
{
	static const struct nat_kind kind = { "UDP", IPPROTO_UDP };
	struct nat_fixture *fixture = test->priv;
	struct udphdr *udp;
	int is_v4;

	for (is_v4 = 0; is_v4 < 2; is_v4++) {
		udp = (struct udphdr *)(fixture->wanted + (is_v4 ? 20 : 40));
		packet_tuple(&fixture->rnd, is_v4, IPPROTO_UDP, &fixture->from);
		packet_tuple(&fixture->rnd, is_v4, IPPROTO_UDP, &fixture->to);
		/* What makes the sum complete makes its complement zero. */
		memset(fixture->payload, 0, 2);
		packet_build(fixture->wanted, &fixture->to, fixture->payload,
			     2, PACKET_UDP_SUMMED);
		memcpy(fixture->payload, &udp->check, 2);
		packet_build(fixture->wanted, &fixture->to, fixture->payload,
			     2, PACKET_UDP_SUMMED);
		KUNIT_ASSERT_TRUE(test, udp->check == CSUM_MANGLED_0);
		fixture->len = packet_build(fixture->before, &fixture->from,
					    fixture->payload, 2,
					    PACKET_UDP_SUMMED);
		rewrite(test, &kind, CHECKSUM_NONE, fixture->len);
		rewrite(test, &kind, CHECKSUM_COMPLETE, fixture->len);
	}
}

/* A damaged packet must not be made whole. */
static void nat_keeps_damage(struct kunit *test)
{
	struct nat_fixture *fixture = test->priv;
	const struct nat_kind *kind;
	int is_v4;

	for (is_v4 = 0; is_v4 < 2; is_v4++) {
		for (kind = kinds; kind < kinds + ARRAY_SIZE(kinds); kind++) {
			packet_tuple(&fixture->rnd, is_v4, kind_proto(kind, is_v4), &fixture->from);
			packet_tuple(&fixture->rnd, is_v4, kind_proto(kind, is_v4), &fixture->to);
			fixture->len = packet_build(fixture->before, &fixture->from,
						    fixture->payload, 10, kind->udp_mode);
			packet_build(fixture->wanted, &fixture->to, fixture->payload, 10,
				     kind->udp_mode);
			fixture->before[fixture->len - 1] ^= 0x10;
			fixture->wanted[fixture->len - 1] ^= 0x10;
			rewrite(test, kind, CHECKSUM_NONE, fixture->len);
		}
	}
}

/* What stands behind the packet, as padding of a short frame, is in no checksum. */
static void nat_leaves_padding(struct kunit *test)
{
	struct nat_fixture *fixture = test->priv;
	const struct nat_kind *kind;
	unsigned int len;
	int is_v4;

	for (is_v4 = 0; is_v4 < 2; is_v4++) {
		for (kind = kinds; kind < kinds + ARRAY_SIZE(kinds); kind++) {
			packet_tuple(&fixture->rnd, is_v4, kind_proto(kind, is_v4), &fixture->from);
			packet_tuple(&fixture->rnd, is_v4, kind_proto(kind, is_v4), &fixture->to);
			len = packet_build(fixture->before, &fixture->from, fixture->payload, 4,
					   kind->udp_mode);
			packet_build(fixture->wanted, &fixture->to, fixture->payload, 4,
				     kind->udp_mode);
			memset(fixture->before + len, 0, 10);
			memset(fixture->wanted + len, 0, 10);
			fixture->len = len + 10;
			rewrite(test, kind, CHECKSUM_NONE, fixture->len);
			rewrite(test, kind, CHECKSUM_COMPLETE, fixture->len);
		}
	}
}

/* The test's own reference against the check value that is published for this CRC. */
static void nat_crc_reference(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, packet_crc32c("123456789", 9), 0xe3069283);
	KUNIT_EXPECT_EQ(test, packet_crc32c("", 0), 0);
	/* One bit of a message that is no longer than what changes. */
	KUNIT_EXPECT_EQ(test, dvp_crc32c_change(0, 1500), 0);
	KUNIT_EXPECT_EQ(test, dvp_crc32c_change(1, 4),
			packet_crc32c("\1\0\0\0", 4) ^ packet_crc32c("\0\0\0\0", 4));
}

/* Build the ICMP error about @tuple, with @len bytes of transport header and more. */
static unsigned int build_error(u8 *at, u8 *quoted,
				const struct dvp_tuple *outer,
				const struct dvp_tuple *tuple,
				const struct nat_fixture *fixture,
				const struct nat_kind *kind, unsigned int len)
{
	bool is_v4 = dvp_tuple_is_v4(tuple);

	packet_build(quoted, tuple, fixture->payload, 64, kind->udp_mode);
	return packet_icmp(at, &outer->src, &outer->dst,
			   is_v4 ? ICMP_DEST_UNREACH : ICMPV6_PKT_TOOBIG, quoted,
			   len + (is_v4 ? sizeof(struct iphdr) :
					  sizeof(struct ipv6hdr)));
}

/* Leave of the ICMP checksum what is there when the device completes it. */
static void make_icmp_partial(u8 *data, const struct dvp_tuple *outer,
			      unsigned int len)
{
	if (dvp_tuple_is_v4(outer))
		((struct icmphdr *)(data + 20))->checksum = 0;
	else
		((struct icmphdr *)(data + 40))->checksum =
			packet_pseudo(&outer->src, &outer->dst, IPPROTO_ICMPV6,
				      len - 40);
}

static void rewrite_icmp(struct kunit *test, const struct nat_kind *kind,
			 u8 ip_summed, unsigned int linear, bool set_src,
			 bool set_dst)
{
	struct nat_fixture *fixture = test->priv;
	struct sk_buff *skb, *clone;
	struct dvp_packet packet;

	skb = packet_skb(fixture->before, fixture->len, linear);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, DVP_TUPLE_OK, parse(skb, &packet));
	set_summed(skb, ip_summed, packet.l4,
		   offsetof(struct icmphdr, checksum));
	skb_set_hash(skb, 1, PKT_HASH_TYPE_L3);
	clone = skb_clone(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, clone);

	KUNIT_EXPECT_EQ(test, 0,
			dvp_nat_rewrite_icmp(skb, &packet, &fixture->to,
					     set_src ? &fixture->outer_to.src :
						       DVP_NAT_KEEP,
					     set_dst ? &fixture->outer_to.dst :
						       DVP_NAT_KEEP));
	expect_wanted(test, skb, kind->name, linear);
	KUNIT_EXPECT_EQ(test, (u8)skb->ip_summed, ip_summed);

	KUNIT_ASSERT_EQ(test, 0, skb_copy_bits(clone, 0, fixture->after,
					       fixture->len));
	KUNIT_EXPECT_EQ(test, 0, memcmp(fixture->after, fixture->before,
					fixture->len));
	kfree_skb(clone);
	kfree_skb(skb);
}

static void rewrite_icmp_kinds(struct kunit *test, unsigned int len, u8 ip_summed)
{
	struct nat_fixture *fixture = test->priv;
	const struct nat_kind *kind;
	struct dvp_tuple outer;
	int is_v4, keep;

	for (is_v4 = 0; is_v4 < 2; is_v4++) {
		for (kind = kinds; kind < kinds + ARRAY_SIZE(kinds); kind++) {
			/* A part of SCTP's checksum is of no use to anyone. */
			if (kind->proto == IPPROTO_SCTP && len > 8 && len < 12)
				continue;
			for (keep = 0; keep < 4; keep++) {
				packet_tuple(&fixture->rnd, is_v4, kind_proto(kind, is_v4),
					     &fixture->from);
				packet_tuple(&fixture->rnd, is_v4, kind_proto(kind, is_v4),
					     &fixture->to);
				packet_tuple(&fixture->rnd, is_v4, kind_proto(kind, is_v4),
					     &fixture->outer_from);
				packet_tuple(&fixture->rnd, is_v4, kind_proto(kind, is_v4),
					     &fixture->outer_to);
				outer = fixture->outer_from;
				if (keep & 1)
					outer.src = fixture->outer_to.src;
				if (keep & 2)
					outer.dst = fixture->outer_to.dst;
				fixture->len =
					build_error(fixture->before,
						    fixture->quoted,
						    &fixture->outer_from,
						    &fixture->from, fixture,
						    kind, len);
				build_error(fixture->wanted, fixture->quoted,
					    &outer, &fixture->to, fixture,
					    kind, len);
				if (ip_summed == CHECKSUM_PARTIAL) {
					make_icmp_partial(fixture->before,
							  &fixture->outer_from,
							  fixture->len);
					make_icmp_partial(fixture->wanted,
							  &outer, fixture->len);
				}
				rewrite_icmp(test, kind, ip_summed,
					     fixture->len, keep & 1, keep & 2);
				rewrite_icmp(test, kind, ip_summed, 40,
					     keep & 1, keep & 2);
				rewrite_icmp(test, kind, ip_summed, 61,
					     keep & 1, keep & 2);
			}
		}
	}
}

static void nat_icmp_matches_built(struct kunit *test)
{
	/* From the least that RFC 792 promises; TCP's checksum is at 16 and 17. */
	static const unsigned int lens[] = {
		8, 9, 12, 15, 16, 18, 19, 20, 21, 28, 63, 72,
	};
	struct nat_fixture *fixture = test->priv;
	int i, sum, round;

	for (round = 0; round < 5; round++) {
		prandom_bytes_state(&fixture->rnd, fixture->payload, 64);
		for (i = 0; i < ARRAY_SIZE(lens); i++)
			for (sum = 0; sum < ARRAY_SIZE(sums); sum++)
				rewrite_icmp_kinds(test, lens[i], sums[sum]);
	}
}

static void nat_refuses_mismatch(struct kunit *test)
{
	struct nat_fixture *fixture = test->priv;
	struct dvp_packet packet;
	struct sk_buff *skb;

	packet_tuple(&fixture->rnd, true, IPPROTO_TCP, &fixture->from);
	fixture->len = packet_build(fixture->before, &fixture->from,
				    fixture->payload, 0, PACKET_UDP_SUMMED);
	skb = packet_skb(fixture->before, fixture->len, fixture->len);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, DVP_TUPLE_OK, parse(skb, &packet));
	packet_tuple(&fixture->rnd, false, IPPROTO_TCP, &fixture->to);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			dvp_nat_rewrite(skb, &packet, &fixture->to));
	packet_tuple(&fixture->rnd, true, IPPROTO_UDP, &fixture->to);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			dvp_nat_rewrite(skb, &packet, &fixture->to));
	packet_tuple(&fixture->rnd, true, IPPROTO_TCP, &fixture->to);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			dvp_nat_rewrite_icmp(skb, &packet, &fixture->to,
					     DVP_NAT_KEEP, DVP_NAT_KEEP));
	/* The packet lost its end since it was parsed. */
	skb_trim(skb, 30);
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			dvp_nat_rewrite(skb, &packet, &fixture->to));
	kfree_skb(skb);

	fixture->len = build_error(fixture->before, fixture->quoted,
				   &fixture->from, &fixture->from, fixture,
				   &kinds[0], 20);
	skb = packet_skb(fixture->before, fixture->len, fixture->len);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, DVP_TUPLE_OK, parse(skb, &packet));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			dvp_nat_rewrite(skb, &packet, &fixture->to));
	packet_tuple(&fixture->rnd, true, IPPROTO_UDP, &fixture->to);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			dvp_nat_rewrite_icmp(skb, &packet, &fixture->to,
					     DVP_NAT_KEEP, DVP_NAT_KEEP));
	KUNIT_EXPECT_EQ(test, 0, memcmp(skb->data, fixture->before,
					fixture->len));
	kfree_skb(skb);
}

static struct kunit_case nat_cases[] = {
	KUNIT_CASE(nat_rewrite_matches_built),
	KUNIT_CASE(nat_udp_checksum_of_zero),
	KUNIT_CASE(nat_keeps_damage),
	KUNIT_CASE(nat_leaves_padding),
	KUNIT_CASE(nat_crc_reference),
	KUNIT_CASE(nat_icmp_matches_built),
	KUNIT_CASE(nat_refuses_mismatch),
	{}
};

static struct kunit_suite nat_suite = {
	.name = "dvpnet_nat",
	.init = nat_test_init,
	.test_cases = nat_cases,
};

kunit_test_suite(nat_suite);
