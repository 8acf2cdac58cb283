#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
mutants.py [--kernel KERNEL | --check] [NAME...]: breaks the module in one place at a time, and runs the tests
that have to notice. A mutant that its tests let pass is a failure: they cannot fail.

Each is built from a copy of the sources below build/mutants, where its log is kept, too. --check
builds and runs nothing: it tells which of them the code has outgrown.
"""

import argparse
import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parent.parent
FOLDER = REPO / "build" / "mutants"
SOURCES = ["kmod", "include", "Kbuild", "Makefile", "dkms.conf"]


@dataclasses.dataclass(frozen=True)
class Mutant:
    """In a file of kmod, a text becomes another; tests are pytest's arguments."""
    file: str
    old: str
    new: str
    tests: str
    kernel: str = "uml"

    def source(self, tree):
        """Its file below a tree."""
        return tree / "kmod" / self.file

    def is_of(self, text):
        """Whether a source has the place that it is about, once."""
        return text.count(self.old) == 1


MUTANTS = {
    # Choosing the list, verdicts.
    "short-circuit": Mutant(
        "decide.c",
        "client == DECIDE_CLIENT_OUTSIDE;\n"
        "}\n"
        "\n"
        "/* The clients",
        "true;\n"
        "}\n"
        "\n"
        "/* The clients",
        "test_lists.py -k external-none"),
    "external-is-internal": Mutant(
        "decide.c",
        "if (decision->type == DVPNET_FRONTEND_TYPE_CLUSTER_IP)\n"
        "\t\treturn flags &",
        "if (decision->type)\n"
        "\t\treturn flags &",
        "test_lists.py -k external"),
    "drop-is-reject": Mutant(
        "decide.c",
        "else if (spec->cluster->count)",
        "else if (!spec->cluster)",
        "test_lists.py -k internal-none"),
    "unused-port": Mutant(
        "decide.c",
        "DVPNET_VERDICT_REJECT, DVP_STAT_SERVICE_UNUSED_PORT,\n"
        "\t\t\t      \"a ClusterIP",
        "DVPNET_VERDICT_NONE, DVP_STAT_SERVICE_UNUSED_PORT,\n"
        "\t\t\t      \"a ClusterIP",
        "test_frontends.py -k unused_port"),
    "unallocated": Mutant(
        "decide.c",
        "return range && range->kind",
        "return !range && range->kind",
        "test_frontends.py -k unallocated"),
    "own-address": Mutant(
        "decide.c",
        "range->kind == DVPNET_RANGE_KIND_SERVICE &&\n"
        "\t       !decide_is_node_address(dn, addr)",
        "range->kind == DVPNET_RANGE_KIND_SERVICE",
        "test_verdicts.py -k unallocated"),
    "source-ranges": Mutant(
        "decide.c",
        "return dvp_range_find(spec->source, spec->sources, client);",
        "return true;",
        "test_ranges.py -k outside"),
    "ranges-for-all": Mutant(
        "decide.c",
        "(decision->type != DVPNET_FRONTEND_TYPE_LOAD_BALANCER &&",
        "(!decision->type &&",
        "test_ranges.py -k load_balancer_alone"),
    # Echo.
    "echo": Mutant(
        "decide.c",
        "if (!rcu_dereference(dn->config)->vip_echo)",
        "if (0)",
        "test_echo.py"),
    "echo-of-host": Mutant(
        "decide.c",
        "if (decide_is_node_address(dn, addr)) {\n"
        "\t\tdecision->reason = \"an address of Services",
        "if (0) {\n"
        "\t\tdecision->reason = \"an address of Services",
        "test_echo.py"),
    # Choice.
    "affinity": Mutant(
        "decide.c",
        "if (decision->is_sticky)\n"
        "\t\tdecision->backend = decide_keep",
        "if (0)\n"
        "\t\tdecision->backend = decide_keep",
        "test_affinity.py -k kept"),
    "affinity-of-list": Mutant(
        "decide.c",
        "if (!member || !(member->flags & flag))",
        "if (!member || !flag)",
        "test_affinity.py -k list_of_the_policy"),
    "affinity-renewed": Mutant(
        "affinity.c",
        "WRITE_ONCE(found->used, (u32)jiffies);",
        "",
        "test_affinity.py -k times_out"),
    "affinity-times-out": Mutant(
        "affinity.c",
        "return age < timeout * HZ ? timeout * HZ - age : 0;",
        "return age + timeout * HZ + 1;",
        "test_affinity.py -k times_out"),
    "random": Mutant(
        "decide.c",
        "return dvp_backend_choose_random(list);",
        "break;",
        "test_verdicts.py -k random"),
    "least-conn": Mutant(
        "backend.c",
        "< flows * other->weight ? other : one",
        "< flows * other->weight ? one : other",
        "test_verdicts.py -k least_conn"),
    "weight": Mutant(
        "backend.c",
        "mix(shares[i].backend->id + j * GOLDEN)",
        "mix(shares[i].backend->id)",
        "test_verdicts.py -k weights"),
    # Source translation, egress.
    "hairpin": Mutant(
        "decide.c",
        "ipv6_addr_equal(backend, &tuple->src) ||",
        "",
        "test_source.py -k hairpin"),
    "leaves-pod-network": Mutant(
        "decide.c",
        "decide_leaves_pod_network(dn, tuple, backend);\n"
        "\tif",
        "0;\n"
        "\tif",
        "test_egress.py -k endpoint_outside"),
    "egress-direct": Mutant(
        "egress.c",
        "return in && in != dn->dev &&",
        "return in && in == dn->dev &&",
        "test_egress.py -k begun_outside"),
    "egress-inside": Mutant(
        "egress.c",
        "else if (egress_is_in_range(dn, &tuple->dst))",
        "else if (0)",
        "test_egress.py -k not_to_ranges"),
    "egress-multicast": Mutant(
        "egress.c",
        "else if (egress_is_special(&tuple->dst))",
        "else if (0)",
        "test_egress.py -k multicast"),
    "egress-stray": Mutant(
        "translate.c",
        "if (packet->signs & DVP_SIGN_LAST) {\n"
        "\t\tdvp_stats_inc(dn, DVP_STAT_EGRESS_STRAY)",
        "if (0) {\n"
        "\t\tdvp_stats_inc(dn, DVP_STAT_EGRESS_STRAY)",
        "test_egress.py -k stray_reset"),
    "ambiguous": Mutant(
        "egress.c",
        "dvp_flow_is_middle(dn, &packet->tuple);",
        "false;",
        "test_egress.py -k service_then_direct"),
    # Nodes.
    "node-by-address": Mutant(
        "node.h",
        "a && b && a->id == b->id",
        "a == b",
        "test_switch.py -k many_prefixes", "6.1"),
    # Flows.
    "two-frontends": Mutant(
        "flow.c",
        "while (dvp_port_next(&iter, &flow->key[DVP_FLOW_REPLY_OUT].tuple)) {",
        "while (0) {",
        "test_flows.py -k one_client_port"),
    "half-made": Mutant(
        "flow.c",
        "flow->marks = BIT(DVP_FLOW_DEAD);",
        "flow->marks = 0;",
        "test_nat.py -k could_not_begin", "6.1"),
    "answered-datagram": Mutant(
        "flow.c",
        "if (READ_ONCE(flow->replied) && !dvp_flow_is_reply(key) &&",
        "if (flow_is_datagram(&key->tuple) && dvp_flow_is_reply(key))\n"
        "\t\treturn DVPNET_FLOW_STATE_ESTABLISHED;\n"
        "\tif (READ_ONCE(flow->replied) && !dvp_flow_is_reply(key) &&",
        "test_nat.py -k flood_that_is_answered"),
    "begins-at-gone": Mutant(
        "flow.c",
        "signs & DVP_SIGN_OPENS)) {",
        "false)) {",
        "test_flows.py -k used_again"),
    "udp-race": Mutant(
        "flow.c",
        "return winner ?: ERR_PTR(-EAGAIN);",
        "(void)winner;\n"
        "\t\treturn ERR_PTR(-EAGAIN);",
        "test_service_load.py -k pairs", "6.1"),
    "reset-removed": Mutant(
        "translate.c",
        "rcu_dereference(dn->config)->reset_removed;",
        "0;",
        "test_flows.py -k reset_removed"),
    "udp-release": Mutant(
        "flow.c",
        "READ_ONCE(flow->backend->gone)",
        "0",
        "test_flows.py -k udp_sender"),
    "backend-leak": Mutant(
        "flow.c",
        "if (flow->backend)\n"
        "\t\tdvp_backend_put(flow->backend);",
        "",
        "test_choice.py -k service_deleted"),
    "icmp-source": Mutant(
        "translate.c",
        "outer_src = &target.src;",
        "outer_src = DVP_NAT_KEEP;",
        "test_nat.py -k 'refusal_is_translated or too_big_beyond'"),
    # Bridges, SCTP.
    "bridge": Mutant(
        "bridge.c",
        "if (!bridge_parse(skb, &packet))",
        "if (1 || !bridge_parse(skb, &packet))",
        "test_bridge.py"),
    "affinity-for-ever": Mutant(
        "affinity.c",
        "READ_ONCE(found->round) + !left,",
        "READ_ONCE(found->round),",
        "test_affinity.py -k not_for_ever"),
    "crc32c": Mutant(
        "nat.c",
        "sctp->checksum ^= cpu_to_le32(dvp_crc32c_change(diff, len));",
        "sctp->checksum ^= cpu_to_le32(dvp_crc32c_change(diff, len) & !diff);",
        "test_sctp.py -k checksum"),
}


def build(name, mutant, kernel):
    """The broken module's file."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source in SOURCES:
        copy = shutil.copytree if (REPO / source).is_dir() else shutil.copy
        copy(REPO / source, folder / source)
    path = mutant.source(folder)
    text = path.read_text(encoding="utf-8")
    assert mutant.is_of(text), f"{name}: mend the table, see --check"
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    # What nothing calls any more is a warning.
    subprocess.run([REPO / "tests/vm/build.sh", kernel, folder / "out", folder,
                    "KCFLAGS=-Wno-unused"], check=True, stdout=subprocess.DEVNULL)
    return folder / "out" / "dvpnet.ko"


def is_noticed(name, mutant, kernel):
    """Do the tests fail? That the guest did not run is none of that."""
    log = FOLDER / f"{name}.log"
    module = build(name, mutant, kernel)
    with log.open("w", encoding="utf-8") as out:
        failed = subprocess.run(
            ["bash", "-c", f"exec {REPO}/tests/e2e/run.sh {kernel} -x {mutant.tests}"], stdout=out,
            stderr=out, check=False, env={**os.environ, "MODULE": str(module)}).returncode
    text = log.read_text(encoding="utf-8", errors="replace")
    assert any(word in text for word in ("passed", "failed", "the kernel complained")), \
        f"{name}: the tests did not run, see {log}"
    shutil.rmtree(FOLDER / name)
    return failed != 0


def check(names):
    """Whether the code still has all the places that are to be broken."""
    outgrown = [name for name in names if not MUTANTS[name].is_of(
        MUTANTS[name].source(REPO).read_text(encoding="utf-8"))]
    for name in outgrown:
        print(f"{name}: {MUTANTS[name].file} does not have, once: {MUTANTS[name].old!r}")
    return 1 if outgrown else 0


def main():
    """Each in turn."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n\n", maxsplit=1)[0])
    parser.add_argument("--kernel", help="where to run all of them")
    parser.add_argument("--check", action="store_true", help="are they of this code?")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MUTANTS))
    options = parser.parse_args()
    passed = 0
    names = options.names or list(MUTANTS)
    if options.check:
        return check(names)
    for name in names:
        mutant = MUTANTS[name]
        kernel = options.kernel or mutant.kernel
        noticed = is_noticed(name, mutant, kernel)
        passed += noticed
        print(f"{'noticed' if noticed else 'NOT NOTICED':12} {name} ({kernel}: {mutant.tests})",
              flush=True)
    print(f"{passed} passed, {len(names) - passed} failed")
    return 0 if passed == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
