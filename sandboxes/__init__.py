"""Places to act that can be thrown away. Importing this package does nothing."""
