"""How long it takes until those who wait at each node learn what somebody does at the first."""

import asyncio
import itertools
import json
from contextlib import AsyncExitStack
from time import perf_counter
from typing import NamedTuple

from matrix_http import path

_PAUSE = 0.05
_PATIENCE = 5.0
_WARM_UP = 20
_AT_ONCE = 20
_TYPING_MS = 30_000


class Samples(NamedTuple):
    """Seconds of one kind of news: of the request, and until its arrival at each node."""

    request: list
    since_request: list
    since_answer: list
    missed: int


class _Ear:
    """Somebody who waits at one node for whatever is new in a room."""

    def __init__(self, person, node, room_id):
        self._person, self._node, self._room_id = person, node, room_id
        self._expected = {}
        self._listening = None

    async def __aenter__(self):
        first = json.loads(await self._person.sync(self._node))
        self._listening = asyncio.create_task(self._listen(first["next_batch"]))
        return self

    async def __aexit__(self, *_):
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    def expect(self, news):
        """The moment at which the news will have come."""
        moment = asyncio.get_running_loop().create_future()
        self._expected[news] = moment
        return moment

    async def _listen(self, token):
        while True:
            content = await self._person.sync(self._node, since=token)
            now = perf_counter()
            answer = json.loads(content)
            token = answer["next_batch"]
            room = answer.get("rooms", {}).get("join", {}).get(self._room_id, {})
            for news in _news(room):
                moment = self._expected.pop(news, None)
                if moment is not None and not moment.done():
                    moment.set_result(now)


def _news(room):
    for event in room.get("timeline", {}).get("events", []):
        if event["type"] == "m.room.message":
            yield "message", event["content"]["body"]
    for event in room.get("ephemeral", {}).get("events", []):
        if event["type"] == "m.typing":
            yield "typing", bool(event["content"]["user_ids"])
        elif event["type"] == "m.receipt":
            for event_id in event["content"]:
                yield "receipt", event_id


async def arrivals(speaker, listeners, count, history):
    """Samples of messages, receipts and typing notices, one at a time, in a room with a history."""
    room_id = await speaker.create_room(0)
    for node, listener in enumerate(listeners):
        await listener.join(node, room_id)
    for first in range(0, history, _AT_ONCE):
        texts = (f"old {number}" for number in range(first, min(first + _AT_ONCE, history)))
        await asyncio.gather(*(speaker.send(0, room_id, text) for text in texts))
    event_ids = []

    async def message(text):
        event_ids.append(await speaker.send(0, room_id, text))

    async def receipt(event_id):
        where = path("rooms", room_id, "receipt", "m.read", event_id)
        await speaker.ask(0, "POST", where, json={})

    async def typing(is_typing):
        where = path("rooms", room_id, "typing", speaker.user_id)
        content = {"typing": is_typing} | ({"timeout": _TYPING_MS} if is_typing else {})
        await speaker.ask(0, "PUT", where, json=content)

    async with AsyncExitStack() as stack:
        ears = [
            await stack.enter_async_context(_Ear(listener, node, room_id))
            for node, listener in enumerate(listeners)
        ]
        await _measured(ears, message, "message", [f"before {n}" for n in range(_WARM_UP)])
        texts = [f"number {n}" for n in range(count)]
        switches = itertools.islice(itertools.cycle([True, False]), count)
        return {
            "message": await _measured(ears, message, "message", texts),
            "receipt": await _measured(ears, receipt, "receipt", event_ids[-count:]),
            "typing": await _measured(ears, typing, "typing", switches),
        }


async def _measured(ears, act, kind, things):
    samples = Samples([], [[] for _ in ears], [[] for _ in ears], 0)
    for thing in things:
        moments = [ear.expect((kind, thing)) for ear in ears]
        began = perf_counter()
        await act(thing)
        answered = perf_counter()
        await asyncio.wait(moments, timeout=_PATIENCE)
        samples.request.append(answered - began)
        for node, moment in enumerate(moments):
            if moment.done():
                samples.since_request[node].append(moment.result() - began)
                samples.since_answer[node].append(moment.result() - answered)
            else:
                samples = samples._replace(missed=samples.missed + 1)
        await asyncio.sleep(max(0.0, began + _PAUSE - perf_counter()))
    return samples
