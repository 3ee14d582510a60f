"""Canonical JSON, hashes and signatures of events, for room version 11."""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ROOM_VERSION = "11"

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

_KEPT_IN_CONTENT = {
    "m.room.member": {"membership", "join_authorised_via_users_server"},
    "m.room.join_rules": {"join_rule", "allow"},
    "m.room.history_visibility": {"history_visibility"},
    "m.room.redaction": {"redacts"},
    "m.room.power_levels": {
        "ban",
        "events",
        "events_default",
        "invite",
        "kick",
        "redact",
        "state_default",
        "users",
        "users_default",
    },
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


def sign_event(event, server_name, key):
    """Add the signature of what remains of the event after a redaction."""
    signature = key.sign(without(_redacted(event), "unsigned", "signatures"))
    event.setdefault("signatures", {}).setdefault(server_name, {})[key.id] = signature


def event_id(event):
    """The reference hash, by which everybody knows the event."""
    referred = without(_redacted(event), "unsigned", "signatures")
    digest = hashlib.sha256(canonical_json(referred)).digest()
    return "$" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _redacted(event):
    """The redaction rules of room version 11."""
    kept = {name: field for name, field in event.items() if name in _KEPT}
    if event["type"] != "m.room.create":
        fields = _KEPT_IN_CONTENT.get(event["type"], set())
        content = event["content"].items()
        kept["content"] = {name: field for name, field in content if name in fields}
    third_party = event["content"].get("third_party_invite", {})
    if event["type"] == "m.room.member" and "signed" in third_party:
        kept["content"]["third_party_invite"] = {"signed": third_party["signed"]}
    return kept
