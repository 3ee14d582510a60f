"""What 500 dead servers in a room cost: Gantry's own users, a server that lives, the dead ones.

    target/peers/clients/bin/python -B tests/bench/dead_destinations.py \\
        --gantry target/release/gantry --roomgen target/release/gantry-roomgen

A user joins a generated room whose members are on 501 servers, all played by one process (`dead/`),
and makes a second room, in which there is only a user of the first of them. Then the other 500 die:
half of them take connections and never answer, half close each connection at once; with `--silent
500` all are silent. Messages to both rooms take turns. Prints Markdown tables: how long the sends
take, and how long until the server that lives has each message in a transaction, beside the time
before the deaths, when there was only the second room; and how often the dead ones were tried.
Writes `dead_destinations.json` beside the logs. Takes two minutes. The exit code is 1 if a message
did not arrive.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parent / "one_room")]

import requests  # noqa: E402
from certificates import Authority  # noqa: E402
from crowd.room import SEED, VERSION, Room, ServerKey  # noqa: E402
from fake_server import FakeServer  # noqa: E402
from hostile.watch import Memory  # noqa: E402
from matrix_http import MatrixHttp, path  # noqa: E402
from peers import Gantry, redb_storage  # noqa: E402
from places import TARGET, binary, output  # noqa: E402
from ports import free_port  # noqa: E402
from processes import Program, running  # noqa: E402
from waiting import eventually  # noqa: E402

_OUTPUT = output("bench/dead_destinations")
_FIRST_ADDRESS = "127.60.0.1"
_MOST_MIB = 3072
_PATIENCE = 60
_SETTLE = 5
_STEP = 10

# What an operator has who has configured nothing.
_RETRIES = {
    "GANTRY_FEDERATION__RETRY_MIN_MS": "2000",
    "GANTRY_FEDERATION__RETRY_MAX_MS": "3600000",
}


def main():
    """Measure, print the tables."""
    options = _options()
    shutil.rmtree(_OUTPUT, ignore_errors=True)
    _OUTPUT.mkdir(parents=True)
    authority = Authority(_OUTPUT / "certificates")
    others = _Others(authority, options)
    storage = {**redb_storage(), **_RETRIES}
    gantry = Gantry(options.gantry, _OUTPUT / "gantry", authority, storage)
    others.start()
    gantry.start()
    memory = Memory(running["gantry"].pid, _MOST_MIB)
    alice = MatrixHttp.register(gantry.url, "alice")
    quiet = alice.create_room(room_version=VERSION)
    _Visitor(authority, others.first).join(gantry, quiet, "visitor")

    before = _messages(alice, {"before": quiet}, options.rate, options.seconds / 3)
    alice.join(others.room.room_id, others.first)
    _await_members(alice, others.room)
    time.sleep(_SETTLE)
    mib_before = memory.resident()
    others.die()
    memory.forget_peak()
    rooms = {"beside": quiet, "dead": others.room.room_id}
    during = _messages(alice, rooms, options.rate, options.seconds)
    time.sleep(_SETTLE)
    mib_peak, mib_after = memory.peak(), memory.resident()
    memory.stop()
    # Otherwise it would wait for the answers of the dead.
    gantry.kill()
    report = others.stop()

    messages = {**before, **during}
    document = {
        "servers": options.servers,
        "silent": options.silent,
        "samples": {name: _samples(sent, report["arrivals"]) for name, sent in messages.items()},
        "memory_mib": {"before": mib_before, "peak": mib_peak, "after": mib_after},
        **{name: report[name] for name in ["transactions", "connections", "asking"]},
    }
    (_OUTPUT / "dead_destinations.json").write_text(json.dumps(document, indent=1) + "\n")
    _print_tables(document)
    sys.exit(1 if any(sample["lost"] for sample in document["samples"].values()) else 0)


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=int, default=500, help="that die")
    parser.add_argument("--silent", type=int, help="of them, that never answer; otherwise half")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=10, help="messages a second to each room")
    parser.add_argument("--gantry", type=Path, default=binary("release"))
    parser.add_argument("--roomgen", type=Path, default=TARGET / "release/gantry-roomgen")
    options = parser.parse_args()
    if options.silent is None:
        options.silent = options.servers // 2
    return options


class _Others:
    """The room, and the process that plays its servers."""

    def __init__(self, authority, options):
        lines = _OUTPUT / "room.jsonl"
        parameters = {
            "version": VERSION,
            "seed": SEED,
            "members": options.servers + 1,
            "servers": options.servers + 1,
            "loopback-port": free_port(_FIRST_ADDRESS),
            # Everybody whom the generator lets in stays.
            "bans": 0,
            "restricted-joins": 0,
        }
        words = [str(word) for name, value in parameters.items() for word in (f"--{name}", value)]
        with lines.open("wb") as file:
            subprocess.run([options.roomgen, *words], check=True, stdout=file)
        with lines.open("rb") as file:
            self.room = Room(file)
        self.first = self.room.servers[0]
        addresses = [server.split(":")[0] for server in self.room.servers]
        self._ca = authority.certificate
        self._report = _OUTPUT / "others.json"
        command = [sys.executable, "-B", _HERE / "dead/server.py", lines, options.silent]
        command += [*authority.issue("others", *addresses), self._report]
        self._program = Program("others", command, _OUTPUT / "others.log")

    def start(self):
        """Start to answer."""
        self._program.start(self._answers, deadline=120)

    def die(self):
        """All but the first are dead when this returns."""
        self._program.signal(signal.SIGUSR1)
        eventually(self._report.exists, "they are dead")

    def stop(self):
        """Answer no longer; returns what came."""
        self._program.stop()
        return json.loads(self._report.read_text())

    def _answers(self):
        try:
            return requests.get(f"https://{self.first}/", verify=str(self._ca), timeout=2).ok
        except requests.RequestException:
            return False


class _Visitor(FakeServer):
    """The side of the first server that asks; it answers elsewhere."""

    def __init__(self, authority, name):
        self.name, self.key = name, ServerKey(name)
        self._authority = authority

    def close(self):
        """Nothing of this is open."""


def _await_members(user, room):
    where = path("rooms", room.room_id, "joined_members")
    expected = room.members | {user.user_id}

    def are_all_there():
        answer = user.get(where)
        return answer.status_code == 200 and answer.json()["joined"].keys() == expected

    eventually(are_all_there, "all members are there", _PATIENCE)


def _messages(user, rooms, rate, seconds):
    """Send to the rooms in turn; when each message was sent, and when that was answered."""
    sent = {name: {} for name in rooms}
    pause, began = 1 / rate / len(rooms), time.monotonic()
    for number in range(round(seconds * rate) * len(rooms)):
        name = list(rooms)[number % len(rooms)]
        time.sleep(max(0.0, began + number * pause - time.monotonic()))
        asked = time.time()
        user.send(rooms[name], text := f"{name} {number}", text)
        sent[name][text] = asked, time.time()
    return sent


def _samples(sent, arrivals):
    answered = [after - asked for asked, after in sent.values()]
    arrived = [arrivals[text] - sent[text][0] for text in sent if text in arrivals]
    return {
        "answered_ms": _percentiles(answered),
        "arrived_ms": _percentiles(arrived),
        "lost": len(sent) - len(arrived),
        "count": len(sent),
    }


def _percentiles(seconds):
    ascending = sorted(seconds)
    last = len(ascending) - 1
    return {f"p{percent}": 1000 * ascending[last * percent // 100] for percent in (50, 95, 100)}


def _print_tables(document):
    samples = document["samples"]
    dead, silent = document["servers"], document["silent"]
    print(f"{dead} dead servers, of which {silent} take connections and never answer.\n")
    print("| ms | before | room without the dead | room with the dead | ratio | to before |")
    print("|---|" + "--:|" * 5)
    for what, words in {"answered": "sent", "arrived": "at the server that lives"}.items():
        for percentile in ("p50", "p95", "p100"):
            before, beside, with_dead = (
                samples[name][f"{what}_ms"][percentile] for name in ("before", "beside", "dead")
            )
            ratios = f"{with_dead / beside:.2f} | {with_dead / before:.2f}"
            print(f"| {words}, {percentile} | {before:.1f} | {beside:.1f} | ", end="")
            print(f"{with_dead:.1f} | {ratios} |")
    lost, count = (sum(sample[what] for sample in samples.values()) for what in ("lost", "count"))
    print(f"\n{count} messages, {lost} of them did not arrive; {document['transactions']} ", end="")
    print("transactions to all that lived.\n")
    _print_connections(document)
    memory = ", ".join(f"{mib:.0f} ({when})" for when, mib in document["memory_mib"].items())
    print(f"\nMemory of Gantry, MiB: {memory}.")


def _print_connections(document):
    """How often the dead were tried, in steps of time since the first of them was."""
    moments = document["connections"]
    first = min(min(each) for each in moments.values())
    counts = {
        kind: Counter(int((moment - first) / _STEP) for moment in each)
        for kind, each in moments.items()
    }
    steps = range(max(max(count) for count in counts.values()) + 1)
    print("| connections to dead servers, from second | ", end="")
    print(" | ".join(str(step * _STEP) for step in steps) + " | all | with a byte |")
    print("|---|" + "--:|" * (len(steps) + 2))
    for kind, count in counts.items():
        cells = [*(count[step] for step in steps), count.total(), document["asking"].get(kind, 0)]
        print(f"| {kind} | " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main()
