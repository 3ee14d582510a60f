"""What a store with many events costs: start, sending and syncing, beside one with few.

    cargo test --workspace --test it --no-run
    target/peers/clients/bin/python -B tests/bench/ten_million.py --gantry target/release/gantry \
        --filler target/debug/deps/it-HASH --events 10000 10000000

A server makes the rooms; `fill` of `rooms/tests/it/large.rs` (the binary of `gantry-rooms`) writes the
messages into its store while it is stopped; then it is started, and measured once its search index has
taken in what is new.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

ROOMS = 200
STARTS = 5
PROBES = 300


class Server:
    """One server on a folder."""

    def __init__(self, binary, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        environment = {
            **os.environ,
            "GANTRY_SERVER__DATA_DIR": str(folder),
            "GANTRY_LISTENERS__PLAIN": f"127.0.0.1:{self._port}",
            "GANTRY_LIMITS__ENABLED": "false",
        }
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [binary, "serve"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port)
        while True:
            try:
                self.ask("GET", "/health")
                break
            except ConnectionRefusedError:
                self._connection.close()
                time.sleep(0.001)
        self.started_ms = (time.perf_counter() - began) * 1000

    def ask(self, method, path, body=None, token=None):
        """One request; returns the answer's JSON."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        content = json.dumps(body) if body is not None else None
        self._connection.request(method, path, content, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 200, (answer.status, content)
        return json.loads(content) if content.startswith(b"{") else content

    def resident_mib(self):
        """The memory that the process has, and the most that it had."""
        with open(f"/proc/{self._process.pid}/status", encoding="ascii") as status:
            fields = dict(line.split(":", 1) for line in status)
        return [int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")]

    def processor_seconds(self):
        """The time that it has computed."""
        with open(f"/proc/{self._process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def settle(self):
        """Wait until it computes nothing any more; returns the seconds that took."""
        began = time.perf_counter()
        while True:
            before = self.processor_seconds()
            time.sleep(5)
            if self.processor_seconds() - before < 0.25:
                return time.perf_counter() - began - 5

    def stop(self):
        """End it."""
        self._connection.close()
        self._process.terminate()
        self._process.wait()


def _made(binary, folder):
    """The account and the rooms; returns the account's token and the rooms' ids."""
    server = Server(binary, folder)
    account = {"username": "busy", "password": "bees", "auth": {"type": "m.login.dummy"}}
    token = server.ask("POST", "/_matrix/client/v3/register", account)["access_token"]
    create = {"preset": "public_chat", "room_version": "11"}
    rooms = [
        server.ask("POST", "/_matrix/client/v3/createRoom", create, token)["room_id"]
        for _ in range(ROOMS)
    ]
    server.stop()
    return token, rooms


def _fill(filler, folder, events):
    environment = {
        **os.environ,
        "GANTRY_FILL": str(next(folder.glob("*.redb"))),
        "GANTRY_SERVER": "localhost",
        "GANTRY_EVENTS": str(events),
    }
    command = [filler, "--ignored", "--exact", "large::fill", "--nocapture"]
    subprocess.run(command, env=environment, check=True)


def _median_ms(times):
    return f"{statistics.median(times) * 1000:.2f}"


def _timed(action):
    began = time.perf_counter()
    answer = action()
    return time.perf_counter() - began, answer


def _measure(server, token, rooms):
    def sync(since):
        path = "/_matrix/client/v3/sync" + (f"?since={quote(since)}" if since else "")
        return server.ask("GET", path, token=token)

    def send(n):
        path = f"/_matrix/client/v3/rooms/{quote(rooms[n % ROOMS])}/send/m.room.message/probe-{n}"
        return server.ask("PUT", path, {"msgtype": "m.text", "body": f"probe {n}"}, token)

    cold, first = _timed(lambda: sync(None))
    warm = [_timed(lambda: sync(None))[0] for _ in range(10)]
    since = first["next_batch"]
    sends, syncs, pages = [], [], []
    for n in range(PROBES):
        took, sent = _timed(lambda n=n: send(n))
        sends.append(took)
        took, news = _timed(lambda since=since: sync(since))
        syncs.append(took)
        (events,) = [room["timeline"]["events"] for room in news["rooms"]["join"].values()]
        assert [event["event_id"] for event in events] == [sent["event_id"]]
        since = news["next_batch"]
        path = f"/_matrix/client/v3/rooms/{quote(rooms[n % ROOMS])}/messages?dir=b&limit=50"
        pages.append(_timed(lambda path=path: server.ask("GET", path, token=token))[0])
    print(
        f"  message {_median_ms(sends)} ms, sync after it {_median_ms(syncs)} ms,"
        f" 50 messages back {_median_ms(pages)} ms; initial sync of {ROOMS} rooms"
        f" {cold * 1000:.0f} ms at first, then {_median_ms(warm)} ms"
    )


def main():
    """Compare stores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gantry", required=True, help="the server's binary")
    parser.add_argument("--filler", required=True, help="the test binary of gantry-rooms")
    parser.add_argument("--events", type=int, nargs="+", default=[10_000, 10_000_000])
    parser.add_argument("--folder", help="where the stores lie for the time of the measurement")
    asked = parser.parse_args()
    for events in asked.events:
        with tempfile.TemporaryDirectory(dir=asked.folder) as name:
            folder = Path(name)
            token, rooms = _made(asked.gantry, folder)
            _fill(asked.filler, folder, events)
            size = sum(file.stat().st_size for file in folder.glob("*.redb"))
            print(f"{events} events, {size / 1024**2:.0f} MiB")
            server = Server(asked.gantry, folder)
            settled = server.settle()
            resident, peak = server.resident_mib()
            print(
                f"  first start {server.started_ms:.0f} ms, then {settled:.0f} s until the search"
                f" index has everything; {resident:.0f} MiB, at most {peak:.0f}"
            )
            server.stop()
            starts = []
            for _ in range(STARTS):
                server = Server(asked.gantry, folder)
                starts.append(server.started_ms)
                server.stop()
            print(f"  start {statistics.median(starts):.0f} ms, median of {STARTS}")
            server = Server(asked.gantry, folder)
            time.sleep(2)
            _measure(server, token, rooms)
            resident, peak = server.resident_mib()
            print(f"  {resident:.0f} MiB, at most {peak:.0f}", flush=True)
            server.stop()


if __name__ == "__main__":
    main()
