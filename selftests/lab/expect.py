# SPDX-License-Identifier: GPL-2.0
"""What a plan promises, worked out a second time: a small evaluator that shares no line with sluice.

It reads the JSON plan and answers one question: may SOURCE open a connection to DESTINATION with this
protocol and port? It asks every rule in turn for every question, the slow and obvious way, so that the
compiler's classes, tables and port sets have something to be compared with. It must never call sluice
nor look at a table.

    expect.py PLAN                     every workload pair and port, one line each
    expect.py PLAN FROM TO tcp/443     one answer
"""
import ipaddress
import json
import os
import sys

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "sctp": 132}
HAS_PORTS = {6, 17, 132}


def number(address):
    return int(ipaddress.IPv4Address(address))


def within(address, text):
    """Is the address in an address, prefix or range?"""
    if "-" in text:
        first, last = text.split("-")
        return number(first) <= address <= number(last)
    if "/" in text:
        net = ipaddress.IPv4Network(text)
        return address in range(int(net.network_address), int(net.broadcast_address) + 1)
    return address == number(text)


class Host:
    """Somebody with an address: a workload, or a node itself."""

    def __init__(self, name, address, cluster, node, vpc, network, labels, is_node):
        self.name, self.address, self.number = name, address, number(address)
        self.cluster, self.node, self.vpc, self.network = cluster, node, vpc, network
        self.labels, self.is_node = labels, is_node


class Plan:
    def __init__(self, path):
        files = [path]
        if os.path.isdir(path):
            files = sorted(os.path.join(path, f) for f in os.listdir(path) if f.endswith(".json"))
        self.json = {}
        for name in files:
            with open(name, encoding="utf-8") as f:
                self.merge(self.json, self.plain(json.load(f)))
        self.hosts = {}
        for cluster, c in self.json.get("clusters", {}).items():
            for node, n in c.get("nodes", {}).items():
                for address in n.get("addresses", [])[:1]:
                    network = self.network_of(address, "default", cluster)
                    self.add(Host(node, address, cluster, node, "default", network, {}, True))
        for w in self.json.get("workloads", []):
            cluster = next(c for c, v in self.json["clusters"].items() if w["node"] in v.get("nodes", {}))
            vpc = self.json["networks"][w["network"]].get("vpc", "default")
            self.add(Host(w["name"], w["address"], cluster, w["node"], vpc, w["network"],
                          w.get("labels", {}), False))

    def plain(self, value):
        """Without the comments."""
        if isinstance(value, dict):
            return {k: self.plain(v) for k, v in value.items() if not k.startswith("#")}
        return [self.plain(v) for v in value] if isinstance(value, list) else value

    def merge(self, into, part):
        for key, value in part.items():
            if isinstance(value, dict):
                self.merge(into.setdefault(key, {}), value)
            elif isinstance(value, list):
                into.setdefault(key, []).extend(value)
            else:
                into[key] = value

    def add(self, host):
        self.hosts[host.name] = host

    def network_of(self, address, vpc, cluster):
        for name, n in self.json.get("networks", {}).items():
            if n.get("vpc", "default") == vpc:
                for cidr in n.get("sites", {}).get(cluster, {}).get("cidrs", []):
                    if within(number(address), cidr):
                        return name
        return None

    # --- selectors
    def in_group(self, host, name):
        group = self.json["groups"][name]
        for member in group.get("members", []):
            if member.startswith("network:"):
                if self.selects(member, host, None):
                    return True
            elif within(host.number, member):
                return True
        labels = group.get("labels", {})
        return bool(labels) and all(host.labels.get(k) == v for k, v in labels.items())

    def selects(self, selector, host, peer):
        """`peer` is the other side: it tells this node from the others."""
        if selector == "any":
            return True
        if selector == "world":
            return False  # everybody here is somebody
        if selector in ("host", "remote-host"):
            own = peer is None or host.node == peer.node
            return host.is_node and own == (selector == "host")
        kind, _, name = selector.partition(":")
        if kind == "network":
            name, _, cluster = name.partition("@")
            return host.network == name and (not cluster or host.cluster == cluster)
        if kind == "group":
            return self.in_group(host, name)
        if kind == "cidr":
            return within(host.number, name)
        if kind == "cluster":
            return host.cluster == name
        if kind == "vpc":
            return host.vpc == name
        raise SystemExit(f"expect.py: a selector it does not know: {selector}")

    def any_selects(self, selectors, host, peer):
        return any(self.selects(s, host, peer) for s in selectors)

    @staticmethod
    def covers(ports, proto, port):
        for text in ports:
            if text == "any":
                return True
            kind, _, numbers = text.partition("/")
            if kind == "proto":
                if proto == int(numbers):
                    return True
                continue
            if PROTOCOLS[kind] != proto:
                continue
            if not numbers:
                return True
            first, _, last = numbers.partition("-")
            if int(first) <= port <= int(last or first):
                return True
        return False

    # --- the question
    def allows(self, src, dst, proto, port):
        """True, False; None where every network concerned only monitors what it would drop."""
        answer = self.judge(src, dst, proto, port)
        concerned = [self.json["networks"][h.network] for h in (src, dst) if h.network]
        if not answer and concerned and all(n.get("enforce") == "monitor" for n in concerned):
            return None
        return answer

    def judge(self, src, dst, proto, port):
        if src.vpc != dst.vpc or src.cluster != dst.cluster:
            return False
        allowed = False
        for rule in self.json.get("policy", []):
            if (self.any_selects(rule["from"], src, dst) and self.any_selects(rule["to"], dst, src)
                    and self.covers(rule.get("ports", ["any"]), proto, port)):
                if rule["action"] == "deny":
                    return False
                allowed = True
        if allowed:
            return True
        if dst.is_node:
            # A written host policy limits what reaches a node, whatever its network lets members do.
            host = self.json["clusters"][dst.cluster].get("host")
            opened = host is None or any(
                self.any_selects(a["from"], src, dst) and self.covers(a.get("ports", ["any"]), proto, port)
                for a in host.get("allow", []))
            # What a node opens to another needs no rule of its own, only the other's leave.
            if dst.node == src.node or src.is_node or not opened:
                return opened
        # A node whose address lies in a network is a member of it as well.
        if src.network and src.network == dst.network:
            intra = self.json["networks"][src.network].get("intra", "deny")
            if intra.startswith("same:"):
                label = intra[len("same:"):]
                return label in src.labels and src.labels[label] == dst.labels.get(label)
            return intra == "allow"
        return False

    def ports(self, unlisted=(("tcp", 8099), ("udp", 8099))):
        """Every port a rule names, the ends of every range and their neighbours, and one nobody names."""
        found = set(unlisted)
        texts = [p for r in self.json.get("policy", []) for p in r.get("ports", [])]
        for cluster in self.json.get("clusters", {}).values():
            texts += [p for a in cluster.get("host", {}).get("allow", []) for p in a.get("ports", [])]
        for text in texts:
            kind, _, numbers = text.partition("/")
            if kind in ("tcp", "udp") and numbers:
                first, _, last = numbers.partition("-")
                first, last = int(first), int(last or first)
                found |= {(kind, first), (kind, last)}
                if first != last:
                    found |= {(kind, first - 1), (kind, last + 1)}
                # The same number under the other protocol is another port.
                found.add(("udp" if kind == "tcp" else "tcp", first))
        return sorted((k, p) for k, p in found if 0 < p < 65536)


def main(argv):
    if len(argv) not in (2, 5):
        sys.exit(__doc__)
    plan = Plan(argv[1])
    workloads = [h for h in plan.hosts.values() if not h.is_node]
    if len(argv) == 5:
        kind, _, port = argv[4].partition("/")
        answer = plan.allows(plan.hosts[argv[2]], plan.hosts[argv[3]], PROTOCOLS[kind], int(port or 0))
        print({True: "allow", False: "deny", None: "monitor"}[answer])
        return
    for src in workloads:
        for dst in workloads:
            for kind, port in [("icmp", 0)] + plan.ports():
                if src is not dst and plan.allows(src, dst, PROTOCOLS[kind], port):
                    print(src.name, dst.name, kind if kind == "icmp" else f"{kind}/{port}")


if __name__ == "__main__":
    main(sys.argv)
