"""The trail: what was meant, what was done, and proof that nobody edited it. Importing this package does nothing."""
