"""Bad frames end their own connection and nothing else."""

import asyncio
import json

import pytest
import websockets
from people.background import wait_for
from places import STANDIN

pytestmark = pytest.mark.skipif(STANDIN, reason="the stand-in speaks no Rocket.Chat")

CONNECT = json.dumps({"msg": "connect", "version": "1", "support": ["1"]})
LOGIN = json.dumps({"msg": "method", "method": "login", "id": "1", "params": []})
_DEADLINE = 20
_NOT_A_TEXT = {1003, 1007}
_PROTOCOL_ERROR = {1002}
_TOO_LARGE = {1002, 1007, 1009}


@pytest.fixture
def talk(gantry):
    """A function that sends frames and returns the code with which the server closes."""

    def send(*frames):
        return wait_for(_talk(gantry.websocket_url, frames))

    yield send
    assert wait_for(_connects(gantry.websocket_url))


def test_binary_frame(talk):
    assert talk(CONNECT, b"\x00\x01\x02") in _NOT_A_TEXT


def test_binary_frame_as_the_first(talk):
    assert talk(CONNECT.encode()) in _NOT_A_TEXT


def test_method_before_connect(talk):
    assert talk(LOGIN) in _PROTOCOL_ERROR


def test_method_without_an_id(talk):
    assert talk(CONNECT, json.dumps({"msg": "method", "method": "login"})) in _PROTOCOL_ERROR


def test_frame_of_10_mebibytes(talk):
    padding = "x" * (10 * 1024 * 1024)
    frame = json.dumps({"msg": "method", "method": padding, "id": "1", "params": []})

    assert talk(CONNECT, frame) in _TOO_LARGE


async def _talk(address, frames):
    async with websockets.connect(address) as socket:
        try:
            for frame in frames:
                await socket.send(frame)
        except websockets.ConnectionClosed:
            pass  # The server need not read a frame to its end.
        async with asyncio.timeout(_DEADLINE):
            await socket.wait_closed()
        return socket.close_code


async def _connects(address):
    async with websockets.connect(address) as socket:
        await socket.send(CONNECT)
        async with asyncio.timeout(_DEADLINE):
            async for text in socket:
                if json.loads(text).get("msg") == "connected":
                    return True
    return False
