"""What a server that lies in everything can do to Gantry: memory, other rooms, what is believed.

    target/peers/clients/bin/python -B tests/bench/hostile_peer.py --gantry target/release/gantry

One process plays servers of which each tells another lie (`hostile/`), while a client in a room of
its own sends and syncs all the time. Prints a Markdown table: memory before, at its peak and after
each attack, and how long the client waited; writes `hostile_peer.json` beside the logs. Below it
stands what must not be, and then the exit code is 1. All of it takes about five minutes, `--quick`
less than one; `--only WORD` makes only the attacks with this word in their names.
"""

import argparse
import json
import shutil
import sys
import time
from functools import partial
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parent / "one_room")]

from certificates import Authority  # noqa: E402
from hostile import attacks, tiny  # noqa: E402
from hostile.joins import HEAVY, QUICK_HEAVY  # noqa: E402
from hostile.slow import Crawlers, SlowJoin, slow_answers  # noqa: E402
from hostile.stage import Stage  # noqa: E402
from places import binary, output  # noqa: E402

_OUTPUT = output("bench/hostile_peer")
_SETTLE, _QUICK_SETTLE = 1.0, 0.3
_LONGEST_SILENCE = 2.5
_MOST_GROWTH_MIB = 1280
"""Much, but a join may be answered with 256 MiB, which are there as bytes and as events."""

_ATTACKS = {
    "join: other lies": (attacks.other_joins, 0, 0),
    "keys": (attacks.keys, 10, 1),
    "unknown previous events": (attacks.unknown_ancestors, 40, 3),
    "invented states": (attacks.coup, 0, 0),
    "events of 64 KB": (attacks.large_events, 10, 1),
    "redirects": (attacks.redirects, 0, 0),
    "slow answers": (slow_answers, 15, 3),
}
"""Each attack with its seconds, and those of a quick run."""

_TINY = {
    "tiny objects: requests": (tiny.requests_of_nobody, 8, 2),
    "tiny objects: templates": (tiny.templates, 8, 1),
    "tiny objects: a state": (tiny.states, 15, 2),
}
"""Attacks with JSON that takes much more memory than it has bytes."""


def main():
    """Attack, and print what came of it."""
    options = _options()
    shutil.rmtree(_OUTPUT, ignore_errors=True)
    _OUTPUT.mkdir(parents=True)
    stage = Stage(options, _OUTPUT, Authority(_OUTPUT / "certificates"))
    bench = _Bench(stage, options)
    try:
        bench.run()
    finally:
        document = bench.document()
        (_OUTPUT / "hostile_peer.json").write_text(json.dumps(document, indent=1) + "\n")
        _print_table(document)
        stage.stop()
    sys.exit(1 if document["complaints"] else 0)


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gantry", type=Path, default=binary("release"))
    parser.add_argument("--quick", action="store_true", help="not five minutes, but less than one")
    parser.add_argument("--only", default="")
    parser.add_argument("--connections", type=int, help="slow connections of each of four kinds")
    parser.add_argument("--most-mib", type=int, default=3072, help="more memory ends the server")
    return parser.parse_args()


class _Bench:
    def __init__(self, stage, options):
        self._stage, self._options = stage, options
        self.rows = []

    def run(self):
        """One attack after the other, those that ask for most memory last."""
        quick, stage = self._options.quick, self._stage
        quiet = partial(_quiet, 2 if quick else 10)
        self._measure("quiet, before", quiet)
        slow_join, crawlers = SlowJoin(stage), Crawlers(stage)
        count = self._options.connections or (50 if quick else 250)
        self._choose("slow connections", partial(_crawl, crawlers, count, 2 if quick else 15))
        self._choose_all(_ATTACKS)
        self.rows.append({"name": "slow join, since then", **slow_join.result()})
        self.rows.append({"name": "slow connections, since then", **crawlers.result()})
        for lie in QUICK_HEAVY if quick else HEAVY:
            self._choose(f"join: {lie}", partial(attacks.heavy_join, lie=lie))
        self._choose_all(_TINY)
        self._measure("quiet, after", quiet)

    def document(self):
        """All that was measured."""
        complaints = [f"{row['name']}: {one}" for row in self.rows for one in row["complaints"]]
        return {"rows": self.rows, "complaints": complaints}

    def _choose_all(self, table):
        for name, (attack, long, short) in table.items():
            seconds = short if self._options.quick else long
            self._choose(name, partial(_called, attack, seconds))

    def _choose(self, name, attack):
        if self._options.only in name:
            self._measure(name, attack)

    def _measure(self, name, attack):
        stage, memory = self._stage, self._stage.memory
        memory.forget_peak()
        before, began = memory.resident(), time.time()
        try:
            result = attack(stage)
        # Whatever goes wrong with an attack, the others are made.
        except Exception as error:  # noqa: BLE001
            result = {"complaints": [f"the attack broke off: {error!r}"[:300]]}
        ended = time.time()
        time.sleep(_QUICK_SETTLE if self._options.quick else _SETTLE)
        peak, after = memory.peak(), memory.resident()
        if stage.revive():
            reason = f"more than {self._options.most_mib} MiB" if memory.has_ended_it else "a crash"
            result["complaints"].append(f"the server ended by {reason}")
            peak = peak or float(self._options.most_mib)
        elif peak - before > _MOST_GROWTH_MIB:
            result["complaints"].append(f"{peak - before:.0f} MiB more memory")
        result["complaints"] += stage.local_complaints()
        waits = stage.samples.between(began, ended)
        if not waits["count"] and ended - began > _LONGEST_SILENCE:
            result["complaints"].append("the client of another room could do nothing")
        row = {"name": name, "seconds": ended - began, "before_mib": before, "peak_mib": peak}
        self.rows.append({**row, "after_mib": after, "client": waits, **result})
        _say(f"{name}: {before:.0f}, {peak:.0f}, {after:.0f} MiB, {ended - began:.1f} s, {waits}")
        for complaint in result["complaints"]:
            _say(f"  {complaint}")


def _quiet(seconds, _stage):
    time.sleep(seconds)
    return {"complaints": []}


def _crawl(crawlers, count, seconds, _stage):
    crawlers.start(count)
    time.sleep(seconds)
    return crawlers.result()


def _called(attack, seconds, stage):
    return attack(stage, seconds)


def _print_table(document):
    print("| attack | s | before, MiB | peak | after | median, ms | p95 | longest | failed |")
    print("|---|" + "--:|" * 8)
    measured = [row for row in document["rows"] if "client" in row]
    for row in measured:
        memory = [f"{row[one]:.0f}" for one in ("before_mib", "peak_mib", "after_mib")]
        client = row["client"]
        waits = [client.get(f"seen_{one}_ms") for one in ("median", "p95", "most")]
        cells = [f"{row['seconds']:.1f}", *memory]
        cells += ["" if wait is None else f"{wait:.1f}" for wait in waits]
        print(f"| {row['name']} | " + " | ".join([*cells, str(client["failures"])]) + " |")
    quiet = measured[0]["client"].get("seen_median_ms") if measured else None
    print("\nThe client's median beside the quiet time, and what came of each attack:\n")
    shown = {"name", "seconds", "before_mib", "peak_mib", "after_mib", "client", "complaints"}
    for row in document["rows"]:
        median = row.get("client", {}).get("seen_median_ms")
        ratio = f"{median / quiet:.2f}; " if quiet and median else ""
        figures = {name: value for name, value in row.items() if name not in shown}
        print(f"- {row['name']}: {ratio}{json.dumps(figures)[1:-1]}".replace('"', ""))
    print("\nWhat must not be:" if document["complaints"] else "\nNothing that must not be.")
    for complaint in document["complaints"]:
        print(f"- {complaint}")


def _say(what):
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
