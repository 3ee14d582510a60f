"""Rooms that exist only in what one server says, and events of them, right or wrong."""

import base64
import itertools
import os
import time

from crowd.room import ServerKey
from fake_server.events import OLD_VERSIONS, add_hash, event_id, sign_event, without

THEN = 1_700_000_000_000
"""When everything happened: events and their ids are the same in every process."""


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
        return self.version in OLD_VERSIONS

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
        add_hash(event)
        sign_event(event, self.server, self.key, self.version)
        return event

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
        add_hash(event)
        sign_event(event, self._server, self._key)
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
