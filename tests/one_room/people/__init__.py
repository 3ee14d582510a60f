"""The people of the story, each with a real client library.

They block: every method returns when the thing is done or seen, so that tests read as a story.
The client libraries run on one event loop in the background.
"""

from people.matrix import MatrixPerson, Refused
from people.rocket import RocketPerson

__all__ = ["MatrixPerson", "Refused", "RocketPerson"]
