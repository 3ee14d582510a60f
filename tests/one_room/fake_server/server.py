"""The side of the fake server that asks: signed requests to another server."""

import itertools
import time
from urllib.parse import quote, urlencode

import requests
from ports import free_port

from fake_server.endpoint import serve
from fake_server.events import ROOM_VERSION, Key, add_hash, canonical_json, event_id, sign_event, without
from fake_server.room_copy import RoomCopy

_HOUR_MS = 3_600_000
_TIMEOUT = 30


class FakeServer:
    """A server on a loopback address of its own."""

    def __init__(self, authority, address, keys_valid_for_ms=24 * _HOUR_MS):
        port = free_port(address)
        self.name = f"{address}:{port}"
        self.key = Key("current")
        self.retired_key = Key("retired")
        self._valid_until = _now_ms() + keys_valid_for_ms
        self._authority = authority
        self._transactions = (f"fake-{_now_ms()}-{number}" for number in itertools.count())
        certificate, private_key = authority.issue(f"fake-{address}-{port}", address)
        self._endpoint = serve(
            address, port, certificate, private_key, self._key_document, self.signed
        )

    def close(self):
        """Answer no longer."""
        self._endpoint.shutdown()
        self._endpoint.server_close()

    def ask(self, target, method, uri, content=None, *, authorization=None):
        """A request signed with this server's key, or with the given header's value."""
        if authorization is None:
            authorization = self.authorization(target, method, uri, content)
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        return requests.request(
            method,
            f"https://{target.name}{uri}",
            data=None if content is None else canonical_json(content),
            headers=headers,
            verify=str(self._authority.certificate),
            timeout=_TIMEOUT,
        )

    def authorization(self, target, method, uri, content, *, origin=None, destination=None):
        """The value of the header that signs a request."""
        signed = {
            "method": method,
            "uri": uri,
            "origin": origin or self.name,
            "destination": destination or target.name,
        }
        if content is not None:
            signed["content"] = content
        return (
            f'X-Matrix origin="{signed["origin"]}",destination="{signed["destination"]}",'
            f'key="{self.key.id}",sig="{self.key.sign(signed)}"'
        )

    def join(self, target, room_id, localpart):
        """Let a user of this server join a room of another server."""
        user_id = f"@{localpart}:{self.name}"
        where = f"{quote(room_id, safe='')}/{quote(user_id, safe='')}"
        template = self.ask(
            target, "GET", f"/_matrix/federation/v1/make_join/{where}?ver={ROOM_VERSION}"
        )
        assert template.status_code == 200, template.text
        join = without(template.json()["event"], "hashes", "signatures", "event_id", "unsigned")
        join["origin_server_ts"] = _now_ms()
        add_hash(join)
        sign_event(join, self.name, self.key)
        where = f"{quote(room_id, safe='')}/{quote(event_id(join), safe='')}"
        answer = self.ask(target, "PUT", f"/_matrix/federation/v2/send_join/{where}", join)
        assert answer.status_code == 200, answer.text
        return RoomCopy(room_id, user_id, answer.json()["state"], join)

    def signed(self, event, key=None):
        """The event with this server's signature."""
        sign_event(event, self.name, key or self.key)
        return event

    def transaction(self, pdus, edus=()):
        """The path and the body of a new transaction."""
        uri = f"/_matrix/federation/v1/send/{next(self._transactions)}"
        body = {
            "origin": self.name,
            "origin_server_ts": _now_ms(),
            "pdus": list(pdus),
            "edus": list(edus),
        }
        return uri, body

    def send(self, target, pdus, edus=()):
        """Send a transaction as it should be sent."""
        uri, body = self.transaction(pdus, edus)
        return self.ask(target, "PUT", uri, body)

    def query(self, target, user_id):
        """A harmless request: somebody's profile."""
        query = urlencode({"user_id": user_id})
        return self.ask(target, "GET", f"/_matrix/federation/v1/query/profile?{query}")

    def _key_document(self):
        document = {
            "server_name": self.name,
            "valid_until_ts": self._valid_until,
            "verify_keys": {self.key.id: {"key": self.key.public}},
            "old_verify_keys": {
                self.retired_key.id: {
                    "key": self.retired_key.public,
                    "expired_ts": _now_ms() - _HOUR_MS,
                }
            },
        }
        document["signatures"] = {self.name: {self.key.id: self.key.sign(document)}}
        return document


def _now_ms():
    return int(time.time() * 1000)
