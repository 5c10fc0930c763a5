#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Writes a plan of any size for timing `sluice apply`, and the same plan with one line changed.

A quarter of the networks hold tenants (same:tenant), the others infrastructure; groups are ranges, labels or single
addresses; rules join groups, infrastructure and tenants; services are VIPs of node0 with three backends each. node0
has one workload in so many nodes, and two more, probe-a and probe-b, that may talk to each other. The same arguments
always give the same plan.
"""
import argparse
import json
import random

SLOTS_MOST = 33_554_432  # SL_MAX_RING in include/limits.h


def dotted(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def workloads_of(count, names, tenant_nets, first, size, nodes, apps, rng):
    for i in range(count):
        net, turn = i % len(names), i // len(names)
        w = {"name": f"w{i}", "network": names[net], "address": dotted(first + net * size + 16 + turn),
             "node": f"node{i % nodes}", "interface": f"veth{i}",
             "mac": f"02:00:{i >> 24:02x}:{i >> 16 & 255:02x}:{i >> 8 & 255:02x}:{i & 255:02x}"}
        if net < tenant_nets:
            w["labels"] = {"tenant": f"t{turn % 500}"}
        else:
            w["labels"] = {"app": f"app{rng.randrange(apps)}"}
        yield w


def groups_of(count, names, tenant_nets, first, size, rng):
    for g in range(count):
        start = first + rng.randrange(tenant_nets, len(names)) * size + 16 + rng.randrange(size // 2)
        if g % 3 == 0:
            members = {"members": [f"{dotted(start)}-{dotted(start + rng.randrange(100))}"]}
        elif g % 3 == 1:
            members = {"labels": {"app": f"app{g}"}}
        else:
            members = {"members": [dotted(start)]}
        yield f"group-{g:04d}", members


def rules_of(count, names, tenant_nets, groups, rng):
    for r in range(count):
        group = f"group:group-{rng.randrange(groups):04d}"
        port = rng.randrange(1, 60000)
        rule = {"name": f"rule-{r:05d}", "from": [group], "to": [f"group:group-{rng.randrange(groups):04d}"],
                "ports": [rng.choice([f"tcp/{port}", f"udp/{port}", f"tcp/{port}-{port + rng.randrange(5000)}",
                                      "icmp"])],
                "action": "deny" if r % 20 == 19 else "allow"}
        # Rules for whole networks and for ranges do not come by the thousand: each makes many rows.
        if r >= 1000:
            rule["ports"] = [f"{rng.choice(['tcp', 'udp'])}/{port}"]
        elif r % 100 == 0:
            rule["from"], rule["to"] = ["network:" + names[rng.randrange(tenant_nets)]], [group]
        elif r % 100 < 20:
            rule["to"] = ["network:" + names[rng.randrange(tenant_nets, len(names))]]
        elif r % 100 < 30:
            rule["from"], rule["to"] = ["world"], [group]
        yield rule


def make(workloads, services, rules, networks=8, nodes=100, seed=1):
    rng = random.Random(seed)
    groups = 200 if rules <= 1000 else 500
    tenant_nets = max(1, networks // 4)
    size = 1 << 12
    while size - 32 < workloads // networks + networks:
        size *= 2
    first = (10 + seed) << 24  # another seed shares no address with this one
    names = [("tenants-%03d" if i < tenant_nets else "infra-%03d") % i for i in range(networks)]
    plan = {"sluice": 1, "fabric": "big"}
    plan["clusters"] = {"main": {"id": 1, "pools": {"lb": ["200.0.0.0/12"]}, "nodes": {
        f"node{i}": {"addresses": [dotted((172 << 24) + (16 << 16) + 1 + i)], "uplinks": {"eth0": {}}}
        for i in range(nodes)}}}
    plan["networks"] = {name: {
        "id": 100 + i, "intra": "same:tenant" if i < tenant_nets else rng.choice(["allow", "deny"]),
        "sites": {"main": {"vlan": 100 + i,
                           "cidrs": [f"{dotted(first + i * size)}/{32 - (size.bit_length() - 1)}"]}}}
        for i, name in enumerate(names)}
    plan["networks"]["probes"] = {"id": 99, "intra": "allow",
                                  "sites": {"main": {"vlan": 99, "cidrs": ["10.99.0.0/24"]}}}
    plan["groups"] = dict(groups_of(groups, names, tenant_nets, first, size, rng))
    plan["workloads"] = list(workloads_of(workloads, names, tenant_nets, first, size, nodes, groups, rng))
    plan["workloads"] += [
        {"name": f"probe-{x}", "network": "probes", "address": f"10.99.0.{11 + i}", "node": "node0",
         "interface": f"probe-{x}", "mac": f"02:99:00:00:00:0{i + 1}"} for i, x in enumerate("ab")]
    plan["services"] = {}
    for i in range(services):
        plan["services"][f"svc-{i:06d}"] = {
            "address": dotted((200 << 24) + 1 + i // 4), "nodes": ["node0"],
            "ports": [{"proto": "tcp", "port": 80 + i % 4, "target": 8080}],
            "backends": [{"address": dotted(first + (networks - 1) * size + 16 + (i * 3 + k) % 4000)}
                         for k in range(3)]}
        if services * 401 > SLOTS_MOST:  # rings as large as three backends ask for have no room
            plan["services"][f"svc-{i:06d}"]["ring_size"] = 101
    plan["policy"] = list(rules_of(rules, names, tenant_nets, groups, rng))
    return plan


def change(plan):
    """One line: a workload of another node gets another address."""
    w = dict(plan["workloads"][1])
    w["address"] = ".".join(w["address"].split(".")[:3]) + ".7"
    return {**plan, "workloads": [plan["workloads"][0], w] + plan["workloads"][2:]}


def write(plan, path):
    """One line for each thing, as plans are kept under version control."""
    with open(path, "w", encoding="utf-8") as f:
        f.write("{")
        for i, (key, value) in enumerate(plan.items()):
            f.write(f"{',' if i else ''}\n{json.dumps(key)}: ")
            if isinstance(value, list):
                f.write("[\n" + ",\n".join(map(json.dumps, value)) + "\n]")
            elif isinstance(value, dict) and key != "clusters":
                f.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()) + "\n}")
            else:
                f.write(json.dumps(value))
        f.write("\n}\n")


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("-w", "--workloads", type=int, default=100000)
    args.add_argument("-s", "--services", type=int, default=10000)
    args.add_argument("-k", "--rules", type=int, default=1000)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("-o", "--output", required=True)
    args.add_argument("-c", "--changed", help="the same with one line changed")
    a = args.parse_args()
    big = make(a.workloads, a.services, a.rules, seed=a.seed)
    write(big, a.output)
    if a.changed:
        write(change(big), a.changed)
