"""Attacks by those who take their time: answers byte by byte, and connections that never end."""

import asyncio
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests
from matrix_http import path

from hostile.joins import realm_of
from hostile.stage import SharedRoom, arrives
from hostile.watch import waited

_PAUSE = 1.0
_LONGEST_JOIN = 130
_LONGEST_BODY = 60


class SlowJoin:
    """A join whose answer comes byte by byte, beside all else."""

    def __init__(self, stage):
        self.seconds = self.status = None
        self._stage, self._user = stage, stage.user("patient")
        self._began = time.monotonic()
        threading.Thread(target=self._join, daemon=True).start()

    def _join(self):
        role = "join: slow"
        realm = realm_of("slow", self._stage.name(role))
        where = self._user.url + path("join", realm.room_id)
        headers = {"Authorization": f"Bearer {self._user.token}"}
        query = {"server_name": realm.server, "via": realm.server}
        try:
            answer = requests.post(where, params=query, headers=headers, json={}, timeout=300)
            self.status = answer.status_code
        except requests.RequestException as error:
            self.status = type(error).__name__
        self.seconds = time.monotonic() - self._began

    def result(self):
        """How long it took, or has taken so far."""
        age = time.monotonic() - self._began
        late = self.seconds is None and age > _LONGEST_JOIN
        complaints = [f"a slow join has no answer after {age:.0f} s"] if late else []
        if self.status == 200:
            complaints.append("a join without a whole answer succeeded")
        return {"status": self.status, "answered_after": self.seconds, "complaints": complaints}


def slow_answers(stage, seconds):
    """Events, keys and profiles come byte by byte."""
    room = SharedRoom(stage, "slow")
    sent, refused, complaints, waits = 0, 0, [], []
    # Large, so that what waits for the slow server would be large too.
    body = {"msgtype": "m.text", "body": "x" * 60_000}
    nowhere = ["$" + "A" * 43]

    def ask(number):
        began = time.monotonic()
        user = f"@user{number}:{stage.name('slow')}"
        headers = {"Authorization": f"Bearer {stage.alice.token}"}
        where = stage.alice.url + path("profile", user)
        requests.get(where, headers=headers, timeout=60)
        waits.append(time.monotonic() - began)

    def look_back(number):
        began = time.monotonic()
        user = stage.user(f"historian{number}")
        realm = realm_of("slow history", stage.name("join: slow history"))
        user.join(realm.room_id, realm.server)
        user.get(path("rooms", realm.room_id, "messages"), params={"dir": "b", "limit": 50})
        waits.append(time.monotonic() - began)

    def prove(_):
        began = time.monotonic()
        stage.guest("keys: slow").query(stage.gantry, stage.alice.user_id)
        waits.append(time.monotonic() - began)

    end = time.monotonic() + seconds
    with ThreadPoolExecutor(20) as pool:
        # A profile may take half a minute, keys a third of that.
        works = (ask, prove, look_back) if seconds > 10 else (prove,)
        asked = [pool.submit(work, number) for work in works for number in range(6)]
        while time.monotonic() < end:
            events = [room.copy.next_event(prev_events=nowhere, content=body) for _ in range(50)]
            for number, event in enumerate(events):
                event["origin_server_ts"] += number
                room.guest.signed(event)
            answer = room.guest.send(stage.gantry, events)
            sent += 50 if answer.status_code == 200 else 0
            refused += answer.status_code == 429
            time.sleep(0.3)
        for one in asked:
            if error := one.exception(timeout=60):
                complaints.append(f"no answer while another server is slow: {error!r}")
    stage.calm("slow")
    is_back, _ = waited(lambda: arrives(stage, room, 5), 40)
    if not is_back:
        complaints.append("no good event of the server that was slow arrives afterwards")
    complaints += room.complaints()
    return {
        "events_sent": sent,
        "put_off": refused,
        "longest_wait_seconds": round(max(waits), 1),
        "complaints": complaints,
    }


class Crawlers:
    """Many connections that send a byte now and then."""

    KINDS = ("silent", "head", "body to servers", "body to clients")

    def __init__(self, stage):
        self._gantry, self._ca = stage.gantry, stage.ca
        self.open = dict.fromkeys(self.KINDS, 0)
        self.opened = dict.fromkeys(self.KINDS, 0)
        self.failed = 0
        self._began = time.monotonic()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def start(self, count):
        """Open so many more of each kind."""
        context = ssl.create_default_context(cafile=self._ca)
        for kind in self.KINDS:
            for _ in range(count):
                asyncio.run_coroutine_threadsafe(self._crawl(kind, context), self._loop)

    async def _crawl(self, kind, context):
        tls = None if kind in ("silent", "body to clients") else context
        port = self._gantry.plain_port if kind == "body to clients" else self._gantry.tls_port
        try:
            reader, writer = await asyncio.open_connection(self._gantry.address, port, ssl=tls)
        except (OSError, TimeoutError):
            self.failed += 1
            return
        self.opened[kind] += 1
        self.open[kind] += 1
        try:
            # Whatever is answered, and be it the end, ends it.
            closed = asyncio.ensure_future(reader.read(1))
            writer.write(self._beginning(kind))
            while not closed.done():
                if kind != "silent":
                    writer.write(b"x")
                await asyncio.wait([closed], timeout=_PAUSE)
            closed.exception()
        except OSError:
            pass
        finally:
            self.open[kind] -= 1
            writer.close()

    def _beginning(self, kind):
        if kind == "silent":
            return b""
        if kind == "head":
            return b"GET /_matrix/federation/v1/version HTTP/1.1\r\nX-Long: "
        where = "POST /_matrix/client/v3/login"
        header = ""
        if kind == "body to servers":
            where = "PUT /_matrix/federation/v1/send/slow"
            words = f'origin="127.66.200.1:1",destination="{self._gantry.name}"'
            header = f'Authorization: X-Matrix {words},key="ed25519:a",sig="{"x" * 86}"\r\n'
        return (
            f"{where} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{header}"
            'Content-Length: 1000000\r\n\r\n{"a":"'
        ).encode()

    def result(self):
        """How many were closed so far, and which should have been."""
        age = time.monotonic() - self._began
        complaints = [
            f"{count} of {self.opened[kind]} connections ({kind}) are open after {age:.0f} s"
            for kind, count in self.open.items()
            if count and age > _LONGEST_BODY
        ]
        return {
            "age_seconds": round(age),
            "opened": dict(self.opened),
            "open": dict(self.open),
            "not_connected": self.failed,
            "complaints": complaints,
        }
