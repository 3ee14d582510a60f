"""Servers that lie, played by one process, and what is done with them."""
