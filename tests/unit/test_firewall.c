// SPDX-License-Identifier: GPL-2.0
/* Which rulesets block pods: real ones, in a network namespace of its own. */
#include <sched.h>
#include <stdio.h>

#include "firewall.h"
#include "nft.h"
#include "reading.h"

static int enter_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET)) {
		print_message("# no network namespace of its own: needs root\n");
		return -1;
	}
	return 0;
}

static void add_prefix(struct spans *spans, const char *text)
{
	struct ip ip;
	uint8_t len;

	ip_parse_prefix(text, &ip, &len);
	spans_add_prefix(spans, &ip, len);
}

/* Does a chain block pods of a family? */
static bool is_chain_blocking(struct nft *nft, const char *family, const char *name,
			      const char *chain, uint8_t af)
{
	struct firewall_probe probe = { .family = af, .iifname = "veth1", .oifname = "dvp0" };
	struct firewall_table table;
	bool blocks;

	add_prefix(&probe.saddr, af == AF_INET ? "10.111.1.0/24" : "fd00:111:1::/64");
	add_prefix(&probe.daddr, af == AF_INET ? "10.111.2.0/24" : "fd00:111:2::/64");
	assert_true(firewall_read(nft, family, name, &table));
	blocks = firewall_blocks(&table, chain, &probe);
	firewall_free(&table);
	spans_free(&probe.saddr);
	spans_free(&probe.daddr);
	return blocks;
}

/* Does "table inet t" with these contents, and its chain "forward", block pods of a family? */
static bool is_blocked(const char *contents, uint8_t family)
{
	char *commands = util_printf("flush ruleset\ntable inet t {\n%s\n}\n", contents);
	struct nft nft;
	bool blocks;

	nft_open(&nft);
	if (nft_run(&nft, commands))
		fail_msg("%s", nft_error(&nft));
	blocks = is_chain_blocking(&nft, "inet", "t", "forward", family);
	nft_close(&nft);
	free(commands);
	return blocks;
}

/* And iptables with these rules, in nftables? */
static bool is_blocked_by_iptables(const char *rules)
{
	char *command = util_printf("nft flush ruleset; iptables-nft-restore <<'END'\n*filter\n"
				    ":FORWARD DROP\n%s\nCOMMIT\nEND", rules);
	struct nft nft;
	bool blocks;

	assert_int_equal(system(command), 0);
	nft_open(&nft);
	blocks = is_chain_blocking(&nft, "ip", "filter", "FORWARD", AF_INET);
	nft_close(&nft);
	free(command);
	return blocks;
}

#define DROP "chain forward { type filter hook forward priority 0; policy drop; "
#define ACCEPT "chain forward { type filter hook forward priority 0; policy accept; "

static void assert_passes(const char *contents)
{
	if (is_blocked(contents, AF_INET))
		fail_msg("blocks: %s", contents);
}

static void assert_blocks(const char *contents)
{
	if (!is_blocked(contents, AF_INET))
		fail_msg("passes: %s", contents);
}

static void follows_the_policy(void **state)
{
	(void)state;
	assert_passes(ACCEPT "}");
	assert_blocks(DROP "}");
	assert_blocks(DROP "counter\n ct state established,related accept\n }");
	assert_passes(ACCEPT "ct state invalid drop\n ct state established drop\n }");
}

static void compares_devices(void **state)
{
	(void)state;
	assert_passes(DROP "iifname \"veth1\" accept\n }");
	assert_passes(DROP "iifname \"veth*\" accept\n }");
	assert_passes(DROP "oifname { \"lo\", \"dvp0\" } accept\n }");
	assert_passes(DROP "iifname != \"eth0\" accept\n }");
	assert_blocks(DROP "iifname \"docker0\" accept\n oifname \"docker0\" accept\n }");
	assert_blocks(DROP "iifname \"veth1\" oifname \"eth0\" accept\n }");
	assert_blocks(DROP "iifname != \"veth1\" accept\n }");
	assert_passes(DROP "iifname \"docker0\" drop\n oifname \"dvp0\" accept\n }");
}

static void compares_addresses(void **state)
{
	(void)state;
	assert_passes(DROP "ip saddr 10.111.0.0/16 accept\n }");
	assert_passes(DROP "ip saddr 10.111.1.7 accept\n }");
	assert_passes(DROP "ip daddr { 10.0.0.1, 10.111.2.0/25 } accept\n }");
	assert_passes(DROP "ip daddr 10.111.1.0-10.111.9.255 accept\n }");
	assert_passes(DROP "ip saddr != 10.0.0.1 accept\n }");
	assert_blocks(DROP "ip saddr 172.17.0.0/16 accept\n ip6 saddr fd00::/8 accept\n }");
	assert_blocks(DROP "ip saddr != 10.0.0.0/8 accept\n ip6 saddr != ::1 accept\n }");
	assert_blocks(ACCEPT "ip saddr 10.0.0.0/8 drop\n }");
	assert_passes(ACCEPT "ip saddr 10.111.1.5 drop\n ip6 saddr fd00::/8 drop\n }");
	assert_passes("set s { type ipv4_addr; flags interval; elements = { 1.2.3.4 } }\n"
		      DROP "ip saddr @s accept\n }");
}

static void compares_families(void **state)
{
	(void)state;
	assert_false(is_blocked(DROP "ip6 saddr fd00:111::/32 accept\n }", AF_INET6));
	assert_true(is_blocked(DROP "ip saddr 10.111.0.0/16 accept\n }", AF_INET6));
	assert_true(is_blocked(DROP "meta nfproto ipv4 accept\n }", AF_INET6));
	assert_false(is_blocked(DROP "meta nfproto ipv6 accept\n }", AF_INET6));
}

static void follows_jumps(void **state)
{
	static const char chains[] = "chain yes { accept\n }\n chain no { drop\n }\n"
				     "chain back { return\n accept\n }\n"
				     "chain some { ip saddr 10.111.1.5 return\n drop\n }\n";
	char *text;

	(void)state;
#define WITH_CHAINS(assert, forward)				\
	do {							\
		text = util_printf("%s%s", chains, forward);	\
		assert(text);					\
		free(text);					\
	} while (0)
	WITH_CHAINS(assert_passes, DROP "jump yes\n }");
	WITH_CHAINS(assert_passes, DROP "goto yes\n }");
	WITH_CHAINS(assert_blocks, ACCEPT "jump no\n }");
	WITH_CHAINS(assert_blocks, DROP "jump back\n }");
	WITH_CHAINS(assert_passes, DROP "jump back\n accept\n }");
	WITH_CHAINS(assert_blocks, DROP "goto back\n accept\n }");
	WITH_CHAINS(assert_blocks, DROP "iifname \"eth0\" jump yes\n }");
	WITH_CHAINS(assert_passes, ACCEPT "ip saddr 10.111.1.5 jump no\n }");
	WITH_CHAINS(assert_passes, DROP "ct state vmap { new : jump yes, invalid : drop }\n }");
	WITH_CHAINS(assert_blocks, DROP "ct state vmap { established : accept }\n }");
	WITH_CHAINS(assert_blocks, ACCEPT "ct state vmap { new : drop }\n }");
	WITH_CHAINS(assert_passes, DROP "tcp dport vmap { 80 : accept, 81 : drop }\n }");
}

static void gives_the_benefit_of_the_doubt(void **state)
{
	(void)state;
	assert_passes(DROP "tcp dport 80 accept\n }");
	assert_passes(DROP "meta mark 1 accept\n }");
	assert_passes(ACCEPT "tcp dport 80 drop\n udp dport 53 reject\n }");
	assert_passes(ACCEPT "limit rate 10/second drop\n }");
	assert_passes(DROP "limit rate 10/second accept\n }");
	assert_passes(DROP "tcp dport 80 drop\n accept\n }");
}

/* What firewalld makes, in short. */
static void judges_firewalld(void **state)
{
	(void)state;
	assert_blocks("chain zones { iifname \"eth0\" goto public\n goto public\n }\n"
		      "chain public { jump public_allow\n }\n"
		      "chain public_allow { oifname \"lo\" accept\n }\n"
		      ACCEPT "ct state established,related accept\n ct status dnat accept\n"
		      "iifname \"lo\" accept\n ct state invalid drop\n jump zones\n"
		      "reject with icmpx admin-prohibited\n }");
	assert_passes("chain zones { iifname \"veth*\" goto trusted\n goto public\n }\n"
		      "chain public { }\n chain trusted { accept\n }\n"
		      ACCEPT "ct state established,related accept\n jump zones\n"
		      "reject with icmpx admin-prohibited\n }");
}

static void understands_iptables(void **state)
{
	(void)state;
	/* Not every kernel has what it needs. */
	if (system("iptables-nft -A FORWARD -m conntrack --ctstate NEW -j ACCEPT 2>/dev/null"))
		return;
	assert_true(is_blocked_by_iptables(""));
	assert_true(is_blocked_by_iptables("-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED "
					   "-j ACCEPT"));
	assert_false(is_blocked_by_iptables("-A FORWARD -m conntrack --ctstate NEW -j ACCEPT"));
	assert_false(is_blocked_by_iptables("-A FORWARD -m conntrack ! --ctstate INVALID -j ACCEPT"));
	assert_false(is_blocked_by_iptables("-A FORWARD -s 10.111.0.0/16 -m comment --comment pods "
					    "-j ACCEPT"));
	assert_true(is_blocked_by_iptables("-A FORWARD -m comment --comment all -j REJECT\n"
					   "-A FORWARD -j ACCEPT"));
	assert_false(is_blocked_by_iptables("-A FORWARD -m mark --mark 1 -j REJECT\n"
					    "-A FORWARD -j ACCEPT"));
	/* Docker. */
	assert_true(is_blocked_by_iptables(":DOCKER-USER -\n:DOCKER -\n"
					   "-A FORWARD -j DOCKER-USER\n"
					   "-A FORWARD -o docker0 -m conntrack --ctstate "
					   "RELATED,ESTABLISHED -j ACCEPT\n"
					   "-A FORWARD -o docker0 -j DOCKER\n"
					   "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT\n"
					   "-A DOCKER-USER -j RETURN"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_policy),
		cmocka_unit_test(compares_devices),
		cmocka_unit_test(compares_addresses),
		cmocka_unit_test(compares_families),
		cmocka_unit_test(follows_jumps),
		cmocka_unit_test(gives_the_benefit_of_the_doubt),
		cmocka_unit_test(judges_firewalld),
		cmocka_unit_test(understands_iptables),
	};

	return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
