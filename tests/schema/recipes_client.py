"""Requests of the client-server API that should succeed, by operation id.

An operation without an entry is called with prepared ids and without a body.
"""

from calls import Call
from matrix_http import MatrixHttp, path
from world import PASSWORD, done, now, picture

_ANY = "org.example.note"


def _account(make):
    """A body that user-interactive authentication completes."""
    return lambda world: Call(make(world), interactive=True)


def _body(make):
    """A body, and otherwise prepared ids."""
    return lambda world: Call(make(world))


def _query(**make):
    return lambda world: Call(query={name: value(world) for name, value in make.items()})


def _as_admin(body=None):
    def recipe(world):
        call = Call(session=world.admin)
        if body is not None:
            call.body = body
        return call

    return recipe


def _login(world):
    identifier = {"type": "m.id.user", "user": world.account.user_id}
    return Call({"type": "m.login.password", "identifier": identifier, "password": PASSWORD})


def _refresh(world):
    body = {**_login(world).body, "refresh_token": True}
    answer = done(MatrixHttp(world.server.url).post(path("login"), json=body)).json()
    return Call({"refresh_token": answer["refresh_token"]})


def _register(world):
    auth = {"type": "m.login.dummy"}
    return Call({"username": f"new-{world.number}", "password": PASSWORD, "auth": auth})


def _new_proof(world):
    return {
        "client_secret": f"other{world.number}",
        "email": world.address,
        "send_attempt": 1,
    }


def _proof_for_reset(world):
    return Call({**_new_proof(world), "email": world.added_address})


def _without_address(world):
    return Call({"medium": "email", "address": world.added_address})


def _by_other_in_room(world):
    """The other joins."""
    return Call({}, session=world.other)


def _knock(world):
    return Call({"reason": "tea"}, path={"roomIdOrAlias": world.knockable})


def _about_other(prepare):
    """A moderator's act on somebody else, after what it presupposes."""

    def recipe(world):
        prepare(world)
        return Call({"user_id": world.other.user_id})

    return recipe


def _join_other(world):
    world.joined_by_other()


def _ban_other(world):
    body = {"user_id": world.other.user_id}
    done(world.account.post(path("rooms", world.room_id, "ban"), json=body))


def _forget(world):
    done(world.account.post(path("rooms", world.room_id, "leave"), json={}))
    return Call({})


def _named(world):
    where = path("profile", world.account.user_id, "displayname")
    done(world.account.put(where, json={"displayname": "Alice"}))
    return Call()


def _get_account_data(world):
    where = path("user", world.account.user_id, "account_data", _ANY)
    done(world.account.put(where, json={"note": 1}))
    return Call()


def _get_account_data_per_room(world):
    user, room = world.account.user_id, world.room_id
    done(world.account.put(path("user", user, "rooms", room, "account_data", _ANY), json={"a": 1}))
    return Call()


def _tagged(world):
    where = path("user", world.account.user_id, "rooms", world.room_id, "tags", "m.favourite")
    done(world.account.put(where, json={"order": 0.5}))
    return Call()


def _state(body=None):
    def recipe(world):
        call = Call(path={"eventType": "m.room.topic" if body else "m.room.create", "stateKey": ""})
        if body:
            call.body = body
        return call

    return recipe


_RULE = {"actions": ["notify"], "pattern": "white rabbit"}


def _own_push_rule(body):
    """A rule of one's own, which the recipe makes first unless making it is the point."""
    own = {"kind": "content", "ruleId": "white-rabbit"}

    def recipe(world):
        if body is not _RULE:
            done(world.account.put(path("pushrules", "global", *own.values()), json=_RULE))
        return Call(path=own) if body is None else Call(body, path=own)

    return recipe


def _backup(body=None):
    """A call that names the version of the backup in its query."""

    def recipe(world):
        call = Call(query={"version": world.backup_version})
        if body:
            call.body = body(world)
        return call

    return recipe


def _backed_up(world):
    assert world.backup_version
    return Call()


def _upload_keys(world):
    done(world.account.post(path("keys", "upload"), json=world.device_keys.upload))


def _claim_keys(world):
    _upload_keys(world)
    wanted = {world.account.user_id: {world.device_id: "signed_curve25519"}}
    return Call({"one_time_keys": wanted})


def _query_keys(world):
    _upload_keys(world)
    return Call({"device_keys": {world.account.user_id: []}})


def _upload_cross_signing_keys(world):
    """The first upload asks for no authentication."""
    return Call(world.device_keys.cross_signing)


def _upload_signatures(world):
    _upload_keys(world)
    where = path("keys", "device_signing", "upload")
    done(world.account.post(where, json=world.device_keys.cross_signing))
    return Call(world.device_keys.signatures)


def _get_presence(world):
    where = path("presence", world.account.user_id, "status")
    done(world.account.put(where, json={"presence": "online"}))
    return Call()


def _upload_to_reserved_place(world):
    return Call(picture(), path={"mediaId": world.reserved_media_id},
                media_type="application/octet-stream")


def _mutual_rooms(world):
    world.joined_by_other()
    return Call(query={"user_id": world.other.user_id}, session=world.account)


def _related(world):
    assert world.reply_id
    return Call()


def _backup_rooms(world):
    return {"rooms": {world.room_id: {"sessions": {world.session_id: world.backed_up_key}}}}


def _backup_sessions(world):
    return {"sessions": {world.session_id: world.backed_up_key}}


_PUSHER = {
    "app_display_name": "Looking glass",
    "app_id": "org.example.glass",
    "data": {"url": "https://push.example.org/_matrix/push/v1/notify"},
    "device_display_name": "Glass",
    "kind": "http",
    "lang": "en",
    "pushkey": "a-key",
}

_SEARCH = {"search_categories": {"room_events": {"search_term": "curiouser"}}}

_THUMBNAIL = {"width": lambda _: 32, "height": lambda _: 32, "method": lambda _: "scale"}

RECIPES = {
    # Sessions and accounts
    "login": _login,
    "refresh": _refresh,
    "generateLoginToken": _account(lambda _: {}),
    "register": _register,
    "checkUsernameAvailability": _query(username=lambda world: f"free-{world.number}"),
    "changePassword": _account(lambda _: {"new_password": "another password"}),
    "deactivateAccount": _account(lambda _: {"erase": True}),
    "getAdminLockUser": _as_admin(),
    "setAdminLockUser": _as_admin({"locked": True}),
    "getAdminSuspendUser": _as_admin(),
    "setAdminSuspendUser": _as_admin({"suspended": True}),
    "getWhoIs": _as_admin(),
    "registrationTokenValidity": _query(token=lambda _: "a-token"),
    "requestTokenToRegisterEmail": _body(_new_proof),
    "requestTokenTo3PIDEmail": _body(_new_proof),
    "requestTokenToResetPasswordEmail": _proof_for_reset,
    "add3PID": _account(lambda world: world.proven_address),
    "delete3pidFromAccount": _without_address,
    "unbind3pidFromAccount": _without_address,
    "requestOpenIdToken": _body(lambda _: {}),
    # Devices
    "updateDevice": _body(lambda _: {"display_name": "Looking glass"}),
    "deleteDevice": _account(lambda _: {}),
    "deleteDevices": _account(lambda world: {"devices": [world.device_id]}),
    # Rooms
    "createRoom": _body(lambda _: {"preset": "public_chat", "name": "Wonderland", "topic": "Tea"}),
    "upgradeRoom": _body(lambda _: {"new_version": "11"}),
    "setRoomAlias": lambda world: Call({"room_id": world.room_id},
                                           path={"roomAlias": world.free_alias}),
    "setRoomVisibilityOnDirectory": _body(lambda _: {"visibility": "public"}),
    "queryPublicRooms": _body(lambda _: {"limit": 10, "filter": {}}),
    "getSpaceHierarchy": lambda world: Call(path={"roomId": world.space_id}),
    # Membership
    "joinRoom": _by_other_in_room,
    "joinRoomById": _by_other_in_room,
    "knockRoom": _knock,
    "inviteBy3PID": _body(lambda world: {"user_id": world.other.user_id}),
    "kick": _about_other(_join_other),
    "ban": _about_other(_join_other),
    "unban": _about_other(_ban_other),
    "leaveRoom": _body(lambda _: {}),
    "forgetRoom": _forget,
    # Events
    "sendMessage": _body(lambda _: {"msgtype": "m.text", "body": "I'm late"}),
    "redactEvent": _body(lambda _: {"reason": "a dream"}),
    "getRoomStateWithKey": _state(),
    "setRoomStateWithKey": _state({"topic": "Tea at six"}),
    "getRoomEvents": _query(dir=lambda _: "b", limit=lambda _: 20),
    "getEventByTimestamp": lambda world: Call(path={"roomId": world.room_id},
                                                  query={"ts": now(), "dir": "b"}),
    "getRelatingEvents": _related,
    "getRelatingEventsWithRelType": _related,
    "getRelatingEventsWithRelTypeAndEventType": _related,
    "getThreadRoots": _related,
    "sync": _query(timeout=lambda _: 0),
    "getEvents": _query(timeout=lambda _: 0),
    "setTyping": _body(lambda _: {"typing": True, "timeout": 1000}),
    "postReceipt": _body(lambda _: {}),
    "setReadMarker": _body(lambda world: {"m.fully_read": world.event_id,
                                          "m.read": world.event_id}),
    "search": _body(lambda _: _SEARCH),
    "reportRoom": _body(lambda _: {"reason": "too many cards"}),
    "reportEvent": _body(lambda _: {"reason": "rude", "score": -50}),
    "reportUser": lambda world: Call({"reason": "rude"}, session=world.other),
    # User data
    "setProfileField": _body(lambda _: {"displayname": "Alice"}),
    "getProfileField": _named,
    "deleteProfileField": _named,
    "searchUserDirectory": _body(lambda _: {"search_term": "alice"}),
    "getMutualRooms": _mutual_rooms,
    "setAccountData": _body(lambda _: {"note": 1}),
    "getAccountData": _get_account_data,
    "setAccountDataPerRoom": _body(lambda _: {"note": 1}),
    "getAccountDataPerRoom": _get_account_data_per_room,
    "setRoomTag": _body(lambda _: {"order": 0.25}),
    "getRoomTags": _tagged,
    "deleteRoomTag": _tagged,
    "defineFilter": _body(lambda _: {"room": {"timeline": {"limit": 5}}}),
    "getPresence": _get_presence,
    "setPresence": _body(lambda _: {"presence": "online", "status_msg": "late"}),
    # Push
    "postPusher": _body(lambda _: _PUSHER),
    "setPushRule": _own_push_rule(_RULE),
    "deletePushRule": _own_push_rule(None),
    "setPushRuleActions": _own_push_rule({"actions": ["notify"]}),
    "setPushRuleEnabled": _own_push_rule({"enabled": False}),
    # Encryption
    "uploadKeys": _body(lambda world: world.device_keys.upload),
    "queryKeys": _query_keys,
    "claimKeys": _claim_keys,
    "getKeysChanges": lambda world: Call(query={"from": world.sync_token,
                                                    "to": world.sync_token}),
    "uploadCrossSigningKeys": _upload_cross_signing_keys,
    "uploadCrossSigningSignatures": _upload_signatures,
    "sendToDevice": _body(lambda world: {
        "messages": {world.account.user_id: {world.device_id: {"hello": "Alice"}}}}),
    "postRoomKeysVersion": _body(lambda world: world.backup),
    "getRoomKeysVersionCurrent": _backed_up,
    "putRoomKeysVersion": _body(lambda world: {**world.backup, "version": world.backup_version}),
    "getRoomKeys": _backup(),
    "deleteRoomKeys": _backup(),
    "putRoomKeys": _backup(_backup_rooms),
    "getRoomKeysByRoomId": _backup(),
    "deleteRoomKeysByRoomId": _backup(),
    "putRoomKeysByRoomId": _backup(_backup_sessions),
    "getRoomKeyBySessionId": _backup(),
    "deleteRoomKeyBySessionId": _backup(),
    "putRoomKeyBySessionId": _backup(lambda world: world.backed_up_key),
    # Media
    "uploadContent": lambda _: Call(picture(), query={"filename": "picture.png"},
                                     media_type="application/octet-stream"),
    "uploadContentToMXC": _upload_to_reserved_place,
    "getContentThumbnail": _query(**_THUMBNAIL),
    "getContentThumbnailAuthed": _query(**_THUMBNAIL),
}
