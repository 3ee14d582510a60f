"""What an account with 1,000 rooms waits for: syncs of Gantry beside those of Synapse.

    GANTRY_TEST_BINARY=target/release/gantry \\
        target/peers/clients/bin/python -B tests/bench/thousand_rooms.py

Measures the initial sync, the sync after one message, and the sync after a week away, in which
others have sent 5,000 messages to 300 of the rooms: time and bytes, medians of 5, as a Markdown
table. `SCALE=0.05` does the same with a twentieth of the rooms and messages.
"""

import itertools
import json
import os
import shutil
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "one_room"))

from certificates import Authority  # noqa: E402
from matrix_http import MatrixHttp, path  # noqa: E402
from peers import Gantry, Synapse, redb_storage  # noqa: E402
from places import SYNAPSE, binary, output  # noqa: E402

_OUTPUT = output("thousand_rooms")

_SCALE = float(os.environ.get("SCALE", "1"))
_ROOMS = round(1000 * _SCALE)
_BUSY_ROOMS = round(300 * _SCALE)
_MESSAGES = round(5000 * _SCALE)
_MESSAGES_BEFORE = 5
_TIMES = 5
_AT_ONCE = 4

# What a client with lazy members asks for.
_FILTER = json.dumps({"room": {"timeline": {"limit": 20}, "state": {"lazy_load_members": True}}})

# No two requests are alike, so no server can repeat the answer to an earlier one.
_timeouts = itertools.count(1)


def main():
    """Measure both, print the table."""
    shutil.rmtree(_OUTPUT, ignore_errors=True)
    _OUTPUT.mkdir(parents=True)
    authority = Authority(_OUTPUT / "certificates")
    servers = {
        "Gantry": Gantry(binary("release"), _OUTPUT / "gantry", authority, redb_storage()),
        "Synapse": Synapse(SYNAPSE, _OUTPUT / "synapse", authority, "127.0.0.2"),
    }
    results = {}
    for name, server in servers.items():
        server.start()
        results[name] = _Account(server).measured()
        for kind, syncs in results[name].items():
            each = ", ".join(f"{sync.seconds * 1000:.0f}" for sync in syncs)
            print(f"{name}: {kind}: {each} ms", file=sys.stderr)
        server.stop()
    _print_table(results)


class _Account:
    """Reader, who is in all rooms, and Writer, who has made them."""

    def __init__(self, server):
        self._name = server.name
        self._writers = [MatrixHttp.register(server.url, f"writer{n}") for n in range(_AT_ONCE)]
        self._reader = MatrixHttp.register(server.url, "reader")
        self._rooms = []

    def measured(self):
        """The median time and the bytes of each kind of sync."""
        began = time.monotonic()
        self._make_rooms()
        self._say(f"{len(self._rooms)} rooms made", began)
        initial = [self._sync() for _ in range(_TIMES)]
        token = initial[-1].next_batch
        single = []
        for turn in range(_TIMES):
            self._writers[0].send(self._rooms[0], f"message {turn}", f"single-{turn}")
            single.append(self._sync(token))
            token = single[-1].next_batch
        began = time.monotonic()
        self._send_a_week()
        self._say(f"{_MESSAGES} messages sent", began)
        week = [self._sync(token) for _ in range(_TIMES)]
        self._check(initial[-1], single[-1], week[-1])
        return {
            f"initial, {_ROOMS} rooms": initial,
            "after one message": single,
            f"after {_MESSAGES} messages in {_BUSY_ROOMS} rooms": week,
        }

    def _make_rooms(self):
        def make(number):
            writer = self._writers[number % _AT_ONCE]
            room = writer.create_room(name=f"Room {number}", topic="One of many", room_version="11")
            self._reader.join(room, self._name)
            for turn in range(_MESSAGES_BEFORE):
                writer.send(room, f"message {turn} of room {number}", f"before-{number}-{turn}")
            return room

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            self._rooms = list(pool.map(make, range(_ROOMS)))

    def _send_a_week(self):
        """Every writer in the rooms that he has made."""

        def send(writer):
            for number in range(writer, _MESSAGES, _AT_ONCE):
                room = number % _BUSY_ROOMS
                sender = self._writers[room % _AT_ONCE]
                sender.send(self._rooms[room], f"message {number} of the week", f"week-{number}")

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(send, range(_AT_ONCE)))

    def _sync(self, since=None):
        return _Sync(self._reader, since)

    def _check(self, initial, single, week):
        assert len(initial.rooms) == _ROOMS, f"{len(initial.rooms)} rooms at first"
        assert len(single.rooms) == 1, f"{len(single.rooms)} rooms after one message"
        assert len(week.rooms) == _BUSY_ROOMS, f"{len(week.rooms)} rooms after a week"

    def _say(self, what, began):
        seconds = time.monotonic() - began
        print(f"{self._name}: {what} in {seconds:.0f} s", file=sys.stderr)


class _Sync:
    """One answer, and what it took until its last byte was there."""

    def __init__(self, reader, since):
        query = {"filter": _FILTER, "timeout": str(next(_timeouts))}
        query |= {"since": since} if since else {}
        began = time.perf_counter()
        answer = reader.get(path("sync"), params=query, headers={"Accept-Encoding": "identity"})
        self.seconds = time.perf_counter() - began
        assert answer.status_code == 200, answer.text
        self.bytes = len(answer.content)
        body = answer.json()
        self.next_batch = body["next_batch"]
        self.rooms = body["rooms"]["join"]


def _print_table(results):
    names = list(results)
    print("| Sync | " + " | ".join(f"{name}, ms | {name}, KiB" for name in names) + " |")
    print("|---|" + "--:|--:|" * len(names))
    for kind in results[names[0]]:
        cells = [_cells(results[name][kind]) for name in names]
        print(f"| {kind} | " + " | ".join(cells) + " |")


def _cells(syncs):
    milliseconds = statistics.median(sync.seconds for sync in syncs) * 1000
    kibibytes = statistics.median(sync.bytes for sync in syncs) / 1024
    return f"{milliseconds:.1f} | {kibibytes:.1f}"


if __name__ == "__main__":
    main()
