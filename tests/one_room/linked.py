"""Two servers that reach each other only over two links that can be cut."""

import itertools

from balancer import Backend, Balancer
from peers import Gantry, Synapse, redb_storage
from places import STANDIN, SYNAPSE, binary, installed

_VERSIONS = ["10", "11", "12"]

_PUBLISHES_ROOMS = {
    "allow_public_rooms_over_federation": True,
    "room_list_publication_rules": [{"action": "allow"}],
}


class OpenSynapse(Synapse):
    """A Synapse that shows its room directory to other servers; possibly behind a balancer."""

    def __init__(self, python, folder, authority, address, name=None):
        self._public_name = name
        super().__init__(python, folder, authority, address)
        self.name = name or self.name
        self.tls_port = self._tls

    def _settings(self, authority):
        settings = {**super()._settings(authority), **_PUBLISHES_ROOMS}
        settings["server_name"] = self._public_name or self.name
        return settings


class LinkedServers:
    """Gantry and Synapse, each known to the other by the name of a link."""

    def __init__(self, output, authority, name):
        self._links = [Balancer("127.0.0.1"), Balancer("127.0.0.2")]
        to_gantry, to_synapse = (link.host for link in self._links)
        folder = output / f"{name}-gantry"
        self.gantry = _gantry(folder, authority, to_gantry)
        self.synapse = open_synapse(output / f"{name}-synapse", authority, "127.0.0.2", to_synapse)

    def start(self):
        for server, link in zip(self._servers, self._links, strict=True):
            server.start()
            link.start([Backend(server.tls_port)])

    def stop(self):
        for server, link in zip(self._servers, self._links, strict=True):
            server.stop()
            link.stop()

    def cut(self):
        """Neither server reaches the other."""
        for link in self._links:
            link.cut()

    def mend(self):
        """Both servers can reach each other again."""
        for link in self._links:
            link.mend()

    def are_alive(self):
        """True while both processes exist."""
        return all(server.is_alive() for server in self._servers)

    @property
    def _servers(self):
        return [self.gantry, self.synapse]


def open_synapse(folder, authority, address, name=None):
    """A Synapse that publishes its rooms, not yet started."""
    return OpenSynapse(installed(SYNAPSE), folder, authority, address, name)


def in_turn(couples, count):
    """Version and couple of so many rooms: every couple makes rooms of every version."""
    rooms = zip(itertools.cycle(_VERSIONS), itertools.cycle(couples), strict=False)
    return itertools.islice(rooms, count)


def _gantry(folder, authority, name):
    if STANDIN:
        return open_synapse(folder, authority, "127.0.0.1", name)
    return Gantry(installed(binary()), folder, authority, redb_storage(), name)
