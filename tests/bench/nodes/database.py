"""Looks at the database beside the nodes; runs with the interpreter of the mongod environment.

    python database.py URI fillers DATABASE
    python database.py URI floor COUNT

`fillers` counts the numbers that were drawn and became no entry, nearly all of them in races for a
place in a room that another node won. `floor` prints as JSON how long the database itself takes:
milliseconds until an insert is acknowledged by the primary, until by a majority, and until it
arrives in a change stream.
"""

import json
import queue
import sys
import threading
import time

import pymongo
from bson import Binary

_FILLERS = bytes(8) + b"F"
_AFTER_FILLERS = bytes(8) + b"G"
_PAUSE = 0.03
_WARM_UP = 20


def _fillers(client, database):
    keys = {"$gte": Binary(_FILLERS + bytes(8)), "$lt": Binary(_AFTER_FILLERS + bytes(8))}
    return client[database]["room_log"].count_documents({"_id": keys})


def _floor(client, count):
    database = client["three_nodes_floor"]
    database.create_collection("log")
    majority = pymongo.WriteConcern(w="majority", j=True)
    of_majority = database.get_collection("log", write_concern=majority)
    of_primary = database.get_collection("log", write_concern=pymongo.WriteConcern(w=1, j=False))
    arrived, acknowledged, streamed, primary = queue.Queue(), [], [], []
    with database.watch([{"$match": {"operationType": "insert"}}]) as stream:
        threading.Thread(target=_follow, args=(stream, arrived), daemon=True).start()
        for number in range(_WARM_UP + count):
            for collection, seconds in ((of_primary, primary), (of_majority, acknowledged)):
                began = time.perf_counter()
                collection.insert_one({"number": number, "text": "x" * 500})
                seconds.append(time.perf_counter() - began)
                moment = arrived.get(timeout=10)
                time.sleep(_PAUSE)
            streamed.append(moment - began)
    client.drop_database(database)
    samples = {
        "acknowledged by the primary": primary,
        "acknowledged by a majority": acknowledged,
        "in a change stream": streamed,
    }
    return {name: seconds[_WARM_UP:] for name, seconds in samples.items()}


def _follow(stream, arrived):
    try:
        for _ in stream:
            arrived.put(time.perf_counter())
    except pymongo.errors.PyMongoError:
        # It was closed.
        return


def main():
    """Answer on standard output."""
    uri, what, argument = sys.argv[1:]
    with pymongo.MongoClient(uri) as client:
        known = _floor(client, int(argument)) if what == "floor" else _fillers(client, argument)
    print(json.dumps(known))


if __name__ == "__main__":
    main()
