"""The servers of a room, of which all but one die, played by one process."""
