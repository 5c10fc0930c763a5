#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""table.py UNIT: makes of the lines of live.sh a table: what a frame takes beyond being generated and counted, and how
that compares with the kernel's NAT; and how many frames go through, the generator's share with it, where XDP that does
nothing else sends on one. UNIT is ns or instructions. Other lines go through as they are.
"""
import json
import sys


def main():
    unit, found = sys.argv[1], {}
    for line in sys.stdin:
        if line.startswith("{"):
            row = json.loads(line)
            found[row["live"]] = row["ns"]
        else:
            print(line, end="")
    if "drop" not in found:
        return 1
    nothing, nat, on = found["drop"]["median"], found.get("nft DNAT"), found.get("XDP_REDIRECT")
    print("%-22s %10s %8s %8s %8s %10s %10s" % ("", unit, "min", "max", "net", "/ nft DNAT", "frames"))
    for name, ns in found.items():
        print("%-22s %10.0f %8.0f %8.0f %8.0f %10s %10s" % (
            name, ns["median"], ns["min"], ns["max"], ns["median"] - nothing,
            "%.2f" % ((ns["median"] - nothing) / (nat["median"] - nothing)) if nat and name != "drop" else "-",
            "%.2f" % (on["median"] / ns["median"]) if on else "-"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
