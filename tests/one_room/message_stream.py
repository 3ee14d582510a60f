"""A writer and a reader who do not give up when their server goes away for a moment."""

import asyncio
import json
import random
import time

import aiohttp
from matrix_http import path



class Unavailable(Exception):
    """The server asks to try again."""


_GONE = (aiohttp.ClientError, asyncio.TimeoutError, OSError, Unavailable)
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_PUT_TIMEOUT = aiohttp.ClientTimeout(total=10)
_PAUSE = 0.05
_DEADLINE = 60
_LONG_POLL_MS = 5_000
_IN_FLIGHT = 0.02
_EVERYTHING = json.dumps({"room": {"timeline": {"limit": 1000}}})


async def _accept(answer):
    """Fails unless the request was answered; 502 to 504 are no answer."""
    if answer.status in (502, 503, 504):
        raise Unavailable(await answer.text())
    assert answer.status == 200, await answer.text()


class _Client:
    """A connection pool that lives as long as its `async with`."""

    def __init__(self, user, room_id):
        self._user = user
        self._room_id = room_id
        self._session = None

    async def __aenter__(self):
        headers = {"Authorization": f"Bearer {self._user.token}"}
        self._session = aiohttp.ClientSession(
            self._user.url,
            headers=headers,
            timeout=_TIMEOUT,
            connector=aiohttp.TCPConnector(limit=0),
        )
        return self

    async def __aexit__(self, *_):
        await self._session.close()


class Writer(_Client):
    """Sends numbered messages and remembers which have been acknowledged."""

    def __init__(self, user, room_id):
        super().__init__(user, room_id)
        self._numbers = iter(range(1_000_000))
        self._unanswered = {}
        self.acknowledged = {}
        """The event id by the number of the message, which is its transaction id."""
        self.longest_wait = 0.0
        """Seconds from the first attempt at a message to its acknowledgement, at most."""

    async def write(self, per_second, until, then):
        """Send at a steady rate until the condition holds; call `then` with requests in flight.

        The moment is drawn at random, so that it hits another point of the server's work each time.
        """
        requests = []
        start = time.monotonic()
        while not until():
            requests.append(asyncio.create_task(self._try(next(self._numbers))))
            await asyncio.sleep(max(0.0, start + len(requests) / per_second - time.monotonic()))
            assert time.monotonic() < start + _DEADLINE, "the server acknowledges too little"
        requests += [asyncio.create_task(self._try(next(self._numbers))) for _ in range(3)]
        await asyncio.sleep(random.uniform(0, _IN_FLIGHT))
        then()
        await asyncio.gather(*requests)

    async def repeat_unanswered(self):
        """Send again, with the same transaction id, whatever has no answer yet."""
        for number in sorted(self._unanswered):
            self._acknowledge(number, await self._put_until_answered(number))

    async def repeat_acknowledged(self, numbers):
        """A request that was answered before the crash gets the same answer again."""
        for number in numbers:
            assert await self._put_until_answered(number) == self.acknowledged[number], number

    async def _put_until_answered(self, number):
        end = time.monotonic() + _DEADLINE
        while True:
            try:
                return await self._put(number)
            except _GONE:
                assert time.monotonic() < end, "the server does not answer"
                await asyncio.sleep(_PAUSE)

    async def _try(self, number):
        self._unanswered[number] = time.monotonic()
        try:
            event_id = await self._put(number)
        except _GONE:
            return
        self._acknowledge(number, event_id)

    def _acknowledge(self, number, event_id):
        waited = time.monotonic() - self._unanswered.pop(number)
        self.longest_wait = max(self.longest_wait, waited)
        self.acknowledged[number] = event_id

    async def _put(self, number):
        where = path("rooms", self._room_id, "send", "m.room.message", f"number-{number}")
        content = {"msgtype": "m.text", "body": f"number {number}"}
        async with self._session.put(where, json=content, timeout=_PUT_TIMEOUT) as answer:
            await _accept(answer)
            return (await answer.json())["event_id"]


class Reader(_Client):
    """Syncs all the time, always from the last token that it was given."""

    def __init__(self, user, room_id):
        super().__init__(user, room_id)
        self._token = None
        self._syncing = None
        self.seen = []
        """The ids of the messages, in the order they came."""

    async def __aenter__(self):
        await super().__aenter__()
        self._token = (await self._sync(timeout=0))["next_batch"]
        self._syncing = asyncio.create_task(self._keep_syncing())
        return self

    async def __aexit__(self, *reason):
        self._syncing.cancel()
        await super().__aexit__(*reason)

    async def has_seen(self, event_ids):
        """Wait until all these messages have come."""
        end = time.monotonic() + _DEADLINE
        while missing := event_ids - set(self.seen):
            assert not self._syncing.done(), self._syncing.exception()
            assert time.monotonic() < end, f"sync does not bring {len(missing)} messages"
            await asyncio.sleep(_PAUSE)

    async def _keep_syncing(self):
        while True:
            try:
                news = await self._sync(timeout=_LONG_POLL_MS, since=self._token)
            except _GONE:
                await asyncio.sleep(_PAUSE)
                continue
            self._read(news)
            self._token = news["next_batch"]

    async def _sync(self, **query):
        query["filter"] = _EVERYTHING
        async with self._session.get(path("sync"), params=query) as answer:
            await _accept(answer)
            return await answer.json()

    def _read(self, news):
        room = news.get("rooms", {}).get("join", {}).get(self._room_id)
        if room is None:
            return
        assert not room["timeline"].get("limited"), "a gap in the timeline"
        self.seen += [
            event["event_id"]
            for event in room["timeline"]["events"]
            if event["type"] == "m.room.message"
        ]
