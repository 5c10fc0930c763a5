#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What `sluice apply` costs: time and memory for plans of several sizes, whole and with one line changed, beside a
running agent and a stream of packets of which none may be lost; then what the agent holds and what it does at rest.

One node in a network namespace with two workloads. "whole": a plan that shares no address with the one in force.
"line": one line is another one. Peak is of the command alone; kernel is the memory of both generations' tables.
"""
import argparse
import json
import os
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BPFFS = "/sys/fs/bpf"
CASES = {"1k": (1000, 100, 100), "10k": (10000, 1000, 1000), "100k": (100000, 10000, 1000),
         "services-10k": (1000, 10000, 100), "services-100k": (1000, 100000, 100),
         "rules-10k": (1000, 100, 10000), "rules-100k": (1000, 100, 100000)}
SETTLE_S = 30  # at most until the agent has followed
RATE = 1000  # packets a second


def run(*command, **more):
    return subprocess.run(command, check=True, **{"stdout": subprocess.DEVNULL, **more})


class Lab:
    def __init__(self, name, sluice):
        self.name, self.sluice, self.agent = name, sluice, None
        self.pins = f"{BPFFS}/sluice-{name}"
        self.dir = tempfile.mkdtemp(prefix=f"sluice-{name}-")
        self.env = {**os.environ, "SLUICE_PINS": self.pins, "SLUICE_STATE": self.dir + "/state"}

    def inside(self, ns, *command):
        return ["nsenter", f"--net=/run/netns/{self.name}-{ns}", *command]

    def up(self):
        for ns in ("node", "a", "b"):
            run("ip", "netns", "add", f"{self.name}-{ns}")
            run("ip", "-n", f"{self.name}-{ns}", "link", "set", "lo", "up")
        node = f"{self.name}-node"
        run("ip", "-n", node, "link", "add", "eth0", "up", "type", "veth", "peer", "name", "wire")
        run("ip", "-n", node, "link", "set", "wire", "up")
        for i, ns in enumerate("ab"):
            other = f"{self.name}-{ns}"
            run("ip", "-n", node, "link", "add", f"probe-{ns}", "up", "type", "veth", "peer", "name", "eth0",
                "address", f"02:99:00:00:00:0{i + 1}", "netns", other)
            run("ip", "-n", other, "link", "set", "eth0", "up")
            run("ip", "-n", other, "address", "add", f"10.99.0.{11 + i}/24", "dev", "eth0")
            run("ip", "-n", other, "neigh", "add", f"10.99.0.{12 - i}", "lladdr", f"02:99:00:00:00:0{2 - i}",
                "dev", "eth0")

    def down(self):
        self.end_agent()
        subprocess.run(self.inside("node", self.sluice, "down"), env=self.env, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for ns in ("node", "a", "b"):
            subprocess.run(["ip", "netns", "del", f"{self.name}-{ns}"], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)

    def order(self, what, plan):
        """Wall clock, CPU time and peak of one command."""
        with open(self.dir + "/log", "w+", encoding="utf-8") as log:
            began = time.monotonic()
            child = subprocess.Popen(self.inside("node", self.sluice, what, "--plan", plan, "--node", "node0"),
                                     env=self.env, stdout=log, stderr=log)
            _, status, used = os.wait4(child.pid, 0)
            took = time.monotonic() - began
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode:
                log.seek(0)
                sys.exit(f"apply: sluice {what} {plan} failed: {log.read()[-500:]}")
        return {"ms": took * 1000, "cpu_ms": (used.ru_utime + used.ru_stime) * 1000,
                "peak_mib": used.ru_maxrss / 1024}

    def generation(self):
        dump = subprocess.run(["bpftool", "-j", "map", "lookup", "pinned", f"{self.pins}/maps/sl_active", "key",
                               "0", "0", "0", "0"], check=True, capture_output=True, text=True).stdout
        return json.loads(dump)["formatted"]["value"]["generation"]

    def start_agent(self):
        self.agent = subprocess.Popen(self.inside("node", self.sluice, "run"), env=self.env,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.agent.stderr:
            if "agent on node" in line:
                break
        else:
            sys.exit("apply: the agent did not start")
        threading.Thread(target=self.agent.stderr.read, daemon=True).start()

    def end_agent(self):
        if self.agent:
            self.agent.terminate()
            self.agent.wait()
            self.agent = None

    def agent_family(self):
        with open(f"/proc/{self.agent.pid}/task/{self.agent.pid}/children", encoding="ascii") as f:
            return [self.agent.pid] + [int(p) for p in f.read().split()]

    def agent_cpu_ms(self):
        ticks = 0
        for pid in self.agent_family():
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks * 1000 / os.sysconf("SC_CLK_TCK")

    def agent_memory(self):
        with open(f"/proc/{self.agent.pid}/status", encoding="ascii") as f:
            rows = dict(line.split(":", 1) for line in f)
        return {key: int(rows[of].split()[0]) / 1024
                for key, of in (("rss_mib", "VmRSS"), ("anon_mib", "RssAnon"), ("peak_mib", "VmHWM"))}

    def settle(self):
        """Until the agent has taken over what is in force and is quiet again."""
        last, quiet, end = self.agent_cpu_ms(), 0, time.monotonic() + SETTLE_S
        time.sleep(1.5)  # it looks once a second
        while quiet < 3 and time.monotonic() < end:
            time.sleep(0.4)
            now = self.agent_cpu_ms()
            quiet = quiet + 1 if now - last <= 10 else 0
            last = now

    def kernel_mib(self):
        """Tables of the plan in both slots, each table once."""
        ids, total = set(), 0
        plans = [d for d in os.listdir(self.pins) if d.startswith("plan-")]
        for table in os.listdir(f"{self.pins}/{plans[0]}"):
            for slot in ("0", "1"):
                got = subprocess.run(["bpftool", "-j", "map", "lookup", "pinned", f"{self.pins}/maps/{table}", "key",
                                      slot, "0", "0", "0"], check=False, capture_output=True, text=True)
                if not got.returncode:
                    raw = json.loads(got.stdout)
                    value = raw.get("inner_map_id", None)
                    if value is None:
                        value = struct.unpack("<I", bytes(int(b, 16) for b in raw["value"]))[0]
                    ids.add(value)
        for number in ids:
            shown = subprocess.run(["bpftool", "-j", "map", "show", "id", str(number)], check=False,
                                   capture_output=True, text=True)
            if not shown.returncode:
                total += int(json.loads(shown.stdout).get("bytes_memlock", 0))
        return total / 1048576


class Stream:
    """Numbered packets from one workload to the other, in a process of its own; lost ones are counted."""

    def __init__(self, lab):
        self.receiver = subprocess.Popen(lab.inside("b", sys.executable, __file__, "--receive"),
                                         stdout=subprocess.PIPE, text=True)
        self.receiver.stdout.readline()
        self.sender = subprocess.Popen(lab.inside("a", sys.executable, __file__, "--send"), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)

    def end(self):
        sent = int(self.sender.communicate("\n")[0])
        time.sleep(0.2)
        self.receiver.terminate()
        got = int(self.receiver.communicate()[0])
        return sent, sent - got


def send():
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sent, began = 0, time.monotonic()
    while not stop.is_set():
        for _ in range(max(0, int((time.monotonic() - began) * RATE) - sent)):
            s.sendto(struct.pack("!Q", sent), ("10.99.0.12", 5001))
            sent += 1
        time.sleep(0.002)
    print(sent)


def receive():
    import signal
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    s.bind(("10.99.0.12", 5001))
    seen = set()

    def stop(*_):
        s.setblocking(False)
        try:
            while True:
                seen.add(s.recv(64))
        except BlockingIOError:
            pass
        print(len(seen), flush=True)
        os._exit(0)
    signal.signal(signal.SIGTERM, stop)
    print("ready", flush=True)
    while True:
        seen.add(s.recv(64))


def flows(count):
    """As many answered flows: a packet each way, written to both workloads' interfaces as they stand on the wire."""
    def frame(src, dst, ports):
        ip = bytearray(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 29, 0, 0, 64, 17, 0, bytes([10, 99, 0, 10 + src]),
                                   bytes([10, 99, 0, 10 + dst])))
        total = sum(struct.unpack("!10H", ip))
        struct.pack_into("!H", ip, 10, 0xffff - (total % 0xffff))
        eth = bytes([2, 0x99, 0, 0, 0, dst, 2, 0x99, 0, 0, 0, src, 8, 0])
        return eth + bytes(ip) + struct.pack("!HHHHB", *ports, 9, 0, 0)

    ends = []
    for ns in sys.argv[3:5]:
        with open(ns, "rb") as f:
            if libc().setns(f.fileno(), 0x40000000):
                sys.exit("apply: cannot enter the namespace")
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.bind(("eth0", 0))
        ends.append(s)
    for i in range(count):
        there, back = (1024 + i % 50000, 2000 + i // 50000), (2000 + i // 50000, 1024 + i % 50000)
        ends[0].send(frame(1, 2, there))
        ends[1].send(frame(2, 1, back))
        if i % 100 == 99:
            time.sleep(0.002)  # or the far end's queue is full


def libc():
    import ctypes
    return ctypes.CDLL(None, use_errno=True)


def measure(lab, plans, runs):
    lab.up()
    result = {"up": lab.order("up", plans["a"])}
    result["kernel_first_mib"] = lab.kernel_mib()
    lab.start_agent()
    lab.settle()
    lost = {}
    for kind, turn in (("whole", ("other", "a")), ("line", ("b", "a"))):
        stream, taken = Stream(lab), []
        cpu = lab.agent_cpu_ms()
        for i in range(runs):
            taken.append(lab.order("apply", plans[turn[i % 2]]))
            lab.settle()
        if runs % 2:
            lab.order("apply", plans["a"])
            lab.settle()
        sent, lost[kind] = stream.end()
        result[kind] = {key: statistics.median(t[key] for t in taken) for key in taken[0]}
        result[kind].update(best_ms=min(t["ms"] for t in taken), worst_ms=max(t["ms"] for t in taken), sent=sent,
                            lost=lost[kind], agent_cpu_ms=(lab.agent_cpu_ms() - cpu) / (runs + runs % 2))
    result["kernel_mib"] = lab.kernel_mib()
    result["agent"] = lab.agent_memory()
    return result


def rest(lab, count, seconds):
    run(sys.executable, __file__, "--flows", str(count), f"/run/netns/{lab.name}-a", f"/run/netns/{lab.name}-b")
    time.sleep(3)
    began, cpu = time.monotonic(), lab.agent_cpu_ms()
    time.sleep(seconds)
    used, took = lab.agent_cpu_ms() - cpu, time.monotonic() - began
    gauges = json.loads(subprocess.run(lab.inside("node", lab.sluice, "status", "--json"), env=lab.env, check=True,
                                       capture_output=True, text=True).stdout)
    return {"flows": gauges["tables"]["sl_flow"]["entries"] // 2, "seconds": seconds,
            "cpu_percent": used / took / 10}


def table(results):
    head = ("plan", "workloads", "services", "rules", "whole ms", "line ms", "peak MiB", "kernel MiB", "agent MiB",
            "lost")
    print(" ".join(f"{h:>13}" for h in head))
    for name, r in results.items():
        row = (name, *r["size"], f"{r['whole']['ms']:.0f}", f"{r['line']['ms']:.0f}",
               f"{r['whole']['peak_mib']:.0f}", f"{r['kernel_mib']:.0f}", f"{r['agent']['rss_mib']:.1f}",
               r["whole"]["lost"] + r["line"]["lost"])
        print(" ".join(f"{x:>13}" for x in row))
        if "rest" in r:
            print(f"at rest with {r['rest']['flows']} flows: the agent takes {r['rest']['cpu_percent']:.2f} % of a core")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--sizes", default="1k,10k,100k", help=f"of {','.join(CASES)}")
    args.add_argument("--runs", type=int, default=4, help="of each kind; the median is shown")
    args.add_argument("--rest", type=int, default=60,
                      help="seconds at rest behind the largest of the plain sizes; the agent goes through the flows each 30")
    args.add_argument("--flows", type=int, default=100000)
    args.add_argument("--lab", default=f"slapply{os.getpid()}")
    args.add_argument("--sluice", default=os.path.join(HERE, "../../build/sluice"))
    args.add_argument("--json", help="the figures, as a file")
    a = args.parse_args()
    results = {}
    for name in a.sizes.split(","):
        size = CASES[name]
        lab = Lab(a.lab, os.path.abspath(a.sluice))
        try:
            plans = {key: f"{lab.dir}/{key}.json" for key in ("a", "b", "other")}
            for seed, files in ((1, ("-o", plans["a"], "-c", plans["b"])), (2, ("-o", plans["other"]))):
                run(sys.executable, f"{HERE}/apply_plan.py", "--seed", str(seed), "-w", str(size[0]), "-s",
                    str(size[1]), "-k", str(size[2]), *files)
            results[name] = {"size": size, **measure(lab, plans, a.runs)}
            if name == "100k" and a.rest:
                results[name]["rest"] = rest(lab, a.flows, a.rest)
        finally:
            lab.down()
    table(results)
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump({"date": time.strftime("%FT%TZ", time.gmtime()), "kernel": os.uname().release,
                       "plans": results}, f, indent=1)
    sys.exit(any(r[k]["lost"] for r in results.values() for k in ("whole", "line")))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--send"]:
        send()
    elif sys.argv[1:2] == ["--receive"]:
        receive()
    elif sys.argv[1:2] == ["--flows"] and len(sys.argv) == 5:
        flows(int(sys.argv[2]))
    else:
        main()
