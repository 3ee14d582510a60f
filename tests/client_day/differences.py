"""What one server gave and the other did not, after ids and times are put aside."""

import difflib
import json
import re
from pathlib import Path

_TIMES = {
    "age", "age_ts", "origin_server_ts", "ts", "server_timestamp", "timestamp", "last_seen_ts",
    "last_seen_ip", "last_seen_user_agent", "received_ts", "expires_in_ms",
}  # fmt: skip
_CHANCE = {"start", "end", "from", "next_batch", "prev_batch", "next_token", "transaction_id"}
_SECRETS = {"hashes", "signatures", "auth_events", "prev_events", "depth", "access_token"}

# What Synapse adds to events for clients older than the specification's first stable version.
_OLD_FIELDS = {"user_id", "replaces_state", "prev_content", "redacted_because", "prev_sender"}
_OF_LIBRARIES = {"mautrix_prev_membership"}
_OF_EVENTS = {*_OLD_FIELDS, "room_id"}
_LEFT_OUT = _TIMES | _SECRETS | _OF_LIBRARIES
_NO_TWEAKS = ({"set_tweak": "highlight", "value": False}, {"tweak": "highlight", "value": False})
_UNORDERED = {
    "actions", "aliases", "conditions", "devices", "highlights", "joined_rooms", "left", "state",
    "state of the room left", "thread_events",
}  # fmt: skip
_UNORDERED_CHUNKS = ("members", "alone")
_IDENTIFIER = re.compile(r"[$!][A-Za-z0-9_+/=-]{8,}(?::[\d.]+:\d+)?")
_KNOWN = Path(__file__).parent / "known_differences.txt"


def readable(diary, server_name):
    """What was seen as one JSON document without anything that differs from run to run."""
    labels = dict(diary.labels)
    for history in diary.histories.values():
        _label_the_rest(labels, history[0]["room_id"], history[::-1])
    for known in diary.people.values():
        for room, seen in known["rooms"].items():
            _label_the_rest(labels, room, seen["timeline"])
    document = {
        "answers": diary.answers,
        "people": diary.people,
        "histories": {room: history[::-1] for room, history in diary.histories.items()},
    }
    return _Reader(labels, server_name).read(document)


def timeless(value):
    """What was seen without ages and other times, which change by themselves."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in _TIMES}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def _label_the_rest(labels, room, events):
    """Name what nobody sent by hand: creation, membership, and what upgrades bring."""
    counts = {}
    for event in events:
        key = event.get("state_key")
        name = f"{labels.get(room, '?')} {event['type']} {labels.get(key, key) or ''}".strip()
        counts[name] = counts.get(name, 0) + 1
        labels.setdefault(event["event_id"], f"<{name} {counts[name]}>")


class _Reader:
    def __init__(self, labels, server_name):
        self._labels = labels
        self._server_name = server_name
        self._unknown = {}

    def read(self, value):
        if isinstance(value, dict):
            old = _OF_EVENTS if "event_id" in value and "sender" in value else ()
            return {
                self._text(key): self._of_key(key, item)
                for key, item in sorted(value.items())
                if key not in _LEFT_OUT and key not in old
            }
        if isinstance(value, list):
            return [self.read(item) for item in value if item not in _NO_TWEAKS]
        return self._text(value) if isinstance(value, str) else value

    def _of_key(self, key, value):
        if key in _CHANCE and value:
            return f"<{key}>"
        if key in _UNORDERED_CHUNKS and isinstance(value, dict) and "chunk" in value:
            value = {"state": value["chunk"]}
        value = self.read(value)
        if key == "invitations":
            return {room: _sorted(state) for room, state in value.items()}
        return _sorted(value) if key in _UNORDERED else value

    def _text(self, text):
        if text in self._labels:
            return self._labels[text]
        text = _IDENTIFIER.sub(lambda found: self._name(found[0]), text)
        for identifier, label in self._labels.items():
            if identifier.startswith(("@", "#")):
                text = text.replace(identifier, label)
        return text.replace(self._server_name, "<server>")

    def _name(self, identifier):
        """An id that nobody has named gets a number when it first appears."""
        if identifier in self._labels:
            return self._labels[identifier]
        number = len(self._unknown) + 1
        return self._unknown.setdefault(identifier, f"<{identifier[0]}{number}>")


def _sorted(value):
    """A list in an order that does not depend on the server; anything else as it is."""
    if not isinstance(value, list):
        return value
    return sorted(value, key=lambda item: _identity(item) + json.dumps(item, sort_keys=True))


def differences(ours, theirs, where=""):
    """Every place where the documents are not equal: the place, our value and theirs."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            place = f"{where} › {key}" if where else key
            yield from differences(ours.get(key, _NOTHING), theirs.get(key, _NOTHING), place)
    elif isinstance(ours, list) and isinstance(theirs, list):
        yield from _of_lists(ours, theirs, where)
    elif ours != theirs or type(ours) is not type(theirs):
        yield where, ours, theirs


class _Nothing:
    def __repr__(self):
        return "—"


_NOTHING = _Nothing()


def _of_lists(ours, theirs, where):
    """Elements of equal identity are compared; the others are missing here or there."""
    our_names, their_names = [*map(_identity, ours)], [*map(_identity, theirs)]
    matcher = difflib.SequenceMatcher(None, our_names, their_names, autojunk=False)
    for kind, start, end, their_start, their_end in matcher.get_opcodes():
        if kind == "equal":
            for our, their in zip(ours[start:end], theirs[their_start:their_end]):
                yield from differences(our, their, f"{where} › {_identity(our)}")
            continue
        for our in ours[start:end]:
            yield f"{where} › {_identity(our)}", our, _NOTHING
        for their in theirs[their_start:their_end]:
            yield f"{where} › {_identity(their)}", _NOTHING, their


def _identity(element):
    if isinstance(element, dict):
        if isinstance(element.get("event"), dict) and "event_id" in element["event"]:
            return element["event"]["event_id"]
        if "type" in element and "event_id" not in element:
            return f"{element['type']} {element.get('state_key', '')}".strip()
        for key in ("event_id", "rule_id", "id", "device_id", "user_id", "room_id", "result"):
            if isinstance(element.get(key), (str, dict)):
                return _identity(element[key])
    return json.dumps(element, ensure_ascii=False, sort_keys=True)[:80]


class Known:
    """Differences that have been looked into: a pattern of `place: ours | theirs` a line."""

    def __init__(self, path=_KNOWN):
        lines = path.read_text().splitlines() if path.exists() else []
        self._entries = []
        reason = []
        for line in lines:
            if line.startswith("#"):
                reason.append(line.lstrip("# "))
            elif line.strip():
                self._entries.append((re.compile(line.strip()), " ".join(reason)))
            else:
                reason = []
        self.uses = {pattern.pattern: 0 for pattern, _ in self._entries}

    def reason(self, line):
        """Why a difference is right as it is, or None."""
        for pattern, reason in self._entries:
            if pattern.search(line):
                self.uses[pattern.pattern] += 1
                return reason
        return None


def grouped(found):
    """What differs in the same way for several events, rooms or people, as one."""
    groups = {}
    for difference in found:
        groups.setdefault(_gist(*difference), []).append(difference)
    for alike in groups.values():
        yield alike[0], len(alike) - 1


def _gist(where, ours, theirs):
    last = re.sub(r"<.*>|@\w+|![\w ]+", "*", where.split(" › ")[-1])
    return last, _kind(ours), _kind(theirs)


def _kind(value):
    if value is _NOTHING or isinstance(value, (bool, int)):
        return repr(value)
    return type(value).__name__


def as_line(library, difference):
    """A difference as one readable line."""
    where, ours, theirs = difference
    return f"{library} › {where}: {_short(ours)} | {_short(theirs)}"


def _short(value, width=400):
    text = repr(value) if value is _NOTHING else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= width else text[:width] + "…"
