"""What the fake server knows of a room that it has joined."""

import time

from fake_server.events import add_hash, event_id

_AUTHORISING = [("m.room.create", ""), ("m.room.power_levels", "")]


class RoomCopy:
    """Enough of a room to build the next event of one member."""

    def __init__(self, room_id, sender, state, join):
        self.room_id = room_id
        self.sender = sender
        self._state = {(event["type"], event["state_key"]): event_id(event) for event in state}
        self._state["m.room.member", sender] = event_id(join)
        self._latest = event_id(join)
        self._depth = join["depth"]

    def next_event(self, **fields):
        """A text that follows the latest event, hashed but not signed; `fields` replace its own."""
        events = [*_AUTHORISING, ("m.room.member", self.sender)]
        event = {
            "type": "m.room.message",
            "room_id": self.room_id,
            "sender": self.sender,
            "content": {"msgtype": "m.text", "body": "from the fake server"},
            "origin_server_ts": int(time.time() * 1000),
            "depth": self._depth + 1,
            "prev_events": [self._latest],
            "auth_events": [self._state[event] for event in events if event in self._state],
            **fields,
        }
        add_hash(event)
        return event

    def follow(self, event):
        """Later events come after this one."""
        self._latest = event_id(event)
        self._depth = event["depth"]
