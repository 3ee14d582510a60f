"""What it takes to join a room with 10,000 members on 200 servers: Gantry beside Synapse.

    target/peers/clients/bin/python -B tests/bench/crowded_room.py \\
        --gantry target/release/gantry --roomgen target/release/gantry-roomgen

Generates the room, lets one process play its servers (`crowd/`), and has a user of each homeserver
join it, one after the other. Measures from the request to join on: until the join is answered and
the user's own message is sent (usable), until all members are there (complete), and the peaks of
memory; prints a Markdown table and writes `crowded_room.json` beside the logs. `--members 200
--servers 10` does the same in a few seconds; of several `--times`, the table shows the medians.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "one_room"))

from certificates import Authority  # noqa: E402
from crowd.room import SEED, VERSION, Room  # noqa: E402
from matrix_http import MatrixHttp, path  # noqa: E402
from peers import Gantry, Synapse, redb_storage  # noqa: E402
from places import SYNAPSE, TARGET, binary, output  # noqa: E402
from ports import free_port  # noqa: E402
from processes import Program, running  # noqa: E402

_OUTPUT = output("bench/crowded_room")

_FIRST_ADDRESS = "127.60.0.1"
_PATIENCE = 900
_PAUSE = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")
_QUIET = 1.0
_KIB_PER_MIB = 1024
_NEVER = {"count": 0}


def main():
    """Measure both, print the table."""
    options = _options()
    shutil.rmtree(_OUTPUT, ignore_errors=True)
    _OUTPUT.mkdir(parents=True)
    authority = Authority(_OUTPUT / "certificates")
    crowd = _Crowd(authority, options)
    results = {name: [] for name in options.only or _SERVERS}
    for turn in range(options.times):
        for name, joins in results.items():
            folder = _OUTPUT / f"{name.lower()}-{turn}"
            server = _SERVERS[name](options, folder, authority)
            joins.append(_measured(server, running_as=folder.name, crowd=crowd))
            _say(f"{folder.name}: complete after {joins[-1]['complete_seconds']:.2f} s")
    document = {
        "members": options.members,
        "servers": options.servers,
        "events_to_check": crowd.room.needed,
        "one_check_each_seconds": crowd.room.needed * _seconds_of_a_check(),
        "results": results,
    }
    (_OUTPUT / "crowded_room.json").write_text(json.dumps(document, indent=1) + "\n")
    _print_table(document)


def _gantry(options, folder, authority):
    return Gantry(options.gantry, folder, authority, redb_storage())


def _synapse(_options, folder, authority):
    return Synapse(SYNAPSE, folder, authority, "127.0.0.2")


_SERVERS = {"Gantry": _gantry, "Synapse": _synapse}


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--servers", type=int, default=200)
    parser.add_argument("--gantry", type=Path, default=binary("release"))
    parser.add_argument("--roomgen", type=Path, default=TARGET / "release/gantry-roomgen")
    parser.add_argument("--only", action="append", choices=list(_SERVERS))
    parser.add_argument("--times", type=int, default=1)
    return parser.parse_args()


class _Crowd:
    """The room, and the process that plays its servers, anew for each homeserver."""

    def __init__(self, authority, options):
        port = free_port(_FIRST_ADDRESS)
        self._lines = _OUTPUT / "room.jsonl"
        parameters = {
            "version": VERSION,
            "seed": SEED,
            "members": options.members,
            "servers": options.servers,
            "loopback-port": port,
            "power-level-changes": 10,
            "profile-changes": options.members // 20,
            "messages": 50,
            # Everybody whom the generator lets in stays.
            "bans": 0,
            "restricted-joins": 0,
        }
        words = [str(word) for name, value in parameters.items() for word in (f"--{name}", value)]
        with self._lines.open("wb") as lines:
            subprocess.run([options.roomgen, *words], check=True, stdout=lines)
        with self._lines.open("rb") as lines:
            self.room = Room(lines)
        self.resident = self.room.servers[0]
        addresses = [server.split(":")[0] for server in self.room.servers]
        self._ca = authority.certificate
        self._files = authority.issue("crowd", *addresses)
        self._report = _OUTPUT / "crowd.json"
        script = _HERE / "crowd/server.py"
        command = [sys.executable, "-B", script, self._lines, *self._files, self._report]
        self._program = Program("crowd", command, _OUTPUT / "crowd.log")

    def start(self):
        """Start to answer."""
        self._program.start(self._answers, deadline=120)

    def stop(self):
        """Answer no longer; returns what was asked."""
        self._program.stop()
        return json.loads(self._report.read_text())

    def _answers(self):
        try:
            return requests.get(f"https://{self.resident}/", verify=str(self._ca), timeout=2).ok
        except requests.RequestException:
            return False


def _measured(server, running_as, crowd):
    server.start()
    pid = running[running_as].pid
    user = MatrixHttp.register(server.url, "newcomer")
    # What a server loads with its first room is not what is measured.
    user.send(user.create_room(room_version=VERSION), "hello", "before")
    expected = crowd.room.members | {user.user_id}
    crowd.start()
    before = _Used.by(pid)
    began = time.time()
    _join(user, crowd.room.room_id, crowd.resident)
    joined = time.time() - began
    user.send(crowd.room.room_id, "here I am", "mine")
    usable, used_usable = time.time() - began, _Used.by(pid)
    members = _all_members(user, crowd.room.room_id, len(expected))
    complete, used_complete = time.time() - began, _Used.by(pid)
    assert members == expected, "other members than those of the room"
    time.sleep(_QUIET)
    after = _Used.by(pid)
    server.stop()
    report = crowd.stop()
    for what in report["asked"].values():
        what["first"], what["last"] = what["first"] - began, what["last"] - began
    return {
        "joined_seconds": joined,
        "usable_seconds": usable,
        "complete_seconds": complete,
        "cpu_seconds_until_usable": used_usable.cpu - before.cpu,
        "cpu_seconds_until_complete": used_complete.cpu - before.cpu,
        "peak_mib_before": before.peak,
        "peak_mib_usable": used_usable.peak,
        "peak_mib_complete": used_complete.peak,
        "peak_mib_after": after.peak,
        "crowd": report,
    }


def _join(user, room, via):
    where = user.url + path("join", room)
    query = {"server_name": via, "via": via}
    answer = requests.post(where, params=query, json={}, headers=_token(user), timeout=_PATIENCE)
    assert answer.status_code == 200, answer.text


def _all_members(user, room, count):
    """The members of the room once there are so many; a server may wait with its answer."""
    end = time.monotonic() + _PATIENCE
    where = user.url + path("rooms", room, "joined_members")
    session = requests.Session()
    while time.monotonic() < end:
        answer = session.get(where, headers=_token(user), timeout=_PATIENCE)
        if answer.status_code == 200:
            joined = answer.json()["joined"]
            if len(joined) >= count:
                return set(joined)
        time.sleep(_PAUSE)
    raise AssertionError(f"members are missing: {answer.status_code} {answer.text[:200]}")


def _token(user):
    return {"Authorization": f"Bearer {user.token}"}


class _Used(NamedTuple):
    """What a process has used so far, as the kernel sees it."""

    cpu: float
    peak: float

    @classmethod
    def by(cls, pid):
        """Seconds of processor, and the most MiB that were resident."""
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        (peak,) = (line.split()[1] for line in status if line.startswith("VmHWM:"))
        return cls((int(fields[11]) + int(fields[12])) / _TICKS, int(peak) / _KIB_PER_MIB)


def _seconds_of_a_check():
    """One thread checks a signature on as many bytes as the join of a member has."""
    key = Ed25519PrivateKey.generate()
    message, times = b"x" * 700, 1000
    signature, public = key.sign(message), key.public_key()
    began = time.thread_time()
    for _ in range(times):
        public.verify(signature, message)
    return (time.thread_time() - began) / times


def _print_table(document):
    print(
        f"{document['members']} members on {document['servers']} servers; "
        f"{document['events_to_check']} events to check, which takes one thread of OpenSSL "
        f"{document['one_check_each_seconds']:.2f} s."
    )
    rows = {
        "join answered, s": lambda it: it["joined_seconds"],
        "usable, s": lambda it: it["usable_seconds"],
        "complete, s": lambda it: it["complete_seconds"],
        "processor until complete, s": lambda it: it["cpu_seconds_until_complete"],
        "processor of the other servers, s": lambda it: it["crowd"]["cpu_seconds"],
        "memory before, MiB": lambda it: it["peak_mib_before"],
        "memory peak, MiB": lambda it: it["peak_mib_after"],
    }
    results = document["results"]
    asked = {what for joins in results.values() for it in joins for what in it["crowd"]["asked"]}
    for what in sorted(asked):
        rows[f"`{what}`"] = lambda it, what=what: it["crowd"]["asked"].get(what, _NEVER)["count"]
    print("\n| | " + " | ".join(results) + " |")
    print("|---|" + "--:|" * len(results))
    for row, of in rows.items():
        medians = [statistics.median(of(it) for it in joins) for joins in results.values()]
        digits = 2 if row.endswith(", s") else 0
        print(f"| {row} | " + " | ".join(f"{median:.{digits}f}" for median in medians) + " |")
    for what in ["usable", "complete"]:
        medians = {
            name: statistics.median(it[f"{what}_seconds"] for it in joins)
            for name, joins in results.items()
        }
        if len(medians) == len(_SERVERS):
            print(f"\n{what}: {medians['Synapse'] / medians['Gantry']:.1f} times as fast")


def _say(what):
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
