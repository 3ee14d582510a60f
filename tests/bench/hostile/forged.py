"""Rooms that exist only in what one server says, and events of them, right or wrong."""

import base64
import hashlib
import itertools
import os
import time

from crowd.room import ServerKey
from fake_server.events import (
    add_hash,
    base64_of,
    canonical_json,
    event_id,
    sign_event,
    without,
)

THEN = 1_700_000_000_000
"""When everything happened: events and their ids are the same in every process."""

_OLD_KEPT = {
    "event_id",
    "type",
    "room_id",
    "sender",
    "state_key",
    "content",
    "hashes",
    "depth",
    "prev_events",
    "prev_state",
    "auth_events",
    "origin",
    "origin_server_ts",
    "membership",
}
_OLD_KEPT_IN_CONTENT = {
    "m.room.create": {"creator"},
    "m.room.member": {"membership"},
    "m.room.join_rules": {"join_rule"},
    "m.room.power_levels": {
        "ban",
        "events",
        "events_default",
        "kick",
        "redact",
        "state_default",
        "users",
        "users_default",
    },
}


class Realm:
    """A public room of a liar; in versions 1 and 2 whoever makes an event chooses its id."""

    def __init__(self, server, version="11"):
        self.server, self.version = server, version
        self.key = ServerKey(server)
        self.creator = f"@liar:{server}"
        self.room_id = f"!lies:{server}"
        self._numbers = itertools.count(1)
        self.state = []
        content = {"room_version": version, "creator": self.creator}
        self.create = self.add("m.room.create", content)
        self.member = self.add("m.room.member", {"membership": "join"}, self.creator)
        levels = {"users": {self.creator: 100}, "state_default": 50, "users_default": 0}
        self.levels = self.add("m.room.power_levels", levels)
        self.rules = self.add("m.room.join_rules", {"join_rule": "public"})

    @property
    def is_old(self):
        """Whether events bring their ids."""
        return self.version in ("1", "2")

    @property
    def allowed(self):
        """The ids of the events that anybody may believe."""
        return {self.id(event) for event in self.state}

    def id(self, event):
        """An event's id."""
        return event["event_id"] if self.is_old else event_id(event)

    def add(self, kind, content, state_key="", **fields):
        """A further event of the state, as it should be."""
        event = self.event(kind, content, state_key, **fields)
        self.state.append(event)
        return event

    def event(self, kind, content, state_key="", **fields):
        """An event, signed; `fields` replace its own, and may be nonsense."""
        number = next(self._numbers)
        event = {
            "type": kind,
            "room_id": self.room_id,
            "sender": self.creator,
            "content": content,
            "origin_server_ts": THEN + number,
            "depth": number,
            "prev_events": self.references(self.state[-1:]),
            "auth_events": self.references(self.state[:3]),
            "state_key": state_key,
        }
        if self.is_old:
            event |= {"event_id": f"${number}:{self.server}", "origin": self.server}
        event |= fields
        self.seal(event)
        return event

    def seal(self, event):
        """Add hash and signature."""
        add_hash(event)
        if not self.is_old:
            sign_event(event, self.server, self.key)
            return
        kept = {name: field for name, field in event.items() if name in _OLD_KEPT}
        fields = _OLD_KEPT_IN_CONTENT.get(event["type"], set())
        content = event["content"].items()
        kept["content"] = {name: field for name, field in content if name in fields}
        event["signatures"] = {self.server: {self.key.id: self.key.sign(kept)}}

    def references(self, events):
        """How events are named in another one."""
        if not self.is_old:
            return [event_id(event) for event in events]
        return [self.reference(event["event_id"]) for event in events]

    def reference(self, identifier):
        """How an event is named in another one, by its id alone."""
        return [identifier, {"sha256": unknown_id()[1:]}] if self.is_old else identifier

    def template(self, user, **fields):
        """The answer to `make_join`."""
        auth = [self.create, self.levels, self.rules]
        event = {
            "type": "m.room.member",
            "room_id": self.room_id,
            "sender": user,
            "state_key": user,
            "content": {"membership": "join"},
            "origin_server_ts": THEN,
            "depth": 100,
            "prev_events": self.references(self.state[-1:]),
            "auth_events": self.references(auth),
            **fields,
        }
        return {"room_version": self.version, "event": event}


class Mint:
    """Messages of one member, each after 20 events that nobody has."""

    def __init__(self, room_id, sender, server, auth_events, depth):
        self._key, self._server = ServerKey(server), server
        self._event = {
            "type": "m.room.message",
            "room_id": room_id,
            "sender": sender,
            "depth": depth,
            "auth_events": auth_events,
            "origin_server_ts": THEN,
        }

    def message(self, body="after what nobody knows"):
        """One more."""
        event = {
            **self._event,
            "prev_events": [unknown_id() for _ in range(20)],
            "content": {"body": body, "msgtype": "m.text"},
        }
        digest = hashlib.sha256(canonical_json(event)).digest()
        event["hashes"] = {"sha256": base64_of(digest)}
        signed = {**event, "content": {}}
        event["signatures"] = {self._server: {self._key.id: self._key.sign(signed)}}
        return event


def now():
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def unknown_id():
    """The id of an event that does not exist."""
    return "$" + base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def unsigned(event):
    """The event without any signature."""
    return {**without(event, "signatures"), "signatures": {}}
