"""A user who talks to every node, over connections of his own."""

import json

import aiohttp
from matrix_http import path

_TIMEOUT = aiohttp.ClientTimeout(total=30)
_FILTER = json.dumps({"presence": {"types": []}, "room": {"timeline": {"limit": 20}}})
_LONG_POLL_MS = 10_000


class Refused(Exception):
    """A request that was answered with another status than 200."""

    def __init__(self, status, text):
        super().__init__(f"{status} {text}")
        self.status = status


class Person:
    """A session that means the same on every node; lives as long as its `async with`."""

    def __init__(self, account, urls):
        self.user_id = account.user_id
        self._token = account.token
        self._urls = urls
        self._session = None

    async def __aenter__(self):
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=_TIMEOUT,
            connector=aiohttp.TCPConnector(limit=0),
        )
        return self

    async def __aexit__(self, *_):
        await self._session.close()

    async def ask(self, node, method, where, **options):
        """The bytes of a node's answer."""
        async with self._session.request(method, self._urls[node] + where, **options) as answer:
            content = await answer.read()
            if answer.status != 200:
                raise Refused(answer.status, content.decode(errors="replace"))
            return content

    async def create_room(self, node):
        """A new public room; returns its id."""
        answer = await self.ask(node, "POST", path("createRoom"), json={"preset": "public_chat"})
        return json.loads(answer)["room_id"]

    async def join(self, node, room_id):
        """Join a room of this server."""
        await self.ask(node, "POST", path("join", room_id), json={})

    async def send(self, node, room_id, text):
        """Send a text, which is its transaction id too; returns the event's id."""
        where = path("rooms", room_id, "send", "m.room.message", text)
        content = {"msgtype": "m.text", "body": text}
        return json.loads(await self.ask(node, "PUT", where, json=content))["event_id"]

    async def sync(self, node, since=None):
        """The bytes of a sync, which waits for news if it goes on from a token."""
        query = {"filter": _FILTER, "set_presence": "offline"}
        query |= {"since": since, "timeout": _LONG_POLL_MS} if since else {}
        return await self.ask(node, "GET", path("sync"), params=query)
