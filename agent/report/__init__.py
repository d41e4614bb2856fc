"""A run as one HTML page. Importing this package does nothing."""
