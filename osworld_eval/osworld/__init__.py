"""OSWorld: its folder of tasks as it is."""
