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
_BURST = 3
_LONG_POLL_MS = 5_000
_MOST_AT_ONCE = 100
_EVERYTHING = json.dumps({"room": {"timeline": {"limit": _MOST_AT_ONCE}}})


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
        self.answers = []
        """When each acknowledgement came, after how many seconds, and the event id."""

    async def write(self, per_second, until, then):
        """Send at a steady rate until the condition holds; call `then` with requests in flight.

        The moment is drawn at random, so that it hits another point of the server's work each time.
        Meanwhile and right after it, more is sent.
        """
        requests = await self._keep_sending(per_second, until)
        requests += await self._send_some()
        caused = asyncio.create_task(asyncio.to_thread(then))
        requests += await self._keep_sending(per_second, caused.done)
        await caused
        requests += [self._send_next() for _ in range(_BURST)]
        await asyncio.gather(*requests)

    async def repeat_unanswered(self):
        """Send again, with the same transaction id, whatever has no answer yet."""
        for number in sorted(self._unanswered):
            self._acknowledge(number, await self._put_until_answered(number))

    async def repeat_acknowledged(self, numbers):
        """A request that was answered before the crash gets the same answer again."""
        for number in numbers:
            assert await self._put_until_answered(number) == self.acknowledged[number], number

    async def _keep_sending(self, per_second, until):
        requests = []
        start = time.monotonic()
        while not until():
            requests.append(self._send_next())
            await asyncio.sleep(max(0.0, start + len(requests) / per_second - time.monotonic()))
            assert time.monotonic() < start + _DEADLINE, "the server acknowledges too little"
        return requests

    async def _send_some(self):
        """Send until there are requests in flight at the moment that was drawn."""
        requests = []
        end = time.monotonic() + _DEADLINE
        while all(request.done() for request in requests):
            assert time.monotonic() < end, "no request is in flight"
            requests += [self._send_next() for _ in range(_BURST)]
            usual = self.answers[-1][1] if self.answers else 0
            await asyncio.sleep(random.uniform(0, usual))
        return requests

    def _send_next(self):
        return asyncio.create_task(self._try(next(self._numbers)))

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
        now = time.monotonic()
        self.answers.append((now, now - self._unanswered.pop(number), event_id))
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
        self.seen_at = {}
        """When each message came."""
        self.gaps = 0
        """How often so much was new that older messages had to be asked for."""

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
            self.check()
            assert time.monotonic() < end, f"sync does not bring {len(missing)} messages"
            await asyncio.sleep(_PAUSE)

    def check(self):
        """Fails if something was wrong with an answer."""
        assert not self._syncing.done(), self._syncing.exception()

    async def _keep_syncing(self):
        while True:
            try:
                news = await self._sync(timeout=_LONG_POLL_MS, since=self._token)
                messages = await self._messages_of(news)
            except _GONE:
                await asyncio.sleep(_PAUSE)
                continue
            self.seen += messages
            self.seen_at.update(dict.fromkeys(messages, time.monotonic()))
            self._token = news["next_batch"]

    async def _sync(self, **query):
        return await self._get(path("sync"), query | {"filter": _EVERYTHING})

    async def _get(self, where, query):
        async with self._session.get(where, params=query) as answer:
            await _accept(answer)
            return await answer.json()

    async def _messages_of(self, news):
        room = news.get("rooms", {}).get("join", {}).get(self._room_id)
        if room is None:
            return []
        timeline = room["timeline"]
        messages = _message_ids(timeline["events"])
        if timeline.get("limited"):
            assert len(timeline["events"]) >= _MOST_AT_ONCE, "a gap in the timeline"
            self.gaps += 1
            messages = await self._missed(timeline["prev_batch"]) + messages
        return messages

    async def _missed(self, position):
        """The messages before this position that have not been seen."""
        missed, known = [], set(self.seen)
        while known.isdisjoint(missed) and position:
            query = {"dir": "b", "limit": _MOST_AT_ONCE, "from": position}
            page = await self._get(path("rooms", self._room_id, "messages"), query)
            missed = _message_ids(reversed(page["chunk"])) + missed
            position = page.get("end")
        return [event_id for event_id in missed if event_id not in known]


def _message_ids(events):
    return [event["event_id"] for event in events if event["type"] == "m.room.message"]
