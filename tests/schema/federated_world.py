"""A world with a member from another server, and that server's signature on requests."""

import json
from functools import cached_property
from urllib.parse import quote, urlsplit

from fake_server import event_id, sign_event
from fake_server.events import add_hash, without
from matrix_http import path
from requests.auth import AuthBase
from world import World, done, now

_ROOM_VERSION = "11"


class FederatedWorld(World):
    """The room has the one version that the scripted server knows, and a user of his in it."""

    def __init__(self, server, mailbox, fake):
        super().__init__(server, mailbox)
        self.fake = fake

    @cached_property
    def signature(self):
        """Signs requests as the scripted server."""
        return XMatrix(self.fake, self.server)

    @cached_property
    def copy(self):
        """What the scripted server knows of the room that it has joined."""
        room_id = self.account.create_room(room_version=_ROOM_VERSION, name="Wonderland")
        return self.fake.join(self.server, room_id, f"hatter-{self.number}")

    @cached_property
    def room_id(self):
        """The room that both servers are in."""
        return self.copy.room_id

    @cached_property
    def knockable(self):
        """A room in which one may knock."""
        rule = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}}
        return self.account.create_room(
            room_version=_ROOM_VERSION, preset="private_chat", initial_state=[rule]
        )

    @cached_property
    def stranger(self):
        """A user of the scripted server who is in no room."""
        return f"@dormouse-{self.number}:{self.fake.name}"

    @cached_property
    def join_id(self):
        """The event by which the scripted server's user joined."""
        return self.account.state(self.room_id)["m.room.member", self.copy.sender]

    @cached_property
    def openid_token(self):
        """A token with which Alice shows who she is."""
        where = path("user", self.account.user_id, "openid", "request_token")
        return done(self.account.post(where, json={})).json()["access_token"]

    def handshake(self, step, room_id, user_id):
        """The signed event that `make_<step>` proposes, and its id."""
        where = f"{quote(room_id, safe='')}/{quote(user_id, safe='')}?ver={_ROOM_VERSION}"
        uri = f"/_matrix/federation/v1/make_{step}/{where}"
        template = done(self.fake.ask(self.server, "GET", uri)).json()["event"]
        event = without(template, "hashes", "signatures", "event_id", "unsigned")
        return self._finished({**event, "origin_server_ts": now()})

    def invite(self):
        """An invite of Alice to a room of the scripted server, its id, and the room's state."""
        room_id = f"!tea-party-{self.number}:{self.fake.name}"
        hatter = f"@hatter-{self.number}:{self.fake.name}"
        create, create_id = self._finished(
            _event("m.room.create", room_id, hatter, "", {"room_version": _ROOM_VERSION}, [])
        )
        content = {"membership": "invite"}
        invite = _event(
            "m.room.member", room_id, hatter, self.account.user_id, content, [create_id]
        )
        invite["origin"] = self.fake.name
        return (*self._finished(invite), [create])

    def vouched_invite(self):
        """What remains to be made an event when an identity server, here the scripted server's key,
        vouches for an invite that Alice has offered."""
        token = f"token-{self.number}"
        offer = {"display_name": "h...@e...", "public_key": self.fake.key.public}
        where = path("rooms", self.room_id, "state", "m.room.third_party_invite", token)
        done(self.account.put(where, json=offer))
        signed = {"mxid": self.stranger, "token": token}
        signed["signatures"] = {"id.example": {self.fake.key.id: self.fake.key.sign(signed)}}
        return {
            "type": "m.room.member",
            "room_id": self.room_id,
            "sender": self.account.user_id,
            "state_key": self.stranger,
            "content": {
                "membership": "invite",
                "third_party_invite": {"display_name": "h...@e...", "signed": signed},
            },
        }

    def old_invite(self):
        """The same in room version 1, where events bear their ids and name others with hashes."""
        invite, _, [create] = self.invite()
        ids = {event: f"${event}-{self.number}:{self.fake.name}" for event in ("create", "invite")}
        earlier = [[ids["create"], create["hashes"]]]
        bare = without(invite, "hashes", "signatures")
        old = {**bare, "event_id": ids["invite"], "prev_events": earlier, "auth_events": earlier}
        add_hash(old)
        # In this version a redaction leaves all of this event's fields as they are.
        signature = self.fake.key.sign(old)
        old["signatures"] = {self.fake.name: {self.fake.key.id: signature}}
        return old, [create]

    def _finished(self, event):
        add_hash(event)
        sign_event(event, self.fake.name, self.fake.key)
        return event, event_id(event)


class XMatrix(AuthBase):
    """The header of a request from one server to another, made when the request is complete."""

    def __init__(self, origin, destination):
        self._origin = origin
        self._destination = destination

    def __call__(self, request):
        content = None
        if request.body:
            try:
                content = json.loads(request.body)
            except ValueError:
                content = None
        target = urlsplit(request.url)
        uri = target.path + (f"?{target.query}" if target.query else "")
        request.headers["Authorization"] = self._origin.authorization(
            self._destination, request.method, uri, content
        )
        return request


def _event(kind, room_id, sender, state_key, content, earlier):
    return {
        "type": kind,
        "room_id": room_id,
        "sender": sender,
        "state_key": state_key,
        "content": content,
        "origin_server_ts": now(),
        "depth": len(earlier) + 1,
        "prev_events": earlier,
        "auth_events": earlier,
    }
