"""Wanting: from a goal and an observation to one move. Importing this package does nothing."""
