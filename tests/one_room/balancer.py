"""A balancer of TCP connections, as simple as HAProxy in its mode `tcp` with health checks."""

import asyncio
import contextlib
import itertools
import threading

from ports import free_port

_CHUNK = 65_536
_PATIENCE = 1.0
_CHECK_EVERY = 0.5


class Backend:
    """One port, and the port of the same node that tells whether it is well.

    Without the latter, the node is never asked and counts as up.
    """

    def __init__(self, port, health_port=None):
        self.port = port
        self.health_port = health_port
        self.is_up = True
        self.connections = set()


class Balancer:
    """Listens on one port and hands each connection to the next backend that is up.

    The connections of a backend that goes down are ended, like HAProxy does with
    `on-marked-down shutdown-sessions`.
    """

    def __init__(self, address):
        self.address = address
        self.port = free_port(address)
        self._backends = []
        self._turns = itertools.count()
        self._checking = None
        self._server = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def host(self):
        """Address and port."""
        return f"{self.address}:{self.port}"

    def start(self, backends):
        """Serve these backends."""
        self._backends = list(backends)
        self._thread.start()
        self.mend()
        self._checking = asyncio.run_coroutine_threadsafe(self._keep_checking(), self._loop)

    def stop(self):
        """Serve no more connections."""
        self._checking.cancel()
        self._run(asyncio.sleep(0))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def cut(self):
        """End all connections and refuse new ones, until `mend`."""
        self._run(self._cut())

    def mend(self):
        """Listen, for the first time or again."""
        self._run(self._listen())

    def _run(self, coroutine):
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=10)

    async def _listen(self):
        self._server = await asyncio.start_server(self._serve, self.address, self.port)

    async def _cut(self):
        self._server.close()
        for backend in self._backends:
            _abort(backend.connections)

    async def _serve(self, reader, writer):
        backend, there, back = await self._connect()
        if backend is not None:
            backend.connections.add(writer)
            if not self._server.is_serving():
                writer.transport.abort()
            pumps = [_pump(reader, back), _pump(there, writer)]
            tasks = [asyncio.ensure_future(pump) for pump in pumps]
            # Whichever side ends first ends the connection.
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            backend.connections.discard(writer)
            back.close()
        writer.close()

    async def _connect(self):
        first = next(self._turns)
        for turn in range(len(self._backends)):
            backend = self._backends[(first + turn) % len(self._backends)]
            if not backend.is_up:
                continue
            with contextlib.suppress(OSError, TimeoutError):
                connection = asyncio.open_connection(self.address, backend.port)
                return backend, *await asyncio.wait_for(connection, _PATIENCE)
        return None, None, None

    async def _keep_checking(self):
        while True:
            await asyncio.gather(*(self._check(backend) for backend in self._backends))
            await asyncio.sleep(_CHECK_EVERY)

    async def _check(self, backend):
        if backend.health_port is None:
            return
        try:
            backend.is_up = await asyncio.wait_for(self._is_well(backend), _PATIENCE)
        except (OSError, TimeoutError):
            backend.is_up = False
        if not backend.is_up:
            _abort(backend.connections)

    async def _is_well(self, backend):
        reader, writer = await asyncio.open_connection(self.address, backend.health_port)
        try:
            writer.write(b"GET /health HTTP/1.1\r\nHost: balancer\r\nConnection: close\r\n\r\n")
            return (await reader.readline()).split()[1:2] == [b"200"]
        finally:
            writer.close()


def _abort(connections):
    for connection in connections:
        connection.transport.abort()


async def _pump(reader, writer):
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
