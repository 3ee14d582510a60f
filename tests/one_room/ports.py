"""Free ports on a loopback address."""

import random
import socket

# Below the range that the kernel takes the ports of outgoing connections from: a server that is
# down for a moment finds its port free again, and nobody connects to himself by accident.
_CANDIDATES = range(20_000, 32_000)

_given = set()


def free_port(address="127.0.0.1"):
    """A port on `address` that is free now and that this process has not given out before."""
    while True:
        port = random.choice(_CANDIDATES)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
        _given.add(port)
        return port
