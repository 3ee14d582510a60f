"""People with mautrix, whose client keeps members and power levels and hands every event on.

What a bridge would keep is kept here, from the event handlers of the library.
"""

import asyncio
import logging
from collections import defaultdict

from mautrix.api import HTTPAPI, Method, Path
from mautrix.client import Client, InternalEventType
from mautrix.client.state_store import MemoryStateStore
from mautrix.errors import MatrixRequestError
from mautrix.types import (
    ContentURI,
    EventType,
    GenericEvent,
    PaginationDirection,
    PresenceState,
    RoomCreatePreset,
    RoomDirectoryVisibility,
    RoomTagInfo,
)
from wire import Refused, serve, until

_PASSWORD = "wonderland"


class Person:
    """One session of a user."""

    def __init__(self, url):
        self._client = Client(api=HTTPAPI(base_url=url), state_store=MemoryStateStore())
        self._client.presence = PresenceState.ONLINE
        self._client.add_event_handler(EventType.ALL, self._keep, wait_sync=True)
        self._client.add_event_handler(
            InternalEventType.SYNC_SUCCESSFUL, self._before, wait_sync=True
        )
        self._timelines = defaultdict(dict)
        self._account_data = {}
        self._room_data = defaultdict(dict)
        self._receipts = defaultdict(dict)
        self._typed = defaultdict(set)
        self._typing = {}
        self._counts = {}
        self._memberships = {}
        self._invitations = {}
        self._complaints = _Complaints()
        self._syncs = 0

    async def close(self):
        """Stop, and close the connections."""
        self._client.stop()
        await self._client.api.session.close()

    # Sessions.

    async def register(self, localpart, device):
        """A new account; the library has no method for that."""
        answer = await self._refusable(
            self._client.api.request(
                Method.POST,
                Path.v3.register,
                {
                    "username": localpart,
                    "password": _PASSWORD,
                    "initial_device_display_name": device,
                    "auth": {"type": "m.login.dummy"},
                },
            )
        )
        self._client.mxid = answer["user_id"]
        self._client.device_id = answer["device_id"]
        self._client.api.token = answer["access_token"]
        return {"user_id": answer["user_id"], "device_id": answer["device_id"]}

    async def log_in(self, localpart, device):
        """A further device of an account."""
        answer = await self._refusable(
            self._client.login(localpart, password=_PASSWORD, device_name=device)
        )
        return {"user_id": answer.user_id, "device_id": answer.device_id}

    async def start_syncing(self):
        """Sync from where the last sync ended; returns after the first answer."""
        before = self._syncs
        self._client.start(None)
        await until(lambda: self._syncs > before, "a first sync")

    async def stop_syncing(self):
        """Go offline."""
        task = self._client.syncing_task
        self._client.stop()
        await asyncio.wait([task])

    # What the person does.

    async def create_room(self, visibility="private", preset="private_chat", **options):
        """Make a room; returns its id."""
        return await self._refusable(
            self._client.create_room(
                visibility=RoomDirectoryVisibility(visibility),
                preset=RoomCreatePreset(preset),
                alias_localpart=options.pop("alias", None),
                invitees=options.pop("invite", []),
                **options,
            )
        )

    async def join(self, room):
        """Join by id or alias."""
        if room.startswith("#"):
            return await self._refusable(self._client.join_room(room, max_retries=0))
        return await self._refusable(self._client.join_room_by_id(room))

    async def invite(self, room, user):
        """Invite someone."""
        await self._refusable(self._client.invite_user(room, user))

    async def kick(self, room, user, reason):
        """Remove someone."""
        await self._refusable(self._client.kick_user(room, user, reason))

    async def ban(self, room, user, reason):
        """Remove someone for good."""
        await self._refusable(self._client.ban_user(room, user, reason))

    async def leave(self, room):
        """Leave, or decline an invitation."""
        await self._refusable(self._client.leave_room(room))

    async def forget(self, room):
        """Forget a room that was left."""
        await self._refusable(self._client.forget_room(room))

    async def send(self, room, type, content):
        """Send an event; returns its id."""
        kind = EventType.find(type, EventType.Class.MESSAGE)
        return await self._refusable(self._client.send_message_event(room, kind, content))

    async def set_state(self, room, type, content, key=""):
        """Change the room's state; returns the event's id."""
        kind = EventType.find(type, EventType.Class.STATE)
        return await self._refusable(self._client.send_state_event(room, kind, content, key))

    async def redact(self, room, event, reason):
        """Redact an event; returns the redaction's id."""
        return await self._refusable(self._client.redact(room, event, reason))

    async def send_receipt(self, room, event, type="m.read", thread=None):
        """Say that one has read this far. The library knows no threads here."""
        if thread is None:
            await self._refusable(self._client.send_receipt(room, event, type))
            return
        path = ["rooms", room, "receipt", type, event]
        await self.raw("POST", path, body={"thread_id": thread})

    async def set_read_markers(self, room, fully_read, read):
        """Set the marker and the receipt at once."""
        await self._refusable(self._client.set_fully_read_marker(room, fully_read, read))

    async def set_typing(self, room, typing):
        """Type, or stop typing."""
        await self._refusable(self._client.set_typing(room, 30_000 if typing else 0))

    async def set_display_name(self, name):
        """Take a name."""
        await self._refusable(self._client.set_displayname(name))

    async def set_avatar(self, address):
        """Wear a picture."""
        await self._refusable(self._client.set_avatar_url(ContentURI(address)))

    async def set_account_data(self, type, content, room=None):
        """Keep something on the server."""
        await self._refusable(self._client.set_account_data(type, content, room))

    async def set_tag(self, room, tag, order=None):
        """Tag a room."""
        info = RoomTagInfo(order=order) if order is not None else None
        await self._refusable(self._client.set_room_tag(room, tag, info))

    async def remove_tag(self, room, tag):
        """Remove a tag."""
        await self._refusable(self._client.remove_room_tag(room, tag))

    async def search(self, room_events):
        """Search; the library has no method for that."""
        body = {"search_categories": {"room_events": room_events}}
        return await self.raw("POST", ["search"], body=body)

    async def upgrade_room(self, room, version):
        """Replace a room with one of another version; the library has no method for that."""
        path = ["rooms", room, "upgrade"]
        return (await self.raw("POST", path, body={"new_version": version}))["replacement_room"]

    async def raw(self, method, path, query=None, body=None, version="v3"):
        """A request with the library's connection and token."""
        where = getattr(Path, version)
        for segment in path:
            where = where[segment]
        if method in ("POST", "PUT"):
            body = body or {}
        return await self._refusable(
            self._client.api.request(Method(method), where, body, query_params=query or {})
        )

    # What the person waits for.

    async def sees(self, room, event):
        """Wait until an event is in the timeline."""
        await until(lambda: event in self._timelines[room], f"{event} in {room}")

    async def sees_invitation(self, room):
        """Wait for an invitation."""
        await until(lambda: room in self._invitations, f"an invitation to {room}")

    async def sees_membership(self, room, membership):
        """Wait until a sync tells of this membership of one's own."""
        await until(lambda: self._memberships.get(room) == membership, f"{membership} of {room}")

    async def sees_typing(self, room, user):
        """Wait until someone types."""
        await until(lambda: user in self._typed[room], f"{user} types")

    # What the person ends with.

    async def remembers(self):
        """Everything that has come through the handlers and into the library's store."""
        joined = [room for room, how in self._memberships.items() if how == "join"]
        return {
            "rooms": {room: await self._room(room) for room in joined},
            "left": sorted(room for room, how in self._memberships.items() if how == "leave"),
            "invitations": self._invitations,
            "account_data": self._account_data,
            "complaints": self._complaints.lines,
        }

    async def history(self, room, filter=None):
        """The whole room from its end to its beginning, by the library's pagination."""
        events, position = [], None
        while True:
            page = await self._refusable(
                self._client.get_messages(
                    room, PaginationDirection.BACKWARD, position, limit=100, filter_json=filter
                )
            )
            events += [_event(event) for event in page.events]
            if not page.end:
                return events
            position = page.end

    async def _room(self, room):
        store = self._client.state_store
        members = store.members.get(room, {})
        levels = store.power_levels.get(room)
        state = await self._refusable(self._client.get_state(room))
        return {
            "members": {user: member.serialize() for user, member in sorted(members.items())},
            "power_levels": levels.serialize() if levels else None,
            "version": getattr(store.create.get(room), "content", None)
            and store.create[room].content.serialize(),
            "state": {f"{event.type} {event.state_key}": _event(event) for event in state},
            "unread": self._counts.get(room),
            "receipts": self._receipts[room],
            "typing": self._typing.get(room, []),
            "account_data": self._room_data[room],
            "timeline": list(self._timelines[room].values()),
        }

    async def _before(self, answer):
        """Look at a sync before the library hands out its events: memberships, gaps, counts."""
        rooms = answer["data"].get("rooms", {})
        for membership in ("invite", "join", "leave"):
            for room in rooms.get(membership, {}):
                self._memberships[room] = membership
        for room, invitation in rooms.get("invite", {}).items():
            self._invitations[room] = invitation["invite_state"]["events"]
        for room, news in rooms.get("join", {}).items():
            if news.get("timeline", {}).get("limited"):
                await self._fill(room, news["timeline"].get("prev_batch"))
            if "unread_notifications" in news:
                self._counts[room] = news["unread_notifications"]
            for event in news.get("account_data", {}).get("events", []):
                self._room_data[room][event["type"]] = event["content"]
        self._syncs += 1

    async def _fill(self, room, position):
        """Fetch what lies between the last event that is known and this position."""
        known, missed = self._timelines[room], []
        while position:
            page = await self._client.get_messages(
                room, PaginationDirection.BACKWARD, position, limit=20
            )
            for event in page.events:
                if event.event_id in known:
                    position = None
                    break
                missed.append(event)
            else:
                position = page.end
        for event in reversed(missed):
            known.setdefault(event.event_id, _event(event))

    async def _keep(self, event):
        """The handler of every event that the library hands out."""
        kind = event.type
        if kind.is_account_data:
            if not getattr(event, "room_id", None):
                self._account_data[str(kind)] = event.content.serialize()
        elif kind == EventType.RECEIPT:
            for event_id, receipts in event.content.serialize().items():
                for type, users in receipts.items():
                    for user, receipt in users.items():
                        thread = receipt.get("thread_id", "")
                        self._receipts[event.room_id][f"{type} {user} {thread}"] = event_id
        elif kind == EventType.TYPING:
            self._typed[event.room_id].update(event.content.user_ids)
            self._typing[event.room_id] = event.content.user_ids
        elif getattr(event, "event_id", None) and self._memberships.get(event.room_id) != "invite":
            if "TIMELINE" in str(event.source):
                self._timelines[event.room_id].setdefault(event.event_id, _event(event))

    async def _refusable(self, request):
        try:
            return await request
        except MatrixRequestError as error:
            raise Refused(error.http_status, error.errcode) from error


class _Complaints(logging.Handler):
    """What the library could not read."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []
        logging.getLogger("mau").addHandler(self)

    def emit(self, record):
        """A line of the log."""
        if "deserialize" in record.getMessage():
            self.lines.append(record.getMessage())


def _event(event):
    """An event as the library read it."""
    read = event.serialize()
    read["parsed_as"] = type(event).__name__
    read.get("unsigned", {}).pop("age", None)
    if isinstance(event, GenericEvent):
        read["content_as"] = type(event.content).__name__
    return read


if __name__ == "__main__":
    serve(Person)
