"""Requests of the server-server API that should succeed, by operation id.

An operation without an entry is called with prepared ids and without a body.
"""

from calls import Call
from matrix_http import path
from world import done, now


def _query(**make):
    return lambda world: Call(query={name: value(world) for name, value in make.items()})


def _make(room, user):
    """The first half of a handshake."""

    def recipe(world):
        values = {"roomId": getattr(world, room), "userId": user(world)}
        return Call(path=values, query={"ver": "11"})

    return recipe


def _make_leave(world):
    return Call(path={"roomId": world.room_id, "userId": world.copy.sender})


def _send(step, room, user):
    """The second half of a handshake, after the first."""

    def recipe(world):
        room_id = getattr(world, room)
        event, event_id = world.handshake(step, room_id, user(world))
        return Call(event, path={"roomId": room_id, "eventId": event_id})

    return recipe


def _invite_v1(world):
    event, state = world.old_invite()
    body = {**event, "unsigned": {"invite_room_state": state}}
    return Call(body, path={"roomId": event["room_id"], "eventId": event["event_id"]})


def _invite_v2(world):
    event, event_id, state = world.invite()
    body = {"event": event, "room_version": "11", "invite_room_state": state}
    return Call(body, path={"roomId": event["room_id"], "eventId": event_id})


def _bound(world):
    user = world.account.user_id
    address = {"medium": "email", "address": "alice@example.com"}
    return Call({**address, "mxid": user, "invites": []})


def _missing_events(world):
    limits = {"limit": 10, "min_depth": 0}
    return Call({"earliest_events": [world.join_id], "latest_events": [world.event_id], **limits})


def _transaction(world):
    event = world.fake.signed(world.copy.next_event())
    uri, body = world.fake.transaction([event])
    return Call(body, path={"txnId": uri.rsplit("/", 1)[1]})


def _upload_keys(world):
    done(world.account.post(path("keys", "upload"), json=world.device_keys.upload))


def _claim_keys(world):
    _upload_keys(world)
    wanted = {world.account.user_id: {world.device_id: "signed_curve25519"}}
    return Call({"one_time_keys": wanted})


def _query_keys(world):
    _upload_keys(world)
    return Call({"device_keys": {world.account.user_id: []}})


def _publish(world):
    where = path("directory", "list", "room", world.room_id)
    done(world.account.put(where, json={"visibility": "public"}))


def _published(body=None):
    def recipe(world):
        _publish(world)
        return Call() if body is None else Call(body)

    return recipe


def _stranger(world):
    return world.stranger


def _member(world):
    return world.copy.sender


RECIPES = {
    "sendTransaction": _transaction,
    "getEvent": _query(),
    "backfillRoom": _query(v=lambda world: [world.event_id], limit=lambda _: 10),
    "getMissingPreviousEvents": _missing_events,
    "getRoomState": _query(event_id=lambda world: world.event_id),
    "getRoomStateIds": _query(event_id=lambda world: world.event_id),
    "getEventByTimestamp": _query(ts=lambda _: now(), dir=lambda _: "b"),
    "makeJoin": _make("room_id", _stranger),
    "sendJoinV2": _send("join", "room_id", _stranger),
    "makeKnock": _make("knockable", _stranger),
    "sendKnock": _send("knock", "knockable", _stranger),
    "makeLeave": _make_leave,
    "sendLeaveV2": _send("leave", "room_id", _member),
    "sendInviteV1": _invite_v1,
    "sendInviteV2": _invite_v2,
    "exchangeThirdPartyInvite": lambda world: Call(world.vouched_invite()),
    "onBindThirdPartyIdentifier": _bound,
    "getPublicRooms": _published(),
    "queryPublicRooms": _published({"limit": 10, "filter": {}}),
    "queryRoomDirectory": _query(room_alias=lambda world: world.alias),
    "queryProfile": _query(user_id=lambda world: world.account.user_id),
    "exchangeOpenIdToken": _query(access_token=lambda world: world.openid_token),
    "claimUserEncryptionKeys": _claim_keys,
    "queryUserEncryptionKeys": _query_keys,
    "bulkPerspectivesKeyQuery": lambda world: Call(
        {"server_keys": {world.server.name: {}}}
    ),
    "getContentThumbnail": _query(width=lambda _: 32, height=lambda _: 32),
}
