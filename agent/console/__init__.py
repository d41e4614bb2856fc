"""The approval console: a small web application on this machine. Importing this package does nothing."""
