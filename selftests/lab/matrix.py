# SPDX-License-Identifier: GPL-2.0
"""Every pair of the plan, tried for real, against what the plan promises.

    matrix.py LAB PLAN [--table] [--sample N] [--part K/N] [--hosts] [--sluice FILE] [--json FILE]

Tries ping, TCP and UDP from every workload to every other, compares with expect.py and prints the
differences. --table prints the two matrices side by side; --sample takes at most N workloads of a network
and node; --part 1/2 every second of the forbidden attempts, 2/2 the others; --hosts adds every workload's own node; --sluice compares with `sluice show policy --matrix --json`
as well; --json writes all results. Exit code 0: no difference.
"""
import argparse
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from expect import PROTOCOLS, Plan  # noqa: E402
from probe import Attempt, Probe  # noqa: E402
from stage import PATIENT, SLOW  # noqa: E402


def choose(plan, sample):
    """The workloads to try: at most `sample` of one network, node and set of labels (0: all)."""
    chosen, seen = [], {}
    for w in plan.json.get("workloads", []):
        if "interface" not in w or not os.path.exists(f"/run/netns/{args.lab}-{w['name']}"):
            continue
        key = (w["network"], w["node"], tuple(sorted(w.get("labels", {}).items())))
        seen[key] = seen.get(key, 0) + 1
        if not sample or seen[key] <= sample:
            chosen.append(plan.hosts[w["name"]])
    return chosen


def attempts_for(plan, hosts, ports):
    """Interleaved by destination, so that no victim is asked by everybody at the same moment."""
    made = []
    for shift in range(1, len(hosts)):
        for i, src in enumerate(hosts):
            dst = hosts[(i + shift) % len(hosts)]
            if (src.is_node or dst.is_node) and (src.is_node == dst.is_node or src.node != dst.node):
                continue
            for kind, port in [("icmp", 0)] + ports:
                made.append(Attempt(src.name, dst.name, kind, port,
                                    plan.allows(src, dst, PROTOCOLS[kind], port)))
    return made


def cell(values):
    """all, none, part of the attempts from one network to another."""
    if not values:
        return " "
    return "#" if all(values) else "." if not any(values) else "+"


def tables(plan, attempts):
    names = [n for n in plan.json["networks"] if any(h.network == n and not h.is_node for h in plan.hosts.values())]
    cluster = next(iter(plan.hosts.values())).cluster
    tag = {n: str(plan.json["networks"][n].get("sites", {}).get(cluster, {}).get("vlan", plan.json["networks"][n]["id"]))
           for n in names}
    seen, promised = {}, {}
    for a in attempts:
        src, dst = plan.hosts[a.src], plan.hosts[a.dst]
        if src.is_node or dst.is_node:
            continue
        seen.setdefault((src.network, dst.network), []).append(a.answered)
        promised.setdefault((src.network, dst.network), []).append(bool(a.expected))
    width = max(len(n) for n in names) + 1
    head = " ".join(f"{tag[n]:>4}" for n in names)
    print(f"{'':{width}}      {'OBSERVED':<{len(head)}}   PROMISED")
    print(f"{'from':{width}}   to {head}      {head}")
    for src in names:
        rows = [" ".join(f"{cell(m.get((src, dst), [])):>4}" for dst in names) for m in (seen, promised)]
        print(f"{src:{width}} {tag[src]:>4} {rows[0]}      {rows[1]}")
    print("# everything passes   + some ports or members   . nothing   (within a network: between its members)\n")
    print("What passed where only some does:")
    for (src, dst), values in sorted(seen.items(), key=lambda x: (tag[x[0][0]], tag[x[0][1]])):
        if cell(values) == "+":
            print(f"  {src} -> {dst}: {parts(plan, attempts, src, dst)}")


def parts(plan, attempts, src, dst):
    """ "tcp 22 443, icmp", and between whom, if not everybody may."""
    here = [a for a in attempts if plan.hosts[a.src].network == src and plan.hosts[a.dst].network == dst]
    pairs = {(a.src, a.dst) for a in here}
    open_pairs = {(a.src, a.dst) for a in here if a.answered}
    kinds = {}
    for a in here:
        if a.answered:
            kinds.setdefault(a.kind, set()).add(a.port)
    text = ", ".join(k if k == "icmp" else f"{k} {' '.join(map(str, sorted(p)))}" for k, p in sorted(kinds.items()))
    if open_pairs != pairs:
        text += f"  ({len(open_pairs)} of {len(pairs)} pairs)"
    return text


def against_sluice(plan, attempts, path):
    """`sluice show policy --matrix --json`: for two networks the ports that some (`part`) or all members may use."""
    with open(path, encoding="utf-8") as f:
        said = json.load(f)["matrix"]
    cells = {}
    for a in attempts:
        src, dst = plan.hosts[a.src], plan.hosts[a.dst]
        if not src.is_node and not dst.is_node:
            port = cells.setdefault((src.network, dst.network), {}).setdefault((a.kind, a.port), [])
            port.append(plan.judge(src, dst, PROTOCOLS[a.kind], a.port))
    wrong = []
    for (src, dst), ports in cells.items():
        cell = said.get(src, {}).get(dst)
        if cell is None:
            wrong.append(f"{src} -> {dst}: show policy does not have it")
            continue
        for (kind, port), values in ports.items():
            what = kind if kind == "icmp" else f"{kind}/{port}"
            listed = [p for p in cell["allow"] if p != "other"]
            may = plan.covers(listed, PROTOCOLS[kind], port)
            # "other": every protocol that the list does not speak of
            if "other" in cell["allow"] and not any(p.split("/")[0] == kind for p in listed):
                may = True
            if any(values) and not may:
                wrong.append(f"{src} -> {dst} {what}: show policy says nobody may, the evaluator somebody")
            elif may and not all(values) and not cell["part"]:
                wrong.append(f"{src} -> {dst} {what}: show policy says all may, the evaluator not all")
    return len(cells), wrong


def main():
    plan = Plan(args.plan)
    hosts = choose(plan, args.sample)
    ports = plan.ports()
    if args.hosts:
        hosts += [h for h in plan.hosts.values() if h.is_node and os.path.exists(f"/run/netns/{args.lab}-{h.name}")]
    probe = Probe(args.lab, {h.name: h.address for h in hosts}, ports, 1.0 + 0.3 * SLOW, PATIENT)
    attempts = attempts_for(plan, hosts, ports)
    part, parts_all = map(int, args.part.split("/"))
    attempts = [a for i, a in enumerate(attempts) if a.expected or i % parts_all == part - 1]
    probe.run(attempts)
    if args.table:
        tables(plan, attempts)
    bad = [a for a in attempts if a.problem()]
    for a in bad[:args.show]:
        src, dst = plan.hosts[a.src], plan.hosts[a.dst]
        where = "same node" if src.node == dst.node else "other node"
        print(f"difference: {a.src} ({src.network}) -> {a.dst} ({dst.network}, {where}) {a.what()}: {a.problem()}")
    if len(bad) > args.show:
        print(f"difference: and {len(bad) - args.show} more")
    differences = len(bad)
    if args.sluice:
        compared, wrong = against_sluice(plan, attempts, args.sluice)
        for line in wrong:
            print("difference:", line)
        print(f"{compared} network pairs compared with sluice's own matrix")
        differences += len(wrong) + (compared == 0)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump([[a.src, a.dst, a.what(), a.expected, a.answered, a.arrived] for a in attempts], f)
    promised = sum(bool(a.expected) for a in attempts)
    print(f"{len(attempts)} attempts between {len(hosts)} hosts, {promised} promised, "
          f"{len(attempts) - promised} forbidden: {differences} differences")
    return 1 if differences else 0


parser = argparse.ArgumentParser()
parser.add_argument("lab")
parser.add_argument("plan")
parser.add_argument("--table", action="store_true")
parser.add_argument("--sample", type=int, default=0)
parser.add_argument("--part", default="1/1")
parser.add_argument("--hosts", action="store_true")
parser.add_argument("--sluice")
parser.add_argument("--json")
parser.add_argument("--show", type=int, default=20)
args = parser.parse_args()
sys.exit(main())
