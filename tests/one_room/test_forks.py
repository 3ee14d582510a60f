"""Two servers that lose sight of each other change the same rooms, and agree afterwards.

In every outage, admins and members on both sides do at random what their own server allows. Once
the servers see each other again, both resolve to the same state.
"""

import itertools
import os
import random
from dataclasses import dataclass, field

import pytest
from linked import in_turn
from matrix_http import MatrixHttp
from places import LONG
from waiting import eventually, eventually_all

SEED = int(os.environ.get("GANTRY_TEST_SEED", "20"))
OUTAGES = 20 if LONG else 2
ROOMS = 10
MEMBERS = 2
CHANGES_PER_SIDE = 4
HEALING = 120 if LONG else 30

# No threshold and no member comes above this, so that admins always may do everything.
HIGHEST = 50
ADMIN = 100


@dataclass
class Side:
    """The people of one server."""

    server: object
    admin: MatrixHttp
    members: list[MatrixHttp]

    @classmethod
    def of(cls, server, name):
        """New accounts."""
        members = [
            MatrixHttp.register(server.url, f"{name}-member-{number}") for number in range(MEMBERS)
        ]
        return cls(server, MatrixHttp.register(server.url, f"{name}-admin"), members)


@dataclass
class Room:
    """A room with everybody in it, and what has been done there."""

    version: str
    room_id: str
    done: list[str] = field(default_factory=list)

    def __str__(self):
        return f"{self.room_id} of version {self.version}"


@pytest.fixture(scope="module")
def sides(linked_servers):
    """The people of Gantry and those of Synapse."""
    return [
        Side.of(linked_servers.gantry, "gantry"),
        Side.of(linked_servers.synapse, "synapse"),
    ]


@pytest.fixture(scope="module")
def rooms(sides):
    """Rooms of all versions, created by either side, with everybody in them."""
    turns = in_turn([sides, sides[::-1]], ROOMS)
    return [_new_room(version, here, there) for version, (here, there) in turns]


def test_both_sides_agree_after_each_outage(linked_servers, sides, rooms):
    chance = random.Random(SEED)
    for outage in range(OUTAGES):
        linked_servers.cut()
        for room in rooms:
            for side, other in (sides, sides[::-1]):
                mind = Mind(chance, room, side, other)
                for _ in range(CHANGES_PER_SIDE):
                    mind.does_something()
        linked_servers.mend()

        for room, side in itertools.product(rooms, sides):
            side.admin.send(room.room_id, "are you there?", f"after-{outage}")

        _agree_eventually(rooms, sides, f"outage {outage}")
    assert linked_servers.are_alive()


class Mind:
    """What somebody of one side may think of doing in a room while the other side is gone."""

    def __init__(self, chance, room, side, other):
        self._chance = chance
        self._room = room
        self._side = side
        self._admin = side.admin
        self._everybody = side.members + other.members

    def does_something(self):
        """One change, drawn at random among those that the side's own server allows."""
        acts = [self._set_levels, self._name, self._set_topic, self._move, self._move, self._speak]
        self._chance.choice(acts)()

    def _set_levels(self):
        levels = self._admin.state_content(self._room.room_id, "m.room.power_levels")
        draw = self._chance.randint(0, HIGHEST)
        place = self._chance.choice(["users", "users", "events", "kick", "ban", "state_default"])
        if place == "users":
            levels["users"][self._chance.choice(self._everybody).user_id] = draw
        elif place == "events":
            levels["events"][self._chance.choice(["m.room.name", "m.room.topic"])] = draw
        else:
            levels[place] = draw
        self._note(f"{place} becomes {draw}")
        self._admin.set_state(self._room.room_id, "m.room.power_levels", levels)

    def _name(self):
        self._set("m.room.name", {"name": self._words()})

    def _set_topic(self):
        self._set("m.room.topic", {"topic": self._words()})

    def _set(self, event_type, content):
        self._note(f"{event_type} becomes {content}")
        self._admin.set_state(self._room.room_id, event_type, content)

    def _move(self):
        """Somebody is kicked, banned, let in again, or joins."""
        member = self._chance.choice(self._everybody)
        membership = self._admin.membership(self._room.room_id, member)
        if membership == "join":
            self._act(self._chance.choice(["kick", "ban"]), member)
        elif membership == "ban":
            self._act("unban", member)
        elif member in self._side.members:
            self._note(f"{member.user_id} joins")
            member.join(self._room.room_id, via=self._side.server.name)
        else:
            self._act("ban", member)

    def _act(self, action, member):
        self._note(f"{action} {member.user_id}")
        self._admin.act(self._room.room_id, action, member)

    def _speak(self):
        speaker = self._chance.choice([self._admin, *self._side.members])
        if self._admin.membership(self._room.room_id, speaker) == "join":
            self._note(f"{speaker.user_id} speaks")
            speaker.send(self._room.room_id, self._words(), f"said-{len(self._room.done)}")

    def _words(self):
        return f"number {self._chance.randint(0, 1_000_000)}"

    def _note(self, what):
        self._room.done.append(f"{self._side.server.name}: {what}")


def _new_room(version, here, there):
    """One side creates a room, all others join, and the other side's admin gets his power."""
    room_id = here.admin.create_room(room_version=version)
    guests = [there.admin, *there.members]
    for person in here.members:
        person.join(room_id, via=here.server.name)
    for person in guests:
        person.join(room_id, via=here.server.name)

    def all_have_come():
        assert all(here.admin.membership(room_id, guest) == "join" for guest in guests)
        return True

    eventually(all_have_come, f"everybody is in the room of version {version}")
    levels = here.admin.state_content(room_id, "m.room.power_levels")
    levels["users"][there.admin.user_id] = ADMIN
    here.admin.set_state(room_id, "m.room.power_levels", levels)
    room = Room(version, room_id)
    _agree_eventually([room], [here, there], "the beginning")
    return room


def _agree_eventually(rooms, sides, when):
    """Both sides have the same state in every room."""

    def complaint(room):
        differences = _differences(room, *sides)
        return differences and "\n".join([str(room), *differences, *room.done])

    what = f"the same state after {when} (seed {SEED})"
    eventually_all(rooms, complaint, what, deadline=HEALING, pause=0.3)


def _differences(room, one, other):
    here, there = (side.admin.state(room.room_id) for side in (one, other))
    return [
        f"{key}: {here.get(key)} here, {there.get(key)} there"
        for key in sorted(here.keys() | there.keys())
        if here.get(key) != there.get(key)
    ]
