"""What all attacks share: the server under attack, the liars, the users, the rooms."""

import sys
import threading
from pathlib import Path
from socket import create_server
from urllib.parse import quote

import requests
from crowd.room import ServerKey
from fake_server import FakeServer, event_id
from matrix_http import MatrixHttp, path
from peers import Gantry, redb_storage
from ports import free_port
from processes import Program, running

from hostile.forged import now
from hostile.roles import (
    ADDRESSES,
    ALLOWED_TRAP,
    CONTROL,
    HOSTS,
    RANGE,
    TRAPS,
    server,
)
from hostile.watch import Memory, Samples, waited

_HERE = Path(__file__).resolve().parent


class Guest(FakeServer):
    """The side of a liar that asks; it answers elsewhere."""

    def __init__(self, authority, role, port):
        self.role, self.name = role, server(role, port)
        self.key = ServerKey(self.name)
        self._authority = authority
        self._transactions = (f"{role}-{now()}-{number}" for number in range(10**9))

    def close(self):
        """Nothing of this is open."""


class Trap:
    """Counts who connects; nobody should."""

    def __init__(self, address, port):
        self.hits = 0
        self._socket = create_server((address, port))
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self):
        while True:
            connection, _ = self._socket.accept()
            self.hits += 1
            connection.close()


class SharedRoom:
    """A room of ours in which a liar's user really is."""

    def __init__(self, stage, role):
        self.guest = stage.guest(role)
        self._alice = stage.alice
        self.room_id = stage.alice.create_room(room_version="11", topic="what it should be")
        self.copy = self.guest.join(stage.gantry, self.room_id, role)
        self.may_be_seen = set()
        self.state = stage.alice.state(self.room_id)
        room, join = (
            quote(one, safe="")
            for one in (self.room_id, self.state["m.room.member", self.copy.sender])
        )
        before = f"/_matrix/federation/v1/state/{room}?event_id={join}"
        itself = f"/_matrix/federation/v1/event/{join}"
        answers = [self.guest.ask(stage.gantry, "GET", uri).json() for uri in (before, itself)]
        self.events = [event for answer in answers for event in answer["pdus"]]
        following = self.copy.next_event()
        self.auth_events, self.depth = following["auth_events"], following["depth"]

    def good(self, **fields):
        """A message that everybody must take, as the next one."""
        event = self.guest.signed(self.copy.next_event(**fields))
        self.copy.follow(event)
        self.may_be_seen.add(event_id(event))
        return event

    def complaints(self):
        """What is in the room and should not be."""
        state = self._alice.state(self.room_id)
        keys = (state | self.state).keys()
        wrong = {key: state.get(key) for key in keys if state.get(key) != self.state.get(key)}
        if wrong:
            yield f"the state of the shared room is another one: {wrong}"
        timeline = self._alice.all_messages(self.room_id)
        known = self.may_be_seen | set(self.state.values())
        strange = [one for one in timeline if one["sender"] == self.copy.sender]
        strange = [one["event_id"] for one in strange if one["event_id"] not in known]
        if strange:
            yield f"{len(strange)} events in the shared room that must not be there: {strange[:3]}"


class Stage:
    """Everything is running."""

    def __init__(self, options, folder, authority):
        self.options, self._authority = options, authority
        self._port, self._control = free_port(ADDRESSES["flood"]), free_port(CONTROL)
        self.trap_port = free_port(ALLOWED_TRAP)
        self.traps = {one: Trap(one, self.trap_port) for one in [*TRAPS, ALLOWED_TRAP]}
        files = authority.issue("liars", *ADDRESSES.values(), *HOSTS.values())
        ports = [self._port, self._control, self.trap_port]
        command = ["nice", "-n", "5", sys.executable, "-B", _HERE / "liar.py", *ports, *files]
        self._liars = Program("liars", command, folder / "liars.log")
        self._liars.start(self._answers, deadline=60)
        names = (
            f"{HOSTS[what]}:443={ADDRESSES[f'well-known: {what}']}:{self._port}" for what in HOSTS
        )
        settings = {
            **redb_storage(),
            "GANTRY_OUTBOUND__ALLOWED_PRIVATE_RANGES": RANGE,
            "GANTRY_OUTBOUND__HOSTS": ",".join(names),
        }
        self.gantry = Gantry(options.gantry, folder / "gantry", authority, settings)
        self.gantry.start()
        self.memory = self._watched()
        self.alice = MatrixHttp.register(self.gantry.url, "alice")
        self._local = MatrixHttp.register(self.gantry.url, "local")
        self._local_room = self._local.create_room(room_version="11")
        self.samples = Samples(folder / "samples.jsonl")
        script, user = _HERE / "prober.py", self._local
        command = [sys.executable, "-B", script, user.url, user.token, self._local_room]
        command.append(folder / "samples.jsonl")
        self._prober = Program("prober", command, folder / "prober.log")
        self._prober.start(self.samples.all)
        self._complete_until = set()
        self.ca = str(authority.certificate)

    def stop(self):
        """End everything."""
        self.memory.stop()
        self._prober.stop()
        # Otherwise it would wait for the slow connections.
        self.gantry.kill()
        self._liars.stop()

    def name(self, role):
        """The name of the server that plays a role."""
        return server(role, self._port)

    def guest(self, role):
        """The asking side of a liar."""
        return Guest(self._authority, role, self._port)

    def user(self, localpart):
        """A new user."""
        return MatrixHttp.register(self.gantry.url, localpart)

    def report(self):
        """What the liars were asked: counts by role and path, and how many events they named."""
        return requests.get(self._control_url, timeout=60).json()

    def asked(self, role):
        """How often a role was asked for anything."""
        return sum(self.report()["asked"].get(role, {}).values())

    def tell(self, role, **room):
        """Let a role know of its room."""
        requests.post(f"{self._control_url}/room", json={"role": role, **room}, timeout=60)

    def calm(self, role):
        """From now on the role answers only that it knows nothing."""
        requests.post(f"{self._control_url}/calm/{role}", timeout=60)

    def revive(self):
        """Start the server again if it has ended; true: it had."""
        if self.gantry.is_alive() and not self.memory.has_ended_it:
            return False
        self.memory.stop()
        self.gantry.kill()
        self.gantry.start()
        self.memory = self._watched()
        return True

    def local_complaints(self):
        """What is missing of what the prober has sent since this was asked last."""
        sent = {one["id"] for one in self.samples.all() if "id" in one} - self._complete_until
        found, position = set(), {}
        while True:
            query = {"dir": "b", "limit": 100, **position}
            answer = self._local.get(path("rooms", self._local_room, "messages"), params=query)
            page = answer.json()
            found |= {event["event_id"] for event in page["chunk"]}
            if sent <= found or found & self._complete_until or "end" not in page:
                break
            position = {"from": page["end"]}
        self._complete_until |= sent
        if missing := sent - found:
            yield f"{len(missing)} messages of the local room are missing"

    @property
    def _control_url(self):
        return f"http://{CONTROL}:{self._control}"

    def _answers(self):
        try:
            return requests.get(self._control_url, timeout=2).ok
        except requests.RequestException:
            return False

    def _watched(self):
        return Memory(running["gantry"].pid, self.options.most_mib)


def arrives(stage, room, seconds=20):
    """Whether a good message, sent now, is seen."""
    event = room.good(content={"msgtype": "m.text", "body": "a good one"})

    def is_taken():
        return room.guest.send(stage.gantry, [event]).status_code == 200

    def is_seen():
        return stage.alice.event(room.room_id, event_id(event))

    return waited(is_taken, seconds)[0] and waited(is_seen, seconds)[0]


def status(user, method, where, **options):
    """The status of an answer, or why there is none."""
    try:
        return ask(user, method, where, timeout=45, **options).status_code
    except requests.RequestException as error:
        return type(error).__name__


def ask(user, method, where, **options):
    """A request on a connection of its own, so that several may ask at once."""
    headers = {"Authorization": f"Bearer {user.token}"}
    return requests.request(method, where, headers=headers, **options)
