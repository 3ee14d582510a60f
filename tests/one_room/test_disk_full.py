"""The disk fills up: nothing is written any more, everything can be read, and nothing is lost.

The data lie on a small disk of the server's own, which takes the right to mount one. So the test runs
with `GANTRY_LONG=1` only.
"""

import shlex
from pathlib import Path

import pytest
from matrix_http import MatrixHttp, path
from peers import Gantry, redb_storage
from places import LONG, binary, installed
from processes import Program

pytestmark = pytest.mark.skipif(not LONG, reason="needs a mount")

DISK_MIB = 80
BALLAST_MIB = 36
LARGE = "x" * 30_000
MOST = 2_000


class OnSmallDisk(Gantry):
    """A server whose data folder is a disk of fixed size, with something else on it."""

    def __init__(self, binary, folder, authority):
        super().__init__(binary, folder, authority, redb_storage())
        self._data = folder / "data"
        self._data.mkdir(parents=True, exist_ok=True)
        data = shlex.quote(str(self._data))
        script = (
            f"mount -t tmpfs -o size={DISK_MIB}m tmpfs {data}"
            f" && head -c {BALLAST_MIB}M /dev/zero > {data}/ballast"
            f" && exec {shlex.quote(str(binary))} serve"
        )
        command = ["unshare", "--mount", "sh", "-c", script]
        self._program = Program(folder.name, command, folder / "gantry.log", self._settings)

    def make_room(self):
        """What else was on the disk goes."""
        seen_by_it = Path(f"/proc/{self._program.pid}/root")
        (seen_by_it / self._data.relative_to("/") / "ballast").unlink()


@pytest.fixture
def server(output, authority):
    """Alone on its disk."""
    server = OnSmallDisk(installed(binary()), output / "small-disk", authority)
    server.start()
    yield server
    server.stop()


def test_a_full_disk_stops_writes_and_nothing_else(server):
    alice = MatrixHttp.register(server.url, "alice")
    room_id = alice.create_room(room_version="11")
    acknowledged = []
    refused = _fill(alice, room_id, acknowledged)

    assert refused.status_code == 503, refused.text
    assert "disk" in refused.json()["error"]
    since = alice.sync()["next_batch"]
    assert _texts(alice, room_id) == acknowledged
    for _ in range(3):
        assert _send(alice, room_id, "still-full").status_code == 503
    assert server.is_alive()

    server.make_room()

    answer = _send(alice, room_id, "again")
    assert answer.status_code == 200, answer.text
    acknowledged.append(answer.json()["event_id"])
    assert _texts(alice, room_id) == acknowledged
    news = alice.sync(since=since)["rooms"]["join"][room_id]["timeline"]["events"]
    assert [event["event_id"] for event in news] == acknowledged[-1:]


def _fill(user, room_id, acknowledged):
    """Send large messages until one is refused; returns that answer."""
    for number in range(MOST):
        answer = _send(user, room_id, f"number-{number}")
        if answer.status_code != 200:
            return answer
        acknowledged.append(answer.json()["event_id"])
    raise AssertionError("the disk does not fill up")


def _send(user, room_id, transaction):
    where = path("rooms", room_id, "send", "m.room.message", transaction)
    return user.put(where, json={"msgtype": "m.text", "body": LARGE})


def _texts(user, room_id):
    """The ids of the messages, oldest first."""
    messages = user.all_messages(room_id)[::-1]
    return [event["event_id"] for event in messages if event["type"] == "m.room.message"]
