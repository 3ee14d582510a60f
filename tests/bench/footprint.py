"""How quickly a server starts on an empty folder, and how much memory it takes.

    target/peers/clients/bin/python tests/bench/footprint.py target/release/gantry

Prints the time from the start of the process to its first answer (median of several starts), the
resident memory at rest and how much of a core it uses there, and the same after 10,000 messages in
100 rooms.
"""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

STARTS = int(os.environ.get("STARTS", "9"))
ROOMS = int(os.environ.get("ROOMS", "100"))
MESSAGES = int(os.environ.get("MESSAGES", "10000"))
SENDERS = 8


class Server:
    """One server on an empty folder."""

    def __init__(self, binary):
        self.folder = tempfile.TemporaryDirectory()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        environment = {
            **os.environ,
            "GANTRY_SERVER__DATA_DIR": self.folder.name,
            "GANTRY_LISTENERS__PLAIN": f"127.0.0.1:{self.port}",
            "GANTRY_LIMITS__ENABLED": "false",
        }
        self._began = time.perf_counter()
        self.process = subprocess.Popen(
            [binary, "serve"], env=environment, stdout=subprocess.DEVNULL
        )

    def first_answer(self):
        """Milliseconds until the server has answered a request."""
        while True:
            try:
                ask(http.client.HTTPConnection("127.0.0.1", self.port), "GET", "/health")
                return (time.perf_counter() - self._began) * 1000
            except ConnectionRefusedError:
                time.sleep(0.001)

    def resident(self):
        """MiB of memory, and of those the ones that belong to no file."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            fields = dict(line.split(":", 1) for line in status)
        return [int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon")]

    def busy(self, seconds=5):
        """The share of a core that it uses while nobody asks anything, in percent."""
        before = self._processor_seconds()
        time.sleep(seconds)
        return (self._processor_seconds() - before) / seconds * 100

    def _processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        """End it."""
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def ask(connection, method, path, body=None, token=None):
    """One request; returns the answer's JSON."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, (answer.status, content)
    return json.loads(content) if content.startswith(b"{") else content


def send(port, token, rooms, number):
    """Send this sender's share of the messages."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for n in range(number, MESSAGES, SENDERS):
        path = f"/_matrix/client/v3/rooms/{rooms[n % ROOMS]}/send/m.room.message/{n}"
        body = {"msgtype": "m.text", "body": f"message {n} of a busy day"}
        ask(connection, "PUT", path, body, token)


def main(binary):
    starts = []
    for _ in range(STARTS):
        server = Server(binary)
        starts.append(server.first_answer())
        server.stop()
    print(f"first answer: median {statistics.median(starts):.0f} ms of {STARTS} starts")

    server = Server(binary)
    server.first_answer()
    time.sleep(2)
    print("at rest: {:.1f} MiB resident, {:.1f} MiB of it anonymous".format(*server.resident()))
    print(f"at rest: {server.busy():.1f} % of a core")
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    account = {"username": "busy", "password": "bees", "auth": {"type": "m.login.dummy"}}
    token = ask(connection, "POST", "/_matrix/client/v3/register", account)["access_token"]
    create = {"preset": "public_chat", "room_version": "11"}
    rooms = [
        ask(connection, "POST", "/_matrix/client/v3/createRoom", create, token)["room_id"]
        for _ in range(ROOMS)
    ]
    began = time.perf_counter()
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(lambda n: send(server.port, token, rooms, n), range(SENDERS)))
    took = time.perf_counter() - began
    print(f"{MESSAGES} messages in {ROOMS} rooms by {SENDERS} connections: {took:.1f} s")
    time.sleep(2)
    print("after them: {:.1f} MiB resident, {:.1f} MiB of it anonymous".format(*server.resident()))
    print(f"after them: {server.busy():.1f} % of a core")
    server.stop()


if __name__ == "__main__":
    main(sys.argv[1])
