"""The process that plays all servers of a generated room until all but the first are dead.

    python server.py ROOM.jsonl SILENT CERTIFICATE KEY REPORT.json

At SIGUSR1 the others die: SILENT of them take connections and never answer, one half before the TLS
handshake and one half after it; the rest close each connection at once. Once it is so, the report
exists. At its end the process writes into it when the first server got which message, when somebody
connected to the dead ones, and how many connections brought a byte.
"""

import asyncio
import contextlib
import json
import signal
import ssl
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

_BENCH = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_BENCH), str(_BENCH.parent / "one_room")]

from aiohttp import web  # noqa: E402
from crowd.room import Room  # noqa: E402
from crowd.server import Crowd  # noqa: E402
from fake_server.federation_api import listen, told_to_end  # noqa: E402


_MUCH = 2**16


class Survivor(Crowd):
    """Remembers when it got which message."""

    def __init__(self, room):
        super().__init__(room)
        self.arrivals = {}
        self.transactions = 0

    async def _send(self, request):
        arrived = time.time()
        self.transactions += 1
        for event in (await request.json())["pdus"]:
            if event["type"] == "m.room.message":
                self.arrivals.setdefault(event["content"]["body"], arrived)
        return await super()._send(request)


class Dead:
    """What is left of a server: it takes connections, and remembers when."""

    def __init__(self, kind, connections, asking):
        self._kind = kind
        self._connections, self._asking = connections[kind], asking

    async def answer(self, reader, writer):
        """Close at once, or never say a word."""
        self._connections.append(time.time())
        if self._kind == "closing":
            writer.transport.abort()
            return
        with contextlib.suppress(ConnectionError):
            if await reader.read(_MUCH):
                self._asking[self._kind] += 1
            while await reader.read(_MUCH):
                pass


async def _die(runner, places, silent, context):
    """From now on nobody answers at these places; returns who connects, by kind, and who asks."""
    connections, asking = defaultdict(list), Counter()
    await runner.cleanup()
    for number, (address, port) in enumerate(places):
        kind = "closing" if number >= silent else ["silent", "silent after TLS"][number % 2]
        tls = context if kind == "silent after TLS" else None
        dead = Dead(kind, connections, asking)
        await asyncio.start_server(dead.answer, address, int(port), ssl=tls)
    return connections, asking


async def _serve(room, silent, report, *certificate_and_key):
    survivor = Survivor(room)
    first, *others = [server.split(":") for server in room.servers]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate_and_key)
    runner = web.AppRunner(survivor.application(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    for address, port in others:
        await web.TCPSite(runner, address, int(port), ssl_context=context).start()
    # The first is the last to listen: if it answers, all do.
    await listen(survivor.application(), [first], *certificate_and_key)
    death = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, death.set)
    await death.wait()
    connections, asking = await _die(runner, others, silent, context)
    report.touch()
    await told_to_end()
    document = {
        "arrivals": survivor.arrivals,
        "transactions": survivor.transactions,
        "connections": connections,
        "asking": asking,
    }
    report.write_text(json.dumps(document, indent=1))


def main(room_file, silent, certificate, key, report):
    """Serve until told to end."""
    with open(room_file, "rb") as lines:
        room = Room(lines)
    room.prepare()
    asyncio.run(_serve(room, int(silent), Path(report), certificate, key))


if __name__ == "__main__":
    main(*sys.argv[1:])
