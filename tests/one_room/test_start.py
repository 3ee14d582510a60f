"""How the server starts."""

import pytest


@pytest.fixture
def started(new_gantry):
    """A server that nothing else uses."""
    server = new_gantry("redb", "started")
    server.start()
    yield server
    server.stop()


def test_its_allocator_keeps_no_more_arenas_than_there_are_cores(started):
    settings = started.environment()

    assert settings["GLIBC_TUNABLES"].startswith("glibc.malloc.arena_max=")
