"""The process that plays all servers that lie.

    python liar.py PORT CONTROL_PORT TRAP_PORT CERTIFICATE KEY

Which lie is told depends on the address that was asked (`roles.py`). On the control port, over
plain HTTP, it says what it was asked so far, and learns of the rooms in which its users really are.
"""

import asyncio
import contextlib
import sys
from collections import Counter, defaultdict
from pathlib import Path

_BENCH = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_BENCH), str(_BENCH.parent / "one_room")]

from aiohttp import web  # noqa: E402
from fake_server.events import event_id  # noqa: E402
from fake_server.federation_api import FederationApi, encoded, listen, told_to_end  # noqa: E402

from hostile.forged import Mint, unknown_id  # noqa: E402
from hostile.joins import LIES, realm_of, template, tiny_objects  # noqa: E402
from hostile.keys import key_answer  # noqa: E402
from hostile.roles import ADDRESSES, ALLOWED_TRAP, CONTROL, HOSTS, server  # noqa: E402

_MIB = 1024 * 1024
_SLOW = 0.25

_PROMPT = {
    "slow": ["_server_keys", "_send"],
    "keys: slow": [],
    "join: slow": ["_server_keys", "_make_join"],
    "join: slow history": ["_server_keys", "_make_join", "_send_join", "_send"],
}
"""What even the slow ones answer at once, so that it comes to the rest."""


class Liar(FederationApi):
    """Answers for all roles, and counts."""

    def __init__(self, port, trap_port):
        self._port, self._trap_port = port, trap_port
        self._roles = {address: role for role, address in ADDRESSES.items()}
        self._asked = defaultdict(Counter)
        self._named = 0
        self._rooms = {}
        self._mints = {}
        self._pages = {}
        self._calm = set()

    def control(self):
        """The routes of the control port."""
        app = web.Application(client_max_size=50_000_000)
        app.add_routes([web.get("/", self._report), web.post("/room", self._learn)])
        app.add_routes([web.post("/calm/{role}", self._calm_down)])
        return app

    async def _report(self, _request):
        return web.json_response({"asked": self._asked, "named": self._named})

    async def _learn(self, request):
        """A room in which the user of a role is: what its events need, and what may be given."""
        room = await request.json()
        role = room["role"]
        self._rooms[role] = room
        name = server(role, self._port)
        arguments = room["room_id"], room["sender"], name, room["auth_events"], room["depth"]
        mint = self._mints[role] = Mint(*arguments)
        self._pages[role] = [mint.message() for _ in range(500)]
        return web.json_response({})

    async def _calm_down(self, request):
        self._calm.add(request.match_info["role"])
        return web.json_response({})

    async def _respond(self, request, handler):
        request["role"] = role = self._roles[request["address"]]
        self._asked[role]["/".join(request.path.split("/")[2:5])] += 1
        if (role in self._calm or role == "bystander") and handler != self._server_keys:
            return await self._unknown(request)
        if role.startswith("redirect"):
            return self._redirected(request)
        if role in _PROMPT and handler.__name__ not in _PROMPT[role]:
            return await _drip(request)
        return await handler(request)

    async def _server_keys(self, request):
        role = request["role"]
        lie = role.removeprefix("keys: ") if role.startswith("keys: ") else "good"
        return encoded(key_answer(lie, server(role, self._port)))

    async def _well_known(self, request):
        what = request["role"].removeprefix("well-known: ")
        port, own = self._trap_port, f"https://{HOSTS.get(what)}/.well-known/matrix/server"
        where = {
            "redirect to loopback": f"https://127.0.0.1:{port}/",
            "redirect to a private address": f"https://127.77.0.1:{port}/",
            "redirect to a mapped address": f"https://[::ffff:127.0.0.1]:{port}/",
            "redirect to localhost": f"https://localhost:{port}/",
            "redirect to http": f"http://127.0.0.1:{port}/",
            "redirect to 169.254.169.254": "https://169.254.169.254/latest/",
            "redirect in a circle": own,
            "redirect to what is allowed": f"https://{ALLOWED_TRAP}:{port}/",
            "delegation to loopback": f"127.0.0.1:{port}",
            "delegation to a private address": f"127.77.0.1:{port}",
            "delegation to localhost": f"localhost:{port}",
        }.get(what)
        if not where:
            return await self._unknown(request)
        if what.startswith("delegation"):
            return web.json_response({"m.server": where})
        return web.Response(status=302, headers={"Location": where})

    def _redirected(self, request):
        how = request["role"].removeprefix("redirect: ")
        own = server(request["role"], self._port)
        traps = ["127.0.0.1", "127.77.0.1", ALLOWED_TRAP]
        number = self._asked[request["role"]].total() % len(traps)
        to = own if how.startswith("308") else f"{traps[number]}:{self._trap_port}"
        where = f"https://{to}{request.path_qs}"
        return web.Response(status=int(how[:3]), headers={"Location": where})

    async def _make_join(self, request):
        lie = request["role"].removeprefix("join: ")
        if request["role"] == "heavy":
            return encoded(await asyncio.to_thread(tiny_objects, 10 * _MIB - 100))
        if lie not in LIES:
            return await self._unknown(request)
        realm = realm_of(lie, server(request["role"], self._port))
        return web.json_response(template(lie, realm, request.match_info["user"]))

    async def _send_join(self, request):
        lie = request["role"].removeprefix("join: ")
        realm = realm_of(lie, server(request["role"], self._port))
        join = await request.json()
        return encoded(await asyncio.to_thread(LIES[lie], realm, join))

    async def _missing(self, request):
        if request["role"] == "flood":
            return web.json_response({"events": self._minted("flood", 100)})
        return web.json_response({"events": []})

    async def _state_ids(self, request):
        room = self._rooms.get(request["role"], {})
        if request["role"] == "heavy":
            return encoded(await asyncio.to_thread(tiny_objects, room["bytes"]))
        if request["role"] == "flood":
            ids = [unknown_id() for _ in range(45)]
            self._named += len(ids)
            return web.json_response({"pdu_ids": ids[:30], "auth_chain_ids": ids[30:]})
        pdus, chain = (
            [event_id(event) for event in room.get(field, [])] for field in ("state", "auth_chain")
        )
        return web.json_response({"pdu_ids": pdus, "auth_chain_ids": chain})

    async def _state(self, request):
        role = request["role"]
        room = self._rooms.get(role, {})
        if role == "flood":
            state = await asyncio.to_thread(self._minted, role, 500)
            return web.json_response({"pdus": state, "auth_chain": self._pages[role]})
        state, chain = room.get("state", []), room.get("auth_chain", [])
        return web.json_response({"pdus": state, "auth_chain": chain})

    async def _event(self, request):
        role, wanted = request["role"], request.match_info["event"]
        if role == "flood":
            return web.json_response({"pdus": self._minted(role, 1)})
        room = self._rooms.get(role, {})
        events = [*room.get("state", []), *room.get("auth_chain", [])]
        found = [event for event in events if event_id(event) == wanted]
        return web.json_response({"pdus": found}) if found else await self._unknown(request)

    async def _event_auth(self, request):
        role = request["role"]
        chain = self._rooms.get(role, {}).get("auth_chain", [])
        events = self._pages[role] if role == "flood" else chain
        return web.json_response({"auth_chain": events})

    def _minted(self, role, count):
        self._named += 20 * count
        return [self._mints[role].message() for _ in range(count)]


async def _drip(request):
    """Byte by byte, without an end."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        await response.write(b'{"a":"')
        while request.transport and not request.transport.is_closing():
            await response.write(b"x")
            await asyncio.sleep(_SLOW)
    return response


async def _serve(port, control_port, trap_port, *certificate_and_key):
    liar = Liar(port, trap_port)
    places = [(address, port) for address in ADDRESSES.values()]
    await listen(liar.application(), places, *certificate_and_key)
    # If this one answers, all do.
    await listen(liar.control(), [(CONTROL, control_port)])
    await told_to_end()


if __name__ == "__main__":
    ports = [int(word) for word in sys.argv[1:4]]
    asyncio.run(_serve(*ports, *sys.argv[4:]))
