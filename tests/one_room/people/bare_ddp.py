"""A bare WebSocket that speaks DDP, for frames that the client libraries do not show."""

import itertools
import json

import websockets

from people.background import keep_running, wait_for
from people.inbox import Inbox


class BareDdp:
    """One connection."""

    def __init__(self, address, owner):
        self._frames = Inbox(f"{owner}'s bare WebSocket")
        self._ids = (f"bare-{number}" for number in itertools.count(1))
        self._socket = wait_for(self._connect(address))
        self._stop_reading = keep_running(self._read())
        self.send({"msg": "connect", "version": "1", "support": ["1"]})
        self._frames.take(lambda frame: frame.get("msg") == "connected", "connected")

    def close(self):
        """Close the connection."""
        self._stop_reading()
        wait_for(self._socket.close())

    def send(self, frame):
        """Send a frame."""
        wait_for(self._socket.send(json.dumps(frame)))

    def log_in(self, token):
        """Resume a session with its token."""
        result = self.call("login", {"resume": token})
        assert "error" not in result, result

    def call(self, method, *params):
        """Call a method; returns the result frame."""
        number = next(self._ids)
        self.send({"msg": "method", "method": method, "id": number, "params": params})
        return self._frames.take(
            lambda frame: frame.get("msg") == "result" and frame.get("id") == number,
            f"the result of {method}",
        )

    def subscribe(self, stream, event):
        """Subscribe to a stream's event and wait until the server is ready."""
        number = next(self._ids)
        options = {"useCollection": False, "args": []}
        self.send({"msg": "sub", "id": number, "name": stream, "params": [event, options]})
        self._frames.take(
            lambda frame: frame.get("msg") == "ready" and number in frame.get("subs", []),
            f"ready for {stream} {event}",
        )

    def sees(self, stream, event, matches):
        """Wait for a stream's event whose arguments match."""

        def is_it(frame):
            fields = frame.get("fields", {})
            return (
                frame.get("collection") == stream
                and fields.get("eventName") == event
                and matches(fields.get("args", []))
            )

        self._frames.take(is_it, f"{stream} {event}")

    async def _connect(self, address):
        return await websockets.connect(address)

    async def _read(self):
        async for text in self._socket:
            frame = json.loads(text)
            if frame.get("msg") == "ping":
                await self._socket.send(json.dumps({"msg": "pong"}))
            self._frames.put(frame)
