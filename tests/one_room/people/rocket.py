"""A person with Rocket.Chat clients.

Live messages come by rocketchat-async (DDP), history is read by rocketchat_API (REST), and frames
that neither library knows are read from a bare WebSocket.
"""

import rocketchat_async
from matrix_http import MatrixHttp
from rocketchat_API.APIExceptions.RocketExceptions import RocketApiException
from rocketchat_API.rocketchat import RocketChat
from waiting import eventually

from people.background import wait_for
from people.bare_ddp import BareDdp
from people.inbox import Inbox

_PASSWORD = "wonderland"


class RocketPerson:
    """Someone with an account on `server` who only knows Rocket.Chat."""

    def __init__(self, server, localpart):
        self.server = server
        self.localpart = localpart
        self.user_id = f"@{localpart}:{server.name}"
        self._messages = Inbox(localpart)
        self._live = rocketchat_async.RocketChat()
        self._rest = None
        self._frames = None

    def __str__(self):
        return self.localpart

    def arrives(self):
        """Register, and log in with all three clients."""
        MatrixHttp.register(self.server.url, self.localpart, _PASSWORD)
        self._rest = RocketChat(self.localpart, _PASSWORD, server_url=self.server.url)
        address = self.server.websocket_url
        wait_for(self._live.start(address, self.localpart, _PASSWORD))
        self._frames = BareDdp(address, self.localpart)
        self._frames.log_in(self._rest.headers["X-Auth-Token"])
        self._frames.subscribe("stream-notify-user", f"{self._live.user_id}/subscriptions-changed")
        return self

    def departs(self):
        """Close the connections."""
        if self._frames:
            self._frames.close()
            wait_for(self._close_live())

    # What the person does.

    def finds_channel(self, name):
        """Look a channel up by its name; returns Rocket.Chat's id of the room."""
        channel = eventually(lambda: self._channel(name), f"{self} finds the channel {name}")
        assert channel["t"] == "c", channel
        assert channel["name"] == name, channel
        return channel["_id"]

    def joins(self, room):
        """Join a channel and listen to it with every client."""
        channel = self._rest.channels_join(room.rid, join_code="")["channel"]
        assert channel["_id"] == room.rid, channel
        self.listens(room)

    def leaves(self, room):
        """Leave a channel."""
        answer = self._rest.channels_leave(room.rid)
        assert answer["success"], answer

    def listens(self, room):
        """Subscribe to a room's live messages and deletions."""
        wait_for(self._listen(room.rid))
        self._frames.subscribe("stream-notify-room", f"{room.rid}/deleteMessage")

    def says(self, room, text):
        """Send a text; returns the message's id."""
        wait_for(self._live.send_message(text, room.rid))
        return self.sees_text(room, text, self)

    def edits(self, room, message_id, text):
        """Change one's own text, and read the change back."""
        edited = self._rest.chat_update(room.rid, message_id, text)["message"]
        assert (edited["_id"], edited["msg"]) == (message_id, text), edited
        message = self._rest.chat_get_message(message_id)["message"]
        assert message["msg"] == text, message
        assert message["editedBy"]["username"] == self.localpart, message
        assert message["editedAt"], message

    def reacts(self, room, message_id, emoji):
        """React to a message."""
        wait_for(self._live.send_reaction(message_id, emoji.shortcode))

    def deletes(self, room, message_id):
        """Delete one's own message."""
        self._rest.chat_delete(room.rid, message_id)
        self.sees_deletion(room, message_id)

    # What the person sees.

    def sees_text(self, room, text, author):
        """Wait for a text; returns the message's id."""
        message = self._sees(
            room,
            f"the text {text!r}",
            lambda message: (
                message["msg"] == text and message["u"]["username"] == self._name_of(author)
            ),
        )
        return message["_id"]

    def sees_edit(self, room, message_id, text):
        """Wait until a message has a new text."""
        self._sees(
            room,
            f"{message_id} edited to {text!r}",
            lambda message: (
                (message["_id"], message["msg"]) == (message_id, text) and message.get("editedAt")
            ),
        )

    def sees_reaction(self, room, message_id, emoji, author):
        """Wait for somebody's reaction to a message."""

        def has_reaction(message):
            reaction = (message.get("reactions") or {}).get(emoji.shortcode, {})
            return message["_id"] == message_id and self._name_of(author) in reaction.get(
                "usernames", []
            )

        self._sees(room, f"{emoji.shortcode} by {author} on {message_id}", has_reaction)

    def sees_deletion(self, room, message_id):
        """Wait for the frame that takes a message away, after which it cannot be read."""
        self._frames.sees(
            "stream-notify-room",
            f"{room.rid}/deleteMessage",
            lambda args: args[0]["_id"] == message_id,
        )
        history = self._rest.channels_history(room.rid, count=50)
        assert message_id not in [message["_id"] for message in history]
        try:
            answer = self._rest.chat_get_message(message_id)
        except RocketApiException:
            return
        raise AssertionError(f"{self} can still read a deleted message: {answer}")

    def sees_membership(self, room, person, membership, by=None):
        """Wait until someone is, or is no longer, among the members of a channel.

        Rocket.Chat does not tell a ban from another way of leaving in its list of members.
        """
        name = self._name_of(person)
        expected = membership == "join"
        eventually(
            lambda: (name in self._members(room)) == expected, f"{self} sees {membership} of {name}"
        )

    def sees_own_removal(self, room):
        """Wait until one's subscription to a room is gone."""
        self._frames.sees(
            "stream-notify-user",
            f"{self._live.user_id}/subscriptions-changed",
            lambda args: args[0] == "removed" and args[1]["rid"] == room.rid,
        )
        rooms = wait_for(self._live.get_channels())
        assert room.rid not in [rid for rid, _ in rooms], rooms

    def _name_of(self, person):
        """Someone of another server appears under his full Matrix id."""
        return person.localpart if person.server is self.server else person.user_id

    def _channel(self, name):
        try:
            return self._rest.channels_info(channel=name)["channel"]
        except RocketApiException as error:
            raise AssertionError(f"channels.info: {error}") from error

    def _members(self, room):
        return [member["username"] for member in self._rest.channels_members(room.rid)]

    def _sees(self, room, what, matches):
        return self._messages.take(
            lambda message: message["rid"] == room.rid and matches(message), what
        )

    async def _close_live(self):
        # The library has no call for this: ending its task closes the connection.
        self._live._ws_connection_task.cancel()

    async def _listen(self, rid):
        await self._live.subscribe_to_channel_messages_raw(rid, self._messages.put)
        # The library does not wait for `ready`. A connection's frames are processed in order, so
        # the answer to a later method says that the subscription is in place.
        await self._live.get_channels()
