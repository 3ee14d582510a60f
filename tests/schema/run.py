"""Ask every operation of the specification, and hold the answers to its schemas.

    target/peers/schema/bin/python tests/schema/run.py [--only REGEX] [--seed N] [--times N]
"""

import argparse
import os
import re
import shutil
import sys
import time
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "one_room"))

import recipes_client  # noqa: E402
import recipes_server  # noqa: E402
import specification  # noqa: E402
from certificates import Authority  # noqa: E402
from examiner import Examiner  # noqa: E402
from fake_server import FakeServer  # noqa: E402
from federated_world import FederatedWorld  # noqa: E402
from mailbox import Mailbox  # noqa: E402
from peers import Gantry, mongodb_storage, redb_storage  # noqa: E402
from places import ROOT, binary, output  # noqa: E402
from report import Exceptions  # noqa: E402
from world import SHARED_SECRET, World  # noqa: E402

_OUTPUT = output("schema")
_SETTINGS = {
    "GANTRY_REGISTRATION__SHARED_SECRET": SHARED_SECRET,
    "GANTRY_SUPPORT__PAGE": "https://example.org/help",
    "GANTRY_SERVER__WELL_KNOWN_CLIENT": "https://matrix.example.org",
    "GANTRY_SERVER__WELL_KNOWN_SERVER": "matrix.example.org:443",
}


def main():
    """Run everything; the exit status is 1 if anything speaks against the server."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", type=re.compile, default="", metavar="REGEX")
    arguments.add_argument("--seed", type=int, default=1, metavar="N")
    arguments.add_argument("--times", type=int, default=1, metavar="N", help="more examples")
    arguments.add_argument("--mongodb", metavar="URI", help="store in this MongoDB, not in redb")
    chosen = arguments.parse_args()
    place = specification.folder()
    if place is None:
        return _without_specification()

    shutil.rmtree(_OUTPUT, ignore_errors=True)
    _OUTPUT.mkdir(parents=True)
    authority = Authority(_OUTPUT / "certificates")
    mailbox = Mailbox()
    storage = mongodb_storage(chosen.mongodb) if chosen.mongodb else redb_storage()
    settings = {**storage, **_SETTINGS, **mailbox.settings}
    server = Gantry(binary(), _OUTPUT / "gantry", authority, settings)
    server.start()
    fake = FakeServer(authority, "127.0.0.9")
    try:
        return _examine(chosen, place, server, mailbox, fake)
    finally:
        fake.close()
        server.stop()
        mailbox.close()


def _without_specification():
    complaint = (
        "no OpenAPI files: set OPENAPI_DIR to the folder with client-server.json and"
        " server-server.json of the Matrix specification"
    )
    if os.environ.get("CI"):
        print(f"error: {complaint}", file=sys.stderr)
        return 1
    print(f"SKIPPED: {complaint}", file=sys.stderr)
    return 0


def _examine(chosen, place, server, mailbox, fake):
    exceptions = Exceptions(_HERE / "exceptions.txt")
    apis = [
        (specification.CLIENT, recipes_client.RECIPES, lambda: World(server, mailbox)),
        (
            specification.SERVER,
            recipes_server.RECIPES,
            lambda: FederatedWorld(server, mailbox, fake),
        ),
    ]
    asked, complaints = [], []
    with (_OUTPUT / "report.txt").open("w") as report:
        report.write(" 2xx  4xx  5xx  operation\n")
        for api, recipes, new_world in apis:
            examiner = Examiner(server.url, recipes, new_world, chosen.seed, chosen.times)
            report.write(f"# {api}\n")
            for operation in specification.operations(api, place):
                if not re.search(chosen.only, operation.line):
                    continue
                started = time.monotonic()
                line = examiner.examine(operation)
                asked.append(line)
                report.write(f"{line}\n")
                report.flush()
                for complaint in exceptions.complaints(line):
                    complaints.append(f"{operation.line}: {complaint}")
                    print(f"{complaints[-1]}\n", flush=True)
                if os.environ.get("GANTRY_SCHEMA_TIMES"):
                    print(f"{time.monotonic() - started:6.2f} s  {operation.line}", flush=True)
    if not chosen.only:
        complaints += _differences({line.operation.line for line in asked})
    if not server.is_alive():
        complaints.append("the server did not survive")
    for entry in exceptions.unneeded(asked):
        complaints.append(f"exceptions.txt: not needed any more: {entry}")
    return _summary(asked, complaints)


def _differences(lines):
    """Where the committed list of operations is not that of the specification."""
    text = (ROOT / "complement/operations.txt").read_text()
    committed = {line for line in text.splitlines() if line and line[0] not in "#["}
    for line in sorted(lines ^ committed):
        yield f"complement/operations.txt {'lacks' if line in lines else 'invents'} {line}"


def _summary(asked, complaints):
    there = [line for line in asked if line.is_there]
    requests = sum(sum(line.answers.values()) for line in there)
    for complaint in complaints:
        print(f"FAILED {complaint.splitlines()[0][:200]}")
    print(
        f"{len(asked)} operations, {len(there)} served, {requests} requests,"
        f" {len(complaints)} complaints; see {_OUTPUT / 'report.txt'}"
    )
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
