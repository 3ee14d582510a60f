"""Where programs lie, where results go, and how the caller wants the tests to run."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PEERS = Path(os.environ.get("GANTRY_TEST_PEERS", TARGET / "peers"))
SYNAPSE = PEERS / "synapse/bin/python"
MONGOD = PEERS / "mongod/bin/python"

STANDIN = os.environ.get("GANTRY_STANDIN") == "synapse"
"""A second Synapse is in Gantry's place."""

LONG = bool(os.environ.get("GANTRY_LONG"))
"""There is time for more of everything."""


def binary(profile="debug"):
    """The Gantry to run: the caller's, or the last one that was built."""
    return Path(os.environ.get("GANTRY_TEST_BINARY", TARGET / profile / "gantry"))


def output(name):
    """The folder for data, logs and results: the caller's, or one of that name."""
    return Path(os.environ.get("GANTRY_TEST_OUTPUT", TARGET / name))


def installed(program):
    """The program; without it a test is skipped, but in CI it fails."""
    if not program.exists():
        complaint = f"{program} is missing: `cargo xtask test` installs and builds it"
        if os.environ.get("CI"):
            pytest.fail(complaint)
        pytest.skip(complaint)
    return program
