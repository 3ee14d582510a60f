"""A generated room, and the servers of its members, played by one process."""
