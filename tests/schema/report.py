"""The report: a line for each operation, and what speaks against it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NO_2XX, SCHEMA, REMOTE, SERVER_ERROR = "no-2xx", "schema", "remote", "server-error"
"""Kinds of fault. No exception is made for a server error."""

_EXCEPTION = re.compile(r"(?P<kind>no-2xx|schema|remote) (?P<line>\S+ \S+) +(?P<reason>\S.*)")
_SHOWN_FAULTS = 3


@dataclass(frozen=True)
class Fault:
    """Something wrong with one answer."""

    kind: str
    title: str
    request: str = ""

    def __str__(self):
        return f"{self.title}\n{self.request}"


@dataclass
class Line:
    """The answers of one operation."""

    operation: Any
    is_there: bool = False
    answers: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)

    def count(self, status):
        """One more answer with this status."""
        self.answers[status // 100] = self.answers.get(status // 100, 0) + 1

    def __str__(self):
        if not self.is_there:
            return f"   -    -    -  {self.operation.line}  (not served)"
        counts = "".join(f"{self.answers.get(hundreds, 0):4} " for hundreds in (2, 4, 5))
        return f"{counts} {self.operation.line}"


class Exceptions:
    """The committed list of what is known to fail, each with its reason."""

    def __init__(self, file: Path):
        self._known = {}
        for number, text in enumerate(file.read_text().splitlines(), 1):
            if not text or text.startswith("#"):
                continue
            match = _EXCEPTION.fullmatch(text)
            if not match:
                raise SystemExit(f"{file}:{number}: not `<no-2xx|schema|remote> METHOD path  reason`")
            self._known[match["kind"], match["line"]] = match["reason"]
        self._unused = set(self._known)

    def complaints(self, line):
        """What speaks against an operation and is not on the list."""
        faults = list(line.faults)
        if line.is_there and not line.answers.get(2):
            faults.insert(0, Fault(NO_2XX, "no request succeeds"))
        distinct = {fault.title.split("\n")[0]: fault for fault in reversed(faults)}
        left = [fault for fault in reversed(distinct.values()) if not self._covers(fault, line)]
        shown = [str(fault) for fault in left[:_SHOWN_FAULTS]]
        if len(left) > _SHOWN_FAULTS:
            shown.append(f"and {len(left) - _SHOWN_FAULTS} more kinds of fault")
        return shown

    def unneeded(self, asked):
        """Entries about operations that were asked and gave no cause.

        A generated request that names another server comes and goes with the seed.
        """
        lines = {line.operation.line for line in asked}
        certain = [entry for entry in self._unused if entry[0] != REMOTE]
        return sorted(f"{kind} {line}" for kind, line in certain if line in lines)

    def _covers(self, fault, line):
        key = fault.kind, line.operation.line
        self._unused.discard(key)
        return key in self._known
