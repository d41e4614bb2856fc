"""Order: the loop, the task, the trail and the front doors. Importing this package does nothing."""
