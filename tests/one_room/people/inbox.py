"""What a client library has delivered so far."""

import threading
import time

from waiting import DEADLINE

_SHOWN_IN_ERRORS = 8


class Inbox:
    """Things in order of arrival, which another thread can wait for."""

    def __init__(self, owner):
        self._owner = owner
        self._things = []
        self._arrival = threading.Condition()

    def put(self, thing):
        """Deliver something."""
        with self._arrival:
            self._things.append(thing)
            self._arrival.notify_all()

    def take(self, matches, what, deadline=DEADLINE):
        """Remove and return the first thing that matches, already here or still to come.

        What has been taken is not found again, so the same thing seen twice has to come twice.
        `what` describes it in the error.
        """
        end = time.monotonic() + deadline
        looked_at = 0
        with self._arrival:
            while True:
                for index in range(looked_at, len(self._things)):
                    if matches(self._things[index]):
                        return self._things.pop(index)
                looked_at = len(self._things)
                remaining = end - time.monotonic()
                if remaining <= 0:
                    raise AssertionError(self._complaint(what, deadline))
                self._arrival.wait(remaining)

    def _complaint(self, what, deadline):
        latest = "\n  ".join(str(thing)[:400] for thing in self._things[-_SHOWN_IN_ERRORS:])
        return f"{self._owner} did not see {what} within {deadline:g} s; the latest:\n  {latest}"
