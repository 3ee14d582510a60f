"""Attacks with JSON that takes much more memory than it has bytes: nothing but `{"":0}`."""

import time
from concurrent.futures import ThreadPoolExecutor

import requests
from matrix_http import path

from hostile.attacks import orphan, tell
from hostile.joins import tiny_objects
from hostile.stage import SharedRoom, arrives, status

_LARGEST_REQUEST = 8_000_000


def requests_of_nobody(stage, seconds):
    """Requests by nobody whose bodies are of the smallest objects that there are."""
    body = tiny_objects(_LARGEST_REQUEST)
    header = 'X-Matrix origin="127.66.200.1:1",destination="%s",key="ed25519:a",sig="%s"'
    headers = {"Authorization": header % (stage.gantry.name, "x" * 86)}
    where = f"https://{stage.gantry.name}/_matrix/federation/v1/send/tiny"
    end, statuses = time.monotonic() + seconds, []

    def send(_):
        while time.monotonic() < end:
            try:
                answer = requests.put(
                    where, data=body, headers=headers, verify=stage.ca, timeout=30
                )
                statuses.append(answer.status_code)
            except requests.RequestException:
                statuses.append(0)
                time.sleep(0.2)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(8)))
    wrong = set(statuses) - {400, 401, 413, 429, 0}
    return {"requests": len(statuses), "complaints": [f"answered with {wrong}"] if wrong else []}


def templates(stage, seconds):
    """Answers of 10 MiB to users who want to join, of the smallest objects that there are."""
    end, statuses = time.monotonic() + seconds, []
    name = stage.name("heavy")

    def ask(number):
        while time.monotonic() < end:
            where = stage.alice.url + path("join", f"!room{number}:{name}")
            query = {"server_name": name, "via": name}
            statuses.append(status(stage.alice, "POST", where, params=query, json={}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    return {"answers": len(statuses), "complaints": []}


def states(stage, seconds):
    """One event after an unknown one, and a state before it of the smallest objects."""
    room = SharedRoom(stage, "heavy")
    # As long as it is sent, but no longer than the longest answer that is read.
    tell(stage, room, bytes=100_000_000 if seconds > 10 else 20_000_000)
    room.guest.send(stage.gantry, [orphan(room, "x")])
    time.sleep(seconds)
    # The event is still staged if the server has ended: it will ask again.
    stage.calm("heavy")
    if not arrives(stage, room):
        return {"complaints": ["a good event afterwards did not arrive"]}
    return {"complaints": list(room.complaints())}
