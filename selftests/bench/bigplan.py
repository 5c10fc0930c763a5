#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes a plan of any size, for timing the parser, the compiler and the loader.

A quarter of the networks hold tenants (same:tenant), the others infrastructure; groups are ranges, labels
or networks; rules join groups and infrastructure, and tenants reach shared services. The same arguments
always give the same plan.
"""
import argparse
import json
import random
import sys

args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
args.add_argument("-w", "--workloads", type=int, default=100000)
args.add_argument("-m", "--networks", type=int, default=8)
args.add_argument("-k", "--rules", type=int, default=2000)
args.add_argument("-g", "--groups", type=int, default=200)
args.add_argument("-t", "--tenants", type=int, default=10000)
args.add_argument("-n", "--nodes", type=int, default=100)
args.add_argument("-s", "--seed", type=int, default=1)
args.add_argument("-o", "--output", default="-")
a = args.parse_args()

rng = random.Random(a.seed)
if not 2 <= a.networks <= 200:
    sys.exit("bigplan: --networks: expected 2 to 200")
if a.nodes > 60000:
    sys.exit("bigplan: --nodes: expected at most 60000")


def dotted(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


tenant_nets = max(1, a.networks // 4)
size = 1 << 12
while size - 2 < a.workloads // a.networks + a.networks:
    size *= 2
length = 32 - (size.bit_length() - 1)
first = 11 << 24
if first + size * a.networks > 172 << 24:
    sys.exit("bigplan: that many workloads do not fit 11.0.0.0-171.255.255.255")

names = [("tenants-%03d" if i < tenant_nets else "infra-%03d") % i for i in range(a.networks)]
networks = {}
for i, name in enumerate(names):
    networks[name] = {
        "id": 100 + i,
        "intra": "same:tenant" if i < tenant_nets else rng.choice(["allow", "deny"]),
        "sites": {"main": {"vlan": 100 + i, "cidrs": ["%s/%d" % (dotted(first + i * size), length)]}},
    }

workloads = []
for i in range(a.workloads):
    network = i % a.networks
    address = first + network * size + 1 + i // a.networks
    w = {"name": "w%d" % i, "network": names[network], "address": dotted(address),
         "node": "node%d" % (i % a.nodes), "interface": "veth%d" % i,
         "mac": "02:00:%02x:%02x:%02x:%02x" % (i >> 24, i >> 16 & 255, i >> 8 & 255, i & 255)}
    if network < tenant_nets:
        w["labels"] = {"tenant": "t%d" % (i // a.networks % max(1, a.tenants // tenant_nets))}
    else:
        w["labels"] = {"app": "app%d" % rng.randrange(max(1, a.groups))}
    workloads.append(w)

groups = {}
for g in range(a.groups):
    name = "group-%04d" % g
    infra = rng.randrange(tenant_nets, a.networks)
    if g % 3 == 0:
        start = first + infra * size + 1 + rng.randrange(size // 2)
        groups[name] = {"members": ["%s-%s" % (dotted(start), dotted(start + rng.randrange(100)))]}
    elif g % 3 == 1:
        groups[name] = {"labels": {"app": "app%d" % g}}
    else:
        groups[name] = {"members": [dotted(first + infra * size + 1 + rng.randrange(size - 2))]}

policy = []
for r in range(a.rules):
    group = "group:group-%04d" % rng.randrange(a.groups)
    port = rng.randrange(1, 60000)
    rule = {"name": "rule-%05d" % r, "action": "deny" if r % 20 == 19 else "allow",
            "ports": [rng.choice(["tcp/%d" % port, "udp/%d" % port, "tcp/%d-%d" % (port, port + rng.randrange(5000)),
                                  "icmp"])]}
    kind = r % 100
    if kind == 0:
        rule["from"], rule["to"] = ["network:" + names[rng.randrange(tenant_nets)]], [group]
    elif kind < 20:
        rule["from"], rule["to"] = [group], ["network:" + names[rng.randrange(tenant_nets, a.networks)]]
    elif kind < 30:
        rule["from"], rule["to"] = ["world"], [group]
    else:
        rule["from"], rule["to"] = [group], ["group:group-%04d" % rng.randrange(a.groups)]
    policy.append(rule)

plan = {
    "sluice": 1,
    "fabric": "big",
    "clusters": {"main": {"id": 1, "nodes": {
        "node%d" % i: {"addresses": [dotted((172 << 24) + (16 << 16) + 1 + i)], "uplinks": {"eth0": {}}}
        for i in range(a.nodes)}}},
    "networks": networks,
    "groups": groups,
    "workloads": workloads,
    "policy": policy,
}
out = sys.stdout if a.output == "-" else open(a.output, "w")
json.dump(plan, out)
out.write("\n")
