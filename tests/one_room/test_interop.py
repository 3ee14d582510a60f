"""Gantry and Synapse understand each other in every room version, whoever created the room.

Alice is at home where the room is created, Carol and Dan are on the other server. Carol is in the
room from the beginning.
"""

import itertools
from dataclasses import dataclass

import pytest
from linked import open_synapse
from matrix_http import MatrixHttp, path
from places import LONG, STANDIN
from waiting import eventually

HISTORY = 2_000 if LONG else 200
LATEST = 12
LAST_OF_THE_OLD = 9

CREATORS = ["gantry", "synapse"]
# Who creates the room, and its version. Rooms of the old versions are created by one server or the
# other in turn, unless there is time.
TELLINGS = [
    (creator, version)
    for version in range(1, LATEST + 1)
    for turn, creator in enumerate(CREATORS, start=1)
    if LONG or version > LAST_OF_THE_OLD or version % 2 == turn % 2
]


def told(tellings):
    """A test that is told for these creators and versions."""
    ids = [f"v{version}-by-{creator}" for creator, version in tellings]
    return pytest.mark.parametrize("cast", tellings, indirect=True, ids=ids, scope="module")


in_every_version = told(TELLINGS)
with_knocks = told([telling for telling in TELLINGS if telling[1] >= 7])
with_restricted_joins = told([telling for telling in TELLINGS if telling[1] >= 8])
from_gantry = told([telling for telling in TELLINGS if telling[0] == "synapse"])
in_one_version = told([telling for telling in TELLINGS if telling[1] == 11])

FIRST_WITH_BOTH = 10

_transactions = (f"interop-{number}" for number in itertools.count())


@dataclass(frozen=True)
class Servers:
    """The server of the room's creator, and the one of the guests."""

    home: object
    away: object


@dataclass(frozen=True)
class Cast:
    """The people of one telling of the story, and their room."""

    version: int
    name: str
    servers: Servers
    alice: MatrixHttp
    carol: MatrixHttp
    dan: MatrixHttp
    room_id: str

    @property
    def alias(self):
        """The room's alias on the creator's server."""
        return f"#{self.name}:{self.servers.home.name}"

    def new_room(self, **options):
        """Alice creates another room."""
        return self.alice.create_room(room_version=str(self.version), **options)

    def joins(self, person, room_id):
        """A guest joins by way of the creator's server, and Alice sees it."""
        person.join(room_id, via=self.servers.home.name)
        _sees(self.alice, room_id, person, "join")


@pytest.fixture(scope="module")
def gantry(new_gantry, output, authority):
    """The server under test."""
    name = "gantry-interop"
    if STANDIN:
        server = open_synapse(output / name, authority, "127.0.0.1")
    else:
        server = new_gantry("redb", name)
    server.start()
    yield server
    assert server.is_alive(), f"{server.name} did not survive its tests"
    server.stop()


@pytest.fixture(scope="module")
def synapse(output, authority):
    """A Synapse that publishes its room directory."""
    server = open_synapse(output / "synapse-interop", authority, "127.0.0.2")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def cast(request, gantry, synapse):
    """Alice has created a public room, and Carol has joined by its alias."""
    creator, version = request.param
    servers = _servers(creator, gantry, synapse)
    name = f"v{version}-of-{creator}"
    alice = MatrixHttp.register(servers.home.url, f"alice-{name}")
    carol = MatrixHttp.register(servers.away.url, f"carol-{name}")
    dan = MatrixHttp.register(servers.away.url, f"dan-{name}")
    room_id = alice.create_room(
        room_version=str(version), room_alias_name=name, name=name, visibility="public"
    )
    cast = Cast(version, name, servers, alice, carol, dan, room_id)
    answer = carol.post(path("join", cast.alias), json={})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"room_id": room_id}
    _sees(alice, room_id, carol, "join")
    return cast


@in_every_version
def test_messages_go_both_ways_and_can_be_taken_back(cast):
    for speaker, listener in ((cast.alice, cast.carol), (cast.carol, cast.alice)):
        event_id = _says(speaker, cast.room_id, "curiouser and curiouser")
        heard = eventually(
            lambda event_id=event_id, listener=listener: listener.event(cast.room_id, event_id),
            f"{listener.user_id} hears {speaker.user_id}",
        )
        assert heard["content"]["body"] == "curiouser and curiouser"
        assert heard["sender"] == speaker.user_id

        speaker.redact(cast.room_id, event_id, next(_transactions))

        eventually(
            lambda event_id=event_id, listener=listener: (
                listener.event(cast.room_id, event_id)["content"] == {}
            ),
            f"{listener.user_id} sees the message of {speaker.user_id} redacted",
        )


@in_every_version
def test_state_is_changed_on_both_sides(cast):
    room_id = cast.room_id
    _promote(cast.alice, room_id, cast.carol, 50)
    eventually(lambda: _same_state(cast.alice, cast.carol, room_id), "Carol has her power")

    for speaker, listener in ((cast.alice, cast.carol), (cast.carol, cast.alice)):
        topic = {"topic": f"what {speaker.user_id} likes"}
        speaker.set_state(room_id, "m.room.topic", topic)

        eventually(
            lambda topic=topic, listener=listener: (
                listener.state_content(room_id, "m.room.topic") == topic
            ),
            f"{listener.user_id} sees the topic of {speaker.user_id}",
        )
    eventually(lambda: _same_state(cast.alice, cast.carol, room_id), "both have the same state")


@in_one_version
def test_typing_and_receipts_go_both_ways(cast):
    for speaker, listener in ((cast.alice, cast.carol), (cast.carol, cast.alice)):
        ears = Ears(listener)
        written = _says(listener, cast.room_id, "why is a raven like a writing-desk?")
        eventually(
            lambda speaker=speaker, written=written: speaker.event(cast.room_id, written),
            "the question has come",
        )

        where = path("rooms", cast.room_id, "typing", speaker.user_id)
        assert speaker.put(where, json={"typing": True, "timeout": 20_000}).status_code == 200
        where = path("rooms", cast.room_id, "receipt", "m.read", written)
        assert speaker.post(where, json={}).status_code == 200

        eventually(
            lambda ears=ears, speaker=speaker: ears.notice_typing(cast.room_id, speaker),
            f"{listener.user_id} sees {speaker.user_id} type",
        )
        eventually(
            lambda ears=ears, speaker=speaker, written=written: (
                ears.notice_receipt(written, speaker)
            ),
            f"{listener.user_id} sees that {speaker.user_id} has read",
        )


@in_one_version
def test_profile_is_known_over_federation(cast):
    alice, carol = cast.alice, cast.carol
    for person, asker, name in ((alice, carol, "Alice L."), (carol, alice, "Carol C.")):
        where = path("profile", person.user_id, "displayname")
        assert person.put(where, json={"displayname": name}).status_code == 200

        assert asker.get(where).json() == {"displayname": name}

        eventually(
            lambda person=person, asker=asker, name=name: (
                _display_name(asker, cast.room_id, person) == name
            ),
            f"{asker.user_id} sees {name} in the room",
        )


@in_every_version
def test_alias_and_directory_are_asked_over_federation(cast):
    resolved = cast.carol.get(path("directory", "room", cast.alias)).json()
    assert resolved["room_id"] == cast.room_id
    assert cast.servers.home.name in resolved["servers"]

    answer = cast.carol.post(
        path("publicRooms"),
        params={"server": cast.servers.home.name},
        json={"limit": 10, "filter": {"generic_search_term": cast.name}},
    )
    assert answer.status_code == 200, answer.text
    found = {room["room_id"]: room for room in answer.json()["chunk"]}
    assert found[cast.room_id]["canonical_alias"] == cast.alias
    assert found[cast.room_id]["num_joined_members"] >= 1


@from_gantry
def test_a_room_is_described_before_anybody_of_the_server_is_in_it(cast):
    room_id = cast.new_room(preset="public_chat", name="to be seen", topic="from afar")
    secret = cast.new_room(preset="private_chat", name="not to be seen")

    def summary(room):
        via = {"via": cast.servers.home.name}
        return cast.carol.get(path("room_summary", room).replace("v3", "v1"), params=via)

    seen = summary(room_id)
    assert seen.status_code == 200, seen.text
    seen = seen.json()
    assert (seen["name"], seen["topic"]) == ("to be seen", "from afar")
    assert seen["num_joined_members"] == 1
    assert seen["membership"] == "leave"
    assert summary(secret).status_code == 404


@in_every_version
def test_invites_are_accepted_and_rejected(cast):
    room_id = cast.new_room(preset="private_chat", name="by invitation")
    ears = Ears(cast.dan)
    for guest in (cast.carol, cast.dan):
        cast.alice.act(room_id, "invite", guest)
    eventually(lambda: ears.notice_room("invite", room_id), "the invite comes")

    cast.carol.join(room_id, via=cast.servers.home.name)
    cast.dan.leave(room_id)

    _sees(cast.alice, room_id, cast.carol, "join")
    _sees(cast.alice, room_id, cast.dan, "leave")
    eventually(lambda: ears.notice_room("leave", room_id), "the invite is gone")
    _sees(cast.carol, room_id, cast.dan, "leave")
    _hears(cast.carol, room_id, cast.alice)


@in_every_version
def test_guests_are_kicked_and_banned(cast):
    room_id = cast.room_id

    cast.alice.act(room_id, "kick", cast.carol)
    _sees(cast.carol, room_id, cast.carol, "leave")
    cast.joins(cast.carol, room_id)

    ears = Ears(cast.carol)
    cast.alice.act(room_id, "ban", cast.carol)
    eventually(lambda: ears.notice_room("leave", room_id), "Carol's client learns of the ban")
    via = cast.servers.home.name
    answer = cast.carol.post(path("join", room_id), params={"server_name": via}, json={})
    assert answer.status_code == 403, answer.text

    cast.alice.act(room_id, "unban", cast.carol)
    cast.joins(cast.carol, room_id)
    _hears(cast.carol, room_id, cast.alice)


@in_every_version
def test_a_guest_moderates(cast):
    room_id = cast.room_id
    bill = MatrixHttp.register(cast.servers.home.url, f"bill-{cast.name}")
    bill.join(room_id, via=cast.servers.home.name)
    _promote(cast.alice, room_id, cast.carol, 60)
    said = _says(bill, room_id, "off with her head")
    eventually(lambda: cast.carol.event(room_id, said), "Carol hears Bill")
    eventually(lambda: _same_state(cast.alice, cast.carol, room_id), "Carol has her power")

    cast.carol.redact(room_id, said, next(_transactions))
    cast.carol.act(room_id, "kick", bill)
    _sees(cast.alice, room_id, bill, "leave")
    cast.carol.act(room_id, "ban", bill)
    _sees(cast.alice, room_id, bill, "ban")
    cast.carol.act(room_id, "unban", bill)
    _sees(cast.alice, room_id, bill, "leave")
    eventually(
        lambda: cast.alice.event(room_id, said)["content"] == {}, "Alice sees Bill's word redacted"
    )


@with_restricted_joins
def test_members_of_one_room_may_join_another(cast):
    room_id = cast.new_room()
    cast.alice.set_state(room_id, "m.room.join_rules", _restricted("restricted", cast.room_id))

    cast.joins(cast.carol, room_id)

    _hears(cast.carol, room_id, cast.alice)
    _hears(cast.alice, room_id, cast.carol)
    via = cast.servers.home.name
    answer = cast.dan.post(path("join", room_id), params={"server_name": via}, json={})
    assert answer.status_code == 403, answer.text


@with_knocks
def test_knocks_are_answered(cast):
    room_id = cast.new_room()
    cast.alice.set_state(room_id, "m.room.join_rules", {"join_rule": "knock"})
    if cast.version >= FIRST_WITH_BOTH:
        rule = _restricted("knock_restricted", cast.room_id)
        cast.alice.set_state(room_id, "m.room.join_rules", rule)
        cast.joins(cast.carol, room_id)

    ears = Ears(cast.dan)
    cast.dan.knock(room_id, via=cast.servers.home.name)
    _sees(cast.alice, room_id, cast.dan, "knock")
    eventually(lambda: ears.notice_room("knock", room_id), "Dan sees that he knocks")
    cast.alice.act(room_id, "invite", cast.dan)
    eventually(lambda: ears.notice_room("invite", room_id), "Dan is let in")
    cast.joins(cast.dan, room_id)

    _hears(cast.dan, room_id, cast.alice)
    _hears(cast.alice, room_id, cast.dan)


@in_every_version
def test_upgrade_is_seen_by_the_other_side(cast):
    room_id = cast.new_room(name="old but good")
    cast.joins(cast.carol, room_id)
    version = str(cast.version % LATEST + 1)

    answer = cast.alice.post(path("rooms", room_id, "upgrade"), json={"new_version": version})

    assert answer.status_code == 200, answer.text
    new_room_id = answer.json()["replacement_room"]
    tombstone = eventually(
        lambda: cast.carol.state_content(room_id, "m.room.tombstone"), "Carol sees the tombstone"
    )
    assert tombstone["replacement_room"] == new_room_id
    cast.joins(cast.carol, new_room_id)
    created = cast.carol.state_content(new_room_id, "m.room.create")
    assert created["room_version"] == version
    assert created["predecessor"]["room_id"] == room_id
    assert cast.carol.state_content(new_room_id, "m.room.name") == {"name": "old but good"}
    _hears(cast.carol, new_room_id, cast.alice)
    _hears(cast.alice, new_room_id, cast.carol)


@pytest.mark.parametrize("creator", CREATORS, ids=lambda creator: f"by-{creator}")
def test_long_history_is_fetched(creator, gantry, synapse):
    servers = _servers(creator, gantry, synapse)
    alice = MatrixHttp.register(servers.home.url, "alice-the-chronicler")
    carol = MatrixHttp.register(servers.away.url, "carol-the-reader")
    room_id = alice.create_room(room_version="11")
    written = {alice.send(room_id, f"line {line}", f"line-{line}") for line in range(HISTORY)}
    carol.join(room_id, via=servers.home.name)

    def has_read_all():
        read = [event["event_id"] for event in carol.all_messages(room_id)]
        assert len(read) == len(set(read)), "an event comes twice"
        missing = written - set(read)
        assert not missing, f"{len(missing)} of {HISTORY} are missing"
        return True

    eventually(has_read_all, "the whole history is fetched", deadline=20 + HISTORY / 20, pause=0.5)


class Ears:
    """What somebody's syncs tell of rooms, and of those who type and read there, from now on."""

    def __init__(self, listener):
        self._listener = listener
        self._since = listener.sync()["next_batch"]
        self._rooms = set()
        self._typing = set()
        self._read = set()

    def notice_room(self, section, room_id):
        """True if a room has come into a section like `invite`."""
        self._listen()
        return (section, room_id) in self._rooms

    def notice_typing(self, room_id, person):
        """True if somebody has typed."""
        self._listen()
        return (room_id, person.user_id) in self._typing

    def notice_receipt(self, event_id, person):
        """True if somebody has read an event."""
        self._listen()
        return (event_id, person.user_id) in self._read

    def _listen(self):
        news = self._listener.sync(since=self._since)
        self._since = news["next_batch"]
        for section, rooms in news.get("rooms", {}).items():
            for room_id, room in rooms.items():
                self._rooms.add((section, room_id))
                for event in room.get("ephemeral", {}).get("events", []):
                    self._note(room_id, event)

    def _note(self, room_id, event):
        content = event["content"]
        if event["type"] == "m.typing":
            self._typing.update((room_id, user_id) for user_id in content["user_ids"])
        if event["type"] == "m.receipt":
            for event_id, receipts in content.items():
                self._read.update((event_id, user_id) for user_id in receipts.get("m.read", {}))


def _servers(creator, gantry, synapse):
    home, away = (gantry, synapse) if creator == "gantry" else (synapse, gantry)
    return Servers(home, away)


def _says(person, room_id, text):
    return person.send(room_id, text, next(_transactions))


def _hears(listener, room_id, speaker):
    """One says something that the other hears."""
    event_id = _says(speaker, room_id, "do you hear me?")
    eventually(
        lambda: listener.event(room_id, event_id), f"{listener.user_id} hears {speaker.user_id}"
    )


def _sees(witness, room_id, person, membership):
    eventually(
        lambda: witness.membership(room_id, person) == membership,
        f"{witness.user_id} sees {membership} of {person.user_id}",
    )


def _promote(admin, room_id, person, level):
    levels = admin.state_content(room_id, "m.room.power_levels")
    levels.setdefault("users", {})[person.user_id] = level
    admin.set_state(room_id, "m.room.power_levels", levels)


def _restricted(rule, room_id):
    return {"join_rule": rule, "allow": [{"type": "m.room_membership", "room_id": room_id}]}


def _display_name(witness, room_id, person):
    content = witness.state_content(room_id, "m.room.member", person.user_id)
    return content.get("displayname")


def _same_state(one, other, room_id):
    return one.state(room_id) == other.state(room_id)
