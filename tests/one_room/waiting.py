"""Waiting for a condition, never for a time."""

import os
import time

DEADLINE = float(os.environ.get("GANTRY_TEST_DEADLINE", "20"))
"""Seconds after which something that should have happened counts as not happening."""

PAUSE = 0.05
"""Seconds between two looks at something that cannot announce itself."""


def eventually(look, what, deadline=DEADLINE, pause=PAUSE):
    """Repeat `look` until it returns something true, and return that.

    Assertion errors count as "not yet"; the last one is the reason given when time is up.
    """
    end = time.monotonic() + deadline
    reason = None
    while True:
        try:
            if seen := look():
                return seen
        except AssertionError as error:
            reason = error
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {deadline:g} s") from reason
        time.sleep(pause)


def eventually_all(things, complaint, what, deadline=DEADLINE, pause=PAUSE):
    """Wait until each thing has once been without a `complaint`, which says why or nothing."""
    left = list(things)

    def nothing_is_left():
        nonlocal left
        found = [(thing, words) for thing in left if (words := complaint(thing))]
        left = [thing for thing, _ in found]
        assert not found, "\n".join(words for _, words in found)
        return True

    eventually(nothing_is_left, what, deadline, pause)
