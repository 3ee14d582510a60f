"""The servers do not reach each other for a while; afterwards nobody has missed a message."""

import itertools
import time
from dataclasses import dataclass, field

import pytest
from linked import in_turn
from matrix_http import MatrixHttp
from places import LONG
from waiting import eventually_all

SECONDS = 120 if LONG else 5
ROOMS = 50 if LONG else 10
MESSAGES = 5_000 if LONG else 200
HEALING = 600 if LONG else 60


@dataclass
class Room:
    """A room of two, and the ids of all that was said there."""

    room_id: str
    said: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def people(linked_servers):
    """Somebody on Gantry, and somebody on Synapse."""
    return (
        MatrixHttp.register(linked_servers.gantry.url, "alice"),
        MatrixHttp.register(linked_servers.synapse.url, "carol"),
    )


@pytest.fixture(scope="module")
def rooms(linked_servers, people):
    """Rooms of all versions, created by either of the two, with both in them."""
    alice, carol = people
    couples = [
        (alice, linked_servers.gantry, carol),
        (carol, linked_servers.synapse, alice),
    ]
    rooms = []
    for version, (host, server, guest) in in_turn(couples, ROOMS):
        room_id = host.create_room(room_version=version)
        guest.join(room_id, via=server.name)
        rooms.append(Room(room_id))
    return rooms


def test_nobody_has_missed_anything_after_an_outage(linked_servers, people, rooms):
    for room in rooms:
        _both_speak(room, people, "before")
    _complete_eventually(rooms, people)

    linked_servers.cut()
    start = time.monotonic()
    turns = MESSAGES // (2 * len(rooms))
    for turn, room in itertools.product(range(turns), rooms):
        _both_speak(room, people, f"turn-{turn}")
    time.sleep(max(0.0, start + SECONDS - time.monotonic()))
    linked_servers.mend()

    start = time.monotonic()
    for room in rooms:
        _both_speak(room, people, "after")
    _complete_eventually(rooms, people)
    print(f"complete on both sides {time.monotonic() - start:.1f} s after the outage")
    assert linked_servers.are_alive()


def _both_speak(room, people, when):
    for person in people:
        room.said.add(person.send(room.room_id, f"{person.user_id}, {when}", when))


def _complete_eventually(rooms, people):
    """Everybody gets every message of every room, each once."""

    def complaint(reader):
        room, person = reader
        read = [event["event_id"] for event in person.all_messages(room.room_id)]
        assert len(read) == len(set(read)), f"an event comes twice to {person.user_id}"
        missing = room.said - set(read)
        return missing and f"{person.user_id} misses {len(missing)} in {room.room_id}"

    readers = itertools.product(rooms, people)
    what = "everybody has every message"
    eventually_all(readers, complaint, what, deadline=HEALING, pause=0.3)
