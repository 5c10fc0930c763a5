#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Writes the plan that the benchmark is run with: that of the packet tests, with ways out to the world, and with so
many services, networks and prefixes more, which no packet of the benchmark is for.
"""
import argparse
import json
import os

args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
args.add_argument("-s", "--services", type=int, default=0)
args.add_argument("-n", "--networks", type=int, default=0, help="at most 60000: ids are of 16 bits")
args.add_argument("-p", "--prefixes", type=int, default=0, help="each of a class that is not its neighbours'")
args.add_argument("-w", "--workloads", type=int, default=0, help="exact addresses")
args.add_argument("-q", "--qos", action="store_true", help="classes, one of them with a rate")
args.add_argument("-o", "--output", required=True, help="folder; plan.json in it is written")
a = args.parse_args()
if a.networks > 60000:
    args.error("at most 60000 networks")

with open(os.path.join(os.path.dirname(__file__), "../packet/plan.json"), encoding="utf-8") as f:
    plan = json.load(f)


def dotted(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


# --- ways to the world, for selftests/bench/ways.c
plan["eips"]["out"] = {"address": "198.18.0.60", "network": "ext", "nodes": ["node1"]}
plan["eips"]["fip"] = {"address": "198.18.0.70", "network": "ext", "nodes": ["node1"]}
plan["snat"] = [{"name": "a-out", "vpc": "default", "from": ["192.168.103.0/24"], "eips": ["out"],
                 "max_ports_per_workload": 65535}]
plan["fips"] = [{"name": "b1", "vpc": "default", "address": "192.168.104.11", "eip": "fip"}]
plan["policy"].append({"name": "b-to-world", "from": ["network:net-b"], "to": ["world"], "ports": ["tcp/80"],
                       "action": "allow"})

# --- what is only there
cluster = plan["clusters"]["main"]
if a.services:
    cluster["pools"]["many"] = ["11.0.0.0/12"]
for i in range(a.services):
    plan["services"]["many-%06d" % i] = {
        # 100 k rings of the size that follows from one backend are more than sl_ring holds.
        "address": dotted((11 << 24) + 1 + i // 4), "nodes": ["node1"], "ring_size": 101,
        "ports": [{"proto": "tcp", "port": 80 + i % 4, "target": 8080}],
        "backends": [{"address": "192.168.103.%d" % (11 + i % 3)}]}
for i in range(a.networks):
    plan["networks"]["many-%05d" % i] = {
        "id": 2000 + i, "intra": "allow",
        "sites": {"main": {"overlay": True, "cidrs": [dotted((20 << 24) + i * 256) + "/24"]}}}
if a.prefixes:
    plan["groups"] = {"many": {"members": [dotted((32 << 24) + i * 512) + "/24" for i in range(a.prefixes)]}}
    plan["policy"].append({"name": "to-many", "from": ["network:net-b"], "to": ["group:many"], "ports": ["tcp/443"],
                           "action": "allow"})
if a.workloads:
    plan["networks"]["crowd"] = {"id": 1999, "intra": "allow",
                                 "sites": {"main": {"overlay": True, "cidrs": ["12.0.0.0/12"]}}}
for i in range(a.workloads):
    plan["workloads"].append({"name": "crowd-%06d" % i, "network": "crowd", "address": dotted((12 << 24) + 16 + i),
                              "node": "node2"})
if a.qos:
    plan["qos"] = {
        "classes": {"first": {"priority": 1, "dscp": "AF31"},
                    "second": {"priority": 2, "dscp": "AF21", "rate_mbit": 100000}},
        "rules": [{"class": "first", "from": ["network:net-a"], "to": ["network:net-b"], "ports": ["tcp/8000-8099"]}]}

os.makedirs(a.output, exist_ok=True)
with open(os.path.join(a.output, "plan.json"), "w", encoding="utf-8") as f:
    json.dump(plan, f, indent=1)
    f.write("\n")
