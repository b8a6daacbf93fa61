"""What a person runs once: the state's container, the keys of its secrets, the first identity."""
