"""A person with a Matrix client: matrix-nio."""

import nio
from waiting import eventually

from people.background import keep_running, wait_for
from people.inbox import Inbox

_PASSWORD = "wonderland"
_LONG_POLL_MS = 10_000

# A server that does not answer is an error at once, not something to try again for ever.
_NO_PATIENCE = nio.AsyncClientConfig(max_timeouts=0, max_limit_exceeded=0, request_timeout=30)


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, response):
        super().__init__(str(response))
        self.code = response.status_code


class MatrixPerson:
    """Someone with an account on `server` and a client that never stops syncing."""

    def __init__(self, server, localpart):
        self.server = server
        self.localpart = localpart
        self.user_id = f"@{localpart}:{server.name}"
        self._client = nio.AsyncClient(server.url, localpart, config=_NO_PATIENCE)
        self._timeline = Inbox(localpart)
        self._invites = Inbox(localpart)
        self._stop_syncing = None

    def __str__(self):
        return self.localpart

    def arrives(self):
        """Register, and start to sync."""
        self._ask(self._client.register(self.localpart, _PASSWORD))
        self._stop_syncing = keep_running(self._sync())
        return self

    def departs(self):
        """Close the client."""
        if self._stop_syncing:
            self._stop_syncing()
        wait_for(self._client.close())

    # What the person does.

    def creates_public_room(self, name, version):
        """A public room, listed in the directory, with an alias equal to its name."""
        options = {"name": name, "alias": name, "room_version": version}
        return self._ask(
            self._client.room_create(
                visibility=nio.RoomVisibility.public,
                preset=nio.RoomPreset.public_chat,
                **options,
            )
        ).room_id

    def creates_direct_room(self, partner, version):
        """A room for two that the partner is invited to."""
        return self._ask(
            self._client.room_create(
                preset=nio.RoomPreset.trusted_private_chat,
                is_direct=True,
                invite=[partner.user_id],
                room_version=version,
            )
        ).room_id

    def joins(self, room_id_or_alias):
        """Join, and wait until the join has come down the sync."""
        room_id = self._ask(self._client.join(room_id_or_alias)).room_id
        eventually(lambda: room_id in self._client.rooms, f"{self} is in {room_id}")
        return room_id

    def says(self, room, text):
        """Send a text; returns its event id."""
        return self._sends(room, "m.room.message", {"msgtype": "m.text", "body": text})

    def edits(self, room, event_id, text):
        """Replace one's own text."""
        content = {
            "msgtype": "m.text",
            "body": f"* {text}",
            "m.new_content": {"msgtype": "m.text", "body": text},
            "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
        }
        self._sends(room, "m.room.message", content)

    def reacts(self, room, event_id, emoji):
        """Annotate a message."""
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": emoji.unicode}
        self._sends(room, "m.reaction", {"m.relates_to": relation})

    def deletes(self, room, event_id):
        """Redact a message."""
        self._ask(self._client.room_redact(room.room_id, event_id))

    def invites(self, room, person):
        """Invite someone."""
        self._ask(self._client.room_invite(room.room_id, person.user_id))

    def leaves(self, room):
        """Leave the room."""
        self._ask(self._client.room_leave(room.room_id))

    def kicks(self, room, person):
        """Remove someone who may come back."""
        self._ask(self._client.room_kick(room.room_id, person.user_id))

    def bans(self, room, person):
        """Remove someone for good."""
        self._ask(self._client.room_ban(room.room_id, person.user_id))

    # What the person sees.

    def sees_invite(self, room_id):
        """Wait for an invitation."""
        self._invites.take(lambda invited: invited == room_id, f"an invitation to {room_id}")

    def sees_text(self, room, text, author):
        """Wait for a text; returns its event id."""
        event = self._sees(
            room,
            f"the text {text!r}",
            lambda event: (
                isinstance(event, nio.RoomMessageText)
                and event.body == text
                and event.sender == author.user_id
            ),
        )
        return event.event_id

    def sees_edit(self, room, event_id, text):
        """Wait until a message has a new text."""

        def is_edit(event):
            content = event.source.get("content", {})
            relation = content.get("m.relates_to", {})
            return (
                isinstance(event, nio.RoomMessageText)
                and relation.get("rel_type") == "m.replace"
                and relation.get("event_id") == event_id
                and content.get("m.new_content", {}).get("body") == text
            )

        self._sees(room, f"{event_id} edited to {text!r}", is_edit)

    def sees_reaction(self, room, event_id, emoji, author):
        """Wait for somebody's annotation of a message."""
        self._sees(
            room,
            f"{emoji.unicode} by {author.user_id} on {event_id}",
            lambda event: (
                isinstance(event, nio.ReactionEvent)
                and (event.reacts_to, event.key) == (event_id, emoji.unicode)
                and event.sender == author.user_id
            ),
        )

    def sees_deletion(self, room, event_id):
        """Wait for the redaction, after which the server no longer tells the text."""
        self._sees(
            room,
            f"the redaction of {event_id}",
            lambda event: isinstance(event, nio.RedactionEvent) and event.redacts == event_id,
        )
        answer = self._ask(self._client.room_get_event(room.room_id, event_id))
        assert "body" not in answer.event.source["content"], answer.event.source

    def sees_membership(self, room, person, membership, by=None):
        """Wait until someone's membership changes, to the given value and by the given person."""
        sender = (by or person).user_id
        self._sees(
            room,
            f"{membership} of {person.user_id} by {sender}",
            lambda event: (
                isinstance(event, nio.RoomMemberEvent)
                and (event.state_key, event.membership) == (person.user_id, membership)
                and event.sender == sender
            ),
        )

    def _sends(self, room, event_type, content):
        return self._ask(self._client.room_send(room.room_id, event_type, content)).event_id

    def _sees(self, room, what, matches):
        return self._timeline.take(lambda seen: seen[0] == room.room_id and matches(seen[1]), what)[
            1
        ]

    def _ask(self, request):
        response = wait_for(request)
        if isinstance(response, nio.ErrorResponse):
            raise Refused(response)
        return response

    async def _sync(self):
        while True:
            response = await self._client.sync(timeout=_LONG_POLL_MS)
            if isinstance(response, nio.SyncError):
                raise Refused(response)
            for room_id in response.rooms.invite:
                self._invites.put(room_id)
            for room_id, news in (response.rooms.join | response.rooms.leave).items():
                for event in news.timeline.events:
                    self._timeline.put((room_id, event))
