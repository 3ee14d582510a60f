"""The attacks: each takes the stage and how long it may last, and returns what came of it.

What must not be is returned under "complaints", figures under their names.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import requests
from fake_server import event_id
from matrix_http import path

from hostile.forged import unknown_id
from hostile.joins import HEAVY, LIES, QUICK_HEAVY, TEMPLATE_LIES, may_be_believed, realm_of
from hostile.keys import IS_BELIEVED
from hostile.roles import ALLOWED_TRAP, HOSTS, KEY_LIES, REDIRECTS, TRAPS
from hostile.stage import SharedRoom, arrives, ask, status
from hostile.watch import waited

_PDUS = 50
_MUST_JOIN = ["none", "100 MB in one text", "a million servers", "template with the greatest depth"]
_ELSEWHERE = {*HEAVY, *QUICK_HEAVY, "slow", "slow history"}
_JOIN_TIMEOUT = 100


def heavy_join(stage, lie):
    """Join by an answer that is large."""
    return {"complaints": list(_join(stage, lie))}


def other_joins(stage, _seconds):
    """Join by all other lies."""
    lies = [lie for lie in LIES if lie not in _ELSEWHERE]
    complaints = [complaint for lie in lies for complaint in _join(stage, lie)]
    joined = stage.alice.get(path("joined_rooms")).json()["joined_rooms"]
    complaints += [f"still in {room}" for room in joined if "!lies" in room]
    return {"joins": len(lies), "complaints": complaints}


def _join(stage, lie):
    role = f"join: {lie}"
    realm = realm_of(lie, stage.name(role))
    user = stage.alice
    query = {"server_name": realm.server, "via": realm.server}
    where = user.url + path("join", realm.room_id)
    began = time.monotonic()
    try:
        answer = ask(user, "POST", where, params=query, json={}, timeout=_JOIN_TIMEOUT)
    except requests.RequestException as error:
        yield f"{role}: no answer: {type(error).__name__}"
        return
    if (seconds := time.monotonic() - began) > 30:
        yield f"{role}: answered after {seconds:.0f} s"
    if answer.status_code != 200:
        if answer.status_code == 500 or lie in _MUST_JOIN:
            yield f"{role}: {answer.status_code} {answer.text[:150]}"
        return
    if lie in TEMPLATE_LIES and lie not in [*_MUST_JOIN, "template without previous events"]:
        yield f"{role}: the join succeeded"
    yield from _believed(user, role, realm, lie)


def _believed(user, role, realm, lie):
    state = user.state(realm.room_id)
    mine = state.pop(("m.room.member", user.user_id), None)
    if not mine:
        yield f"{role}: joined, and not a member"
    allowed = may_be_believed(lie, realm)
    wrong = {key: one for key, one in state.items() if one not in allowed}
    if wrong or len(set(state.values())) < len(state):
        yield f"{role}: in the state: {wrong or state}"
    where = path("rooms", realm.room_id, "send", "m.room.message", "after")
    answer = user.put(where, json={"msgtype": "m.text", "body": "after"})
    if answer.status_code != 200:
        yield f"{role}: nothing can be said in the room: {answer.status_code} {answer.text[:150]}"
    user.post(path("rooms", realm.room_id, "leave"), json={})


def keys(stage, seconds):
    """Requests signed with keys that their servers lie about, and in the names of thousands."""
    complaints, asked = [], 0
    for lie in KEY_LIES:
        guest = stage.guest(f"keys: {lie}")
        statuses = {guest.query(stage.gantry, stage.alice.user_id).status_code for _ in range(10)}
        asked += stage.asked(guest.role)
        wanted = {200} if IS_BELIEVED.get(lie, False) else {401}
        if statuses != wanted and IS_BELIEVED.get(lie, False) is not None:
            complaints.append(f"keys: {lie}: {statuses}")
    end, names = time.monotonic() + seconds, 0
    guest = stage.guest("keys: good")
    with ThreadPoolExecutor(4) as pool:
        while time.monotonic() < end:
            done = pool.map(lambda n: _named(stage, guest, n), range(names, names + 100))
            complaints += [one for one in done if one]
            names += 100
    return {"key_requests": asked, "names": names, "complaints": complaints}


def _named(stage, guest, number):
    origin = f"127.66.{100 + number // 250 % 100}.{number % 250}:{9000 + number // 25_000}"
    uri = f"/_matrix/federation/v1/query/profile?user_id=%40a{number}"
    header = guest.authorization(stage.gantry, "GET", uri, None, origin=origin)
    status = guest.ask(stage.gantry, "GET", uri, authorization=header).status_code
    return None if status == 401 else f"a request of {origin}: {status}"


def unknown_ancestors(stage, seconds):
    """Events after 20 unknown ones each, of a server that answers with more of the same."""
    room = SharedRoom(stage, "flood")
    bystander = stage.guest("bystander")
    bystander.join(stage.gantry, room.room_id, "bystander")
    room.state = stage.alice.state(room.room_id)
    tell(stage, room)
    before = {role: stage.asked(role) for role in ("flood", "bystander")}
    named = stage.report()["named"]
    sent, refused, complaints = 0, 0, []
    end = time.monotonic() + seconds
    most = 40 * _PDUS if seconds > 10 else 3 * _PDUS
    while time.monotonic() < end:
        if sent < most:
            answer = room.guest.send(stage.gantry, [orphan(room, "x") for _ in range(_PDUS)])
            sent += _PDUS if answer.status_code == 200 else 0
            refused += answer.status_code == 429
        time.sleep(0.2)
    during = {role: stage.asked(role) - before[role] for role in before}
    too_many = room.guest.send(stage.gantry, [orphan(room, "51") for _ in range(_PDUS + 1)])
    if too_many.status_code != 400:
        complaints.append(f"51 events: {too_many.status_code}")
    named = stage.report()["named"] - named
    stage.calm("flood")
    counts = [stage.asked("flood")]

    def is_quiet():
        time.sleep(1)
        counts.append(stage.asked("flood"))
        return counts[-1] == counts[-2]

    is_quiet_again, drained = waited(is_quiet, 60)
    if not arrives(stage, room):
        complaints.append("a good event of the liar did not arrive afterwards")
    complaints += room.complaints()
    return {
        "events_sent": sent,
        "put_off": refused,
        "previous_events_named": named + 20 * sent,
        "requests_to_the_liar": during["flood"],
        "requests_to_a_bystander": during["bystander"],
        "seconds_until_quiet": drained if is_quiet_again else None,
        "complaints": complaints,
    }


def orphan(room, body):
    """A message after what nobody has."""
    prev_events = [unknown_id() for _ in range(20)]
    event = room.copy.next_event(
        prev_events=prev_events, content={"msgtype": "m.text", "body": body}
    )
    return room.guest.signed(event)


def tell(stage, room, **more):
    """Let the liar know of its room, and what it may be asked for."""
    stage.tell(
        room.guest.role,
        room_id=room.room_id,
        sender=room.copy.sender,
        auth_events=room.auth_events,
        depth=room.depth,
        **more,
    )


def coup(stage, _seconds):
    """Events without power, after a state that gives it to their sender."""
    room = SharedRoom(stage, "coup")
    me, alice = room.copy.sender, stage.alice.user_id
    kinds = {(event["type"], event["state_key"]): event for event in room.events}
    member = kinds["m.room.member", me]
    create, true_levels = kinds["m.room.create", ""], kinds["m.room.power_levels", ""]
    sign = room.guest.signed

    def event(kind, content, auth, state_key="", **fields):
        auth = [event_id(one) for one in auth]
        kind = {"type": kind, "state_key": state_key, "content": content, "auth_events": auth}
        return sign(room.copy.next_event(**kind, **fields))

    seize = {"users": {me: 100}, "users_default": 0}
    after_true = event("m.room.power_levels", seize, [create, true_levels, member])
    without_any = event("m.room.power_levels", seize, [create, member])
    origin = {"room_version": "11", "creator": me}
    my_create = event("m.room.create", origin, [], prev_events=[])
    my_member = event("m.room.member", {"membership": "join"}, [my_create], me)
    for_alice = event("m.room.member", {"membership": "leave"}, [create, member], alice)
    invented = {
        "levels of the sender": [create, after_true, member],
        "no levels": [create, member],
        "levels after none": [create, without_any, member],
        "another create event": [my_create, my_member],
        "levels and a ban": [create, without_any, member, for_alice],
    }
    complaints, sent, well_formed = [], [], 0
    for name, auth in invented.items():
        others = [one for key, one in kinds.items() if key != ("m.room.power_levels", "")]
        state = {(one["type"], one["state_key"]): one for one in [*others, *auth]}
        tell(stage, room, state=list(state.values()), auth_chain=[*auth, *room.events])
        acts = [
            event("m.room.topic", {"topic": name}, auth[:3], prev_events=[unknown_id()]),
            event("m.room.topic", {"topic": name}, auth[:3]),
            event("m.room.power_levels", seize, auth[:3], prev_events=[unknown_id()]),
            event("m.room.member", {"membership": "ban"}, auth[:3], alice),
            *auth,
        ]
        acts = [one for one in acts if one not in room.events]
        sent += acts
        if (answer := room.guest.send(stage.gantry, acts)).status_code != 200:
            complaints.append(f"coup: {name}: {answer.status_code} {answer.text[:100]}")
        else:
            well_formed += sum(not one for one in answer.json()["pdus"].values())
        if not arrives(stage, room):
            complaints.append(f"coup: {name}: a good event afterwards did not arrive")
        complaints += [f"coup: {name}: {one}" for one in room.complaints()]
    time.sleep(1)
    asked = stage.report()["asked"]["coup"].items()
    return {
        "events_sent": len(sent),
        "well_formed": well_formed,
        "states_asked": sum(count for what, count in asked if "/state" in what),
        "complaints": complaints + list(room.complaints()),
    }


def large_events(stage, seconds):
    """Events as large as they may be, as fast as they are taken."""
    room = SharedRoom(stage, "large")
    body = {"msgtype": "m.text", "body": "x" * 64_000}
    end, sent, refused, complaints = time.monotonic() + seconds, 0, 0, []
    while time.monotonic() < end:
        events = [room.good(content=body) for _ in range(_PDUS)]
        # What follows refers to these: they are sent until they are taken.
        while (answer := room.guest.send(stage.gantry, events)).status_code == 429:
            refused += 1
            time.sleep(0.2)
        if answer.status_code != 200:
            return {"complaints": [f"large events: {answer.status_code} {answer.text[:100]}"]}
        sent += _PDUS
    too_large = room.guest.signed(
        room.copy.next_event(content={"msgtype": "m.text", "body": "x" * 65_536})
    )
    room.guest.send(stage.gantry, [too_large])
    if not arrives(stage, room):
        complaints.append("a good event afterwards did not arrive")
    complaints += room.complaints()
    return {"events_sent": sent, "put_off": refused, "complaints": complaints}


def redirects(stage, _seconds):
    """Answers that lead to where nobody may be led."""
    port, alice = stage.trap_port, stage.alice
    traps = [*(f"{one}:{port}" for one in TRAPS), f"[::ffff:127.0.0.1]:{port}", f"localhost:{port}"]
    guests = [stage.guest(f"redirect: {how}") for how in REDIRECTS]
    names = [*(guest.name for guest in guests for _ in range(3)), *HOSTS.values(), *traps]

    def profile(number_and_name):
        where = alice.url + path("profile", "@x{}:{}".format(*number_and_name))
        return status(alice, "GET", where)

    def join(name):
        where = alice.url + path("join", "!x:127.66.200.1:1")
        return status(alice, "POST", where, params={"via": name, "server_name": name}, json={})

    def signed(guest_and_origin):
        guest, origin = guest_and_origin
        uri = "/_matrix/federation/v1/query/profile?user_id=%40a"
        header = guest.authorization(stage.gantry, "GET", uri, None, origin=origin)
        return guest.ask(stage.gantry, "GET", uri, authorization=header).status_code

    origins = [(guests[0], trap) for trap in traps] + [(guest, guest.name) for guest in guests]
    with ThreadPoolExecutor(8) as pool:
        done = [
            *pool.map(profile, enumerate(names)),
            *pool.map(join, [guest.name for guest in guests] + traps),
            *pool.map(signed, origins),
        ]
    complaints = [f"{done.count(200)} answers were believed"] if 200 in done else []
    hits = {one: stage.traps[one].hits for one in TRAPS}
    if any(hits.values()):
        complaints.append(f"connections to addresses that are not allowed: {hits}")
    circle = stage.asked("well-known: redirect in a circle")
    return {
        "questions": len(done),
        "trap_hits": sum(hits.values()),
        "hits_where_it_is_allowed": stage.traps[ALLOWED_TRAP].hits,
        "requests_in_a_circle": circle,
        "complaints": complaints,
    }
