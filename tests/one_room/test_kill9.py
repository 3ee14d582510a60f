"""Gantry is killed with SIGKILL while messages pour in, and started again, several times.

What it has acknowledged is there, once, for everybody: for the sender who repeats a request, for
the reader who goes on from his old sync token, and for the other server.
"""

import asyncio
import os
import random
from collections import Counter

import pytest
from matrix_http import MatrixHttp
from message_stream import Reader, Writer
from places import LONG
from waiting import eventually

KILLS = {"redb": 200, "mongodb": 50} if LONG else {"redb": 50, "mongodb": 5}
MESSAGES_PER_SECOND = 50
MESSAGES_BETWEEN = (30, 70) if LONG else (3, 12)


@pytest.fixture
def doomed(engine, new_gantry):
    """A server that nothing else uses."""
    server = new_gantry(engine, f"doomed-{engine}")
    server.start()
    yield server
    server.stop()


def test_acknowledged_messages_survive_kill_9(engine, doomed, synapse):
    alice = MatrixHttp.register(doomed.url, "alice")
    carol = MatrixHttp.register(synapse.url, f"carol-reads-{engine}")
    room_id = alice.create_room(room_version="11")
    carol.join(room_id, via=doomed.name)
    writer = Writer(alice, room_id)
    reader = Reader(alice, room_id)

    kills = _kills(engine)

    asyncio.run(_crash_repeatedly(doomed, writer, reader, kills))

    acknowledged = writer.acknowledged
    stored = [event["event_id"] for event in alice.all_messages(room_id) if _is_text(event)]
    assert _repeated(stored) == []
    assert set(stored) == set(acknowledged.values())
    assert _repeated(reader.seen) == []
    assert set(reader.seen) == set(stored)
    print(f"{engine}: {len(stored)} messages, none lost or twice, after {kills} kills")
    eventually(
        lambda: set(stored) <= {event["event_id"] for event in carol.all_messages(room_id)},
        "Synapse has every message",
        deadline=60,
        pause=0.5,
    )


def _kills(engine):
    """How many: what the caller's `GANTRY_KILLS` says, or as many as there is time for."""
    return int(os.environ.get("GANTRY_KILLS", KILLS.get(engine, 3)))


async def _crash_repeatedly(server, writer, reader, kills):
    async with writer, reader:
        for _ in range(kills):
            enough = len(writer.acknowledged) + random.randint(*MESSAGES_BETWEEN)
            await writer.write(
                MESSAGES_PER_SECOND,
                until=lambda enough=enough: len(writer.acknowledged) >= enough,
                then=server.kill,
            )
            server.start()
            await writer.repeat_unanswered()
            await writer.repeat_acknowledged(_some(writer.acknowledged, 10))
        await reader.has_seen(set(writer.acknowledged.values()))


def _some(numbers, count):
    return random.sample(sorted(numbers), min(count, len(numbers)))


def _is_text(event):
    return event["type"] == "m.room.message"


def _repeated(event_ids):
    return [event_id for event_id, times in Counter(event_ids).items() if times > 1]
