"""What a server may answer to a join, and what of it may be believed.

Each lie is a function from a room, our user's join and nothing else to the answer. What it adds to
the room's own state must not be found there afterwards.
"""

import json

from hostile.forged import THEN, Realm, unknown_id, unsigned

_MILLION = 1_000_000
_MOST = 2**53 - 1
_TOPIC = {"topic": "believe me"}


def _answer(realm, join, lies=(), lies_in_chain=(), **fields):
    document = {
        "origin": realm.server,
        # Before and after, so that the order does not help.
        "state": [*lies, *realm.state, *lies],
        "auth_chain": [*lies_in_chain, *realm.state, *lies_in_chain],
        "event": join,
        "servers_in_room": [realm.server],
        "members_omitted": False,
        **fields,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _with(field, body):
    """Let an answer have a further field, of any size."""

    def lie(realm, join):
        return _answer(realm, join)[:-1] + b',"%b":%b}' % (field, body())

    return lie


def tiny_objects(size):
    """An object of so many bytes, of the smallest objects that there are."""
    return b'{"x":[%b]}' % b",".join([b'{"":0}'] * (size // 7))


def _events(count):
    return lambda realm, join: _small_events(realm, join, count)


def _small_events(realm, join, count):
    shape = '{"type":"t","sender":"%s","room_id":"%s","content":{},"state_key":"%07d","depth":1}'
    sender, room = realm.creator, realm.room_id
    events = ",".join([shape % (sender, room, number) for number in range(count)]).encode()
    return _answer(realm, join).replace(b'"state":[', b'"state":[' + events + b",")


def _other_room(realm, join):
    elsewhere = {"room_id": f"!elsewhere:{realm.server}"}
    return _answer(realm, join, [realm.event("m.room.topic", _TOPIC, **elsewhere)])


def _other_version(realm, join):
    content = {"room_version": "10", "creator": realm.creator}
    other = realm.event("m.room.create", content, prev_events=[], auth_events=[])
    return _answer(realm, join, state=[other, *realm.state[1:]])


def _second_create(realm, join):
    content = {"room_version": realm.version, "creator": realm.creator, "twice": True}
    fields = {"prev_events": [], "auth_events": [], "sender": realm.creator}
    return _answer(realm, join, [], [realm.event("m.room.create", content, **fields)])


def _cycle(realm, join):
    names = [f"$cycle{number}:{realm.server}" for number in range(3)]
    events = [
        realm.event(
            f"org.example.cycle{number}",
            {},
            event_id=name,
            auth_events=[realm.reference(names[(number + 1) % 3])],
            prev_events=[realm.reference(names[(number + 2) % 3])],
        )
        for number, name in enumerate(names)
    ]
    return _answer(realm, join, events, events)


def _self_authorized(realm, join):
    me = f"$me:{realm.server}"
    fields = {"event_id": me, "auth_events": [realm.reference(me)]}
    event = realm.event("m.room.topic", _TOPIC, **fields)
    return _answer(realm, join, [event], [event])


def _equal_ids(realm, join):
    """The same ids as those of the true state, and as that of our own join, for other things."""
    events = _doubles(realm, join)
    return _answer(realm, join, events, events)


def _equal_ids_last(realm, join):
    events = [*realm.state, *_doubles(realm, join)]
    return _answer(realm, join, state=events, auth_chain=events)


def _doubles(realm, join):
    identifiers = [event["event_id"] for event in realm.state] + [join["event_id"]]
    return [realm.event("m.room.topic", _TOPIC, event_id=one) for one in identifiers]


def _missing_auth(realm, join):
    fields = {"auth_events": [realm.reference(unknown_id()) for _ in range(5)]}
    return _answer(realm, join, [realm.event("m.room.topic", _TOPIC, **fields)])


def _numbers(realm, join):
    wrong = [
        {"depth": _MOST + 1},
        {"depth": -1},
        {"depth": 1.5},
        {"depth": "1"},
        {"origin_server_ts": _MOST},
        {"origin_server_ts": _MOST + 1},
        {"origin_server_ts": 1.5},
        {"origin_server_ts": None},
        {"origin_server_ts": -(2**63)},
    ]
    events = [
        realm.event(f"org.example.number{number}", {}, **fields)
        for number, fields in enumerate(wrong)
    ]
    return _answer(realm, join, events)


def _old_numbers(realm, join):
    wrong = [{"depth": 1.5}, {"depth": -1}, {"depth": "1"}, {"origin_server_ts": None}]
    events = [
        realm.event(f"org.example.number{number}", {}, **fields)
        for number, fields in enumerate(wrong)
    ]
    return _answer(realm, join, events)


def _strangers(realm, join):
    """Of somebody who is not in the room, of somebody without power, of another server's user."""
    stranger, guest = f"@stranger:{realm.server}", f"@guest:{realm.server}"
    create, member, levels, rules = realm.state
    before = realm.references([create, levels, rules])
    entry = realm.event(
        "m.room.member", {"membership": "join"}, guest, sender=guest, auth_events=before
    )
    realm.guests = [entry]
    by_guest = realm.references([create, levels, entry])
    coup = {"users": {guest: 100}}
    events = [
        entry,
        realm.event("m.room.topic", _TOPIC, sender=stranger),
        realm.event("m.room.topic", _TOPIC, sender="@root:127.66.200.1:1"),
        realm.event("m.room.power_levels", coup, sender=guest, auth_events=by_guest),
        unsigned(realm.event("m.room.name", {"name": "unsigned"})),
        {**realm.event("m.room.name", {"name": "x"}), "origin_server_ts": THEN - 1},
    ]
    return _answer(realm, join, events, [entry])


def _no_create(realm, join):
    return _answer(realm, join, state=realm.state[1:], auth_chain=realm.state[1:])


def _other_join(realm, join):
    return _answer(realm, {**join, "content": {"membership": "join", "displayname": "Fool"}})


def _no_lists(realm, join):
    return _answer(realm, join, state={"a": 1}, auth_chain=7)


def _shapes(realm, join):
    nonsense = [None, 7, "x", [], {}, {"type": 1}, {**realm.create, "prev_events": [[]] * 50}]
    return _answer(realm, join, nonsense, nonsense, servers_in_room=[None, 1, "", "ü", {}])


def _many_servers(realm, join):
    servers = [f"s{number}.example" for number in range(_MILLION)]
    return _answer(realm, join, servers_in_room=servers)


def _heavy(megabytes, events):
    return {
        f"{megabytes} MB in one text": _with(
            b"padding", lambda: b'"%b"' % (b"x" * megabytes * _MILLION)
        ),
        f"{events:,} events": _events(events),
        f"{megabytes} MB of tiny objects": _with(
            b"padding", lambda: tiny_objects(megabytes * _MILLION)
        ),
    }


HEAVY, QUICK_HEAVY = _heavy(100, _MILLION), _heavy(20, _MILLION // 5)
"""Answers that are large; each is measured by itself."""

LIES = {
    "none": _answer,
    **HEAVY,
    **QUICK_HEAVY,
    "a million brackets": _with(b"deep", lambda: b"[" * _MILLION + b"]" * _MILLION),
    "a million servers": _many_servers,
    "another room's events": _other_room,
    "another version's create event": _other_version,
    "a second create event": _second_create,
    "no create event": _no_create,
    "a circle of auth events, v1": _cycle,
    "a circle of auth events, v2": _cycle,
    "an event that authorizes itself, v1": _self_authorized,
    "equal ids, v1": _equal_ids,
    "equal ids, v2": _equal_ids,
    "equal ids after the true ones, v1": _equal_ids_last,
    "equal ids after the true ones, v2": _equal_ids_last,
    "missing auth events": _missing_auth,
    "missing auth events, v1": _missing_auth,
    "wrong numbers": _numbers,
    "wrong numbers, v1": _old_numbers,
    "a number of 4,000 digits": _with(b"number", lambda: b"9" * 4_000),
    "events of strangers": _strangers,
    "another join": _other_join,
    "no lists": _no_lists,
    "wrong shapes": _shapes,
    "slow": _answer,
    "slow history": _answer,
}

TEMPLATE_LIES = {
    "template of another room": {"room_id": "!other:127.66.200.1"},
    "template of another user": {"sender": "@other:127.66.200.1"},
    "template of a ban": {"content": {"membership": "ban"}},
    "template with 1,000 previous events": {"prev_events": ["$" + "x" * 43] * 1000},
    "template with a fraction as depth": {"depth": 1.5},
    "template with the greatest depth": {"depth": _MOST},
    "template beyond the greatest depth": {"depth": _MOST + 1},
    "template without previous events": {"prev_events": []},
    "template with previous events of no form": {"prev_events": [None, {}, 7]},
}
LIES |= dict.fromkeys(TEMPLATE_LIES, _answer)


def realm_of(lie, server):
    """The room about which a lie is told."""
    old = {", v1": "1", ", v2": "2"}
    return Realm(server, next((v for end, v in old.items() if lie.endswith(end)), "11"))


def template(lie, realm, user):
    """The answer to `make_join`."""
    return realm.template(user, **TEMPLATE_LIES.get(lie, {}))


def may_be_believed(lie, realm):
    """The ids of the events that may be in the room's state."""
    if lie == "events of strangers":
        LIES[lie](realm, {})
        return realm.allowed | {realm.id(event) for event in realm.guests}
    return realm.allowed
