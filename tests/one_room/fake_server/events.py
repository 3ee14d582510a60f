"""Canonical JSON, hashes and signatures of events, for room versions 1, 2 and 11."""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ROOM_VERSION = "11"
OLD_VERSIONS = ("1", "2")
"""Events of these versions bring their ids, and a redaction keeps other fields."""

_KEPT = {
    "auth_events",
    "content",
    "depth",
    "event_id",
    "hashes",
    "origin_server_ts",
    "prev_events",
    "room_id",
    "sender",
    "signatures",
    "state_key",
    "type",
}
_OLD_KEPT = {*_KEPT, "membership", "origin", "prev_state"}

_OLD_KEPT_IN_CONTENT = {
    "m.room.aliases": {"aliases"},
    "m.room.create": {"creator"},
    "m.room.history_visibility": {"history_visibility"},
    "m.room.join_rules": {"join_rule"},
    "m.room.member": {"membership"},
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
_KEPT_IN_CONTENT = {
    "m.room.history_visibility": {"history_visibility"},
    "m.room.join_rules": {"join_rule", "allow"},
    "m.room.member": {"membership", "join_authorised_via_users_server"},
    "m.room.power_levels": {*_OLD_KEPT_IN_CONTENT["m.room.power_levels"], "invite"},
    "m.room.redaction": {"redacts"},
}


class Key:
    """A signing key."""

    def __init__(self, name):
        self.id = f"ed25519:{name}"
        self._private = Ed25519PrivateKey.generate()

    @property
    def public(self):
        """The public half, as servers publish it."""
        return base64_of(self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, value):
        """The signature of a JSON value."""
        return base64_of(self._private.sign(canonical_json(value)))


def canonical_json(value):
    """The one encoding of a value that is hashed and signed."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def base64_of(data):
    """Base64 without padding."""
    return base64.b64encode(data).decode().rstrip("=")


def without(value, *fields):
    """A copy of an object that lacks some fields."""
    return {name: field for name, field in value.items() if name not in fields}


def add_hash(event):
    """Add the hash of the whole event."""
    hashed = without(event, "unsigned", "signatures", "hashes")
    event["hashes"] = {"sha256": base64_of(hashlib.sha256(canonical_json(hashed)).digest())}


def sign_event(event, server_name, key, room_version=ROOM_VERSION):
    """Add the signature of what remains of the event after a redaction."""
    redacted = _redacted(event, room_version)
    signature = key.sign(without(redacted, "unsigned", "signatures"))
    event.setdefault("signatures", {}).setdefault(server_name, {})[key.id] = signature


def event_id(event):
    """The reference hash, by which everybody knows the event."""
    referred = without(_redacted(event, ROOM_VERSION), "unsigned", "signatures")
    digest = hashlib.sha256(canonical_json(referred)).digest()
    return "$" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _redacted(event, room_version):
    """What the redaction rules of a room version keep of an event."""
    if room_version in OLD_VERSIONS:
        return _only(event, _OLD_KEPT, _OLD_KEPT_IN_CONTENT)
    if event["type"] == "m.room.create":
        return {**_only(event, _KEPT, {}), "content": event["content"]}
    kept = _only(event, _KEPT, _KEPT_IN_CONTENT)
    third_party = event["content"].get("third_party_invite", {})
    if event["type"] == "m.room.member" and "signed" in third_party:
        kept["content"]["third_party_invite"] = {"signed": third_party["signed"]}
    return kept


def _only(event, fields, fields_in_content):
    kept = {name: field for name, field in event.items() if name in fields}
    in_content = fields_in_content.get(event["type"], set())
    content = event["content"].items()
    kept["content"] = {name: field for name, field in content if name in in_content}
    return kept
