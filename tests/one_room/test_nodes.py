"""Three nodes of one server on a replica set behind a balancer, while all of them are broken.

What any node has acknowledged is there, once, for everybody, whichever node they ask next: for the
sender who repeats a request, for the reader who goes on from a token of another node, for a
Rocket.Chat client, and for the other server.
"""

import asyncio
import bisect
import itertools
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from balancer import Backend, Balancer
from matrix_http import MatrixHttp, path
from message_stream import Reader, Writer
from peers import Mongod
from places import LONG, MONGOD, installed
from waiting import eventually

FAULTS = 90 if LONG else 7
PAUSE_BETWEEN = 20 if LONG else 3
MESSAGES_PER_SECOND = 20
LONGER_THAN_A_LEASE = 7
LONGER_THAN_A_QUESTION = 1.5
"""A change stream is asked for a second what there is; after that, nobody reads from it."""


class Cluster:
    """Nodes of one server, and what balances requests between them."""

    def __init__(self, new_gantry, count, uri):
        self._clients = Balancer("127.0.0.1")
        self._servers = Balancer("127.0.0.1")
        self.nodes = new_gantry.cluster("cluster", count, self._servers.host, uri)
        self.name = self._servers.host
        self.url = f"http://{self._clients.host}"

    def start(self):
        for node in self.nodes:
            node.start()
        self._clients.start(Backend(node.plain_port, node.plain_port) for node in self.nodes)
        self._servers.start(Backend(node.tls_port, node.plain_port) for node in self.nodes)

    def stop(self):
        for node in self.nodes:
            node.stop()
        self._clients.stop()
        self._servers.stop()


@pytest.fixture(scope="module")
def replica_set(output):
    """Three members to break."""
    script = Path(__file__).with_name("mongod.py")
    folder = output / "replica-set"
    mongod = Mongod(installed(MONGOD), script, folder, members=3, breakable=True)
    mongod.start()
    yield mongod
    mongod.stop()


@pytest.fixture(scope="module")
def cluster(new_gantry, replica_set):
    """Three nodes on three members."""
    cluster = Cluster(new_gantry, 3, replica_set.uri)
    cluster.start()
    yield cluster
    cluster.stop()


def test_what_one_node_is_told_every_node_knows(cluster):
    one, other, _ = (node.url for node in cluster.nodes)
    alice = MatrixHttp.register(one, "alice-here")
    there = MatrixHttp(other, alice.token, alice.user_id)
    bob = MatrixHttp.register(other, "bob-there")
    room_id = alice.create_room(room_version="11")

    answer = bob.post(path("join", room_id), json={})
    assert answer.status_code == 200, answer.text
    typing = path("rooms", room_id, "typing", bob.user_id)
    before = alice.get(path("sync")).json()["next_batch"]
    assert bob.put(typing, json={"typing": True, "timeout": 20_000}).status_code == 200
    said = bob.send(room_id, "from the other node", "one")

    seen, typists = [], []

    def has_come():
        nonlocal before
        news = alice.get(path("sync"), params={"since": before, "timeout": 1000}).json()
        before = news["next_batch"]
        room = news.get("rooms", {}).get("join", {}).get(room_id, {})
        seen.extend(event["event_id"] for event in room.get("timeline", {}).get("events", []))
        for event in room.get("ephemeral", {}).get("events", []):
            typists.extend(event["content"].get("user_ids", []))
        return said in seen and bob.user_id in typists

    eventually(has_come, "Alice hears of Bob on her own node")
    assert there.event(room_id, said)["content"]["body"] == "from the other node"

    # A session that ends on one node has ended on every node at once.
    assert there.post(path("logout"), json={}).status_code == 200
    assert alice.get(path("account", "whoami")).status_code == 401


def test_acknowledged_messages_survive_every_fault(cluster, replica_set, synapse):
    alice = MatrixHttp.register(cluster.url, "alice")
    carol = MatrixHttp.register(synapse.url, "carol-of-the-cluster")
    room_id = alice.create_room(room_version="11")
    carol.join(room_id, via=cluster.name)
    writer = Writer(alice, room_id)
    reader = Reader(alice, room_id)
    breaking = Breaking(cluster, replica_set)

    asyncio.run(_break(breaking, writer, reader))

    acknowledged = writer.acknowledged
    assert all(node.is_alive() for node in cluster.nodes)
    stored = _texts(cluster.nodes[0], alice, room_id)
    assert _repeated(stored) == []
    assert set(stored) == set(acknowledged.values())
    assert _repeated(reader.seen) == []
    assert set(reader.seen) == set(stored)
    breaking.report(writer, reader)
    print(f"{len(stored)} messages, none lost or twice; sync left {reader.gaps} gaps to fill")
    eventually(
        lambda: set(stored) <= {event["event_id"] for event in carol.all_messages(room_id)},
        "Synapse has every message",
        deadline=90,
        pause=0.5,
    )


class Breaking:
    """The faults, and when they were caused."""

    def __init__(self, cluster, replica_set):
        self._nodes = cluster.nodes
        self._replica_set = replica_set
        self._node = None
        self._caused = []
        self.faults = {
            "node killed": (self._kill, self._start),
            "change streams killed": (lambda: self._replica_set.cause("kill-cursors"), None),
            "resume token lost": (self._freeze, self._thaw_without_token),
            "primary stepped down": (lambda: self._replica_set.cause("step-down"), None),
            "primary killed": (lambda: self._replica_set.cause("kill-primary"), None),
            "connections cut": (lambda: self._replica_set.cause("cut-connections"), None),
            "node paused": (self._freeze, self._thaw),
        }

    def cause(self, fault):
        """Break something."""
        self._caused.append((time.monotonic(), fault))
        cause, _ = self.faults[fault]
        cause()

    def mend(self, fault):
        """What does not mend by itself is mended."""
        _, mend = self.faults[fault]
        if mend:
            mend()

    def report(self, writer, reader):
        """Print how long clients waited at most, by the fault before."""
        waits, lags = Counter(), Counter()
        for moment, seconds, event_id in writer.answers:
            before = bisect.bisect(self._caused, (moment,))
            fault = self._caused[before - 1][1] if before else "nothing"
            waits[fault] = max(waits[fault], seconds)
            lags[fault] = max(lags[fault], reader.seen_at[event_id] - moment)
        for fault in waits:
            print(
                f"{fault}: a message was acknowledged after at most {waits[fault]:.1f} s,"
                f" and came to the reader at most {lags[fault]:.1f} s later"
            )

    def _kill(self):
        self._node = random.choice(self._nodes)
        self._node.kill()

    def _start(self):
        self._node.start()

    def _freeze(self):
        self._node = random.choice(self._nodes)
        self._node.freeze()

    def _thaw(self):
        time.sleep(LONGER_THAN_A_LEASE)
        self._node.thaw()

    def _thaw_without_token(self):
        """When the node wakes up, its change stream is gone, and the oplog from where it stood."""
        time.sleep(LONGER_THAN_A_QUESTION)
        self._replica_set.cause("kill-cursors")
        self._replica_set.cause("roll-over")
        lost = self._replica_set.logged("ChangeStreamHistoryLost")
        opened = self._node.logged("the feed is opened again")
        self._node.thaw()
        eventually(
            lambda: (
                self._replica_set.logged("ChangeStreamHistoryLost") > lost
                and self._node.logged("the feed is opened again") > opened
            ),
            "the node cannot go on from where it stood",
        )


async def _break(breaking, writer, reader):
    faults = itertools.cycle(breaking.faults)
    async with writer, reader:
        for fault in itertools.islice(faults, FAULTS):
            end = time.monotonic() + PAUSE_BETWEEN
            await writer.write(
                MESSAGES_PER_SECOND,
                until=lambda end=end: time.monotonic() > end,
                then=lambda fault=fault: breaking.cause(fault),
            )
            await writer.repeat_unanswered()
            await asyncio.to_thread(breaking.mend, fault)
            await writer.repeat_acknowledged(random.sample(sorted(writer.acknowledged), 10))
            reader.check()
        await reader.has_seen(set(writer.acknowledged.values()))


def _texts(node, user, room_id):
    """The ids of the stored texts, as one node has them."""
    user = MatrixHttp(node.url, user.token, user.user_id)
    return [event["event_id"] for event in user.all_messages(room_id) if _is_text(event)]


def _is_text(event):
    return event["type"] == "m.room.message"


def _repeated(event_ids):
    return [event_id for event_id, times in Counter(event_ids).items() if times > 1]
