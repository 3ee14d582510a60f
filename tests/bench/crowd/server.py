"""The process that plays all servers of a generated room.

    python server.py ROOM.jsonl CERTIFICATE KEY REPORT.json

Listens on the addresses that the servers' names are. Told to end, it writes what it was asked,
when, and how much of the processor that took.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

_BENCH = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_BENCH), str(_BENCH.parent / "one_room")]

from aiohttp import web  # noqa: E402
from fake_server.federation_api import FederationApi, encoded, listen, told_to_end  # noqa: E402

from crowd.room import Room, ServerKey  # noqa: E402


class Crowd(FederationApi):
    """Answers for all servers of the room, whichever was asked, and keeps count."""

    def __init__(self, room):
        self._room = room
        self.asked = {}
        self.bytes = Counter()
        now = time.time_ns() // 1_000_000
        self._keys = {
            server.split(":")[0]: json.dumps(ServerKey(server).document(server, now)).encode()
            for server in room.servers
        }

    async def _respond(self, request, handler):
        began = time.time()
        answer = await handler(request)
        if not request.path.startswith("/_matrix/"):
            return answer
        what = f"{request.method} /{'/'.join(request.path.split('/')[2:5])}"
        times = self.asked.setdefault(what, {"count": 0, "first": began})
        times["count"] += 1
        times["last"] = began
        self.bytes[what] += len(answer.body)
        return answer

    async def _server_keys(self, request):
        return encoded(self._keys[request["address"]])

    async def _version(self, _request):
        return web.json_response({"server": {"name": "crowd", "version": "1"}})

    async def _make_join(self, request):
        return encoded(self._room.template(request.match_info["user"]))

    async def _send_join(self, request):
        omit_members = request.query.get("omit_members") == "true"
        body = await request.read()
        return encoded(self._room.join(request.match_info["event"], body, omit_members))

    async def _state(self, request):
        return encoded(self._room.state(request.query["event_id"]))

    async def _state_ids(self, request):
        return encoded(self._room.state_ids(request.query["event_id"]))

    async def _event(self, request):
        found = self._room.event(request.match_info["event"])
        return encoded(found) if found else await self._unknown(request)

    async def _event_auth(self, request):
        return encoded(self._room.event_auth(request.match_info["event"]))

    async def _backfill(self, request):
        limit = int(request.query["limit"])
        return encoded(self._room.backfill(request.query.getall("v"), limit))

    async def _missing(self, request):
        body = await request.json()
        limit = body.get("limit", 10)
        earliest, latest = body["earliest_events"], body["latest_events"]
        return encoded(self._room.missing(earliest, latest, limit))


async def _serve(room, report, *certificate_and_key):
    crowd = Crowd(room)
    # The resident server is the last to listen: if it answers, all do.
    places = [server.split(":") for server in reversed(room.servers)]
    await listen(crowd.application(), places, *certificate_and_key)
    prepared = time.process_time()
    await told_to_end()
    document = {
        "cpu_seconds": time.process_time() - prepared,
        "asked": {
            what: {**times, "bytes": crowd.bytes[what]} for what, times in crowd.asked.items()
        },
    }
    Path(report).write_text(json.dumps(document, indent=1))


def main(room_file, certificate, key, report):
    """Serve until told to end."""
    with open(room_file, "rb") as lines:
        room = Room(lines)
    room.prepare()
    asyncio.run(_serve(room, report, certificate, key))


if __name__ == "__main__":
    main(*sys.argv[1:])
