"""What three nodes on one replica set cost: news at other nodes, races for a room, own writes.

    target/peers/clients/bin/python -B tests/bench/three_nodes.py --gantry target/release/gantry

Starts the database and three nodes on loopback, and prints Markdown tables:

- how long messages, receipts and typing notices of a client of node 1 take until long polls at each
  node bring them, beside what the database alone takes for a write and its change stream;
- how many messages 30 senders get acknowledged at one node and at three, in one room and in 30;
- whether what node 1 has acknowledged is found at node 2 at once.

`--members 1` does the same on a replica set of one member. Each table shows how many processors
other programs used meanwhile: above a few hundredths, the figures are those of a busy machine. The
yardstick is the processor time of a fixed computation just before and after.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parent / "one_room")]

from certificates import Authority  # noqa: E402
from matrix_http import MatrixHttp  # noqa: E402
from nodes.arrival import arrivals  # noqa: E402
from nodes.contention import CASES, NODES, rooms_for, write  # noqa: E402
from nodes.machine import Used, yardstick  # noqa: E402
from nodes.own_writes import own_writes  # noqa: E402
from nodes.person import Person  # noqa: E402
from peers import Gantry, Mongod, mongodb_storage  # noqa: E402
from places import MONGOD, binary  # noqa: E402

_SENDERS = 30
_PARTS = ["arrival", "contention", "own-writes"]
_DATABASE_SCRIPT = _HERE / "nodes/database.py"
_MONGOD_SCRIPT = _HERE.parent / "one_room/mongod.py"


def main():
    """Measure, print the tables."""
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="three-nodes-")))
        cluster = _Cluster(options, folder, stack)
        _print_load(f"{options.gantry}, {options.members} members of the replica set")
        asyncio.run(_measure(cluster, options))


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gantry", type=Path, default=binary("release"))
    parser.add_argument("--members", type=int, choices=[1, 3], default=3)
    parser.add_argument("--messages", type=int, default=200, help="of each latency")
    parser.add_argument("--history", type=int, default=1000, help="messages in the room before")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each run of the senders")
    parser.add_argument("--rounds", type=int, default=3, help="of the senders")
    parser.add_argument("--only", action="append", choices=_PARTS)
    return parser.parse_args()


class _Cluster:
    """Three nodes, their database, and the accounts of all who talk to them."""

    def __init__(self, options, folder, stack):
        self.program = options.gantry
        self._mongod = Mongod(MONGOD, _MONGOD_SCRIPT, folder / "mongod", options.members)
        self._mongod.start()
        stack.callback(self._mongod.stop)
        self._storage = mongodb_storage(self._mongod.uri)
        authority = Authority(folder / "certificates")
        nodes = [
            Gantry(self.program, folder / f"node-{number}", authority, self._storage, "nodes.test")
            for number in range(NODES)
        ]
        for node in nodes:
            node.start()
            stack.callback(node.stop)
        self._urls = [node.url for node in nodes]
        with ThreadPoolExecutor(4) as pool:
            names = [f"person-{number}" for number in range(_SENDERS)]
            accounts = pool.map(lambda name: MatrixHttp.register(self._urls[0], name), names)
            self.people = [Person(account, self._urls) for account in accounts]

    def used(self):
        """Seconds of processor so far."""
        return Used.so_far(self.program)

    def fillers(self):
        """Numbers that became no entry."""
        return self._database("fillers", self._storage["GANTRY_STORAGE__DATABASE"])

    def floor(self, count):
        """What the database alone takes."""
        return self._database("floor", str(count))

    def _database(self, *what):
        command = [MONGOD, "-B", _DATABASE_SCRIPT, self._mongod.uri, *what]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


async def _measure(cluster, options):
    parts = {
        "arrival": _measure_arrivals,
        "contention": _measure_contention,
        "own-writes": _measure_own_writes,
    }
    async with AsyncExitStack() as stack:
        for person in cluster.people:
            await stack.enter_async_context(person)
        for name in options.only or _PARTS:
            await parts[name](cluster, options)
            _print_load(name)


async def _measure_arrivals(cluster, options):
    before = cluster.used()
    floor = cluster.floor(options.messages)
    speaker, *others = cluster.people
    kinds = await arrivals(speaker, others[:NODES], options.messages, options.history)
    used = cluster.used().since(before)
    rows = [["the database alone: " + what, *_latencies(floor[what])] for what in floor]
    for kind, samples in kinds.items():
        rows.append([f"{kind}: answered", *_latencies(samples.request)])
        for node, seconds in enumerate(samples.since_request, 1):
            rows.append([f"{kind}: at node {node}, since the request", *_latencies(seconds)])
        for node, seconds in enumerate(samples.since_answer, 1):
            rows.append([f"{kind}: at node {node}, since the answer", *_latencies(seconds)])
        if samples.missed:
            rows.append([f"{kind}: never came", str(samples.missed), "", ""])
    _print_table(["ms", "p50", "p95", "p99"], rows, used)


async def _measure_contention(cluster, options):
    runs = {case.name: [] for case in CASES}
    before = cluster.used()
    for turn in range(options.rounds):
        for case in CASES if turn % 2 == 0 else reversed(CASES):
            runs[case.name].append(await _run(cluster, case, options.seconds))
    head = ["", "messages/s", "each round", "p50, ms", "p95, ms", "errors", "lost drafts/message"]
    head += ["nodes, ms/message", "database, ms/message", "other programs, cores", "yardstick, ms"]
    rows = [[name, *_columns(of_case)] for name, of_case in runs.items()]
    _print_table(head, rows, cluster.used().since(before))


async def _run(cluster, case, seconds):
    rooms = await rooms_for(case, cluster.people)
    fillers, before, measured_before = cluster.fillers(), cluster.used(), yardstick()
    written = await write(case, cluster.people, rooms, seconds)
    used = cluster.used().since(before)
    count = len(written.seconds)
    run = {
        "rate": count / written.elapsed,
        "p50": _percentile(written.seconds, 50),
        "p95": _percentile(written.seconds, 95),
        "errors": written.errors,
        "lost": (cluster.fillers() - fillers) / count,
        "nodes": used.nodes / count,
        "database": used.database / count,
        "others": used.cores_of_others,
        "yardstick": (measured_before + yardstick()) / 2,
    }
    print(f"{case.name}: {run}", file=sys.stderr, flush=True)
    return run


def _columns(runs):
    def median(what):
        return statistics.median(run[what] for run in runs)

    errors = sum((run["errors"] for run in runs), Counter())
    return [
        f"{median('rate'):.0f}",
        ", ".join(f"{run['rate']:.0f}" for run in runs),
        _milliseconds(median("p50")),
        _milliseconds(median("p95")),
        ", ".join(f"{count} of {name}" for name, count in errors.items()) or "0",
        f"{median('lost'):.2f}",
        _milliseconds(median("nodes")),
        _milliseconds(median("database")),
        f"{median('others'):.2f}",
        _milliseconds(median("yardstick")),
    ]


async def _measure_own_writes(cluster, options):
    before = cluster.used()
    reads = await own_writes(cluster.people[0], options.messages)
    rows = [
        [way, f"{found.at_once} of {options.messages}", *_latencies(found.seconds)]
        for way, found in reads.items()
    ]
    head = ["At node 2, ms", "found at once", "p50", "p95", "p99"]
    _print_table(head, rows, cluster.used().since(before))


def _latencies(seconds):
    return [_milliseconds(_percentile(seconds, percent)) for percent in (50, 95, 99)]


def _percentile(values, percent):
    """The least value that so many percent do not exceed."""
    if not values:
        return float("nan")
    ascending = sorted(values)
    return ascending[max(0, -(-len(ascending) * percent // 100) - 1)]


def _milliseconds(seconds):
    return f"{seconds * 1000:.1f}"


def _print_table(head, rows, used):
    print("\n| " + " | ".join(head) + " |")
    print("|---|" + "--:|" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(
        f"\n{used.moment:.0f} s; processors used: nodes {used.nodes / used.moment:.2f}, "
        f"database {used.database / used.moment:.2f}, bench {used.bench / used.moment:.2f}, "
        f"other programs {used.cores_of_others:.2f}",
        flush=True,
    )


def _print_load(after):
    averages = ", ".join(f"{average:.2f}" for average in os.getloadavg())
    print(f"\n{after}: load averages {averages} on {os.cpu_count()} processors", flush=True)


if __name__ == "__main__":
    main()
