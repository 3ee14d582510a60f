"""The servers do not reach each other for a while; afterwards nobody has missed a message."""

import itertools
import os
import time
from dataclasses import dataclass, field

import pytest
from linked import LinkedServers
from matrix_http import MatrixHttp
from waiting import eventually

LONG = bool(os.environ.get("GANTRY_LONG"))
SECONDS = 120 if LONG else 5
ROOMS = 50 if LONG else 10
MESSAGES = 5_000 if LONG else 200
HEALING = 600 if LONG else 60
VERSIONS = ["10", "11", "12"]


@dataclass
class Room:
    """A room of two, and the ids of all that was said there."""

    room_id: str
    said: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def servers(output, authority):
    """Two servers that reach each other only over links."""
    servers = LinkedServers(output, authority, "outage")
    servers.start()
    yield servers
    servers.stop()


@pytest.fixture(scope="module")
def alice(servers):
    """Somebody on Gantry."""
    return MatrixHttp.register(servers.gantry.url, "alice")


@pytest.fixture(scope="module")
def carol(servers):
    """Somebody on Synapse."""
    return MatrixHttp.register(servers.synapse.url, "carol")


@pytest.fixture(scope="module")
def rooms(servers, alice, carol):
    """Rooms of all versions, created by either of the two, with both in them."""
    couples = itertools.cycle(
        [(alice, servers.gantry, carol), (carol, servers.synapse, alice)],
    )
    versions = itertools.cycle(VERSIONS)
    rooms = []
    for _ in range(ROOMS):
        host, server, guest = next(couples)
        room_id = host.create_room(room_version=next(versions))
        guest.join(room_id, via=server.name)
        rooms.append(Room(room_id))
    return rooms


def test_nobody_has_missed_anything_after_an_outage(servers, alice, carol, rooms):
    for room in rooms:
        _both_speak(room, (alice, carol), "before")
    _complete_eventually(rooms, (alice, carol))

    servers.cut()
    start = time.monotonic()
    turns = MESSAGES // (2 * len(rooms))
    for turn, room in itertools.product(range(turns), rooms):
        _both_speak(room, (alice, carol), f"turn-{turn}")
    time.sleep(max(0.0, start + SECONDS - time.monotonic()))
    servers.mend()

    start = time.monotonic()
    for room in rooms:
        _both_speak(room, (alice, carol), "after")
    _complete_eventually(rooms, (alice, carol))
    print(f"complete on both sides {time.monotonic() - start:.1f} s after the outage")
    assert servers.are_alive()


def _both_speak(room, people, when):
    for person in people:
        room.said.add(person.send(room.room_id, f"{person.user_id}, {when}", when))


def _complete_eventually(rooms, people):
    """Everybody gets every message of every room, each once."""
    missing = list(itertools.product(rooms, people))

    def complete():
        nonlocal missing
        missing = [(room, person) for room, person in missing if not _has_read(room, person)]
        assert not missing, [f"{person.user_id} in {room.room_id}" for room, person in missing]
        return True

    eventually(complete, "everybody has every message", deadline=HEALING, pause=0.3)


def _has_read(room, person):
    read = [event["event_id"] for event in person.all_messages(room.room_id)]
    assert len(read) == len(set(read)), f"an event comes twice to {person.user_id}"
    return room.said <= set(read)
