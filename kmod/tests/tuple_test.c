// SPDX-License-Identifier: GPL-2.0
/* Parsing: good packets of every kind, and nothing worse than BAD for the rest. */
#include <kunit/test.h>
#include <linux/module.h>
#include <net/ndisc.h>

#include "../tuple.c"
#include "packet.h"

#define SEED 20240302
#define FUZZ_ROUNDS 30000

static const u8 payload[] = "payload of some packet or other";

static const u8 icmp4_errors[] = {
	ICMP_DEST_UNREACH, ICMP_SOURCE_QUENCH, ICMP_TIME_EXCEEDED,
	ICMP_PARAMETERPROB,
};

static const u8 icmp6_errors[] = {
	ICMPV6_DEST_UNREACH, ICMPV6_PKT_TOOBIG, ICMPV6_TIME_EXCEED,
	ICMPV6_PARAMPROB,
};

/**
 * struct tuple_fixture - a packet under test
 * @rnd: where everything random comes from
 * @tuple: what it was made of
 * @outer: addresses of the ICMP error around it
 * @quoted: the packet that an ICMP error quotes
 * @data: the packet
 * @len: its length
 */
struct tuple_fixture {
	struct rnd_state rnd;
	struct dvp_tuple tuple;
	struct dvp_tuple outer;
	u8 quoted[PACKET_MAX];
	u8 data[PACKET_MAX];
	unsigned int len;
};

static int tuple_test_init(struct kunit *test)
{
	struct tuple_fixture *fixture;

	fixture = kunit_kzalloc(test, sizeof(*fixture), GFP_KERNEL);
	if (!fixture)
		return -ENOMEM;
	test->priv = fixture;
	prandom_seed_state(&fixture->rnd, SEED);
	return 0;
}

/* Parse @len bytes of the packet, of which @linear are in the linear part. */
static enum dvp_tuple_result parse(struct kunit *test, bool is_v4,
				   unsigned int len, unsigned int linear,
				   struct dvp_packet *packet)
{
	struct tuple_fixture *fixture = test->priv;
	enum dvp_tuple_result result;
	struct sk_buff *skb;

	skb = packet_skb(fixture->data, len, linear);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	memset(packet, 0xaa, sizeof(*packet));
	result = is_v4 ? dvp_tuple_parse4(skb, DVP_STAGE_OUT, packet) :
			 dvp_tuple_parse6(skb, DVP_STAGE_OUT, packet);
	kfree_skb(skb);
	return result;
}

static enum dvp_tuple_result parse_whole(struct kunit *test, bool is_v4,
					 struct dvp_packet *packet)
{
	struct tuple_fixture *fixture = test->priv;

	return parse(test, is_v4, fixture->len, fixture->len, packet);
}

/* As a hash table would compare it. */
static void expect_tuple(struct kunit *test, const struct dvp_packet *packet)
{
	struct tuple_fixture *fixture = test->priv;
	struct dvp_tuple expected = fixture->tuple;

	expected.stage = DVP_STAGE_OUT;
	KUNIT_EXPECT_EQ(test, 0, memcmp(&packet->tuple, &expected,
					sizeof(expected)));
}

static void build(struct kunit *test, bool is_v4, u8 proto)
{
	struct tuple_fixture *fixture = test->priv;

	packet_tuple(&fixture->rnd, is_v4, proto, &fixture->tuple);
	fixture->len = packet_build(fixture->data, &fixture->tuple, payload,
				    sizeof(payload), PACKET_UDP_SUMMED);
}

/* An ICMP error that quotes all of a packet. */
static void build_error(struct kunit *test, bool is_v4, u8 proto, u8 type)
{
	struct tuple_fixture *fixture = test->priv;
	unsigned int len;

	packet_tuple(&fixture->rnd, is_v4, proto, &fixture->tuple);
	packet_tuple(&fixture->rnd, is_v4, proto, &fixture->outer);
	len = packet_build(fixture->quoted, &fixture->tuple, payload,
			   sizeof(payload), PACKET_UDP_SUMMED);
	fixture->len = packet_icmp(fixture->data, &fixture->outer.src,
				   &fixture->outer.dst, type, fixture->quoted,
				   len);
}

/* Insert @size bytes at @at and give the IPv6 header its new length. */
static void insert6(struct kunit *test, unsigned int at, const void *bytes,
		    unsigned int size)
{
	struct tuple_fixture *fixture = test->priv;
	struct ipv6hdr *ip = (struct ipv6hdr *)fixture->data;

	memmove(fixture->data + at + size, fixture->data + at,
		fixture->len - at);
	memcpy(fixture->data + at, bytes, size);
	fixture->len += size;
	ip->payload_len = htons(fixture->len - sizeof(*ip));
}

/* All extension headers that may come before a transport header. */
static void build_extended(struct kunit *test, u8 proto)
{
	struct tuple_fixture *fixture = test->priv;
	struct ipv6hdr *ip = (struct ipv6hdr *)fixture->data;
	const u8 fragment[8] = { proto, 0, 0, 1 };
	const u8 routing[24] = { NEXTHDR_FRAGMENT, 2, 2 };
	const u8 dest[16] = { NEXTHDR_ROUTING, 1, 1, 12 };
	const u8 hop[8] = { NEXTHDR_DEST, 0, 1, 4 };

	build(test, false, proto);
	insert6(test, sizeof(*ip), fragment, sizeof(fragment));
	insert6(test, sizeof(*ip), routing, sizeof(routing));
	insert6(test, sizeof(*ip), dest, sizeof(dest));
	insert6(test, sizeof(*ip), hop, sizeof(hop));
	ip->nexthdr = NEXTHDR_HOP;
}

static void tuple_transports(struct kunit *test)
{
	static const u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	struct tuple_fixture *fixture = test->priv;
	struct dvp_packet packet;
	int is_v4, i;

	for (is_v4 = 0; is_v4 < 2; is_v4++) {
		for (i = 0; i < ARRAY_SIZE(protos); i++) {
			build(test, is_v4, protos[i]);
			KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK,
					parse_whole(test, is_v4, &packet));
			expect_tuple(test, &packet);
			KUNIT_EXPECT_EQ(test, packet.l4, is_v4 ? 20 : 40);
			KUNIT_EXPECT_EQ(test, packet.proto, protos[i]);
			KUNIT_EXPECT_FALSE(test, packet.icmp_error);
			KUNIT_EXPECT_EQ(test, dvp_tuple_is_v4(&fixture->tuple),
					(bool)is_v4);
		}
	}
}

static void tuple_tcp_signs(struct kunit *test)
{
	/* By flags: FIN, SYN, RST, ACK. */
	static const struct {
		u8 flags;
		u8 signs;
	} cases[] = {
		{ 0x02, DVP_SIGN_OPENS },
		{ 0xc2, DVP_SIGN_OPENS },
		{ 0x12, 0 },
		{ 0x10, DVP_SIGN_CONFIRMS },
		{ 0x18, DVP_SIGN_CONFIRMS },
		{ 0x11, DVP_SIGN_CONFIRMS | DVP_SIGN_CLOSES },
		{ 0x04, DVP_SIGN_CLOSES | DVP_SIGN_LAST | DVP_SIGN_STRANGER },
		{ 0x14, DVP_SIGN_CONFIRMS | DVP_SIGN_CLOSES | DVP_SIGN_LAST },
		{ 0x00, 0 },
	};
	struct tuple_fixture *fixture = test->priv;
	struct dvp_packet packet;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		build(test, true, IPPROTO_TCP);
		fixture->data[20 + 13] = cases[i].flags;
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, parse_whole(test, true, &packet));
		KUNIT_EXPECT_EQ_MSG(test, packet.signs, cases[i].signs,
				    "TCP flags %02x", cases[i].flags);
	}
}

/* An SCTP packet of these chunks, each a header and three bytes, padded. */
static u8 sctp_signs_of(struct kunit *test, const u8 *types, unsigned int count)
{
	struct tuple_fixture *fixture = test->priv;
	u8 chunks[8 * 20] = {};
	struct dvp_packet packet;
	unsigned int i;

	for (i = 0; i < count; i++) {
		chunks[8 * i] = types[i];
		chunks[8 * i + 3] = 7;
	}
	packet_tuple(&fixture->rnd, true, IPPROTO_SCTP, &fixture->tuple);
	fixture->len = packet_build(fixture->data, &fixture->tuple, chunks, 8 * count,
				    PACKET_UDP_SUMMED);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK,
			parse(test, true, fixture->len, 33, &packet));
	return packet.signs;
}

static void tuple_sctp_signs(struct kunit *test)
{
	static const u8 with_data[] = { SCTP_CID_COOKIE_ACK, SCTP_CID_DATA, SCTP_CID_ABORT };
	static const u8 bundled[] = { SCTP_CID_SACK, SCTP_CID_SHUTDOWN };
	static const struct {
		u8 type;
		u8 signs;
	} cases[] = {
		{ SCTP_CID_INIT, DVP_SIGN_OPENS },
		{ SCTP_CID_INIT_ACK, 0 },
		{ SCTP_CID_COOKIE_ECHO, DVP_SIGN_CONFIRMS },
		{ SCTP_CID_COOKIE_ACK, DVP_SIGN_CONFIRMS },
		{ SCTP_CID_DATA, DVP_SIGN_CONFIRMS },
		{ SCTP_CID_HEARTBEAT, DVP_SIGN_CONFIRMS },
		{ SCTP_CID_SHUTDOWN, DVP_SIGN_CONFIRMS | DVP_SIGN_CLOSES },
		{ SCTP_CID_SHUTDOWN_ACK, DVP_SIGN_CONFIRMS | DVP_SIGN_CLOSES },
		{ SCTP_CID_SHUTDOWN_COMPLETE,
		  DVP_SIGN_CONFIRMS | DVP_SIGN_CLOSES | DVP_SIGN_LAST },
		{ SCTP_CID_ABORT, DVP_SIGN_CONFIRMS | DVP_SIGN_CLOSES | DVP_SIGN_LAST },
	};
	struct tuple_fixture *fixture = test->priv;
	struct dvp_packet packet;
	u8 many[20];
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, sctp_signs_of(test, &cases[i].type, 1),
				    cases[i].signs, "SCTP chunk %u", cases[i].type);
	KUNIT_EXPECT_EQ(test, sctp_signs_of(test, NULL, 0), 0);
	KUNIT_EXPECT_TRUE(test, sctp_signs_of(test, bundled, 2) & DVP_SIGN_CLOSES);
	/* What follows data is data. */
	KUNIT_EXPECT_EQ(test, sctp_signs_of(test, with_data, 3), DVP_SIGN_CONFIRMS);
	/* An end to it. */
	memset(many, SCTP_CID_SACK, sizeof(many));
	many[sizeof(many) - 1] = SCTP_CID_ABORT;
	KUNIT_EXPECT_EQ(test, sctp_signs_of(test, many, sizeof(many)), DVP_SIGN_CONFIRMS);

	/* The tag of what it answers is reflected: the sender has none of its own. */
	sctp_signs_of(test, &many[sizeof(many) - 1], 1);
	fixture->data[20 + 12 + 1] = SCTP_CHUNK_FLAG_T;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, parse_whole(test, true, &packet));
	KUNIT_EXPECT_TRUE(test, packet.signs & DVP_SIGN_STRANGER);

	/* A chunk that has no length, or one beyond the packet. */
	sctp_signs_of(test, bundled, 2);
	fixture->data[20 + 12 + 3] = 0;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, parse_whole(test, true, &packet));
	KUNIT_EXPECT_EQ(test, packet.signs, DVP_SIGN_CONFIRMS);
	memset(fixture->data + 20 + 12 + 2, 0xff, 2);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, parse_whole(test, true, &packet));
	KUNIT_EXPECT_EQ(test, packet.signs, DVP_SIGN_CONFIRMS);
}

static void tuple_ip4_options(struct kunit *test)
{
	struct tuple_fixture *fixture = test->priv;
	struct iphdr *ip = (struct iphdr *)fixture->data;
	struct dvp_packet packet;

	build(test, true, IPPROTO_TCP);
	memmove(fixture->data + 60, fixture->data + 20, fixture->len - 20);
	memset(fixture->data + 20, 1, 40);
	fixture->len += 40;
	ip->ihl = 15;
	ip->tot_len = htons(fixture->len);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, parse_whole(test, true, &packet));
	expect_tuple(test, &packet);
	KUNIT_EXPECT_EQ(test, packet.l4, 60);
}

static void tuple_ip6_extensions(struct kunit *test)
{
	struct tuple_fixture *fixture = test->priv;
	struct ipv6hdr *ip = (struct ipv6hdr *)fixture->data;
	struct dvp_packet packet;

	build_extended(test, IPPROTO_UDP);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, parse_whole(test, false, &packet));
	expect_tuple(test, &packet);
	KUNIT_EXPECT_EQ(test, packet.l4, 40 + 8 + 16 + 24 + 8);
	KUNIT_EXPECT_EQ(test, packet.proto, IPPROTO_UDP);

	ip->nexthdr = NEXTHDR_NONE;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER,
			parse_whole(test, false, &packet));
}

static void tuple_fragments(struct kunit *test)
{
	struct tuple_fixture *fixture = test->priv;
	struct iphdr *ip = (struct iphdr *)fixture->data;
	struct dvp_packet packet;
	u8 *fragment;

	/* A first fragment has ports, later ones have something in their place. */
	build(test, true, IPPROTO_UDP);
	ip->frag_off = htons(IP_MF);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, parse_whole(test, true, &packet));
	ip->frag_off = htons(IP_DF);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, parse_whole(test, true, &packet));
	ip->frag_off = htons(IP_MF | 185);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER,
			parse_whole(test, true, &packet));
	ip->frag_off = htons(185);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER,
			parse_whole(test, true, &packet));

	build_extended(test, IPPROTO_TCP);
	fragment = fixture->data + 40 + 8 + 16 + 24;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, parse_whole(test, false, &packet));
	fragment[2] = 5;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER,
			parse_whole(test, false, &packet));
	fragment[0] = NEXTHDR_DEST;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER,
			parse_whole(test, false, &packet));

	/* The same, quoted. */
	build_error(test, true, IPPROTO_UDP, ICMP_DEST_UNREACH);
	ip = (struct iphdr *)(fixture->data + 28);
	ip->frag_off = htons(185);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER,
			parse_whole(test, true, &packet));
}

static void tuple_icmp_errors(struct kunit *test)
{
	static const u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	struct dvp_packet packet;
	int is_v4, i, type;

	for (is_v4 = 0; is_v4 < 2; is_v4++) {
		for (i = 0; i < ARRAY_SIZE(protos); i++) {
			for (type = 0; type < 4; type++) {
				unsigned int l3 = is_v4 ? 20 : 40;

				build_error(test, is_v4, protos[i],
					    is_v4 ? icmp4_errors[type] :
						    icmp6_errors[type]);
				KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK,
						parse_whole(test, is_v4,
							    &packet));
				expect_tuple(test, &packet);
				KUNIT_EXPECT_TRUE(test, packet.icmp_error);
				KUNIT_EXPECT_EQ(test, packet.l4, l3);
				KUNIT_EXPECT_EQ(test, packet.inner_l3, l3 + 8);
				KUNIT_EXPECT_EQ(test, packet.inner_l4,
						l3 + 8 + l3);
				KUNIT_EXPECT_EQ(test, packet.signs, 0);
				KUNIT_EXPECT_EQ(test, packet.proto,
						is_v4 ? IPPROTO_ICMP :
							IPPROTO_ICMPV6);
			}
		}
	}
}

static void tuple_echo(struct kunit *test)
{
	struct tuple_fixture *fixture = test->priv;
	struct dvp_packet packet;
	struct dvp_tuple request;
	int is_v4;
	u8 proto;

	for (is_v4 = 0; is_v4 < 2; is_v4++) {
		proto = is_v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		build(test, is_v4, proto);
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, parse_whole(test, is_v4, &packet));
		expect_tuple(test, &packet);
		KUNIT_EXPECT_EQ(test, packet.signs, 0);
		KUNIT_EXPECT_FALSE(test, packet.icmp_error);
		KUNIT_EXPECT_TRUE(test, packet.tuple.sport && !packet.tuple.dport);

		/* The reply is the request reversed. */
		request = packet.tuple;
		dvp_tuple_reverse(&request, DVP_STAGE_OUT, &fixture->tuple);
		fixture->len = packet_build(fixture->data, &fixture->tuple, payload,
					    sizeof(payload), PACKET_UDP_SUMMED);
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, parse_whole(test, is_v4, &packet));
		expect_tuple(test, &packet);
		KUNIT_EXPECT_EQ(test, packet.signs, DVP_SIGN_LAST);

		/* The other family's. */
		fixture->data[is_v4 ? 9 : 6] = is_v4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER, parse_whole(test, is_v4, &packet));

		/* What neither asks nor answers. */
		build(test, is_v4, proto);
		fixture->data[is_v4 ? 20 : 40] = is_v4 ? ICMP_TIMESTAMP :
						     NDISC_NEIGHBOUR_SOLICITATION;
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER, parse_whole(test, is_v4, &packet));

		/* Quoted; errors are never about errors. */
		build_error(test, is_v4, proto, is_v4 ? ICMP_TIME_EXCEEDED : ICMPV6_TIME_EXCEED);
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, parse_whole(test, is_v4, &packet));
		expect_tuple(test, &packet);
		KUNIT_EXPECT_TRUE(test, packet.icmp_error);
		fixture->data[packet.inner_l4] = is_v4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH;
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER, parse_whole(test, is_v4, &packet));
	}
}

static void tuple_other_protocols(struct kunit *test)
{
	static const u8 protos[] = {
		IPPROTO_IGMP, IPPROTO_GRE, IPPROTO_ESP, IPPROTO_UDPLITE,
	};
	struct tuple_fixture *fixture = test->priv;
	struct iphdr *ip4 = (struct iphdr *)fixture->data;
	struct ipv6hdr *ip6 = (struct ipv6hdr *)fixture->data;
	struct dvp_packet packet;
	int i;

	for (i = 0; i < ARRAY_SIZE(protos); i++) {
		build(test, true, IPPROTO_TCP);
		ip4->protocol = protos[i];
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER,
				parse_whole(test, true, &packet));
		build(test, false, IPPROTO_TCP);
		ip6->nexthdr = protos[i];
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER,
				parse_whole(test, false, &packet));
		build_error(test, true, IPPROTO_TCP, ICMP_DEST_UNREACH);
		((struct iphdr *)(fixture->data + 28))->protocol = protos[i];
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER,
				parse_whole(test, true, &packet));
	}

	/* The other family's ICMP, and ICMP that is neither error nor echo. */
	build_error(test, true, IPPROTO_TCP, ICMPV6_DEST_UNREACH);
	ip4->protocol = IPPROTO_ICMPV6;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER,
			parse_whole(test, true, &packet));
	build_error(test, false, IPPROTO_TCP, ICMP_DEST_UNREACH);
	ip6->nexthdr = IPPROTO_ICMP;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER,
			parse_whole(test, false, &packet));
	build_error(test, true, IPPROTO_TCP, ICMP_TIMESTAMP);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER,
			parse_whole(test, true, &packet));
	build_error(test, false, IPPROTO_TCP, ICMPV6_MGM_QUERY);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OTHER,
			parse_whole(test, false, &packet));
}

static void tuple_bogus_headers(struct kunit *test)
{
	struct tuple_fixture *fixture = test->priv;
	struct iphdr *ip4 = (struct iphdr *)fixture->data;
	struct ipv6hdr *ip6 = (struct ipv6hdr *)fixture->data;
	struct dvp_packet packet;

	build(test, true, IPPROTO_TCP);
	ip4->version = 5;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, true, &packet));
	build(test, true, IPPROTO_TCP);
	ip4->ihl = 4;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, true, &packet));
	build(test, true, IPPROTO_UDP);
	ip4->tot_len = htons(fixture->len + 1);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, true, &packet));
	ip4->tot_len = htons(20 + 7);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, true, &packet));
	ip4->tot_len = htons(19);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, true, &packet));
	ip4->tot_len = 0;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, true, &packet));
	ip4->tot_len = htons(20 + 8);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, parse_whole(test, true, &packet));

	build(test, false, IPPROTO_TCP);
	ip6->version = 4;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, false, &packet));
	build(test, false, IPPROTO_TCP);
	ip6->payload_len = htons(fixture->len - 40 + 1);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, false, &packet));
	ip6->payload_len = htons(19);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, false, &packet));
	ip6->payload_len = 0;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, false, &packet));

	/* Addresses that mean IPv4 here must not come in over IPv6. */
	build(test, false, IPPROTO_TCP);
	ipv6_addr_set_v4mapped(htonl(0x0a000001), &ip6->saddr);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, false, &packet));
	build(test, false, IPPROTO_TCP);
	ipv6_addr_set_v4mapped(htonl(0x0a000001), &ip6->daddr);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, false, &packet));
	build_error(test, false, IPPROTO_TCP, ICMPV6_DEST_UNREACH);
	ip6 = (struct ipv6hdr *)(fixture->data + 48);
	ipv6_addr_set_v4mapped(htonl(0x0a000001), &ip6->daddr);
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, false, &packet));

	/* A quoted packet of the other family. */
	build_error(test, true, IPPROTO_TCP, ICMP_DEST_UNREACH);
	fixture->data[28] = 0x60;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD, parse_whole(test, true, &packet));
}

/*
 * Cut the packet everywhere, once so that the IP header knows of it and once so
 * that it does not, and split it everywhere between linear and paged data.
 */
static void cut_everywhere(struct kunit *test, bool is_v4, unsigned int needed)
{
	struct tuple_fixture *fixture = test->priv;
	struct ipv6hdr *ip6 = (struct ipv6hdr *)fixture->data;
	struct iphdr *ip4 = (struct iphdr *)fixture->data;
	unsigned int len, linear, min_linear = is_v4 ? 0 : sizeof(*ip6);
	enum dvp_tuple_result result;
	struct dvp_packet packet;

	for (linear = min_linear; linear <= fixture->len; linear++) {
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK,
				parse(test, is_v4, fixture->len, linear,
				      &packet));
		expect_tuple(test, &packet);
	}
	for (len = 0; len < fixture->len; len++) {
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD,
				parse(test, is_v4, len, len, &packet));
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_BAD,
				parse(test, is_v4, len, min_linear, &packet));
	}
	for (len = is_v4 ? sizeof(*ip4) : sizeof(*ip6) + 1; len < fixture->len;
	     len++) {
		if (is_v4)
			ip4->tot_len = htons(len);
		else
			ip6->payload_len = htons(len - sizeof(*ip6));
		for (linear = min_linear; linear <= len; linear += 7) {
			result = parse(test, is_v4, len, linear, &packet);
			KUNIT_EXPECT_EQ_MSG(test, result,
					    len < needed ? DVP_TUPLE_BAD :
							   DVP_TUPLE_OK,
					    "length %u of %u, %u linear", len,
					    fixture->len, linear);
		}
	}
}

static void tuple_truncated(struct kunit *test)
{
	build(test, true, IPPROTO_TCP);
	cut_everywhere(test, true, 20 + 20);
	build(test, true, IPPROTO_UDP);
	cut_everywhere(test, true, 20 + 8);
	build(test, false, IPPROTO_TCP);
	cut_everywhere(test, false, 40 + 20);
	build(test, false, IPPROTO_UDP);
	cut_everywhere(test, false, 40 + 8);
	build(test, true, IPPROTO_SCTP);
	cut_everywhere(test, true, 20 + 12);
	build(test, false, IPPROTO_SCTP);
	cut_everywhere(test, false, 40 + 12);
	build_extended(test, IPPROTO_TCP);
	cut_everywhere(test, false, 40 + 8 + 16 + 24 + 8 + 20);
	build_error(test, true, IPPROTO_TCP, ICMP_DEST_UNREACH);
	cut_everywhere(test, true, 20 + 8 + 20 + 8);
	build_error(test, false, IPPROTO_UDP, ICMPV6_PKT_TOOBIG);
	cut_everywhere(test, false, 40 + 8 + 40 + 8);
}

/* Packets of more than 64 KB say 0 where their length should be. */
static void tuple_big_gso(struct kunit *test)
{
	struct tuple_fixture *fixture = test->priv;
	struct dvp_packet packet;
	struct sk_buff *skb;

	build(test, true, IPPROTO_TCP);
	((struct iphdr *)fixture->data)->tot_len = 0;
	skb = packet_skb(fixture->data, fixture->len, 40);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_shinfo(skb)->gso_size = 1448;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK,
			dvp_tuple_parse4(skb, DVP_STAGE_OUT, &packet));
	expect_tuple(test, &packet);
	kfree_skb(skb);

	build(test, false, IPPROTO_TCP);
	((struct ipv6hdr *)fixture->data)->payload_len = 0;
	skb = packet_skb(fixture->data, fixture->len, 60);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_shinfo(skb)->gso_size = 1428;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV6;
	KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK,
			dvp_tuple_parse6(skb, DVP_STAGE_OUT, &packet));
	expect_tuple(test, &packet);
	kfree_skb(skb);
}

/* Offsets count from skb->data, wherever the network header is. */
static void tuple_network_offset(struct kunit *test)
{
	struct tuple_fixture *fixture = test->priv;
	struct dvp_packet packet;
	struct sk_buff *skb;
	int is_v4;

	for (is_v4 = 0; is_v4 < 2; is_v4++) {
		build_error(test, is_v4, IPPROTO_TCP, is_v4 ?
			    ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH);
		skb = packet_skb(fixture->data, fixture->len, 40);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		memset(skb_push(skb, 14), 0, 14);
		KUNIT_EXPECT_EQ(test, DVP_TUPLE_OK, is_v4 ?
				dvp_tuple_parse4(skb, DVP_STAGE_OUT, &packet) :
				dvp_tuple_parse6(skb, DVP_STAGE_OUT, &packet));
		expect_tuple(test, &packet);
		KUNIT_EXPECT_EQ(test, packet.l4, 14 + (is_v4 ? 20 : 40));
		KUNIT_EXPECT_EQ(test, packet.inner_l3, packet.l4 + 8);
		kfree_skb(skb);
	}
}

/* Whatever a damaged packet says, what was found lies inside of it. */
static void tuple_fuzzed(struct kunit *test)
{
	struct tuple_fixture *fixture = test->priv;
	u32 round, n, results[3] = {};
	enum dvp_tuple_result result;
	struct dvp_packet packet;
	unsigned int len, linear;
	bool is_v4;

	kunit_info(test, "seed %u, %u rounds\n", SEED, FUZZ_ROUNDS);
	for (round = 0; round < FUZZ_ROUNDS; round++) {
		is_v4 = round % 2;
		if (round % 3 == 0)
			build(test, is_v4, round % 4 < 2 ? IPPROTO_TCP : IPPROTO_SCTP);
		else if (round % 3 == 1)
			build_error(test, is_v4, IPPROTO_UDP, is_v4 ?
				    ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH);
		else if (is_v4)
			build_error(test, true, IPPROTO_TCP, ICMP_TIME_EXCEEDED);
		else
			build_extended(test, IPPROTO_TCP);

		for (n = 1 + prandom_u32_state(&fixture->rnd) % 4; n; n--) {
			u32 at = prandom_u32_state(&fixture->rnd) %
				 min(fixture->len, 128u);

			fixture->data[at] = prandom_u32_state(&fixture->rnd);
		}
		len = fixture->len - prandom_u32_state(&fixture->rnd) % 2 *
			(prandom_u32_state(&fixture->rnd) % 40);
		linear = (is_v4 ? 0 : 40) +
			 prandom_u32_state(&fixture->rnd) % 80;

		result = parse(test, is_v4, len, linear, &packet);
		KUNIT_ASSERT_LE(test, result, DVP_TUPLE_BAD);
		results[result]++;
		if (result != DVP_TUPLE_OK)
			continue;
		KUNIT_EXPECT_EQ(test, packet.tuple.zero, 0);
		KUNIT_EXPECT_EQ(test, dvp_tuple_is_v4(&packet.tuple), is_v4);
		KUNIT_EXPECT_LE(test, packet.l4 + 8u, len);
		if (packet.icmp_error)
			KUNIT_EXPECT_LE(test, packet.inner_l4 + 8u, len);
	}
	/* It was not all the same. */
	KUNIT_EXPECT_GT(test, results[DVP_TUPLE_OK], FUZZ_ROUNDS / 20);
	KUNIT_EXPECT_GT(test, results[DVP_TUPLE_OTHER], FUZZ_ROUNDS / 200);
	KUNIT_EXPECT_GT(test, results[DVP_TUPLE_BAD], FUZZ_ROUNDS / 20);
}

static void tuple_reverse(struct kunit *test)
{
	struct tuple_fixture *fixture = test->priv;
	struct dvp_tuple reverse;

	packet_tuple(&fixture->rnd, true, IPPROTO_UDP, &fixture->tuple);
	memset(&reverse, 0xaa, sizeof(reverse));
	dvp_tuple_reverse(&fixture->tuple, DVP_STAGE_OUT, &reverse);
	KUNIT_EXPECT_TRUE(test, ipv6_addr_equal(&reverse.src,
						&fixture->tuple.dst));
	KUNIT_EXPECT_TRUE(test, ipv6_addr_equal(&reverse.dst,
						&fixture->tuple.src));
	KUNIT_EXPECT_TRUE(test, reverse.sport == fixture->tuple.dport);
	KUNIT_EXPECT_TRUE(test, reverse.dport == fixture->tuple.sport);
	KUNIT_EXPECT_EQ(test, reverse.proto, IPPROTO_UDP);
	KUNIT_EXPECT_EQ(test, reverse.stage, DVP_STAGE_OUT);
	KUNIT_EXPECT_EQ(test, reverse.zero, 0);

	/* In place, and back. */
	dvp_tuple_reverse(&reverse, DVP_STAGE_IN, &reverse);
	KUNIT_EXPECT_EQ(test, 0, memcmp(&reverse, &fixture->tuple,
					sizeof(reverse)));
}

static struct kunit_case tuple_cases[] = {
	KUNIT_CASE(tuple_transports),
	KUNIT_CASE(tuple_tcp_signs),
	KUNIT_CASE(tuple_sctp_signs),
	KUNIT_CASE(tuple_ip4_options),
	KUNIT_CASE(tuple_ip6_extensions),
	KUNIT_CASE(tuple_fragments),
	KUNIT_CASE(tuple_icmp_errors),
	KUNIT_CASE(tuple_echo),
	KUNIT_CASE(tuple_other_protocols),
	KUNIT_CASE(tuple_bogus_headers),
	KUNIT_CASE(tuple_truncated),
	KUNIT_CASE(tuple_big_gso),
	KUNIT_CASE(tuple_network_offset),
	KUNIT_CASE(tuple_fuzzed),
	KUNIT_CASE(tuple_reverse),
	{}
};

static struct kunit_suite tuple_suite = {
	.name = "dvpnet_tuple",
	.init = tuple_test_init,
	.test_cases = tuple_cases,
};

kunit_test_suite(tuple_suite);
