"""What a server costs that nobody asks anything."""

import time

import pytest
from matrix_http import MatrixHttp
from waiting import eventually

WINDOW = 2.0
"""Seconds for which it is watched."""

SHARE = 0.1
"""Of one core: what it may use in this time."""


@pytest.fixture
def idle(engine, new_gantry):
    """A server that nothing else uses."""
    server = new_gantry(engine, f"idle-{engine}")
    server.start()
    yield server
    server.stop()


def test_a_server_that_nobody_asks_computes_nothing(idle):
    alice = MatrixHttp.register(idle.url, "alice")
    alice.send(alice.create_room(), "that is all for today", transaction="last")

    def computes_nothing():
        before = idle.processor_seconds()
        time.sleep(WINDOW)
        share = (idle.processor_seconds() - before) / WINDOW
        assert share < SHARE, f"{share:.0%} of a core"
        return True

    eventually(computes_nothing, "the server computes nothing")
