"""The image for Complement, as far as it can be shown where no engine runs containers.

Its steps name what exists, and its entry point starts a server as Complement expects one.
"""

import hashlib
import hmac
import os
import shlex
import socket
import ssl
import subprocess

import pytest
import requests
from peers import redb_storage
from places import ROOT, binary, installed
from ports import free_port
from processes import Program

COMPLEMENT = ROOT / "complement"
START = COMPLEMENT / "start"
APPSERVICE = """
id: the-bridge
url: http://127.0.0.1:9
as_token: from-the-bridge
hs_token: from-the-server
sender_localpart: the-bridge-user
namespaces: {users: [{exclusive: false, regex: "@the-bridge-.*"}], aliases: [], rooms: []}
"""


def _steps():
    """The steps of the image, as lists of words."""
    lines = (COMPLEMENT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.strip() and not line.startswith("#")]


def test_the_image_is_made_of_what_there_is():
    copies = [step[1:] for step in _steps() if step[0] == "COPY"]
    own = dict(copy for copy in copies if len(copy) == 2)
    assert [source for source in own if not (ROOT / source).exists()] == []
    assert 'name = "gantry"' in (ROOT / "Cargo.toml").read_text()
    entry = next(step for step in _steps() if step[0] == "ENTRYPOINT")
    assert own["complement/start"] in entry[1]
    assert os.access(START, os.X_OK)
    subprocess.run(["sh", "-n", START], check=True)


@pytest.fixture
def started(output, authority):
    """Complement's folder with an authority and an application service, and a server started."""
    folder = output / "complement-image"
    (folder / "ca").mkdir(parents=True)
    (folder / "appservice").mkdir()
    authority.write_to(folder / "ca/ca.crt", folder / "ca/ca.key")
    (folder / "appservice/the-bridge.yaml").write_text(APPSERVICE)
    plain, tls = (f"127.0.0.1:{free_port()}" for _ in range(2))
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("GANTRY_")}
    environment = {
        **inherited,
        **redb_storage(),
        "SERVER_NAME": "hs1",
        "COMPLEMENT_DIR": str(folder),
        "TLS_DIR": str(folder / "tls"),
        "GANTRY": str(installed(binary())),
        "GANTRY_CONFIG": str(COMPLEMENT / "gantry.toml"),
        "GANTRY_SERVER__DATA_DIR": str(folder / "data"),
        "GANTRY_LISTENERS__PLAIN": plain,
        "GANTRY_LISTENERS__TLS": tls,
    }
    program = Program("complement-image", [START], folder / "log", environment)

    def is_ready():
        try:
            return requests.get(f"http://{plain}/health", timeout=5).ok
        except requests.ConnectionError:
            return False

    program.start(is_ready)
    yield plain, tls, folder
    program.stop()


def test_the_image_starts_a_server_as_complement_wants_it(started):
    plain, tls, folder = started
    trusting = ssl.create_default_context(cafile=folder / "ca/ca.crt")
    address, port = tls.split(":")
    with (
        socket.create_connection((address, int(port)), timeout=5) as connection,
        trusting.wrap_socket(connection, server_hostname="hs1") as secured,
    ):
        assert secured.version() == "TLSv1.3"

    register = f"http://{plain}/_synapse/admin/v1/register"
    nonce = requests.get(register, timeout=5).json()["nonce"]
    words = b"\0".join([nonce.encode(), b"alice", b"wonderland", b"admin"])
    body = {
        "nonce": nonce,
        "username": "alice",
        "password": "wonderland",
        "admin": True,
        "mac": hmac.new(b"complement", words, hashlib.sha1).hexdigest(),
    }
    answer = requests.post(register, json=body, timeout=5)
    assert answer.status_code == 200, answer.text
    assert answer.json()["user_id"] == "@alice:hs1"

    whoami = f"http://{plain}/_matrix/client/v3/account/whoami"
    bridge = {"Authorization": "Bearer from-the-bridge"}
    answer = requests.get(whoami, headers=bridge, timeout=5)
    assert answer.json()["user_id"] == "@the-bridge-user:hs1"
