"""People with matrix-nio, which keeps rooms, members, receipts and counts but no timeline.

The timeline is kept here, as bots written with nio do it: what comes down the sync, with the gap of
a limited sync filled over /messages first.
"""

import asyncio
import json
from dataclasses import asdict
from urllib.parse import urlencode

import nio
from wire import Refused, serve, until

_PASSWORD = "wonderland"
_CONFIG = nio.AsyncClientConfig(max_timeouts=0, max_limit_exceeded=0, request_timeout=60)

_FILTER = {"room": {"timeline": {"unread_thread_notifications": True}}}


class Person:
    """One session of a user."""

    def __init__(self, url):
        self._url = url
        self._client = nio.AsyncClient(url, "", config=_CONFIG)
        self._client.add_global_account_data_callback(self._keep_account_data, None)
        self._client.add_ephemeral_callback(self._keep_typing, nio.TypingNoticeEvent)
        self._timelines = {}
        self._known = {}
        self._invitations = {}
        self._memberships = {}
        self._account_data = {}
        self._room_account_data = {}
        self._typing_seen = {}
        self._thread_counts = {}
        self._syncing = None

    async def close(self):
        """Stop, and close the connections."""
        await self.stop_syncing()
        await self._client.close()

    # Sessions.

    async def register(self, localpart, device):
        """A new account."""
        answer = await self._ask(self._client.register(localpart, _PASSWORD, device))
        return {"user_id": answer.user_id, "device_id": answer.device_id}

    async def log_in(self, localpart, device):
        """A further device of an account."""
        self._client.user = localpart
        answer = await self._ask(self._client.login(_PASSWORD, device))
        return {"user_id": answer.user_id, "device_id": answer.device_id}

    async def start_syncing(self):
        """Sync from where the last sync ended; returns after the first answer."""
        started = asyncio.Event()
        self._syncing = asyncio.create_task(self._sync(started))
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait([waiting, self._syncing], return_when=asyncio.FIRST_COMPLETED)
        if self._syncing.done():
            self._syncing.result()

    async def stop_syncing(self):
        """Go offline."""
        if self._syncing:
            self._syncing.cancel()
            await asyncio.wait([self._syncing])
            self._syncing = None

    # What the person does.

    async def create_room(self, visibility="private", preset=None, invite=(), **options):
        """Make a room; returns its id."""
        answer = await self._ask(
            self._client.room_create(
                visibility=nio.RoomVisibility[visibility],
                preset=nio.RoomPreset[preset] if preset else None,
                invite=invite,
                **options,
            )
        )
        return answer.room_id

    async def join(self, room):
        """Join by id or alias."""
        return (await self._ask(self._client.join(room))).room_id

    async def invite(self, room, user):
        """Invite someone."""
        await self._ask(self._client.room_invite(room, user))

    async def kick(self, room, user, reason):
        """Remove someone."""
        await self._ask(self._client.room_kick(room, user, reason))

    async def ban(self, room, user, reason):
        """Remove someone for good."""
        await self._ask(self._client.room_ban(room, user, reason))

    async def leave(self, room):
        """Leave, or decline an invitation."""
        await self._ask(self._client.room_leave(room))

    async def forget(self, room):
        """Forget a room that was left."""
        await self._ask(self._client.room_forget(room))

    async def send(self, room, type, content):
        """Send an event; returns its id."""
        return (await self._ask(self._client.room_send(room, type, content))).event_id

    async def set_state(self, room, type, content, key=""):
        """Change the room's state; returns the event's id."""
        return (await self._ask(self._client.room_put_state(room, type, content, key))).event_id

    async def redact(self, room, event, reason):
        """Redact an event; returns the redaction's id."""
        return (await self._ask(self._client.room_redact(room, event, reason))).event_id

    async def send_receipt(self, room, event, type="m.read", thread=None):
        """Say that one has read this far. The library knows receipts with a thread only."""
        if thread is None:
            await self.raw("POST", ["rooms", room, "receipt", type, event])
            return
        receipt_type = nio.ReceiptType(type)
        await self._ask(
            self._client.update_receipt_marker(room, event, receipt_type, thread_id=thread)
        )

    async def set_read_markers(self, room, fully_read, read):
        """Set the marker and the receipt at once."""
        await self._ask(self._client.room_read_markers(room, fully_read, read))

    async def set_typing(self, room, typing):
        """Type, or stop typing."""
        await self._ask(self._client.room_typing(room, typing, 30_000))

    async def set_display_name(self, name):
        """Take a name."""
        await self._ask(self._client.set_displayname(name))

    async def set_avatar(self, address):
        """Wear a picture."""
        await self._ask(self._client.set_avatar(address))

    async def set_account_data(self, type, content, room=None):
        """Keep something on the server; the library has no method for that."""
        await self.raw("PUT", [*self._private(room), "account_data", type], body=content)

    async def set_tag(self, room, tag, order=None):
        """Tag a room; the library has no method for that."""
        content = {} if order is None else {"order": order}
        await self.raw("PUT", [*self._private(room), "tags", tag], body=content)

    async def remove_tag(self, room, tag):
        """Remove a tag."""
        await self.raw("DELETE", [*self._private(room), "tags", tag])

    async def search(self, room_events):
        """Search; the library has no method for that."""
        body = {"search_categories": {"room_events": room_events}}
        return await self.raw("POST", ["search"], body=body)

    async def upgrade_room(self, room, version):
        """Replace a room with one of another version.

        The library's own method sends the tombstone and copies the state itself, which a client
        need not do: this is the server's endpoint.
        """
        path = ["rooms", room, "upgrade"]
        return (await self.raw("POST", path, body={"new_version": version}))["replacement_room"]

    async def raw(self, method, path, query=None, body=None, version="v3"):
        """A request with the library's connection and token."""
        where = nio.Api._build_path(path, base_path=f"/_matrix/client/{version}")
        if query:
            where += "?" + urlencode(query)
        headers = {"Authorization": f"Bearer {self._client.access_token}"}
        if method in ("POST", "PUT"):
            headers["Content-Type"] = "application/json"
            body = json.dumps(body or {})
        response = await self._client.send(method, where, body, headers)
        answer = await response.json()
        if response.status != 200:
            raise Refused(response.status, answer.get("errcode"))
        return answer

    # What the person waits for.

    async def sees(self, room, event):
        """Wait until an event is in the timeline."""
        await self._until(lambda: event in self._known.get(room, ()), f"{event} in {room}")

    async def sees_invitation(self, room):
        """Wait for an invitation."""
        await self._until(lambda: room in self._invitations, f"an invitation to {room}")

    async def sees_membership(self, room, membership):
        """Wait until a sync tells of this membership of one's own."""
        await self._until(
            lambda: self._memberships.get(room) == membership, f"{membership} of {room}"
        )

    async def sees_typing(self, room, user):
        """Wait until someone types."""
        await self._until(lambda: user in self._typing_seen.get(room, ()), f"{user} types")

    # What the person ends with.

    async def remembers(self):
        """Everything that the client knows now."""
        return {
            "rooms": {
                room_id: self._room(room)
                for room_id, room in self._client.rooms.items()
                if self._memberships.get(room_id) == "join"
            },
            "left": sorted(room for room, how in self._memberships.items() if how == "leave"),
            "invitations": self._invitations,
            "account_data": self._account_data,
        }

    async def history(self, room, filter=None):
        """The whole room from its end to its beginning, by the library's pagination."""
        events, position = [], None
        while True:
            page = await self._ask(
                self._client.room_messages(
                    room, start=position, limit=100, message_filter=filter
                )
            )
            events += [_event(event) for event in page.chunk]
            if not page.end:
                return events
            position = page.end

    def _room(self, room):
        return {
            "name": room.display_name,
            "own_name": room.name,
            "topic": room.topic,
            "alias": room.canonical_alias,
            "avatar": room.room_avatar_url,
            "version": room.room_version,
            "type": room.room_type,
            "join_rule": room.join_rule,
            "history_visibility": room.history_visibility,
            "guest_access": room.guest_access,
            "replacement": room.replacement_room,
            "children": sorted(room.children),
            "members": {
                user_id: {
                    "name": user.display_name,
                    "avatar": user.avatar_url,
                    "invited": user.invited,
                    "power": user.power_level,
                }
                for user_id, user in sorted(room.users.items())
            },
            "levels": vars(room.power_levels.defaults) | {"events": room.power_levels.events},
            "summary": room.summary and vars(room.summary),
            "unread": room.unread_notifications,
            "highlights": room.unread_highlights,
            "unread_threads": self._thread_counts.get(room.room_id),
            "fully_read": room.fully_read_marker,
            "tags": room.tags,
            "account_data": self._room_account_data.get(room.room_id, {}),
            "receipts": {user: _receipt(each) for user, each in room.read_receipts.items()},
            "threaded_receipts": {
                thread: {user: _receipt(each) for user, each in receipts.items()}
                for thread, receipts in room.threaded_read_receipts.items()
            },
            "typing": room.typing_users,
            "timeline": self._timelines.get(room.room_id, []),
        }

    async def _sync(self, started):
        while True:
            since = self._client.next_batch
            response = await self._client.sync(30_000, _FILTER, since or None)
            if isinstance(response, nio.SyncError):
                raise Refused(response.transport_response.status, response.status_code)
            await self._keep(response)
            started.set()

    async def _keep(self, response):
        """What the library does not keep."""
        for room_id, invited in response.rooms.invite.items():
            self._memberships[room_id] = "invite"
            self._invitations[room_id] = [_event(event) for event in invited.invite_state]
        for room_id, room in response.rooms.join.items():
            self._memberships[room_id] = "join"
            await self._keep_room(room_id, room)
        for room_id, room in response.rooms.leave.items():
            self._memberships[room_id] = "leave"
            await self._keep_room(room_id, room, has_left=True)

    async def _keep_room(self, room_id, room, has_left=False):
        missed = []
        if room.timeline.limited and not has_left:
            missed = await self._missed(room_id, room.timeline.prev_batch)
        for event in [*missed, *map(_event, room.timeline.events)]:
            self._keep_event(room_id, event)
        for event in room.account_data or []:
            kept = self._room_account_data.setdefault(room_id, {})
            kept[_kind(event)] = _fields(event)
        if room.unread_thread_notifications:
            self._thread_counts[room_id] = {
                thread: vars(count) for thread, count in room.unread_thread_notifications.items()
            }

    async def _missed(self, room_id, position):
        """What lies between the last event that is known and this position, oldest first."""
        known, missed = self._known.get(room_id, set()), []
        while position:
            page = await self._ask(
                self._client.room_messages(room_id, start=position, limit=20)
            )
            for event in map(_event, page.chunk):
                if event["event_id"] in known:
                    return missed[::-1]
                missed.append(event)
            position = page.end
        return missed[::-1]

    def _keep_event(self, room_id, event):
        known = self._known.setdefault(room_id, set())
        if event["event_id"] not in known:
            known.add(event["event_id"])
            self._timelines.setdefault(room_id, []).append(event)

    async def _keep_account_data(self, event):
        self._account_data[_kind(event)] = _fields(event)

    async def _keep_typing(self, room, event):
        self._typing_seen.setdefault(room.room_id, set()).update(event.users)

    async def _until(self, look, what):
        def looks():
            if self._syncing.done():
                self._syncing.result()
            return look()

        await until(looks, what)

    def _private(self, room):
        """Where the server keeps what only this user sees."""
        return ["user", self._client.user_id, *(["rooms", room] if room else [])]

    async def _ask(self, request):
        response = await request
        if isinstance(response, nio.ErrorResponse):
            raise Refused(response.transport_response.status, response.status_code)
        return response


def _event(event):
    """An event as the server sent it, and the class that the library made of it."""
    return {**event.source, "parsed_as": type(event).__name__}


def _kind(event):
    """The type of account data, or the library's name for it."""
    return getattr(event, "type", type(event).__name__)


def _fields(event):
    """What the library took from an event of account data."""
    return json.loads(json.dumps(asdict(event), default=str))


def _receipt(receipt):
    return {"event": receipt.event_id, "type": str(receipt.receipt_type)}


if __name__ == "__main__":
    serve(Person)
