"""The story: three people, three kinds of client, two servers, one room.

Alice is on Gantry with matrix-nio. Bob is on Gantry with Rocket.Chat clients. Carol is on Synapse.
"""

from dataclasses import dataclass

import pytest
from people import MatrixPerson, Refused, RocketPerson
from places import STANDIN

VERSIONS = ["10", "11", "12"]


@dataclass(frozen=True)
class Emoji:
    """An emoji as Matrix and as Rocket.Chat write it."""

    unicode: str
    shortcode: str


SMILE = Emoji("\N{SMILING FACE WITH OPEN MOUTH AND SMILING EYES}", ":smile:")


@dataclass
class Room:
    """A room: its Matrix id, and the id that Rocket.Chat's clients know it by."""

    name: str
    room_id: str
    rid: str | None = None


@dataclass
class Cast:
    """The people of one telling of the story."""

    alice: MatrixPerson
    bob: RocketPerson | None
    carol: MatrixPerson
    version: str
    suffix: str

    def called(self, name):
        """The person of that name."""
        person = getattr(self, name)
        if person is None:
            pytest.skip("the stand-in speaks no Rocket.Chat")
        return person

    def others(self, speaker):
        """Everyone but the speaker."""
        people = [self.alice, self.bob, self.carol]
        return [person for person in people if person not in (None, speaker)]

    def room(self, name):
        """The name of a room that no other telling uses."""
        return f"{name}-{self.suffix}"


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: f"v{version}")
def cast(request, engine, gantry, synapse):
    """Three new people."""
    version = request.param
    suffix = f"{engine}-{version}"
    alice = MatrixPerson(gantry, f"alice-{suffix}").arrives()
    bob = None if STANDIN else RocketPerson(gantry, f"bob-{suffix}").arrives()
    carol = MatrixPerson(synapse, f"carol-{suffix}").arrives()
    yield Cast(alice, bob, carol, version, suffix)
    for person in (alice, bob, carol):
        if person:
            person.departs()


@pytest.fixture(scope="module")
def alices_room(cast):
    """Alice creates a public room."""
    name = cast.room("tea-party")
    return Room(name, cast.alice.creates_public_room(name, cast.version))


@pytest.fixture(scope="module")
def bob_is_there(cast, alices_room):
    """Bob finds the room as a channel by its name, and joins."""
    if cast.bob:
        alices_room.rid = cast.bob.finds_channel(alices_room.name)
        cast.bob.joins(alices_room)
        cast.alice.sees_membership(alices_room, cast.bob, "join")


@pytest.fixture(scope="module")
def carol_is_there(cast, alices_room):
    """Carol joins from the other server."""
    assert cast.carol.joins(f"#{alices_room.name}:{cast.alice.server.name}") == alices_room.room_id
    cast.alice.sees_membership(alices_room, cast.carol, "join")


@pytest.fixture(scope="module")
def room(alices_room, bob_is_there, carol_is_there):
    """All three are in the room."""
    return alices_room


@pytest.fixture(params=["alice", "bob", "carol"])
def speaker(cast, request):
    """Each of the three in turn."""
    return cast.called(request.param)


def test_bob_finds_and_joins_the_room_of_alice(cast, alices_room, bob_is_there):
    room = alices_room

    text = f"hello {cast.called('bob')}"
    cast.alice.says(room, text)

    cast.bob.sees_text(room, text, cast.alice)


def test_carol_joins_over_federation(cast, alices_room, carol_is_there):
    room = alices_room

    text = f"hello {cast.carol}"
    cast.alice.says(room, text)

    cast.carol.sees_text(room, text, cast.alice)


def test_texts(cast, room, speaker):
    text = f"{speaker} says something"

    speaker.says(room, text)

    for listener in cast.others(speaker):
        listener.sees_text(room, text, speaker)


def test_edits(cast, room, speaker):
    first, second = f"{speaker} makes a mitsake", f"{speaker} corrects a mistake"
    message = speaker.says(room, first)
    seen = {listener: listener.sees_text(room, first, speaker) for listener in cast.others(speaker)}

    speaker.edits(room, message, second)

    for listener, message in seen.items():
        listener.sees_edit(room, message, second)


def test_reactions(cast, room, speaker):
    text = f"who likes {speaker}?"
    author = cast.others(speaker)[0]
    seen = {author: author.says(room, text)}
    message = speaker.sees_text(room, text, author)
    for listener in cast.others(speaker)[1:]:
        seen[listener] = listener.sees_text(room, text, author)

    speaker.reacts(room, message, SMILE)

    for listener, message in seen.items():
        listener.sees_reaction(room, message, SMILE, speaker)


def test_deletions(cast, room, speaker):
    text = f"{speaker} regrets this"
    message = speaker.says(room, text)
    seen = {listener: listener.sees_text(room, text, speaker) for listener in cast.others(speaker)}

    speaker.deletes(room, message)

    for listener, message in seen.items():
        listener.sees_deletion(room, message)


def test_other_way_round(cast):
    name = cast.room("croquet-ground")
    room = Room(name, cast.carol.creates_public_room(name, cast.version))
    cast.carol.invites(room, cast.alice)
    cast.alice.sees_invite(room.room_id)
    cast.alice.joins(room.room_id)
    cast.carol.sees_membership(room, cast.alice, "join")
    if cast.bob:
        room.rid = cast.bob.finds_channel(name)
        cast.bob.joins(room)
        cast.carol.sees_membership(room, cast.bob, "join")

    people = [cast.carol, *cast.others(cast.carol)]
    for speaker in people:
        speaker.says(room, f"{speaker} is here too")

    for speaker in people:
        for listener in cast.others(speaker):
            listener.sees_text(room, f"{speaker} is here too", speaker)


def test_direct_message(cast):
    room = Room("direct", cast.alice.creates_direct_room(cast.carol, cast.version))
    cast.carol.sees_invite(room.room_id)
    cast.carol.joins(room.room_id)
    cast.alice.sees_membership(room, cast.carol, "join")

    cast.alice.says(room, "between you and me")
    cast.carol.sees_text(room, "between you and me", cast.alice)
    cast.carol.says(room, "nobody else listens")
    cast.alice.sees_text(room, "nobody else listens", cast.carol)


def test_leave_kick_and_ban_are_seen_by_all(cast):
    alice, bob, carol = cast.alice, cast.bob, cast.carol
    name = cast.room("trial")
    room = Room(name, alice.creates_public_room(name, cast.version))
    alias = f"#{name}:{alice.server.name}"
    carol.joins(alias)
    if bob:
        room.rid = bob.finds_channel(name)
        bob.joins(room)
    everyone = [alice, *cast.others(alice)]

    def everyone_sees(person, membership, by):
        for witness in everyone:
            witness.sees_membership(room, person, membership, by)

    everyone_sees(carol, "join", by=carol)
    carol.leaves(room)
    everyone_sees(carol, "leave", by=carol)

    carol.joins(alias)
    everyone_sees(carol, "join", by=carol)
    alice.kicks(room, carol)
    everyone_sees(carol, "leave", by=alice)
    carol.joins(alias)
    everyone_sees(carol, "join", by=carol)

    if bob:
        bob.leaves(room)
        for witness in (alice, carol):
            witness.sees_membership(room, bob, "leave", by=bob)
        bob.sees_own_removal(room)
        bob.joins(room)
        alice.sees_membership(room, bob, "join")

        alice.kicks(room, bob)
        bob.sees_own_removal(room)
        for witness in (alice, carol):
            witness.sees_membership(room, bob, "leave", by=alice)
        bob.joins(room)

    alice.bans(room, carol)
    everyone_sees(carol, "ban", by=alice)
    with pytest.raises(Refused) as refusal:
        carol.joins(alias)
    assert refusal.value.code == "M_FORBIDDEN"
