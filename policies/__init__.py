"""Who may do what. Importing this package does nothing."""
