# SPDX-License-Identifier: GPL-2.0
"""Outside ports: which one a source gets, how many, what happens when there is none, and what keeps the ones in use.

    nat_ports.py LAB PLAN SLUICE PINS_PREFIX LAB_DIR

LAB_LATE=1: what comes after the others: ports that have rested; then a flow table that is too small. LAB_WAIT=1 waits for
all of their rest instead of setting the time of what is left of it back. Prints "ok", "not ok" and "skip" lines.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from crowd import Crowd, errors, speak  # noqa: E402
from probe import many_files  # noqa: E402
from seen import Connection, Datagrams, tcp  # noqa: E402
from stage import FAST, PATIENT, SLOW, Stage, until  # noqa: E402
from tables import BOUND, RESTS, lose_flows, older, outsides  # noqa: E402

OUT, OTHERS = "203.0.113.10", ["203.0.113.10", "203.0.113.11", "203.0.113.12", "203.0.113.13"]
DEMO, SMALL = "100.65.0.102", "100.65.0.110"
RANGE, LIMIT = range(20480, 20608), 100
CROWD = ["crowd-1", "crowd-2", "crowd-3", "crowd-4"]
EACH, HELD = 250 if FAST else 12500, 10000
REST_S, UDP_S = 120, 300
WAYS = ("demo-5", "demo-6", "dev-2", "envoy", "nginx", "bohdan", "ivan", "plain-1", "plain-2")


def given(s):
    """The source's own port where that is free and may be given; one port for all destinations."""
    # A block of 1024 is one node's: of the workloads of two nodes, the one of the block's node keeps its port.
    for port, text, keep in ((33000, "a free port is kept", 1), (45678, "a free port is kept", 1),
                             (33033, "a reserved port is not given", 0), (2222, "a service's port is not given", 0),
                             (800, "a port below the range is not given", 0)):
        got = [tcp(s, who, OUT, port) for who in ("demo-5", "demo-6")]
        kept = sum(seen.port == port for seen, _ in got)
        s.say(f"ports: {text} ({port})", ", ".join(e for _, e in got if e) or {g.address for g, _ in got} != {DEMO} and f"{got}" or
              (kept != keep or any(g.port < 1024 for g, _ in got)) and f"seen as {[g.port for g, _ in got]}")
    pair = [Datagrams(s, who, 33100) for who in ("demo-5", "app")]
    got = [[d.ask(to) for to in OTHERS for _ in range(2)] for d in pair]
    s.say("ports: two sources with the same port get two", len({g[0][1:] for g in got}) != 2 and f"{got}")
    s.say("ports: one for all destinations", any(len(set(g)) != 1 or not g[0].name for g in got) and f"{got}")
    where = [row for n in s.nodes for row in show(s, n, "flows", "--eip", "demo-gw", "--port", "33100") if row["source_port"] == 33100]
    s.say("ports: show flows tells both", {(r["as"], r["as_port"]) for r in where} != {g[0][1:] for g in got} and f"{where}")
    for d in pair:
        d.close()


def show(s, node, *what):
    run = s.on_node(node, s.sluice, "show", *what, "--json")
    if run.returncode:
        raise RuntimeError(f"show {' '.join(what)} on {node}: {run.stderr.strip()}")
    return json.loads(run.stdout)


def ask_all(sockets, wanted=0):
    """{index: (address, port)} of those answered, all asked at once, twice; until there are as many as wanted."""
    found = {}
    for sock in sockets:
        sock.setblocking(False)
    for turn in range(2 * int(PATIENT / SLOW)):
        if turn >= 2 and len(found) >= wanted:
            break
        for i, sock in enumerate(sockets):
            if i not in found:
                try:
                    sock.send(b"who")
                except OSError:
                    pass  # told that it has no port
        end = time.monotonic() + SLOW / 2
        while time.monotonic() < end and len(found) < len(sockets):
            for i, sock in enumerate(sockets):
                try:
                    answer = sock.recv(500).decode().split()
                    found[i] = (answer[1], int(answer[2]))
                except OSError:
                    pass
            time.sleep(0.01)
    return found


def flock(s, who, count, to=(OUT, 9003)):
    with s.ns.inside(who):
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        for sock in sockets:
            sock.connect(to)
    return sockets


def limits(s):
    """One workload wants more than it may have, two want more than there is."""
    drops = s.dropped("worker-1")
    told = s.stats("worker-1")["prohibited_told"]
    greedy = flock(s, "small-1", 130)
    first = ask_all(greedy, LIMIT)
    s.say(f"exhaustion: of 130 flows {LIMIT} get a port, as the rule allows", len(first) != LIMIT and f"{len(first)}")
    outside = set(first.values())
    s.say("exhaustion: each its own, of the range", (len(outside) != len(first) or any(a != SMALL or p not in RANGE for a, p in outside))
          and f"{sorted(outside)[:5]} and {len(outside) - 5} more")
    s.say("exhaustion: the others are counted as nat_limit", s.grown(drops, "nat_limit", 30, "worker-1") < 30 and "they are not")
    modest = flock(s, "small-2", 40)
    second = ask_all(modest, len(RANGE) - LIMIT)
    s.say(f"exhaustion: another workload gets the {len(RANGE) - LIMIT} that are left", len(second) != len(RANGE) - LIMIT and f"{len(second)}")
    s.say("exhaustion: none twice", outside & set(second.values()) and f"{outside & set(second.values())}")
    s.say("exhaustion: the others are counted as nat_ports", s.grown(drops, "nat_ports", 12, "worker-1") < 12 and "they are not")
    heard = until(lambda: s.stats("worker-1")["prohibited_told"] != told)
    s.say("exhaustion: the workloads are told", not heard and "nobody was")
    again = ask_all(greedy, LIMIT)
    s.say("exhaustion: existing flows live, by the same ports", again != first and f"{len(again)} of {len(first)} answer")
    for sock in greedy + modest:
        sock.close()
    seen = until(lambda: used(s) == (len(RANGE), {"small-1": LIMIT, "small-2": len(RANGE) - LIMIT}) and "all")
    s.say("exhaustion: show eips tells how many are used, and by whom", not seen and f"{used(s)}")
    warned = until(lambda: "small-gw" in open(f"{s.folder}/agent-worker-1", encoding="utf-8").read())
    s.say("exhaustion: the agent has warned", not warned and "it has not")


def used(s):
    """Ports of small-gw in use by UDP, and whose they are."""
    said = show(s, "worker-1", "eips")
    row, = (r["ports"]["udp"] for r in said["eips"] if r["eip"] == "small-gw")
    return row["bound"], {u["workload"]: u["udp"] for u in said["users"] if u["eip"] == "small-gw"}


def refused(s):
    """The same by TCP, which hears of it."""
    begin = time.monotonic()
    made = Crowd(s.ns, "small-1").connect((OUT, 9000), [0] * 130, PATIENT, hold=True, enough=LIMIT)
    live = [c for c in made if not c.error]
    s.say(f"exhaustion: tcp has ports of its own: {LIMIT} of 130", len(live) != LIMIT and f"{len(live)}: {errors(made)}")
    s.say("exhaustion: a connection without a port is told so",
          not any(c.error == "EHOSTUNREACH" for c in made) and f"{errors(made)} after {time.monotonic() - begin:.1f} s")
    broken = speak(live, PATIENT)
    s.say("exhaustion: the others speak", broken and errors(broken))
    for c in live:
        c.close()


def mine(s, node="worker-1", eip=SMALL, proto=17):
    return [row for row in outsides(s, node) if row.eip == eip and row.proto == proto]


def rest(s):
    """Ports that nobody uses any more: not at once, not before they have rested. Their flows are taken away and their
    time is set back, as nobody waits for minutes here. The other scenarios are tried while they rest (rested)."""
    eip = socket.inet_aton(SMALL)
    lose_flows(s, "worker-1", lambda key: key[14] == 17 and (key[4:8] == eip or key[:3] == bytes([10, 2, 0])))
    bound = [row for row in mine(s) if row.state == BOUND]
    s.say(f"rest: {len(RANGE)} ports are bound", len(bound) != len(RANGE) and f"{len(bound)}")
    time.sleep(1)
    s.say("rest: none is given back before its time", sum(row.state == BOUND for row in mine(s)) != len(bound) and "some are")
    since = time.monotonic()  # sooner than any of them rests
    older(s, "worker-1", bound, UDP_S + 1)
    done = until(lambda: all(row.state == RESTS for row in mine(s)), 2 * PATIENT)
    s.say("rest: after the timeout they rest", not done and f"{sum(row.state == BOUND for row in mine(s))} are still bound")
    sockets = flock(s, "small-1", 20)
    got = ask_all(sockets)
    s.say("rest: a port that rests is not handed out", got and f"{len(got)} of 20 got one")
    for sock in sockets:
        sock.close()
    with open(f"{s.folder}/rests", "w", encoding="ascii") as f:
        f.write(str(since))


def rested(s):
    path = f"{s.folder}/rests"
    since = float(open(path, encoding="ascii").read()) if os.path.exists(path) else None
    if since is None:
        return s.skip("rest: ports come back", "the first part did not run")
    waited = time.monotonic() - since
    if os.environ.get("LAB_WAIT"):
        time.sleep(max(0, REST_S - waited))
    elif waited < REST_S:
        rows = mine(s)
        s.say(f"rest: {waited:.0f} s later they still rest", [r.state for r in rows] != [RESTS] * len(RANGE) and f"{len(rows)} do")
        older(s, "worker-1", rows, int(REST_S - waited) + 1)
    gone = until(lambda: not mine(s), 2 * PATIENT)
    s.say("rest: after it the ports are free", not gone and f"{len(mine(s))} are not")
    sockets = flock(s, "small-2", 100)
    got = ask_all(sockets, LIMIT)
    s.say("rest: and are handed out again", len(got) != LIMIT and f"{len(got)} of {LIMIT}")
    for sock in sockets:
        sock.close()
    return None


class Many:
    """build/lab/datagrams: a server outside and one who asks in each of CROWD."""

    def __init__(self, s, each):
        tool = f"{HERE}/../../build/lab/datagrams"
        self.server = self.start(s, "out", tool, "serve", "7777", *OTHERS)
        self.server.stdout.readline()
        self.askers = [self.start(s, name, tool, "ask", str(i), str(each), "20000", "7777", *OTHERS) for i, name in enumerate(CROWD)]
        self.flows = each * len(CROWD) * len(OTHERS)

    @staticmethod
    def start(s, name, *command):
        return subprocess.Popen(["nsenter", f"--net=/run/netns/{s.lab}-{name}", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                text=True)

    def told(self):
        """What the askers say of a round, together."""
        said = [json.loads(a.stdout.readline()) for a in self.askers]
        return {k: (max if k == "seconds" else sum)(each[k] for each in said) for k in said[0]}

    def again(self):
        for a in self.askers:
            a.stdin.write("again\n")
            a.stdin.flush()

    def end(self):
        """What the server says of its peers."""
        self.server.terminate()
        said = json.loads(self.server.stdout.readline())
        for process in (*self.askers, self.server):
            process.kill()
            process.wait()
        return said


def many(s):
    """Very many datagrams at the same time, from the same ports of four workloads."""
    before, crowd = alive(s), Many(s, EACH)
    told(s, f"{crowd.flows} translated datagram flows", crowd.told(), crowd.flows)
    rows = [row for n in s.nodes for row in outsides(s, n) if row.eip.startswith("100.65.1.") and row.proto == 17]
    keys, inside = {(r.eip, r.port) for r in rows}, {(r.vpc, r.inside, r.inside_port) for r in rows}
    s.say("many flows: no two sources share an EIP's port, by the tables of both nodes", len(keys) != len(rows) and
          f"{len(rows) - len(keys)} do")
    s.say(f"many flows: one mapping for each source, by {len({r.eip for r in rows})} EIPs",
          (len(rows), len(inside)) != (EACH * len(CROWD),) * 2 and f"{len(rows)} for {len(inside)} sources")
    grown = alive(s) - before
    s.say(f"many flows: {grown} flows opened that have not been aged", grown < crowd.flows and "too few")
    crowd.again()
    told(s, "all of them once more", crowd.told(), crowd.flows)
    said = crowd.end()
    s.say("many flows: no two sources share an EIP's port, by what the servers saw", said["shared"] and f"{said['shared']} times" or
          said["peers"] != len(rows) and f"{said['peers']} peers")


def told(s, what, said, flows):
    s.say(f"many flows: {what}: answered, byte for byte ({said['seconds']} s, {said['resent']} asked again)",
          (said["answered"], said["wrong"], said["strange"]) != (flows, 0, 0) and f"{said}")
    s.say(f"many flows: {what}: each source keeps its outside port", said["changed"] and f"{said['changed']} changed")


def alive(s):
    """Flows opened and not aged, since the nodes are up."""
    stats = [s.stats(n) for n in s.nodes]
    return sum(st["flows_created"] - st["flows_aged"] for st in stats)


class Kept:
    """Connections and datagram sockets of several workloads, and the outside ports they have."""

    def __init__(self, s, ways=WAYS):
        self.connections = [Connection(s, who, OUT) for who in ways for _ in range(3)]
        self.datagrams = [Datagrams(s, who) for who in ways]
        self.seen = [d.ask(OUT) for d in self.datagrams]

    def trouble(self):
        broken = [c.error or c.speaks() for c in self.connections]
        now = [d.ask(OUT) for d in self.datagrams]
        moved = [(a.address, a.port, b.port) for a, b in zip(self.seen, now) if a != b or not a.name]
        return ", ".join(filter(None, broken)) or moved and f"outside ports before and after: {moved}" or None

    def close(self):
        for c in self.connections + self.datagrams:
            c.close()


AGENTS = {}  # those started here: their ends must be waited for


def agent_end(s, node, how):
    path = f"{s.folder}/agent-{node}.pid"
    with open(path, encoding="ascii") as f:
        pid = int(f.read())
    os.kill(pid, how)
    if node in AGENTS:
        AGENTS.pop(node).wait(PATIENT)
    elif not until(lambda: not os.path.exists(f"/proc/{pid}")):
        raise RuntimeError(f"the agent on {node} does not end")


def agent_start(s, node):
    log, env = f"{s.folder}/agent-{node}", dict(os.environ, SLUICE_PINS=f"{s.pins}-{node}", SLUICE_STATE=f"{s.folder}/{node}")
    with open(log, "w", encoding="ascii") as f:
        AGENTS[node] = subprocess.Popen(["nsenter", f"--net=/run/netns/{s.lab}-{node}", s.sluice, "run", "--no-metrics"], env=env, stdout=f,
                                        stderr=subprocess.STDOUT, start_new_session=True)
    with open(f"{s.folder}/agent-{node}.pid", "w", encoding="ascii") as f:
        f.write(str(AGENTS[node].pid))
    if not until(lambda: "agent on node" in open(log, encoding="utf-8").read(), 2 * PATIENT):
        raise RuntimeError(f"the agent on {node} does not start: {open(log, encoding='utf-8').read().strip()[-200:]}")


def survive(s):
    """What may happen to the agent, the plan and the flows: connections go on, by the same outside ports."""
    kept = Kept(s)
    s.say("survive: connections and datagrams before", kept.trouble())
    for node in s.nodes:
        agent_end(s, node, signal.SIGKILL)
    s.say("survive: the agents are killed", kept.trouble())
    _, error = tcp(s, "demo-6", OUT)
    s.say("survive: new ones without an agent", error)
    plan = s.variant()
    plan["policy"].append({"name": "one-more", "from": ["network:dev"], "to": ["cidr:203.0.113.99/32"], "ports": ["any"], "action": "deny"})
    plan["eips"]["demo-gw"]["reserved"].append("udp/1")
    s.apply(plan)
    s.say("survive: another plan", kept.trouble())
    s.apply(s.plan)
    s.say("survive: and the first one again", kept.trouble())
    for node in s.nodes:
        agent_start(s, node)
    s.say("survive: the agents are back", kept.trouble())
    lost = sum(lose_flows(s, n, lambda key: key[14] == 17) for n in s.nodes)
    now = [d.ask(OUT) for d in kept.datagrams]
    s.say("survive: lost flows find their ports again", not lost and "none was taken away" or now != kept.seen and f"{kept.seen} {now}")
    kept.close()


def again(s, plan):
    """Everything down and up with this plan."""
    path = f"{s.folder}/variant.json"
    with open(path, "w", encoding="utf-8") as f:
        json.dump(plan, f)
    for node in s.nodes:
        agent_end(s, node, signal.SIGTERM)
        for command in (("down",), ("up", "--plan", path, "--node", node)):
            run = s.on_node(node, s.sluice, *command)
            if run.returncode:
                raise RuntimeError(f"{command[0]} on {node}: {run.stderr.strip()}")
        agent_start(s, node)


def full(s):
    """A flow table filled to its size and beyond while translated connections run."""
    if FAST:
        return s.skip("full table", "not in guests: it needs four more loads of all programs, which take minutes there")
    each, plan = HELD // 4, s.variant()
    plan["limits"] = {"flows": 24576, "unanswered_flows": 4096}
    again(s, plan)
    held = []
    for who in CROWD:
        held += Crowd(s.ns, who).connect((OUT, 9000), [0] * each, 2 * PATIENT, hold=True)
    bad = [c for c in held if c.error]
    s.say(f"full table: {len(held)} translated connections", bad and errors(bad))
    held = [c for c in held if not c.error]
    kept = Kept(s, ("demo-5", "demo-6"))
    before = {n: s.stats(n) for n in s.nodes}
    crowd = Many(s, 6000)
    said, shared = crowd.told(), crowd.end()["shared"]
    s.say(f"full table: {said['flows']} more flows by datagrams are answered, each by one port", (said["wrong"], said["changed"],
          shared) != (0, 0, 0) or said["answered"] != said["flows"] and f"{said}")
    for node in s.nodes:
        grown = s.stats(node)["flows_unpromoted"] - before[node]["flows_unpromoted"]
        s.say(f"full table: {node} had no room for {grown} flows", not grown and f"{said}")
    broken = speak(held, 2 * PATIENT)
    s.say(f"full table: none of {len(held)} connections breaks or changes its port", broken and errors(broken))
    s.say("full table: nor of the others", kept.trouble())
    # Those found no room: they live among the unanswered, where new flows drive them out, and their mappings remain.
    more = Crowd(s.ns, "demo-5").connect((OUT, 9000), [0] * 100, 2 * PATIENT, hold=True)
    bad, driven_out = [c for c in more if c.error], Kept(s, ("demo-5", "demo-6"))
    s.say("full table: 100 new connections", bad and errors(bad))
    crowd = Many(s, 6000)
    said, _ = crowd.told(), crowd.end()
    broken = speak([c for c in more if not c.error], PATIENT)
    s.say(f"full table: after {said['flows']} more flows they go on", broken and errors(broken))
    s.say("full table: and datagrams, by the same ports", driven_out.trouble())
    driven_out.close()
    for c in held + more:
        c.close()
    kept.close()
    return None


def main():
    many_files()
    stage = Stage(sys.argv, "nat")
    Crowd.witness = stage.flows_of
    only = os.environ.get("LAB_ONLY", "").split()
    for scenario in (rested, full) if os.environ.get("LAB_LATE") else (limits, rest, given, refused, survive, many):
        if not only or scenario.__name__ in only:
            stage.scenario(scenario)
    return stage.failed


sys.exit(main())
