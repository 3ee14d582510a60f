"""A Matrix server that says what it likes: right things, and wrong things on purpose."""

from fake_server.events import Key, event_id, sign_event
from fake_server.server import FakeServer

__all__ = ["FakeServer", "Key", "event_id", "sign_event"]
