"""A generated room, and what its servers say of it.

Events of the room form one line, so the state before each is that after the one before. Whatever is
asked for often, or is large, is worked out once and kept as bytes.
"""

import functools
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fake_server.events import Key, event_id

VERSION = "11"
SEED = 1

_DAY_MS = 86_400_000


class ServerKey(Key):
    """The key with which a server signs in generated rooms: whoever knows its name knows it."""

    def __init__(self, server):
        seed = hashlib.sha256(f"roomgen {SEED} {server}".encode()).digest()
        self.id = "ed25519:gen"
        self._private = Ed25519PrivateKey.from_private_bytes(seed)

    def document(self, server, now):
        """What the server answers to a question for its keys."""
        document = {
            "server_name": server,
            "valid_until_ts": now + _DAY_MS,
            "verify_keys": {self.id: {"key": self.public}},
            "old_verify_keys": {},
        }
        document["signatures"] = {server: {self.id: self.sign(document)}}
        return document


class Room:
    """All events of the room, and joins that were sent to it later."""

    def __init__(self, lines):
        self._raw = {}
        self._events = []
        for line in lines:
            event = json.loads(line)
            identifier = event_id(event)
            self._raw[identifier] = line.strip()
            self._events.append((identifier, event))
        self._place = {identifier: place for place, (identifier, _) in enumerate(self._events)}
        self.room_id = self._events[0][1]["room_id"]

    @property
    def servers(self):
        """The servers of all members, the creator's first."""
        senders = (event["sender"] for _, event in self._events)
        return list(dict.fromkeys(sender.split(":", 1)[1] for sender in senders))

    @property
    def members(self):
        """Who is in the room."""
        return {
            key
            for (kind, key), identifier in self._state(self._end).items()
            if kind == "m.room.member"
            and self._event(identifier)["content"]["membership"] == "join"
        }

    @property
    def needed(self):
        """How many events a server has to check that joins: the state and what authorizes it."""
        state = list(self._state(self._end).values())
        return len({*state, *self._auth_chain(state)})

    def template(self, user):
        """The answer to `make_join`."""
        state = self._state(self._end)
        authorising = ["create", "power_levels", "join_rules"]
        latest, event = self._events[-1]
        return _json(
            {
                "room_version": VERSION,
                "event": {
                    "type": "m.room.member",
                    "room_id": self.room_id,
                    "sender": user,
                    "state_key": user,
                    "content": {"membership": "join"},
                    "origin_server_ts": event["origin_server_ts"],
                    "depth": event["depth"] + 1,
                    "prev_events": [latest],
                    "auth_events": [state[f"m.room.{kind}", ""] for kind in authorising],
                },
            }
        )

    def join(self, identifier, body, omit_members):
        """The answer to `send_join`; from now on the join is one of the room's events."""
        self._raw[identifier] = body
        return self._joined(omit_members) + b',"event":' + body + b"}"

    @functools.cache
    def _joined(self, omit_members):
        """All of that answer but the join."""
        state = self._state(self._end)
        if omit_members:
            state = {key: value for key, value in state.items() if key[0] != "m.room.member"}
        given = list(state.values())
        chain = self._auth_chain(given)
        if omit_members:
            chain = [one for one in chain if one not in state.values()]
        document = {
            "origin": self.servers[0],
            "members_omitted": omit_members,
            "servers_in_room": self.servers,
        }
        lists = self._lists(state=given, auth_chain=chain)
        return _json(document)[:-1] + b"," + lists

    def state(self, identifier):
        """The answer to `state`: the state before an event."""
        return self._state_answer(self._place.get(identifier, self._end))

    @functools.cache
    def _state_answer(self, place):
        state = list(self._state(place).values())
        return b"{" + self._lists(pdus=state, auth_chain=self._auth_chain(state)) + b"}"

    def state_ids(self, identifier):
        """The answer to `state_ids`."""
        return self._state_ids_answer(self._place.get(identifier, self._end))

    @functools.cache
    def _state_ids_answer(self, place):
        state = list(self._state(place).values())
        return _json({"pdu_ids": state, "auth_chain_ids": self._auth_chain(state)})

    def prepare(self):
        """Work out beforehand what everybody asks for who joins."""
        for omit_members in (True, False):
            self._joined(omit_members)
        for place in (self._end - 1, self._end):
            self._state_answer(place)
            self._state_ids_answer(place)

    def event(self, identifier):
        """The answer to `event`; None: there is no such event."""
        raw = self._raw.get(identifier)
        return raw and b'{"origin":"","origin_server_ts":0,"pdus":[' + raw + b"]}"

    def event_auth(self, identifier):
        """The answer to `event_auth`."""
        return b"{" + self._lists(auth_chain=self._auth_chain([identifier])) + b"}"

    def backfill(self, identifiers, limit):
        """The answer to `backfill`: these events and those before them, the latest first."""
        extra = [one for one in identifiers if one in self._raw and one not in self._place]
        end = max((self._place.get(one, self._end - 1) + 1 for one in identifiers), default=0)
        line = [identifier for identifier, _ in self._events[max(0, end - limit) : end]]
        return b"{" + self._lists(pdus=[*extra, *reversed(line)][:limit]) + b"}"

    def missing(self, earliest, latest, limit):
        """The answer to `get_missing_events`: those between these, the oldest first."""
        start = max((self._place[one] + 1 for one in earliest if one in self._place), default=0)
        end = max((self._place.get(one, self._end) for one in latest), default=0)
        between = [identifier for identifier, _ in self._events[start:end]]
        return b"{" + self._lists(events=between[-limit:]) + b"}"

    @property
    def _end(self):
        return len(self._events)

    def _event(self, identifier):
        place = self._place.get(identifier)
        return json.loads(self._raw[identifier]) if place is None else self._events[place][1]

    @functools.cache
    def _state(self, place):
        """The state before the event at a place: ids by type and key."""
        before = self._events[:place]
        keyed = (entry for entry in before if "state_key" in entry[1])
        return {(event["type"], event["state_key"]): identifier for identifier, event in keyed}

    def _auth_chain(self, identifiers):
        """What authorizes these events, directly or not."""
        seen, open_ends = {}, list(identifiers)
        while open_ends:
            for authorising in self._event(open_ends.pop())["auth_events"]:
                if authorising not in seen:
                    seen[authorising] = True
                    open_ends.append(authorising)
        return list(seen)

    def _lists(self, **lists):
        """Members of an object: lists of events by their ids."""
        listed = (
            b'"%b":[%b]' % (name.encode(), b",".join(self._raw[one] for one in identifiers))
            for name, identifiers in lists.items()
        )
        return b",".join(listed)


def _json(value):
    return json.dumps(value, separators=(",", ":")).encode()
