"""The federation API of a process that plays many servers, told apart by their addresses.

It is not the answering side of `FakeServer`, which lives in a thread of a test and knows little.
"""

import asyncio
import signal
import ssl

from aiohttp import web

_MAX_BODY = 50 * 1024 * 1024

_V1, _V2 = "/_matrix/federation/v1", "/_matrix/federation/v2"
_ROUTES = [
    ("GET", "/", "_version"),
    ("GET", "/.well-known/matrix/server", "_well_known"),
    ("GET", "/_matrix/key/v2/server", "_server_keys"),
    ("GET", "/_matrix/key/v2/server/{key}", "_server_keys"),
    ("GET", f"{_V1}/version", "_version"),
    ("GET", f"{_V1}/make_join/{{room}}/{{user}}", "_make_join"),
    ("PUT", f"{_V2}/send_join/{{room}}/{{event}}", "_send_join"),
    ("GET", f"{_V1}/state/{{room}}", "_state"),
    ("GET", f"{_V1}/state_ids/{{room}}", "_state_ids"),
    ("GET", f"{_V1}/event/{{event}}", "_event"),
    ("GET", f"{_V1}/event_auth/{{room}}/{{event}}", "_event_auth"),
    ("GET", f"{_V1}/backfill/{{room}}", "_backfill"),
    ("POST", f"{_V1}/get_missing_events/{{room}}", "_missing"),
    ("PUT", f"{_V1}/send/{{transaction}}", "_send"),
    ("*", "/{rest:.*}", "_unknown"),
]


class FederationApi:
    """Takes transactions and knows nothing; subclasses add handlers by their names in `_ROUTES`."""

    def application(self):
        """The routes."""
        app = web.Application(client_max_size=_MAX_BODY, middlewares=[self._enter])
        for method, where, name in _ROUTES:
            app.router.add_route(method, where, getattr(self, name, self._unknown))
        return app

    @web.middleware
    async def _enter(self, request, handler):
        request["address"] = request.transport.get_extra_info("sockname")[0]
        await request.read()
        return await self._respond(request, handler)

    async def _respond(self, request, handler):
        """Every answer comes from here; the body of the request has been read."""
        return await handler(request)

    async def _send(self, _request):
        return web.json_response({"pdus": {}})

    async def _unknown(self, _request):
        return web.json_response({"errcode": "M_UNRECOGNIZED", "error": "not here"}, status=404)


def encoded(body):
    """An answer whose JSON is bytes already."""
    return web.Response(body=body, content_type="application/json")


async def listen(application, places, *certificate_and_key):
    """Serve at these addresses and ports, at each once the one before is served; TLS with a key."""
    context = None
    if certificate_and_key:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate_and_key)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    for address, port in places:
        await web.TCPSite(runner, address, int(port), ssl_context=context).start()


async def told_to_end():
    """Wait for the signal by which the process is stopped."""
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    await end.wait()
