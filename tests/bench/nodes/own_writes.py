"""Whether somebody finds at another node what the first has just acknowledged."""

import asyncio
import json
from time import perf_counter
from typing import NamedTuple

from matrix_http import path

from nodes.person import Refused

_PAUSE = 0.02
_PATIENCE = 5.0
_WARM_UP = 10


class Reads(NamedTuple):
    """How many first answers had the message, and seconds after which an answer had it."""

    at_once: int
    seconds: list


async def own_writes(person, count):
    """Reads at the second node of what the first has acknowledged, by the way of reading."""
    room_id = await person.create_room(0)

    async def event(event_id):
        where = path("rooms", room_id, "event", event_id)
        try:
            return json.loads(await person.ask(1, "GET", where))["event_id"]
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    async def messages(_event_id):
        query = {"dir": "b", "limit": 1}
        answer = await person.ask(1, "GET", path("rooms", room_id, "messages"), params=query)
        return json.loads(answer)["chunk"][0]["event_id"]

    async def versions(event_id):
        await person.ask(1, "GET", "/_matrix/client/versions")
        return event_id

    ways = {"/event": event, "/messages": messages, "/versions, for comparison": versions}
    reads = {name: [] for name in ways}
    for number in range(_WARM_UP + count):
        for name, way in ways.items():
            event_id = await person.send(0, room_id, f"{number} for {name}")
            reads[name].append(await _read(way, event_id))
            await asyncio.sleep(_PAUSE)
    return {name: _summed(samples[_WARM_UP:]) for name, samples in reads.items()}


async def _read(way, event_id):
    """How often it was asked, and for how long."""
    began = perf_counter()
    asked = 1
    while await way(event_id) != event_id:
        asked += 1
        assert perf_counter() < began + _PATIENCE, f"{event_id} is not found"
    return asked, perf_counter() - began


def _summed(samples):
    return Reads(sum(asked == 1 for asked, _ in samples), [seconds for _, seconds in samples])
