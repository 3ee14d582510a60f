"""What happens between the nodes of one server, measured from outside."""
