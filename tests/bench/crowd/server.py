"""The process that plays all servers of a generated room.

    python server.py ROOM.jsonl CERTIFICATE KEY REPORT.json

Listens on the addresses that the servers' names are. Told to end, it writes what it was asked,
when, and how much of the processor that took.
"""

import asyncio
import json
import signal
import ssl
import sys
import time
from collections import Counter
from pathlib import Path

_BENCH = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_BENCH), str(_BENCH.parent / "one_room")]

from aiohttp import web  # noqa: E402

from crowd.room import Room, ServerKey  # noqa: E402

_MAX_BODY = 50 * 1024 * 1024


class Crowd:
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

    def application(self):
        """The routes."""
        app = web.Application(client_max_size=_MAX_BODY, middlewares=[self._count])
        v1, v2 = "/_matrix/federation/v1", "/_matrix/federation/v2"
        app.add_routes(
            [
                web.get("/_matrix/key/v2/server", self._server_keys),
                web.get("/_matrix/key/v2/server/{key}", self._server_keys),
                web.get(f"{v1}/version", self._version),
                web.get(f"{v1}/make_join/{{room}}/{{user}}", self._make_join),
                web.put(f"{v2}/send_join/{{room}}/{{event}}", self._send_join),
                web.get(f"{v1}/state/{{room}}", self._state),
                web.get(f"{v1}/state_ids/{{room}}", self._state_ids),
                web.get(f"{v1}/event/{{event}}", self._event),
                web.get(f"{v1}/event_auth/{{room}}/{{event}}", self._event_auth),
                web.get(f"{v1}/backfill/{{room}}", self._backfill),
                web.post(f"{v1}/get_missing_events/{{room}}", self._missing),
                web.put(f"{v1}/send/{{transaction}}", self._send),
                web.get("/", self._version),
                web.route("*", "/{rest:.*}", self._unknown),
            ]
        )
        return app

    @web.middleware
    async def _count(self, request, handler):
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
        address = request.transport.get_extra_info("sockname")[0]
        return _answer(self._keys[address])

    async def _version(self, _request):
        return _answer(b'{"server":{"name":"crowd","version":"1"}}')

    async def _make_join(self, request):
        return _answer(self._room.template(request.match_info["user"]))

    async def _send_join(self, request):
        omit_members = request.query.get("omit_members") == "true"
        body = await request.read()
        return _answer(self._room.join(request.match_info["event"], body, omit_members))

    async def _state(self, request):
        return _answer(self._room.state(request.query["event_id"]))

    async def _state_ids(self, request):
        return _answer(self._room.state_ids(request.query["event_id"]))

    async def _event(self, request):
        found = self._room.event(request.match_info["event"])
        return _answer(found) if found else await self._unknown(request)

    async def _event_auth(self, request):
        return _answer(self._room.event_auth(request.match_info["event"]))

    async def _backfill(self, request):
        limit = int(request.query["limit"])
        return _answer(self._room.backfill(request.query.getall("v"), limit))

    async def _missing(self, request):
        body = await request.json()
        limit = body.get("limit", 10)
        earliest, latest = body["earliest_events"], body["latest_events"]
        return _answer(self._room.missing(earliest, latest, limit))

    async def _send(self, request):
        await request.read()
        return _answer(b'{"pdus":{}}')

    async def _unknown(self, request):
        await request.read()
        return _answer(b'{"errcode":"M_UNRECOGNIZED","error":"not here"}', 404)


def _answer(body, status=200):
    return web.Response(body=body, status=status, content_type="application/json")


async def _serve(room, certificate, key, report):
    crowd = Crowd(room)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    runner = web.AppRunner(crowd.application(), access_log=None)
    await runner.setup()
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    # The resident server is the last to listen: if it answers, all do.
    for server in reversed(room.servers):
        address, port = server.split(":")
        await web.TCPSite(runner, address, int(port), ssl_context=context).start()
    prepared = time.process_time()
    await end.wait()
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
    asyncio.run(_serve(room, certificate, key, report))


if __name__ == "__main__":
    main(*sys.argv[1:])
