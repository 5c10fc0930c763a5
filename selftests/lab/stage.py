# SPDX-License-Identifier: GPL-2.0
"""What the scenarios of most labs stand on: the plan and its variants, the nodes' own words, results.

It must never decide whether a scenario went well; it says what it was told.
"""
import collections
import copy
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from probe import Namespaces  # noqa: E402

VIP, CLIENT = "88.99.29.250", "88.99.218.47"
FAST = bool(os.environ.get("LAB_FAST"))
SLOW = float(os.environ.get("PROBE_SLOW", "1"))
QUIET = 0.4 + 0.15 * SLOW  # what should not come has not come by then; less than a SYN's second attempt
PATIENT = 20 + 10 * SLOW  # what should come may take so long where others use the machine as well; waited for only if it does not


def until(true, seconds=PATIENT):
    """What true() says once that is something, or says at last: what should come may take its time."""
    end = time.monotonic() + seconds
    while not (said := true()) and time.monotonic() < end:
        time.sleep(0.05)
    return said


class Stage:
    """LAB PLAN SLUICE PINS_PREFIX LAB_DIR"""

    def __init__(self, argv, title="services"):
        self.title = title
        self.lab, plan, self.sluice, self.pins, self.folder = argv[1:6]
        with open(plan, encoding="utf-8") as f:
            self.plan = json.load(f)
        self.ns = Namespaces(self.lab)
        self.nodes = [node for cluster in self.plan["clusters"].values() for node in cluster["nodes"]]
        self.failed = False

    def say(self, name, trouble=None):
        self.failed |= bool(trouble)
        name += os.environ.get("LAB_NOTE", "")
        print(f"not ok {self.title} {name}: {trouble}" if trouble else f"ok {self.title} {name}", flush=True)

    def skip(self, name, why):
        print(f"skip {self.title} {name}: {why}", flush=True)

    def scenario(self, function):
        """Runs it; what it could not even try is a failure of its name."""
        begin = time.monotonic()
        try:
            function(self)
        except Exception as e:  # pylint: disable=broad-except
            self.say(function.__name__, f"it could not be tried: {type(e).__name__} {e}")
        if os.environ.get("LAB_TIMES"):
            print(f"--- {function.__name__}: {time.monotonic() - begin:.1f} s", flush=True)

    def on_node(self, node, *command):
        env = dict(os.environ, SLUICE_PINS=f"{self.pins}-{node}", SLUICE_STATE=f"{self.folder}/{node}")
        return subprocess.run(["nsenter", f"--net=/run/netns/{self.lab}-{node}", *command], env=env,
                              capture_output=True, text=True, check=False)

    def inside(self, name, *command):
        return subprocess.run(["nsenter", f"--net=/run/netns/{self.lab}-{name}", *command],
                              capture_output=True, text=True, check=False)

    def variant(self):
        """The plan, to be changed and given to apply()."""
        return copy.deepcopy(self.plan)

    def apply(self, plan, *nodes):
        """On these nodes, or on all."""
        path = f"{self.folder}/variant.json"
        with open(path, "w", encoding="utf-8") as f:
            json.dump(plan, f)
        for node in nodes or self.nodes:
            run = self.on_node(node, self.sluice, "apply", "--plan", path, "--node", node)
            if run.returncode:
                raise RuntimeError(f"apply on {node}: {run.stderr.strip()}")

    def flows_of(self, port):
        """What the nodes know of TCP from this port, by whatever port it is known outside."""
        ports, said = [port], {}
        for wanted in ports:
            for node in self.nodes:
                run = self.on_node(node, self.sluice, "show", "flows", "--proto", "tcp", "--port", str(wanted), "--json")
                for row in json.loads(run.stdout) if run.returncode == 0 else []:
                    outside = row.get("as_port", wanted)
                    if outside not in ports and row["source_port"] == port:
                        ports.append(outside)
                    text = "{source}:{source_port} to {destination}:{destination_port} {state} in {table}, {packets} and " \
                        "{reply_packets} packets, {idle_ms} ms ago".format(**row)
                    said.setdefault((node, row["source"], row["destination"]), f"{node}: {text}, as port {outside}")
        return "; ".join(said.values()) or "no node knows a flow"

    def drops(self, reason):
        """Packets dropped for it, by node."""
        return {node: self.dropped(node)[reason] for node in self.nodes}

    def dropped(self, *nodes):
        """Packets dropped on these nodes, or on all, by reason."""
        found = collections.Counter()
        for node in nodes or self.nodes:
            run = self.on_node(node, self.sluice, "show", "drops", "--json")
            if run.returncode:
                raise RuntimeError(f"show drops on {node}: {run.stderr.strip()}")
            for row in rows(json.loads(run.stdout)):
                found[row["reason"]] += row["packets"]
        return found

    def grown(self, before, reason, wanted, *nodes, patience=PATIENT):
        """How many more were dropped for it since dropped(*nodes) was `before`; waits for those that should be.

        Whoever looks for what must not have come, looks after this: if the ones are late, so may the others be.
        """
        def more():
            return self.dropped(*nodes)[reason] - before[reason]
        count = more()
        if count < wanted:
            until(lambda: more() >= wanted, patience)
            time.sleep(QUIET)
            count = more()
        return count

    def status(self, node):
        run = self.on_node(node, self.sluice, "status", "--json")
        if run.returncode:
            raise RuntimeError(f"status on {node}: {run.stderr.strip()}")
        return json.loads(run.stdout)

    def stats(self, node):
        return self.status(node)["stats"]

    def snmp(self, name, *fields):
        """Sum of the counters PROTOCOL.FIELD of a namespace's stack."""
        with self.ns.inside(name), open("/proc/thread-self/net/snmp", encoding="ascii") as f:
            lines = [line.split() for line in f]
        values = {f"{head[0][:-1]}.{field}": int(value) for head, row in zip(lines[::2], lines[1::2])
                  for field, value in zip(head[1:], row[1:])}
        return sum(values[field] for field in fields)

    def mac(self, name, interface):
        run = self.inside(name, "ip", "-j", "link", "show", interface)
        return json.loads(run.stdout)[0]["address"]


def rows(value):
    """Every object with a reason and a count, wherever it stands in the answer."""
    if isinstance(value, dict):
        if "reason" in value and "packets" in value:
            yield value
        for v in value.values():
            yield from rows(v)
    elif isinstance(value, list):
        for v in value:
            yield from rows(v)
