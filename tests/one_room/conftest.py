"""The servers that all tests share, and their logs when a test fails.

`GANTRY_STANDIN=synapse` puts a second Synapse in Gantry's place: a check of the tests themselves.
"""

import os
import shutil
from pathlib import Path

import places
import processes
import pytest
from certificates import Authority
from linked import LinkedServers
from peers import Gantry, Mongod, Synapse, mongodb_storage, redb_storage
from places import MONGOD, STANDIN, SYNAPSE, binary, installed

_MONGOD_SCRIPT = Path(__file__).parent / "mongod.py"
ENGINES = ["standin"] if STANDIN else ["redb", "mongodb"]


def pytest_generate_tests(metafunc):
    """Whatever uses the fixture `engine` runs once on each storage engine."""
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", ENGINES, scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show the end of every server's log beside a failure."""
    report = yield
    if report.failed:
        for program in processes.running.values():
            report.sections.append((f"end of {program.log}", program.tail()))
    return report


@pytest.fixture(scope="session")
def output():
    """An empty folder for data and logs; it stays after the run."""
    folder = places.output("one_room")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def authority(output):
    """The certificate authority that every server of this run trusts."""
    return Authority(output / "certificates")


@pytest.fixture(scope="session")
def mongodb_uri(output):
    """The mongod that the caller has started, or one of our own."""
    if uri := os.environ.get("GANTRY_TEST_MONGODB_URI"):
        yield uri
        return
    mongod = Mongod(installed(MONGOD), _MONGOD_SCRIPT, output / "mongod")
    mongod.start()
    yield mongod.uri
    mongod.stop()


@pytest.fixture(scope="session")
def synapse(output, authority):
    """The other server of the federation."""
    server = Synapse(installed(SYNAPSE), output / "synapse", authority, "127.0.0.2")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def linked_servers(output, authority, request):
    """Gantry and a Synapse of the module's own that reach each other only over links."""
    name = request.module.__name__.removeprefix("test_")
    servers = LinkedServers(output, authority, name)
    servers.start()
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def new_gantry(output, authority, request):
    """A function that makes another Gantry, not yet started, on the given storage engine.

    Its attribute `cluster` makes several nodes of one server on one MongoDB.
    """

    def cluster(name, count, server_name, uri):
        storage = mongodb_storage(uri)
        program = installed(binary())
        folders = [output / f"{name}-{number}" for number in range(1, count + 1)]
        return [Gantry(program, folder, authority, storage, server_name) for folder in folders]

    def make(engine, name):
        if STANDIN:
            return Synapse(installed(SYNAPSE), output / name, authority, "127.0.0.1")
        uri = request.getfixturevalue("mongodb_uri") if engine == "mongodb" else None
        storage = mongodb_storage(uri) if uri else redb_storage()
        return Gantry(installed(binary()), output / name, authority, storage)

    make.cluster = cluster
    return make


@pytest.fixture(scope="session")
def gantry(engine, new_gantry):
    """The server under test, shared by the tests of one engine."""
    server = new_gantry(engine, f"gantry-{engine}")
    server.start()
    yield server
    assert server.is_alive(), f"{server.name} did not survive its tests"
    server.stop()
