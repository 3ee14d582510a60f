"""A request made by hand, as recipes write it."""

from dataclasses import dataclass, field
from typing import Any

NOTHING = object()
"""The body of a request that has none."""


@dataclass
class Call:
    """What a recipe replaces in the request that is filled from the prepared ids."""

    body: Any = NOTHING
    path: dict = field(default_factory=dict)
    query: dict = field(default_factory=dict)
    session: Any = None
    """Whose access token it carries; None for that of the prepared account."""
    media_type: str = "application/json"
    interactive: bool = False
    """Whether the server asks for the password in a second step."""
