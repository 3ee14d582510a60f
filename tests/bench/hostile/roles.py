"""Which lie is told at which address.

All of them share one port. Gantry may connect to this range and to no other private one, so
whatever reaches another address on this machine should not have.
"""

from hostile.joins import LIES

RANGE = "127.66.0.0/16"

KEY_LIES = [
    "good",
    "far future",
    "unsigned",
    "expired",
    "other name",
    "other key",
    "10 MB",
    "many keys",
    "text as time",
    "fraction as time",
    "negative time",
]

REDIRECTS = ["307", "302", "308 to the own name"]

WELL_KNOWNS = [
    "redirect to loopback",
    "redirect to a private address",
    "redirect to a mapped address",
    "redirect to localhost",
    "redirect to http",
    "redirect to 169.254.169.254",
    "redirect in a circle",
    "redirect to what is allowed",
    "delegation to loopback",
    "delegation to a private address",
    "delegation to localhost",
]

_MEMBERS = ["flood", "bystander", "coup", "large", "slow", "heavy"]

ROLES = [
    *_MEMBERS,
    *(f"join: {lie}" for lie in LIES),
    *(f"keys: {lie}" for lie in KEY_LIES),
    "keys: slow",
    *(f"redirect: {how}" for how in REDIRECTS),
    *(f"well-known: {what}" for what in WELL_KNOWNS),
]

ADDRESSES = {role: f"127.66.0.{number}" for number, role in enumerate(ROLES, 1)}
CONTROL = "127.66.1.1"
ALLOWED_TRAP = "127.66.1.2"
TRAPS = ["127.0.0.1", "127.77.0.1"]
"""Where nobody may be led: a neighbor's ports, and a private address."""

HOSTS = {what: f"known{number}.example" for number, what in enumerate(WELL_KNOWNS)}
"""The names of the servers whose well-known file lies."""


def server(role, port):
    """The name of the server that plays a role."""
    return f"{ADDRESSES[role]}:{port}"
