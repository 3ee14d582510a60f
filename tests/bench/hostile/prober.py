"""A client in a room that has nothing to do with the attacks: it sends, and waits for its sync.

    python prober.py URL TOKEN ROOM SAMPLES.jsonl

Writes one line per message: when it began, seconds until it was sent and until it was seen, or what
went wrong. Each message is sent over a new connection: whoever cannot connect is affected too.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "one_room"))

import requests  # noqa: E402

from matrix_http import path  # noqa: E402

_PAUSE = 0.03
_TIMEOUT = 20
_FILTER = json.dumps({"presence": {"types": []}, "room": {"timeline": {"limit": 20}}})


class Prober:
    """One user in one room."""

    def __init__(self, url, token, room):
        self._url, self._room = url, room
        self._headers = {"Authorization": f"Bearer {token}"}
        self._since = None
        self._session = requests.Session()

    def probe(self, number):
        """Send one message and wait until it is seen."""
        if self._since is None:
            self._since = self._sync(0)["next_batch"]
        sample = {"at": time.time()}
        where = path("rooms", self._room, "send", "m.room.message", f"probe-{number}")
        body = {"msgtype": "m.text", "body": f"probe {number}"}
        began = time.perf_counter()
        answer = requests.put(
            self._url + where, json=body, headers=self._headers, timeout=_TIMEOUT
        )
        answer.raise_for_status()
        sample["sent"] = time.perf_counter() - began
        sample["id"] = answer.json()["event_id"]
        while not self._sees(sample["id"]):
            if time.perf_counter() - began > _TIMEOUT:
                raise TimeoutError("the message was not seen")
        sample["seen"] = time.perf_counter() - began
        return sample

    def _sees(self, identifier):
        answer = self._sync(10_000)
        self._since = answer["next_batch"]
        room = answer.get("rooms", {}).get("join", {}).get(self._room, {})
        return any(
            event["event_id"] == identifier for event in room.get("timeline", {}).get("events", [])
        )

    def _sync(self, timeout):
        query = {"timeout": timeout, "filter": _FILTER}
        query |= {"since": self._since} if self._since else {}
        where = self._url + path("sync")
        answer = self._session.get(where, params=query, headers=self._headers, timeout=_TIMEOUT)
        answer.raise_for_status()
        return answer.json()


def main(url, token, room, samples):
    """Probe until ended."""
    prober, number = Prober(url, token, room), 0
    with open(samples, "a", encoding="utf-8") as file:
        while True:
            number += 1
            began = time.time()
            try:
                sample = prober.probe(number)
            except (requests.RequestException, TimeoutError) as error:
                sample = {"at": began, "lasted": time.time() - began, "failure": repr(error)[:200]}
            print(json.dumps(sample), file=file, flush=True)
            time.sleep(_PAUSE)


if __name__ == "__main__":
    main(*sys.argv[1:])
