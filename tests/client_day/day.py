"""One day, lived on Gantry and on Synapse, with each client library; see README.md.

Prints what differs, and ends with 1 if something differs that nobody has looked into.
"""

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

_HERE = Path(__file__).parent
sys.path.insert(0, str(_HERE.parent / "one_room"))

from cast import Cast  # noqa: E402
from certificates import Authority  # noqa: E402
from differences import Known, as_line, differences, grouped, readable  # noqa: E402
from peers import Gantry, Synapse, redb_storage  # noqa: E402
from places import PEERS, SYNAPSE, binary, output  # noqa: E402
from story import tell  # noqa: E402

_OUTPUT = output("client_day")
_MAUTRIX = Path(os.environ.get("GANTRY_TEST_MAUTRIX", PEERS / "mautrix"))
_JS = Path(os.environ.get("GANTRY_TEST_JS", PEERS / "js"))

_LIBRARIES = {
    "nio": [PEERS / "clients/bin/python", "-B", _HERE / "nio_day.py"],
    "mautrix": [_MAUTRIX / "bin/python", "-B", _HERE / "mautrix_day.py"],
    "js": ["node", "--no-warnings", _HERE / "js_day.mjs", _JS],
}


class PublishingSynapse(Synapse):
    """Without this setting nobody may publish a room, and sync answers would be old by seconds."""

    def _settings(self, authority):
        return {
            **super()._settings(authority),
            "room_list_publication_rules": [{"action": "allow"}],
            "caches": {"sync_response_cache_duration": 0},
            "user_directory": {"search_all_users": True},
        }


def main():
    """Run, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("libraries", nargs="*", default=list(_LIBRARIES))
    parser.add_argument("--only", choices=["gantry", "synapse"], help="compare with the last run")
    parser.add_argument("--again", action="store_true", help="compare the last run's documents")
    options = parser.parse_args()
    if not options.again:
        _run(options.libraries, options.only)
    return _compare(options.libraries)


def _run(libraries, only):
    _OUTPUT.mkdir(parents=True, exist_ok=True)
    for name in ("gantry", "synapse", "certificates"):
        shutil.rmtree(_OUTPUT / name, ignore_errors=True)
    authority = Authority(_OUTPUT / "certificates")
    servers = {
        "gantry": Gantry(binary(), _OUTPUT / "gantry", authority, redb_storage()),
        "synapse": PublishingSynapse(SYNAPSE, _OUTPUT / "synapse", authority, "127.0.0.2"),
    }
    for name, server in servers.items():
        if only not in (None, name):
            continue
        server.start()
        for library in libraries:
            _live(library, name, server)
        server.stop()


def _live(library, name, server):
    began = time.monotonic()
    cast = Cast(_LIBRARIES[library], server, _OUTPUT / f"{library}-{name}.log")
    try:
        diary = tell(cast, library)
    finally:
        cast.leaves_the_stage()
    document = readable(diary, server.name)
    _document(library, name).write_text(
        json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)
    )
    seconds = time.monotonic() - began
    print(f"{library} on {name}: {seconds:.0f} s", file=sys.stderr)


def _document(library, server):
    return _OUTPUT / f"{library}-{server}.json"


def _compare(libraries):
    known = Known()
    unknown = 0
    for library in libraries:
        ours, theirs = (
            json.loads(_document(library, server).read_text()) for server in ("gantry", "synapse")
        )
        found = list(differences(ours, theirs))
        surprising = [each for each in found if not known.reason(as_line(library, each))]
        unknown += len(surprising)
        print(f"## {library}: {len(surprising)} new differences, ", end="")
        print(f"{len(found) - len(surprising)} known (Gantry | Synapse)")
        for difference, more in grouped(surprising):
            print(f"- {as_line(library, difference)}", f"(and {more} alike)" if more else "")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
