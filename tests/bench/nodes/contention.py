"""How many messages are acknowledged when many write, by how many nodes a room is written."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

import aiohttp

from nodes.person import Refused

NODES = 3


class Case(NamedTuple):
    """Who writes where, and how eagerly."""

    name: str
    shares_room: bool
    node: Callable[[int, int], int]
    """The node for a sender's message, by the numbers of both."""
    pause: float = 0.0
    """Seconds between two messages of a sender, on average."""


def _first(_sender, _message):
    return 0


def _of_sender(sender, _message):
    return sender % NODES


def _in_turns(sender, message):
    return (sender + message) % NODES


CASES = [
    Case("one room, all at node 1", True, _first),
    Case("one room, a third at each node", True, _of_sender),
    Case("one room, all at node 1, one message a second each", True, _first, pause=1.0),
    Case("one room, a third at each node, one a second each", True, _of_sender, pause=1.0),
    Case("a room each, all at node 1", False, _first),
    Case("a room each, each at one node", False, _of_sender),
    Case("a room each, nodes in turns", False, _in_turns),
]


class Written(NamedTuple):
    """What came of one run."""

    elapsed: float
    seconds: list
    errors: Counter


async def rooms_for(case, people):
    """The room of each sender, new and in the memory of every node that will write to it."""
    if case.shares_room:
        room_id = await people[0].create_room(0)
        await asyncio.gather(*(person.join(0, room_id) for person in people[1:]))
        rooms = [room_id] * len(people)
    else:
        rooms = await asyncio.gather(*(person.create_room(0) for person in people))
    for turn in range(NODES):
        for sender, person in enumerate(people):
            node = case.node(sender, turn)
            await person.send(node, rooms[sender], f"{sender} is there {turn}")
    return rooms


async def write(case, people, rooms, duration):
    """Everybody sends to his room, one message after the other."""
    seconds, errors = [], Counter()
    began = perf_counter()

    async def write_one_after_the_other(sender):
        for message in itertools.count():
            await asyncio.sleep(random.uniform(0, 2 * case.pause))
            asked = perf_counter()
            if asked > began + duration:
                return
            node = case.node(sender, message)
            try:
                await people[sender].send(node, rooms[sender], f"{sender} says {message}")
            except Refused as refusal:
                errors[str(refusal.status)] += 1
            except (TimeoutError, aiohttp.ClientError) as failure:
                errors[type(failure).__name__] += 1
            else:
                seconds.append(perf_counter() - asked)

    await asyncio.gather(*(write_one_after_the_other(sender) for sender in range(len(people))))
    return Written(perf_counter() - began, seconds, errors)
